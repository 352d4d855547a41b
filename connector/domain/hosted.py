"""What a customer sees beside the document itself: how it stands, what was paid, how to pay, what else is open.

Exists so that the page, whatever its language, says one thing about one document. An issued document never changes, so
everything that does change stands here. Values and one judgement; no text, no layout, no clock.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from connector.domain.documents import BankAccount, DocumentView
from connector.domain.invoice_drafts import DocumentKind
from connector.domain.money import Money

_SEPARATORS = re.compile(r"[^A-Za-z0-9]+")


class Standing(StrEnum):
    """How an issued document stands for the one who owes it."""

    OPEN = "open"
    OVERDUE = "overdue"
    PARTLY_PAID = "partly_paid"
    PAID = "paid"
    CREDITED = "credited"
    # A credit note: nobody owes anything on it.
    CREDIT = "credit"


class LinkScope(StrEnum):
    """What a link opens: its document alone, or also the others of the same account."""

    ACCOUNT = "account"
    DOCUMENT = "document"


class MovementKind(StrEnum):
    """What lowered, or raised again, what is open."""

    PAYMENT = "payment"
    ADJUSTMENT = "adjustment"
    CREDIT_NOTE = "credit_note"


@dataclass(frozen=True, slots=True)
class Movement:
    """One payment, write-off or credit note; `amount` is positive where it lowers what is open."""

    kind: MovementKind
    on: date
    amount: Money
    number: str = ""


@dataclass(frozen=True, slots=True)
class PaymentOption:
    """A way to pay online: an https address that the customer's browser follows, and whose it is, for the button."""

    url: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class AccountDocument:
    """An issued document in the list of an account, as it stands on a day."""

    invoice_id: int
    number: str
    kind: DocumentKind
    issued_on: date
    due_on: date
    gross: Money
    open: Money
    standing: Standing

    @property
    def key(self) -> str:
        """The number as a part of an address; two numbers of ours never differ in separators alone."""
        return _SEPARATORS.sub("-", self.number)


@dataclass(frozen=True, slots=True)
class HostedDocument:
    """Everything on the page of one document.

    `view` is the document as issued; `open` what is owed now. `accounts` and `reference` are for a transfer, `code` is
    the text of a payment code over what is open now. `has_pdf` and `has_xml` say whether the files are there.
    `others` are the further open documents of the account, empty where the link is for one document alone.
    """

    view: DocumentView
    open: Money
    standing: Standing
    movements: tuple[Movement, ...] = ()
    accounts: tuple[BankAccount, ...] = ()
    reference: str = ""
    code: str = ""
    options: tuple[PaymentOption, ...] = ()
    has_pdf: bool = False
    has_xml: bool = False
    is_for_account: bool = False
    others: tuple[AccountDocument, ...] = ()
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class UpcomingDocuments:
    """What will be billed next, as drawn on a day: one view for each document, none when nothing is planned.

    `is_known` False: it cannot be calculated now. `has_tax` False: no rule decides the tax yet.
    """

    views: tuple[DocumentView, ...]
    computed_on: date
    is_known: bool = True
    has_tax: bool = True


def standing_of(
    *, kind: DocumentKind, gross: Money, open_amount: Money, paid: Money, due_on: date, today: date
) -> Standing:
    """How a document stands today; overdue begins the day after it is due."""
    if kind is DocumentKind.CREDIT_NOTE:
        return Standing.CREDIT
    if open_amount.amount <= 0:
        # Nothing was ever owed on a document of zero, and nobody credited it.
        return Standing.CREDITED if paid.amount <= 0 and gross.amount > 0 else Standing.PAID
    if today > due_on:
        return Standing.OVERDUE
    return Standing.PARTLY_PAID if paid.amount > 0 else Standing.OPEN
