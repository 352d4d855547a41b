"""Take a file of a bank: checked whole, then kept whole in one transaction with the payments that it brings.

The same file, statement or entry again does nothing. What a payment pays is decided afterwards, by matching: a crash
in between loses nothing. Nothing is booked from a file that does not add up or has a gap before it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from connector.domain.bank_statements import (
    BankEntry,
    BankStatement,
    OurAccount,
    entry_keys,
    find_account,
    refuse_gap,
)
from connector.statements.reading import StatementRules, read_statements
from connector.store import bank
from connector.store.payments import ArrivedPayment, MatchState, record_payments, save_match
from connector.store.unit_of_work import UnitOfWork
from connector.usecases.cash_desk import CashDesk

BANK = "bank"


@dataclass(frozen=True, slots=True)
class Imported:
    """What came of a file. `is_known`: the very same file was imported before, and nothing was done."""

    format: str
    statements: int = 0
    entries: int = 0
    new_entries: int = 0
    payments: int = 0
    returns: int = 0
    pending: int = 0
    is_known: bool = False


def import_statement(
    *,
    desk: CashDesk,
    rules: StatementRules,
    content: bytes,
    name: str,
    actor: str,
    is_gap_accepted: bool = False,
    told: Callable[[int], None] = lambda _count: None,
) -> Imported:
    """Read a file and keep it; `told` hears how many entries are done. Raises StatementRefused: nothing was kept."""
    file = read_statements(content=content, descriptions=rules.descriptions, largest=rules.largest)
    accounts = [find_account(accounts=rules.accounts, statement=one) for one in file.statements]
    sha256 = hashlib.sha256(content).hexdigest()
    counts = {"new_entries": 0, "payments": 0, "returns": 0}
    with desk.database.unit_of_work() as work:
        file_id = bank.insert_file(
            work=work, sha256=sha256, name=name[:200], form=file.format, actor=actor, now=desk.clock.now()
        )
        if not file_id:
            return Imported(file.format, is_known=True)
        for statement, account in zip(file.statements, accounts, strict=True):
            _keep(work, desk, file_id, statement, account, actor, counts, is_gap_accepted=is_gap_accepted)
            told(len(statement.entries))
        bank.save_counts(work=work, file_id=file_id, statements=len(file.statements), entries=file.entry_count,
                         new_entries=counts["new_entries"])  # fmt: skip
        work.commit()
    return Imported(
        format=file.format,
        statements=len(file.statements),
        entries=file.entry_count,
        new_entries=counts["new_entries"],
        payments=counts["payments"],
        returns=counts["returns"],
        pending=sum(one.pending for one in file.statements),
    )


def _keep(
    work: UnitOfWork,
    desk: CashDesk,
    file_id: int,
    statement: BankStatement,
    account: OurAccount,
    actor: str,
    counts: dict[str, int],
    *,
    is_gap_accepted: bool,
) -> None:
    key = account.key(statement.currency)
    if bank.is_known(work=work, account=key, statement=statement):
        return
    last = bank.last_statement(work=work, account=key, before=statement.closes_on)
    follows = last is not None and statement.opening is not None and last.balance == statement.opening
    if last is not None and not is_gap_accepted:
        refuse_gap(statement=statement, last_number=last.number, last_closing=last.balance)
    # A statement that goes on where the last one ended repeats none of its entries, even if they say the same.
    known = bank.known_contents(work=work, account=key, entries=statement.entries) if follows else {}
    keys = entry_keys(entries=statement.entries, known=known)
    row = bank.insert_statement(work=work, file_id=file_id, account=key, statement=statement)
    added = bank.insert_entries(work=work, statement_id=row, account=key, entries=statement.entries, keys=keys)
    _record(work, desk, account, key, added, actor, counts)


def _record(
    work: UnitOfWork,
    desk: CashDesk,
    account: OurAccount,
    key: str,
    added: Sequence[tuple[int, str, BankEntry]],
    actor: str,
    counts: dict[str, int],
) -> None:
    now = desk.clock.now()
    money_in = [one for one in added if one[2].amount.amount > 0]
    arrived = [_arrived(account, key, entry_key, entry) for _, entry_key, entry in money_in]
    recorded = record_payments(work=work, arrived=arrived, now=now, actor=actor)
    pairs = [(row_id, one.payment_id) for (row_id, _, _), one in zip(money_in, recorded, strict=True)]
    bank.save_payments(work=work, payment_of=pairs)
    for (_, _, entry), one in zip(money_in, recorded, strict=True):
        if entry.is_reversal:
            save_match(work=work, payment_id=one.payment_id, state=MatchState.REVIEW, now=now, code="REVERSED_DEBIT",
                       reason="The bank gave back money that had left: it may be a refund of ours.")  # fmt: skip
    counts["new_entries"] += len(added)
    counts["payments"] += len(money_in)
    counts["returns"] += sum(1 for _, _, entry in added if entry.is_reversal and entry.amount.amount < 0)


def _arrived(account: OurAccount, key: str, entry_key: str, entry: BankEntry) -> ArrivedPayment:
    return ArrivedPayment(
        source=BANK,
        source_ref=f"{key}/{entry_key}",
        amount=entry.amount.rounded(),
        received_on=entry.booked_on,
        references=entry.references,
        text=entry.text,
        payer_name=entry.other_name,
        payer_account=entry.other_account,
        end_to_end=entry.end_to_end,
        account=key,
        legal_entity=account.legal_entity,
    )
