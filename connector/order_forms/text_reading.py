"""Labels and tables: what the pages say, by the description of a layout.

Exists for order forms that other tools made. A label that is found twice with two meanings, a value that the layout's
locale does not read, a table whose rows cannot be told apart: each is a question with its place. Runs in the child.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from connector.domain.form_readings import FormReading, FoundValue, Question, ReadFrom
from connector.order_forms.layouts import Layout
from connector.order_forms.values import DATES, MONEY, Unclear, is_ambiguous_day, read_value, swapped_day
from connector.order_forms.words import Cell, Row

# A value stands under its label within so many heights of the label.
_BELOW = 3.0
# In an order form of more lines, something else is read as a table.
_MOST_LINES = 500
_BLANKS = re.compile(r"\s+")


@dataclass
class _Found:
    """What is collected while reading."""

    values: dict[str, FoundValue] = field(default_factory=dict)
    questions: list[Question] = field(default_factory=list)
    lines: list[dict[str, FoundValue]] = field(default_factory=list)
    dates: list[tuple[str, Cell]] = field(default_factory=list)
    currencies: dict[str, FoundValue] = field(default_factory=dict)


def fits(layout: Layout, rows: Sequence[Row]) -> bool:
    """Whether the document holds every text by which the layout is known."""
    text = _plain(" ".join(cell.text for row in rows for cell in row))
    return bool(layout.when) and all(_plain(one) in text for one in layout.when)


def read_text(*, rows: Sequence[Row], layout: Layout) -> FormReading:
    """Everything that the layout names and the rows of all pages hold."""
    found = _Found()
    for name, labels in layout.labels.items():
        _read_label(name, _beside(rows, labels), layout, found)
    if layout.columns:
        _read_table(rows, layout, found)
    _read_currency(layout, found)
    _doubt_dates(layout, found)
    return FormReading(found.values, tuple(found.lines), tuple(found.questions), layout.name)


def _read_label(name: str, cells: Sequence[Cell], layout: Layout, found: _Found) -> None:
    readings: dict[str, FoundValue] = {}
    for cell in cells:
        if value := _read(name, name, cell, layout, found):
            readings.setdefault(value.value, value)
    if len(readings) > 1:
        told = " and ".join(sorted(value.written for value in readings.values()))
        first = next(iter(readings.values()))
        found.questions.append(
            Question(name, f"The document says it differently in several places: {told}.", told, first.place)
        )
    elif readings and not any(question.name == name for question in found.questions):
        found.values[name] = next(iter(readings.values()))


def _read(path: str, name: str, cell: Cell, layout: Layout, found: _Found) -> FoundValue | None:
    """The cell as a value of that name; a question when it has no single meaning."""
    try:
        read = read_value(name=name, text=cell.text, layout=layout)
    except Unclear as error:
        reason = f"What the document says is not clear: {error}."
        found.questions.append(Question(path, reason, cell.text, cell.place))
        if name in DATES:
            found.dates.append((path, cell))
        return None
    if name in DATES:
        found.dates.append((path, cell))
    value = FoundValue(read.value, cell.text, ReadFrom.TEXT, cell.place)
    if name in MONEY and read.currency:
        found.currencies.setdefault(read.currency, replace(value, value=read.currency))
    return value


def _beside(rows: Sequence[Row], labels: Sequence[str]) -> list[Cell]:
    """The cells that stand right of a label, in its own cell after a colon, or right under it."""
    wanted = {_plain(label).rstrip(": ") for label in labels}
    found = []
    for at, row in enumerate(rows):
        for position, cell in enumerate(row):
            text = _plain(cell.text)
            if text.rstrip(": ") in wanted:
                value = row[position + 1] if position + 1 < len(row) else _under(rows, at, cell)
                if value is not None:
                    found.append(value)
            elif (rest := _after_colon(cell, wanted)) is not None:
                found.append(rest)
    return found


def _after_colon(cell: Cell, wanted: set[str]) -> Cell | None:
    label, colon, rest = cell.text.partition(":")
    is_value = bool(colon and rest.strip() and _plain(label) in wanted)
    return replace(cell, text=rest.strip()) if is_value else None


def _under(rows: Sequence[Row], at: int, label: Cell) -> Cell | None:
    height = max(label.bottom - label.top, 6.0)
    for row in rows[at + 1 :]:
        if row and (row[0].page != label.page or min(cell.top for cell in row) > label.bottom + _BELOW * height):
            return None
        for cell in row:
            if cell.left < label.right and cell.right > label.left:
                return cell
    return None


def _read_table(rows: Sequence[Row], layout: Layout, found: _Found) -> None:
    """The rows between the table's head and what ends it, on as many pages as it needs."""
    heads, body = _table(rows, layout)
    if heads is None:
        found.questions.append(Question("lines", "The table of lines was not found: its heads are not on the pages."))
        return
    bands = _bands(heads, body)
    for row in body:
        _read_row(_columns(row, bands), layout, found)
        if len(found.lines) > _MOST_LINES:
            found.questions.append(Question("lines", f"The table has more than {_MOST_LINES} rows."))
            return


def _table(rows: Sequence[Row], layout: Layout) -> tuple[dict[str, Cell] | None, list[Row]]:
    """The heads of the table, None when there is none, and the rows under them; repeated heads are left out."""
    heads: dict[str, Cell] | None = None
    body: list[Row] = []
    ends = tuple(_plain(text) for text in layout.table_ends)
    for at, row in enumerate(rows):
        if fresh := _heads(rows, at, layout):
            heads = fresh
        elif heads is not None and not _is_head(row, heads):
            if ends and any(_plain(cell.text).startswith(ends) for cell in row):
                break
            body.append(row)
    return heads, body


