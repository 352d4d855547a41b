"""Outbound messages that are refused: nothing is kept, nothing is started, and the answer says why."""

from __future__ import annotations

import io
import time
from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient
from prometheus_client import REGISTRY
from structlog.testing import CapturingLogger

from connector.store.tables import inbox, inbox_bodies
from connector.store.unit_of_work import Database
from tests.recording import RecordingStarter
from tests.store.reading import rows_of
from tests.webhooks.sending import FIRST_TOKEN, SECOND_TOKEN, envelope, notification, outbound_body, payload
from tests.webhooks.test_outbound_messages import deliver


@pytest.fixture
def database(sqlite_database: Database) -> Database:
    """What is refused never reaches a database, so one kind is enough."""
    return sqlite_database


@pytest.fixture(autouse=True)
def _nothing_is_kept(database: Database, starter: RecordingStarter) -> Iterator[None]:
    yield
    assert rows_of(database, inbox) == []
    assert rows_of(database, inbox_bodies) == []
    assert starter.started == []


def envelope_around(inner: str) -> bytes:
    return envelope(inner).replace(b"<notifications ", b"<other ").replace(b"</notifications>", b"</other>")


NO_SOBJECT = "<Notification><Id>04l000000000001</Id></Notification>"
CASES = {
    "empty": (b"", "not well-formed"),
    "spaces": (b"   ", "not well-formed"),
    "text": (b"hello", "not well-formed"),
    "half": (payload("one_quote.xml")[:400], "not well-formed"),
    "null bytes": (b"\0" * 50, "not well-formed"),
    "unknown encoding": (b'<?xml version="1.0" encoding="klingon"?><a/>', "not well-formed"),
    "not utf-8": (payload("one_quote.xml").replace(b"Accepted", b"\xff\xfe"), "not well-formed"),
    "undefined entity": (payload("one_quote.xml").replace(b"Accepted", b"&bomb;"), "not well-formed"),
    "document type": (payload("doctype.xml"), "document type or entities"),
    "billion laughs": (payload("billion_laughs.xml"), "document type or entities"),
    "external entity": (payload("external_entity.xml"), "document type or entities"),
    "no notifications element": (envelope_around(notification(1)), "no element notifications"),
    "not soap": (b"<a/>", "no element notifications"),
    "another namespace": (payload("one_quote.xml").replace(b"2005/09/outbound", b"2099/09/outbound"), "no element"),
    "no notification": (outbound_body(0), "0 elements"),
    "too many": (outbound_body(101), "101 elements"),
    "no org": (envelope(notification(1), org=""), "OrganizationId: The id is missing."),
    "strange org": (envelope(notification(1), org="<OrganizationId>x</OrganizationId>"), "OrganizationId: 'x' is not"),
    "no sObject": (envelope(NO_SOBJECT), "Notification[1]/sObject/@xsi:type"),
    "no record id": (envelope(notification(1, record="")), "Notification[1]/sObject/Id: The id is missing."),
    "nil record id": (
        envelope(notification(1, record='<sf:Id xsi:nil="true"/>')),
        "Notification[1]/sObject/Id: The id is missing.",
    ),
    "record id in the wrong namespace": (
        envelope(notification(1, record="<Id>0Q0V0000000abcd</Id>")),
        "Notification[1]/sObject/Id: The id is missing.",
    ),
    "record id with wrong check letters": (
        envelope(notification(1, record="<sf:Id>0Q0V0000000abcdZZZ</sf:Id>")),
        "Notification[1]/sObject/Id: '0Q0V0000000abcdZZZ' is not",
    ),
    "record id that is a query": (
        envelope(notification(1, record="<sf:Id>' OR Id != ''</sf:Id>")),
        "Notification[1]/sObject/Id",
    ),
    "record id that is too long": (
        envelope(notification(1, record=f"<sf:Id>{'0' * 5000}</sf:Id>")),
        "Notification[1]/sObject/Id: The id has 5000 characters.",
    ),
    "message id missing": (envelope(notification(1, message_id="")), "Notification[1]/Id: The id is missing."),
    "object name that is too long": (
        envelope(notification(1, object_name="X" * 81)),
        "Notification[1]/sObject/@xsi:type",
    ),
    "object name that is a query": (
        envelope(notification(1, object_name="Quote WHERE")),
        "Notification[1]/sObject/@xsi:type",
    ),
    "the second of two": (
        envelope(notification(1), notification(2, record="")),
        "Notification[2]/sObject/Id: The id is missing.",
    ),
    "more tags than any message has": (b"<a>" + b"<b/>" * 200_001 + b"</a>", "more than 200000 tags"),
    "elements without end": (b"<a>" * 199_000, "not well-formed"),
}


