"""The ledger of cash as rows: postings are appended once by key, and balances are always sums of their lines.

Nothing here updates or deletes a posting; the database refuses it as well. Whoever posts holds the locks of the
invoices first and of the payments second, always in ascending order, so that two processes never allocate the same
money and never wait for each other in a circle.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from connector.domain.money import Money
from connector.domain.payments import Account, InvoiceBalance, Line, PaymentBalance, Posting, PostingKind
from connector.errors import NotFound
from connector.store.inserting import insert, insert_ignore
from connector.store.tables_billing import invoices
from connector.store.tables_cash import cash_statuses, ledger_lines, payments, postings
from connector.store.tables_review import credit_applications
from connector.store.unit_of_work import UnitOfWork

# SQLite takes a limited number of values in one statement.
_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class NewPosting:
    """A posting to append. `key` makes it single; `on` is the day that counts for the books."""

    key: str
    posting: Posting
    on: date
    actor: str
    reason: str = ""
    undoes_id: int | None = None


@dataclass(frozen=True, slots=True)
class StoredPosting:
    """A posting as kept. `undone_by_id` names the one that took it back."""

    id: int
    key: str
    posting: Posting
    on: date
    at: datetime
    actor: str
    reason: str
    undoes_id: int | None
    undone_by_id: int | None

    @property
    def holds(self) -> bool:
        """Whether it counts: it takes nothing back and was not taken back."""
        return self.undoes_id is None and self.undone_by_id is None


def post(*, work: UnitOfWork, new: Sequence[NewPosting], now: datetime) -> dict[str, int]:
    """Append postings; answers the rows of those that are new, by key. One that is known already does nothing.

    The customers concerned are owed another look in Salesforce.
    """
    added: dict[str, int] = {}
    for start in range(0, len(new), _AT_ONCE):
        some = {one.key: one for one in new[start : start + _AT_ONCE]}
        statement = insert_ignore(work, postings).returning(postings.c.id, postings.c.key)
        rows = work.execute(statement, [_row(one, now) for one in some.values()]).all()
        lines = [line for row in rows for line in _lines(row.id, some[row.key].posting)]
        if lines:
            work.execute(ledger_lines.insert(), lines)
            touch(work=work, lines=[line for row in rows for line in some[row.key].posting.lines])
        added |= {row.key: row.id for row in rows}
    return added


def touch(*, work: UnitOfWork, lines: Sequence[Line]) -> None:
    """Have the customers of these lines told of in Salesforce."""
    invoice_ids = sorted({line.invoice_id for line in lines if line.invoice_id is not None})
    payment_ids = sorted({line.payment_id for line in lines if line.payment_id is not None})
    found: set[tuple[str, str]] = set()
    for table, ids in ((invoices, invoice_ids), (payments, payment_ids)):
        query = sa.select(table.c.org_id, table.c.customer_ref).where(table.c.id.in_(ids)).distinct()
        found |= {(row.org_id, row.customer_ref) for row in work.execute(query)} if ids else set()
    touch_customers(work=work, customers=found)


def touch_customers(*, work: UnitOfWork, customers: Iterable[tuple[str, str]]) -> None:
    """Have these customers (org id, account id) told of in Salesforce; one without a name is left out."""
    rows = [{"org_id": org, "customer_ref": ref, "is_due": True} for org, ref in sorted(set(customers)) if ref]
    if rows:
        statement = insert(work, cash_statuses).on_conflict_do_update(
            index_elements=["org_id", "customer_ref"], set_={"is_due": True}
        )
        work.execute(statement, rows)


def invoice_balances(*, connection: Connection, invoice_ids: Sequence[int]) -> dict[int, InvoiceBalance]:
    """What these documents come to and what took from them, by id; those that do not exist are left out."""
    found: dict[int, InvoiceBalance] = {}
    for start in range(0, len(invoice_ids), _AT_ONCE):
        some = invoice_ids[start : start + _AT_ONCE]
        credited = _sums(connection, _CREDITS.where(credit_applications.c.invoice_id.in_(some)))
        paid = _sums(connection, _PAID.where(ledger_lines.c.invoice_id.in_(some)).group_by(ledger_lines.c.invoice_id))
        given_up = _sums(
            connection, _GIVEN_UP.where(ledger_lines.c.invoice_id.in_(some)).group_by(ledger_lines.c.invoice_id)
        )
        query = sa.select(invoices.c.id, invoices.c.gross, invoices.c.currency).where(invoices.c.id.in_(some))
        for row in connection.execute(query):
            amounts = (row.gross, *(sums.get(row.id, Decimal(0)) for sums in (credited, paid, given_up)))
            gross, credit, allocated, written_off = (Money(amount, row.currency).rounded() for amount in amounts)
            found[row.id] = InvoiceBalance(row.id, gross, credit, allocated, written_off)
    return found


def invoice_balance(*, connection: Connection, invoice_id: int) -> InvoiceBalance:
    """The balance of one document. Raises NotFound."""
    found = invoice_balances(connection=connection, invoice_ids=[invoice_id])
    if invoice_id not in found:
        raise NotFound(f"There is no invoice {invoice_id}.")
    return found[invoice_id]


def payment_balances(*, connection: Connection, payment_ids: Sequence[int]) -> dict[int, PaymentBalance]:
    """What came with these payments and where it went, by id; those that do not exist are left out."""
    found: dict[int, PaymentBalance] = {}
    for start in range(0, len(payment_ids), _AT_ONCE):
        some = payment_ids[start : start + _AT_ONCE]
        sums: dict[tuple[int, str], Decimal] = {}
        for row in connection.execute(_USES.where(ledger_lines.c.payment_id.in_(some))):
            sums[row.payment_id, row.kind] = sums.get((row.payment_id, row.kind), Decimal(0)) + row.amount
        query = sa.select(payments.c.id, payments.c.currency).where(payments.c.id.in_(some))
        for payment in connection.execute(query):
            found[payment.id] = _payment_balance(payment.id, payment.currency, sums)
    return found


def payment_balance(*, connection: Connection, payment_id: int) -> PaymentBalance:
    """The balance of one payment. Raises NotFound."""
    found = payment_balances(connection=connection, payment_ids=[payment_id])
    if payment_id not in found:
        raise NotFound(f"There is no payment {payment_id}.")
    return found[payment_id]


def load_postings(
    *, connection: Connection, payment_id: int | None = None, invoice_id: int | None = None
) -> list[StoredPosting]:
    """Every posting that names this payment or this invoice, oldest first."""
    column, value = (
        (ledger_lines.c.payment_id, payment_id) if payment_id is not None else (ledger_lines.c.invoice_id, invoice_id)
    )
    ids = sa.select(ledger_lines.c.posting_id).where(column == value)
    back = postings.alias("back")
    query = (
        sa.select(postings, back.c.id.label("undone_by_id"))
        .outerjoin(back, back.c.undoes_id == postings.c.id)
        .where(postings.c.id.in_(ids))
        .order_by(postings.c.id)
    )
    rows = connection.execute(query).all()
    lines: dict[int, list[Line]] = {row.id: [] for row in rows}
    currencies = {row.id: row.currency for row in rows}
    of_these = sa.select(ledger_lines).where(ledger_lines.c.posting_id.in_(ids))
    for line in connection.execute(of_these.order_by(ledger_lines.c.posting_id, ledger_lines.c.position)):
        amount = Money(line.amount, currencies[line.posting_id]).rounded()
        lines[line.posting_id].append(Line(Account(line.account), amount, line.payment_id, line.invoice_id))
    return [_stored(row, lines[row.id]) for row in rows]


def account_sums(*, connection: Connection) -> dict[str, dict[str, Decimal]]:
    """The sum of every account by currency; all accounts of a currency together are zero, or something was lost."""
    query = (
        sa.select(postings.c.currency, ledger_lines.c.account, sa.func.sum(ledger_lines.c.amount).label("amount"))
        .join(postings, postings.c.id == ledger_lines.c.posting_id)
        .group_by(postings.c.currency, ledger_lines.c.account)
    )
    found: dict[str, dict[str, Decimal]] = {}
    for row in connection.execute(query):
        found.setdefault(row.currency, {})[row.account] = row.amount
    return found


_CREDITS = sa.select(credit_applications.c.invoice_id.label("id"), credit_applications.c.amount)
_RECEIVABLE = sa.select(ledger_lines.c.invoice_id.label("id"), (-sa.func.sum(ledger_lines.c.amount)).label("amount"))
_PAID = _RECEIVABLE.where(ledger_lines.c.account == Account.RECEIVABLE.value, ledger_lines.c.payment_id.is_not(None))
_GIVEN_UP = _RECEIVABLE.where(ledger_lines.c.account == Account.RECEIVABLE.value, ledger_lines.c.payment_id.is_(None))

_BACK = postings.alias("taken_back")
# What an undoing posting moved counts under the kind of what it took back.
_KIND = sa.func.coalesce(_BACK.c.kind, postings.c.kind).label("kind")
_USES = (
    sa.select(ledger_lines.c.payment_id, _KIND, ledger_lines.c.amount)
    .join(postings, postings.c.id == ledger_lines.c.posting_id)
    .outerjoin(_BACK, _BACK.c.id == postings.c.undoes_id)
    .where(ledger_lines.c.account == Account.UNAPPLIED.value)
)


def _sums(connection: Connection, query: sa.Select[Any]) -> dict[int, Decimal]:
    sums: dict[int, Decimal] = {}
    for row in connection.execute(query):
        sums[row.id] = sums.get(row.id, Decimal(0)) + row.amount
    return sums


def _payment_balance(payment_id: int, currency: str, sums: dict[tuple[int, str], Decimal]) -> PaymentBalance:
    def amount(kind: PostingKind) -> Money:
        return Money(sums.get((payment_id, kind.value), Decimal(0)), currency).rounded()

    return PaymentBalance(
        payment_id=payment_id,
        received=-amount(PostingKind.RECEIVE),
        allocated=amount(PostingKind.ALLOCATE),
        refunded=amount(PostingKind.REFUND),
        returned=amount(PostingKind.RETURN),
    )


def _row(new: NewPosting, now: datetime) -> dict[str, Any]:
    return {
        "key": new.key,
        "kind": new.posting.kind.value,
        "currency": new.posting.currency,
        "on": new.on,
        "at": now,
        "actor": new.actor,
        "reason": new.reason,
        "undoes_id": new.undoes_id,
    }


def _lines(posting_id: int, posting: Posting) -> list[dict[str, Any]]:
    return [
        {
            "posting_id": posting_id,
            "position": position,
            "account": line.account.value,
            "amount": line.amount.amount,
            "payment_id": line.payment_id,
            "invoice_id": line.invoice_id,
        }
        for position, line in enumerate(posting.lines, start=1)
    ]


def _stored(row: Any, lines: Sequence[Line]) -> StoredPosting:
    return StoredPosting(
        id=row.id,
        key=row.key,
        posting=Posting(PostingKind(row.kind), tuple(lines)),
        on=row.on,
        at=row.at,
        actor=row.actor,
        reason=row.reason,
        undoes_id=row.undoes_id,
        undone_by_id=row.undone_by_id,
    )
