"""The foot of a page: who we are, in as many lines as it has room for.

Exists because the foot of a printed page cannot grow, and a text that does not fit would stop the document. Widths are
estimated on the safe side; only what is beyond the last line is cut, visibly.
"""

from __future__ import annotations

from collections.abc import Sequence
from unicodedata import east_asian_width

# The foot has six lines, each as wide as that many letters of full width.
_LINES = 6
_WIDTH = 58
_WIDE, _CAPITAL, _OTHER = 0.95, 0.75, 0.6
_SEPARATOR = " · "


def footer_lines(rows: Sequence[Sequence[str]]) -> list[str]:
    """The texts of each row, joined and broken into lines that fit; empty texts and rows are left out."""
    lines = [line for row in rows for line in _broken(_SEPARATOR.join(text for text in row if text))]
    if len(lines) <= _LINES:
        return lines
    return [*lines[: _LINES - 1], f"{lines[_LINES - 1][:-1]}…"]


def _broken(text: str) -> list[str]:
    """The text in lines, broken at blanks, and inside a word where that is longer than a line."""
    lines: list[str] = []
    current = ""
    for word in text.split():
        for piece in _pieces(word):
            longer = f"{current} {piece}" if current else piece
            if _width(longer) > _WIDTH:
                lines.append(current)
                longer = piece
            current = longer
    return [line.strip(" ·") for line in (*lines, current) if line.strip(" ·")]


def _pieces(word: str) -> list[str]:
    pieces, start = [], 0
    for end in range(1, len(word) + 1):
        if _width(word[start:end]) > _WIDTH:
            pieces.append(word[start : end - 1])
            start = end - 1
    return [*pieces, word[start:]]


def _width(text: str) -> float:
    return sum(_letter_width(letter) for letter in text)


def _letter_width(letter: str) -> float:
    if east_asian_width(letter) in "WF":
        return 1.0
    if letter in "MWmw@%&Œœ—…" or ord(letter) > 0x2000:
        return _WIDE
    return _CAPITAL if letter.isupper() else _OTHER
