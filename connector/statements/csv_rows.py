"""CSV exports of banks, each read by a description of its columns from the settings; one wrong row refuses the file.

Every bank has its own: separators, encodings, the form of numbers and dates are said in the description and never
guessed, because a guessed comma is a hundredfold amount.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from itertools import pairwise

from connector.domain.bank_statements import BankEntry, BankStatement, StatementRefused
from connector.domain.money import CurrencyError, Money

_LONGEST_FIELD = 20_000


@dataclass(frozen=True, slots=True)
class CsvDescription:
    """How the export of one bank is read. Columns are named as in its head; an empty name: the bank has none.

    Either `amount` is signed, or `credit` and `debit` are two columns. `account` is our account, where the file does
    not name it in the column `own_account`. `balance` is the running balance after the row: it is checked.
    """

    name: str
    date: str
    amount: str = ""
    credit: str = ""
    debit: str = ""
    currency: str = ""
    default_currency: str = ""
    value_date: str = ""
    text: tuple[str, ...] = ()
    reference: str = ""
    end_to_end: str = ""
    id: str = ""
    other_name: str = ""
    other_account: str = ""
    own_account: str = ""
    account: str = ""
    balance: str = ""
    delimiter: str = ";"
    encoding: str = "utf-8"
    decimal: str = ","
    date_format: str = "%d.%m.%Y"
    skip_lines: int = 0
    newest_first: bool = False
    returns: tuple[str, ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column that must be there."""
        single = (self.date, self.amount, self.credit, self.debit, self.currency, self.value_date, self.reference)
        more = (self.end_to_end, self.id, self.other_name, self.other_account, self.own_account, self.balance)
        return tuple(name for name in (*single, *more, *self.text) if name)


def fits(*, content: bytes, description: CsvDescription) -> bool:
    """Whether the head of a file has every column of the description."""
    try:
        head = _lines(content[:_LONGEST_FIELD].rpartition(b"\n")[0] or content, description)
    except StatementRefused:
        return False
    row = next(csv.reader(io.StringIO("\n".join(head[:1])), delimiter=description.delimiter), [])
    return set(description.columns) <= {name.strip() for name in row}


def read_csv(*, content: bytes, description: CsvDescription) -> list[BankStatement]:
    """The file as statements, one for each account and currency in it. Raises StatementRefused."""
    lines = _lines(content, description)
    if not lines:
        raise StatementRefused("The file has no head and no rows.", code="NO_STATEMENT")
    first = description.skip_lines + 1
    try:
        rows = list(csv.reader(io.StringIO("\n".join(lines)), delimiter=description.delimiter, strict=True))
    except csv.Error as error:
        raise StatementRefused(f"The file is cut off or no CSV: {error}.", code="NOT_WHOLE") from error
    head = [name.strip() for name in rows[0]]
    if missing := [name for name in description.columns if name not in head]:
        raise StatementRefused(f"The file has no column {missing[0]!r} (description {description.name}).",
                               code="COLUMNS", owner="operator",
                               fix="Correct [[cash.csv]] in the settings.")  # fmt: skip
    found: dict[tuple[str, str], list[tuple[BankEntry, Decimal | None]]] = {}
    for number, row in enumerate(rows[1:], start=first + 1):
        if not any(field.strip() for field in row):
            continue
        if len(row) != len(head):
            raise StatementRefused(
                f"Row {number} has {len(row)} columns, the head {len(head)}: cut off?", code="NOT_WHOLE"
            )
        values = {name: field.strip() for name, field in zip(head, row, strict=True)}
        account, entry, balance = _row(values, description, number)
        found.setdefault((account, entry.amount.currency), []).append((entry, balance))
    return [_statement(account, currency, own, description) for (account, currency), own in found.items()]


def _lines(content: bytes, description: CsvDescription) -> list[str]:
    try:
        text = content.decode(description.encoding)
    except (UnicodeDecodeError, LookupError) as error:
        raise StatementRefused(
            f"The file is not {description.encoding}, as the description {description.name} says.", code="ENCODING"
        ) from error
    if "\x00" in text:
        raise StatementRefused("The file has zero bytes: it is no text, or in another encoding.", code="ENCODING")
    return text.lstrip("\ufeff").splitlines()[description.skip_lines :]


