"""camt.053, the ISO 20022 statement, in all of its versions: elements are found by their local names.

Read entry by entry, so that a large file needs little memory. No entity, no network, no document type. A batch (one
entry with many details) becomes one entry per detail, and must add up. Only what is booked counts.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from lxml import etree

from connector.domain.bank_statements import BankEntry, BankStatement, StatementRefused
from connector.domain.money import CurrencyError, Money, total

_BOOKED = "BOOK"
_NO_REFERENCE = frozenset({"NOTPROVIDED", "NONREF", "NOT PROVIDED"})
# Families of codes by which banks say that a payment came back.
_RETURNS = frozenset({"RRTN", "RPCR", "UPDD", "PRDD", "ARET"})
_OPENING, _CLOSING = ("OPBD", "PRCD"), ("CLBD",)
_WRONG = {"BkToCstmrAcctRpt": "camt.052", "BkToCstmrDbtCdtNtfctn": "camt.054"}
# Only these are told of while reading; everything else is looked up inside them.
_TAGS = tuple(f"{{*}}{name}" for name in ("Stmt", "Ntry", *_WRONG))


def is_camt(head: bytes) -> bool:
    """Whether a file that begins so is XML."""
    return head.lstrip(b"\xef\xbb\xbf\xff\xfe\x00 \t\r\n").startswith(b"<")


def read_camt(content: bytes) -> list[BankStatement]:
    """The statements of a file. Raises StatementRefused for anything but whole, booked camt.053."""
    found: list[BankStatement] = []
    reader = etree.iterparse(
        io.BytesIO(content), events=("start", "end"), resolve_entities=False, no_network=True, huge_tree=False,
        load_dtd=False, tag=_TAGS, remove_comments=True, remove_pis=True,
    )  # fmt: skip
    try:
        for statement in _statements(reader):
            found.append(statement)
    except etree.XMLSyntaxError as error:
        line = f" (line {error.lineno})" if error.lineno else ""
        raise StatementRefused(
            f"The file is no whole XML: it is cut off or damaged{line}.", code="NOT_WHOLE"
        ) from error
    except (InvalidOperation, ValueError, LookupError, CurrencyError) as error:
        raise StatementRefused(f"The file has a value that cannot be read: {error}", code="UNREADABLE") from error
    if not found:
        _refuse_type(reader.root)
        raise StatementRefused("The file is XML, but has no statement (BkToCstmrStmt/Stmt).", code="NO_STATEMENT")
    return found


class _Open:
    """The statement that is being read: its entries are kept, their elements are not."""

    def __init__(self) -> None:
        self.entries: list[BankEntry] = []
        self.pending = 0


def _statements(reader: etree.iterparse) -> Iterator[BankStatement]:
    now: _Open | None = None
    is_first = True
    for event, element in reader:
        name = _name(element)
        if is_first:
            _refuse_type(element)
            is_first = False
        if event == "start":
            if name in _WRONG:
                raise StatementRefused(f"This is {_WRONG[name]}, not a statement.", code="WRONG_MESSAGE",
                                       fix="Import the camt.053 of that day: it has all that was booked.")  # fmt: skip
            now = _Open() if name == "Stmt" else now
        elif now is not None and name == "Ntry":
            _take_entry(element, now)
            # Text that stands behind the entry stays with the parent; only its own content is given back.
            element.clear(keep_tail=True)
        elif now is not None and name == "Stmt":
            yield _statement(element, now)
            element.clear()
            now = None


def _refuse_type(element: etree._Element | None) -> None:
    """Without a document type there are no entities to be resolved either."""
    info: Any = None if element is None else element.getroottree().docinfo
    if info is not None and info.doctype:
        raise StatementRefused("The file has a document type, which no bank sends.", code="DOCTYPE")


def _statement(element: etree._Element, now: _Open) -> BankStatement:
    account = _find(element, "Acct")
    balances = {code: _balance(one) for one in _all(element, "Bal") if (code := _text(one, "Tp", "CdOrPrtry", "Cd"))}
    opening = next((balances[code] for code in _OPENING if code in balances), None)
    closing = next((balances[code] for code in _CLOSING if code in balances), None)
    if opening is None or closing is None:
        raise StatementRefused("A statement has no opening (OPBD) or no closing (CLBD) balance.", code="NO_BALANCE")
    currency = _text(account, "Ccy") or closing[0].currency
    return BankStatement(
        account=_text(account, "Id", "IBAN") or _text(account, "Id", "Othr", "Id"),
        number=_text(element, "ElctrncSeqNb") or _text(element, "LglSeqNb") or _text(element, "Id"),
        currency=currency,
        opens_on=opening[1],
        closes_on=closing[1],
        opening=opening[0],
        closing=closing[0],
        entries=tuple(now.entries),
        pending=now.pending,
    )


def _balance(element: etree._Element) -> tuple[Money, date]:
    return _signed(element), _day(_find(element, "Dt"))


def _take_entry(entry: etree._Element, now: _Open) -> None:
    # Up to version 2 the status is a word, later a code inside.
    status = _text(entry, "Sts", "Cd") or _text(entry, "Sts")
    if status != _BOOKED:
        now.pending += 1
        return
    amount = _signed(entry)
    details = [one for group in _all(entry, "NtryDtls") for one in _all(group, "TxDtls")]
    if len(details) <= 1:
        now.entries.append(_entry(entry, details[0] if details else entry, amount))
        return
    parts = [_entry(entry, one, _part(one, amount)) for one in details]
    if total((part.amount for part in parts), currency=amount.currency) != amount:
        raise StatementRefused(
            f"The details of the batch of {amount} do not add up to it.", code="BATCH_DIFFERS"
        )  # fmt: skip
    now.entries += parts


def _part(detail: etree._Element, whole: Money) -> Money:
    """The amount of one detail of a batch, with the direction of the batch unless it has its own."""
    amount = _find(detail, "AmtDtls", "TxAmt", "Amt")
    amount = _find(detail, "Amt") if amount is None else amount
    if amount is None:
        raise StatementRefused(f"A detail of the batch of {whole} has no amount of its own.", code="BATCH_DIFFERS")
    money = Money(Decimal((amount.text or "").strip()), amount.get("Ccy", ""))
    direction = _text(detail, "CdtDbtInd")
    is_out = direction == "DBIT" if direction else whole.amount < 0
    return -money if is_out else money


def _entry(entry: etree._Element, detail: etree._Element, amount: Money) -> BankEntry:
    booked = _find(entry, "BookgDt")
    is_in = amount.amount > 0
    parties = _find(detail, "RltdPties")
    other, account = ("Dbtr", "DbtrAcct") if is_in else ("Cdtr", "CdtrAcct")
    remittance = _find(detail, "RmtInf")
    end_to_end = _text(detail, "Refs", "EndToEndId")
    value = _find(entry, "ValDt")
    return BankEntry(
        booked_on=_day(booked if booked is not None else value),
        value_on=None if value is None else _day(value),
        amount=amount,
        bank_ref=_text(detail, "Refs", "AcctSvcrRef") or _text(entry, "AcctSvcrRef"),
        end_to_end="" if end_to_end.upper() in _NO_REFERENCE else end_to_end,
        references=tuple(_references(remittance)),
        text=" ".join(
            [*_texts(remittance, "Ustrd"), _text(entry, "AddtlNtryInf"), _text(detail, "AddtlTxInf")]
        ).strip(),
        other_name=_text(parties, other, "Pty", "Nm") or _text(parties, other, "Nm"),
        other_account=_text(parties, account, "Id", "IBAN") or _text(parties, account, "Id", "Othr", "Id"),
        kind=_text(entry, "BkTxCd", "Domn", "Fmly", "SubFmlyCd") or _text(entry, "BkTxCd", "Prtry", "Cd"),
        is_reversal=_is_reversal(entry, detail),
    )


def _is_reversal(entry: etree._Element, detail: etree._Element) -> bool:
    """RvslInd, a reason of a return, or a code of the returns. The direction of the entry holds as it stands."""
    code = _text(entry, "BkTxCd", "Domn", "Fmly", "SubFmlyCd")
    return _text(entry, "RvslInd").lower() in ("true", "1") or _find(detail, "RtrInf") is not None or code in _RETURNS


def _references(remittance: etree._Element | None) -> Iterator[str]:
    """Every structured reference; a payment may name several."""
    if remittance is None:
        return
    for structured in _all(remittance, "Strd"):
        if text := _text(structured, "CdtrRefInf", "Ref"):
            yield text
        for document in _all(structured, "RfrdDocInf"):
            if text := _text(document, "Nb"):
                yield text


def _signed(element: etree._Element) -> Money:
    amount = _find(element, "Amt")
    direction = _text(element, "CdtDbtInd")
    if amount is None or direction not in ("CRDT", "DBIT"):
        raise StatementRefused(f"A {_name(element)} has no amount or no direction.", code="UNREADABLE")
    money = Money(Decimal((amount.text or "").strip()), amount.get("Ccy", ""))
    return -money if direction == "DBIT" else money


def _day(element: etree._Element | None) -> date:
    text = _text(element, "Dt") or _text(element, "DtTm")
    if not text:
        raise StatementRefused("An entry or balance has no date.", code="UNREADABLE")
    return datetime.fromisoformat(text).date() if "T" in text else date.fromisoformat(text[:10])


def _name(element: etree._Element) -> str:
    return str(element.tag).rpartition("}")[2]


def _all(element: etree._Element | None, name: str) -> list[etree._Element]:
    return [] if element is None else [one for one in element if isinstance(one.tag, str) and _name(one) == name]


def _find(element: etree._Element | None, *path: str) -> etree._Element | None:
    for name in path:
        element = next(iter(_all(element, name)), None)
    return element


def _text(element: etree._Element | None, *path: str) -> str:
    found = _find(element, *path)
    return "" if found is None or found.text is None else found.text.strip()


def _texts(element: etree._Element | None, name: str) -> list[str]:
    return [one.text.strip() for one in _all(element, name) if one.text]
