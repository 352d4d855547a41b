"""Salesforce record ids: fifteen letters whose case matters, or eighteen that carry their own check letters.

Exists so that one record is always known by one text. The last three letters of the long form say which of the first
fifteen are capitals, so a long id that lost its case can be mended. This module must not guess at anything else.
"""

from __future__ import annotations

from connector.errors import Refused

_CHECK_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
_SHORT, _LONG, _BLOCK = 15, 18, 5


class NotASalesforceId(Refused, ValueError):
    """This is not a Salesforce record id."""

    code = "NOT_A_SALESFORCE_ID"
    owner = "caller"
    fix = "Use the 15 or 18 characters that the record's page shows in its address."


def id18(value: str) -> str:
    """The eighteen-character form of a record id, its case mended. Raises NotASalesforceId (also a ValueError)."""
    text = value.strip() if isinstance(value, str) else ""
    if not (len(text) in (_SHORT, _LONG) and text.isascii() and text.isalnum()):
        raise NotASalesforceId(f"{_shown(value)} is not a Salesforce record id.")
    base, tail = text[:_SHORT], text[_SHORT:].upper()
    if tail and _tail(base) != tail:
        # The check letters know the case better than the caller: somebody changed the case of the whole id.
        base = _with_case(base, tail=tail, shown=_shown(value))
    mended = _tail(base)
    if tail and mended != tail:
        raise NotASalesforceId(f"{_shown(value)} is not a Salesforce record id: its last three letters do not fit.")
    return base + mended


def _tail(base: str) -> str:
    """The three check letters: bit j of each says whether letter j of its block is a capital."""
    blocks = (base[start : start + _BLOCK] for start in range(0, _SHORT, _BLOCK))
    return "".join(_CHECK_LETTERS[sum(1 << at for at, letter in enumerate(b) if "A" <= letter <= "Z")] for b in blocks)


def _with_case(base: str, *, tail: str, shown: str) -> str:
    if any(letter not in _CHECK_LETTERS for letter in tail):
        raise NotASalesforceId(f"{shown} is not a Salesforce record id: its last three letters do not fit.")
    capitals = [_CHECK_LETTERS.index(letter) >> at & 1 for letter in tail for at in range(_BLOCK)]
    return "".join(x.upper() if is_capital else x.lower() for x, is_capital in zip(base, capitals, strict=True))


def _shown(value: object) -> str:
    """The refused text, cut short so that nobody can fill a log with it."""
    text = repr(value)
    return text if len(text) <= 40 else text[:40] + "..."
