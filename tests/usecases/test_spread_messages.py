"""Spreading a body: one look per record, safe to repeat, with the real engine."""

from __future__ import annotations

import pytest

from connector.adapters.clock import FixedClock
from connector.engine import WorkStarter
from connector.store import inbox
from connector.store.inbox import Message
from connector.store.tables import inbox as inbox_table
from connector.store.unit_of_work import Database
from connector.usecases.receive_message import receive
from connector.usecases.spread_messages import spread
from tests.recording import RecordingStarter
from tests.store.reading import rows_of

ORG = "00DV0000008s2SrMAI"


def receive_records(database: Database, clock: FixedClock, *record_ids: str) -> int:
    """Keep one body with a message per record; answers its id."""
    messages = [
        Message("test", f"m{number:04d}", "event", ORG, "Quote", record_id)
        for number, record_id in enumerate(record_ids)
    ]
    receive(
        database=database,
        starter=RecordingStarter(),
        clock=clock,
        messages=messages,
        body=b"{}",
        content_type="application/json",
    )
    return int(rows_of(database, inbox_table)[-1].body_id)


def test_each_record_of_a_body_gets_one_look_for_its_newest_message(database: Database, clock: FixedClock) -> None:
    body_id = receive_records(database, clock, "A", "B", "A")
    starter = RecordingStarter()

    assert spread(database=database, starter=starter, body_id=body_id) == 2

    newest = {row.record_id: row.id for row in rows_of(database, inbox_table)}
    assert sorted(starter.started) == sorted(
        ("look", f"look:{row_id}", f"{ORG}:Quote:{record_id}:{row_id}") for record_id, row_id in newest.items()
    )


def test_spreading_again_starts_no_look_again(database: Database, clock: FixedClock) -> None:
    body_id = receive_records(database, clock, *(f"R{number}" for number in range(120)))
    starter = WorkStarter(engine=database.writer, is_sqlite=database.is_sqlite)

    first = spread(database=database, starter=starter, body_id=body_id)
    again = spread(database=database, starter=starter, body_id=body_id)

    assert (first, again) == (120, 120)
    assert len(starter.client.list_workflows(load_input=False)) == 120


def test_a_record_that_was_looked_at_meanwhile_is_left_out(database: Database, clock: FixedClock) -> None:
    body_id = receive_records(database, clock, "A", "B")
    with database.unit_of_work() as work:
        inbox.mark_done(work=work, org_id=ORG, record_id="A", until_id=1_000, at=clock.now())
        work.commit()

    assert spread(database=database, starter=RecordingStarter(), body_id=body_id) == 1


def test_a_crash_between_chunks_is_repaired_by_running_again(database: Database, clock: FixedClock) -> None:
    body_id = receive_records(database, clock, *(f"R{number}" for number in range(120)))

    class CrashingStarter(WorkStarter):
        starts = 0

        def start(self, *, connection: object, name: str, run_id: str, argument: str) -> None:
            super().start(connection=connection, name=name, run_id=run_id, argument=argument)
            self.starts += 1
            if self.starts == 70:
                raise KeyboardInterrupt

    starter = CrashingStarter(engine=database.writer, is_sqlite=database.is_sqlite)
    with pytest.raises(KeyboardInterrupt):
        spread(database=database, starter=starter, body_id=body_id)
    assert len(starter.client.list_workflows(load_input=False)) == 50

    spread(database=database, starter=starter, body_id=body_id)

    assert len(starter.client.list_workflows(load_input=False)) == 120
