"""The clockwork and the heartbeat: each due time once, no broken job stops the clock, and nobody is buried alive."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from connector.adapters.clock import FixedClock
from connector.bootstrap import make_clockwork, make_services, make_worker
from connector.errors import Unavailable
from connector.heartbeat import Heartbeat
from connector.jobs import Clockwork, Job, due_time
from connector.sandbox import Sandbox
from connector.store import bulk_approvals, processes, tables, users
from connector.store.unit_of_work import Database
from connector.usecases.watch_processes import watch_processes
from tests.billing import Books
from tests.settings import settings_for
from tests.web.billed import order, seats
from tests.world import RunList

_SILENCE = timedelta(seconds=15)


@pytest.fixture
def make(clock: FixedClock) -> Iterator[Callable[[Database, str], Clockwork]]:
    """Makes the clockwork of one process over a database; no scheduler runs."""
    sandbox = Sandbox(auto_push=False)
    sandbox.start()
    made: list[Database] = []

    def clockwork(database: Database, executor_id: str) -> Clockwork:
        url = database.url.render_as_string(hide_password=False)
        services = make_services(settings_for(sandbox=sandbox, database_url=url), clock=clock)
        made.append(services.database)
        return make_clockwork(services, executor_id=executor_id)

    yield clockwork
    for database in made:
        database.dispose()
    sandbox.stop()


def _rows(database: Database, table: sa.Table) -> list[Any]:
    with database.reading() as connection:
        return list(connection.execute(sa.select(table)).all())


def test_two_schedulers_by_mistake_run_each_due_time_once(
    database: Database, clock: FixedClock, make: Callable[[Database, str], Clockwork]
) -> None:
    crew = [make(database, f"process-{number}") for number in range(2)]
    runs: list[datetime] = []
    job = Job("sweep", 300, True, lambda: {"found": runs.append(clock.now()) or 1})

    for _ in range(4):
        threads = [threading.Thread(target=clockwork.run, args=[job]) for clockwork in crew]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=30)
        clock.advance(seconds=300)

    assert len(runs) == len(set(runs)) == 4
    rows = _rows(database, tables.job_runs)
    assert [(row.job, row.counts, row.error) for row in rows] == [("sweep", {"found": 1}, "")] * 4
    assert all(row.finished_at for row in rows)


def test_a_job_that_fails_is_written_down_and_runs_at_its_next_time(
    sqlite_database: Database, clock: FixedClock, make: Callable[[Database, str], Clockwork]
) -> None:
    clockwork = make(sqlite_database, "process")
    outcomes: list[Any] = [Unavailable("Salesforce is down."), ZeroDivisionError("a bug"), None]

    def moody() -> dict[str, Any]:
        if outcome := outcomes.pop(0):
            raise outcome
        return {}

    for _ in range(3):
        clockwork.run(Job("sweep", 300, True, moody))
        clock.advance(seconds=300)

    assert [row.error for row in _rows(sqlite_database, tables.job_runs)] == [
        "UNAVAILABLE: Salesforce is down.",
        "ZeroDivisionError",
        "",
    ]


def test_jobs_that_share_rows_are_not_claimed(
    sqlite_database: Database, make: Callable[[Database, str], Clockwork]
) -> None:
    jobs = {job.name: job.is_claimed for job in make(sqlite_database, "process").jobs()}

    assert {name for name, is_claimed in jobs.items() if not is_claimed} >= {"write_back", "wake", "render"}
    assert {name for name, is_claimed in jobs.items() if is_claimed} >= {"sweep", "unsynced", "retention"}


@given(
    now=st.datetimes(min_value=datetime(2020, 1, 1), max_value=datetime(2100, 1, 1)),  # noqa: DTZ001
    every=st.sampled_from([0.5, 1, 5, 60, 300, 3600]),
)
def test_a_due_time_is_the_last_multiple_of_the_interval(now: datetime, every: float) -> None:
    moment = now.replace(tzinfo=UTC)
    due_at = due_time(now=moment, every=every)

    assert timedelta(0) <= moment - due_at < timedelta(seconds=every)
    assert due_time(now=due_at, every=every) == due_at


class _Engine:
    """An engine with work under way on some processes."""

    def __init__(self, busy: Callable[[], set[str]]) -> None:
        self._busy = busy
        self.resumed: list[str] = []

    def pending_executors(self) -> set[str]:
        return self._busy()

    def resume_dead(self, *, executor_ids: Any) -> int:
        self.resumed += executor_ids
        return len(executor_ids)

    def unfinished(self, *, run_ids: Any) -> set[str]:
        return set(run_ids)


def _register(database: Database, clock: FixedClock, executor_id: str) -> None:
    with database.unit_of_work() as work:
        processes.register(work=work, executor_id=executor_id, kind="worker", host="h", pid=1, now=clock.now())
        work.commit()


def _beat(database: Database, clock: FixedClock, executor_id: str) -> bool:
    with database.unit_of_work() as work:
        is_alive = processes.beat(work=work, executor_id=executor_id, now=clock.now())
        work.commit()
    return is_alive


def _watch(database: Database, clock: FixedClock, engine: _Engine) -> dict[str, int]:
    return watch_processes(database=database, clock=clock, starter=RunList(), engine=engine, silence=_SILENCE)


def test_a_silent_process_is_dead_and_its_work_is_brought_back(database: Database, clock: FixedClock) -> None:
    _register(database, clock, "silent")
    _register(database, clock, "heard")
    clock.advance(seconds=16)
    _beat(database, clock, "heard")
    engine = _Engine(lambda: {"silent", "heard"})

    counts = _watch(database, clock, engine)

    assert (counts["died"], engine.resumed) == (1, ["silent"])
    assert _beat(database, clock, "silent") is False, "it is told when it comes back"
    assert _beat(database, clock, "heard") is True


def test_a_process_within_its_time_is_left_alone(database: Database, clock: FixedClock) -> None:
    _register(database, clock, "slow")
    clock.advance(seconds=14)

    assert _watch(database, clock, _Engine(lambda: {"slow"}))["died"] == 0


def test_a_process_that_starts_while_we_watch_is_not_taken_for_dead(database: Database, clock: FixedClock) -> None:
    def busy() -> set[str]:
        _register(database, clock, "newcomer")
        return {"newcomer"}

    engine = _Engine(busy)
    _watch(database, clock, engine)

    assert engine.resumed == []


def test_work_of_a_process_that_said_goodbye_is_brought_back(database: Database, clock: FixedClock) -> None:
    _register(database, clock, "gone")
    with database.unit_of_work() as work:
        processes.stop(work=work, executor_ids=["gone"], now=clock.now())
        work.commit()
    engine = _Engine(lambda: {"gone"})

    _watch(database, clock, engine)

    assert engine.resumed == ["gone"]


def _heartbeat(database: Database, clock: FixedClock, deaths: list[str]) -> Heartbeat:
    return Heartbeat(
        database=database,
        clock=clock,
        executor_id="me",
        silence=_SILENCE,
        on_death=lambda: deaths.append("me"),
    )


def test_a_process_that_was_declared_dead_ends_at_its_next_beat(sqlite_database: Database, clock: FixedClock) -> None:
    deaths: list[str] = []
    heartbeat = _heartbeat(sqlite_database, clock, deaths)
    heartbeat.start()
    heartbeat.beat()
    with sqlite_database.unit_of_work() as work:
        processes.stop(work=work, executor_ids=["me"], now=clock.now())
        work.commit()

    heartbeat.beat()

    assert deaths == ["me"]
    heartbeat.stop()


def test_a_process_that_says_goodbye_is_not_told_that_it_is_dead(sqlite_database: Database, clock: FixedClock) -> None:
    deaths: list[str] = []
    heartbeat = _heartbeat(sqlite_database, clock, deaths)
    heartbeat.start()

    heartbeat.stop()
    heartbeat.beat()

    assert deaths == []


def test_a_process_that_could_not_beat_judges_nobody_until_the_others_had_their_time(
    sqlite_database: Database, clock: FixedClock
) -> None:
    """The database was away: seen from here, everybody has been silent."""
    heartbeat = _heartbeat(sqlite_database, clock, [])
    heartbeat.start()
    assert heartbeat.may_judge()

    clock.advance(seconds=60)
    assert not heartbeat.may_judge(), "we have not been heard ourselves"
    heartbeat.beat()
    assert not heartbeat.may_judge(), "the others may not have had a chance yet"
    for _ in range(4):
        clock.advance(seconds=3)
        heartbeat.beat()
        assert not heartbeat.may_judge()
    clock.advance(seconds=3)
    heartbeat.beat()
    assert heartbeat.may_judge()
    heartbeat.stop()


def test_a_command_that_never_beats_may_judge(sqlite_database: Database, clock: FixedClock) -> None:
    assert _heartbeat(sqlite_database, clock, []).may_judge()


def test_a_process_that_stood_still_runs_no_job_before_it_has_been_heard(
    sqlite_database: Database, clock: FixedClock, make: Callable[[Database, str], Clockwork]
) -> None:
    clockwork = make(sqlite_database, "process")
    ran: list[datetime] = []
    job = Job("write_back", 1, False, lambda: {"written": ran.append(clock.now()) or 0})
    clockwork.register()
    clockwork.run(job)
    clock.advance(seconds=60)

    clockwork.run(job)

    assert len(ran) == 1
    clockwork.stop()


def test_the_job_of_the_queue_judges_drafts_and_leaves_living_bulk_approvals_alone(
    database: Database, clock: FixedClock, make: Callable[[Database, str], Clockwork]
) -> None:
    clockwork = make(database, "process")
    books = Books(database, clock)
    books.sign(order(1, seats()))
    books.bill("2026-01-01")
    job = next(job for job in clockwork.jobs() if job.name == "assess")
    first = job.run()
    with database.unit_of_work() as work:
        user_id = users.add_user(work=work, name="anna", password_hash="x", role="admin", now=clock.now(), actor="test")
        values = {"user_id": user_id, "actor": "anna", "role": "admin", "request_key": "k", "now": clock.now()}
        bulk_id, _ = bulk_approvals.open_bulk(
            work=work, looked_at=[(1, "0" * 64)], good_until=clock.now() + timedelta(hours=1), **values
        )
        clockwork.services.starter.start(
            connection=work.connection, name="approve", run_id=f"approve:{bulk_id}:1", argument=str(bulk_id)
        )
        work.commit()

    alive = job.run()

    assert (first, alive) == ({"assessed": 1, "resumed": 0}, {"assessed": 0, "resumed": 0})
    assert "approve" in make_worker(clockwork.services)._runs
