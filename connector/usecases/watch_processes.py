"""Notice processes that died and bring back what they had in work, on whichever process asks.

A process that has not beaten for the configured silence is dead; it is told so by its next beat and stops itself. Runs
of dead processes are resumed by the engine, what their flushes had taken is free again; a claim on a record whose run
has ended without letting go is dropped; a message whose run ended before anybody looked is looked at after all.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Protocol

from connector.logs import log
from connector.ports import Clock
from connector.store import inbox, processes, records, writebacks
from connector.store.unit_of_work import Database
from connector.usecases.start_look import StartsWork, run_of_look, run_of_spread, start_look

# A claim this old is looked at; a healthy run lets go within seconds, a resumed one keeps its claim.
_OLD_CLAIM = timedelta(seconds=60)
# So does a message: longer than any healthy wait in the queue, short enough that nobody asks for the deal.
_OLD_MESSAGE = timedelta(minutes=2)


class BringsBack(Protocol):
    """What the engine knows about runs."""

    def resume_dead(self, *, executor_ids: Sequence[str]) -> int:
        """Resume the runs of these processes."""

    def pending_executors(self) -> set[str]:
        """Processes with runs under way."""

    def unfinished(self, *, run_ids: Sequence[str]) -> set[str]:
        """Those of the runs that are not finished."""


def watch_processes(
    *, database: Database, clock: Clock, starter: StartsWork, engine: BringsBack, silence: timedelta
) -> dict[str, int]:
    """Declare silent processes dead, resume their runs, drop lost claims, find lost messages; answers counts.

    Safe to run twice.
    """
    now = clock.now()
    # Asked first: a process registers before it takes work, so one that starts meanwhile is not taken for dead.
    busy = engine.pending_executors()
    with database.unit_of_work() as work:
        silent = processes.silent_since(work=work, moment=now - silence)
        if silent:
            processes.stop(work=work, executor_ids=silent, now=now)
        alive = processes.alive(work=work)
        # Every time: a process may take more between being declared dead and noticing it.
        writebacks.let_go(work=work, but_of=alive)
        work.commit()
    dead = sorted(busy - alive)
    resumed = engine.resume_dead(executor_ids=dead) if dead else 0
    if silent or resumed:
        log.warning("processes_died", silent=silent, resumed=resumed)
    dropped = _drop_lost_claims(database, clock, engine)
    lost = _look_at_lost_messages(database, clock, starter, engine)
    return {"died": len(silent), "resumed": resumed, "dropped": dropped, "lost": lost}


def _drop_lost_claims(database: Database, clock: Clock, engine: BringsBack) -> int:
    now = clock.now()
    with database.unit_of_work() as work:
        claims = records.claims_older_than(work=work, moment=now - _OLD_CLAIM)
    lost = set(claims) - engine.unfinished(run_ids=list(claims))
    with database.unit_of_work() as work:
        for run_id in sorted(lost):
            records.drop_claim(work=work, record_row_id=claims[run_id], run_id=run_id, now=now)
        work.commit()
    return len(lost)


def _look_at_lost_messages(database: Database, clock: Clock, starter: StartsWork, engine: BringsBack) -> int:
    """Messages that wait although no run is left to look at them, as when the database was away at the wrong moment."""
    now = clock.now()
    with database.reading() as connection:
        waiting = inbox.waiting_since(connection=connection, moment=now - _OLD_MESSAGE)
    to_come = engine.unfinished(run_ids=[name for row in waiting for name in (run_of_look(row), run_of_spread(row))])
    lost = [row for row in waiting if not {run_of_look(row), run_of_spread(row)} & to_come]
    with database.unit_of_work() as work:
        for row in lost:
            start_look(connection=work.connection, starter=starter, row=row, lost_at=now)
        work.commit()
    if lost:
        log.warning("messages_lost", inbox_ids=[row.id for row in lost])
    return len(lost)
