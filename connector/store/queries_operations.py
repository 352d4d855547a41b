"""How the product itself is doing: messages, records looked at, processes, jobs, and what is owed to Salesforce.

For the health page, the readiness answer and the metrics. Nothing here may change data.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from connector.errors import Unavailable
from connector.store import queries
from connector.store.order_rows import MessageRow
from connector.store.queries import Page, PageAsked
from connector.store.queries_orders import OPEN_STATES, message_query, message_row
from connector.store.tables import inbox, inbox_bodies, job_runs, metadata, orders, processes, records, writebacks
from connector.store.unit_of_work import Database

# A body is shown on a page; more than this would only slow the browser.
LONGEST_BODY_SHOWN = 200_000


@dataclass(frozen=True, slots=True)
class MessageBody:
    """One message with the start of its raw body; `is_cut` says whether there is more."""

    row: MessageRow
    content_type: str
    body: bytes
    is_cut: bool


@dataclass(frozen=True, slots=True)
class RecordRow:
    """One Salesforce record that was looked at, and what came of it."""

    id: int
    org_id: str
    object: str
    record_id: str
    name: str
    state: str
    code: str
    reason: str
    owner: str
    first_seen_at: datetime
    looked_at: datetime | None
    not_before: datetime | None
    attempts: int
    looks: int
    order_number: str


@dataclass(frozen=True, slots=True)
class ProcessRow:
    """One process with its last sign of life."""

    executor_id: str
    kind: str
    host: str
    pid: int
    started_at: datetime
    beat_at: datetime
    stopped_at: datetime | None


@dataclass(frozen=True, slots=True)
class JobRow:
    """The latest run of one job."""

    job: str
    due_at: datetime
    claimed_by: str
    started_at: datetime
    finished_at: datetime | None
    counts: dict[str, Any]
    error: str


@dataclass(frozen=True, slots=True)
class Backlog:
    """What waits, by kind: counts by state and the oldest instant of each kind of waiting work."""

    orders: dict[str, int]
    open_orders: int
    inbox: dict[str, int]
    records: dict[str, int]
    oldest_message_at: datetime | None
    oldest_record_at: datetime | None
    oldest_open_order_at: datetime | None
    writebacks_owed: int
    writebacks_failing: int
    oldest_writeback_at: datetime | None


def list_messages(*, connection: Connection, page: PageAsked, state: str = "") -> Page[MessageRow]:
    """Messages of one inbox state (or all), newest first."""
    query = message_query()
    if state:
        query = query.where(inbox.c.state == state)
    return queries.read_page(connection=connection, query=query, key=inbox.c.id, page=page, row=message_row)


def load_message(*, connection: Connection, message_id: int) -> MessageBody | None:
    """One message with the start of its raw body, or None."""
    query = message_query().add_columns(
        inbox_bodies.c.content_type, sa.func.substr(inbox_bodies.c.body, 1, LONGEST_BODY_SHOWN).label("start")
    )
    row = connection.execute(query.where(inbox.c.id == message_id)).one_or_none()
    if row is None:
        return None
    return MessageBody(message_row(row), row.content_type, bytes(row.start), row.size > LONGEST_BODY_SHOWN)


def list_records(*, connection: Connection, page: PageAsked, state: str = "", text: str = "") -> Page[RecordRow]:
    """Records looked at, newest first; `text` is looked for in record id, name and reason."""
    query = sa.select(records, orders.c.number.label("order_number")).outerjoin_from(records, orders)
    if state:
        query = query.where(records.c.state == state)
    if text:
        query = query.where(queries.contains(text, records.c.record_id, records.c.name, records.c.reason))
    return queries.read_page(connection=connection, query=query, key=records.c.id, page=page, row=_record)


def count_states(*, connection: Connection, table: sa.Table) -> dict[str, int]:
    """State -> number of rows in it, for a table with a `state` column."""
    query = sa.select(table.c.state, sa.func.count()).group_by(table.c.state).order_by(table.c.state)
    return {row[0]: row[1] for row in connection.execute(query)}


def count_records(*, connection: Connection) -> dict[str, int]:
    """State -> number of records in it."""
    return count_states(connection=connection, table=records)


def count_parked(*, connection: Connection) -> int:
    """How many messages are parked."""
    return connection.execute(sa.select(sa.func.count()).where(inbox.c.state == "parked")).scalar_one()


def list_processes(*, connection: Connection, seen_since: datetime) -> tuple[ProcessRow, ...]:
    """Processes that gave a sign of life since that moment, running or stopped, newest sign first."""
    query = sa.select(processes).where(processes.c.beat_at >= seen_since).order_by(processes.c.beat_at.desc())
    return tuple(
        ProcessRow(row.executor_id, row.kind, row.host, row.pid, row.started_at, row.beat_at, row.stopped_at)
        for row in connection.execute(query)
    )


def list_jobs(*, connection: Connection) -> tuple[JobRow, ...]:
    """The latest run of every job, by name."""
    latest = sa.select(job_runs.c.job, sa.func.max(job_runs.c.due_at).label("due_at")).group_by(job_runs.c.job)
    last = latest.subquery()
    query = sa.select(job_runs).join(last, (job_runs.c.job == last.c.job) & (job_runs.c.due_at == last.c.due_at))
    return tuple(
        JobRow(row.job, row.due_at, row.claimed_by, row.started_at, row.finished_at, row.counts or {}, row.error)
        for row in connection.execute(query.order_by(job_runs.c.job))
    )


def load_backlog(*, connection: Connection) -> Backlog:
    """Counts by state and the age of what waits longest."""
    owed = writebacks.c.is_owed == sa.true()
    failing = sa.func.count(sa.case((writebacks.c.attempts > 0, 1)))
    wishes = connection.execute(
        sa.select(sa.func.count(), failing, sa.func.min(writebacks.c.wanted_at)).where(owed)
    ).one()
    by_state = count_states(connection=connection, table=orders)
    return Backlog(
        orders=by_state,
        open_orders=sum(by_state.get(state, 0) for state in OPEN_STATES),
        inbox=count_states(connection=connection, table=inbox),
        records=count_states(connection=connection, table=records),
        oldest_message_at=_oldest(connection, inbox.c.received_at, inbox.c.state == "received"),
        oldest_record_at=_oldest(connection, records.c.not_before, records.c.not_before.is_not(None)),
        oldest_open_order_at=_oldest(connection, orders.c.created_at, orders.c.state.in_(OPEN_STATES)),
        writebacks_owed=wishes[0],
        writebacks_failing=wishes[1],
        oldest_writeback_at=wishes[2],
    )


def database_problem(*, database: Database) -> tuple[str, str] | None:
    """What keeps the database from being used, and what to do; None when it answers and has all tables.

    The driver's own text is left out: it may hold the address and the user, and the readiness answer is public.
    """
    try:
        with database.reading() as connection:
            missing = sorted(set(metadata.tables) - set(sa.inspect(connection).get_table_names()))
    except (Unavailable, sa.exc.SQLAlchemyError):
        return "The database does not answer.", "Check that it runs and that [database] url is right."
    return (f"The database has no table {missing[0]}.", "Run `countersign migrate`.") if missing else None


def _oldest(connection: Connection, column: sa.Column[datetime], condition: sa.ColumnElement[bool]) -> datetime | None:
    return connection.execute(sa.select(sa.func.min(column)).where(condition)).scalar_one()


def _record(row: Any) -> RecordRow:
    return RecordRow(
        id=row.id,
        org_id=row.org_id,
        object=row.object,
        record_id=row.record_id,
        name=row.name,
        state=row.state,
        code=row.code,
        reason=row.reason,
        owner=row.owner,
        first_seen_at=row.first_seen_at,
        looked_at=row.looked_at,
        not_before=row.not_before,
        attempts=row.attempts,
        looks=row.looks,
        order_number=row.order_number or "",
    )
