"""The query language: what is found, in which order, and what is refused with which code."""

from __future__ import annotations

import time
from decimal import Decimal
from typing import Any
from urllib.parse import quote_plus

import pytest

from connector.sandbox import Sandbox
from tests.sandbox.conftest import Api


@pytest.fixture
def quotes(sandbox: Sandbox, deal: dict[str, str]) -> dict[str, str]:
    """Quotes A to D of one customer, made one hour apart, and one without a customer."""
    made = {}
    rows: list[tuple[str, dict[str, Any]]] = [
        ("A", {"Status": "Accepted", "Term_Months__c": 12, "Sync_Key__c": "Key-a", "PO_Number__c": "10%_x"}),
        ("B", {"Status": "Draft", "Term_Months__c": 24, "Contract_Start__c": "2026-03-01", "PO_Number__c": "O'Hara"}),
        ("C", {"Status": "Accepted", "Contract_Start__c": "2026-02-28", "Credit_Unused__c": True}),
        ("D", {"Status": "In Review", "Term_Months__c": "36", "PO_Number__c": "100_x\\"}),
    ]
    sandbox.delete("Quote", deal["quote"])
    for name, values in rows:
        sandbox.clock.advance(hours=1)
        made[name] = sandbox.insert("Quote", values | {"Name": name, "OpportunityId": deal["opportunity"]})
    made["E"] = sandbox.insert("Quote", {"Name": "E"})
    return made


@pytest.mark.parametrize(
    ("where", "found"),
    [
        ("Status = 'Accepted'", "AC"),
        ("Status = 'aCCepted'", "AC"),
        ("Status != 'Accepted'", "BDE"),
        ("Status <> 'Accepted'", "BDE"),
        ("Status IN ('Accepted', 'In Review')", "ACD"),
        ("Status NOT IN ('Accepted','Draft')", "D"),
        ("Term_Months__c NOT IN (12, 24)", "CDE"),
        ("Term_Months__c = null", "CE"),
        ("Term_Months__c != NULL", "ABD"),
        ("Term_Months__c > 12", "BD"),
        ("Term_Months__c >= 12.0 AND Term_Months__c < 3.6e1", "AB"),
        ("Term_Months__c != 12", "BCDE"),
        ("Credit_Unused__c = TRUE", "C"),
        ("Credit_Unused__c != true", "ABDE"),
        ("Contract_Start__c = 2026-03-01", "B"),
        ("Contract_Start__c < 2026-03-01", "C"),
        ("Contract_Start__c = LAST_N_DAYS:2", "BC"),
        ("Contract_Start__c = LAST_MONTH", "C"),
        ("SystemModstamp >= 2026-03-02T11:30:00Z AND SystemModstamp < 2026-03-02T13:30:00+00:00", "BC"),
        ("SystemModstamp > 2026-03-02T14:00:00.000+02:00", "CDE"),
        ("SystemModstamp = TODAY", "ABCDE"),
        ("SystemModstamp < YESTERDAY", ""),
        ("SystemModstamp > TODAY", ""),
        ("SystemModstamp <= TODAY AND SystemModstamp >= TODAY", "ABCDE"),
        ("SystemModstamp != TODAY", ""),
        ("Contract_Start__c = THIS_YEAR AND Contract_Start__c != THIS_MONTH", "C"),
        ("Contract_Start__c < NEXT_N_DAYS:3", "BC"),
        ("Name LIKE 'a'", "A"),
        ("PO_Number__c LIKE '10%'", "AD"),
        ("PO_Number__c LIKE '10\\%\\_x'", "A"),
        ("PO_Number__c LIKE '100__\\\\'", "D"),
        ("PO_Number__c LIKE '%''", None),
        ("PO_Number__c = 'O\\'Hara'", "B"),
        ("PO_Number__c LIKE '%h_ra'", "B"),
        ("Sync_Key__c = 'Key-a'", "A"),
        ("Sync_Key__c = 'key-a'", ""),
        ("Account.Name = 'zürich mützen & söhne'", "ABCD"),
        ("Opportunity.Account.Name = null", "E"),
        ("Quote.Name = 'A'", "A"),
        ("(Status = 'Accepted' OR Status = 'Draft') AND Term_Months__c = null", "CE"),
        ("NOT Status = 'Accepted'", "BDE"),
        ("(NOT (Status = 'Accepted' OR Name = 'E')) AND Term_Months__c > 0", "BD"),
        ("Status = 'Accepted' AND (NOT Name LIKE 'c%')", "A"),
        ("OpportunityId IN (SELECT Id FROM Opportunity WHERE Name = 'Hats')", "ABCD"),
        ("Id NOT IN (SELECT QuoteId FROM QuoteLineItem)", "ABCDE"),
        ("Status = 'Accepted' OR Name = 'E' AND Name = 'B'", None),
        ("Status = ", None),
        ("Status IN ()", None),
        ("Status = 'x", None),
        ("Status = 'bad \\q escape'", None),
        ("Status == 'x'", None),
        ("(Status = 'x'", None),
        ("SystemModstamp > 2026-13-02T14:00:00Z", None),
        ("SystemModstamp > 2026-03-02T14:00:00", None),
    ],
)
def test_where(api: Api, quotes: dict[str, str], where: str, found: str | None) -> None:
    answer = api.query(f"SELECT Name FROM Quote WHERE {where} ORDER BY Name")

    if found is None:
        assert answer[0]["errorCode"] == "MALFORMED_QUERY"
    else:
        assert "".join(row["Name"] for row in answer["records"]) == found


