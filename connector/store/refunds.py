"""Refunds as rows: asked for once by key, moved along their table; the money itself is the ledger's."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from connector.domain.money import Money
from connector.domain.payments import RefundEvent, RefundState, refund_after
from connector.errors import NotFound
from connector.store import history
from connector.store.tables_cash import refunds
from connector.store.unit_of_work import UnitOfWork

SUBJECT = "refund"


@dataclass(frozen=True, slots=True)
class StoredRefund:
    """A refund as kept. `posting_id` is the posting that set its money apart."""

    id: int
    payment_id: int
    posting_id: int | None
    amount: Money
    state: RefundState
    reason: str
    provider_ref: str
    message: str
    requested_by: str
    requested_at: datetime


def insert_refund(
    *, work: UnitOfWork, request_key: str, payment_id: int, amount: Money, reason: str, actor: str, now: datetime
) -> StoredRefund:
    """Keep a new request."""
    row = {
        "request_key": request_key,
        "payment_id": payment_id,
        "currency": amount.currency,
        "amount": amount.amount,
        "state": RefundState.REQUESTED.value,
        "reason": reason,
        "requested_by": actor,
        "requested_at": now,
        "changed_at": now,
    }
    return _stored(work.execute(refunds.insert().returning(refunds), row).one())


def find_refund(*, connection: Connection, request_key: str) -> StoredRefund | None:
    """The refund of this very request, None when it is new."""
    row = connection.execute(sa.select(refunds).where(refunds.c.request_key == request_key)).one_or_none()
    return None if row is None else _stored(row)


def load_refund(*, connection: Connection, refund_id: int) -> StoredRefund:
    """One refund. Raises NotFound."""
    row = connection.execute(sa.select(refunds).where(refunds.c.id == refund_id)).one_or_none()
    if row is None:
        raise NotFound(f"There is no refund {refund_id}.")
    return _stored(row)


def load_refunds(*, connection: Connection, payment_id: int) -> list[StoredRefund]:
    """The refunds of a payment, oldest first."""
    query = sa.select(refunds).where(refunds.c.payment_id == payment_id).order_by(refunds.c.id)
    return [_stored(row) for row in connection.execute(query)]


def save_posting(*, work: UnitOfWork, refund_id: int, posting_id: int) -> None:
    """Say which posting set the money apart."""
    work.execute(refunds.update().where(refunds.c.id == refund_id).values(posting_id=posting_id))


def move_refund(
    *,
    work: UnitOfWork,
    refund: StoredRefund,
    event: RefundEvent,
    now: datetime,
    actor: str,
    provider_ref: str = "",
    message: str = "",
) -> RefundState:
    """Move a refund, whose payment is locked, along its table. Raises IllegalTransition."""
    after = refund_after(refund.state, event)
    values: dict[str, Any] = {"state": after.value, "changed_at": now, "message": message}
    if provider_ref:
        values["provider_ref"] = provider_ref
    work.execute(refunds.update().where(refunds.c.id == refund.id).values(**values))
    history.append(
        work=work,
        at=now,
        subject=SUBJECT,
        subject_id=refund.id,
        event=event.value,
        before=refund.state.value,
        after=after.value,
        reason=message,
        actor=actor,
    )
    return after


def _stored(row: Any) -> StoredRefund:
    return StoredRefund(
        id=row.id,
        payment_id=row.payment_id,
        posting_id=row.posting_id,
        amount=Money(row.amount, row.currency).rounded(),
        state=RefundState(row.state),
        reason=row.reason,
        provider_ref=row.provider_ref,
        message=row.message,
        requested_by=row.requested_by,
        requested_at=row.requested_at,
    )