def _row(
    values: Mapping[str, str], description: CsvDescription, number: int
) -> tuple[str, BankEntry, Decimal | None]:  # fmt: skip
    try:
        amount = _amount(values, description)
        currency = (values[description.currency] if description.currency else "") or description.default_currency
        entry = BankEntry(
            booked_on=_day(values[description.date], description),
            value_on=_day(values[description.value_date], description) if description.value_date else None,
            amount=Money(amount, currency),
            bank_ref=values.get(description.id, ""),
            end_to_end=values.get(description.end_to_end, ""),
            references=tuple(filter(None, (values.get(description.reference, ""),))),
            text=" ".join(values[name] for name in description.text if values[name]),
            other_name=values.get(description.other_name, ""),
            other_account=values.get(description.other_account, ""),
            is_reversal=_is_return(values, description),
        )
        balance = _number(values[description.balance], description) if description.balance else None
    except (ValueError, ArithmeticError, CurrencyError) as error:
        raise StatementRefused(f"Row {number} cannot be read: {error}", code="ROW") from error
    return values.get(description.own_account, "") or description.account, entry, balance


def _amount(values: Mapping[str, str], description: CsvDescription) -> Decimal:
    if description.amount:
        return _number(values[description.amount], description)
    credit, debit = values[description.credit], values[description.debit]
    if bool(credit) == bool(debit):
        raise ValueError("one of credit and debit must be filled, not both and not none")
    # Some banks write the debit with its sign, some without.
    return _number(credit, description) if credit else -abs(_number(debit, description))


def _number(text: str, description: CsvDescription) -> Decimal:
    """A number with the decimal sign of the description; the other one only in front of three digits."""
    other = "." if description.decimal == "," else ","
    whole, _, places = text.replace("\u00a0", "").replace(" ", "").replace("'", "").partition(description.decimal)
    groups = whole.split(other)
    if other in places or not all(len(group) == 3 for group in groups[1:]):
        raise ValueError(f"{text[:40]!r} is no number with the decimal sign {description.decimal!r}")
    digits = "".join(groups)
    plain = digits.lstrip("+-")
    if not plain.isascii() or not plain.isdigit() or (places and not (places.isascii() and places.isdigit())):
        raise ValueError(f"{text[:40]!r} is no number with the decimal sign {description.decimal!r}")
    return Decimal(f"{digits}.{places}" if places else digits)


def _day(text: str, description: CsvDescription) -> date:
    # Read as a day only: there is no time and so no zone in it.
    return datetime.strptime(text, description.date_format).date()  # noqa: DTZ007


def _is_return(values: Mapping[str, str], description: CsvDescription) -> bool:
    said = " ".join(values[name] for name in description.text).upper()
    return any(word.upper() in said for word in description.returns)


def _statement(
    account: str, currency: str, own: Sequence[tuple[BankEntry, Decimal | None]], description: CsvDescription
) -> BankStatement:
    rows = list(reversed(own)) if description.newest_first else list(own)
    entries = tuple(entry for entry, _ in rows)
    days = [entry.booked_on for entry in entries]
    opening = closing = None
    balances = [balance for _, balance in rows if balance is not None]
    if balances:
        _check_running(rows)
        opening, closing = Money(balances[0], currency) - entries[0].amount, Money(balances[-1], currency)
    return BankStatement(
        account=account,
        number=f"{min(days)} to {max(days)}",
        currency=currency,
        opens_on=min(days),
        closes_on=max(days),
        opening=opening,
        closing=closing,
        entries=entries,
    )


def _check_running(rows: Sequence[tuple[BankEntry, Decimal | None]]) -> None:
    for (_, before), (entry, after) in pairwise(rows):
        if before is not None and after is not None and before + entry.amount.amount != after:
            raise StatementRefused(
                f"The balance after the entry of {entry.amount} on {entry.booked_on} is {after}; {before} was there.",
                code="WRONG_BALANCE",
            )