@pytest.mark.parametrize(
    ("soql", "code"),
    [
        ("SELECT Nme FROM Quote", "INVALID_FIELD"),
        ("SELECT Id FROM Quote WHERE Nme = 'x'", "INVALID_FIELD"),
        ("SELECT Id FROM Quote ORDER BY Nme", "INVALID_FIELD"),
        ("SELECT Acount.Name FROM Quote", "INVALID_FIELD"),
        ("SELECT Account.Nme FROM Quote", "INVALID_FIELD"),
        ("SELECT Id, (SELECT Nme FROM QuoteLineItems) FROM Quote", "INVALID_FIELD"),
        ("SELECT Id, (SELECT Id FROM QuoteLineItems WHERE Nme = 1) FROM Quote", "INVALID_FIELD"),
        ("SELECT Id FROM Quote WHERE Term_Months__c = '12'", "INVALID_FIELD"),
        ("SELECT Id FROM Quote WHERE Status = 12", "INVALID_FIELD"),
        ("SELECT Id FROM Quote WHERE SystemModstamp > '2026-01-01T00:00:00Z'", "INVALID_FIELD"),
        ("SELECT Id FROM Quote WHERE SystemModstamp > 2026-01-01", "INVALID_FIELD"),
        ("SELECT Id FROM Quote WHERE Sync_Error__c = 'x'", "INVALID_FIELD"),
        ("SELECT Id FROM Qoute", "INVALID_TYPE"),
        ("SELECT Id, (SELECT Id FROM Lines) FROM Quote", "INVALID_TYPE"),
        ("SELECT Id FROM Quote WHERE Id = 'nonsense'", "INVALID_QUERY_FILTER_OPERATOR"),
        ("SELECT Id FROM Quote WHERE Id LIKE '0Q0%'", "INVALID_QUERY_FILTER_OPERATOR"),
        ("SELECT Id, Id FROM Quote", "MALFORMED_QUERY"),
        ("SELECT FROM Quote", "MALFORMED_QUERY"),
        ("SELECT Id Quote", "MALFORMED_QUERY"),
        ("UPDATE Quote SET Name = 'x'", "MALFORMED_QUERY"),
        ("SELECT Id FROM Quote LIMIT x", "MALFORMED_QUERY"),
        ("SELECT Id FROM Quote LIMIT 1 LIMIT 1", "MALFORMED_QUERY"),
        ("SELECT Id FROM Quote; DROP", "MALFORMED_QUERY"),
        ("SELECT Id FROM Quote OFFSET 2001", "NUMBER_OUTSIDE_VALID_RANGE"),
        ("SELECT FIELDS(ALL) FROM Quote", "MALFORMED_QUERY"),
        ("", "MALFORMED_QUERY"),
    ],
)
def test_a_wrong_query_is_refused_with_its_code(api: Api, deal: dict[str, str], soql: str, code: str) -> None:
    response = api.get("query", q=soql)

    assert api.code(response) == (400, code)


