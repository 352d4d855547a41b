"""Bad days on request: each fault shows itself as Salesforce would, is counted, and ends."""

from __future__ import annotations

import time
from typing import Any

import pytest
import requests

from connector.sandbox import Sandbox
from tests.sandbox.conftest import Api


def _rows(deal: dict[str, str], status: str = "Synced") -> dict[str, Any]:
    named = [("Quote", "quote"), ("Account", "account"), ("Opportunity", "opportunity")]
    return {
        "records": [{"attributes": {"type": kind}, "id": deal[key], "Sync_Status__c": status} for kind, key in named]
    }


def test_a_token_expires_once(api: Api, sandbox: Sandbox) -> None:
    fault = sandbox.inject_fault("expired_token")

    assert api.code(api.get("limits")) == (401, "INVALID_SESSION_ID")
    assert api.get("limits").status_code == 200
    assert fault.hits == 1


def test_a_token_stays_expired_until_cleared(api: Api, sandbox: Sandbox) -> None:
    sandbox.inject_fault("expired_token", times=None)

    assert [api.get("limits").status_code for _ in range(3)] == [401] * 3
    sandbox.faults.clear()
    assert api.get("limits").status_code == 200


def test_maintenance_answers_with_a_page_instead_of_json(api: Api, sandbox: Sandbox) -> None:
    sandbox.inject_fault("unavailable_html", times=2, path="*/query*")

    assert api.get("limits").status_code == 200
    found = api.get("query", q="SELECT Id FROM Quote")
    assert (found.status_code, found.headers["Content-Type"]) == (503, "text/html; charset=UTF-8")
    assert "maintenance" in found.text


def test_the_daily_limit_is_reached(api: Api, sandbox: Sandbox) -> None:
    sandbox.inject_fault("limit_reached")

    assert api.code(api.get("limits")) == (403, "REQUEST_LIMIT_EXCEEDED")
    sandbox.org.daily_limit = sandbox.calls.total
    assert api.code(api.get("limits")) == (403, "REQUEST_LIMIT_EXCEEDED")


def test_a_locked_row_refuses_a_single_write_and_reads_go_on(api: Api, sandbox: Sandbox, deal: dict[str, str]) -> None:
    sandbox.inject_fault("row_lock", times=2)
    path = f"sobjects/Quote/{deal['quote']}"

    assert api.get(path).status_code == 200
    codes = [api.call("PATCH", path, json={"Description": "x"}).status_code for _ in range(3)]

    assert codes == [400, 400, 204]
    assert sandbox.faults.listing()[0]["hits"] == 2


def test_locked_rows_of_a_collection_are_refused_one_by_one(api: Api, sandbox: Sandbox, deal: dict[str, str]) -> None:
    sandbox.inject_fault("row_lock", record=deal["account"])

    results = api.call("PATCH", "composite/sobjects", json=_rows(deal)).json()

    assert [row["success"] for row in results] == [True, False, True]
    assert results[1]["errors"][0]["statusCode"] == "UNABLE_TO_LOCK_ROW"


def test_every_second_item_of_a_collection_fails(api: Api, sandbox: Sandbox, deal: dict[str, str]) -> None:
    sandbox.inject_fault("half_failed_collection", code="TOO_MANY_APEX_REQUESTS")
    api.call("PATCH", f"sobjects/Quote/{deal['quote']}", json={"Description": "single writes are not meant"})

    results = api.call("PATCH", "composite/sobjects", json=_rows(deal)).json()
    again = api.call("PATCH", "composite/sobjects", json=_rows(deal)).json()

    assert [row["success"] for row in results] == [True, False, True]
    assert results[1]["errors"][0]["statusCode"] == "TOO_MANY_APEX_REQUESTS"
    assert all(row["success"] for row in again)


def test_a_validation_rule_speaks_with_the_admins_words(api: Api, sandbox: Sandbox, deal: dict[str, str]) -> None:
    sandbox.inject_fault("validation_rule", times=None, message="Discount needs a reason.", path="*/sobjects/Quote/*")

    response = api.call("PATCH", f"sobjects/Quote/{deal['quote']}", json={"Description": "x"})

    assert api.code(response) == (400, "FIELD_CUSTOM_VALIDATION_EXCEPTION")
    assert response.json()[0]["message"] == "Discount needs a reason."


def test_a_row_fault_meets_the_parts_of_a_composite(api: Api, sandbox: Sandbox, deal: dict[str, str]) -> None:
    sandbox.inject_fault("row_lock", path="*/sobjects/Quote/*")
    url = f"/services/data/v63.0/sobjects/Quote/{deal['quote']}"
    part = {"referenceId": "a", "method": "PATCH", "url": url, "body": {"Description": "x"}}

    [answer] = api.call("POST", "composite", json={"compositeRequest": [part]}).json()["compositeResponse"]

    assert answer["body"][0]["errorCode"] == "UNABLE_TO_LOCK_ROW"


