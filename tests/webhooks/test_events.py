"""Signed JSON events: kept once, answered 202, refused with the reason."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from connector.adapters.clock import FixedClock
from connector.store.tables import inbox, inbox_bodies
from connector.store.unit_of_work import Database
from tests.recording import RecordingStarter
from tests.store.reading import rows_of
from tests.webhooks.sending import (
    FIRST_ORG,
    FIRST_SECRET,
    OLD_FIRST_SECRET,
    QUOTE,
    SECOND_ORG,
    SECOND_SECRET,
    STRANGE_SECRET,
    event_body,
    payload,
    signed_headers,
)

ONE = {"object": "Quote", "id": QUOTE}


class Sender:
    """Signs and posts bodies at the clock's time."""

    def __init__(self, client: FlaskClient, clock: FixedClock) -> None:
        self.client, self.clock = client, clock

    def send(self, body: bytes, *, secrets: Sequence[str] = (FIRST_SECRET,), webhook_id: str = "msg_1") -> TestResponse:
        return self.post(body, signed_headers(body, at=self.clock.now(), secrets=secrets, webhook_id=webhook_id))

    def post(self, body: bytes, headers: dict[str, str]) -> TestResponse:
        return self.client.post("/webhooks/salesforce/events", data=body, headers=headers)


@pytest.fixture
def sender(client: FlaskClient, clock: FixedClock) -> Sender:
    return Sender(client, clock)


def answer_of(answer: TestResponse) -> tuple[int, Any]:
    return answer.status_code, answer.json


def code_of(answer: TestResponse) -> tuple[int, str]:
    assert answer.json is not None
    return answer.status_code, answer.json["code"]


def test_one_event_is_kept_and_looked_at(sender: Sender, database: Database, starter: RecordingStarter) -> None:
    answer = sender.send(payload("one_event.json"))

    assert answer_of(answer) == (202, {"accepted": 1, "known": 0})
    (row,) = rows_of(database, inbox)
    assert (row.org_id, row.object, row.record_id) == (FIRST_ORG, "Quote", QUOTE)
    assert starter.started == [("look", f"look:{row.id}", f"{FIRST_ORG}:Quote:{QUOTE}:{row.id}")]
    assert rows_of(database, inbox_bodies)[0].body == payload("one_event.json")


def test_second_delivery_of_an_event_is_accepted_and_ignored(
    sender: Sender, database: Database, starter: RecordingStarter
) -> None:
    sender.send(payload("one_event.json"))

    answer = sender.send(payload("one_event.json"), webhook_id="msg_2")

    assert answer_of(answer) == (202, {"accepted": 0, "known": 1})
    assert (len(rows_of(database, inbox)), len(rows_of(database, inbox_bodies)), len(starter.started)) == (1, 1, 1)


def test_an_event_without_an_id_is_known_by_the_id_of_its_request(sender: Sender) -> None:
    sender.send(event_body(ONE))

    assert sender.send(event_body(ONE)).json == {"accepted": 0, "known": 1}
    assert sender.send(event_body(ONE), webhook_id="msg_2").json == {"accepted": 1, "known": 0}


def test_a_list_is_kept_at_once_and_spread_by_one_run(
    sender: Sender, database: Database, starter: RecordingStarter
) -> None:
    answer = sender.send(payload("three_events.json"))

    assert answer_of(answer) == (202, {"accepted": 3, "known": 0})
    assert [row.message_id for row in rows_of(database, inbox)] == ["msg_1:0", "msg_1:1", "msg_1:2"]
    assert [name for name, _, _ in starter.started] == ["spread"]


def test_one_event_may_name_several_records(sender: Sender, database: Database) -> None:
    both = [ONE | {"event_id": "won"}, {"object": "Order", "id": "801V0000000abcd", "event_id": "won"}]

    assert sender.send(event_body(both)).json == {"accepted": 2, "known": 0}
    assert sender.send(event_body(both), webhook_id="msg_2").json == {"accepted": 0, "known": 2}


def test_two_hundred_events_are_taken(sender: Sender) -> None:
    events = [{"object": "Quote", "id": f"0Q0{number:012d}"} for number in range(200)]

    assert sender.send(event_body(events)).json == {"accepted": 200, "known": 0}


def test_an_unknown_object_is_kept_as_ignored(sender: Sender, database: Database, starter: RecordingStarter) -> None:
    answer = sender.send(event_body({"object": "Lead", "id": "00QV0000000abcd"}))

    assert answer_of(answer) == (202, {"accepted": 1, "known": 0})
    (row,) = rows_of(database, inbox)
    assert row.state == "ignored"
    assert "Lead" in row.reason
    assert starter.started == []


def test_the_secret_decides_the_org(sender: Sender, database: Database) -> None:
    sender.send(event_body(ONE), secrets=[SECOND_SECRET])

    assert rows_of(database, inbox)[0].org_id == SECOND_ORG


