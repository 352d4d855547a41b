"""Bank files, their statements and entries as rows: each file once, each entry once, in whatever file it comes.

An entry that brings money in becomes a payment in the same transaction, so a crash leaves all of a file or nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from connector.domain.bank_statements import BankEntry, BankStatement, entry_content
from connector.domain.money import Money
from connector.store.inserting import insert_ignore
from connector.store.tables_cash import bank_entries, bank_files, bank_statements
from connector.store.unit_of_work import UnitOfWork

_AT_ONCE = 500

PAYMENT, RETURN_DUE, RETURNED, QUESTION, OUT = "payment", "return_due", "return", "question", "out"


@dataclass(frozen=True, slots=True)
class LastStatement:
    """The neighbour of a statement: its number, and the balance at the side where they meet."""

    number: str
    balance: Money


@dataclass(frozen=True, slots=True)
class StoredEntry:
    """An entry as kept."""

    id: int
    account: str
    entry: BankEntry
    outcome: str
    reason: str
    payment_id: int | None


def insert_file(*, work: UnitOfWork, sha256: str, name: str, form: str, actor: str, now: datetime) -> int:
    """The row of a new file; 0 when the very same file was imported before."""
    row = {"sha256": sha256, "name": name, "format": form, "imported_by": actor, "imported_at": now}
    return work.execute(insert_ignore(work, bank_files).returning(bank_files.c.id), row).scalar_one_or_none() or 0


def save_counts(*, work: UnitOfWork, file_id: int, statements: int, entries: int, new_entries: int) -> None:
    """What came of a file."""
    values = {"statements": statements, "entries": entries, "new_entries": new_entries}
    work.execute(bank_files.update().where(bank_files.c.id == file_id).values(**values))


def insert_statement(*, work: UnitOfWork, file_id: int, account: str, statement: BankStatement) -> int:
    """The row of a new statement; 0 when it is known from another file."""
    row = {
        "file_id": file_id,
        "account": account,
        "identity": statement.identity,
        "number": statement.number,
        "currency": statement.currency,
        "opens_on": statement.opens_on,
        "closes_on": statement.closes_on,
        "opening": None if statement.opening is None else statement.opening.amount,
        "closing": None if statement.closing is None else statement.closing.amount,
    }
    added = insert_ignore(work, bank_statements).returning(bank_statements.c.id)
    return work.execute(added, row).scalar_one_or_none() or 0


def is_known(*, work: UnitOfWork, account: str, statement: BankStatement) -> bool:
    """Whether this statement was imported before."""
    same = (bank_statements.c.account == account) & (bank_statements.c.identity == statement.identity)
    return work.execute(sa.select(bank_statements.c.id).where(same)).first() is not None


def last_statement(*, work: UnitOfWork, account: str, before: date) -> LastStatement | None:
    """The latest statement with balances that closed on that day or earlier; None for the first of an account."""
    query = (
        sa.select(bank_statements)
        .where(bank_statements.c.account == account, bank_statements.c.closing.is_not(None))
        .where(bank_statements.c.closes_on <= before)
        .order_by(bank_statements.c.closes_on.desc(), bank_statements.c.id.desc())
        .limit(1)
    )
    row = work.execute(query).one_or_none()
    return None if row is None else LastStatement(row.number, Money(row.closing, row.currency))


def known_contents(*, work: UnitOfWork, account: str, entries: Sequence[BankEntry]) -> dict[str, int]:
    """How many entries of the account say the same as these, by `entry_content`."""
    contents = sorted({entry_content(entry) for entry in entries})
    found: dict[str, int] = {}
    prefix = sa.func.substr(bank_entries.c.entry_key, 1, 40)
    for start in range(0, len(contents), _AT_ONCE):
        some = contents[start : start + _AT_ONCE]
        query = sa.select(prefix.label("content"), sa.func.count().label("count")).where(
            bank_entries.c.account == account,
            bank_entries.c.entry_key.in_([f"{content}/1" for content in some]),
        )
        first = {row.content for row in work.execute(query.group_by(prefix))}
        for content in first:
            of_it = bank_entries.c.entry_key.like(f"{content}/%")
            counted = sa.select(sa.func.count()).where(bank_entries.c.account == account, of_it)
            found[content] = work.execute(counted).scalar_one()
    return found


def insert_entries(
    *, work: UnitOfWork, statement_id: int, account: str, entries: Sequence[BankEntry], keys: Sequence[str]
) -> list[tuple[int, str, BankEntry]]:
    """Keep entries that are new; answers their rows, keys and values."""
    added: list[tuple[int, str, BankEntry]] = []
    for start in range(0, len(entries), _AT_ONCE):
        some = dict(zip(keys[start : start + _AT_ONCE], entries[start : start + _AT_ONCE], strict=True))
        rows = [_row(statement_id, account, key, entry) for key, entry in some.items()]
        statement = insert_ignore(work, bank_entries).returning(bank_entries.c.id, bank_entries.c.entry_key)
        added += [(row.id, row.entry_key, some[row.entry_key]) for row in work.execute(statement, rows)]
    return added


def save_payments(*, work: UnitOfWork, payment_of: Sequence[tuple[int, int]]) -> None:
    """Say which payment each entry became: (row of the entry, row of the payment)."""
    if payment_of:
        statement = bank_entries.update().where(bank_entries.c.id == sa.bindparam("row_id"))
        rows = [{"row_id": entry_id, "paid": payment_id} for entry_id, payment_id in payment_of]
        work.execute(statement.values(payment_id=sa.bindparam("paid"), outcome=PAYMENT), rows)


def save_outcome(
    *, work: UnitOfWork, entry_id: int, outcome: str, reason: str = "", payment_id: int | None = None
) -> None:
    """What came of an entry."""
    values: dict[str, Any] = {"outcome": outcome, "reason": reason}
    if payment_id is not None:
        values["payment_id"] = payment_id
    work.execute(bank_entries.update().where(bank_entries.c.id == entry_id).values(**values))


def load_entries(*, connection: Connection, outcome: str, limit: int = 500) -> list[StoredEntry]:
    """Entries with this outcome, oldest first."""
    query = sa.select(bank_entries).where(bank_entries.c.outcome == outcome).order_by(bank_entries.c.id).limit(limit)
    return [_stored(row) for row in connection.execute(query)]


def lock_entry(*, work: UnitOfWork, entry_id: int) -> StoredEntry | None:
    """One entry that nobody else settles meanwhile."""
    query = sa.select(bank_entries).where(bank_entries.c.id == entry_id).with_for_update()
    row = work.execute(query).one_or_none()
    return None if row is None else _stored(row)


def _row(statement_id: int, account: str, key: str, entry: BankEntry) -> dict[str, Any]:
    amount: Decimal = entry.amount.amount
    return {
        "statement_id": statement_id,
        "account": account,
        "entry_key": key,
        "booked_on": entry.booked_on,
        "value_on": entry.value_on,
        "amount": amount,
        "currency": entry.amount.currency,
        "kind": entry.kind,
        "bank_ref": entry.bank_ref,
        "end_to_end": entry.end_to_end,
        "text": entry.text,
        "other_name": entry.other_name,
        "other_account": entry.other_account,
        "references": list(entry.references),
        "is_reversal": entry.is_reversal,
        "outcome": PAYMENT if amount > 0 else RETURN_DUE if entry.is_reversal else OUT,
    }


def _stored(row: Any) -> StoredEntry:
    entry = BankEntry(
        booked_on=row.booked_on,
        value_on=row.value_on,
        amount=Money(row.amount, row.currency).rounded(),
        bank_ref=row.bank_ref,
        end_to_end=row.end_to_end,
        references=tuple(row.references),
        text=row.text,
        other_name=row.other_name,
        other_account=row.other_account,
        kind=row.kind,
        is_reversal=row.is_reversal,
    )
    return StoredEntry(row.id, row.account, entry, row.outcome, row.reason, row.payment_id)
