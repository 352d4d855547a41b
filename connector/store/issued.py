"""Issued documents: their frozen content, what is open on them, and what credit notes took off.

The content is one exact text with its hash, written once; the database refuses to change it. What was paid or credited
later stands beside it, never inside.
"""

from __future__ import annotations

import base64
import dataclasses
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from pydantic import TypeAdapter
from sqlalchemy.engine import Connection

from connector.domain.documents import DocumentView
from connector.domain.money import Money, total
from connector.domain.review import NOT_BILLED, InvoiceState
from connector.errors import NotFound
from connector.store.ledger import invoice_balance
from connector.store.numbering import TakenNumber
from connector.store.tables_billing import invoices
from connector.store.tables_review import credit_applications, issued_documents
from connector.store.types import dump_exact, load_exact
from connector.store.unit_of_work import UnitOfWork

_VIEW = TypeAdapter(DocumentView)
# Raised when a later release writes other fields in a way that an earlier one could not read.
_FORMAT = 1
_NOT_BILLED = tuple(state.value for state in NOT_BILLED)


@dataclass(frozen=True, slots=True)
class Content:
    """What a document says, as the exact text that is looked at, approved and frozen, and its SHA-256."""

    text: str
    hash: str


@dataclass(frozen=True, slots=True)
class FrozenDocument:
    """An issued document as it left: `view` is read from `text`, whose SHA-256 is `content_hash`."""

    invoice_id: int
    number: str
    issued_on: date
    issued_at: datetime
    issued_by: str
    text: str
    content_hash: str
    view: DocumentView
    recipients: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LoweredRow:
    """A document that a credit note names: empty number until it is issued; gross, and what credits took of it."""

    id: int
    draft_key: str
    state: InvoiceState
    number: str
    issued_on: date | None
    gross: Money
    credited: Money

    @property
    def creditable(self) -> Money:
        """What is left to be credited, gross."""
        return self.gross - self.credited


def content_of(*, view: DocumentView, facts: Mapping[str, Any], recipients: Sequence[str]) -> Content:
    """The exact text of a document; the same document gives the same text on every machine and database."""
    document = dataclasses.asdict(view)
    document["seller"]["logo"] = base64.b64encode(view.seller.logo).decode()
    text = dump_exact({"format": _FORMAT, "document": document, "recipients": list(recipients), **facts})
    return Content(text, hashlib.sha256(text.encode()).hexdigest())


def view_of(text: str) -> DocumentView:
    """The document that a frozen text holds."""
    document = load_exact(text)["document"]
    document["seller"]["logo"] = base64.b64decode(document["seller"]["logo"])
    return _VIEW.validate_python(document)


def save_issued(
    *, work: UnitOfWork, invoice_id: int, taken: TakenNumber, content: Content, actor: str, now: datetime
) -> None:
    """Freeze a document under its number."""
    work.execute(
        issued_documents.insert().values(
            invoice_id=invoice_id,
            number=taken.number,
            series_id=taken.series_id,
            sequence=taken.sequence,
            issued_on=taken.issued_on,
            issued_at=now,
            issued_by=actor,
            content=content.text,
            content_hash=content.hash,
        )
    )


def load_issued(*, connection: Connection, invoice_id: int) -> FrozenDocument:
    """An issued document as it left. Raises NotFound when it is not issued."""
    row = connection.execute(
        sa.select(issued_documents).where(issued_documents.c.invoice_id == invoice_id)
    ).one_or_none()
    if row is None:
        raise NotFound(f"There is no issued invoice or credit note {invoice_id}.")
    return FrozenDocument(
        invoice_id=row.invoice_id,
        number=row.number,
        issued_on=row.issued_on,
        issued_at=row.issued_at,
        issued_by=row.issued_by,
        text=row.content,
        content_hash=row.content_hash,
        view=view_of(row.content),
        recipients=tuple(load_exact(row.content)["recipients"]),
    )


def number_of(*, connection: Connection, invoice_id: int) -> str:
    """The number of a document, empty while it has none."""
    query = sa.select(issued_documents.c.number).where(issued_documents.c.invoice_id == invoice_id)
    return connection.execute(query).scalar_one_or_none() or ""


def find_issued(*, connection: Connection, number: str) -> int | None:
    """The row of the issued document with that number; an id of at most 18 digits will do as well."""
    is_id = number.isascii() and number.isdigit() and len(number) <= 18
    named = issued_documents.c.number == number
    wanted = sa.or_(named, issued_documents.c.invoice_id == int(number)) if is_id else named
    # A number of digits alone comes before an id.
    query = sa.select(issued_documents.c.invoice_id).where(wanted).order_by(named.desc()).limit(1)
    return connection.execute(query).scalar_one_or_none()


def load_lowered(*, connection: Connection, keys: Sequence[str]) -> dict[str, LoweredRow]:
    """The documents that these draft keys name, by key; voided and sent back ones are left out."""
    if not keys:
        return {}
    applied = (
        sa.select(credit_applications.c.invoice_id, credit_applications.c.amount)
        .join(invoices, invoices.c.id == credit_applications.c.invoice_id)
        .where(invoices.c.draft_key.in_(keys))
    )
    taken: dict[int, list[Any]] = {}
    for row in connection.execute(applied):
        taken.setdefault(row.invoice_id, []).append(row.amount)
    query = (
        sa.select(invoices, issued_documents.c.number, issued_documents.c.issued_on)
        .outerjoin(issued_documents, issued_documents.c.invoice_id == invoices.c.id)
        .where(invoices.c.draft_key.in_(keys), invoices.c.state.not_in(_NOT_BILLED))
    )
    return {row.draft_key: _lowered(row, taken.get(row.id, [])) for row in connection.execute(query)}


def save_applications(*, work: UnitOfWork, credit_note_id: int, credit: Money, lowered: Sequence[LoweredRow]) -> Money:
    """Take a credit (positive, gross) off the invoices it lowers, one after the other; answers what is left over.

    Lock those invoices before, so that two credits never take the same amount.
    """
    left = credit
    for row in lowered:
        taken = min(left, row.creditable)
        if taken.amount <= 0:
            continue
        work.execute(
            credit_applications.insert().values(credit_note_id=credit_note_id, invoice_id=row.id, amount=taken.amount)
        )
        left = left - taken
    return left


def lock_all(*, work: UnitOfWork, invoice_ids: Sequence[int]) -> None:
    """Keep others from moving or crediting these documents until the end of the transaction."""
    query = sa.select(invoices.c.id).where(invoices.c.id.in_(invoice_ids)).order_by(invoices.c.id)
    work.execute(query.with_for_update()).all()


def open_amount(*, connection: Connection, invoice_id: int) -> Money:
    """What the customer still owes on an issued invoice: gross less credits, payments and write-offs; never below 0."""
    return invoice_balance(connection=connection, invoice_id=invoice_id).open


def _lowered(row: Any, taken: Sequence[Any]) -> LoweredRow:
    credited = total((Money(amount, row.currency) for amount in taken), currency=row.currency)
    return LoweredRow(
        id=row.id,
        draft_key=row.draft_key,
        state=InvoiceState(row.state),
        number=row.number or "",
        issued_on=row.issued_on,
        gross=Money(row.gross, row.currency),
        credited=credited,
    )
