"""Salesforce ids: fifteen characters whose case matters, or eighteen of which the last three tell the case.

Exists so that one record is known by one text everywhere: we store and compare the long form only. The check letters
can mend a lost case and nothing else; this module must not guess more than that.
"""

from __future__ import annotations

import string

from connector.errors import Refused

_CHECK_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
_SHORT, _LONG, _BLOCK = 15, 18, 5
_IS_CAPITAL = str.maketrans(
    dict.fromkeys(string.digits + string.ascii_lowercase, "0") | dict.fromkeys(string.ascii_uppercase, "1")
)
# Enough to recognise a wrong value in a log, too little to fill one.
_SHOWN = 40


class NotASalesforceId(Refused, ValueError):
    """This is not a Salesforce id."""

    code = "NOT_A_SALESFORCE_ID"
    owner = "caller"
    fix = "Use the 15 or 18 letters and digits that the address of the record's page shows."


def id18(value: str) -> str:
    """The eighteen-character form of an id, its case mended. Raises NotASalesforceId (also a ValueError)."""
    text = value.strip() if isinstance(value, str) else ""
    if len(text) not in (_SHORT, _LONG) or not (text.isascii() and text.isalnum()):
        raise NotASalesforceId(f"{_shown(value)} is not a Salesforce id.")
    base, given = text[:_SHORT], text[_SHORT:].upper()
    if given and given != _check_letters(base):
        base = _with_case_of(base, letters=given)
    letters = _check_letters(base)
    if given and given != letters:
        raise NotASalesforceId(f"{_shown(value)} is not a Salesforce id: its last three letters do not fit.")
    return base + letters


def _check_letters(base: str) -> str:
    """One letter per block of five; its place in the table has bit n set when character n is a capital."""
    bits = base.translate(_IS_CAPITAL)
    # The first character is the lowest bit, so each block is read backwards.
    return "".join(_CHECK_LETTERS[int(bits[at : at + _BLOCK][::-1], base=2)] for at in range(0, _SHORT, _BLOCK))


def _with_case_of(base: str, *, letters: str) -> str:
    """The fifteen characters in the case that the check letters tell; unchanged when they are no check letters."""
    if any(letter not in _CHECK_LETTERS for letter in letters):
        return base
    bits = [_CHECK_LETTERS.index(letter) >> at & 1 for letter in letters for at in range(_BLOCK)]
    return "".join(one.upper() if bit else one.lower() for one, bit in zip(base, bits, strict=True))


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "..."
