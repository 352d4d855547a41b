"""Writing to Salesforce: few calls, exact numbers, and an answer for each record on its own."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
import requests

from connector.adapters.salesforce import SimpleSalesforceGateway
from connector.adapters.salesforce_codes import MEANINGS
from connector.domain.salesforce_ids import NotASalesforceId, id18
from connector.errors import Misconfigured, Refused, Retryable, Uncertain
from connector.ports import RecordWrite, WriteResult
from tests.adapters.scripted_org import HTML, ScriptedOrg, answer, fault

QUOTE = id18("0Q0V0000000abcd")
OTHER = id18("0Q0V0000000abce")
ACCOUNT = id18("001V0000000abcd")


def status_of(record_id: str, value: Any = "Synced", *, kind: str = "Quote") -> RecordWrite:
    return RecordWrite(object=kind, record_id=record_id, fields={"Sync_Status__c": value})


def sent_records(org: ScriptedOrg) -> list[list[dict[str, Any]]]:
    return [json.loads(call.body or "", parse_float=Decimal)["records"] for call in org.calls_to("/composite/sobjects")]


def test_fields_are_set_in_one_call_and_may_fail_one_by_one(org: ScriptedOrg, gateway: SimpleSalesforceGateway) -> None:
    rule = {
        "statusCode": "FIELD_CUSTOM_VALIDATION_EXCEPTION",
        "message": "Only finance may\nchange this.",
        "fields": [],
    }
    org.row_errors[OTHER] = rule

    written, refused = gateway.write(writes=[status_of(QUOTE[:15]), status_of(OTHER, None)])

    assert written == WriteResult(record_id=QUOTE, is_written=True)
    assert (refused.record_id, refused.is_written, refused.is_transient) == (OTHER, False, False)
    assert refused.code == "FIELD_CUSTOM_VALIDATION_EXCEPTION"
    assert 'Salesforce says: "Only finance may change this."' in refused.message
    assert "Exempt the integration user" in refused.message
    (call,) = org.calls_to("/composite/sobjects")
    assert call.method == "PATCH"
    assert json.loads(call.body or "") == {
        "allOrNone": False,
        "records": [
            {"attributes": {"type": "Quote"}, "id": QUOTE, "Sync_Status__c": "Synced"},
            {"attributes": {"type": "Quote"}, "id": OTHER, "Sync_Status__c": None},
        ],
    }
    assert call.headers["Sforce-Call-Options"] == "client=Countersign"
    assert call.headers["Content-Type"] == "application/json"


def test_amounts_are_sent_with_every_digit(org: ScriptedOrg, gateway: SimpleSalesforceGateway) -> None:
    gateway.write(
        writes=[RecordWrite("Quote", QUOTE, {"Open__c": Decimal("12345678901234.123"), "N__c": 7, "F__c": True})]
    )

    (call,) = org.calls_to("/composite/sobjects")
    assert b'"Open__c":12345678901234.123,"N__c":7,"F__c":true' in (call.body or b"")  # type: ignore[operator]


def test_a_row_lock_is_a_transient_result_of_its_row_alone(org: ScriptedOrg, gateway: SimpleSalesforceGateway) -> None:
    org.row_errors[QUOTE] = {"statusCode": "UNABLE_TO_LOCK_ROW", "message": "unable to obtain exclusive access"}

    locked, written = gateway.write(writes=[status_of(QUOTE), status_of(OTHER)])

    assert (locked.code, locked.is_transient, locked.is_written) == ("UNABLE_TO_LOCK_ROW", True, False)
    assert written.is_written
    assert len(org.calls_to("/composite/sobjects")) == 1


@pytest.mark.parametrize(
    ("code", "text", "is_transient"),
    [
        ("TOO_MANY_APEX_REQUESTS", "", True),
        ("UNKNOWN_EXCEPTION", "ErrorId 1-1", True),
        ("ENTITY_IS_LOCKED", "", True),
        ("ALL_OR_NONE_OPERATION_ROLLED_BACK", "", True),
        ("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "QuoteTrigger: caused by: UNABLE_TO_LOCK_ROW", True),
        ("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "QuoteTrigger: NullPointerException", False),
        ("CANNOT_EXECUTE_FLOW_TRIGGER", "", False),
        ("ENTITY_IS_DELETED", "", False),
        ("INVALID_FIELD_FOR_INSERT_UPDATE", "", False),
        ("INSUFFICIENT_ACCESS_OR_READONLY", "", False),
        ("STRING_TOO_LONG", "", False),
        ("A_CODE_OF_TOMORROW", "", False),
    ],
)
def test_the_table_says_which_row_errors_are_worth_another_try(
    org: ScriptedOrg, gateway: SimpleSalesforceGateway, code: str, text: str, is_transient: bool
) -> None:
    org.row_errors[QUOTE] = {"statusCode": code, "message": text, "fields": ["Sync_Status__c"]}

    (result,) = gateway.write(writes=[status_of(QUOTE)])

    assert (result.code, result.is_transient, result.is_written) == (code, is_transient, False)
    assert "field Sync_Status__c" in result.message


def test_a_long_text_of_the_org_is_cut(org: ScriptedOrg, gateway: SimpleSalesforceGateway) -> None:
    org.row_errors[QUOTE] = {"statusCode": "CANNOT_EXECUTE_FLOW_TRIGGER", "message": "flow " * 2000}

    (result,) = gateway.write(writes=[status_of(QUOTE)])

    assert len(result.message) < 600


def test_every_code_of_the_table_is_told_in_words_with_an_owner_and_a_fix() -> None:
    for code, meaning in MEANINGS.items():
        assert meaning.says[0].islower() or meaning.says.startswith(("Salesforce", "API")), code
        assert meaning.fix.endswith(".") and meaning.owner in ("operator", "salesforce_admin", "sales_rep"), code
        assert issubclass(meaning.error, Retryable | Refused | Misconfigured), code


def test_writes_to_the_same_record_are_merged_and_each_gets_its_result(
    org: ScriptedOrg, gateway: SimpleSalesforceGateway
) -> None:
    first = RecordWrite("Quote", QUOTE, {"Sync_Status__c": "Pending", "Sync_Attempts__c": 1})

    results = gateway.write(writes=[first, status_of(OTHER), status_of(QUOTE[:15], "Synced")])

    assert [result.record_id for result in results] == [QUOTE, OTHER, QUOTE]
    assert all(result.is_written for result in results)
    assert sent_records(org) == [
        [
            {"attributes": {"type": "Quote"}, "id": QUOTE, "Sync_Status__c": "Synced", "Sync_Attempts__c": 1},
            {"attributes": {"type": "Quote"}, "id": OTHER, "Sync_Status__c": "Synced"},
        ]
    ]


def test_objects_are_kept_together_and_answers_keep_the_order_asked_for(
    org: ScriptedOrg, gateway: SimpleSalesforceGateway
) -> None:
    org.row_errors[ACCOUNT] = {"statusCode": "STRING_TOO_LONG", "message": ""}

    results = gateway.write(writes=[status_of(QUOTE), status_of(ACCOUNT, kind="Account"), status_of(OTHER)])

    assert [record["attributes"]["type"] for record in sent_records(org)[0]] == ["Account", "Quote", "Quote"]
    assert [(result.record_id, result.is_written) for result in results] == [
        (QUOTE, True),
        (ACCOUNT, False),
        (OTHER, True),
    ]


def test_201_records_make_two_calls(org: ScriptedOrg, gateway: SimpleSalesforceGateway) -> None:
    ids = [id18(f"0Q0V00000{number:06d}") for number in range(201)]

    results = gateway.write(writes=[status_of(record_id) for record_id in ids])

    assert [result.record_id for result in results] == ids
    assert [len(records) for records in sent_records(org)] == [200, 1]
    assert gateway.calls_by_purpose() == {"login": 1, "write_back": 2}


def test_nothing_to_write_makes_no_call(org: ScriptedOrg, gateway: SimpleSalesforceGateway) -> None:
    assert gateway.write(writes=[]) == ()
    assert org.calls == []


@pytest.mark.parametrize(
    ("write", "error"),
    [
        (RecordWrite("Quote", "0Q0' OR", {"A__c": 1}), NotASalesforceId),
        (RecordWrite("Quote; x", QUOTE, {"A__c": 1}), Misconfigured),
        (RecordWrite("Quote", QUOTE, {"A__c'": 1}), Misconfigured),
        (RecordWrite("Quote", QUOTE, {"Account.Name": 1}), Refused),
        (RecordWrite("Quote", QUOTE, {"Id": "x"}), Refused),
        (RecordWrite("Quote", QUOTE, {"attributes": None}), Refused),
        (RecordWrite("Quote", QUOTE, {}), Refused),
        (RecordWrite("Quote", QUOTE, {"A__c": 1.5}), TypeError),  # type: ignore[dict-item]
    ],
)
def test_what_cannot_be_written_is_refused_before_any_of_it_is_sent(
    org: ScriptedOrg, gateway: SimpleSalesforceGateway, write: RecordWrite, error: type[Exception]
) -> None:
    with pytest.raises(error):
        gateway.write(writes=[status_of(OTHER), write])

    assert not org.calls_to("/composite/sobjects")


LOST = [
    requests.ReadTimeout("slow"),
    requests.ConnectionError("reset"),
    answer(502, HTML),
    answer(504, HTML),
    answer(200, '[{"id":"0Q0'),
    answer(200, "<html>"),
]


@pytest.mark.parametrize("lost", LOST)
def test_a_write_whose_answer_was_lost_is_sent_again(
    org: ScriptedOrg, gateway: SimpleSalesforceGateway, naps: list[float], lost: Any
) -> None:
    org.refuse("/composite/sobjects", lost)

    (result,) = gateway.write(writes=[status_of(QUOTE)])

    assert result.is_written
    assert len(sent_records(org)) == 2
    assert len(naps) == 1


@pytest.mark.parametrize("lost", LOST)
def test_a_write_whose_answer_stays_lost_is_uncertain(
    org: ScriptedOrg, gateway: SimpleSalesforceGateway, naps: list[float], lost: Any
) -> None:
    org.refuse("/composite/sobjects", *[lost] * 4)

    with pytest.raises(Uncertain) as uncertain:
        gateway.write(writes=[status_of(QUOTE)])

    assert "write to 1 record of Quote" in str(uncertain.value)
    assert sum(naps) < 8


@pytest.mark.parametrize("later", [requests.ConnectTimeout("slow"), answer(503, HTML)])
def test_a_lost_answer_stays_uncertain_when_later_tries_do_not_arrive(
    org: ScriptedOrg, gateway: SimpleSalesforceGateway, later: Any
) -> None:
    org.refuse("/composite/sobjects", requests.ReadTimeout("slow"), *[later] * 3)

    with pytest.raises(Uncertain):
        gateway.write(writes=[status_of(QUOTE)])


def test_a_call_that_fails_as_a_whole_raises(org: ScriptedOrg, gateway: SimpleSalesforceGateway) -> None:
    org.refuse(
        "/composite/sobjects",
        fault(400, "INVALID_FIELD", "No such column 'Sync_Status__c' on sobject of type Quote"),
    )

    with pytest.raises(Misconfigured, match="Sync_Status__c") as wrong:
        gateway.write(writes=[status_of(QUOTE)])

    assert wrong.value.code == "INVALID_FIELD"


@pytest.mark.parametrize("told", [[], [{"success": True}, {"success": True}], {"success": True}])
def test_an_answer_that_does_not_name_every_record_is_uncertain(
    org: ScriptedOrg, gateway: SimpleSalesforceGateway, told: Any
) -> None:
    org.refuse("/composite/sobjects", answer(200, told))

    with pytest.raises(Uncertain, match="does not name every record"):
        gateway.write(writes=[status_of(QUOTE)])


@pytest.mark.parametrize("told", [{}, {"success": False, "errors": []}, {"success": "true"}, 7])
def test_a_record_that_is_not_said_to_be_written_is_not_written(
    org: ScriptedOrg, gateway: SimpleSalesforceGateway, told: Any
) -> None:
    org.refuse("/composite/sobjects", answer(200, [told]))

    (result,) = gateway.write(writes=[status_of(QUOTE)])

    assert (result.is_written, result.code, result.is_transient) == (False, "NO_REASON", False)
