"""Reading from Salesforce: few calls, whole answers, exact numbers, and nothing lost in silence."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from connector.adapters.clock import FixedClock
from connector.adapters.salesforce import SimpleSalesforceGateway
from connector.domain.salesforce_ids import NotASalesforceId, id18
from connector.domain.terms import RecordRef
from connector.errors import Misconfigured, Unavailable
from connector.ports import RecordSelection
from connector.ports_sweeps import RecordStamp
from tests.adapters.scripted_org import ORG_ID, ScriptedOrg, answer

SERVER_AT = datetime(2026, 3, 2, 9, 31, 7, tzinfo=UTC)
QUOTE = id18("0Q0V0000000abcd")
OTHER = id18("0Q0V0000000abce")
SELECTION = RecordSelection(
    object="Quote",
    fields=("Name", "Account.Name", "Account.Owner.Email", "GrandTotal", "CurrencyIsoCode"),
    line_object="QuoteLineItem",
    line_parent_field="QuoteId",
    line_fields=("Quantity", "Product2.ProductCode"),
    line_order=("SortOrder",),
)


def quote(record_id: str, **changes: Any) -> dict[str, Any]:
    owner = {"attributes": {"type": "User"}, "Email": "ann@acme.com"}
    account = {"attributes": {"type": "Account"}, "Name": "Acme", "Owner": owner}
    row = {
        "Id": record_id,
        "Name": "Deal",
        "Account": account,
        "GrandTotal": Decimal("10.50"),
        "CurrencyIsoCode": "EUR",
    }
    return row | changes


def line(number: int, parent: str) -> dict[str, Any]:
    product = {"attributes": {"type": "Product2"}, "ProductCode": f"P-{number}"}
    return {"Id": id18(f"0QLV00000{number:06d}"), "QuoteId": parent, "Quantity": 3, "Product2": product}


def test_records_come_with_their_parents_and_lines_in_one_call(
    org: ScriptedOrg, gateway: SimpleSalesforceGateway
) -> None:
    org.rows["Quote"] = [quote(OTHER), quote(QUOTE, Account=None)]
    org.rows["QuoteLineItem"] = [line(1, QUOTE), line(2, OTHER), line(3, QUOTE)]

    records = gateway.fetch(selection=SELECTION, record_ids=[QUOTE[:15], OTHER, QUOTE])

    assert [record.ref for record in records] == [RecordRef(ORG_ID, "Quote", QUOTE), RecordRef(ORG_ID, "Quote", OTHER)]
    assert records[0].fields["Account"] is None
    assert records[1].fields == {
        "Id": OTHER,
        "Name": "Deal",
        "Account": {"Name": "Acme", "Owner": {"Email": "ann@acme.com"}},
        "GrandTotal": Decimal("10.50"),
        "CurrencyIsoCode": "EUR",
    }
    assert [row["Product2"] for row in records[0].lines] == [{"ProductCode": "P-1"}, {"ProductCode": "P-3"}]
    assert [row["Product2"]["ProductCode"] for row in records[1].lines] == ["P-2"]
    assert {record.read_at for record in records} == {SERVER_AT}
    assert all(record.meets_where for record in records)
    assert len(org.calls_to("/composite")) == 1
    assert gateway.usage().calls == 1


def test_the_queries_name_each_field_once_and_lines_are_no_sub_select(
    org: ScriptedOrg, gateway: SimpleSalesforceGateway
) -> None:
    selection = RecordSelection(
        object="SBQQ__Quote__c",
        fields=("Id", "Name", "name", "Name"),
        line_object="SBQQ__QuoteLine__c",
        line_parent_field="SBQQ__Quote__c",
        line_order=("SBQQ__Number__c DESC NULLS LAST",),
        where="SBQQ__Primary__c = true OR Name = 'a)'",
    )

    assert gateway.fetch(selection=selection, record_ids=[QUOTE]) == ()

    assert org.queries == [
        f"SELECT Id, Name FROM SBQQ__Quote__c WHERE Id IN ('{QUOTE}')",
        f"SELECT Id, SBQQ__Quote__c FROM SBQQ__QuoteLine__c WHERE SBQQ__Quote__c IN ('{QUOTE}') "
        "ORDER BY SBQQ__Quote__c, SBQQ__Number__c DESC NULLS LAST, Id",
        f"SELECT Id FROM SBQQ__Quote__c WHERE Id IN ('{QUOTE}') AND (SBQQ__Primary__c = true OR Name = 'a)')",
    ]


def test_a_condition_is_answered_for_each_record_in_the_same_call(
    org: ScriptedOrg, gateway: SimpleSalesforceGateway
) -> None:
    org.rows["Quote"] = [quote(QUOTE), quote(OTHER)]
    org.meeting = lambda record_id: record_id == OTHER
    selection = RecordSelection(object="Quote", fields=("Name",), where="IsSyncing = true")

    records = gateway.fetch(selection=selection, record_ids=[QUOTE, OTHER])

    assert [record.meets_where for record in records] == [False, True]
    assert len(org.calls_to("/composite")) == 1


def test_amounts_keep_every_digit(org: ScriptedOrg, gateway: SimpleSalesforceGateway) -> None:
    org.rows["Quote"] = [quote(QUOTE, GrandTotal=Decimal("12345678901234.123"))]

    (record,) = gateway.fetch(selection=SELECTION, record_ids=[QUOTE])

    assert record.fields["GrandTotal"] == Decimal("12345678901234.123")
    assert isinstance(record.fields["GrandTotal"], Decimal)


def test_201_ids_make_two_calls(org: ScriptedOrg, gateway: SimpleSalesforceGateway) -> None:
    ids = [id18(f"0Q0V00000{number:06d}") for number in range(201)]
    org.rows["Quote"] = [quote(record_id) for record_id in ids]

    records = gateway.fetch(selection=SELECTION, record_ids=ids)

    assert [record.ref.record_id for record in records] == ids
    assert len(org.calls_to("/composite")) == 2
    assert gateway.calls_by_purpose() == {"login": 1, "fetch": 2}


def test_no_ids_make_no_call(org: ScriptedOrg, gateway: SimpleSalesforceGateway) -> None:
    assert gateway.fetch(selection=SELECTION, record_ids=[]) == ()
    assert org.calls == []


def test_every_page_of_lines_is_followed(org: ScriptedOrg, gateway: SimpleSalesforceGateway) -> None:
    org.page_size = 40
    org.rows["Quote"] = [quote(QUOTE)]
    org.rows["QuoteLineItem"] = [line(number, QUOTE) for number in range(95)]

    (record,) = gateway.fetch(selection=SELECTION, record_ids=[QUOTE])

    assert [row["Product2"]["ProductCode"] for row in record.lines] == [f"P-{number}" for number in range(95)]
    assert gateway.usage().calls == 3


def test_a_page_that_is_short_of_rows_is_not_taken_for_the_whole(
    org: ScriptedOrg, gateway: SimpleSalesforceGateway
) -> None:
    org.refuse("/composite", *[composite_of({"totalSize": 2, "done": True, "records": [quote(QUOTE)]})] * 4)

    with pytest.raises(Unavailable, match="2 rows were announced and 1 came"):
        gateway.fetch(selection=RecordSelection("Quote", ("Name",)), record_ids=[QUOTE, OTHER])


@pytest.mark.parametrize("address", ["https://evil.example.com/query/x-1", "/services/data/v63.0/limits", None, 7])
def test_only_a_query_cursor_is_followed(org: ScriptedOrg, gateway: SimpleSalesforceGateway, address: Any) -> None:
    page = {"totalSize": 2, "done": False, "records": [quote(QUOTE)], "nextRecordsUrl": address}
    org.refuse("/composite", *[composite_of(page)] * 4)

    with pytest.raises(Unavailable, match="does not say where"):
        gateway.fetch(selection=RecordSelection("Quote", ("Name",)), record_ids=[QUOTE])


def test_a_cursor_that_turns_in_a_circle_ends(org: ScriptedOrg, gateway: SimpleSalesforceGateway) -> None:
    page = {"totalSize": 9, "done": False, "records": [], "nextRecordsUrl": "/services/data/v63.0/query/x-1"}
    org.refuse("/composite", composite_of(page))
    org.refuse("/query/x-1", *[answer(200, page)] * 3)

    with pytest.raises(Unavailable, match="same page"):
        gateway.fetch(selection=RecordSelection("Quote", ("Name",)), record_ids=[QUOTE])


@pytest.mark.parametrize(
    "bad", ["0Q0V0000000abc'", "' OR Name != '", "0Q0V0000000abcdKAA') OR (Id != null", "", "0Q0V0000000abcd KAA"]
)
def test_an_id_that_could_change_the_query_is_refused_before_any_call(
    org: ScriptedOrg, gateway: SimpleSalesforceGateway, bad: str
) -> None:
    with pytest.raises(NotASalesforceId):
        gateway.fetch(selection=SELECTION, record_ids=[QUOTE, bad])

    assert org.calls == []


@pytest.mark.parametrize(
    "selection",
    [
        RecordSelection(object="Quote WHERE Id != null", fields=("Name",)),
        RecordSelection(object="Account.Quote", fields=("Name",)),
        RecordSelection(object="Quote", fields=("Name FROM User",)),
        RecordSelection(object="Quote", fields=("(SELECT Id FROM Lines)",)),
        RecordSelection(object="Quote", fields=("Account..Name",)),
        RecordSelection(object="Quote", fields=("Name\n",)),
        RecordSelection(object="Quote", fields=(), line_object="L", line_parent_field="QuoteId IN ('x') OR QuoteId"),
        RecordSelection(object="Quote", fields=(), line_object="L", line_parent_field="QuoteId", line_order=("Id, X",)),
        RecordSelection(object="Quote", fields=(), where="A = 1) OR (B = 2"),
        RecordSelection(object="Quote", fields=(), where="Name = 'open"),
        RecordSelection(object="Quote", fields=(), where="(A = 1"),
        RecordSelection(object="Quote", fields=(), where="Name = 'x\\'"),
    ],
)
def test_names_and_conditions_that_could_change_the_query_are_refused_before_any_call(
    org: ScriptedOrg, gateway: SimpleSalesforceGateway, selection: RecordSelection
) -> None:
    with pytest.raises(Misconfigured) as wrong:
        gateway.fetch(selection=selection, record_ids=[QUOTE])

    assert wrong.value.fix
    assert org.calls == []


def test_a_hidden_field_is_named_with_both_causes_and_the_fix(
    org: ScriptedOrg, gateway: SimpleSalesforceGateway
) -> None:
    org.hidden = {("Account", "Name")}

    with pytest.raises(Misconfigured) as wrong:
        gateway.fetch(selection=SELECTION, record_ids=[QUOTE])

    assert wrong.value.code == "INVALID_FIELD"
    assert "Account.Name" in str(wrong.value)
    assert "misspelt" in str(wrong.value)
    assert "hidden" in str(wrong.value)
    assert "permission set" in wrong.value.fix
    assert "SELECT" not in str(wrong.value) + wrong.value.fix


def test_a_hidden_field_of_the_lines_is_found_although_the_header_was_answered(
    org: ScriptedOrg, gateway: SimpleSalesforceGateway
) -> None:
    org.rows["Quote"] = [quote(QUOTE)]
    org.hidden = {("QuoteLineItem", "Quantity")}

    with pytest.raises(Misconfigured, match=r"QuoteLineItem\.Quantity"):
        gateway.fetch(selection=SELECTION, record_ids=[QUOTE])


def test_an_unnamed_refused_field_is_told_as_one_of_those_asked_for(
    org: ScriptedOrg, gateway: SimpleSalesforceGateway
) -> None:
    localised = [{"errorCode": "INVALID_FIELD", "message": "Keine solche Spalte"}]
    org.refuse("/composite", composite_of(localised, status=400))

    with pytest.raises(Misconfigured, match=r"one of Quote: Id, Name, Total__c"):
        gateway.fetch(selection=RecordSelection("Quote", ("Name", "Total__c")), record_ids=[QUOTE])


def test_the_currency_field_is_left_out_where_the_org_has_one_currency_and_that_is_remembered(
    org: ScriptedOrg, gateway: SimpleSalesforceGateway, clock: FixedClock
) -> None:
    row = quote(QUOTE)
    del row["CurrencyIsoCode"]
    org.rows["Quote"] = [row]
    org.hidden = {("Quote", "CurrencyIsoCode")}

    (first,) = gateway.fetch(selection=SELECTION, record_ids=[QUOTE])
    gateway.fetch(selection=SELECTION, record_ids=[QUOTE])

    assert "CurrencyIsoCode" not in first.fields
    assert gateway.usage().calls == 3
    assert "CurrencyIsoCode" not in org.queries[-2]


def test_an_optional_field_is_left_out_where_the_org_refuses_it(
    org: ScriptedOrg, gateway: SimpleSalesforceGateway
) -> None:
    org.rows["Quote"] = [quote(QUOTE)]
    org.hidden = {("Quote", "Region__c"), ("Quote", "Total__c")}
    optional = RecordSelection("Quote", ("Name", "Region__c"), optional_fields=("Region__c",))

    (found,) = gateway.fetch(selection=optional, record_ids=[QUOTE])

    assert "Region__c" not in found.fields
    assert "Name" in found.fields
    with pytest.raises(Misconfigured, match="Total__c"):
        gateway.fetch(
            selection=RecordSelection("Quote", ("Total__c", "Region__c"), optional_fields=("Region__c",)),
            record_ids=[QUOTE],
        )


def test_an_org_that_gains_currencies_is_noticed_within_an_hour(
    org: ScriptedOrg, gateway: SimpleSalesforceGateway, clock: FixedClock
) -> None:
    org.rows["Quote"] = [quote(QUOTE)]
    org.hidden = {("Quote", "CurrencyIsoCode")}
    gateway.fetch(selection=SELECTION, record_ids=[QUOTE])

    org.hidden = set()
    clock.advance(timedelta(hours=1))
    gateway.fetch(selection=SELECTION, record_ids=[QUOTE])

    assert "CurrencyIsoCode" in org.queries[-2]


def test_a_currency_field_refused_in_a_condition_is_not_left_out(
    org: ScriptedOrg, gateway: SimpleSalesforceGateway
) -> None:
    fault = [{"errorCode": "INVALID_FIELD", "message": "No such column 'CurrencyIsoCode' on entity 'Quote'"}]
    org.refuse("/composite", composite_of(fault, status=400))

    with pytest.raises(Misconfigured, match="CurrencyIsoCode"):
        gateway.fetch(selection=RecordSelection("Quote", ("Name",)), record_ids=[QUOTE])


@pytest.mark.parametrize(
    ("status", "body", "error", "code"),
    [
        (400, [{"errorCode": "QUERY_TIMEOUT", "message": "too long"}], Unavailable, "QUERY_TIMEOUT"),
        (400, [{"errorCode": "INVALID_TYPE", "message": "sObject type 'Qoute'"}], Misconfigured, "INVALID_TYPE"),
        (400, [{"errorCode": "MALFORMED_QUERY", "message": "SELECT x"}], Misconfigured, "MALFORMED_QUERY"),
        (500, "<html>", Unavailable, "HTML_ANSWER"),
    ],
)
def test_a_part_that_failed_inside_a_good_answer_is_an_error(
    org: ScriptedOrg, gateway: SimpleSalesforceGateway, status: int, body: Any, error: type[Exception], code: str
) -> None:
    org.refuse("/composite", composite_of(body, status=status))

    with pytest.raises(error) as raised:
        gateway.fetch(selection=RecordSelection("Quote", ("Name",)), record_ids=[QUOTE])

    assert raised.value.code == code  # type: ignore[attr-defined]
    assert "SELECT" not in str(raised.value)


@pytest.mark.parametrize(
    "body",
    [
        {"compositeResponse": []},
        {"compositeResponse": [{"referenceId": "headers"}]},
        {"something": 1},
        [1],
        {"compositeResponse": [{"referenceId": "headers", "httpStatusCode": 200, "body": {"done": True}}]},
        {"compositeResponse": [{"referenceId": "headers", "httpStatusCode": 200, "body": {"records": [7]}}]},
        {"compositeResponse": [{"referenceId": "headers", "httpStatusCode": 200, "body": {"records": [{"Id": "x"}]}}]},
        "null",
        "7",
        "",
        '{"compositeResponse": [{"ref',
        "<html>login</html>",
    ],
)
def test_an_answer_of_another_shape_is_an_unreadable_answer(
    org: ScriptedOrg, gateway: SimpleSalesforceGateway, body: Any
) -> None:
    org.refuse("/composite", *[answer(200, body)] * 4)

    with pytest.raises(Unavailable) as raised:
        gateway.fetch(selection=RecordSelection("Quote", ("Name",)), record_ids=[QUOTE])

    assert raised.value.code == "UNREADABLE_ANSWER"


def test_signed_records_come_oldest_first_with_their_stamps(org: ScriptedOrg, gateway: SimpleSalesforceGateway) -> None:
    org.page_size = 1
    org.rows["Quote"] = [
        {"Id": QUOTE, "SystemModstamp": "2026-03-01T10:00:00.000+0000"},
        {"Id": OTHER, "SystemModstamp": "2026-03-01T10:00:05.000Z"},
    ]

    stamps = gateway.fetch_signed(
        object_name="Quote",
        condition="Status IN ('Accepted', 'Won (new)')",
        since=datetime(2026, 3, 1, tzinfo=UTC),
        until=datetime(2026, 3, 2, 9, 30, 59, 999999, tzinfo=UTC),
        limit=500,
    )

    assert stamps == (
        RecordStamp(QUOTE, datetime(2026, 3, 1, 10, tzinfo=UTC)),
        RecordStamp(OTHER, datetime(2026, 3, 1, 10, 0, 5, tzinfo=UTC)),
    )
    assert all(stamp.modified_at.tzinfo is UTC for stamp in stamps)
    assert org.queries == [
        "SELECT Id, SystemModstamp FROM Quote WHERE (Status IN ('Accepted', 'Won (new)')) "
        "AND SystemModstamp >= 2026-03-01T00:00:00+00:00 AND SystemModstamp < 2026-03-02T09:30:59+00:00 "
        "ORDER BY SystemModstamp, Id LIMIT 500"
    ]
    assert gateway.calls_by_purpose()["sweep"] == 2


def test_a_sweep_without_bounds_or_condition_is_a_valid_query(
    org: ScriptedOrg, gateway: SimpleSalesforceGateway
) -> None:
    assert gateway.fetch_signed(object_name="Order", condition="", since=None, until=None, limit=1) == ()
    assert org.queries == ["SELECT Id, SystemModstamp FROM Order ORDER BY SystemModstamp, Id LIMIT 1"]


def test_a_naive_instant_or_a_limit_of_nothing_is_a_bug(org: ScriptedOrg, gateway: SimpleSalesforceGateway) -> None:
    naive = datetime(2026, 3, 1)  # noqa: DTZ001 - a naive one is the point

    with pytest.raises(ValueError, match="aware"):
        gateway.fetch_signed(object_name="Quote", condition="", since=naive, until=None, limit=1)
    with pytest.raises(ValueError, match="limit"):
        gateway.fetch_signed(object_name="Quote", condition="", since=None, until=None, limit=0)


def test_the_organization_is_read_once_and_may_have_one_currency(
    org: ScriptedOrg, gateway: SimpleSalesforceGateway
) -> None:
    org.rows["Organization"] = [{"Id": ORG_ID[:15], "Name": "Acme", "IsSandbox": True}]
    org.hidden = {("Organization", "DefaultCurrencyIsoCode")}

    found = gateway.organization()

    assert (found.org_id, found.name, found.is_sandbox, found.default_currency) == (ORG_ID, "Acme", True, "")
    assert gateway.organization() is found
    assert gateway.usage().calls == 2


def test_the_org_id_of_a_record_is_asked_for_when_the_login_did_not_tell_it(
    org: ScriptedOrg, gateway: SimpleSalesforceGateway
) -> None:
    org.refuse("/oauth2/token", answer(200, {"access_token": "the-token"}))
    org.rows["Organization"] = [{"Id": ORG_ID, "Name": "Acme", "IsSandbox": False, "DefaultCurrencyIsoCode": "EUR"}]
    org.rows["Quote"] = [quote(QUOTE)]

    (record,) = gateway.fetch(selection=SELECTION, record_ids=[QUOTE])

    assert record.ref.org_id == ORG_ID
    assert gateway.organization().default_currency == "EUR"
    assert gateway.usage().calls == 2


DESCRIPTION = {
    "name": "Quote",
    "updateable": True,
    "fields": [
        {
            "name": "Status",
            "type": "picklist",
            "label": "Status",
            "length": 40,
            "updateable": True,
            "nillable": False,
            "picklistValues": [{"value": "Accepted", "active": True}, {"value": "Old", "active": False}],
        },
        {"name": "AccountId", "type": "reference", "referenceTo": ["Account"], "relationshipName": "Account"},
    ],
}


def test_a_description_is_kept_for_an_hour(
    org: ScriptedOrg, gateway: SimpleSalesforceGateway, clock: FixedClock
) -> None:
    org.refuse("/sobjects/Quote/describe", *[answer(200, DESCRIPTION)] * 2)

    first = gateway.describe(object_name="Quote")
    clock.advance(timedelta(minutes=59))
    assert gateway.describe(object_name="Quote") is first
    clock.advance(timedelta(minutes=1))
    assert gateway.describe(object_name="Quote") is not first

    assert first.fields["Status"].picklist_values == ("Accepted",)
    assert (first.fields["Status"].length, first.fields["Status"].is_nillable) == (40, False)
    assert first.fields["AccountId"].reference_to == ("Account",)
    assert first.fields["AccountId"].relationship_name == "Account"
    assert not first.fields["AccountId"].is_updateable
    assert gateway.calls_by_purpose()["describe"] == 2


def test_an_object_that_is_not_visible_is_named_with_the_fix(
    org: ScriptedOrg, gateway: SimpleSalesforceGateway
) -> None:
    org.refuse(
        "/describe", answer(404, [{"errorCode": "NOT_FOUND", "message": "The requested resource does not exist"}])
    )

    with pytest.raises(Misconfigured, match="Qoute") as wrong:
        gateway.describe(object_name="Qoute")

    assert "permission set" in wrong.value.fix


def test_an_object_name_cannot_leave_its_path(org: ScriptedOrg, gateway: SimpleSalesforceGateway) -> None:
    with pytest.raises(Misconfigured):
        gateway.describe(object_name="../limits")

    assert org.calls == []


def test_the_servers_clock_is_salesforces_and_costs_a_call_only_when_nothing_was_heard_lately(
    org: ScriptedOrg, gateway: SimpleSalesforceGateway, clock: FixedClock
) -> None:
    assert gateway.server_now() == SERVER_AT
    clock.advance(timedelta(minutes=5))
    assert gateway.server_now() == SERVER_AT + timedelta(minutes=5)
    assert gateway.usage().calls == 1

    clock.advance(timedelta(minutes=6))
    assert gateway.server_now() == SERVER_AT
    assert gateway.usage().calls == 2


@pytest.mark.parametrize(
    ("header", "used", "limit"),
    [
        ("api-usage=18/5000", 18, 5000),
        ("api-usage=25/5000; per-app-api-usage=17/250(appName=our-app)", 25, 5000),
        ("per-app-api-usage=17/250(appName=our-app); api-usage=26/5000", 26, 5000),
        ("per-app-api-usage=17/250(appName=our-app)", 0, 0),
        ("nonsense", 0, 0),
    ],
)
def test_the_limit_header_of_every_answer_is_read(
    org: ScriptedOrg, gateway: SimpleSalesforceGateway, header: str, used: int, limit: int
) -> None:
    org.usage = header

    gateway.server_now()

    assert (gateway.usage().used, gateway.usage().limit) == (used, limit)


def test_every_call_marks_itself_as_ours(org: ScriptedOrg, gateway: SimpleSalesforceGateway) -> None:
    gateway.fetch(selection=SELECTION, record_ids=[QUOTE])

    (call,) = org.calls_to("/composite")
    assert call.headers["Sforce-Call-Options"] == "client=Countersign"
    assert call.headers["X-PrettyPrint"] == "0"
    assert call.req_kwargs["timeout"] == (5.0, 60.0)  # type: ignore[attr-defined]
    assert json.loads(call.body or "")["allOrNone"] is False


def composite_of(body: Any, *, status: int = 200) -> Any:
    """A composite answer of one part."""
    return answer(200, {"compositeResponse": [{"referenceId": "headers", "httpStatusCode": status, "body": body}]})
