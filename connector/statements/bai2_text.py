"""BAI2, the statement of banks in the United States, by the library `bai2`, which checks all control sums.

Amounts are whole numbers of the smallest unit; the sign comes from the type code.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from bai2 import bai2
from bai2.constants import AsOfDateModifier, GroupStatus, TypeCodeLevel, TypeCodeTransaction
from bai2.exceptions import IntegrityException, NotSupportedYetException, ParsingException

from connector.domain.bank_statements import BankEntry, BankStatement, StatementRefused
from connector.domain.money import CurrencyError, Money, currency_places

_OPENING, _CLOSING = "010", "015"
# Deposited items, ACH and wires that came back.
_RETURNS = frozenset({"255", "257", "258", "266", "555", "557", "558", "566"})
_LIBRARY = (IntegrityException, NotSupportedYetException, ParsingException)
# Only what a day ended with counts: what is reported during the day comes again.
_INTERIM = (AsOfDateModifier.interim_previous_day, AsOfDateModifier.interim_same_day)
_HEAD = re.compile(r"\s*01,[^\n]*\n\s*02,")


def is_bai2(text: str) -> bool:
    """Whether a text that begins so is BAI2."""
    return _HEAD.match(text) is not None


def read_bai2(text: str) -> list[BankStatement]:
    """The statements of a text, one for each account and group. Raises StatementRefused."""
    lines = [line.rstrip() for line in text.splitlines() if line.strip()]
    if not lines or not lines[-1].startswith("99,"):
        raise StatementRefused("The last record (99) is missing: the file is cut off.", code="NOT_WHOLE")
    try:
        file: Any = bai2.parse_from_lines(lines, check_integrity=True)  # type: ignore[no-untyped-call]
        return [_statement(group, account) for group in file.children for account in group.children]
    except StatementRefused:
        raise
    except (*_LIBRARY, ValueError, IndexError, KeyError, TypeError, AttributeError, StopIteration) as error:
        raise StatementRefused(
            f"The file is not whole BAI2, or its control sums differ ({type(error).__name__}).", code="UNREADABLE"
        ) from error
    except CurrencyError as error:
        raise StatementRefused(str(error), code="UNREADABLE") from error


def _statement(group: Any, account: Any) -> BankStatement:
    currency = account.header.currency or group.header.currency
    day = group.header.as_of_date
    _refuse_unfinished(group.header)
    balances = {one.type_code.code: one.amount for one in account.header.summary_items if one.amount is not None}
    opening, closing = (_balance(balances, code, currency) for code in (_OPENING, _CLOSING))
    if (opening is None) != (closing is None):
        raise StatementRefused(
            "An account has an opening (010) or a closing (015) balance, not both.", code="NO_BALANCE"
        )
    details = [one for one in account.children if one.type_code.level is TypeCodeLevel.detail]
    return BankStatement(
        account=account.header.customer_account_number,
        number=f"{day:%Y-%m-%d}",
        currency=currency,
        opens_on=day,
        closes_on=day,
        opening=opening,
        closing=closing,
        entries=tuple(_entry(one, day, currency) for one in details),
    )


def _refuse_unfinished(header: Any) -> None:
    if header.group_status is not GroupStatus.update:
        raise StatementRefused("The file is a deletion, a correction or a test of the bank.", code="WRONG_MESSAGE",
                               fix="Import the file that the bank sends as an update.")  # fmt: skip
    if header.as_of_date_modifier in _INTERIM:
        raise StatementRefused("The file reports during the day (interim).", code="WRONG_MESSAGE",
                               fix="Import the final file of the day: it has all that was booked.")  # fmt: skip


def _balance(balances: dict[str, int], code: str, currency: str) -> Money | None:
    return None if code not in balances else _money(balances[code], currency)


def _entry(detail: Any, day: Any, currency: str) -> BankEntry:
    sign = {TypeCodeTransaction.credit: 1, TypeCodeTransaction.debit: -1}.get(detail.type_code.transaction)
    if sign is None or detail.amount is None:
        raise StatementRefused(f"The type code {detail.type_code.code} has no direction or amount.", code="UNREADABLE")
    texts = [part.strip() for part in (detail.text or "").replace("\n", " ").split("/") if part.strip()]
    return BankEntry(
        booked_on=day,
        amount=_money(detail.amount * sign, currency),
        bank_ref=(detail.bank_reference or "").strip(),
        end_to_end=(detail.customer_reference or "").strip(),
        references=tuple(_references([detail.customer_reference])),
        text=" ".join(texts),
        kind=detail.type_code.code,
        is_reversal=detail.type_code.code in _RETURNS,
    )


def _references(texts: Iterable[str | None]) -> Iterable[str]:
    return (text.strip() for text in texts if text and text.strip())


def _money(units: int, currency: str) -> Money:
    return Money(Decimal(units).scaleb(-currency_places(currency)), currency)
