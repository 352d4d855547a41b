"""The pay page of the embedded provider: what a link offers, and what its customer's bank says.

Plays both sides on purpose: the provider keeps the payment as its own, and then tells us of it by events, exactly as an
outside one would. A process that dies in between has told nothing; the poll finds the payment.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from connector.domain.collecting import PayOutcome, ProviderObject
from connector.domain.money import Money
from connector.errors import NotFound
from connector.ports import Clock
from connector.ports_payments import PaymentLink
from connector.store.provider_events import NewEvent
from connector.store.unit_of_work import Database
from connector.usecases.receive_payment_event import receive_payment_events


class PayPage(Protocol):
    """A provider whose pay page we serve ourselves; see `adapters/payments_embedded.py`."""

    @property
    def name(self) -> str:
        """Which provider."""

    @property
    def environment(self) -> str:
        """Which of its worlds."""

    def offer(self, *, link_ref: str) -> tuple[PaymentLink, str, str] | None:
        """The link, its title and where to go after paying."""

    def pay(self, *, link_ref: str, outcome: PayOutcome) -> tuple[ProviderObject, ...]:
        """Pay by the link."""


class NoSuchLink(NotFound):
    """There is nothing to pay here."""

    code = "NO_SUCH_LINK"
    fix = "Open the link on the invoice again; it may have been replaced."


@dataclass(frozen=True, slots=True)
class PayOffer:
    """What the page shows: the amount, what it is for, and whether it can still be paid."""

    ref: str
    title: str
    amount: Money
    is_open: bool
    is_paid: bool
    return_url: str


def show_offer(*, page: PayPage | None, link_ref: str) -> PayOffer:
    """What that link offers. Raises NoSuchLink, also when the embedded provider is not in use."""
    found = page.offer(link_ref=link_ref) if page is not None else None
    if found is None:
        raise NoSuchLink
    link, title, return_url = found
    amount = Money(link.amount, link.currency).rounded()
    return PayOffer(link.ref, title, amount, link.is_active, bool(link.payment_ref), return_url)


def pay_link(
    *, database: Database, clock: Clock, page: PayPage | None, link_ref: str, outcome: PayOutcome
) -> tuple[ProviderObject, ...]:
    """Pay by the link with that magic value; answers what came of it, nothing when it was declined or used before.

    Raises NoSuchLink.
    """
    if page is None:
        raise NoSuchLink
    made = page.pay(link_ref=link_ref, outcome=outcome)
    events = [
        NewEvent(
            provider=page.name,
            environment=page.environment,
            event_id=f"pay:{one.kind}:{one.ref}",
            name=f"{one.kind}.{one.state}",
            kind=one.kind.value,
            ref=one.ref,
            source="webhook",
        )
        for one in made
    ]
    receive_payment_events(database=database, clock=clock, events=events)
    return made