@pytest.mark.parametrize(
    ("order", "names"),
    [
        ("Name DESC", "EDCBA"),
        ("Term_Months__c", "CEABD"),
        ("Term_Months__c ASC NULLS LAST", "ABDCE"),
        ("Term_Months__c DESC", "CEDBA"),
        ("Term_Months__c DESC NULLS LAST, Name DESC", "DBAEC"),
        ("Status, Name DESC", "CAEBD"),
        ("Account.Name NULLS LAST, Name", "ABCDE"),
        ("SystemModstamp DESC, Id DESC LIMIT 2", "ED"),
        ("Name LIMIT 2 OFFSET 1", "BC"),
    ],
)
def test_order_limit_and_offset(api: Api, quotes: dict[str, str], order: str, names: str) -> None:
    assert "".join(row["Name"] for row in api.rows(f"SELECT Name FROM Quote ORDER BY {order}")) == names


def test_parent_paths_and_child_lists_are_nested_as_salesforce_does(api: Api, deal: dict[str, str]) -> None:
    [row] = api.rows(
        "SELECT id, opportunity.account.name, Contract.Id, Account.Owner.Name, "
        "(SELECT Quantity, Product2.ProductCode, TotalPrice FROM QuoteLineItems ORDER BY Quantity DESC LIMIT 1), "
        "(SELECT Id FROM Orders) FROM Quote"
    )

    assert row["attributes"] == {"type": "Quote", "url": f"/services/data/v63.0/sobjects/Quote/{deal['quote']}"}
    assert row["Id"] == deal["quote"]
    assert row["Opportunity"]["Account"]["Name"] == "Zürich Mützen & Söhne"
    assert row["Opportunity"]["attributes"]["type"] == "Opportunity"
    assert row["Account"]["Owner"]["Name"] == "Rosa Lindqvist"
    assert row["Contract"] is None
    assert row["Orders"] is None
    assert row["QuoteLineItems"]["totalSize"] == 1
    [line] = row["QuoteLineItems"]["records"]
    assert (line["Quantity"], line["TotalPrice"]) == (Decimal("10.0"), Decimal("0.5"))
    assert line["Product2"]["ProductCode"] == "SEAT"


def test_ids_match_in_both_lengths(api: Api, deal: dict[str, str]) -> None:
    assert len(api.rows(f"SELECT Id FROM Quote WHERE Id = '{deal['quote'][:15]}'")) == 1
    assert len(api.rows(f"SELECT Id FROM QuoteLineItem WHERE QuoteId IN ('{deal['quote'][:15]}')")) == 2


def test_counting_and_grouping(api: Api, quotes: dict[str, str]) -> None:
    counted = api.query("SELECT COUNT() FROM Quote WHERE Status = 'Accepted'")
    ordered = api.rows("SELECT Status, COUNT(Id) FROM Quote GROUP BY Status ORDER BY Status DESC LIMIT 2")
    grouped = api.rows("SELECT Status, COUNT(Id) n, MAX(Term_Months__c) FROM Quote GROUP BY Status")

    assert [row["Status"] for row in ordered] == ["In Review", "Draft"]
    loose = api.get("query", q="SELECT Status FROM Quote GROUP BY Status ORDER BY Name")
    assert api.code(loose) == (400, "MALFORMED_QUERY")
    assert counted == {"totalSize": 2, "done": True, "records": []}
    assert {(row["Status"], row["n"], row["expr0"]) for row in grouped} == {
        ("Accepted", 2, Decimal("12.0")),
        ("Draft", 2, Decimal("24.0")),
        ("In Review", 1, Decimal("36.0")),
    }


def test_order_is_an_object_as_well_as_a_word(api: Api, sandbox: Sandbox, deal: dict[str, str]) -> None:
    sandbox.insert("Order", {"AccountId": deal["account"], "EffectiveDate": "2026-03-01"})

    rows = api.rows("SELECT OrderNumber, StatusCode FROM Order WHERE StatusCode = 'Draft' ORDER BY OrderNumber")

    assert [row["StatusCode"] for row in rows] == ["Draft"]


