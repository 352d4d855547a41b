"""Salesforce record ids: fifteen case-sensitive characters, three check letters, a prefix per object.

The sandbox makes ids that any validator accepts, in a fixed order, so that two runs of a story have the same ids.
"""

from __future__ import annotations

CHECK_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
# The two characters after the prefix name the instance in real ids; a fixed pair keeps ours recognisable.
INSTANCE = "gL"


class NotAnId(ValueError):
    """The text is not a Salesforce id."""


def check_letters(base: str) -> str:
    """The three check letters of a fifteen-character id."""
    blocks = (base[start : start + 5] for start in (0, 5, 10))
    return "".join(CHECK_LETTERS[sum(1 << at for at, c in enumerate(block) if "A" <= c <= "Z")] for block in blocks)


def full_id(value: str) -> str:
    """The eighteen-character form of `value`; repairs lost case by the check letters. Raises `NotAnId`."""
    text = value.strip()
    if len(text) not in (15, 18) or not (text.isascii() and text.isalnum()):
        raise NotAnId(f"not a Salesforce id: {value!r}")
    base = text[:15]
    if len(text) == 18:
        suffix = text[15:].upper()
        if any(letter not in CHECK_LETTERS for letter in suffix):
            raise NotAnId(f"check letters out of range: {value!r}")
        bits = [CHECK_LETTERS.index(letter) >> at & 1 for letter in suffix for at in range(5)]
        base = "".join(c.upper() if bit else c.lower() for c, bit in zip(base, bits, strict=True))
        if check_letters(base) != suffix:
            raise NotAnId(f"check letters do not fit: {value!r}")
    return base + check_letters(base)


def numbered_id(prefix: str, number: int, *, instance: str = INSTANCE) -> str:
    """The id of the n-th record of an object with this three-character prefix."""
    digits = ""
    while number:
        number, rest = divmod(number, 62)
        digits = DIGITS[rest] + digits
    base = prefix + instance + digits.rjust(13 - len(prefix), "0")
    return base + check_letters(base)


class IdSource:
    """Counts per prefix. Not locked: the record store calls it under its own lock."""

    def __init__(self, *, instance: str = INSTANCE) -> None:
        self._instance = instance
        self._last: dict[str, int] = {}

    def next(self, prefix: str) -> str:
        """A new id of this prefix."""
        self._last[prefix] = self._last.get(prefix, 0) + 1
        return numbered_id(prefix, self._last[prefix], instance=self._instance)