@pytest.mark.parametrize("secrets", [[OLD_FIRST_SECRET], [STRANGE_SECRET, OLD_FIRST_SECRET], [FIRST_SECRET] * 2])
def test_old_and_new_secrets_work_while_they_are_being_changed(sender: Sender, secrets: list[str]) -> None:
    assert sender.send(event_body(ONE), secrets=secrets).status_code == 202


class TestRefused:
    """What is refused leaves nothing behind; one kind of database is enough."""

    @pytest.fixture
    def database(self, sqlite_database: Database) -> Database:
        return sqlite_database

    @pytest.fixture(autouse=True)
    def _nothing_is_kept(self, database: Database, starter: RecordingStarter) -> Any:
        yield
        assert rows_of(database, inbox) == []
        assert rows_of(database, inbox_bodies) == []
        assert starter.started == []

    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"{",
            b"\xff\xfe",
            b'{"object": "Quote", "id": NaN}',
            b"[" * 100_000,
            b'{"object": ' * 50_000,
            b"1" * 10_000,
            b"[]",
            b"null",
            b"5",
            b'"Quote"',
            b"[[]]",
            b"{}",
            event_body([ONE] * 201),
            event_body({"object": "Quote"}),
            event_body({"id": QUOTE}),
            event_body(ONE | {"object": 5}),
            event_body(ONE | {"object": ["Quote"]}),
            event_body(ONE | {"object": "Quote'; --"}),
            event_body(ONE | {"object": "Q" * 81}),
            event_body(ONE | {"id": 5}),
            event_body(ONE | {"id": True}),
            event_body(ONE | {"id": "0" * 19}),
            event_body(ONE | {"id": "\ud800" * 15}),
            event_body(ONE | {"id": "0Q0V0000000abcdZZZ"}),
            event_body(ONE | {"event_id": ""}),
            event_body(ONE | {"event_id": 7}),
            event_body(ONE | {"event_id": "x" * 121}),
            event_body(ONE | {"event_id": "\0"}),
            event_body(ONE | {"event_id": "\ud800"}),
            event_body(ONE | {"org_id": "somebody"}),
            event_body(ONE | {"org_id": 5}),
            event_body([ONE, ONE | {"id": ""}]),
        ],
    )
    def test_a_body_that_is_no_event_is_refused(self, sender: Sender, body: bytes) -> None:
        answer = sender.send(body)

        assert code_of(answer) == (400, "BODY_REFUSED")
        assert answer.json is not None
        assert answer.json["detail"]
        assert answer.json["fix"]
        assert len(answer.data) < 2000

    def test_the_place_of_each_fault_is_named(self, sender: Sender) -> None:
        answer = sender.send(event_body([{"object": "Quote"}, ONE, {"id": QUOTE, "event_id": ""}]))

        assert answer.json is not None
        assert [fault["field"] for fault in answer.json["faults"]] == ["[0].id", "[2].object", "[2].event_id"]

    def test_a_tampered_body_is_refused(self, sender: Sender, clock: FixedClock) -> None:
        headers = signed_headers(event_body(ONE), at=clock.now())

        answer = sender.post(event_body(ONE | {"object": "Order"}), headers)

        assert code_of(answer) == (401, "WRONG_SIGNATURE")

    @pytest.mark.parametrize("missing", ["webhook-id", "webhook-timestamp", "webhook-signature"])
    def test_each_header_is_needed(self, sender: Sender, clock: FixedClock, missing: str) -> None:
        headers = signed_headers(event_body(ONE), at=clock.now())
        del headers[missing]

        assert code_of(sender.post(event_body(ONE), headers)) == (401, "WRONG_SIGNATURE")

    def test_a_strange_secret_is_refused(self, sender: Sender) -> None:
        assert code_of(sender.send(event_body(ONE), secrets=[STRANGE_SECRET])) == (401, "WRONG_SIGNATURE")

    @pytest.mark.parametrize("moved", [timedelta(minutes=6), timedelta(minutes=-6)])
    def test_a_stale_request_is_refused_with_its_own_code(
        self, sender: Sender, clock: FixedClock, moved: timedelta
    ) -> None:
        headers = signed_headers(event_body(ONE), at=clock.now())
        clock.advance(moved)

        assert code_of(sender.post(event_body(ONE), headers)) == (401, "STALE_SIGNATURE")

    def test_an_event_of_another_org_is_refused(self, sender: Sender) -> None:
        assert code_of(sender.send(event_body(ONE | {"org_id": SECOND_ORG}))) == (403, "WRONG_ORG")

    def test_three_megabytes_are_refused(self, sender: Sender) -> None:
        assert sender.send(b" " * 3_000_000).status_code == 413
