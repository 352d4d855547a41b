"""The rules of durable work, each with real processes or the engine's own tables."""

from __future__ import annotations

import json
import os
import signal
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from connector.adapters.clock import SystemClock
from connector.engine import WorkStarter, new_executor_id
from connector.store import tables
from connector.store.unit_of_work import Database
from connector.usecases.receive_message import Message, receive
from tests.crash.conftest import Workers
from tests.crash.place import Place
from tests.crash.processes import wait_until

pytestmark = pytest.mark.crash


@pytest.fixture
def starter(database: Database) -> WorkStarter:
    return WorkStarter(engine=database.writer, is_sqlite=database.is_sqlite)


def _runs(starter: WorkStarter) -> list[Any]:
    return starter.client.list_workflows()


def _start(database: Database, starter: WorkStarter, run_id: str, *, is_committed: bool = True) -> None:
    with database.unit_of_work() as work:
        starter.start(connection=work.connection, name="look", run_id=run_id, argument="org:Quote:record")
        if is_committed:
            work.commit()


def test_a_run_is_started_by_the_commit_of_its_cause(database: Database, starter: WorkStarter) -> None:
    _start(database, starter, "kept")

    assert [(run.workflow_id, run.status) for run in _runs(starter)] == [("kept", "ENQUEUED")]


def test_a_run_whose_cause_is_rolled_back_was_never_started(database: Database, starter: WorkStarter) -> None:
    _start(database, starter, "undone", is_committed=False)

    assert _runs(starter) == []


def test_a_message_and_its_run_are_one_commit(database: Database, starter: WorkStarter) -> None:
    message = Message("push", "1", "push", "00DgL0000000001UAA", "Quote", "0Q0gL0000000001SAA")

    class Fails:
        def start(self, **named: Any) -> None:
            starter.start(**named)
            raise RuntimeError("the process ended here")

    with pytest.raises(RuntimeError):
        receive(
            database=database,
            starter=Fails(),
            clock=SystemClock(),
            messages=[message],
            body=b"",
            content_type="text/plain",
        )

    assert _runs(starter) == []
    with database.reading() as connection:
        assert connection.execute(sa.select(tables.inbox)).all() == []


def test_a_run_that_is_started_three_times_is_one_run(database: Database, starter: WorkStarter) -> None:
    for _ in range(3):
        _start(database, starter, "the same")

    assert len(_runs(starter)) == 1


def test_unfinished_runs_are_told_from_those_nobody_knows(database: Database, starter: WorkStarter) -> None:
    _start(database, starter, "waiting")

    assert starter.unfinished(run_ids=["waiting", "unknown"]) == {"waiting"}
    assert starter.unfinished(run_ids=[]) == set()


def test_retention_forgets_what_has_ended_and_keeps_what_has_not(database: Database, starter: WorkStarter) -> None:
    _start(database, starter, "ended")
    _start(database, starter, "waiting")
    starter.client.cancel_workflow("ended")
    later = datetime.now(UTC) + timedelta(hours=1)

    assert starter.forget_before(moment=datetime.now(UTC) - timedelta(hours=1)) == 0
    assert starter.forget_before(moment=later) == 1
    assert [run.workflow_id for run in _runs(starter)] == ["waiting"]


def test_executor_ids_are_never_given_twice() -> None:
    assert len({new_executor_id() for _ in range(1000)}) == 1000


def test_what_the_engine_keeps_is_json_of_our_version(place: Place, workers: Workers) -> None:
    place.push(place.seller.quote())
    child = workers.start(place.settings)
    place.await_end(child, deals=1)

    with place.database.reading() as connection:
        rows = _engine_rows(connection, "workflow_status", "serialization, application_version")
        documents = [
            *_engine_rows(connection, "workflow_input", "inputs"),
            *_engine_rows(connection, "workflow_output", "output"),
        ]

    assert {tuple(row) for row in rows} == {("portable_json", "1")}
    assert len(documents) == 2
    assert all(json.loads(text) for (text,) in documents)


def test_retention_leaves_no_inputs_or_outputs_behind(place: Place, workers: Workers) -> None:
    place.push(place.seller.quote())
    child = workers.start(place.settings)
    place.await_end(child, deals=1)
    child.kill()

    place.starter.forget_before(moment=datetime.now(UTC) + timedelta(hours=1))

    with place.database.reading() as connection:
        for table in ("workflow_status", "workflow_input", "workflow_output", "operation_outputs"):
            assert _engine_rows(connection, table, "*") == [], table


def _engine_rows(connection: sa.Connection, table: str, columns: str) -> list[Any]:
    schema = "" if connection.dialect.name == "sqlite" else "dbos."
    return list(connection.execute(sa.text(f"SELECT {columns} FROM {schema}{table}")).all())


