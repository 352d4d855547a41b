"""Describe, and what the integration user cannot see."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from connector.sandbox import Sandbox
from tests.sandbox.conftest import NOW, Api


def _fields(api: Api, name: str) -> dict[str, dict[str, Any]]:
    return {field["name"]: field for field in api.get(f"sobjects/{name}/describe").json()["fields"]}


def test_describe_tells_types_lengths_and_picklists(api: Api) -> None:
    fields = _fields(api, "Quote")

    status, key, value = (fields[name] for name in ("Sync_Status__c", "Sync_Key__c", "Total_Contract_Value__c"))
    assert (status["type"], status["restrictedPicklist"]) == ("picklist", True)
    assert [item["value"] for item in status["picklistValues"]][:3] == ["Not Sent", "Pending", "In Progress"]
    assert (key["length"], key["externalId"], key["unique"], key["caseSensitive"]) == (80, True, True, True)
    assert (value["type"], value["precision"], value["scale"]) == ("currency", 18, 3)
    assert (fields["Sync_Attempts__c"]["precision"], fields["Sync_Attempts__c"]["scale"]) == (4, 0)
    assert (fields["Sync_Error__c"]["length"], fields["Sync_Error__c"]["filterable"]) == (4000, False)
    assert fields["AccountId"]["referenceTo"] == ["Account"]
    assert fields["AccountId"]["relationshipName"] == "Account"
    assert not fields["TotalPrice"]["updateable"]
    assert not fields["Name"]["nillable"]
    assert fields["Sync_Billing_Id__c"]["externalId"]
    assert not fields["Sync_Billing_Id__c"]["unique"]


def test_the_status_fields_stand_on_the_four_objects(api: Api) -> None:
    for name in ("Quote", "Opportunity", "Order", "Account"):
        assert sum(field.startswith("Sync_") for field in _fields(api, name)) == 25


def test_child_relationships_and_key_prefixes_are_listed(api: Api) -> None:
    found = api.get("sobjects/Quote/describe").json()

    assert found["keyPrefix"] == "0Q0"
    names = [child["relationshipName"] for child in found["childRelationships"]]
    assert names == ["QuoteLineItems", "Orders"]
    assert {item["name"] for item in api.get("sobjects").json()["sobjects"]} >= {"Quote", "Order", "Contract", "User"}


def test_an_unchanged_describe_is_answered_304_until_the_schema_changes(api: Api, sandbox: Sandbox) -> None:
    stamp = api.get("sobjects/Quote/describe").headers["Last-Modified"]

    again = api.call("GET", "sobjects/Quote/describe", headers={"If-Modified-Since": stamp})
    sandbox.clock.advance(minutes=1)
    sandbox.schema.hide("Quote", "PO_Number__c")
    changed = api.call("GET", "sobjects/Quote/describe", headers={"If-Modified-Since": stamp})

    assert (again.status_code, again.content, changed.status_code) == (304, b"", 200)


def test_a_hidden_field_is_absent_everywhere_and_unknown_by_name(
    api: Api, sandbox: Sandbox, deal: dict[str, str]
) -> None:
    sandbox.schema.hide("Quote", "PO_Number__c")
    record = f"sobjects/Quote/{deal['quote']}"

    assert "PO_Number__c" not in _fields(api, "Quote")
    assert "PO_Number__c" not in api.get(record).json()
    assert api.code(api.get(record, fields="PO_Number__c")) == (400, "INVALID_FIELD")
    assert api.code(api.get("query", q="SELECT PO_Number__c FROM Quote")) == (400, "INVALID_FIELD")
    assert api.code(api.call("PATCH", record, json={"PO_Number__c": "1"})) == (400, "INVALID_FIELD")
    sandbox.schema.show("Quote", "PO_Number__c")
    assert api.get(record, fields="PO_Number__c").status_code == 200


def test_a_hidden_object_is_an_unknown_type(api: Api, sandbox: Sandbox, deal: dict[str, str]) -> None:
    sandbox.schema.hide("Account")

    assert api.code(api.get("query", q="SELECT Id FROM Account")) == (400, "INVALID_TYPE")
    assert api.code(api.get("query", q="SELECT Account.Name FROM Quote")) == (400, "INVALID_FIELD")
    assert api.code(api.get("sobjects/Account/describe")) == (404, "NOT_FOUND")


def test_a_field_without_edit_right_can_be_read_but_not_written(
    api: Api, sandbox: Sandbox, deal: dict[str, str]
) -> None:
    sandbox.schema.freeze("Quote", "Sync_Status__c")

    response = api.call("PATCH", f"sobjects/Quote/{deal['quote']}", json={"Sync_Status__c": "Synced"})

    assert api.code(response) == (400, "INVALID_FIELD_FOR_INSERT_UPDATE")
    assert not _fields(api, "Quote")["Sync_Status__c"]["updateable"]


def test_without_multicurrency_the_currency_field_does_not_exist(api: Api, sandbox: Sandbox) -> None:
    sandbox.schema.switch("multicurrency", on=False)
    sandbox.schema.switch("person", on=False)

    assert api.code(api.get("query", q="SELECT CurrencyIsoCode FROM Quote")) == (400, "INVALID_FIELD")
    assert "CurrencyIsoCode" not in _fields(api, "QuoteLineItem")
    assert api.code(api.get("query", q="SELECT IsPersonAccount FROM Account")) == (400, "INVALID_FIELD")
    [org] = api.rows("SELECT Id, IsSandbox, OrganizationType, DefaultCurrencyIsoCode FROM Organization")
    assert (org["Id"], org["IsSandbox"], org["DefaultCurrencyIsoCode"]) == (sandbox.org_id, True, "USD")


def test_an_object_can_be_added_from_table_text(api: Api, sandbox: Sandbox) -> None:
    sandbox.schema.add(
        "Sync_Log__c", "a01", "Sync Logs", ("Name  AutoNumber(6) namefield\nQuote__c  Lookup(Quote.Sync_Logs__r)",)
    )

    made = api.call("POST", "sobjects/Sync_Log__c", json={}).json()["id"]

    assert api.rows("SELECT Name, Quote__r.Name FROM Sync_Log__c") == [
        {
            "attributes": {"type": "Sync_Log__c", "url": f"/services/data/v63.0/sobjects/Sync_Log__c/{made}"},
            "Name": "000001",
            "Quote__r": None,
        }
    ]


@pytest.fixture
def packaged() -> Iterator[Sandbox]:
    with Sandbox(now=NOW, auto_push=False, packages=("cpq", "docusign")) as running:
        yield running


def test_package_objects_exist_only_where_the_package_is_installed(api: Api, packaged: Sandbox) -> None:
    client = Api(packaged)

    assert api.code(api.get("query", q="SELECT Id FROM SBQQ__Quote__c")) == (400, "INVALID_TYPE")
    assert client.rows("SELECT Id FROM SBQQ__Quote__c WHERE SBQQ__Primary__c = true") == []
    assert client.rows("SELECT Id FROM Order WHERE SBQQ__Quote__c != null") == []
    assert sum(name.startswith("Sync_") for name in _fields(client, "SBQQ__Quote__c")) == 25
    client.session.close()
    with pytest.raises(ValueError, match="unknown package"):
        Sandbox(packages=["nonsense"])


def test_cpq_lines_are_read_below_their_quote_and_acceptance_pushes(packaged: Sandbox) -> None:
    packaged.pushes.settings.push_url = "http://127.0.0.1:9/"
    product = packaged.insert("Product2", {"Name": "Seat", "ProductCode": "SEAT"})
    quote = packaged.insert("SBQQ__Quote__c", {"SBQQ__Primary__c": True, "SBQQ__NetAmount__c": "10.00"})
    packaged.insert("SBQQ__QuoteLine__c", {"SBQQ__Quote__c": quote, "SBQQ__Product__c": product})
    client = Api(packaged)

    [row] = client.rows(
        "SELECT Name, (SELECT SBQQ__ProductCode__c, SBQQ__Product__r.Name FROM SBQQ__LineItems__r) FROM SBQQ__Quote__c"
    )
    client.session.close()
    packaged.update("SBQQ__Quote__c", quote, {"SBQQ__Status__c": "Accepted"})
    packaged.insert("dfsle__EnvelopeStatus__c", {"dfsle__SourceId__c": quote, "dfsle__Status__c": "Completed"})

    [line] = row["SBQQ__LineItems__r"]["records"]
    assert (line["SBQQ__ProductCode__c"], line["SBQQ__Product__r"]["Name"]) == ("SEAT", "Seat")
    assert [item.object_name for item in packaged.pending_pushes()] == ["SBQQ__Quote__c", "dfsle__EnvelopeStatus__c"]
