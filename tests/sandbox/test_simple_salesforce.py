"""The sandbox under the real client library, which speaks https only: an adapter takes the s away."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
import requests
from requests.adapters import HTTPAdapter
from simple_salesforce import Salesforce
from simple_salesforce.exceptions import (
    SalesforceExpiredSession,
    SalesforceMalformedRequest,
    SalesforceMoreThanOneRecord,
    SalesforceResourceNotFound,
)
from simple_salesforce.format import format_external_id, format_soql

from connector.sandbox import Sandbox


class _PlainHttp(HTTPAdapter):
    """Sends what the library addresses to https:// by http://."""

    def send(self, request: requests.PreparedRequest, *args: Any, **options: Any) -> requests.Response:
        request.url = (request.url or "").replace("https://", "http://", 1)
        return super().send(request, *args, **options)


@pytest.fixture
def sf(sandbox: Sandbox) -> Iterator[Salesforce]:
    with requests.Session() as session:
        session.mount("https://", _PlainHttp())
        yield Salesforce(
            session_id=sandbox.sessions.issue(),
            instance_url=sandbox.base_url,
            version="63.0",
            session=session,
            parse_float=Decimal,
        )


def test_records_are_created_read_changed_and_deleted(sf: Salesforce, sandbox: Sandbox) -> None:
    made = sf.Account.create({"Name": "Ødegård & Sønner"})
    assert sf.Account.update(made["id"], {"Sync_Status__c": "Synced"}) == 204
    assert sf.Account.get(made["id"])["Sync_Status__c"] == "Synced"
    assert sf.Account.upsert(format_external_id("Sync_Key__c", "a/b c"), {"Name": "second"}) == 201
    assert sf.Account.upsert(format_external_id("Sync_Key__c", "a/b c"), {"Name": "again"}) == 200
    assert sf.Account.delete(made["id"]) == 204
    with pytest.raises(SalesforceResourceNotFound):
        sf.Account.get(made["id"])
    assert [row["Name"] for row in sandbox.all("Account")] == ["again"]


def test_queries_quote_page_and_keep_decimals(sf: Salesforce, sandbox: Sandbox, deal: dict[str, str]) -> None:
    for number in range(5):
        sandbox.insert("Account", {"Name": f"O'Hara {number}"})
    sandbox.org.queries.page_size_cap = 2

    found = sf.query_all(format_soql("SELECT Id, Name FROM Account WHERE Name LIKE '{:like}%'", "O'Hara"))
    lines = sf.query(format_soql("SELECT TotalPrice FROM QuoteLineItem WHERE QuoteId IN {}", [deal["quote"]]))
    since = format_soql("SELECT Id FROM Quote WHERE SystemModstamp >= {}", datetime(2026, 3, 2, 9, 30, tzinfo=UTC))

    assert found["totalSize"] == len(found["records"]) == 5
    assert [line["TotalPrice"] for line in lines["records"]] == [Decimal("90.05"), Decimal("0.5")]
    assert sf.query(since)["totalSize"] == 1
    assert sf.query("SELECT COUNT() FROM Account")["totalSize"] == 6


def test_refusals_become_the_librarys_exceptions(sf: Salesforce, sandbox: Sandbox, deal: dict[str, str]) -> None:
    for name in "ab":
        sandbox.insert("Account", {"Name": name, "Sync_Billing_Id__c": "twin"})

    with pytest.raises(SalesforceMalformedRequest) as refused:
        sf.Quote.update(deal["quote"], {"Sync_Status__c": "?"})
    assert refused.value.content[0]["errorCode"] == "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"
    with pytest.raises(SalesforceMoreThanOneRecord):
        sf.Account.upsert("Sync_Billing_Id__c/twin", {"Name": "x"})
    sandbox.expire_tokens()
    with pytest.raises(SalesforceExpiredSession):
        sf.query("SELECT Id FROM Quote")


def test_composite_collections_describe_limits_and_replication(
    sf: Salesforce, sandbox: Sandbox, deal: dict[str, str]
) -> None:
    part = {"method": "GET", "url": f"/services/data/v63.0/sobjects/Quote/{deal['quote']}", "referenceId": "q"}
    row = {"attributes": {"type": "Quote"}, "id": deal["quote"], "Sync_Attempts__c": 1}

    composite = sf.restful("composite", method="POST", json={"compositeRequest": [part]})
    rows = sf.restful("composite/sobjects", method="PATCH", json={"allOrNone": False, "records": [row]})
    updated = sf.Quote.updated(datetime(2026, 3, 2, 9, tzinfo=UTC), datetime(2026, 3, 2, 10, tzinfo=UTC))

    assert composite["compositeResponse"][0]["httpStatusCode"] == 200
    assert rows[0]["success"]
    assert updated["ids"] == [deal["quote"]]
    assert sf.Quote.describe()["keyPrefix"] == "0Q0"
    assert any(item["name"] == "Order" for item in sf.describe()["sobjects"])
    assert sf.limits()["DailyApiRequests"]["Max"] == 5_000_000
    assert sf.api_usage["api-usage"].total == 5_000_000
    assert sandbox.calls.by_kind["POST composite"] == 1
