"""The embedded payment provider: links with a pay page of our own and magic values instead of a bank.

For the demo, for tests, and for trying things out; it moves no money, so the settings allow it only on this machine.
It keeps the same promises as a real one: creates are keyed, a link is used once, what was told can change later.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Protocol

from connector.domain.collecting import (
    ObjectKind,
    ObjectState,
    PayOutcome,
    ProviderObject,
    refuse_impossible,
)
from connector.domain.embedded_payments import DELAY, FAILING_END, EmbeddedLink, EmbeddedObject, after_paying, as_of
from connector.errors import NotFound, Refused
from connector.ports import Clock
from connector.ports_payments import LinkRequest, PaymentLink, ProviderAccount, RefundRequest


class EmbeddedRefused(Refused):
    """The embedded payment provider refused the request."""

    code = "PROVIDER_REFUSED"
    owner = "finance"
    fix = "Look at the payment as it is now, then decide again."


class EmbeddedRows(Protocol):
    """What the provider keeps; see `store/embedded_payments.py`."""

    def add_link(self, link: EmbeddedLink) -> EmbeddedLink:
        """Keep a link."""

    def link(self, *, ref: str = "", key: str = "") -> EmbeddedLink | None:
        """Read a link."""

    def deactivate(self, *, ref: str) -> EmbeddedLink | None:
        """Take a link off."""

    def pay(self, *, link_ref: str, payment_ref: str, objects: Sequence[EmbeddedObject]) -> bool:
        """Use a link up."""

    def add(self, found: EmbeddedObject) -> EmbeddedObject:
        """Keep a thing."""

    def change(self, *, ref: str, state: str, at: datetime) -> bool:
        """Have a thing go on."""

    def object(self, *, kind: str, ref: str) -> EmbeddedObject | None:
        """Read a thing."""

    def objects(self, *, since: datetime | None = None, payment_ref: str = "") -> list[EmbeddedObject]:
        """Read things."""


class EmbeddedPayments:
    """A PaymentProvider with nothing to install and no account. `base_url` is where our own web server is."""

    name = "embedded"
    environment = "embedded"

    def __init__(self, *, rows: EmbeddedRows, clock: Clock, base_url: str) -> None:
        self._rows, self._clock, self._base_url = rows, clock, base_url

    def account(self) -> ProviderAccount:
        """Ourselves; takes every currency."""
        return ProviderAccount("the embedded provider, which moves no money")

    def open_link(self, *, request: LinkRequest) -> PaymentLink:
        """Make the link, or answer the one that this key made. Raises AmountRefused."""
        refuse_impossible(request.amount)
        link = EmbeddedLink(
            ref=f"lnk_{secrets.token_urlsafe(32)}",
            key=request.key,
            currency=request.amount.currency,
            amount=request.amount.amount,
            reference=request.reference,
            title=request.title,
            return_url=request.return_url,
            is_active=True,
            payment_ref="",
            created_at=self._clock.now(),
        )
        return self._link(self._rows.add_link(link))

    def find_link(self, *, request: LinkRequest) -> PaymentLink | None:
        """The link that was made with this key."""
        found = self._rows.link(key=request.key)
        return None if found is None else self._link(found)

    def withdraw_link(self, *, link_ref: str) -> PaymentLink:
        """Take the link off. Raises NotFound."""
        found = self._rows.deactivate(ref=link_ref)
        if found is None:
            raise NotFound("The embedded provider has no such link.")
        return self._link(found)

    def fetch_link(self, *, link_ref: str) -> PaymentLink | None:
        """The link as it stands."""
        found = self._rows.link(ref=link_ref)
        return None if found is None else self._link(found)

    def fetch(self, *, kind: ObjectKind, ref: str) -> ProviderObject | None:
        """A thing as it stands now."""
        found = self._rows.object(kind=kind.value, ref=ref)
        return None if found is None else self._told(found)

    def list_since(self, *, since: datetime) -> Iterator[ProviderObject]:
        """Everything that was made or changed since then; what settles by itself is found within its delay."""
        for found in self._rows.objects(since=since - DELAY):
            told = self._told(found)
            if told.updated_at >= since:
                yield told

    def refund(self, *, request: RefundRequest) -> ProviderObject:
        """Give money back, or answer the refund that this key made. Raises AmountRefused, EmbeddedRefused."""
        refuse_impossible(request.amount)
        paid = self.fetch(kind=ObjectKind.PAYMENT, ref=request.payment_ref)
        if paid is None or paid.state is not ObjectState.SETTLED or paid.currency != request.amount.currency:
            raise EmbeddedRefused(f"Payment {request.payment_ref} holds nothing in {request.amount.currency}.")
        others = [one for one in self._refunds_of(paid.ref) if one.key != request.key]
        given_back = sum((one.amount for one in others), Decimal(0))
        if given_back + request.amount.amount > paid.amount:
            raise EmbeddedRefused(f"Of payment {paid.ref}, {paid.amount - given_back} {paid.currency} can be refunded.")
        fails = format(request.amount.amount, "f").endswith(FAILING_END)
        now = self._clock.now()
        made = EmbeddedObject(
            ref=f"ref_{secrets.token_urlsafe(16)}",
            kind=ObjectKind.REFUND.value,
            state=(ObjectState.FAILED if fails else ObjectState.SETTLED).value,
            currency=request.amount.currency,
            amount=request.amount.amount,
            created_at=now,
            updated_at=now,
            payment_ref=paid.ref,
            key=request.key,
            detail="The payer's account is closed." if fails else "",
        )
        return self._told(self._rows.add(made))

    # What its customers and their banks do.

    def offer(self, *, link_ref: str) -> tuple[PaymentLink, str, str] | None:
        """The link, its title and where to go after paying; None when there is no such link."""
        found = self._rows.link(ref=link_ref)
        return None if found is None else (self._link(found), found.title, found.return_url)

    def pay(self, *, link_ref: str, outcome: PayOutcome) -> tuple[ProviderObject, ...]:
        """Pay by the link; answers what came of it, which is nothing for a declined payment or a link used before."""
        link = self._rows.link(ref=link_ref)
        if link is None:
            raise NotFound("The embedded provider has no such link.")
        made = after_paying(link=link, outcome=outcome, suffix=secrets.token_urlsafe(16), now=self._clock.now())
        if not made or not self._rows.pay(link_ref=link_ref, payment_ref=made[0].ref, objects=made):
            return ()
        return tuple(self._told(one) for one in made)

    def decide_dispute(self, *, ref: str, is_lost: bool) -> None:
        """The payer's bank decides. Raises NotFound."""
        state = ObjectState.SETTLED if is_lost else ObjectState.FAILED
        if not self._rows.change(ref=ref, state=state.value, at=self._clock.now()):
            raise NotFound("The embedded provider has no such dispute.")

    def _refunds_of(self, payment_ref: str) -> list[EmbeddedObject]:
        found = self._rows.objects(payment_ref=payment_ref)
        return [one for one in found if one.kind == ObjectKind.REFUND and one.state != ObjectState.FAILED]

    def _link(self, found: EmbeddedLink) -> PaymentLink:
        return PaymentLink(
            ref=found.ref,
            url=f"{self._base_url}/pay/{found.ref}",
            amount=found.amount,
            currency=found.currency,
            is_active=found.is_active,
            payment_ref=found.payment_ref,
        )

    def _told(self, found: EmbeddedObject) -> ProviderObject:
        now = as_of(found, now=self._clock.now())
        return ProviderObject(
            kind=ObjectKind(now.kind),
            ref=now.ref,
            state=ObjectState(now.state),
            # Nothing has moved yet of what is only on its way.
            amount=Decimal(0) if now.kind == ObjectKind.PAYMENT and now.state == ObjectState.PENDING else now.amount,
            currency=now.currency,
            updated_at=now.updated_at,
            happened_at=now.updated_at,
            asked=now.asked,
            payment_ref=now.payment_ref,
            link_ref=now.link_ref,
            key=now.key,
            reference=now.reference,
            payer=now.payer,
            told=now.state,
            detail=now.detail,
        )
