"""Rows of ours that Salesforce keeps a copy of, in our own objects there: what they should say, and what is owed.

A row there is found by our key, so writing it twice makes one row. What is written here is a wish in the caller's
transaction; `mirror_rows` the use case sends it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from connector.store.inserting import insert
from connector.store.tables_completeness import mirror_rows
from connector.store.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True)
class OwedRow:
    """One row to write; `wanted` are all its fields."""

    id: int
    object: str
    key: str
    wanted: Mapping[str, Any]
    attempts: int


def want(
    *, work: UnitOfWork, org_id: str, object_name: str, key: str, fields: Mapping[str, Any], now: datetime
) -> None:
    """Have the row say this; a row that says it already is not written again."""
    row = {"org_id": org_id, "object": object_name, "key": key, "wanted": dict(fields), "wanted_at": now}
    statement = insert(work, mirror_rows).values(**row)
    fresh = {"wanted": statement.excluded.wanted, "wanted_at": now, "is_owed": True, "attempts": 0, "not_before": None}
    work.execute(
        statement.on_conflict_do_update(
            index_elements=["org_id", "object", "key"],
            set_=fresh,
            where=mirror_rows.c.wanted != statement.excluded.wanted,
        )
    )


def is_owed(*, work: UnitOfWork, org_id: str, now: datetime) -> bool:
    """Whether any row is due, so that nobody asks Salesforce for nothing."""
    rows = mirror_rows.c
    is_due = rows.not_before.is_(None) | (rows.not_before <= now)
    query = sa.select(rows.id).where(rows.org_id == org_id, rows.is_owed, is_due).limit(1)
    return work.execute(query).first() is not None


def take_owed(
    *, work: UnitOfWork, org_id: str, limit: int, claimed_by: str, now: datetime, stale: timedelta
) -> tuple[OwedRow, ...]:
    """Up to `limit` rows of one object, taken for this flush; a flush that died loses them after `stale`."""
    rows = mirror_rows.c
    is_free = (rows.claimed_by == "") | (rows.claimed_at < now - stale)
    is_due = rows.not_before.is_(None) | (rows.not_before <= now)
    owed = sa.and_(rows.org_id == org_id, rows.is_owed, is_free, is_due)
    first = work.execute(sa.select(rows.object).where(owed).order_by(rows.id).limit(1)).scalar_one_or_none()
    if first is None:
        return ()
    query = sa.select(mirror_rows).where(owed, rows.object == first).order_by(rows.id).limit(limit)
    found = work.execute(query.with_for_update(skip_locked=True)).all()
    taken = rows.id.in_([row.id for row in found])
    work.execute(mirror_rows.update().where(taken).values(claimed_by=claimed_by, claimed_at=now))
    return tuple(OwedRow(row.id, row.object, row.key, row.wanted, row.attempts) for row in found)


def save_written(*, work: UnitOfWork, done: Sequence[OwedRow], now: datetime) -> None:
    """These rows say what we sent; a wish that changed meanwhile stays owed."""
    for row in done:
        current = work.execute(sa.select(mirror_rows.c.wanted).where(mirror_rows.c.id == row.id).with_for_update())
        is_owed = current.scalar_one() != dict(row.wanted)
        settled = {"claimed_by": "", "claimed_at": None, "attempts": 0, "not_before": None, "code": "", "message": ""}
        work.execute(
            mirror_rows.update().where(mirror_rows.c.id == row.id).values(is_owed=is_owed, written_at=now, **settled)
        )


def save_failed(*, work: UnitOfWork, row: OwedRow, code: str, message: str, not_before: datetime | None) -> None:
    """This row was refused; without `not_before` only a new wish tries again."""
    work.execute(
        mirror_rows.update()
        .where(mirror_rows.c.id == row.id)
        .values(
            code=code,
            message=message[:2000],
            is_owed=not_before is not None,
            not_before=not_before,
            attempts=row.attempts + 1,
            claimed_by="",
            claimed_at=None,
        )
    )


def forget_before(*, work: UnitOfWork, moment: datetime) -> int:
    """Drop rows that were written long ago; answers how many. They stay in Salesforce; one that changes comes again."""
    rows = mirror_rows.c
    done = work.execute(mirror_rows.delete().where(sa.not_(rows.is_owed), rows.wanted_at < moment))
    return int(done.rowcount)
