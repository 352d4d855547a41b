"""The geometry of charts: values in, places on a drawing out; the template draws them as SVG.

Exists so that a template holds no arithmetic and a chart needs no script. Places along are percent of the width, so
that a chart fits every screen without shrinking its words; places down are pixels. The figures themselves stand in the
table beneath each chart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

HEIGHT = 200
# Room above the highest and below the lowest value, so that no line is cut off.
_MARGIN = 10
_MOST_TICKS = 5
_STEPS = (Decimal(1), Decimal(2), Decimal("2.5"), Decimal(5), Decimal(10))
_UNITS = ((Decimal(10) ** 9, "B"), (Decimal(10) ** 6, "M"), (Decimal(10) ** 3, "k"))
_BAR_SHARE = Decimal("0.72")
_MOST_LABELS = 6
_THINNEST = Decimal(2)
# Percent of the width by which steps of an area reach into the next, so that no gap shows between them.
_OVERLAP = Decimal("0.15")
# Percent of the width in which half a word would be cut off.
_EDGE = Decimal(3)


@dataclass(frozen=True, slots=True)
class Part:
    """One amount of a column: `kind` colours it. A zero is drawn as a mark on the base line."""

    kind: str
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Column:
    """What is drawn over one stretch of time; `title` says it in words, `href` leads to its rows in the table."""

    label: str
    title: str
    href: str
    parts: Sequence[Part]


@dataclass(frozen=True, slots=True)
class Step:
    """From `at` (0..1 of the width) on, the value is `amount`."""

    at: Decimal
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle of the drawing."""

    kind: str
    x: str
    y: str
    width: str
    height: str


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the drawing."""

    x1: str
    y1: str
    x2: str
    y2: str


@dataclass(frozen=True, slots=True)
class DrawnColumn:
    """A column with its boxes; `marks` are the kinds whose amount is zero. `x` and `width` cover the whole slot."""

    title: str
    href: str
    x: str
    middle: str
    width: str
    boxes: tuple[Box, ...]
    marks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Tick:
    """A value on the scale."""

    y: str
    label: str
    is_base: bool


@dataclass(frozen=True, slots=True)
class Label:
    """A word below the drawing; `kind` says how it stands at its place, and a minor one goes where there is no room."""

    x: str
    text: str
    kind: str


@dataclass(frozen=True, slots=True)
class Chart:
    """A drawing: bars, or a stepped line over a stepped area."""

    ticks: tuple[Tick, ...]
    labels: tuple[Label, ...]
    base_y: str
    columns: tuple[DrawnColumn, ...] = ()
    area: tuple[Box, ...] = ()
    lines: tuple[Line, ...] = ()
    now_x: str = ""
    height: int = HEIGHT


def bar_chart(*, columns: Sequence[Column]) -> Chart:
    """Columns side by side in equal slots; positive parts are stacked up, negative ones down."""
    scale = _Scale.over([_sum(column, sign) for column in columns for sign in (1, -1)])
    slot = Decimal(100) / max(1, len(columns))
    return Chart(
        ticks=scale.ticks(),
        labels=_labels([(slot * (number + Decimal("0.5")), column.label) for number, column in enumerate(columns)]),
        base_y=_px(scale.y(Decimal(0))),
        columns=tuple(_drawn(column, slot * number, slot, scale) for number, column in enumerate(columns)),
    )


def step_chart(
    *,
    line: Sequence[Step],
    area: Sequence[Step],
    labels: Sequence[tuple[Decimal, str]],
    now: Decimal | None = None,
) -> Chart:
    """A value that changes from time to time as a line, over another as an area; `labels` and `now` at 0..1."""
    scale = _Scale.over([step.amount for step in (*line, *area)])
    return Chart(
        ticks=scale.ticks(),
        labels=_labels([(at * 100, text) for at, text in labels]),
        base_y=_px(scale.y(Decimal(0))),
        area=tuple(
            _box(
                "area",
                start * 100,
                min((end - start) * 100 + _OVERLAP, 100 - start * 100),
                Decimal(0),
                step.amount,
                scale,
            )
            for step, start, end in _stretches(area)
            if end > start
        ),
        lines=tuple(_stepped(line, scale)),
        now_x="" if now is None else _percent(now * 100),
    )


def compact(value: Decimal) -> str:
    """`12k`, `1.5M`: a value of a scale, as short as it can be."""
    for size, unit in _UNITS:
        if abs(value) >= size:
            return f"{(value / size).normalize():f}{unit}"
    return f"{value.normalize():f}"


@dataclass(frozen=True, slots=True)
class _Scale:
    """From values to pixels; the top is the highest value."""

    lowest: Decimal
    highest: Decimal
    step: Decimal

    @classmethod
    def over(cls, values: Sequence[Decimal]) -> _Scale:
        """A scale with round steps that holds zero and all values."""
        lowest, highest = min([Decimal(0), *values]), max([Decimal(0), *values])
        if lowest == highest:
            return cls(Decimal(0), Decimal(1), Decimal(1))
        step = _round_step((highest - lowest) / (_MOST_TICKS - 1))
        return cls(_multiple(lowest, step, ROUND_FLOOR), _multiple(highest, step, ROUND_CEILING), step)

    def y(self, value: Decimal) -> Decimal:
        """The place of a value, from the top."""
        room = HEIGHT - 2 * _MARGIN
        return _MARGIN + room * (self.highest - value) / (self.highest - self.lowest)

    def ticks(self) -> tuple[Tick, ...]:
        """Every step, from the top down."""
        count = int((self.highest - self.lowest) / self.step)
        values = [self.highest - self.step * number for number in range(count + 1)]
        return tuple(Tick(_px(self.y(value)), compact(value), not value) for value in values)


def _round_step(least: Decimal) -> Decimal:
    """The smallest of 1, 2, 2.5, 5, 10 times a power of ten that is no smaller."""
    power = Decimal(10) ** least.adjusted()
    return next(step * power for step in _STEPS if step * power >= least)


def _multiple(value: Decimal, step: Decimal, rounding: str) -> Decimal:
    return (value / step).to_integral_value(rounding=rounding) * step


def _sum(column: Column, sign: int) -> Decimal:
    return sum((part.amount for part in column.parts if part.amount * sign > 0), Decimal(0))


def _drawn(column: Column, x: Decimal, slot: Decimal, scale: _Scale) -> DrawnColumn:
    ends = {1: Decimal(0), -1: Decimal(0)}
    width = slot * _BAR_SHARE
    boxes = []
    for part in column.parts:
        if part.amount:
            sign = 1 if part.amount > 0 else -1
            start, ends[sign] = ends[sign], ends[sign] + part.amount
            boxes.append(_box(part.kind, x + (slot - width) / 2, width, start, ends[sign], scale))
    return DrawnColumn(
        title=column.title,
        href=column.href,
        x=_percent(x),
        middle=_percent(x + slot / 2),
        width=_percent(slot),
        boxes=tuple(boxes),
        marks=tuple(dict.fromkeys(part.kind for part in column.parts if not part.amount)),
    )


def _box(kind: str, x: Decimal, width: Decimal, start: Decimal, end: Decimal, scale: _Scale) -> Box:
    """From one value to another; never so thin that it cannot be seen."""
    top, bottom = sorted((scale.y(start), scale.y(end)))
    if end and bottom - top < _THINNEST:
        top, bottom = (bottom - _THINNEST, bottom) if end > start else (top, top + _THINNEST)
    return Box(kind, _percent(x), _px(top), _percent(width), _px(bottom - top))


def _stretches(steps: Sequence[Step]) -> list[tuple[Step, Decimal, Decimal]]:
    """Each step with where it begins and ends."""
    ends = [*(step.at for step in steps[1:]), Decimal(1)][: len(steps)]
    return [(step, step.at, end) for step, end in zip(steps, ends, strict=True)]


def _stepped(steps: Sequence[Step], scale: _Scale) -> list[Line]:
    lines = []
    before: Decimal | None = None
    for step, start, end in _stretches(steps):
        x, y = _percent(start * 100), _px(scale.y(step.amount))
        if before is not None and before != step.amount:
            lines.append(Line(x, _px(scale.y(before)), x, y))
        lines.append(Line(x, y, _percent(end * 100), y))
        before = step.amount
    return lines


def _labels(places: Sequence[tuple[Decimal, str]]) -> tuple[Label, ...]:
    """As many words as fit; every second one may be left out on a narrow screen."""
    every = -(-len(places) // _MOST_LABELS) or 1
    return tuple(Label(_percent(x), text, _kind(x, number)) for number, (x, text) in enumerate(places[::every]))


def _kind(x: Decimal, number: int) -> str:
    """A word at either edge stands inside it."""
    edge = "at-start" if x < _EDGE else "at-end" if x > 100 - _EDGE else ""
    return f"{edge} minor".strip() if number % 2 else edge


def _percent(value: Decimal) -> str:
    return f"{round(value, 3):f}%"


def _px(value: Decimal) -> str:
    return f"{round(value, 1):f}"
