"""Billing runs and their chunks: opened once, shared by any number of processes, closed with the sum of all counts.

A chunk is a stretch of customers. One that was taken by a process that died is taken again; doing it twice is harmless,
because what is stored is always the difference to what is stored already.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from connector.store.tables import contracts, processes
from connector.store.tables_billing import billing_chunks, billing_runs, invoices
from connector.store.unit_of_work import UnitOfWork

# A chunk takes seconds; one that is held this long belongs to a process that died.
_STALE = timedelta(minutes=10)

Place = tuple[str, str]
"""Where a customer stands among all: (org id, account id)."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """A share of a run: the customers from `first` (included) to `end` (excluded; None = to the last)."""

    run_id: int
    number: int
    as_of: date
    first: Place
    end: Place | None
    claimed_by: str = ""


@dataclass(frozen=True, slots=True)
class RunProgress:
    """How far a run is."""

    chunks: int
    done: int
    counts: Mapping[str, int] | None
    is_finished: bool


def open_run(*, work: UnitOfWork, as_of: date, actor: str, now: datetime, chunk_size: int) -> tuple[int, int]:
    """A new run with its chunks; answers (run id, number of chunks). Customers are counted by the database."""
    run_id = work.execute(
        billing_runs.insert().values(as_of=as_of, actor=actor, started_at=now).returning(billing_runs.c.id)
    ).scalar_one()
    due = (
        sa.select(contracts.c.org_id, contracts.c.customer_ref)
        .where(contracts.c.next_bill_on <= as_of)
        .distinct()
        .subquery()
    )
    place = sa.func.row_number().over(order_by=(due.c.org_id, due.c.customer_ref)) - 1
    numbered = sa.select(due, place.label("place")).subquery()
    firsts = sa.select(
        sa.literal(run_id),
        numbered.c.place // chunk_size,
        numbered.c.org_id,
        numbered.c.customer_ref,
    ).where(numbered.c.place % chunk_size == 0)
    columns = ["run_id", "number", "first_org_id", "first_customer_ref"]
    made = work.execute(billing_chunks.insert().from_select(columns, firsts))
    return int(run_id), made.rowcount


def take_chunk(*, work: UnitOfWork, run_id: int, claimed_by: str, now: datetime) -> Chunk | None:
    """The next chunk that nobody works on, taken for this process; None when none is left."""
    chunks = billing_chunks.c
    dead = sa.select(processes.c.executor_id).where(processes.c.stopped_at.is_not(None))
    is_lost = (chunks.claimed_at < now - _STALE) | chunks.claimed_by.in_(dead)
    is_free = (chunks.state == "waiting") | ((chunks.state == "running") & is_lost)
    query = (
        sa.select(billing_chunks, billing_runs.c.as_of)
        .join(billing_runs, billing_runs.c.id == chunks.run_id)
        .where(chunks.run_id == run_id, is_free)
        .order_by(chunks.number)
        .limit(1)
        .with_for_update(of=billing_chunks, skip_locked=True)
    )
    row = work.execute(query).one_or_none()
    if row is None:
        return None
    key = (chunks.run_id == run_id) & (chunks.number == row.number)
    work.execute(billing_chunks.update().where(key).values(state="running", claimed_by=claimed_by, claimed_at=now))
    following = sa.select(chunks.first_org_id, chunks.first_customer_ref).where(
        chunks.run_id == run_id, chunks.number == row.number + 1
    )
    end = work.execute(following).one_or_none()
    first = (row.first_org_id, row.first_customer_ref)
    return Chunk(run_id, row.number, row.as_of, first, tuple(end) if end else None, claimed_by)


def finish_chunk(*, work: UnitOfWork, chunk: Chunk, counts: Mapping[str, int], now: datetime) -> bool:
    """The chunk is done; True when it was the last one, and then the run is closed with the sum of all counts.

    Nothing is written of a chunk that another process took over meanwhile: it finishes it.
    """
    chunks = billing_chunks.c
    key = (chunks.run_id == chunk.run_id) & (chunks.number == chunk.number) & (chunks.claimed_by == chunk.claimed_by)
    work.execute(billing_chunks.update().where(key).values(state="done", counts=dict(counts)))
    return close_run(work=work, run_id=chunk.run_id, now=now)


def close_run(*, work: UnitOfWork, run_id: int, now: datetime) -> bool:
    """Close the run when all its chunks are done; False while some are not."""
    # The run's row first, so that of two last chunks exactly one sees that all are done.
    work.execute(sa.select(billing_runs.c.id).where(billing_runs.c.id == run_id).with_for_update())
    rows = work.execute(
        sa.select(billing_chunks.c.state, billing_chunks.c.counts).where(billing_chunks.c.run_id == run_id)
    )
    states = rows.all()
    if any(row.state != "done" for row in states):
        return False
    total: dict[str, int] = {}
    for row in states:
        for name, count in (row.counts or {}).items():
            total[name] = total.get(name, 0) + count
    work.execute(billing_runs.update().where(billing_runs.c.id == run_id).values(finished_at=now, counts=total))
    return True


def load_progress(*, connection: Connection, run_id: int) -> RunProgress:
    """How far that run is."""
    run = connection.execute(sa.select(billing_runs).where(billing_runs.c.id == run_id)).one()
    is_done = sa.func.sum(sa.case((billing_chunks.c.state == "done", 1), else_=0))
    chunks, done = connection.execute(
        sa.select(sa.func.count(), is_done).where(billing_chunks.c.run_id == run_id)
    ).one()
    return RunProgress(chunks, int(done or 0), run.counts, run.finished_at is not None)


def open_runs(*, connection: Connection) -> list[int]:
    """Runs that are not finished, oldest first."""
    return list(
        connection.execute(
            sa.select(billing_runs.c.id).where(billing_runs.c.finished_at.is_(None)).order_by("id")
        ).scalars()
    )


def release_chunks(*, work: UnitOfWork, run_id: int, claimed_by: str) -> int:
    """Give back the chunks of a process that is known to have ended; answers how many it had not finished."""
    chunks = billing_chunks.c
    is_held = (chunks.run_id == run_id) & (chunks.claimed_by == claimed_by) & (chunks.state == "running")
    return work.execute(billing_chunks.update().where(is_held).values(state="waiting")).rowcount


def forget_before(*, work: UnitOfWork, moment: datetime) -> int:
    """Delete runs that ended before that moment and drafted nothing; answers how many. The others explain drafts."""
    runs = billing_runs.c
    is_over = (runs.finished_at < moment) & runs.id.not_in(
        sa.select(invoices.c.run_id).where(invoices.c.run_id.is_not(None))
    )
    ids = list(work.execute(sa.select(runs.id).where(is_over)).scalars())
    work.execute(billing_chunks.delete().where(billing_chunks.c.run_id.in_(ids)))
    return work.execute(billing_runs.delete().where(runs.id.in_(ids))).rowcount
