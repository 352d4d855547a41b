"""MT940, the SWIFT statement, by the library `mt-940` with every correction of it switched on.

Without them a reversed credit (RC) comes out as money in, and the payer's account is glued to the name.
"""

from __future__ import annotations

import re
from datetime import date
from typing import Any

import mt940

from connector.domain.bank_statements import BankEntry, BankStatement, StatementRefused
from connector.domain.money import CurrencyError, Money

_REVERSALS = ("RC", "RD")
# Codes by which banks mark a payment that came back: SWIFT's own, and the German business codes.
_RETURN_TYPES = ("NRTI",)
_RETURN_CODES = frozenset({"108", "109", "159", "181", "183", "184"})
# Words that say "none", or that the reference stands in the text.
_NO_REFERENCE = frozenset({"", "NONREF", "NOTPROVIDED", "EREF", "PREF", "KREF"})
# The text of Dutch and other banks: /EREF/.../ and the payer as /CNTP/account/bank/name/.
_EREF = re.compile(r"/EREF/([^/]{1,35})/")
_PAYER = re.compile(r"/CNTP/([^/]*)/[^/]*/([^/]*)/")
_FEED = re.compile(r"\r\n?|\n")
_LAST_TAG = re.compile(r"^:62[FM]:", re.MULTILINE)


def is_mt940(text: str) -> bool:
    """Whether a text that begins so is MT940."""
    return (
        re.search(r"^:20:", text, re.MULTILINE) is not None and re.search(r"^:60[FM]:", text, re.MULTILINE) is not None
    )


def read_mt940(text: str) -> list[BankStatement]:
    """The statements of a text. Raises StatementRefused when one is cut off or cannot be read."""
    plain = _FEED.sub("\n", text)
    if len(re.findall(r"^:60[FM]:", plain, re.MULTILINE)) != len(_LAST_TAG.findall(plain)):
        raise StatementRefused("A statement has no closing balance (:62F:): the file is cut off.", code="NOT_WHOLE")
    try:
        blocks = mt940.parse_statements(plain, options=mt940.Options.all())
        found = [_statement(block) for block in blocks]
    except StatementRefused:
        raise
    except (ValueError, KeyError, AttributeError, ArithmeticError, TypeError, RuntimeError, CurrencyError) as error:
        raise StatementRefused(
            f"The file is not MT940 as banks write it: {_short(error)}", code="UNREADABLE"
        ) from error
    lines = len(re.findall(r"^:61:", plain, re.MULTILINE))
    if sum(len(one.entries) for one in found) != lines:
        raise StatementRefused(f"Not all of the {lines} entries (:61:) can be read.", code="UNREADABLE")
    return found


def _statement(block: Any) -> BankStatement:
    data = block.data
    opening = data.get("final_opening_balance") or data.get("intermediate_opening_balance")
    closing = data.get("final_closing_balance") or data.get("intermediate_closing_balance")
    if opening is None or closing is None:
        raise StatementRefused("A statement has no opening or no closing balance.", code="NO_BALANCE")
    number = "/".join(str(data[name]) for name in ("statement_number", "sequence_number") if data.get(name))
    return BankStatement(
        account=str(data.get("account_identification", "")),
        number=number or str(data.get("transaction_reference", "")),
        currency=closing.amount.currency,
        opens_on=_day(opening.date),
        closes_on=_day(closing.date),
        opening=_money(opening.amount),
        closing=_money(closing.amount),
        entries=tuple(_entry(one.data) for one in block),
    )


def _entry(data: dict[str, Any]) -> BankEntry:
    said = str(data.get("transaction_details") or "").replace("\n", "")
    payer = _PAYER.search(said)
    texts = [data.get(name) for name in ("purpose", "additional_purpose", "transaction_details", "extra_details")]
    codes = (str(data.get("transaction_code") or ""), str(data.get("id") or ""))
    end_to_end = str(data.get("end_to_end_reference") or "").strip() or "".join(_EREF.findall(said)[:1])
    customer_ref = str(data.get("customer_reference") or "").strip()
    status = str(data["status"]).upper()
    return BankEntry(
        booked_on=_day(data.get("guessed_entry_date") or data.get("entry_date") or data["date"]),
        value_on=_day(data["date"]),
        amount=_money(data["amount"]),
        bank_ref=_known(str(data.get("bank_reference") or "").strip()),
        end_to_end=_known(end_to_end) or _known(customer_ref),
        references=tuple(filter(None, (_known(customer_ref), _known(end_to_end)))),
        text=" ".join(str(text) for text in texts if text).strip(),
        other_name=str(data.get("applicant_name") or (payer[2] if payer else "")).strip(),
        other_account=str(
            data.get("applicant_iban") or data.get("gvc_applicant_iban") or (payer[1] if payer else "")
        ).strip(),
        kind=codes[0] or codes[1],
        is_reversal=status in _REVERSALS or codes[0] in _RETURN_CODES or codes[1] in _RETURN_TYPES,
    )


def _known(reference: str) -> str:
    return "" if reference.upper() in _NO_REFERENCE else reference


def _money(amount: Any) -> Money:
    # The library's balances and amounts carry their sign.
    return Money(amount.amount, amount.currency)


def _day(value: Any) -> date:
    return date(value.year, value.month, value.day)


def _short(error: Exception) -> str:
    """The first line of what the library says, without the content of the file."""
    return type(error).__name__
