"""Changes of access that wait for their day: written with the order that sold them, granted by a job when they begin.

A change that a later order makes different before its day is superseded and stays as a row that says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from connector.domain.access_timeline import AccessTimeline
from connector.domain.entitlements import AccessWanted
from connector.store.inserting import insert
from connector.store.tables_access import scheduled_access
from connector.store.terms import access_document, load_access
from connector.store.unit_of_work import UnitOfWork

WAITING, GRANTED, SUPERSEDED = "waiting", "granted", "superseded"


@dataclass(frozen=True, slots=True)
class ScheduledChange:
    """One change of a subscription that begins on a day; `problem` says why it could not be granted so far."""

    id: int
    contract_id: int
    order_id: int
    product_ref: str
    starts_on: date
    wanted: AccessWanted
    state: str
    attempts: int
    not_before: datetime | None
    problem: str


def save_schedule(
    *, work: UnitOfWork, contract_id: int, order_id: int, timelines: Sequence[AccessTimeline], today: date,
    now: datetime,
) -> int:  # fmt: skip
    """Write down every change that begins after that day; answers how many wait.

    What waited and is no longer sold like that is superseded. Written again it is the same.
    """
    coming = {(one.product_ref, phase.starts_on): phase for one in timelines for phase in one.after(today)}
    for change in load_changes(connection=work.connection, contract_id=contract_id):
        if change.state == WAITING and change.starts_on > today:
            phase = coming.get((change.product_ref, change.starts_on))
            if phase is None:
                _set(work, [change.id], now, state=SUPERSEDED)
            elif phase.wanted == change.wanted:
                del coming[change.product_ref, change.starts_on]
    for (product_ref, starts_on), phase in sorted(coming.items()):
        _want(work, contract_id, order_id, product_ref, starts_on, phase.wanted, now)
    return sum(len(one.after(today)) for one in timelines)


def settle_until(*, work: UnitOfWork, contract_id: int, day: date, now: datetime) -> int:
    """What began up to that day is granted now; answers how many changes that were."""
    columns = scheduled_access.c
    due = work.execute(
        sa.select(columns.id).where(
            columns.contract_id == contract_id, columns.state == WAITING, columns.starts_on <= day
        )
    )
    ids = list(due.scalars())
    _set(work, ids, now, state=GRANTED, problem="", problem_code="", not_before=None)
    return len(ids)


def due_contracts(*, connection: Connection, today: date, now: datetime, limit: int) -> list[int]:
    """The contracts with a change that has begun and is to be granted now, the longest waiting first."""
    columns = scheduled_access.c
    query = (
        sa.select(columns.contract_id)
        .where(columns.state == WAITING, columns.starts_on <= today)
        .where(sa.or_(columns.not_before.is_(None), columns.not_before <= now))
        .group_by(columns.contract_id)
        .order_by(sa.func.min(columns.starts_on), columns.contract_id)
        .limit(limit)
    )
    return list(connection.execute(query).scalars())


def postpone(
    *, work: UnitOfWork, contract_id: int, today: date, code: str, problem: str, not_before: datetime, now: datetime
) -> None:
    """What has begun could not be granted: why, and when it is tried again."""
    columns = scheduled_access.c
    work.execute(
        scheduled_access.update()
        .where(columns.contract_id == contract_id, columns.state == WAITING, columns.starts_on <= today)
        .values(
            attempts=columns.attempts + 1, problem_code=code, problem=problem, not_before=not_before, changed_at=now
        )
    )


def attempts_of(*, connection: Connection, contract_id: int) -> int:
    """How often in a row granting what waits has failed."""
    columns = scheduled_access.c
    query = sa.select(sa.func.max(columns.attempts)).where(columns.contract_id == contract_id, columns.state == WAITING)
    return int(connection.execute(query).scalar_one() or 0)


def load_changes(*, connection: Connection, contract_id: int) -> tuple[ScheduledChange, ...]:
    """All changes of a contract's access that were ever written down, by day."""
    columns = scheduled_access.c
    query = sa.select(scheduled_access).where(columns.contract_id == contract_id)
    return tuple(_change(row) for row in connection.execute(query.order_by(columns.starts_on, columns.id)))


def _want(
    work: UnitOfWork, contract_id: int, order_id: int, product_ref: str, starts_on: date, wanted: AccessWanted,
    now: datetime,
) -> None:  # fmt: skip
    changes: dict[str, Any] = {
        "order_id": order_id, "wanted": access_document(wanted), "state": WAITING, "attempts": 0, "not_before": None,
        "problem_code": "", "problem": "", "changed_at": now,
    }  # fmt: skip
    statement = insert(work, scheduled_access).values(
        contract_id=contract_id, product_ref=product_ref, starts_on=starts_on, made_at=now, **changes
    )
    columns = scheduled_access.c
    work.execute(
        statement.on_conflict_do_update(
            index_elements=[columns.contract_id, columns.product_ref, columns.starts_on],
            set_={name: statement.excluded[name] for name in changes},
        )
    )


def _set(work: UnitOfWork, ids: Sequence[int], now: datetime, **values: Any) -> None:
    if ids:
        work.execute(scheduled_access.update().where(scheduled_access.c.id.in_(ids)).values(changed_at=now, **values))


def _change(row: Any) -> ScheduledChange:
    return ScheduledChange(
        id=row.id, contract_id=row.contract_id, order_id=row.order_id, product_ref=row.product_ref,
        starts_on=row.starts_on, wanted=load_access(row.wanted), state=row.state, attempts=row.attempts,
        not_before=row.not_before, problem=row.problem,
    )  # fmt: skip
