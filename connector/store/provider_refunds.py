"""Refunds on their way through a provider: the request id that is stored before the call, and what came of it.

The refund itself, and its money, are the ledger's (`store/refunds.py`); a row here says how far the provider is.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from connector.domain.collecting import ObjectKind
from connector.domain.money import Money
from connector.domain.payments import RefundState
from connector.store.inserting import insert_ignore
from connector.store.tables_cash import payments, refunds
from connector.store.tables_collecting import provider_objects, provider_refunds
from connector.store.unit_of_work import UnitOfWork

WANTED, SENT, REFUSED, BY_HAND = "wanted", "sent", "refused", "by_hand"


@dataclass(frozen=True, slots=True)
class UnsentRefund:
    """A refund that a person asked for and no provider has heard of. `is_deposit`: the money came by bank transfer."""

    refund_id: int
    payment_ref: str
    is_deposit: bool


@dataclass(frozen=True, slots=True)
class ClaimedRefund:
    """A refund to send now; `attempts` counts this try."""

    refund_id: int
    request_id: str
    payment_ref: str
    amount: Money
    reason: str
    attempts: int


def unsent(*, connection: Connection, provider: str, environment: str, limit: int) -> list[UnsentRefund]:
    """Refunds of this provider's payments that were asked for and have no row here yet, oldest first."""
    deposit = (
        sa.select(provider_objects.c.id)
        .where(provider_objects.c.payment_id == payments.c.id, provider_objects.c.kind == ObjectKind.DEPOSIT.value)
        .exists()
    )
    query = (
        sa.select(refunds.c.id, payments.c.source_ref, deposit.label("is_deposit"))
        .join(payments, payments.c.id == refunds.c.payment_id)
        .outerjoin(provider_refunds, provider_refunds.c.refund_id == refunds.c.id)
        .where(
            refunds.c.state == RefundState.REQUESTED.value,
            provider_refunds.c.refund_id.is_(None),
            payments.c.source == provider,
            payments.c.environment == environment,
        )
        .order_by(refunds.c.id)
        .limit(limit)
    )
    return [
        # What was captured later has a ref of its own behind a slash.
        UnsentRefund(row.id, row.source_ref.partition("/")[0], bool(row.is_deposit))
        for row in connection.execute(query)
    ]


def want(
    *, work: UnitOfWork, refund: UnsentRefund, provider: str, environment: str, request_id: str, message: str = ""
) -> None:
    """Write down, once, that the provider must hear of a refund; one of a deposit is for people."""
    row = {
        "refund_id": refund.refund_id,
        "provider": provider,
        "environment": environment,
        "request_id": request_id,
        "payment_ref": refund.payment_ref,
        "state": BY_HAND if refund.is_deposit else WANTED,
        "message": message,
    }
    work.execute(insert_ignore(work, provider_refunds), row)


def claim(
    *, work: UnitOfWork, provider: str, environment: str, limit: int, now: datetime, until: datetime
) -> list[ClaimedRefund]:
    """Refunds to send now, oldest first, nobody else's until that moment."""
    c = provider_refunds.c
    query = (
        sa.select(c.refund_id)
        .where(
            c.state == WANTED,
            c.provider == provider,
            c.environment == environment,
            sa.or_(c.not_before.is_(None), c.not_before <= now),
        )
        .order_by(c.refund_id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    ids = list(work.execute(query).scalars())
    if not ids:
        return []
    claimed = provider_refunds.update().where(c.refund_id.in_(ids))
    work.execute(claimed.values(attempts=c.attempts + 1, not_before=until))
    rows = work.execute(
        sa.select(c.refund_id, c.request_id, c.payment_ref, c.attempts, refunds)
        .join(refunds, refunds.c.id == c.refund_id)
        .where(c.refund_id.in_(ids))
        .order_by(c.refund_id)
    )
    return [
        ClaimedRefund(
            row.refund_id,
            row.request_id,
            row.payment_ref,
            Money(row.amount, row.currency).rounded(),
            row.reason,
            row.attempts,
        )
        for row in rows
    ]


def save_sent(*, work: UnitOfWork, refund_id: int, provider_ref: str) -> None:
    """The provider has it."""
    _save(work, refund_id, {"state": SENT, "provider_ref": provider_ref, "not_before": None, "code": "", "message": ""})


def save_waiting(*, work: UnitOfWork, refund_id: int, not_before: datetime, code: str, message: str) -> None:
    """The call is tried again then, with the same request id."""
    _save(work, refund_id, {"not_before": not_before, "code": code, "message": message})


def save_refused(*, work: UnitOfWork, refund_id: int, code: str, message: str) -> None:
    """The provider will not do it."""
    _save(work, refund_id, {"state": REFUSED, "not_before": None, "code": code, "message": message})


def find(*, connection: Connection, provider: str, ref: str, request_id: str) -> int | None:
    """The refund that the provider calls so, or that was sent with that request id; None for one that is not ours."""
    c = provider_refunds.c
    by_key = c.request_id == request_id if request_id else sa.false()
    query = sa.select(c.refund_id).where(c.provider == provider, sa.or_(c.provider_ref == ref, by_key))
    return connection.execute(query.limit(1)).scalar_one_or_none()


def is_one_on_its_way(*, connection: Connection, payment_ref: str, amount: Money) -> bool:
    """Whether a refund of ours of that amount may have reached the provider without our knowing its ref."""
    c = provider_refunds.c
    query = (
        sa.select(c.refund_id)
        .join(refunds, refunds.c.id == c.refund_id)
        .where(c.payment_ref == payment_ref, c.state == WANTED, refunds.c.amount == amount.amount)
        .where(c.attempts > 0)
    )
    return connection.execute(query.limit(1)).scalar_one_or_none() is not None


def _save(work: UnitOfWork, refund_id: int, values: dict[str, object]) -> None:
    wanted = (provider_refunds.c.refund_id == refund_id) & (provider_refunds.c.state == WANTED)
    work.execute(provider_refunds.update().where(wanted).values(values))
