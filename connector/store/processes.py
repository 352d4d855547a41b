"""Who is alive, and which scheduled run belongs to whom.

Each process has one row and beats; a process that falls silent is dead and its work is brought back. Each due time of
each job has one row, whose primary key is the claim.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from connector.store.inserting import insert_ignore
from connector.store.tables import job_runs, processes
from connector.store.unit_of_work import UnitOfWork


def register(*, work: UnitOfWork, executor_id: str, kind: str, host: str, pid: int, now: datetime) -> None:
    """A process begins."""
    work.execute(
        processes.insert().values(
            executor_id=executor_id, kind=kind, host=host, pid=pid, started_at=now, beat_at=now, stopped_at=None
        )
    )


def beat(*, work: UnitOfWork, executor_id: str, now: datetime) -> bool:
    """The process is alive; False when it was declared dead meanwhile and must not go on under this id."""
    done = work.execute(
        processes.update()
        .where(processes.c.executor_id == executor_id, processes.c.stopped_at.is_(None))
        .values(beat_at=now)
    )
    return bool(done.rowcount)


def stop(*, work: UnitOfWork, executor_ids: Sequence[str], now: datetime) -> None:
    """These processes have ended."""
    work.execute(processes.update().where(processes.c.executor_id.in_(executor_ids)).values(stopped_at=now))


def silent_since(*, work: UnitOfWork, moment: datetime) -> list[str]:
    """Processes that should be alive and have not beaten since then."""
    query = sa.select(processes.c.executor_id).where(processes.c.stopped_at.is_(None), processes.c.beat_at < moment)
    return list(work.execute(query).scalars())


def alive(*, work: UnitOfWork) -> set[str]:
    """Processes that have not ended, as far as we know."""
    return set(work.execute(sa.select(processes.c.executor_id).where(processes.c.stopped_at.is_(None))).scalars())


def claim_run(*, work: UnitOfWork, job: str, due_at: datetime, claimed_by: str, now: datetime) -> bool:
    """Take one due time of one job; False when another scheduler has it."""
    insert = insert_ignore(work, job_runs).values(job=job, due_at=due_at, claimed_by=claimed_by, started_at=now)
    return work.execute(insert.returning(job_runs.c.job)).first() is not None


def finish_run(
    *, work: UnitOfWork, job: str, due_at: datetime, now: datetime, counts: dict[str, Any] | None, error: str
) -> None:
    """How the run ended."""
    work.execute(
        job_runs.update()
        .where(job_runs.c.job == job, job_runs.c.due_at == due_at)
        .values(finished_at=now, counts=counts, error=error)
    )


def forget_before(*, work: UnitOfWork, moment: datetime) -> None:
    """Retention: drop job runs and ended processes older than that."""
    work.execute(job_runs.delete().where(job_runs.c.due_at < moment))
    work.execute(processes.delete().where(processes.c.stopped_at < moment))
