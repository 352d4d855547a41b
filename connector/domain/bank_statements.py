"""Bank statements as values, whatever file they came in, and what must hold before any of their money counts.

Exists so that every format is checked by the same rules: opening balance and entries give the closing balance, a
statement begins where the last one ended, and an entry that was seen before is the same entry. Pure; it must not read
files or book anything.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from connector.domain.money import IMPOSSIBLE_AMOUNT, Money, total
from connector.errors import Refused

_NOT_ALPHANUMERIC = re.compile(r"[^A-Z0-9]+")
# An account number of fewer signs could be the end of many IBANs.
_SHORTEST_TAIL = 8


class StatementRefused(Refused):
    """A bank statement cannot be taken."""

    code = "STATEMENT_REFUSED"
    owner = "finance"
    fix = "Get the file from the bank again, unchanged, and import that. Nothing of this one was kept."


@dataclass(frozen=True, slots=True)
class BankEntry:
    """One booked movement; of a batch, one of its parts. `amount` is signed: money in is above zero.

    `references` are texts that the payer's bank carried as references; `text` is everything else. `is_reversal`: the
    bank takes an earlier movement back; the sign is that of this entry already.
    """

    booked_on: date
    amount: Money
    value_on: date | None = None
    bank_ref: str = ""
    end_to_end: str = ""
    references: tuple[str, ...] = ()
    text: str = ""
    other_name: str = ""
    other_account: str = ""
    kind: str = ""
    is_reversal: bool = False


@dataclass(frozen=True, slots=True)
class BankStatement:
    """What a bank says of one account. Balances are None where the format has none; `pending` entries do not count."""

    account: str
    number: str
    currency: str
    closes_on: date
    entries: tuple[BankEntry, ...]
    opens_on: date | None = None
    opening: Money | None = None
    closing: Money | None = None
    pending: int = 0

    @property
    def identity(self) -> str:
        """The same for the same statement in another file."""
        # Without balances only the entries tell one statement from another.
        entries = () if self.opening is not None else tuple(_content(entry) for entry in self.entries)
        parts = (self.number, self.opens_on, self.closes_on, self.opening, self.closing, entries)
        return hashlib.sha256(repr(parts).encode()).hexdigest()[:40]


@dataclass(frozen=True, slots=True)
class OurAccount:
    """A bank account of ours as the settings name it; `currency` empty: any."""

    legal_entity: str
    iban: str = ""
    account_number: str = ""
    currency: str = ""

    def key(self, currency: str) -> str:
        """How entries of it are kept: its number and the currency."""
        return f"{_plain(self.iban or self.account_number)}/{currency}"


def find_account(*, accounts: Iterable[OurAccount], statement: BankStatement) -> OurAccount:
    """Our account that a statement is of: by IBAN, by number, or by the number that an IBAN ends with.

    Raises StatementRefused when none or more than one fits.
    """
    # Some banks write the currency behind the number.
    said = _plain(statement.account).removesuffix(statement.currency)
    fitting = [
        one for one in accounts if one.currency in ("", statement.currency) and said and _is_account(one, said)
    ]  # fmt: skip
    exact = [one for one in fitting if one.currency] or fitting
    if len(exact) != 1:
        count = "No" if not exact else "More than one"
        raise StatementRefused(
            f"{count} bank account in the settings is {statement.account or 'without a number'} "
            f"in {statement.currency}.",
            code="UNKNOWN_ACCOUNT",
            owner="operator",
            fix="Name the account under [[billing.entities.bank_accounts]] of its company, then import the file again.",
        )
    return exact[0]


def check_statement(statement: BankStatement) -> None:
    """Raises StatementRefused unless all entries have the account's currency and give the closing balance."""
    for entry in statement.entries:
        if entry.amount.currency != statement.currency:
            raise StatementRefused(
                f"Statement {statement.number} is in {statement.currency} and has an entry of {entry.amount} on "
                f"{entry.booked_on}.",
                code="CURRENCY_DIFFERS",
            )
        if entry.amount.rounded() != entry.amount:
            raise StatementRefused(f"{entry.amount} on {entry.booked_on} is no amount of its currency.", code="AMOUNT")
    _refuse_impossible(statement)
    if statement.opening is None or statement.closing is None:
        return
    booked = total((entry.amount for entry in statement.entries), currency=statement.currency)
    if statement.opening + booked != statement.closing:
        raise StatementRefused(
            f"Statement {statement.number} of {statement.account} does not add up: it opens with {statement.opening}, "
            f"its entries come to {booked}, it closes with {statement.closing}.",
            code="WRONG_BALANCE",
        )


def _refuse_impossible(statement: BankStatement) -> None:
    amounts = [statement.opening, statement.closing, *(entry.amount for entry in statement.entries)]
    for amount in amounts:
        if amount is not None and abs(amount.amount) >= IMPOSSIBLE_AMOUNT:
            raise StatementRefused(
                f"Statement {statement.number} of {statement.account} tells of {amount}, which no account holds.",
                code="AMOUNT",
            )


def refuse_gap(*, statement: BankStatement, last_number: str, last_closing: Money | None) -> None:
    """Raises StatementRefused when a statement does not begin where the last one of the account ended."""
    if statement.opening is None or last_closing is None or statement.opening == last_closing:
        return
    raise StatementRefused(
        f"Statement {statement.number} of {statement.account} opens with {statement.opening}, but the last one "
        f"({last_number}) closed with {last_closing}: one in between is missing.",
        code="GAP",
        fix="Import the missing statement first; if the bank has none, import this one and accept the gap.",
    )


def entry_keys(*, entries: Sequence[BankEntry], known: Mapping[str, int] | None = None) -> list[str]:
    """What makes each entry single: the bank's own reference with day and amount, or else all that it says.

    Of entries that say the same the running number tells them apart. `known` counts, by `entry_content`, equal entries
    of statements that this one continues.
    """
    seen = Counter(known or {})
    keys = []
    for entry in entries:
        content = entry_content(entry)
        seen[content] += 1
        keys.append(f"{content}/{seen[content]}")
    return keys


def entry_content(entry: BankEntry) -> str:
    """The same for entries that say the same."""
    return hashlib.sha256(repr(_content(entry)).encode()).hexdigest()[:40]


def _content(entry: BankEntry) -> tuple[object, ...]:
    shared = (entry.booked_on.isoformat(), str(entry.amount.rounded()))
    if entry.bank_ref:
        return (entry.bank_ref, entry.end_to_end, *shared)
    return (entry.end_to_end, *shared, entry.references, " ".join(entry.text.split()), entry.other_account)


def _is_account(one: OurAccount, said: str) -> bool:
    iban, number = _plain(one.iban), _plain(one.account_number)
    if said in (iban, number):
        return True
    return len(said) >= _SHORTEST_TAIL and bool(iban) and iban.endswith(said)


def _plain(text: str) -> str:
    return _NOT_ALPHANUMERIC.sub("", text.upper())