@pytest.mark.parametrize("case", CASES)
def test_a_body_that_is_no_outbound_message_is_refused_with_the_place(client: FlaskClient, case: str) -> None:
    body, expected = CASES[case]

    answer = deliver(client, body)

    assert answer.status_code == 400
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json is not None
    assert answer.json["code"] == "BODY_REFUSED"
    assert expected in answer.json["detail"]
    assert answer.json["fix"]
    assert len(answer.data) < 2000
    assert b"root:" not in answer.data


def test_every_fault_of_a_body_is_told_at_once(client: FlaskClient) -> None:
    answer = deliver(client, envelope(notification(1, record=""), notification(2), notification(3, message_id="?")))

    assert answer.json is not None
    assert [fault["field"] for fault in answer.json["faults"]] == ["Notification[1]/sObject/Id", "Notification[3]/Id"]
    assert all(fault["fix"] for fault in answer.json["faults"])


def test_elements_nested_without_end_neither_crash_nor_hold_up(client: FlaskClient) -> None:
    started = time.perf_counter()

    answer = deliver(client, b"<a>" * 99_000 + b"</a>" * 99_000)

    assert answer.status_code == 400
    assert time.perf_counter() - started < 5


@pytest.mark.parametrize("token", ["wrong", FIRST_TOKEN[:-1], FIRST_TOKEN + "x", "é", "%00"])
def test_a_wrong_token_is_refused_before_the_body_is_read(client: FlaskClient, token: str) -> None:
    answer = deliver(client, b"\0" * 3_000_000, token=token)

    assert answer.status_code == 401
    assert answer.json is not None
    assert answer.json["code"] == "UNKNOWN_TOKEN"


def test_a_message_of_another_org_is_refused(client: FlaskClient) -> None:
    answer = deliver(client, payload("one_quote.xml"), token=SECOND_TOKEN)

    assert answer.status_code == 403
    assert answer.json is not None
    assert answer.json["code"] == "WRONG_ORG"


def test_three_megabytes_are_refused_unread(client: FlaskClient) -> None:
    answer = deliver(client, b"<a>" + b" " * 3_000_000 + b"</a>")

    assert answer.status_code == 413
    assert answer.json is not None
    assert answer.json["fix"]


def test_three_megabytes_in_chunks_are_refused_when_the_limit_is_passed(client: FlaskClient) -> None:
    sent = io.BytesIO(b"<a>" + b" " * 3_000_000 + b"</a>")

    answer = client.post(
        f"/webhooks/salesforce/outbound/{FIRST_TOKEN}",
        input_stream=sent,
        environ_overrides={"wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked"},
    )

    assert answer.status_code == 413
    assert sent.tell() <= 2_100_000


def test_a_refusal_is_logged_and_counted_without_the_token(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    logged = CapturingLogger()
    monkeypatch.setattr("webhooks.salesforce.log", logged)
    labels = {"source": "webhooks_salesforce.receive_outbound_messages", "code": "BODY_REFUSED"}
    before = REGISTRY.get_sample_value("countersign_webhook_refused_total", labels) or 0

    deliver(client, b"hello")

    (entry,) = logged.calls
    assert (entry.method_name, entry.kwargs["code"]) == ("warning", "BODY_REFUSED")
    assert FIRST_TOKEN not in str(entry)
    assert REGISTRY.get_sample_value("countersign_webhook_refused_total", labels) == before + 1


def test_other_methods_are_refused(client: FlaskClient) -> None:
    answer = client.get(f"/webhooks/salesforce/outbound/{FIRST_TOKEN}")

    assert answer.status_code == 405
    assert "POST" in answer.headers["Allow"]