def test_work_that_an_older_release_left_is_ended_by_the_new_one(place: Place, workers: Workers) -> None:
    deal = place.seller.quote()
    place.push(deal)
    old = workers.start(place.settings, kill_at=12, release="0.0.1")
    wait_until(old.has_ended, "the old release was killed in the middle of its work")
    place.let_time_pass()

    new = workers.start(place.settings, release="99.0.0")

    place.await_end(new, deals=1)
    with place.database.reading() as connection:
        executors = connection.execute(sa.select(tables.processes.c.executor_id)).scalars().all()
    assert len(set(executors)) == 2


def test_a_killed_worker_is_noticed_by_its_silence_alone(place: Place, workers: Workers) -> None:
    """Nobody restarts it and nobody helps: silence 1 s here, so ten seconds more than that are the goal."""
    deal = place.seller.quote()
    standby = workers.start(place.settings, jobs=("watchdog",)) if not place.database.is_sqlite else None
    place.push(deal)
    first = workers.start(place.settings, kill_at=9)
    wait_until(lambda: first.has_ended() or place.is_at_rest(1), "one of the workers took the deal")
    killed_at = time.monotonic()
    second = standby or workers.start(place.settings)
    if standby:
        # The standby writes nothing back itself; another ordinary worker does.
        workers.start(place.settings)

    place.await_end(first, second, deals=1)

    assert time.monotonic() - killed_at < 1 + 10


def test_a_paused_worker_that_was_declared_dead_ends_itself(postgresql_place: Place, workers: Workers) -> None:
    place = postgresql_place
    paused = workers.start(place.settings)
    wait_until(lambda: _alive(place) == 1, "the worker is known")
    os.kill(paused.pid, signal.SIGSTOP)
    other = workers.start(place.settings)
    wait_until(lambda: _declared_dead(place) == 1, "the paused worker is declared dead")

    os.kill(paused.pid, signal.SIGCONT)

    wait_until(paused.has_ended, "the paused worker ends itself")
    assert paused.ended == 70
    assert "declared_dead" in paused.said()
    assert not other.has_ended(), other.said()


def test_a_worker_that_is_told_to_stop_says_goodbye(place: Place, workers: Workers) -> None:
    child = workers.start(place.settings)
    wait_until(lambda: _alive(place) == 1, "the worker is known")

    assert child.terminate() == 0, child.said()

    assert _alive(place) == 0


def test_a_worker_in_the_wrong_org_does_not_start(place: Place, workers: Workers) -> None:
    org = place.settings["salesforce"] | {"org_id": "00D000000000001EAA"}

    child = workers.start(place.settings | {"salesforce": org})

    wait_until(child.has_ended, "the worker refuses to start")
    assert child.ended == 3
    assert "00D000000000001EAA" in child.said()
    assert _alive(place) == 0


def test_connections_that_the_database_cuts_lose_no_order(postgresql_place: Place, workers: Workers) -> None:
    place = postgresql_place
    deals = [place.seller.quote() for _ in range(30)]
    child = workers.start(place.settings)
    for deal in deals:
        place.push(deal)

    for wanted in (3, 12, 20):
        wait_until(lambda wanted=wanted: place.record_states()["ordered"] >= wanted, "some orders are fulfilled")
        _cut_all_connections(place)

    def is_at_rest() -> bool:
        # What was lost by the cut comes back by itself after minutes; here the minutes pass at once.
        place.let_minutes_pass()
        return place.is_at_rest(30)

    wait_until(is_at_rest, f"all orders are fulfilled: {place.unrest(30)}")
    assert not child.has_ended(), child.said()
    assert len({place.end_state(deals[0])["orders"][0]}) == 1
    with place.database.reading() as connection:
        assert len(connection.execute(sa.select(tables.contracts)).all()) == 30


def _cut_all_connections(place: Place) -> None:
    """As when PostgreSQL is restarted: every session but ours ends at once."""
    cut = sa.text(
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    engine = sa.create_engine(place.database.url, poolclass=sa.NullPool)
    with engine.connect() as connection:
        connection.execute(cut)
    place.database.writer.dispose()


def _alive(place: Place) -> int:
    return _count(place, tables.processes.c.stopped_at.is_(None))


def _declared_dead(place: Place) -> int:
    return _count(place, tables.processes.c.stopped_at.is_not(None))


def _count(place: Place, condition: sa.ColumnElement[bool]) -> int:
    query = sa.select(sa.func.count()).select_from(tables.processes).where(condition)
    with place.database.reading() as connection:
        return int(connection.execute(query).scalar_one())