def test_an_answer_is_cut_off_after_the_write_happened(api: Api, sandbox: Sandbox) -> None:
    sandbox.inject_fault("cut_after_write")

    with pytest.raises(requests.ConnectionError):
        api.call("POST", "sobjects/Account", json={"Name": "written"})

    assert [row["Name"] for row in sandbox.all("Account")] == ["written"]
    assert api.get("limits").status_code == 200


def test_garbage_is_a_good_status_with_half_a_body(api: Api, sandbox: Sandbox) -> None:
    sandbox.inject_fault("garbage")

    response = api.get("limits")

    assert response.status_code == 200
    with pytest.raises(requests.JSONDecodeError):
        response.json()


def test_a_slow_answer_is_slow(api: Api, sandbox: Sandbox) -> None:
    sandbox.inject_fault("slow", seconds=0.15)
    started = time.perf_counter()

    assert api.get("limits").status_code == 200

    assert time.perf_counter() - started >= 0.15


def test_a_client_that_gave_up_waiting_finds_the_write_done(api: Api, sandbox: Sandbox) -> None:
    sandbox.inject_fault("slow", seconds=0.3, after=True)

    with pytest.raises(requests.Timeout):
        api.session.post(f"{api.base}sobjects/Account", json={"Name": "written"}, timeout=0.1)

    assert [row["Name"] for row in sandbox.all("Account")] == ["written"]


def test_any_error_can_be_asked_for(api: Api, sandbox: Sandbox) -> None:
    sandbox.inject_fault("error", code="QUERY_TIMEOUT", message="Your query request was running for too long.")

    assert api.code(api.get("query", q="SELECT Id FROM Quote")) == (400, "QUERY_TIMEOUT")


def test_faults_are_steered_over_http(api: Api, sandbox: Sandbox) -> None:
    control = f"{sandbox.base_url}/sandbox/faults"

    made = requests.post(control, json={"kind": "expired_token", "method": "GET", "times": 1}, timeout=5)
    assert made.status_code == 201
    assert api.get("limits").status_code == 401
    assert requests.get(control, timeout=5).json()["faults"][0]["hits"] == 1
    for wrong in ({"kind": "nonsense"}, {"kind": "slow", "times": 0}, {"kind": "slow", "colour": "red"}, ["x"]):
        assert requests.post(control, json=wrong, timeout=5).status_code == 400
    assert requests.delete(control, timeout=5).json() == {"faults": []}


def test_requests_that_are_too_long_are_refused_by_the_edge(api: Api) -> None:
    assert api.get("query", q="SELECT Id FROM Quote WHERE Name = '" + "x" * 17_000 + "'").status_code == 414
    assert api.call("GET", "limits", headers={"X-Long": "x" * 17_000}).status_code == 431


@pytest.mark.parametrize(
    ("body", "kind", "status", "code"),
    [
        (b"{", "application/json", 400, "JSON_PARSER_ERROR"),
        (b'{"Name": NaN}', "application/json", 400, "JSON_PARSER_ERROR"),
        (b'{"Name": "x"}', "text/plain", 415, "UNSUPPORTED_MEDIA_TYPE"),
        (b"[" * 5_000, "application/json", 400, "JSON_PARSER_ERROR"),
        (b'{"Name":' + b'{"a":' * 900 + b"1" + b"}" * 901, "application/json", 400, "JSON_PARSER_ERROR"),
        (b'{"NumberOfEmployees":' + b"9" * 5_000 + b"}", "application/json", 400, "JSON_PARSER_ERROR"),
        (b"\xff\xfe", "application/json", 400, "JSON_PARSER_ERROR"),
    ],
)
def test_a_broken_body_is_a_client_error(api: Api, body: bytes, kind: str, status: int, code: str) -> None:
    response = api.call("POST", "sobjects/Account", data=body, headers={"Content-Type": kind})

    assert api.code(response) == (status, code)


def test_versions_are_listed_and_old_ones_are_gone(sandbox: Sandbox) -> None:
    listed = requests.get(f"{sandbox.base_url}/services/data", timeout=5).json()

    assert listed[-1]["version"] == "67.0"
    for version, status in (("30.0", 410), ("31.0", 200), ("67.0", 200), ("99.0", 404), ("63", 404)):
        client = Api(sandbox, version)
        assert client.get("limits").status_code == status
        client.session.close()


def test_every_answer_carries_the_limit_and_the_orgs_own_time(api: Api, sandbox: Sandbox) -> None:
    sandbox.clock.advance(hours=1)

    first, second = api.get("limits"), api.get("nothing")

    assert first.headers["Sforce-Limit-Info"] == "api-usage=1/5000000"
    assert second.headers["Sforce-Limit-Info"] == "api-usage=2/5000000"
    assert first.headers["Date"] == "Mon, 02 Mar 2026 10:30:00 GMT"
    assert sandbox.calls.by_kind == {"GET limits": 1, "GET nothing": 1}
