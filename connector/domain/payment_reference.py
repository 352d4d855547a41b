"""What a payer writes so that we know what was paid: creditor references (ISO 11649) and the EPC069-12 QR text.

Exists because a transfer arrives with nothing but text: a reference with check digits is the one thing that a typing
error cannot turn into another invoice. Pure text work; drawing the code is the documents' part. It must not decide
which payment belongs to which invoice.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from connector.domain.money import Money
from connector.errors import Refused

_LONGEST_CORE = 21
_LONGEST_REFERENCE = 25
_IBAN_LENGTHS = range(15, 35)
# EPC069-12: at most 331 bytes, names and texts of limited length, amounts from a cent to a billion.
_LONGEST_PAYLOAD, _LONGEST_NAME, _LONGEST_TEXT = 331, 70, 140
_SMALLEST, _LARGEST = Decimal("0.01"), Decimal("999999999.99")
_SEPARATORS = re.compile(r"[\s./_\-]+")
_ALPHANUMERIC = re.compile(r"[A-Z0-9]+")
_CREDITOR_REFERENCE = re.compile(r"RF[0-9]{2}[A-Z0-9]{1,21}")
# Any place in a text may begin a reference, also one inside another.
_QUOTED = re.compile(r"(?=(RF[0-9]{2}[A-Z0-9]{1,21}))")
_WORD = re.compile(r"[A-Z0-9]+")
# A number without check digits counts only when it is long enough not to be a date or a house number by chance.
_SHORTEST_NUMBER, _LONGEST_NUMBER, _LEAST_DIGITS, _MOST_JOINED = 5, 30, 3, 5
# No bank sends more text with a payment; more is an attack on our time.
_LONGEST_SEARCHED = 2000
_IBAN = re.compile(r"[A-Z]{2}[0-9]{2}[A-Z0-9]+")
_BIC = re.compile(r"[A-Z]{6}[A-Z0-9]{2}([A-Z0-9]{3})?")


class ReferenceRefused(Refused):
    """A payment reference or a payment code cannot be made from this."""

    code = "PAYMENT_REFERENCE"
    owner = "finance"
    fix = "Use document numbers of at most 21 letters A to Z and digits; separators do not count."


def creditor_reference(text: str) -> str:
    """The RF reference for a document number: `DE-2026-000042` gives `RF` + two check digits + `DE2026000042`.

    Two numbers that differ in separators alone give the same reference, so references must be unique by themselves.
    Raises ReferenceRefused when other characters, too many or none are left.
    """
    core = _SEPARATORS.sub("", text).upper()
    if not _ALPHANUMERIC.fullmatch(core) or len(core) > _LONGEST_CORE:
        raise ReferenceRefused(f"{text!r} cannot be a creditor reference.")
    return f"RF{98 - _digits(core + 'RF00') % 97:02}{core}"


def is_creditor_reference(text: str) -> bool:
    """Whether this is a creditor reference with right check digits; blanks and case do not count."""
    plain = _plain(text)
    is_formed = len(plain) <= _LONGEST_REFERENCE and _CREDITOR_REFERENCE.fullmatch(plain) is not None
    return is_formed and _digits(plain[4:] + plain[:4]) % 97 == 1


def is_same_reference(first: str, second: str) -> bool:
    """Whether two references mean the same: blanks, case, and leading zeros that banks strip, do not count."""
    return _comparable(first) == _comparable(second)


def reference_key(text: str) -> str:
    """What references are compared by: no separators, no check digits, no leading zeros, capitals."""
    return _comparable(text)


@dataclass(frozen=True, slots=True)
class References:
    """What a payment quotes, as keys: those that check digits prove, those that merely look like a number of ours, and
    texts whose check digits do not hold.
    """

    proved: tuple[str, ...] = ()
    likely: tuple[str, ...] = ()
    wrong: tuple[str, ...] = ()


def references_in(texts: Iterable[str]) -> References:
    """The references that the texts of a payment may quote, as keys like those of `reference_key`.

    Banks fold lines and insert blanks anywhere, so words are joined again. What looks like a creditor reference but
    fails its check digits at every length is told apart: a digit is wrong, and nothing inside it counts.
    """
    proved: dict[str, None] = {}
    likely: dict[str, None] = {}
    wrong: dict[str, None] = {}
    for text in texts:
        capitals = text[:_LONGEST_SEARCHED].upper()
        for match in _QUOTED.finditer(_SEPARATORS.sub("", capitals)):
            _read_quoted(match[1], proved, wrong)
        for key in _joined_words(_WORD.findall(capitals)):
            likely.setdefault(key)
    shown = [key for key in likely if key not in proved and not any(key in text for text in wrong)]
    return References(tuple(proved), tuple(shown), tuple(wrong))


def _read_quoted(text: str, proved: dict[str, None], wrong: dict[str, None]) -> None:
    """Every cut of a text whose check digits hold is a possible reference: what follows it may be glued on."""
    cuts = [text[:length] for length in range(len(text), 4, -1) if is_creditor_reference(text[:length])]
    for cut in cuts:
        proved.setdefault(_comparable(cut))
    if not cuts:
        wrong.setdefault(text)


def _joined_words(words: Sequence[str]) -> Iterator[str]:
    """Words, and neighbours joined, that are long enough and have enough digits to be a number of ours."""
    for start in range(len(words)):
        joined = ""
        for word in words[start : start + _MOST_JOINED]:
            joined += word
            if len(joined) > _LONGEST_NUMBER:
                break
            key = joined.lstrip("0")
            if len(key) >= _SHORTEST_NUMBER and sum(sign.isdigit() for sign in key) >= _LEAST_DIGITS:
                yield key


def is_iban(text: str) -> bool:
    """Whether this is an IBAN with right check digits; blanks and case do not count. No bank was asked."""
    plain = _plain(text)
    is_formed = len(plain) in _IBAN_LENGTHS and _IBAN.fullmatch(plain) is not None
    return is_formed and _digits(plain[4:] + plain[:4]) % 97 == 1


def grouped(text: str) -> str:
    """A reference or an IBAN as it is printed: in groups of four."""
    plain = _plain(text)
    return " ".join(plain[start : start + 4] for start in range(0, len(plain), 4))


def transfer_code(*, name: str, iban: str, amount: Money, bic: str = "", reference: str = "", text: str = "") -> str:
    """The text of an EPC069-12 QR code for a SEPA credit transfer of `amount` (EUR) to `name` at `iban`.

    `reference` is a creditor reference, `text` free words for the payer's bank; at most one of them. A name that is too
    long is cut, as banks do. Raises ReferenceRefused when the standard cannot carry the payment.
    """
    _check_transfer(iban=iban, amount=amount, bic=bic, reference=reference, text=text)
    lines = [
        *("BCD", "002", "1", "SCT", _plain(bic), _one_line(name)[:_LONGEST_NAME], _plain(iban)),
        *(f"EUR{amount.rounded().amount}", "", _plain(reference), _one_line(text)),
    ]
    payload = "\n".join(lines).rstrip("\n")
    if len(payload.encode()) > _LONGEST_PAYLOAD:
        raise ReferenceRefused("The payment code would be longer than 331 bytes.", fix="Shorten the payee's name.")
    return payload


def _check_transfer(*, iban: str, amount: Money, bic: str, reference: str, text: str) -> None:
    if amount.currency != "EUR" or not _SMALLEST <= amount.amount <= _LARGEST:
        raise ReferenceRefused(f"A payment code carries 0.01 to 999999999.99 EUR, not {amount}.")
    if not is_iban(iban):
        raise ReferenceRefused(f"{iban!r} is not an IBAN.", fix="Correct the bank account in the settings.")
    if bic and not _BIC.fullmatch(_plain(bic)):
        raise ReferenceRefused(f"{bic!r} is not a BIC.", fix="Correct the bank account in the settings.")
    if reference and text:
        raise ReferenceRefused("A payment code carries a reference or a text, never both.")
    if reference and not is_creditor_reference(reference):
        raise ReferenceRefused(f"{reference!r} is not a creditor reference.")
    if len(text) > _LONGEST_TEXT:
        raise ReferenceRefused("The text of a payment code has at most 140 characters.")


def _digits(text: str) -> int:
    """Letters as 10 to 35, all in one number."""
    return int("".join(str(int(character, 36)) for character in text))


def _plain(text: str) -> str:
    return "".join(text.split()).upper()


def _comparable(text: str) -> str:
    plain = _SEPARATORS.sub("", text).upper()
    core = plain[4:] if is_creditor_reference(plain) else plain
    return core.lstrip("0")


def _one_line(text: str) -> str:
    return " ".join(text.split())
