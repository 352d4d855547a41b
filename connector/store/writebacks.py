"""Fields owed to Salesforce: what a record should show beside what we last wrote there.

Writing is the difference between the two, so a flush that runs twice writes once, and a state that changed three times
in a second is one write.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from connector.domain.terms import RecordRef
from connector.store.inserting import insert_ignore
from connector.store.tables import writebacks
from connector.store.unit_of_work import UnitOfWork

_SETTLED: dict[str, Any] = {
    "claimed_by": "",
    "claimed_at": None,
    "not_before": None,
    "attempts": 0,
    "code": "",
    "message": "",
}


@dataclass(frozen=True, slots=True)
class OwedWrite:
    """One record's changed fields; `wanted` is what it will show when they are written."""

    id: int
    ref: RecordRef
    changes: Mapping[str, Any]
    wanted: Mapping[str, Any]
    attempts: int


def want(
    *,
    work: UnitOfWork,
    ref: RecordRef,
    account_id: str,
    fields: Mapping[str, Any],
    now: datetime,
    fleeting: frozenset[str] = frozenset(),
) -> None:
    """Have the record show these fields. Only fields that differ from what we wrote last are ever sent.

    A `fleeting` field alone is no reason to write; it travels with the next difference.
    """
    key = (writebacks.c.org_id == ref.org_id) & (writebacks.c.record_id == ref.record_id)
    insert = insert_ignore(work, writebacks).values(
        org_id=ref.org_id,
        object=ref.object,
        record_id=ref.record_id,
        account_id=account_id,
        wanted=dict(fields),
        is_owed=True,
        wanted_at=now,
    )
    # The count of inserted rows says nothing on PostgreSQL; a returned id says that the row is new.
    if work.execute(insert.returning(writebacks.c.id)).first() is not None:
        return
    row = work.execute(sa.select(writebacks).where(key).with_for_update()).one()
    if _without(row.wanted, fleeting) == _without(fields, fleeting) and row.written is not None:
        return
    # While a flush is under way nobody knows what the record shows.
    is_owed = dict(fields) != row.written or row.claimed_by != ""
    changes: dict[str, Any] = {"wanted": dict(fields), "is_owed": is_owed, "wanted_at": now}
    if account_id:
        changes["account_id"] = account_id
    work.execute(writebacks.update().where(key).values(**changes, not_before=None, attempts=0))


def _without(fields: Mapping[str, Any], names: frozenset[str]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if name not in names}


def take_owed(
    *, work: UnitOfWork, org_id: str, limit: int, claimed_by: str, now: datetime, stale: timedelta
) -> tuple[OwedWrite, ...]:
    """Up to `limit` records whose fields are owed, taken for this flush; a flush that died loses them after `stale`.

    Ordered by account, so that rows of one account travel in one call and do not lock each other out.
    """
    is_free = (writebacks.c.claimed_by == "") | (writebacks.c.claimed_at < now - stale)
    is_due = writebacks.c.not_before.is_(None) | (writebacks.c.not_before <= now)
    query = (
        sa.select(writebacks)
        .where(writebacks.c.org_id == org_id, writebacks.c.is_owed, is_free, is_due)
        .order_by(writebacks.c.account_id, writebacks.c.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    rows = work.execute(query).all()
    if rows:
        taken = writebacks.c.id.in_([row.id for row in rows])
        work.execute(writebacks.update().where(taken).values(claimed_by=claimed_by, claimed_at=now))
    return tuple(_owed(row) for row in rows)


def still_taken(*, work: UnitOfWork, writes: Sequence[OwedWrite], claimed_by: str) -> tuple[OwedWrite, ...]:
    """Those of the writes that this flush still has: it may have been taken for dead since it took them."""
    ids = [write.id for write in writes]
    query = sa.select(writebacks.c.id).where(writebacks.c.id.in_(ids), writebacks.c.claimed_by == claimed_by)
    ours = set(work.execute(query).scalars())
    return tuple(write for write in writes if write.id in ours)


def save_written(*, work: UnitOfWork, done: Sequence[OwedWrite], now: datetime) -> None:
    """These records show what we sent; a wish that changed meanwhile stays owed."""
    if not done:
        return
    query = sa.select(writebacks.c.id, writebacks.c.wanted).where(writebacks.c.id.in_([write.id for write in done]))
    current = {row.id: row.wanted for row in work.execute(query.with_for_update())}
    rows = [
        {"row_id": write.id, "now_shown": dict(write.wanted), "still_owed": current[write.id] != dict(write.wanted)}
        for write in done
    ]
    statement = writebacks.update().where(writebacks.c.id == sa.bindparam("row_id"))
    shown = {"written": sa.bindparam("now_shown"), "is_owed": sa.bindparam("still_owed"), "written_at": now}
    work.execute(statement.values(**shown, **_SETTLED), rows)


def save_failed(
    *,
    work: UnitOfWork,
    write: OwedWrite,
    code: str,
    message: str,
    not_before: datetime | None,
    is_owed: bool,
    is_uncertain: bool = False,
) -> None:
    """This record refused our fields; `is_owed` False means only a new wish or a person tries again.

    A wish that changed meanwhile was not refused yet: it stays owed and is sent next. `is_uncertain` says that the
    fields may have been written all the same: then everything is written afresh, whatever the wish is by then.
    """
    this = writebacks.c.id == write.id
    wanted = work.execute(sa.select(writebacks.c.wanted).where(this).with_for_update()).scalar_one()
    verdict: dict[str, Any] = {"is_owed": is_owed, "not_before": not_before, "attempts": write.attempts + 1}
    if wanted != dict(write.wanted):
        verdict = {"is_owed": True, "not_before": None, "attempts": 0}
    if is_uncertain:
        verdict["written"] = None
    work.execute(
        writebacks.update()
        .where(this)
        .values(code=code, message=message[:2000], claimed_by="", claimed_at=None, **verdict)
    )


def let_go(*, work: UnitOfWork, but_of: Collection[str]) -> None:
    """Free what flushes had taken, but for those of these processes: the others died and write down nothing more.

    What they sent may have arrived, so everything is written afresh.
    """
    is_dead = sa.and_(writebacks.c.claimed_by != "", writebacks.c.claimed_by.not_in(but_of))
    work.execute(
        writebacks.update().where(writebacks.c.is_owed, is_dead).values(claimed_by="", claimed_at=None, written=None)
    )


def owe_again(*, work: UnitOfWork, org_id: str, record_id: str) -> None:
    """Write everything afresh (a person asked, or the record was seen to show something else)."""
    work.execute(
        writebacks.update()
        .where(writebacks.c.org_id == org_id, writebacks.c.record_id == record_id)
        .values(written=None, is_owed=True, not_before=None, attempts=0)
    )


def _owed(row: Any) -> OwedWrite:
    # A row that is taken over from another flush shows nobody knows what.
    written = {} if row.claimed_by else row.written or {}
    changes = {name: value for name, value in row.wanted.items() if name not in written or written[name] != value}
    return OwedWrite(row.id, RecordRef(row.org_id, row.object, row.record_id), changes, row.wanted, row.attempts)


def last_written(*, work: UnitOfWork, org_id: str, record_ids: Sequence[str]) -> dict[str, datetime]:
    """When we last wrote to each of these records; those we never wrote to are left out."""
    query = sa.select(writebacks.c.record_id, writebacks.c.written_at).where(
        writebacks.c.org_id == org_id, writebacks.c.record_id.in_(record_ids), writebacks.c.written_at.is_not(None)
    )
    return {row.record_id: row.written_at for row in work.execute(query)}