Bands = Mapping[str, tuple[float, float]]


def _bands(heads: Mapping[str, Cell], body: Sequence[Row]) -> Bands:
    """Left and right end of each column, as its head and the rows with all columns show them."""
    names = sorted(heads, key=lambda name: heads[name].left)
    bands = {name: (heads[name].left, heads[name].right) for name in names}
    for row in body:
        if len(row) == len(names):
            for name, cell in zip(names, row, strict=True):
                bands[name] = (min(bands[name][0], cell.left), max(bands[name][1], cell.right))
    return bands


def _columns(row: Row, bands: Bands) -> dict[str, Cell]:
    """The cells of a row by column: in their order when there are as many, else by where they stand."""
    if len(row) == len(bands):
        return dict(zip(bands, row, strict=True))
    cells: dict[str, Cell] = {}
    for cell in row:
        name = min(bands, key=lambda one: _distance(cell, bands[one]))
        if name in cells:
            other = cells[name]
            cell = replace(other, text=f"{other.text} {cell.text}", right=max(other.right, cell.right))
        cells[name] = cell
    return cells


def _distance(cell: Cell, band: tuple[float, float]) -> float:
    """How far a cell is from a column; negative when they share some width."""
    shared = min(cell.right, band[1]) - max(cell.left, band[0])
    return -shared if shared > 0 else abs((cell.left + cell.right) - (band[0] + band[1])) / 2


def _heads(rows: Sequence[Row], at: int, layout: Layout) -> dict[str, Cell] | None:
    """The cells of the table's head when it stands in this row, or partly in this one and partly in the next."""
    if alone := _heads_among(rows[at], layout):
        return alone
    below = rows[at + 1] if at + 1 < len(rows) else ()
    if not below or not rows[at] or below[0].page != rows[at][0].page or _heads_among(below, layout):
        return None
    return _heads_among(_stacked((*rows[at], *below)), layout)


def _heads_among(cells: Sequence[Cell], layout: Layout) -> dict[str, Cell] | None:
    heads = {}
    for name, texts in layout.columns.items():
        wanted = {_plain(text) for text in texts}
        cell = next((one for one in cells if _plain(one.text) in wanted), None)
        if cell is None:
            return None
        heads[name] = cell
    return heads


def _stacked(cells: Sequence[Cell]) -> list[Cell]:
    """Each cell of a head alone, and with the one that stands right under it."""
    both = [
        replace(upper, text=f"{upper.text} {lower.text}", bottom=lower.bottom, right=max(upper.right, lower.right))
        for upper in cells
        for lower in cells
        if lower.top > upper.top + 2 and lower.left < upper.right and lower.right > upper.left
    ]
    return [*cells, *both]


def _is_head(row: Row, heads: Mapping[str, Cell]) -> bool:
    """Whether the row is the lower part of the head that was just found."""
    return all(any(cell.page == head.page and cell.top <= head.bottom - 2 for head in heads.values()) for cell in row)


def _read_row(cells: Mapping[str, Cell], layout: Layout, found: _Found) -> None:
    if not any(name in MONEY or name == "quantity" for name in cells):
        _go_on(cells, found)
        return
    number = len(found.lines) + 1
    line = {
        name: value
        for name, cell in cells.items()
        if (value := _read(f"lines.{number}.{name}", name, cell, layout, found)) is not None
    }
    found.lines.append(line)


def _go_on(cells: Mapping[str, Cell], found: _Found) -> None:
    """A row with words alone says more about the line before it."""
    if not found.lines or not cells:
        return
    line = found.lines[-1]
    cell = next(iter(cells.values()))
    before = line.get("description")
    text = f"{before.value} {cell.text}" if before else cell.text
    line["description"] = FoundValue(text, text, ReadFrom.TEXT, cell.place)


def _read_currency(layout: Layout, found: _Found) -> None:
    """The currency that stands beside the amounts, when no label names one."""
    said = found.values.get("currency")
    codes = dict(found.currencies) | ({said.value: said} if said else {})
    if len(codes) > 1:
        found.values.pop("currency", None)
        found.questions.append(Question("currency", f"The document names several: {', '.join(sorted(codes))}."))
    elif codes:
        found.values["currency"] = next(iter(codes.values()))
    elif layout.currency and not any(question.name == "currency" for question in found.questions):
        text = f"by the layout {layout.name}"
        found.values["currency"] = FoundValue(layout.currency, text, ReadFrom.TEXT)


def _doubt_dates(layout: Layout, found: _Found) -> None:
    """One date in another locale puts every date in doubt that reads both ways."""
    if not any(swapped_day(cell.text, layout) for _, cell in found.dates):
        return
    for path, cell in found.dates:
        if is_ambiguous_day(cell.text, layout) and not any(question.name == path for question in found.questions):
            reason = "Another date of the document has day and month the other way round, so this one could too."
            found.questions.append(Question(path, reason, cell.text, cell.place))
            _drop(path, found)


def _drop(path: str, found: _Found) -> None:
    head, _, rest = path.partition(".")
    if head != "lines":
        found.values.pop(head, None)
        return
    number, _, column = rest.partition(".")
    found.lines[int(number) - 1].pop(column, None)


def texts_of(rows: Sequence[Row]) -> Iterator[str]:
    """Every cell's text, for those who look for one."""
    for row in rows:
        for cell in row:
            yield cell.text


def _plain(text: str) -> str:
    return _BLANKS.sub(" ", text).strip().casefold()
