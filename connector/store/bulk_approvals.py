"""Approvals of many documents at once: who asked for which, what came of each, and how far they are.

A row stays for each document, so that whatever was not approved says why.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from connector.store.inserting import insert_ignore, insert_many
from connector.store.tables_billing import invoices
from connector.store.tables_queue import bulk_approval_items, bulk_approvals
from connector.store.unit_of_work import UnitOfWork

_WAITING, _APPROVED, _REFUSED = "waiting", "approved", "refused"
_SHOWN_REFUSED = 200


@dataclass(frozen=True, slots=True)
class BulkApproval:
    """One approval of many: who asked, how many documents, and how far it is."""

    id: int
    user_id: int
    actor: str
    role: str
    started_at: datetime
    good_until: datetime
    finished_at: datetime | None
    asked: int
    approved: int
    refused: int
    runs: int

    @property
    def waiting(self) -> int:
        """How many documents are still to come."""
        return self.asked - self.approved - self.refused

    @property
    def percent(self) -> int:
        """How much is done, in whole percent."""
        return 100 if not self.asked else (self.approved + self.refused) * 100 // self.asked


@dataclass(frozen=True, slots=True)
class RefusedItem:
    """A document that was not approved, and why."""

    invoice_id: int
    customer_name: str
    code: str
    message: str


def open_bulk(
    *,
    work: UnitOfWork,
    user_id: int,
    actor: str,
    role: str,
    looked_at: Sequence[tuple[int, str]],
    request_key: str,
    now: datetime,
    good_until: datetime,
) -> tuple[int, bool]:
    """Keep what is asked for, (id, content hash) each; answers its id and whether it is new.

    The same request key again is the same approval.
    """
    made = work.execute(
        insert_ignore(work, bulk_approvals)
        .values(
            user_id=user_id,
            actor=actor,
            role=role,
            started_at=now,
            good_until=good_until,
            asked=len(looked_at),
            request_key=request_key,
            runs=1,
        )
        .returning(bulk_approvals.c.id)
    ).scalar_one_or_none()
    if made is None:
        query = sa.select(bulk_approvals.c.id).where(bulk_approvals.c.request_key == request_key)
        return int(work.execute(query).scalar_one()), False
    items = [
        {"bulk_id": made, "invoice_id": invoice_id, "content_hash": content_hash, "state": _WAITING}
        for invoice_id, content_hash in looked_at
    ]
    insert_many(work, bulk_approval_items, items)
    return int(made), True


def load_bulk(*, connection: Connection, bulk_id: int) -> BulkApproval | None:
    """One of them with its counts, or None."""
    row = connection.execute(sa.select(bulk_approvals).where(bulk_approvals.c.id == bulk_id)).one_or_none()
    if row is None:
        return None
    items = bulk_approval_items.c
    query = sa.select(items.state, sa.func.count()).where(items.bulk_id == bulk_id).group_by(items.state)
    counts = {found[0]: found[1] for found in connection.execute(query)}
    return BulkApproval(
        id=row.id,
        user_id=row.user_id,
        actor=row.actor,
        role=row.role,
        started_at=row.started_at,
        good_until=row.good_until,
        finished_at=row.finished_at,
        asked=row.asked,
        approved=counts.get(_APPROVED, 0),
        refused=counts.get(_REFUSED, 0),
        runs=row.runs,
    )


def open_bulks(*, connection: Connection) -> list[BulkApproval]:
    """Those that are not finished."""
    ids = connection.execute(sa.select(bulk_approvals.c.id).where(bulk_approvals.c.finished_at.is_(None))).scalars()
    return [found for bulk_id in ids.all() if (found := load_bulk(connection=connection, bulk_id=bulk_id))]


def count_run(*, work: UnitOfWork, bulk_id: int) -> int:
    """One more run of it; answers how many there were with this one."""
    update = bulk_approvals.update().where(bulk_approvals.c.id == bulk_id).values(runs=bulk_approvals.c.runs + 1)
    return int(work.execute(update.returning(bulk_approvals.c.runs)).scalar_one())


def waiting_items(*, connection: Connection, bulk_id: int, limit: int) -> list[tuple[int, str]]:
    """Documents whose turn has not come, (id, content hash), in the order of their ids."""
    items = bulk_approval_items.c
    query = sa.select(items.invoice_id, items.content_hash).where(items.bulk_id == bulk_id, items.state == _WAITING)
    return [(row[0], row[1]) for row in connection.execute(query.order_by(items.invoice_id).limit(limit))]


def save_approved(*, work: UnitOfWork, bulk_id: int, invoice_id: int, number: str, now: datetime) -> None:
    """The document was approved; what is written already stays."""
    _save(work, bulk_id, invoice_id, state=_APPROVED, number=number, decided_at=now)


def save_refused(*, work: UnitOfWork, bulk_id: int, invoice_id: int, code: str, message: str, now: datetime) -> None:
    """The document was not approved, and why; what is written already stays."""
    _save(work, bulk_id, invoice_id, state=_REFUSED, code=code, message=message, decided_at=now)


def refuse_rest(*, work: UnitOfWork, bulk_id: int, code: str, message: str, now: datetime) -> int:
    """Nothing more of it is approved; answers how many documents that was said of."""
    items = bulk_approval_items.c
    update = bulk_approval_items.update().where(items.bulk_id == bulk_id, items.state == _WAITING)
    return work.execute(update.values(state=_REFUSED, code=code, message=message, decided_at=now)).rowcount


def close_bulk(*, work: UnitOfWork, bulk_id: int, now: datetime) -> None:
    """It is finished; the first instant stays."""
    is_open = (bulk_approvals.c.id == bulk_id) & bulk_approvals.c.finished_at.is_(None)
    work.execute(bulk_approvals.update().where(is_open).values(finished_at=now))


def load_refused(*, connection: Connection, bulk_id: int) -> tuple[RefusedItem, ...]:
    """What was not approved, at most 200."""
    items = bulk_approval_items.c
    query = (
        sa.select(items.invoice_id, invoices.c.customer_name, items.code, items.message)
        .join(invoices, invoices.c.id == items.invoice_id)
        .where(items.bulk_id == bulk_id, items.state == _REFUSED)
        .order_by(items.invoice_id)
        .limit(_SHOWN_REFUSED)
    )
    return tuple(RefusedItem(*row) for row in connection.execute(query))


def _save(work: UnitOfWork, bulk_id: int, invoice_id: int, **values: Any) -> None:
    items = bulk_approval_items.c
    key = (items.bulk_id == bulk_id) & (items.invoice_id == invoice_id) & (items.state == _WAITING)
    work.execute(bulk_approval_items.update().where(key).values(**values))
