"""The figures of the control report, summed by the database: one query for each kind of row, whatever their number.

Read only. SQLite keeps amounts of documents as text, so they are summed as whole ten-thousandths; PostgreSQL sums them
as they are. Days: documents count from their bill date, issue from its day, money from the day of its posting.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from connector.domain.contract_terms import ChargeKind
from connector.domain.invoice_drafts import DocumentKind
from connector.domain.payments import Account
from connector.domain.review import InvoiceState
from connector.domain.terms import DealType
from connector.store.tables import contract_versions, contracts, orders, records
from connector.store.tables_billing import invoice_items, invoices
from connector.store.tables_cash import ledger_lines, payments, postings
from connector.store.tables_review import credit_applications, issued_documents

Key = tuple[str, str, str]
_SCALE = 10_000
_INVOICE, _NOTE = DocumentKind.INVOICE.value, DocumentKind.CREDIT_NOTE.value
_GONE = (InvoiceState.VOID.value, InvoiceState.SENT_BACK.value)


@dataclass
class Counted:
    """Sums by (org, customer, currency) and name, and the names of customers."""

    sums: dict[Key, dict[str, Decimal]] = field(default_factory=dict)
    names: dict[tuple[str, str], str] = field(default_factory=dict)

    def add(self, key: Key, name: str, amount: Decimal) -> None:
        """One more amount."""
        own = self.sums.setdefault(key, {})
        own[name] = own.get(name, Decimal(0)) + amount


def count_figures(*, connection: Connection, as_of: date) -> Counted:
    """Everything that the database alone knows; what is due and not drafted the caller adds."""
    found = Counted()
    sums = _Sums(connection, found)
    sums.orders()
    sums.contracts()
    sums.documents(as_of)
    sums.items(as_of)
    sums.credits(as_of)
    sums.receivable(as_of)
    sums.payments(as_of)
    sums.open(as_of)
    return found


class _Sums:
    """The queries, one after the other, into one table of sums."""

    def __init__(self, connection: Connection, found: Counted) -> None:
        self._connection = connection
        self._found = found
        self._is_sqlite = connection.dialect.name == "sqlite"

    def orders(self) -> None:
        value = self._units(orders.c.value)
        query = (
            sa.select(records.c.org_id, orders.c.customer_ref, orders.c.currency)
            .add_columns(sa.func.sum(value).label("signed"))
            .add_columns(_sum_if(orders.c.contract_id.is_(None), value, "unfulfilled"))
            .join(records, records.c.id == orders.c.record_row_id)
            .where(orders.c.value.is_not(None))
            .group_by(records.c.org_id, orders.c.customer_ref, orders.c.currency)
        )
        self._take(query, "signed", "unfulfilled")

    def contracts(self) -> None:
        """Contract values, and what orders that change a contract did beyond their own value."""
        group = (contracts.c.org_id, contracts.c.customer_ref, contracts.c.currency)
        self._take(
            sa.select(*group)
            .add_columns(sa.func.sum(self._units(contracts.c.value)).label("contract"))
            .group_by(*group),
            "contract",
        )
        value = self._units(contract_versions.c.value)
        before = sa.func.lag(value, 1, 0).over(
            partition_by=contract_versions.c.contract_id, order_by=contract_versions.c.version
        )
        made = sa.select(
            contract_versions.c.contract_id, contract_versions.c.order_id, contract_versions.c.is_undo,
            (value - before).label("delta"),
        ).subquery()  # fmt: skip
        own = sa.case((made.c.is_undo, 0), else_=self._units(orders.c.value))
        is_change = made.c.is_undo | (orders.c.deal_type != DealType.NEW.value)
        query = (
            sa.select(*group)
            .add_columns(_sum_if(is_change, made.c.delta - own, "changes"))
            .join(made, made.c.contract_id == contracts.c.id)
            .join(orders, orders.c.id == made.c.order_id)
            .where(orders.c.value.is_not(None))
            .group_by(*group)
        )
        self._take(query, "changes")

    def documents(self, as_of: date) -> None:
        gross, tax = self._units(invoices.c.gross), self._units(invoices.c.tax)
        is_issued = issued_documents.c.issued_on <= as_of
        is_held = sa.or_(issued_documents.c.invoice_id.is_(None), issued_documents.c.issued_on > as_of)
        alive = invoices.c.state.not_in(_GONE)
        columns = {
            "held": (sa.and_(alive, is_held), gross),
            "issued": (sa.and_(is_issued, invoices.c.kind == _INVOICE), gross),
            "credited": (sa.and_(is_issued, invoices.c.kind == _NOTE), -gross),
            "tax": (alive, tax),
            "sent_back": (invoices.c.state == InvoiceState.SENT_BACK.value, self._units(invoices.c.net)),
        }
        query = (
            sa.select(invoices.c.org_id, invoices.c.customer_ref, invoices.c.currency)
            .add_columns(sa.func.max(invoices.c.customer_name).label("name"))
            .add_columns(*(_sum_if(condition, amount, name) for name, (condition, amount) in columns.items()))
            .outerjoin(issued_documents, issued_documents.c.invoice_id == invoices.c.id)
            .where(_counts(as_of))
            .group_by(invoices.c.org_id, invoices.c.customer_ref, invoices.c.currency)
        )
        self._take(query, *columns)

    def items(self, as_of: date) -> None:
        amount = self._units(invoice_items.c.amount)
        is_favour = invoice_items.c.charge_key.like("credited-%")
        columns = {
            "billed": (sa.true(), amount),
            "usage": (sa.and_(invoice_items.c.kind.in_(_USAGE), ~is_favour), amount),
            "goodwill": (is_favour, -amount),
        }
        query = (
            sa.select(invoices.c.org_id, invoices.c.customer_ref, invoices.c.currency)
            .add_columns(*(_sum_if(condition, value, name) for name, (condition, value) in columns.items()))
            .join(invoices, invoices.c.id == invoice_items.c.invoice_id)
            .outerjoin(issued_documents, issued_documents.c.invoice_id == invoices.c.id)
            .where(invoices.c.state.not_in(_GONE), _counts(as_of))
            .group_by(invoices.c.org_id, invoices.c.customer_ref, invoices.c.currency)
        )
        self._take(query, *columns)

    def credits(self, as_of: date) -> None:
        group = (invoices.c.org_id, invoices.c.customer_ref, invoices.c.currency)
        query = (
            sa.select(*group)
            .add_columns(sa.func.sum(self._units(credit_applications.c.amount)).label("credits_applied"))
            .join(invoices, invoices.c.id == credit_applications.c.invoice_id)
            .join(issued_documents, issued_documents.c.invoice_id == credit_applications.c.credit_note_id)
            .where(issued_documents.c.issued_on <= as_of)
            .group_by(*group)
        )
        self._take(query, "credits_applied")

    def receivable(self, as_of: date) -> None:
        """Matched and written off, by the customer of the invoice; and what others paid for them."""
        amount = -_raw(ledger_lines.c.amount)
        is_paid = ledger_lines.c.payment_id.is_not(None)
        group = (invoices.c.org_id, invoices.c.customer_ref, invoices.c.currency)
        is_other = sa.or_(payments.c.org_id != invoices.c.org_id, payments.c.customer_ref != invoices.c.customer_ref)
        columns = {
            "matched": (is_paid, amount),
            "written_off": (ledger_lines.c.payment_id.is_(None), amount),
            "paid_by_others": (sa.and_(is_paid, is_other), amount),
        }
        base = (
            sa.select(*(_sum_if(condition, value, name) for name, (condition, value) in columns.items()))
            .select_from(ledger_lines)
            .join(postings, postings.c.id == ledger_lines.c.posting_id)
            .join(invoices, invoices.c.id == ledger_lines.c.invoice_id)
            .outerjoin(payments, payments.c.id == ledger_lines.c.payment_id)
            .where(ledger_lines.c.account == Account.RECEIVABLE.value, postings.c.on <= as_of)
        )
        self._take(base.add_columns(*group).group_by(*group), *columns)
        theirs = (payments.c.org_id, payments.c.customer_ref, payments.c.currency)
        others = (
            sa.select(*theirs)
            .add_columns(sa.func.sum(amount).label("paid_for_others"))
            .select_from(ledger_lines)
            .join(postings, postings.c.id == ledger_lines.c.posting_id)
            .join(invoices, invoices.c.id == ledger_lines.c.invoice_id)
            .join(payments, payments.c.id == ledger_lines.c.payment_id)
            .where(ledger_lines.c.account == Account.RECEIVABLE.value, postings.c.on <= as_of, is_other)
            .group_by(*theirs)
        )
        self._take(others, "paid_for_others")

    def payments(self, as_of: date) -> None:
        """Received, sent back, taken back and unused, by the customer of the payment."""
        back = postings.alias("back")
        kind = sa.func.coalesce(back.c.kind, postings.c.kind)
        amount = _raw(ledger_lines.c.amount)
        columns = {
            "received": (kind == "receive", -amount),
            "refunded": (kind == "refund", amount),
            "returned": (kind == "return", amount),
            "unused": (sa.true(), -amount),
        }
        group = (payments.c.org_id, payments.c.customer_ref, payments.c.currency)
        query = (
            sa.select(*group)
            .add_columns(*(_sum_if(condition, value, name) for name, (condition, value) in columns.items()))
            .select_from(ledger_lines)
            .join(postings, postings.c.id == ledger_lines.c.posting_id)
            .outerjoin(back, back.c.id == postings.c.undoes_id)
            .join(payments, payments.c.id == ledger_lines.c.payment_id)
            .where(ledger_lines.c.account == Account.UNAPPLIED.value, postings.c.on <= as_of)
            .group_by(*group)
        )
        self._take(query, *columns)

    def open(self, as_of: date) -> None:
        """What is open, invoice by invoice, and by how much invoices are paid beyond what they come to."""
        gross = self._units(invoices.c.gross)
        paid = (
            sa.select(ledger_lines.c.invoice_id, (-sa.func.sum(_raw(ledger_lines.c.amount))).label("paid"))
            .join(postings, postings.c.id == ledger_lines.c.posting_id)
            .where(ledger_lines.c.account == Account.RECEIVABLE.value, postings.c.on <= as_of)
            .group_by(ledger_lines.c.invoice_id)
            .subquery()
        )
        note = issued_documents.alias("note")
        credit = (
            sa.select(
                credit_applications.c.invoice_id,
                sa.func.sum(self._units(credit_applications.c.amount)).label("credit"),
            )
            .join(note, note.c.invoice_id == credit_applications.c.credit_note_id)
            .where(note.c.issued_on <= as_of)
            .group_by(credit_applications.c.invoice_id)
            .subquery()
        )
        rest = gross - sa.func.coalesce(paid.c.paid, 0) - sa.func.coalesce(credit.c.credit, 0)
        group = (invoices.c.org_id, invoices.c.customer_ref, invoices.c.currency)
        query = (
            sa.select(*group)
            .add_columns(_sum_if(rest > 0, rest, "open"), _sum_if(rest < 0, -rest, "surplus"))
            .select_from(invoices)
            .join(issued_documents, issued_documents.c.invoice_id == invoices.c.id)
            .outerjoin(paid, paid.c.invoice_id == invoices.c.id)
            .outerjoin(credit, credit.c.invoice_id == invoices.c.id)
            .where(invoices.c.kind == _INVOICE, issued_documents.c.issued_on <= as_of)
            .group_by(*group)
        )
        self._take(query, "open", "surplus")

    def _take(self, query: sa.Select[Any], *names: str) -> None:
        for row in self._connection.execute(query):
            values = row._mapping
            key = (values["org_id"], values["customer_ref"], values["currency"])
            if "name" in values:
                self._found.names[key[:2]] = values["name"]
            for name in names:
                self._found.add(key, name, Decimal(int(values[name] or 0)).scaleb(-4))

    def _units(self, column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
        """The amount in whole ten-thousandths; exact on SQLite too, where every amount below 10^11 survives a float."""
        if self._is_sqlite:
            return sa.cast(sa.func.round(sa.cast(column, sa.REAL) * _SCALE), sa.BigInteger)
        return sa.type_coerce(column, sa.Numeric) * _SCALE


_USAGE = (ChargeKind.USAGE.value, ChargeKind.TRUE_UP.value)


def _raw(column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    """An ExactAmount as the whole number that is stored."""
    return sa.type_coerce(column, sa.BigInteger)


def _sum_if(condition: sa.ColumnElement[bool], amount: sa.ColumnElement[Any], name: str) -> sa.Label[Any]:
    return sa.func.sum(sa.case((condition, amount), else_=0)).label(name)


def _counts(as_of: date) -> sa.ColumnElement[bool]:
    """A document counts from its bill date, and from its issue if that was earlier."""
    return sa.or_(invoices.c.bill_on <= as_of, issued_documents.c.issued_on <= as_of)
