"""What the demo shows while it runs and at its end: a table that redraws itself on a terminal, lines anywhere else."""

from __future__ import annotations

import shutil
import unicodedata
from collections.abc import Sequence
from dataclasses import asdict
from decimal import Decimal
from typing import Any

import click

from connector.demo.watching import Standing

_BAR = 24
_CUSTOMER_WIDTH = 30
# Contract value and seconds.
_AT_THE_RIGHT = (5, 6)
_COLOURS = {
    "FULFILLED": "green",
    "BLOCKED": "yellow",
    "Synced": "green",
    "Blocked": "yellow",
    "ok": "green",
    "NO": "red",
}


class Progress:
    """The live view: `show` is called after each look with all standings."""

    def __init__(self, *, is_live: bool) -> None:
        self._is_live = is_live
        self._drawn = 0
        self._told: dict[str, str] = {}

    def step(self, text: str) -> None:
        """One thing that is being set up."""
        click.echo(f"  {text}")

    def show(self, standings: Sequence[Standing]) -> None:
        """Where every deal is now."""
        if self._is_live:
            self._redraw(standings)
        else:
            self._tell_changes(standings)

    def _redraw(self, standings: Sequence[Standing]) -> None:
        columns = shutil.get_terminal_size().columns - 1
        lines = [_live_line(standing, columns) for standing in standings] + ["", _bar(standings)]
        # Go up over what was drawn before, and clear from there on.
        click.echo((f"\x1b[{self._drawn}A\x1b[J" if self._drawn else "") + "\n".join(lines), color=True)
        self._drawn = len(lines)

    def _tell_changes(self, standings: Sequence[Standing]) -> None:
        for standing in standings:
            said = f"{standing.state or 'signed'} | Salesforce: {standing.word or 'nothing yet'}"
            if standing.seconds and self._told.get(standing.deal.key) != said:
                self._told[standing.deal.key] = said
                click.echo(f"  {fit(standing.deal.customer, _CUSTOMER_WIDTH)}  {said}")


def summary(standings: Sequence[Standing]) -> list[str]:
    """The table at the end; two lines a deal, so that it fits an ordinary terminal."""
    heads = ("", "deal", "order", "end", "expected", "contract value", "seconds", "Salesforce", "came by")
    rows = [_cells(standing) for standing in standings]
    widths = [max(width(row[column]) for row in (heads, *rows)) for column in range(len(heads))]
    lines = ["  ".join(_aligned(heads, widths)).rstrip(), "  ".join("-" * size for size in widths)]
    for standing, row in zip(standings, rows, strict=True):
        lines.append("  ".join(_coloured(cell) for cell in _aligned(row, widths)).rstrip())
        code = f"{standing.code}: " if standing.code else ""
        lines.append(click.style(f"      {code}{standing.deal.shows}", dim=True))
        lines += [click.style(f"      NOT AS EXPECTED: {one}.", fg="red") for one in standing.differences()]
    return lines


def outcome(standings: Sequence[Standing]) -> str:
    """The result in a sentence."""
    right = sum(standing.is_right for standing in standings)
    if right == len(standings):
        return click.style(f"All {right} deals reached their expected end, here and in Salesforce.", fg="green")
    said = f"{len(standings) - right} of {len(standings)} deals did not reach their expected end."
    return click.style(said, fg="red")


def as_json(standings: Sequence[Standing]) -> list[dict[str, Any]]:
    """The same for machines."""
    return [
        {name: str(value) if isinstance(value, Decimal) else value for name, value in asdict(standing).items()}
        | {"deal": standing.deal.key, "expected": standing.deal.expected, "record_id": standing.deal.record_id}
        | {"is_right": standing.is_right, "differences": standing.differences()}
        for standing in standings
    ]


def width(text: str) -> int:
    """How many columns a terminal gives the text: two for a wide character, none for a combining mark."""
    return sum(
        0 if unicodedata.combining(character) else 2 if unicodedata.east_asian_width(character) in "WF" else 1
        for character in text
    )


def fit(text: str, size: int) -> str:
    """The text in exactly that many columns, cut with a mark or filled with blanks."""
    if width(text) > size:
        while width(text) > size - 1:
            text = text[:-1]
        text += "…"
    return text + " " * (size - width(text))


def _cells(standing: Standing) -> tuple[str, ...]:
    deal = standing.deal
    return (
        "ok" if standing.is_right else "NO",
        fit(deal.customer, _CUSTOMER_WIDTH).rstrip(),
        standing.number or "-",
        standing.state or "-",
        deal.expected,
        f"{deal.currency} {standing.value:,}" if standing.value is not None else "-",
        f"{standing.seconds:.1f}",
        standing.word or "-",
        standing.came_by,
    )


def _aligned(cells: Sequence[str], widths: Sequence[int]) -> list[str]:
    """Cells filled to their columns; amounts and seconds stand at the right."""
    return [
        " " * (size - width(cell)) + cell if column in _AT_THE_RIGHT else fit(cell, size)
        for column, (cell, size) in enumerate(zip(cells, widths, strict=True))
    ]


def _live_line(standing: Standing, columns: int) -> str:
    state = standing.state or ("signed" if standing.seconds else "not signed yet")
    told = f"{fit(state, 14)}  {fit(standing.word or '-', 11)}  {standing.seconds:6.1f} s  {standing.code}"
    name = fit(standing.deal.customer, _CUSTOMER_WIDTH)
    line = fit(f"  {'ok' if standing.is_right else '..'}  {name}  {told}", columns).rstrip()
    return click.style(line, fg="green" if standing.is_right else None)


def _bar(standings: Sequence[Standing]) -> str:
    right = sum(standing.is_right for standing in standings)
    filled = _BAR * right // len(standings)
    return f"  [{'#' * filled}{'-' * (_BAR - filled)}] {right} of {len(standings)} deals are where they must be"


def _coloured(cell: str) -> str:
    colour = _COLOURS.get(cell.strip())
    return click.style(cell, fg=colour) if colour else cell
