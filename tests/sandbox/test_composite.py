"""Composite and batch: references, all or none, limits."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest

from connector.sandbox import Sandbox
from tests.sandbox.conftest import Api

DATA = "/services/data/v63.0/"


def _part(name: str, method: str, path: str, body: Any = None) -> dict[str, Any]:
    return {"referenceId": name, "method": method, "url": DATA + path} | ({"body": body} if body is not None else {})


def _send(api: Api, *parts: dict[str, Any], all_or_none: bool = False) -> list[Any]:
    response = api.call("POST", "composite", json={"allOrNone": all_or_none, "compositeRequest": list(parts)})
    assert response.status_code == 200, response.text
    found: list[Any] = response.json()["compositeResponse"]
    return found


def test_a_later_part_uses_the_answer_of_an_earlier_one(api: Api, sandbox: Sandbox, deal: dict[str, str]) -> None:
    soql = quote(f"SELECT Id, Name, Account.Name, AccountId FROM Quote WHERE Id = '{deal['quote']}'")
    answers = _send(
        api,
        _part("deal", "GET", f"query?q={soql}"),
        _part("lines", "GET", "query?q=SELECT+Id+FROM+QuoteLineItem+WHERE+QuoteId='@{deal.records[0].Id}'"),
        _part("account", "GET", "sobjects/Account/@{deal.records[0].AccountId}?fields=Name"),
        _part(
            "made",
            "POST",
            "sobjects/Contact",
            {
                "LastName": "@{deal.records[0].Account.Name}",
                "Title": "of @{deal.records[0].Name}",
                "AccountId": "@{account.Id}",
            },
        ),
        _part("changed", "PATCH", "sobjects/Contact/@{made.id}", {"Title": "Boss"}),
    )

    assert [part["httpStatusCode"] for part in answers] == [200, 200, 200, 201, 204]
    assert [part["referenceId"] for part in answers] == ["deal", "lines", "account", "made", "changed"]
    assert answers[1]["body"]["totalSize"] == 2
    contact = sandbox.get("Contact", answers[3]["body"]["id"])
    assert (contact["LastName"], contact["Title"]) == ("Zürich Mützen & Söhne", "Boss")
    assert answers[3]["httpHeaders"]["Location"].endswith(contact["Id"])
    assert sandbox.calls.total == 1


def test_without_all_or_none_good_parts_stay_and_dependent_ones_halt(api: Api, sandbox: Sandbox) -> None:
    answers = _send(
        api,
        _part("bad", "POST", "sobjects/Account", {"Nme": "x"}),
        _part("after", "POST", "sobjects/Contact", {"LastName": "x", "AccountId": "@{bad.id}"}),
        _part("good", "POST", "sobjects/Account", {"Name": "kept"}),
        _part("blind", "GET", "sobjects/Account/@{good.nothing}"),
    )

    assert [part["httpStatusCode"] for part in answers] == [400, 400, 201, 400]
    assert [part["body"][0]["errorCode"] for part in (answers[0], answers[1], answers[3])] == [
        "INVALID_FIELD",
        "PROCESSING_HALTED",
        "PROCESSING_HALTED",
    ]
    assert [row["Name"] for row in sandbox.all("Account")] == ["kept"]


def test_all_or_none_rolls_back_and_marks_every_other_part_halted(api: Api, sandbox: Sandbox) -> None:
    answers = _send(
        api,
        _part("first", "POST", "sobjects/Account", {"Name": "lost"}),
        _part("bad", "POST", "sobjects/Contact", {"AccountId": "@{first.id}"}),
        _part("never", "POST", "sobjects/Account", {"Name": "never"}),
        all_or_none=True,
    )

    assert [part["body"][0]["errorCode"] for part in answers] == [
        "PROCESSING_HALTED",
        "REQUIRED_FIELD_MISSING",
        "PROCESSING_HALTED",
    ]
    assert sandbox.all("Account") == []


@pytest.mark.parametrize(
    ("parts", "code"),
    [
        ([], "JSON_PARSER_ERROR"),
        ([_part(f"p{n}", "GET", "limits") for n in range(26)], "LIMIT_EXCEEDED"),
        ([_part(f"q{n}", "GET", "query?q=SELECT+Id+FROM+Quote") for n in range(6)], "LIMIT_EXCEEDED"),
        ([_part("same", "GET", "limits")] * 2, "INVALID_INPUT"),
        ([_part("not-a-name", "GET", "limits")], "INVALID_INPUT"),
        ([{"referenceId": "x", "url": DATA}], "JSON_PARSER_ERROR"),
    ],
)
def test_a_composite_that_breaks_its_limits_is_refused(api: Api, parts: list[Any], code: str) -> None:
    assert api.code(api.call("POST", "composite", json={"compositeRequest": parts})) == (400, code)


def test_twenty_five_parts_with_five_queries_are_allowed(api: Api) -> None:
    parts = [_part(f"q{n}", "GET", "query?q=SELECT+Id+FROM+Quote") for n in range(5)]
    parts += [_part(f"p{n}", "GET", "limits") for n in range(20)]

    assert {part["httpStatusCode"] for part in _send(api, *parts)} == {200}


def test_a_composite_inside_a_composite_is_refused_but_collections_are_allowed(api: Api, sandbox: Sandbox) -> None:
    rows = {"records": [{"attributes": {"type": "Account"}, "Name": "x"}]}
    answers = _send(
        api,
        _part("nested", "POST", "composite", {"compositeRequest": []}),
        _part("rows", "POST", "composite/sobjects", rows),
        _part("elsewhere", "GET", "../../../sandbox/calls"),
    )

    assert [part["httpStatusCode"] for part in answers] == [400, 200, 404]
    assert len(sandbox.all("Account")) == 1


def test_batch_runs_independent_parts_and_can_halt(api: Api, sandbox: Sandbox) -> None:
    parts = [
        {"method": "POST", "url": "v63.0/sobjects/Account", "richInput": {"Name": "one"}},
        {"method": "GET", "url": "v63.0/sobjects/Nothing"},
        {"method": "POST", "url": "v63.0/sobjects/Account", "richInput": {"Name": "two"}},
    ]

    through = api.call("POST", "composite/batch", json={"batchRequests": parts}).json()
    halted = api.call("POST", "composite/batch", json={"batchRequests": parts, "haltOnError": True}).json()

    assert [part["statusCode"] for part in through["results"]] == [201, 404, 201]
    assert [part["statusCode"] for part in halted["results"]] == [201, 404, 412]
    assert through["hasErrors"]
    assert len(sandbox.all("Account")) == 3
