"""Rows as CSV that a spreadsheet shows and never runs.

A cell of text that a spreadsheet could take for a formula gets an apostrophe in front, which shows it as text. Numbers
of ours are left alone. Nothing here knows what the rows are about.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal

# Spreadsheets look past blanks and line ends, and read the wide forms of East Asian keyboards as the plain ones.
_STARTS = frozenset("=+-@\t\r\n|%\uff1d\uff0b\uff0d\uff20")
_MARK = "\ufeff"
Cell = str | int | Decimal | None


def csv_lines(*, heads: Sequence[str], rows: Iterable[Sequence[Cell]]) -> Iterator[str]:
    """The file piece by piece, with a mark in front by which spreadsheets know UTF-8."""
    yield _MARK + _line(heads)
    for row in rows:
        yield _line([safe_cell(cell) for cell in row])


def safe_cell(cell: Cell) -> str:
    """One cell as text that runs nothing."""
    if cell is None:
        return ""
    if not isinstance(cell, str):
        return format(cell, "f") if isinstance(cell, Decimal) else str(cell)
    plain = cell.replace("\x00", "")
    # What cannot be seen may stand before the sign: marks of direction, joiners, blanks.
    seen = "".join(sign for sign in plain if sign.isprintable() and not sign.isspace())
    is_risky = plain[:1] in _STARTS or seen[:1] in _STARTS
    return "'" + plain if is_risky else plain


def _line(cells: Sequence[str]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerow(cells)
    return text.getvalue()
