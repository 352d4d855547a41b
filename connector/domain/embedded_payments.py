"""What the embedded payment provider keeps, and what follows from each of its magic values.

Exists apart from its adapter so that the values are read in one table. It belongs to the provider: nothing of the
product but its adapter and its store uses it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal

from connector.domain.collecting import ObjectKind, ObjectState, PayOutcome
from connector.domain.money import round_amount

# Long enough to be seen waiting, short enough to be waited for.
DELAY = timedelta(minutes=1)
# A refund of an amount that ends so fails: the bank's account is closed.
FAILING_END = ".99"
_PAYER = "Embedded Customer"


@dataclass(frozen=True, slots=True)
class EmbeddedLink:
    """A link as the embedded provider keeps it."""

    ref: str
    key: str
    currency: str
    amount: Decimal
    reference: str
    title: str
    return_url: str
    is_active: bool
    payment_ref: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class EmbeddedObject:
    """A payment, refund or dispute as the embedded provider keeps it."""

    ref: str
    kind: str
    state: str
    currency: str
    amount: Decimal
    created_at: datetime
    updated_at: datetime
    settles_at: datetime | None = None
    asked: Decimal | None = None
    payment_ref: str = ""
    link_ref: str = ""
    key: str = ""
    reference: str = ""
    payer: str = ""
    detail: str = ""


def after_paying(*, link: EmbeddedLink, outcome: PayOutcome, suffix: str, now: datetime) -> tuple[EmbeddedObject, ...]:
    """What a payment by this link leaves behind, the payment first; nothing for a declined one, which may be repeated.

    `suffix` makes the refs single.
    """
    if outcome is PayOutcome.DECLINED:
        return ()
    paid = EmbeddedObject(
        ref=f"pay_{suffix}",
        kind=ObjectKind.PAYMENT.value,
        state=ObjectState.SETTLED.value,
        currency=link.currency,
        amount=link.amount,
        created_at=now,
        updated_at=now,
        asked=link.amount,
        link_ref=link.ref,
        reference=link.reference,
        payer=_PAYER,
    )
    if outcome is PayOutcome.DELAYED:
        return (replace(paid, state=ObjectState.PENDING.value, settles_at=now + DELAY),)
    if outcome is PayOutcome.PARTIAL:
        # Rounded once; of the smallest amount nothing would be left, so all of it comes.
        half = round_amount(link.amount / Decimal(2), currency=link.currency)
        return (replace(paid, amount=half),)
    if outcome is PayOutcome.REFUNDED:
        return paid, replace(paid, ref=f"ref_{suffix}", kind=ObjectKind.REFUND.value, payment_ref=paid.ref, asked=None)
    if outcome is PayOutcome.DISPUTED:
        disputed = replace(paid, ref=f"dsp_{suffix}", kind=ObjectKind.DISPUTE.value, payment_ref=paid.ref, asked=None)
        return paid, replace(disputed, state=ObjectState.PENDING.value, detail="The payer says it was not them.")
    return (paid,)


def as_of(found: EmbeddedObject, *, now: datetime) -> EmbeddedObject:
    """The thing as it stands now: a delayed payment settles by itself when its time has come."""
    if found.settles_at is None or now < found.settles_at:
        return found
    return replace(found, state=ObjectState.SETTLED.value, updated_at=found.settles_at, settles_at=None)
