"""What the API does: Resync, replay and preview, each with its dry run and its refusals."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from connector.adapters.clock import FixedClock
from connector.domain.fulfilment import OrderState
from connector.store.tables import history, inbox
from connector.store.unit_of_work import Database
from tests.builders import a_fault, make_message_rows, make_order_rows, make_record_row, quote_id
from tests.recording import RecordingStarter
from tests.web.conftest import Machine


def test_a_resync_of_an_order_starts_one_look_and_tells_where_to_ask(
    machine: Machine, sqlite_database: Database, clock: FixedClock, starter: RecordingStarter
) -> None:
    made = make_order_rows(sqlite_database, clock, state=OrderState.BLOCKED, faults=[a_fault()])

    answer = machine.post("/resync", {"order": made.number})

    assert answer.status_code == 202
    assert answer.headers["Location"] == answer.json["status_url"]
    assert answer.json["found"][0]["salesforce_id"] == made.ref.record_id
    assert len(starter.started) == 1
    status = machine.get(answer.json["status_url"].removeprefix("/api/v1")).json
    assert (status["done"], status["records"][0]["state"]) == (False, "blocked")


def test_a_dry_run_changes_nothing(
    machine: Machine, sqlite_database: Database, clock: FixedClock, starter: RecordingStarter
) -> None:
    made = make_order_rows(sqlite_database, clock, messages=0)

    answer = machine.post("/resync", {"salesforce_id": made.ref.record_id[:15], "dry_run": True})

    assert answer.status_code == 202
    assert answer.json["dry_run"] is True
    assert [item["order"] for item in answer.json["found"]] == [made.number]
    assert starter.started == []
    assert _count(sqlite_database, inbox) == 0


def test_a_resync_by_time_window_takes_what_was_looked_at_in_it(
    machine: Machine, sqlite_database: Database, clock: FixedClock
) -> None:
    make_order_rows(sqlite_database, clock, state=OrderState.FAILED, step_fault=a_fault(), age=timedelta(hours=2))

    answer = machine.post("/resync", {"since": "2026-03-02T08:00:00Z", "until": "2026-03-02T10:00:00+01:00"})

    assert answer.status_code == 202
    assert [item["order"] for item in answer.json["found"]] == ["O-000001"]


@pytest.mark.parametrize("body", [{"order": "O-999999"}, {"salesforce_id": quote_id(77)}])
def test_a_resync_of_what_nobody_knows_is_a_404(
    machine: Machine, starter: RecordingStarter, body: dict[str, str]
) -> None:
    answer = machine.post("/resync", body)

    assert answer.status_code == 404
    assert starter.started == []


@pytest.mark.parametrize(
    ("body", "field", "said"),
    [
        ({}, "body", "exactly one of"),
        ({"order": "O-1", "salesforce_id": quote_id(1)}, "body", "exactly one of"),
        ({"order": "O-1", "since": "2026-03-01T00:00:00Z"}, "body", "exactly one of"),
        ({"since": "2026-03-01T00:00:00Z"}, "body", "both since and until"),
        ({"since": "2026-03-02T00:00:00Z", "until": "2026-03-01T00:00:00Z"}, "body", "earlier than until"),
        ({"since": "2026-03-01T00:00:00", "until": "2026-03-02T00:00:00Z"}, "since", "with its zone"),
        ({"since": "yesterday, around noon", "until": "2026-03-02T00:00:00Z"}, "since", "ISO 8601"),
        ({"since": 1772323200, "until": "2026-03-02T00:00:00Z"}, "since", "ISO 8601"),
        ({"since": "0001-01-01T00:00:00+14:00", "until": "2026-03-02T00:00:00Z"}, "since", "ISO 8601"),
        ({"order": 7}, "order", "must be text"),
        ({"order": ""}, "order", "match"),
        ({"order": "O-1\x00"}, "order", "match"),
        ({"order": "O-1\n"}, "order", "match"),
        ({"order": "\ud800"}, "order", "UTF-8"),
        ({"order": None}, "body", "exactly one of"),
        ({"salesforce_id": "short"}, "salesforce_id", "match"),
        ({"order": "O-1", "dry_run": "yes"}, "dry_run", "true or false"),
        ({"order": "O-1", "dryrun": True}, "dryrun", "not known"),
        ({"order": "O-1", "\ud800": True}, "body", "UTF-8"),
    ],
)
def test_a_resync_body_that_cannot_be_is_refused_by_field(
    machine: Machine, starter: RecordingStarter, body: dict[str, object], field: str, said: str
) -> None:
    answer = machine.post("/resync", body)

    assert answer.status_code == 400, answer.text
    assert answer.json["code"] == "BAD_BODY"
    faults = {fault["field"]: fault["message"] for fault in answer.json["faults"]}
    assert said in faults[field]
    assert starter.started == []


def test_all_faults_of_a_body_are_told_at_once(machine: Machine) -> None:
    answer = machine.post("/resync", {"order": 7, "salesforce_id": "x", "nonsense": 1})

    assert [fault["field"] for fault in answer.json["faults"]] == ["body", "salesforce_id", "order", "nonsense"]


def test_an_id_whose_last_characters_are_wrong_is_refused(machine: Machine) -> None:
    wrong = quote_id(1)[:15] + "zzz"

    assert machine.post("/resync", {"salesforce_id": wrong}).status_code == 422
    assert machine.post("/preview", {"salesforce_id": wrong}).status_code == 422


def test_parked_messages_are_replayed_by_id_and_by_all(
    machine: Machine, sqlite_database: Database, clock: FixedClock, starter: RecordingStarter
) -> None:
    refs = [make_record_row(sqlite_database, clock, number=number, state="parked") for number in (1, 2)]
    ids = [make_message_rows(sqlite_database, clock, ref=ref)[0] for ref in refs]

    counted = machine.post("/parked/replay", {"all": True, "dry_run": True})
    one = machine.post("/parked/replay", {"ids": [ids[0]]})
    rest = machine.post("/parked/replay", {"all": True})

    assert counted.json == {"replayed": 2, "dry_run": True}
    assert one.json == {"replayed": 1, "dry_run": False}
    assert rest.json == {"replayed": 1, "dry_run": False}
    assert len(starter.started) == 2
    with sqlite_database.reading() as connection:
        query = sa.select(history.c.actor).where(history.c.event == "replayed")
        actors = set(connection.execute(query).scalars())
    assert actors == {"token test read orders:write finance"}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "body"), ({"all": False}, "body"), ({"all": True, "ids": [1]}, "body"), ({"ids": []}, "ids"),
        ({"ids": ["1"]}, "ids.0"), ({"ids": [0]}, "ids.0"), ({"ids": [2**63]}, "ids.0"), ({"ids": [True]}, "ids.0"),
        ({"ids": [1.5]}, "ids.0"), ({"ids": {"a": 1}}, "ids"), ({"all": 1}, "all"),
        ({"ids": list(range(1, 1002))}, "ids"),
    ],
)  # fmt: skip
def test_a_replay_body_that_cannot_be_is_refused_by_field(
    machine: Machine, sqlite_database: Database, clock: FixedClock, starter: RecordingStarter, body: object, field: str
) -> None:
    make_message_rows(sqlite_database, clock, ref=make_record_row(sqlite_database, clock, number=1))

    answer = machine.post("/parked/replay", body)

    assert answer.status_code == 400, answer.text
    assert field in [fault["field"] for fault in answer.json["faults"]]
    assert starter.started == []


def test_replaying_an_unknown_message_replays_none(
    machine: Machine, sqlite_database: Database, clock: FixedClock, starter: RecordingStarter
) -> None:
    ids = make_message_rows(sqlite_database, clock, ref=make_record_row(sqlite_database, clock, number=1))

    answer = machine.post("/parked/replay", {"ids": [*ids, 4711]})

    assert answer.status_code == 404
    assert "4711" in answer.json["detail"]
    assert starter.started == []


def test_a_preview_of_a_record_that_no_org_has_is_a_404(machine: Machine) -> None:
    answer = machine.post("/preview", {"salesforce_id": quote_id(1), "org_id": None})

    assert answer.status_code == 404


@pytest.mark.parametrize(
    "body",
    [
        *(
            b"",
            b"{",
            b"[]",
            b"null",
            b'"x"',
            b"1",
            b'{"order": NaN}',
            b'{"order": 1, "order": 2}',
            b"\xff\xfe",
            b"\x00",
        ),
        *(b"[" * 100_000, b'{"order": ' + b"9" * 5000 + b"}", b'{"a": 1e999999999}', b'{"order":"\\ud800"}'),
    ],
    ids=lambda body: repr(body[:20]),
)
@pytest.mark.parametrize("path", ["/resync", "/parked/replay", "/preview"])
def test_a_body_that_is_no_good_json_is_a_400(machine: Machine, path: str, body: bytes) -> None:
    answer = machine.send(path, body)

    assert answer.status_code == 400, answer.text
    assert answer.json["faults"][0]["message"]


@pytest.mark.parametrize(
    "content_type", ["", "text/plain", "application/x-www-form-urlencoded", "application/xml", "multipart/form-data"]
)
def test_another_content_type_is_a_415(machine: Machine, content_type: str) -> None:
    assert machine.send("/resync", b'{"order": "O-1"}', content_type).status_code == 415


def test_a_body_above_the_limit_is_a_413(machine: Machine) -> None:
    assert machine.send("/resync", b"x" * 2_000_001).status_code == 413


@pytest.mark.parametrize(
    ("query", "name"),
    [
        *(
            ("limit=" + value, "limit")
            for value in ("0", "201", "x", "1.5", "-1", "9" * 5000, "%D9%A1", "", "1&limit=2")
        ),
        *(("after=" + value, "after") for value in ("zzz", "", "%00")),
        *(("state=" + value, "state") for value in ("NOPE", "blocked")),
        *(("q=" + value, "q") for value in ("%00", "x" * 201, "a&q=b")),
        ("colour=red", "colour"),
        ("%00=1", "?"),
    ],
    ids=lambda value: value[:20],
)
def test_a_parameter_that_cannot_be_is_refused_by_name(machine: Machine, query: str, name: str) -> None:
    answer = machine.get(f"/orders?{query}")

    assert answer.status_code == 400, answer.text
    assert [fault["field"] for fault in answer.json["faults"]] == [name]
    assert len(answer.text) < 2000


@pytest.mark.parametrize("path", ["/orders/O-1?x=1", "/contracts/C-1?limit=1", "/resync/x?y=", "/parked?state=done"])
def test_a_parameter_that_an_address_does_not_take_is_refused(machine: Machine, path: str) -> None:
    assert machine.get(path).status_code == 400


@pytest.mark.parametrize("path", ["/orders", "/parked"])
def test_a_wrong_method_says_which_are_right(machine: Machine, path: str) -> None:
    answer = machine.post(path, {})

    assert answer.status_code == 405
    assert "GET" in answer.headers["Allow"]


def _count(database: Database, table: sa.Table) -> int:
    with database.reading() as connection:
        return connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()