def test_deleted_records_are_seen_by_query_all_alone(api: Api, sandbox: Sandbox, deal: dict[str, str]) -> None:
    sandbox.delete("Quote", deal["quote"])

    assert api.rows("SELECT Id FROM Quote") == []
    found = api.query("SELECT Id, IsDeleted FROM Quote WHERE IsDeleted = true", path="queryAll")
    assert [row["Id"] for row in found["records"]] == [deal["quote"]]
    assert api.rows("SELECT Id FROM QuoteLineItem") == []


def test_pages_go_on_until_the_last_and_keep_the_state_of_the_query(api: Api, sandbox: Sandbox) -> None:
    made = [sandbox.insert("Account", {"Name": f"Account {number:03}"}) for number in range(450)]

    first = api.query("SELECT Id, Name FROM Account ORDER BY Name", **{"Sforce-Query-Options": "batchSize=200"})
    sandbox.update("Account", made[449], {"Name": "Changed after the query"})
    second = api.session.get(sandbox.base_url + first["nextRecordsUrl"], timeout=5).json()
    third = api.session.get(sandbox.base_url + second["nextRecordsUrl"], timeout=5).json()

    assert [len(page["records"]) for page in (first, second, third)] == [200, 200, 50]
    assert [page["done"] for page in (first, second, third)] == [False, False, True]
    assert first["totalSize"] == 450
    assert third["records"][-1]["Name"] == "Account 449"
    assert "nextRecordsUrl" not in third


def test_a_cursor_expires_and_is_refused(api: Api, sandbox: Sandbox) -> None:
    for number in range(3):
        sandbox.insert("Account", {"Name": str(number)})
    sandbox.org.queries.page_size_cap = 2
    first = api.query("SELECT Id FROM Account")

    sandbox.clock.advance(days=3)

    late = api.session.get(sandbox.base_url + first["nextRecordsUrl"], timeout=5)
    assert api.code(late) == (400, "INVALID_QUERY_LOCATOR")
    assert api.code(api.get("query/01gnonsense-20")) == (400, "INVALID_QUERY_LOCATOR")


def test_a_child_list_longer_than_a_page_has_its_own_next_page(
    api: Api, sandbox: Sandbox, deal: dict[str, str]
) -> None:
    sandbox.org.queries.page_size_cap = 1

    [row] = api.rows("SELECT Id, (SELECT Id FROM QuoteLineItems) FROM Quote")
    child = row["QuoteLineItems"]
    more = api.session.get(sandbox.base_url + child["nextRecordsUrl"], timeout=5).json()

    assert (child["totalSize"], child["done"], len(child["records"])) == (2, False, 1)
    assert more["records"][0]["Id"] == deal["other_line"]


def test_numbers_lose_no_digit(api: Api, sandbox: Sandbox, deal: dict[str, str]) -> None:
    values = {"Unit_Price_Exact__c": "0.00012345", "UnitPrice": "9999999999999999.99", "Included_Units__c": 7}
    sandbox.update("QuoteLineItem", deal["line"], values)

    text = api.get(
        "query",
        q=f"SELECT Unit_Price_Exact__c, UnitPrice, Included_Units__c FROM QuoteLineItem WHERE Id = '{deal['line']}'",
    ).text

    assert '"Unit_Price_Exact__c":0.00012345,"UnitPrice":9999999999999999.99,"Included_Units__c":7.0}' in text


@pytest.mark.parametrize(
    "where",
    [
        "(" * 5_000 + "Name = 'x'" + ")" * 5_000,
        "NOT " * 3_000 + "Name = 'x'",
        "Name LIKE '" + "%a" * 490 + "'",
        "Name IN (" + ",".join(f"'{number}'" for number in range(900)) + ")",
    ],
)
def test_hostile_queries_end_quickly(sandbox: Sandbox, api: Api, where: str) -> None:
    sandbox.insert("Account", {"Name": "a" * 254 + "b"})
    soql = quote_plus(f"SELECT Id FROM Account WHERE {where}", safe="()',=")
    part = {"method": "GET", "url": f"/services/data/v63.0/query?q={soql}", "referenceId": "q"}
    started = time.perf_counter()

    answer = api.call("POST", "composite", json={"compositeRequest": [part]}).json()["compositeResponse"][0]

    assert time.perf_counter() - started < 1
    assert answer["httpStatusCode"] == 200 or answer["body"][0]["errorCode"] == "MALFORMED_QUERY"
