"""Single records over REST: create, read, change, delete, upsert, and every refusal with its code."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from connector.sandbox import Sandbox
from connector.sandbox.errors import Refusal
from tests.sandbox.conftest import NOW, Api


def test_a_created_record_is_read_back_with_defaults_and_stamps(api: Api, sandbox: Sandbox) -> None:
    made = api.call("POST", "sobjects/Account", json={"Name": "  Déjà Vu  ", "Description": "", "Phone": None})
    shown = api.get(f"sobjects/Account/{made.json()['id']}").json()

    assert made.status_code == 201
    assert made.json() == {"id": shown["Id"], "success": True, "errors": []}
    assert made.headers["Location"] == shown["attributes"]["url"]
    assert (shown["Name"], shown["Description"], shown["CurrencyIsoCode"]) == ("Déjà Vu", None, "USD")
    assert shown["CreatedDate"] == shown["SystemModstamp"] == "2026-03-02T09:30:00.000+0000"
    assert shown["CreatedById"] == shown["OwnerId"] == sandbox.integration_user_id


def test_a_change_moves_the_stamps_even_when_nothing_differs(api: Api, sandbox: Sandbox, deal: dict[str, str]) -> None:
    sandbox.clock.advance(seconds=5)

    response = api.call("PATCH", f"sobjects/Quote/{deal['quote'][:15]}", json={"Status": "Presented"})

    assert (response.status_code, response.content) == (204, b"")
    row = sandbox.get("Quote", deal["quote"])
    assert row["SystemModstamp"] == row["LastModifiedDate"] == datetime(2026, 3, 2, 9, 30, 5, tzinfo=UTC)
    assert row["CreatedDate"] == NOW
    assert row["LastModifiedById"] == sandbox.integration_user_id


def test_line_changes_move_totals_but_not_the_stamp_of_the_header(sandbox: Sandbox, deal: dict[str, str]) -> None:
    sandbox.clock.advance(minutes=1)

    sandbox.update("QuoteLineItem", deal["line"], {"Quantity": 7})
    sandbox.delete("QuoteLineItem", deal["other_line"])

    quote = sandbox.get("Quote", deal["quote"])
    # 7 x 33.35 = 233.45; less 10 % = 210.105, half up to the cent
    assert sandbox.get("QuoteLineItem", deal["line"])["TotalPrice"] == Decimal("210.11")
    assert (quote["Subtotal"], quote["TotalPrice"], quote["LineItemCount"]) == (Decimal("233.45"), Decimal("210.11"), 1)
    assert quote["SystemModstamp"] == NOW


def test_parents_give_account_currency_and_address(sandbox: Sandbox, deal: dict[str, str]) -> None:
    quote = sandbox.get("Quote", deal["quote"])

    assert quote["AccountId"] == deal["account"]
    assert quote["CurrencyIsoCode"] == sandbox.get("QuoteLineItem", deal["line"])["CurrencyIsoCode"] == "EUR"
    assert quote["BillingName"] == "Zürich Mützen & Söhne"
    assert sandbox.get("QuoteLineItem", deal["line"])["ProductCode"] == "SEAT"


def test_won_and_activated_follow_stage_and_status(sandbox: Sandbox, deal: dict[str, str]) -> None:
    sandbox.update("Opportunity", deal["opportunity"], {"StageName": "Closed Won"})
    order = sandbox.insert("Order", {"AccountId": deal["account"], "EffectiveDate": date(2026, 3, 1)})
    sandbox.update("Order", order, {"Status": "Activated"})
    contract = sandbox.insert(
        "Contract", {"AccountId": deal["account"], "StartDate": "2026-01-31", "ContractTerm": 1, "Status": "Activated"}
    )

    won = sandbox.get("Opportunity", deal["opportunity"])
    assert (won["IsWon"], won["IsClosed"], won["Probability"]) == (True, True, Decimal(100))
    activated = sandbox.get("Order", order)
    assert (activated["StatusCode"], activated["ActivatedDate"]) == ("Activated", NOW)
    sandbox.insert("OrderItem", {"OrderId": order, "Product2Id": deal["product"], "Quantity": 2, "UnitPrice": "1.5"})
    assert sandbox.get("Order", order)["TotalAmount"] == Decimal("3.00")
    assert sandbox.get("Contract", contract)["EndDate"] == date(2026, 2, 27)


def test_one_quote_of_an_opportunity_is_syncing(sandbox: Sandbox, deal: dict[str, str]) -> None:
    other = sandbox.insert("Quote", {"Name": "Hats 2", "OpportunityId": deal["opportunity"]})

    sandbox.update("Opportunity", deal["opportunity"], {"SyncedQuoteId": deal["quote"]})
    assert sandbox.get("Quote", deal["quote"])["IsSyncing"]
    sandbox.update("Opportunity", deal["opportunity"], {"SyncedQuoteId": other})

    assert not sandbox.get("Quote", deal["quote"])["IsSyncing"]
    assert sandbox.get("Quote", other)["IsSyncing"]


def test_a_person_account_is_named_by_its_person(sandbox: Sandbox) -> None:
    account = sandbox.insert("Account", {"FirstName": "Noa", "LastName": "Ben-Ari", "PersonEmail": "noa@x.example"})

    row = sandbox.get("Account", account)
    assert (row["Name"], row["IsPersonAccount"]) == ("Noa Ben-Ari", True)
    assert sandbox.get("Contact", row["PersonContactId"])["Email"] == "noa@x.example"


@pytest.mark.parametrize(
    ("values", "status", "code", "fields"),
    [
        ({"Nme": "x"}, 400, "INVALID_FIELD", None),
        ({"Sync_Status__c": "Done"}, 400, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", ["Sync_Status__c"]),
        ({"Sync_Error_Code__c": "x" * 81}, 400, "STRING_TOO_LONG", ["Sync_Error_Code__c"]),
        ({"Sync_Error__c": "x" * 4_001}, 400, "STRING_TOO_LONG", ["Sync_Error__c"]),
        ({"Sync_Attempts__c": 10_000}, 400, "NUMBER_OUTSIDE_VALID_RANGE", ["Sync_Attempts__c"]),
        ({"TotalPrice": 5}, 400, "INVALID_FIELD_FOR_INSERT_UPDATE", ["TotalPrice"]),
        ({"OpportunityId": None}, 400, "INVALID_FIELD_FOR_INSERT_UPDATE", ["OpportunityId"]),
        ({"Name": ""}, 400, "REQUIRED_FIELD_MISSING", ["Name"]),
        ({"Email": "not an address"}, 400, "INVALID_EMAIL_ADDRESS", ["Email"]),
        ({"ContactId": "0Q0gL0000000001SAA"}, 400, "MALFORMED_ID", ["ContactId"]),
        ({"ContactId": "003gL0000000099RAA"}, 400, "MALFORMED_ID", ["ContactId"]),
        ({"ContactId": "003gL0000000099"}, 400, "INVALID_CROSS_REFERENCE_KEY", ["ContactId"]),
        ({"Term_Months__c": "twelve"}, 400, "JSON_PARSER_ERROR", None),
        ({"Term_Months__c": True}, 400, "JSON_PARSER_ERROR", None),
        ({"Contract_Start__c": "2026-02-30"}, 400, "JSON_PARSER_ERROR", None),
        ({"Contract_Start__c": "1.2.2026"}, 400, "JSON_PARSER_ERROR", None),
        ({"Sync_Last_Attempt__c": "2026-02-03T10:00:00"}, 400, "JSON_PARSER_ERROR", None),
        ({"PO_Number__c": 4711}, 400, "JSON_PARSER_ERROR", None),
        ({"Credit_Unused__c": "yes"}, 400, "JSON_PARSER_ERROR", None),
        ({"PO_Number__c": {"a": 1}}, 400, "JSON_PARSER_ERROR", None),
        ({"Id": "0Q0gL0000000001SAA", "Name": "x"}, 400, "INVALID_FIELD", None),
    ],
)
def test_a_wrong_value_is_refused_and_nothing_is_written(
    api: Api, sandbox: Sandbox, deal: dict[str, str], values: dict[str, Any], status: int, code: str, fields: Any
) -> None:
    before = sandbox.get("Quote", deal["quote"])

    response = api.call("PATCH", f"sobjects/Quote/{deal['quote']}", json={"Description": "new"} | values)

    assert api.code(response) == (status, code)
    assert response.json()[0].get("fields") == fields
    assert sandbox.get("Quote", deal["quote"]) == before


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "sobjects/Qoute", 404, "NOT_FOUND"),
        ("GET", "sobjects/Quote/nonsense", 404, "NOT_FOUND"),
        ("GET", "sobjects/Quote/0Q0gL0000000999", 404, "NOT_FOUND"),
        ("GET", "sobjects/Quote/001gL0000000001", 400, "MALFORMED_ID"),
        ("GET", "sobjects/Quote/0Q0gL0000000001SAB", 400, "MALFORMED_ID"),
        ("GET", "sobjects/Quote/Name/x", 404, "NOT_FOUND"),
        ("GET", "nonsense", 404, "NOT_FOUND"),
        ("GET", "query", 400, "MALFORMED_QUERY"),
        ("PUT", "sobjects/Quote/0Q0gL0000000001SAA", 405, "METHOD_NOT_ALLOWED"),
        ("POST", "sobjects/Quote", 400, "JSON_PARSER_ERROR"),
    ],
)
def test_a_wrong_path_is_refused(
    api: Api, deal: dict[str, str], method: str, path: str, status: int, code: str
) -> None:
    assert api.code(api.call(method, path)) == (status, code)


def test_named_fields_alone_are_shown_and_an_unknown_one_is_refused(api: Api, deal: dict[str, str]) -> None:
    shown = api.get(f"sobjects/Quote/{deal['quote']}", fields="name,TotalPrice")

    assert list(shown.json()) == ["attributes", "Name", "TotalPrice", "Id"]
    assert api.code(api.get(f"sobjects/Quote/{deal['quote']}", fields="Nme")) == (400, "INVALID_FIELD")


def test_a_deleted_record_says_so_and_comes_back_under_its_id(api: Api, sandbox: Sandbox, deal: dict[str, str]) -> None:
    assert api.call("DELETE", f"sobjects/Quote/{deal['quote']}").status_code == 204

    assert api.code(api.get(f"sobjects/Quote/{deal['quote']}")) == (404, "ENTITY_IS_DELETED")
    assert api.code(api.get(f"sobjects/QuoteLineItem/{deal['line']}")) == (404, "ENTITY_IS_DELETED")
    sandbox.undelete("Quote", deal["quote"])
    assert api.get(f"sobjects/QuoteLineItem/{deal['line']}").status_code == 200


def test_a_merged_account_points_to_the_winner(api: Api, sandbox: Sandbox, deal: dict[str, str]) -> None:
    winner = sandbox.insert("Account", {"Name": "Winner"})

    sandbox.merge_accounts(winner, deal["account"])

    [gone] = api.query("SELECT Id, MasterRecordId FROM Account WHERE IsDeleted = true", path="queryAll")["records"]
    assert (gone["Id"], gone["MasterRecordId"]) == (deal["account"], winner)
    assert sandbox.get("Quote", deal["quote"])["AccountId"] == winner


def test_upsert_creates_once_and_then_updates(api: Api, sandbox: Sandbox) -> None:
    path = "sobjects/Account/Sync_Key__c/cus%2F1%20%C3%BC"

    created = api.call("PATCH", path, json={"Name": "First"})
    updated = api.call("PATCH", path, json={"Name": "Second"})

    assert (created.status_code, created.json()["created"]) == (201, True)
    assert (updated.status_code, updated.json()["created"]) == (200, False)
    assert created.json()["id"] == updated.json()["id"]
    row = sandbox.get("Account", created.json()["id"])
    assert (row["Name"], row["Sync_Key__c"]) == ("Second", "cus/1 ü")
    assert api.get(path).json()["Id"] == row["Id"]


def test_upsert_before_version_46_answers_without_a_body(sandbox: Sandbox) -> None:
    sandbox.insert("Account", {"Name": "x", "Sync_Key__c": "k"})
    old = Api(sandbox, version="45.0")

    response = old.call("PATCH", "sobjects/Account/Sync_Key__c/k", json={"Name": "y"})
    old.session.close()

    assert (response.status_code, response.content) == (204, b"")


def test_upsert_refuses_several_matches_unknown_fields_and_ids_in_the_body(api: Api, sandbox: Sandbox) -> None:
    twins = [sandbox.insert("Account", {"Name": name, "Sync_Billing_Id__c": "sub-1"}) for name in "ab"]

    several = api.call("PATCH", "sobjects/Account/Sync_Billing_Id__c/SUB-1", json={"Name": "x"})
    assert several.status_code == 300
    assert several.json() == [f"/services/data/v63.0/sobjects/Account/{one}" for one in twins]
    unknown = api.call("PATCH", "sobjects/Account/Tax_Id__c/1", json={"Name": "x"})
    assert api.code(unknown) == (404, "NOT_FOUND")
    doubled = api.call("PATCH", "sobjects/Account/Sync_Key__c/k", json={"Name": "x", "Sync_Key__c": "k"})
    assert api.code(doubled) == (400, "INVALID_FIELD")
    absent = api.call("PATCH", "sobjects/Account/Sync_Key__c/k?updateOnly=true", json={"Name": "x"})
    assert api.code(absent) == (404, "NOT_FOUND")
    assert len(sandbox.all("Account")) == 2


def test_a_unique_key_is_given_once_and_its_case_counts(api: Api, sandbox: Sandbox) -> None:
    first = sandbox.insert("Account", {"Name": "a", "Sync_Key__c": "Key"})
    second = sandbox.insert("Account", {"Name": "b", "Sync_Key__c": "key"})

    response = api.call("PATCH", f"sobjects/Account/{second}", json={"Sync_Key__c": "Key"})

    assert api.code(response) == (400, "DUPLICATE_VALUE")
    assert first in response.json()[0]["message"]
    sandbox.delete("Account", first)
    assert api.call("PATCH", f"sobjects/Account/{second}", json={"Sync_Key__c": "Key"}).status_code == 204


def test_a_write_on_an_older_state_is_refused_on_request(api: Api, sandbox: Sandbox, deal: dict[str, str]) -> None:
    sandbox.clock.advance(minutes=5)
    sandbox.update("Quote", deal["quote"], {"Description": "newer"})
    path = f"sobjects/Quote/{deal['quote']}"

    old = api.call("PATCH", path, json={}, headers={"If-Unmodified-Since": "Mon, 02 Mar 2026 09:31:00 GMT"})
    new = api.call("PATCH", path, json={}, headers={"If-Unmodified-Since": "Mon, 02 Mar 2026 09:35:00 GMT"})

    assert (old.status_code, new.status_code) == (412, 204)


def test_replication_lists_changes_and_deletions_of_a_span(api: Api, sandbox: Sandbox, deal: dict[str, str]) -> None:
    sandbox.clock.advance(minutes=10)
    sandbox.delete("QuoteLineItem", deal["line"])
    sandbox.clock.advance(minutes=10)
    span = {"start": "2026-03-02T09:30:00+00:00", "end": "2026-03-02T09:45:00+00:00"}

    updated = api.get("sobjects/QuoteLineItem/updated/", **span).json()
    deleted = api.get("sobjects/QuoteLineItem/deleted/", **span).json()

    assert updated == {"ids": [deal["other_line"]], "latestDateCovered": "2026-03-02T09:45:00.000+0000"}
    assert deleted["deletedRecords"] == [{"id": deal["line"], "deletedDate": "2026-03-02T09:40:00.000+0000"}]
    wrong = api.get("sobjects/Quote/updated/", start="2026-01-01T00:00:00Z", end="2026-03-01T00:00:00Z")
    assert api.code(wrong) == (400, "INVALID_REPLICATION_DATE")


def test_many_clients_upserting_one_key_make_one_record(sandbox: Sandbox) -> None:
    def upsert(number: int) -> int:
        client = Api(sandbox)
        status = client.call("PATCH", "sobjects/Account/Sync_Key__c/one", json={"Name": str(number)}).status_code
        client.session.close()
        return status

    with ThreadPoolExecutor(8) as pool:
        statuses = sorted(pool.map(upsert, range(16)))

    assert statuses == [200] * 15 + [201]
    assert len(sandbox.all("Account")) == 1


def test_python_callers_meet_the_same_rules_but_no_field_security(sandbox: Sandbox, deal: dict[str, str]) -> None:
    sandbox.schema.hide("Quote", "PO_Number__c")

    sandbox.update("Quote", deal["quote"], {"PO_Number__c": "4711"})

    assert sandbox.get("Quote", deal["quote"])["PO_Number__c"] == "4711"
    with pytest.raises(Refusal, match="STRING_TOO_LONG"):
        sandbox.update("Quote", deal["quote"], {"PO_Number__c": "x" * 81})
    with pytest.raises(ValueError, match="no index"):
        sandbox.records.rows_by("Quote", "Name", "x")
    with pytest.raises(TypeError, match="float"):
        sandbox.update("QuoteLineItem", deal["line"], {"Quantity": 1.5})
