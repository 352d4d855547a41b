"""What a payment provider tells us, in our words, and what may follow what for a payment link.

Exists so that no vendor's status word gets past its adapter: each is read into one closed set, in which "unknown" is a
value and never a guess. It must not know any provider, and it decides nothing about the ledger.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from connector.domain.fulfilment import IllegalTransition
from connector.domain.money import Money, currency_places
from connector.errors import Refused


class AmountRefused(Refused):
    """The amount cannot be asked for or given back."""

    code = "AMOUNT_REFUSED"
    owner = "finance"
    fix = "Only amounts above zero, with no more places than their currency has, can move."


class ObjectKind(StrEnum):
    """What kind of thing the provider speaks of."""

    LINK = "link"
    # A card, wallet or similar payment, usually by one of our links.
    PAYMENT = "payment"
    # Money that arrived on an account of ours which the provider holds, by bank transfer.
    DEPOSIT = "deposit"
    REFUND = "refund"
    DISPUTE = "dispute"


class ObjectState(StrEnum):
    """How far a thing is; of a dispute, SETTLED means that the money went back and FAILED that it stays with us."""

    WAITING = "waiting"
    PENDING = "pending"
    SETTLED = "settled"
    FAILED = "failed"
    REVERSED = "reversed"
    # The provider used a word that we do not know: shown to people, never booked.
    UNKNOWN = "unknown"


# Nothing follows these by themselves; everything else is asked about again. A settled payment can still be reversed or
# grow, which the provider tells as a further event or in a poll.
FINAL_STATES = frozenset({ObjectState.SETTLED, ObjectState.FAILED, ObjectState.REVERSED})


@dataclass(frozen=True, slots=True)
class ProviderObject:
    """One thing as the provider told it just now.

    `amount` is the money that moved (captured, arrived, given back, disputed), exact, in major units of `currency`;
    `asked` is what was asked for. `payment_ref` names the payment of a refund or dispute. `link_ref`, `key` (which we
    gave) and `reference` lead back to our invoice. `fee` was kept by the provider; None when it does not say.
    """

    kind: ObjectKind
    ref: str
    state: ObjectState
    amount: Decimal
    currency: str
    updated_at: datetime
    happened_at: datetime
    asked: Decimal | None = None
    payment_ref: str = ""
    link_ref: str = ""
    key: str = ""
    reference: str = ""
    payer: str = ""
    fee: Money | None = None
    # The provider's own word, and why an attempt failed; for people.
    told: str = ""
    detail: str = ""

    @property
    def stamp(self) -> str:
        """Changes whenever the thing does, so that a poll looks again only at what is new."""
        parts = (self.state, format(self.amount.normalize(), "f"), self.currency, self.updated_at.isoformat())
        return hashlib.sha256("|".join(parts).encode()).hexdigest()[:16]


class PayOutcome(StrEnum):
    """What the customer's bank says to a payment at the embedded provider: its magic values."""

    PAID = "paid"
    DECLINED = "declined"
    # The money comes later.
    DELAYED = "delayed"
    # Half of it comes, as with a bank transfer of too little.
    PARTIAL = "partial"
    # Paid, and given back in the provider's own web app.
    REFUNDED = "refunded"
    # Paid, and then the customer says to the bank that it was not them.
    DISPUTED = "disputed"


class LinkState(StrEnum):
    """How far one payment link of ours is."""

    # Written down with its request id; the provider may or may not have it yet.
    WANTED = "wanted"
    OPEN = "open"
    # No longer right; the provider may still offer it.
    WITHDRAWING = "withdrawing"
    WITHDRAWN = "withdrawn"
    PAID = "paid"
    # The provider refuses it; the reason stands beside it.
    REFUSED = "refused"


class LinkEvent(StrEnum):
    """What moves a link."""

    OPENED = "opened"
    OUTDATE = "outdate"
    WITHDRAWN = "withdrawn"
    PAID = "paid"
    REFUSE = "refuse"
    # A person mended what was refused.
    RETRY = "retry"


_S, _E = LinkState, LinkEvent

LINK_TRANSITIONS: Mapping[tuple[LinkState, LinkEvent], LinkState] = {
    (_S.WANTED, _E.OPENED): _S.OPEN,
    (_S.WANTED, _E.REFUSE): _S.REFUSED,
    # The amount changed before the provider answered: it may have the link, so it is withdrawn like an open one.
    (_S.WANTED, _E.OUTDATE): _S.WITHDRAWING,
    # The word of a payment can overtake the answer to the create.
    (_S.WANTED, _E.PAID): _S.PAID,
    (_S.OPEN, _E.OUTDATE): _S.WITHDRAWING,
    (_S.OPEN, _E.PAID): _S.PAID,
    (_S.WITHDRAWING, _E.WITHDRAWN): _S.WITHDRAWN,
    # The customer was faster than we.
    (_S.WITHDRAWING, _E.PAID): _S.PAID,
    (_S.WITHDRAWN, _E.PAID): _S.PAID,
    (_S.REFUSED, _E.RETRY): _S.WANTED,
    (_S.REFUSED, _E.OUTDATE): _S.WITHDRAWN,
    # It was given up here, and the provider had it after all.
    (_S.REFUSED, _E.PAID): _S.PAID,
}

# An invoice has at most one link of these states, so that no customer can pay it twice.
LIVE_LINK_STATES = (LinkState.WANTED, LinkState.OPEN, LinkState.WITHDRAWING, LinkState.REFUSED)


class LinkStep(StrEnum):
    """What the link of an invoice needs."""

    KEEP = "keep"
    WANT = "want"
    OUTDATE = "outdate"


def link_step(*, owed: Money | None, live: Money | None, state: LinkState | None) -> LinkStep:
    """What to do about the link of an invoice: one link, for exactly what is owed, and none when nothing is.

    `owed` is None when nobody may pay it by link; `live` and `state` are those of its live link, None without one.
    """
    if live is None:
        return LinkStep.WANT if owed is not None and owed.amount > 0 else LinkStep.KEEP
    if live == owed or state is LinkState.WITHDRAWING:
        return LinkStep.KEEP
    return LinkStep.OUTDATE


def refuse_impossible(amount: Money) -> None:
    """Raises AmountRefused for nothing, less than nothing, and more places than the currency has."""
    if amount.amount <= 0:
        raise AmountRefused(f"{amount} cannot move.")
    if amount.amount != amount.rounded().amount:
        places = currency_places(amount.currency)
        raise AmountRefused(f"{amount} has more than the {places} places of {amount.currency}.")


def link_after(state: LinkState, event: LinkEvent) -> LinkState:
    """The link's next state. Raises IllegalTransition when the table has no such edge."""
    try:
        return LINK_TRANSITIONS[state, event]
    except KeyError as error:
        raise IllegalTransition(f"A payment link that is {state} cannot be: {event}.", owner="finance") from error
