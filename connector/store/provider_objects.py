"""What a payment provider told last about each of its things, beside what it means for us.

Something older never overwrites something newer, by the provider's own clock, so that two processes which fetched at
different moments leave the same row in whatever order they write.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from connector.domain.collecting import FINAL_STATES, ObjectKind, ObjectState, ProviderObject
from connector.store.inserting import insert_ignore
from connector.store.tables_cash import payments
from connector.store.tables_collecting import provider_objects
from connector.store.unit_of_work import UnitOfWork

_FINAL = tuple(state.value for state in FINAL_STATES)


@dataclass(frozen=True, slots=True)
class StoredObject:
    """A thing of the provider as kept; `code` and `message` say what differs from what was expected."""

    id: int
    kind: ObjectKind
    ref: str
    state: ObjectState
    amount: Decimal
    currency: str
    payment_ref: str
    updated_at: datetime
    link_id: int | None
    invoice_id: int | None
    payment_id: int | None
    code: str
    message: str


def lock_object(
    *, work: UnitOfWork, provider: str, environment: str, found: ProviderObject, now: datetime
) -> StoredObject:
    """The row of that thing, made if need be, which nobody else changes until the end of this transaction."""
    identity = {"provider": provider, "environment": environment, "kind": found.kind.value, "ref": found.ref}
    work.execute(insert_ignore(work, provider_objects), identity | _told(found, now))
    wanted = [provider_objects.c[name] == value for name, value in identity.items()]
    row = work.execute(sa.select(provider_objects).where(*wanted).with_for_update()).one()
    return _stored(row)


def save_told(*, work: UnitOfWork, object_id: int, found: ProviderObject, now: datetime) -> None:
    """Keep what was told just now; the row is locked and not newer."""
    work.execute(provider_objects.update().where(provider_objects.c.id == object_id).values(_told(found, now)))


def save_meaning(
    *,
    work: UnitOfWork,
    object_id: int,
    link_id: int | None,
    invoice_id: int | None,
    payment_id: int | None,
    code: str = "",
    message: str = "",
) -> None:
    """Keep what it means for us: its link, invoice and payment, and what differs."""
    values = {
        "link_id": link_id,
        "invoice_id": invoice_id,
        "payment_id": payment_id,
        "code": code,
        "message": message,
    }
    work.execute(provider_objects.update().where(provider_objects.c.id == object_id).values(values))


def find_object(
    *, connection: Connection, provider: str, environment: str, kind: ObjectKind, ref: str
) -> StoredObject | None:
    """A thing as kept, None when it was never told of."""
    c = provider_objects.c
    query = sa.select(provider_objects).where(
        c.provider == provider, c.environment == environment, c.kind == kind.value, c.ref == ref
    )
    row = connection.execute(query).one_or_none()
    return None if row is None else _stored(row)


def booked_of(*, connection: Connection, source: str, ref: str) -> Decimal:
    """What was booked of a payment: itself, and what was captured of it later under refs of their own."""
    c = payments.c
    own = sa.or_(c.source_ref == ref, c.source_ref.startswith(f"{ref}/", autoescape=True))
    amounts = connection.execute(sa.select(c.amount).where(c.source == source, own)).scalars()
    return sum(amounts, Decimal(0))


def not_final(*, connection: Connection, provider: str, environment: str, limit: int) -> list[StoredObject]:
    """Things that can still change by themselves, those looked at longest ago first."""
    c = provider_objects.c
    query = (
        sa.select(provider_objects)
        .where(c.provider == provider, c.environment == environment, c.state.not_in(_FINAL))
        .order_by(c.seen_at)
        .limit(limit)
    )
    return [_stored(row) for row in connection.execute(query)]


def _told(found: ProviderObject, now: datetime) -> dict[str, Any]:
    return {
        "state": found.state.value,
        "currency": found.currency[:10],
        "amount": found.amount,
        "asked": found.asked,
        "fee": None if found.fee is None else found.fee.amount,
        "fee_currency": "" if found.fee is None else found.fee.currency,
        "payment_ref": found.payment_ref,
        "link_ref": found.link_ref,
        "reference": found.reference,
        "payer": found.payer,
        "told": found.told,
        "detail": found.detail,
        "happened_at": found.happened_at,
        "updated_at": found.updated_at,
        "stamp": found.stamp,
        "seen_at": now,
    }


def _stored(row: Any) -> StoredObject:
    return StoredObject(
        id=row.id,
        kind=ObjectKind(row.kind),
        ref=row.ref,
        state=ObjectState(row.state),
        amount=row.amount,
        currency=row.currency,
        payment_ref=row.payment_ref,
        updated_at=row.updated_at,
        link_id=row.link_id,
        invoice_id=row.invoice_id,
        payment_id=row.payment_id,
        code=row.code,
        message=row.message,
    )
