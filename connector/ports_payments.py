"""The door to whoever takes money for us: payment links, payments, deposits, refunds, in our words.

Part of `ports`, apart because it is a page of its own. It has a real and an embedded adapter in `adapters/`; nothing in
this module does anything, and it must not know any vendor's words or libraries.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Protocol

from connector.domain.collecting import ObjectKind, ProviderObject
from connector.domain.money import Money


@dataclass(frozen=True, slots=True)
class LinkRequest:
    """One link to open for one amount; `key` is stored with us before the call and is the same on every retry.

    `reference` is the number of the invoice, `title` what the customer reads, `return_url` where to go after paying.
    """

    key: str
    amount: Money
    reference: str
    title: str
    return_url: str = ""


@dataclass(frozen=True, slots=True)
class PaymentLink:
    """A link as the provider has it. `payment_ref` names the payment that was made by it, empty when there is none."""

    ref: str
    url: str
    amount: Decimal
    currency: str
    is_active: bool
    payment_ref: str = ""


@dataclass(frozen=True, slots=True)
class RefundRequest:
    """Money of one payment to give back to whoever paid it; `key` as for links."""

    key: str
    payment_ref: str
    amount: Money
    reason: str


@dataclass(frozen=True, slots=True)
class ProviderAccount:
    """Whose account answers: what it calls itself, and the currencies that it can take (empty: it does not tell)."""

    name: str
    currencies: frozenset[str] = frozenset()


class PaymentProvider(Protocol):
    """Who takes money for us. Raises Retryable, Refused and Misconfigured errors, never a vendor's.

    Creates are keyed: the same key again answers with what exists, so a lost answer (Uncertain) is simply asked again.
    Every method may be called from many threads.
    """

    @property
    def name(self) -> str:
        """Which provider, such as `airwallex`."""

    @property
    def environment(self) -> str:
        """Which of its worlds; what we remember of one says nothing about another."""

    def account(self) -> ProviderAccount:
        """Who answers to our credentials; proves that they are good."""

    def open_link(self, *, request: LinkRequest) -> PaymentLink:
        """Make the link, or find the one that was made with this key."""

    def find_link(self, *, request: LinkRequest) -> PaymentLink | None:
        """The link that was made with this key; None only when the provider says for sure that there is none."""

    def withdraw_link(self, *, link_ref: str) -> PaymentLink:
        """Take the link off; twice is once. Answers how it stands, so that a payment which came first is seen."""

    def fetch_link(self, *, link_ref: str) -> PaymentLink | None:
        """The link as it stands; None only when the provider says for sure that there is none."""

    def fetch(self, *, kind: ObjectKind, ref: str) -> ProviderObject | None:
        """A payment, deposit, refund or dispute as it stands; None as above."""

    def list_since(self, *, since: datetime) -> Iterator[ProviderObject]:
        """Everything that began, came or changed since then, as far as the provider can be asked; may be slow."""

    def refund(self, *, request: RefundRequest) -> ProviderObject:
        """Give money back, or find the refund that was made with this key."""
