"""Replaying parked messages: they wait again, get a fresh look, and the history knows who did it."""

from __future__ import annotations

import pytest

from connector.adapters.clock import FixedClock
from connector.errors import NotFound
from connector.store import inbox
from connector.store.inbox import Message
from connector.store.tables import history
from connector.store.tables import inbox as inbox_table
from connector.store.unit_of_work import Database
from connector.usecases.receive_message import receive
from connector.usecases.replay_message import replay
from tests.recording import RecordingStarter
from tests.store.reading import rows_of

ORG = "00DV0000008s2SrMAI"


class Desk:
    """A person who parks (as a failed look does) and replays."""

    def __init__(self, database: Database, clock: FixedClock) -> None:
        self.database, self.clock, self.starter = database, clock, RecordingStarter()

    def receive(self, *record_ids: str) -> list[int]:
        messages = [
            Message("test", f"m{number:04d}", "event", ORG, "Quote", record_id)
            for number, record_id in enumerate(record_ids)
        ]
        receive(
            database=self.database,
            starter=RecordingStarter(),
            clock=self.clock,
            messages=messages,
            body=b"{}",
            content_type="application/json",
        )
        return [row.id for row in rows_of(self.database, inbox_table)]

    def park(self, *record_ids: str) -> None:
        with self.database.unit_of_work() as work:
            for record_id in record_ids:
                inbox.park(work=work, org_id=ORG, record_id=record_id, until_id=10_000, reason="a bug")
            work.commit()

    def replay(self, inbox_ids: list[int] | None = None, *, dry_run: bool = False) -> int:
        return replay(
            database=self.database,
            starter=self.starter,
            clock=self.clock,
            actor="anna",
            inbox_ids=inbox_ids,
            reason="repaired",
            dry_run=dry_run,
        )

    def states(self) -> list[str]:
        return [row.state for row in rows_of(self.database, inbox_table)]


@pytest.fixture
def desk(database: Database, clock: FixedClock) -> Desk:
    return Desk(database, clock)


def test_a_replayed_message_waits_again_with_a_fresh_look_and_a_history(desk: Desk, clock: FixedClock) -> None:
    (row_id,) = desk.receive("A")
    desk.park("A")

    assert desk.replay([row_id]) == 1

    assert desk.states() == ["received"]
    assert desk.starter.started == [("look", f"look:{row_id}:r1", f"{ORG}:Quote:A:{row_id}")]
    (entry,) = rows_of(desk.database, history)
    assert (entry.actor, entry.at, entry.reason) == ("anna", clock.now(), "repaired")
    assert (entry.subject, entry.subject_id, entry.event) == ("inbox", row_id, "replayed")
    assert (entry.before, entry.after) == ("parked", "received")


def test_each_replay_of_a_message_is_a_run_of_its_own(desk: Desk) -> None:
    (row_id,) = desk.receive("A")
    for _ in range(3):
        desk.park("A")
        desk.replay()

    assert desk.starter.run_ids == [f"look:{row_id}:r1", f"look:{row_id}:r2", f"look:{row_id}:r3"]


def test_all_parked_messages_are_replayed_with_one_look_per_record(desk: Desk) -> None:
    ids = desk.receive("A", "A", "B", "C")
    desk.park("A", "B")

    assert desk.replay() == 3

    assert desk.states() == ["received"] * 4
    assert desk.starter.run_ids == [f"look:{ids[1]}:r1", f"look:{ids[2]}:r1"]


def test_many_parked_messages_are_replayed_in_chunks(desk: Desk) -> None:
    records = [f"R{number}" for number in range(120)]
    desk.receive(*records)
    desk.park(*records)

    assert desk.replay() == 120
    assert len(desk.starter.started) == 120


def test_a_replay_on_trial_changes_nothing(desk: Desk) -> None:
    desk.receive("A", "B")
    desk.park("A")

    assert desk.replay(dry_run=True) == 1

    assert desk.states() == ["parked", "received"]
    assert desk.starter.started == []
    assert rows_of(desk.database, history) == []


def test_replaying_twice_replays_once(desk: Desk) -> None:
    ids = desk.receive("A")
    desk.park("A")

    assert [desk.replay(ids), desk.replay(ids)] == [1, 0]
    assert len(desk.starter.started) == 1


def test_an_unknown_message_is_refused_before_anything_is_changed(desk: Desk) -> None:
    ids = desk.receive("A")
    desk.park("A")

    with pytest.raises(NotFound) as refusal:
        desk.replay([*ids, 987])

    assert "987" in str(refusal.value)
    assert desk.states() == ["parked"]
