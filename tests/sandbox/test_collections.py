"""SObject collections: one result per row, all or none, and what refuses the whole call."""

from __future__ import annotations

from typing import Any

import pytest

from connector.sandbox import Sandbox
from tests.sandbox.conftest import Api


def _row(kind: str, **values: Any) -> dict[str, Any]:
    return {"attributes": {"type": kind}} | values


def _send(api: Api, method: str, records: list[Any], *, all_or_none: bool = False, path: str = "") -> Any:
    body = {"allOrNone": all_or_none, "records": records}
    return api.call(method, f"composite/sobjects{path}", json=body)


def _codes(response: Any) -> list[str]:
    return [row["errors"][0]["statusCode"] if row["errors"] else "ok" for row in response.json()]


def test_each_row_has_its_own_result_in_the_same_order(api: Api, sandbox: Sandbox, deal: dict[str, str]) -> None:
    response = _send(
        api,
        "PATCH",
        [
            _row("Quote", id=deal["quote"], Sync_Status__c="Synced"),
            _row("Account", id=deal["account"], Sync_Status__c="Perhaps"),
            _row("Quote", Id=deal["quote"], Sync_Status__c="Failed"),
            _row("Quote", Sync_Status__c="Synced"),
            _row("Quote", id="0Q0gL0000000999", Sync_Status__c="Synced"),
            _row("Quote", id="nonsense", Sync_Status__c="Synced"),
            _row("Quote", id=deal["account"], Sync_Status__c="Synced"),
            _row("Opportunity", id=deal["opportunity"], IsWon=True),
        ],
    )

    assert response.status_code == 200
    assert _codes(response) == [
        "ok",
        "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
        "DUPLICATE_VALUE",
        "MISSING_ARGUMENT",
        "INVALID_CROSS_REFERENCE_KEY",
        "MALFORMED_ID",
        "MALFORMED_ID",
        "INVALID_FIELD_FOR_INSERT_UPDATE",
    ]
    assert response.json()[0] == {"id": deal["quote"], "success": True, "errors": []}
    assert sandbox.get("Quote", deal["quote"])["Sync_Status__c"] == "Synced"


def test_all_or_none_undoes_the_good_rows_too(api: Api, sandbox: Sandbox, deal: dict[str, str]) -> None:
    rows = [
        _row("Quote", id=deal["quote"], Sync_Status__c="Synced"),
        _row("Account", id=deal["account"], Sync_Status__c="?"),
    ]

    response = _send(api, "PATCH", rows, all_or_none=True)

    assert _codes(response) == ["ALL_OR_NONE_OPERATION_ROLLED_BACK", "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"]
    assert sandbox.get("Quote", deal["quote"])["Sync_Status__c"] is None
    assert [write for write in sandbox.calls.writes if write.user == sandbox.integration_user_id] == []


@pytest.mark.parametrize(
    ("records", "code"),
    [
        ([], "REQUIRED_FIELD_MISSING"),
        ([_row("Account", Name="x")] * 201, "EXCEEDED_ID_LIMIT"),
        ([{"Name": "x"}], "INVALID_INPUT"),
        ([_row("Acount", Name="x")], "INVALID_TYPE"),
        ([_row("Account", Nme="x")], "INVALID_FIELD"),
        ([_row("Contract", StartDate="soon")], "JSON_PARSER_ERROR"),
        ([_row("Account", Name="x"), _row("Contact", LastName="y")] * 6, "LIMIT_EXCEEDED"),
        (["x"], "JSON_PARSER_ERROR"),
    ],
)
def test_some_mistakes_refuse_the_whole_call(api: Api, sandbox: Sandbox, records: list[Any], code: str) -> None:
    assert api.code(_send(api, "POST", records)) == (400, code)
    assert sandbox.all("Account") == []


def test_two_hundred_rows_are_created_and_deleted_in_one_call_each(api: Api, sandbox: Sandbox) -> None:
    made = _send(api, "POST", [_row("Account", Name=str(number)) for number in range(200)]).json()
    ids = [row["id"] for row in made]

    gone = api.call("DELETE", f"composite/sobjects?ids={','.join([*ids[1:], ids[1]])}&allOrNone=false")

    assert _codes(gone)[-1] == "ENTITY_IS_DELETED"
    assert [row["Id"] for row in sandbox.all("Account")] == [ids[0]]


def test_upsert_by_external_id_tells_created_from_updated(api: Api, sandbox: Sandbox) -> None:
    known = sandbox.insert("Account", {"Name": "old", "Sync_Key__c": "k1"})
    rows = [
        _row("Account", Sync_Key__c="k1", Name="new"),
        _row("Account", Sync_Key__c="k2", Name="second"),
        _row("Account", Name="no key"),
    ]

    response = _send(api, "PATCH", rows, path="/Account/Sync_Key__c")

    assert [row.get("created") for row in response.json()] == [False, True, None]
    assert _codes(response) == ["ok", "ok", "MISSING_ARGUMENT"]
    assert sandbox.get("Account", known)["Name"] == "new"


def test_rows_are_retrieved_in_order_with_null_for_what_is_gone(api: Api, deal: dict[str, str]) -> None:
    ids = [deal["line"], "0QLgL0000000999", deal["other_line"]]
    for response in (
        api.get("composite/sobjects/QuoteLineItem", ids=",".join(ids), fields="Quantity"),
        api.call("POST", "composite/sobjects/QuoteLineItem", json={"ids": ids, "fields": ["Quantity"]}),
    ):
        rows = response.json()
        assert [row and row["Quantity"] for row in rows] == [3.0, None, 10.0]
