"""Signed records that we look at: one row each, whatever brought them, and who is looking now.

One run at a time works on a record. A second one leaves a note (`is_look_due`) and goes; the first sees the note when
it lets go and looks again. So no hint is lost and nothing is done twice at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from connector.domain.terms import RecordRef
from connector.errors import Conflict
from connector.store.inserting import insert_ignore
from connector.store.tables import inbox, orders, records
from connector.store.types import UtcDateTime
from connector.store.unit_of_work import UnitOfWork

# A run waits in the queue for seconds; one that has not taken its record after this time is lost.
_COMES_AGAIN = timedelta(minutes=5)


class ClaimLost(Conflict):
    """Another run works on the record: this one was taken for dead."""

    code = "CLAIM_LOST"


@dataclass(frozen=True, slots=True)
class ClaimedRecord:
    """A record that this run may work on; `attempts` counts the failures in a row so far.

    `latest_message` is the newest inbox row about it: what this look answers. `run_id` and `looks` together are the
    claim: a run that was resumed elsewhere claims again and gets a higher number.
    """

    id: int
    ref: RecordRef
    run_id: str
    attempts: int
    state: str
    looks: int
    latest_message: int


@dataclass(frozen=True, slots=True)
class LookResult:
    """What a look at a record came to. `not_before` is when to look again by ourselves, None = only when asked."""

    state: str
    code: str = ""
    reason: str = ""
    owner: str = ""
    not_before: datetime | None = None
    attempts: int = 0
    name: str = ""
    account_id: str = ""


def claim(*, work: UnitOfWork, ref: RecordRef, run_id: str, now: datetime) -> ClaimedRecord | None:
    """Take the record for this run, or leave a note and answer None when another run has it."""
    key = (records.c.org_id == ref.org_id) & (records.c.record_id == ref.record_id)
    work.execute(
        insert_ignore(work, records).values(
            org_id=ref.org_id, object=ref.object, record_id=ref.record_id, first_seen_at=now
        )
    )
    newest = sa.select(sa.func.max(inbox.c.id)).where(inbox.c.org_id == ref.org_id, inbox.c.record_id == ref.record_id)
    query = sa.select(records, newest.scalar_subquery().label("latest_message")).where(key)
    row = work.execute(query.with_for_update(of=records)).one()
    if row.claimed_by not in ("", run_id):
        work.execute(records.update().where(key).values(is_look_due=True))
        return None
    work.execute(
        records.update()
        .where(key)
        .values(claimed_by=run_id, claimed_at=now, is_look_due=False, not_before=None, looks=row.looks + 1)
    )
    return ClaimedRecord(
        id=row.id,
        ref=RecordRef(row.org_id, row.object, row.record_id),
        run_id=run_id,
        attempts=row.attempts,
        state=row.state,
        looks=row.looks + 1,
        latest_message=row.latest_message or 0,
    )


def hold(*, work: UnitOfWork, record: ClaimedRecord) -> None:
    """Make sure, until this transaction ends, that this run still has the record. Raises ClaimLost."""
    row = work.execute(sa.select(records.c.id).where(*_is_ours(record)).with_for_update()).one_or_none()
    if row is None:
        raise ClaimLost(f"The run {record.run_id} no longer has the record {record.ref.record_id}.")


def release(*, work: UnitOfWork, record: ClaimedRecord, result: LookResult, now: datetime) -> bool:
    """Let go of the record with what the look came to; True when somebody asked for another look meanwhile.

    Raises ClaimLost when another run has the record.
    """
    changes: dict[str, Any] = {
        "state": result.state,
        "code": result.code,
        "reason": result.reason,
        "owner": result.owner,
        "attempts": result.attempts,
        # When the look began: what changed while it went on was perhaps not seen.
        "looked_at": sa.func.coalesce(records.c.claimed_at, sa.bindparam("ended", now, UtcDateTime())),
        "claimed_by": "",
        "claimed_at": None,
        # Somebody may have asked to be woken while we looked; their moment stands.
        "not_before": sa.func.coalesce(records.c.not_before, sa.bindparam("next", result.not_before, UtcDateTime())),
    }
    if result.name:
        changes |= {"name": result.name, "account_id": result.account_id}
    statement = records.update().where(*_is_ours(record)).values(**changes).returning(records.c.is_look_due)
    row = work.execute(statement).one_or_none()
    if row is None:
        raise ClaimLost(f"The run {record.run_id} no longer has the record {record.ref.record_id}.")
    return bool(row.is_look_due)


def _is_ours(record: ClaimedRecord) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        records.c.id == record.id,
        records.c.claimed_by == record.run_id,
        records.c.looks == record.looks,
    )


def wake_at(*, work: UnitOfWork, record_row_id: int, moment: datetime) -> None:
    """Have the record looked at from that moment on, whoever is looking now."""
    work.execute(
        records.update()
        .where(records.c.id == record_row_id)
        .values(
            not_before=moment,
            is_look_due=sa.case((records.c.claimed_by != "", sa.true()), else_=records.c.is_look_due),
        )
    )


def take_due(*, work: UnitOfWork, now: datetime, limit: int) -> list[tuple[int, RecordRef, int]]:
    """Records whose waiting is over: (row id, ref, looks so far); they count as taken when this transaction commits.

    A wake-up whose run never takes its record comes again after a while.
    """
    query = (
        sa.select(records.c.id, records.c.org_id, records.c.object, records.c.record_id, records.c.looks)
        .where(records.c.not_before <= now, records.c.claimed_by == "")
        .order_by(records.c.not_before)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    rows = work.execute(query).all()
    if rows:
        ids = [row.id for row in rows]
        work.execute(records.update().where(records.c.id.in_(ids)).values(not_before=now + _COMES_AGAIN))
    return [(row.id, RecordRef(row.org_id, row.object, row.record_id), row.looks) for row in rows]


def claims_older_than(*, work: UnitOfWork, moment: datetime) -> dict[str, int]:
    """Run id -> record row id of claims taken before that moment."""
    query = sa.select(records.c.claimed_by, records.c.id).where(
        records.c.claimed_by != "", records.c.claimed_at < moment
    )
    return {row.claimed_by: row.id for row in work.execute(query)}


def drop_claim(*, work: UnitOfWork, record_row_id: int, run_id: str, now: datetime) -> None:
    """Free a record whose run ended without letting go, and have it looked at again."""
    work.execute(
        records.update()
        .where(records.c.id == record_row_id, records.c.claimed_by == run_id)
        .values(claimed_by="", claimed_at=None, not_before=now)
    )


def looked_at(*, work: UnitOfWork, org_id: str, record_ids: Sequence[str]) -> dict[str, datetime | None]:
    """Record id -> when the last look began, None when it was never looked at; unknown records are left out."""
    query = sa.select(records.c.record_id, records.c.looked_at).where(
        records.c.org_id == org_id, records.c.record_id.in_(record_ids)
    )
    return {row.record_id: row.looked_at for row in work.execute(query)}


@dataclass(frozen=True, slots=True)
class RecordStanding:
    """What is known of a record: what came of it, why, who acts, and whose it is."""

    state: str
    reason: str
    owner: str
    name: str


def standing(*, work: UnitOfWork, org_id: str, record_ids: Sequence[str]) -> dict[str, RecordStanding]:
    """How each of these records stands; those never heard of are left out."""
    query = sa.select(records).where(records.c.org_id == org_id, records.c.record_id.in_(record_ids))
    return {row.record_id: RecordStanding(row.state, row.reason, row.owner, row.name) for row in work.execute(query)}


def known_states(*, work: UnitOfWork, org_id: str, record_ids: Sequence[str]) -> dict[str, str]:
    """Record id -> state for those of the ids that we have a row for."""
    query = sa.select(records.c.record_id, records.c.state).where(
        records.c.org_id == org_id, records.c.record_id.in_(record_ids)
    )
    return {row.record_id: row.state for row in work.execute(query)}


@dataclass(frozen=True, slots=True)
class RecordRow:
    """A record for Resync: where it is and what came of it."""

    id: int
    ref: RecordRef
    state: str
    reason: str
    looked_at: datetime | None
    order_number: str


def find(
    *,
    work: UnitOfWork,
    record_id: str = "",
    order_number: str = "",
    since: datetime | None = None,
    until: datetime | None = None,
    is_parked: bool = False,
    limit: int = 10_000,
) -> list[RecordRow]:
    """Records by Salesforce id, by order number, by when they were first seen or last looked at, or all parked ones."""
    query = sa.select(records, orders.c.number).outerjoin(orders, orders.c.record_row_id == records.c.id)
    if record_id:
        query = query.where(records.c.record_id == record_id)
    if order_number:
        query = query.where(orders.c.number == order_number)
    if is_parked:
        query = query.where(records.c.state.in_(("parked", "blocked", "failed")))
    if since is not None:
        query = query.where(sa.func.coalesce(records.c.looked_at, records.c.first_seen_at) >= since)
    if until is not None:
        query = query.where(records.c.first_seen_at < until)
    rows = work.execute(query.order_by(records.c.id).limit(limit))
    return [
        RecordRow(
            row.id,
            RecordRef(row.org_id, row.object, row.record_id),
            row.state,
            row.reason,
            row.looked_at,
            row.number or "",
        )
        for row in rows
    ]
