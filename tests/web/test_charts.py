"""Where the parts of a chart stand: round scales, stacked parts, nothing outside the drawing or too thin to see."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.web.charts import HEIGHT, Chart, Column, Part, Step, bar_chart, compact, step_chart

AMOUNTS = st.decimals(-(10**12), 10**12, places=2, allow_nan=False, allow_infinity=False)


def column(*parts: tuple[str, str], label: str = "Jan 2026") -> Column:
    return Column(label, "title", "#row", [Part(kind, Decimal(amount)) for kind, amount in parts])


def scale(chart: Chart) -> list[str]:
    return [tick.label for tick in chart.ticks]


def inside(chart: Chart) -> bool:
    """Whether everything is drawn within the drawing."""
    boxes = [box for found in chart.columns for box in found.boxes] + list(chart.area)
    tops = [Decimal(box.y) for box in boxes]
    bottoms = [Decimal(box.y) + Decimal(box.height) for box in boxes]
    lefts = [Decimal(box.x[:-1]) for box in boxes]
    rights = [Decimal(box.x[:-1]) + Decimal(box.width[:-1]) for box in boxes]
    lines = [Decimal(value) for line in chart.lines for value in (line.y1, line.y2)]
    lowest, highest = min([*tops, *lines, Decimal(0)]), max([*bottoms, *lines, Decimal(0)])
    edge = max([*rights, Decimal(0)])
    return lowest >= 0 and highest <= HEIGHT and min([*lefts, Decimal(0)]) >= 0 and edge <= Decimal("100.01")


@pytest.mark.parametrize(
    ("highest", "expected"),
    [
        ("1000", ["1k", "750", "500", "250", "0"]),
        ("11862.50", ["15k", "10k", "5k", "0"]),
        ("0.03", ["0.03", "0.02", "0.01", "0"]),
        ("2500000", ["3M", "2M", "1M", "0"]),
        ("0", ["1", "0"]),
    ],
)
def test_a_scale_has_round_steps_from_zero(highest: str, expected: list[str]) -> None:
    assert scale(bar_chart(columns=[column(("planned", highest))])) == expected


def test_a_scale_goes_below_zero_for_credits() -> None:
    chart = bar_chart(columns=[column(("planned", "1700"), ("credit", "-5550.71"))])

    assert scale(chart) == ["2k", "0", "-2k", "-4k", "-6k"]
    planned, credit = chart.columns[0].boxes
    assert Decimal(planned.y) + Decimal(planned.height) == Decimal(credit.y) == Decimal(chart.base_y)


def test_parts_of_one_sign_are_stacked() -> None:
    made, planned = bar_chart(columns=[column(("made", "50"), ("planned", "50"))]).columns[0].boxes

    assert made.height == planned.height
    assert Decimal(planned.y) + Decimal(planned.height) == Decimal(made.y)


def test_a_small_amount_can_still_be_seen_and_a_zero_is_a_mark() -> None:
    chart = bar_chart(columns=[column(("planned", "1000000")), column(("planned", "0.01"), ("estimate", "0"))])

    assert Decimal(chart.columns[1].boxes[0].height) == 2
    assert chart.columns[1].marks == ("estimate",)


def test_a_value_that_changes_is_a_line_with_steps() -> None:
    line = [Step(Decimal(0), Decimal(100)), Step(Decimal("0.5"), Decimal(200))]

    chart = step_chart(line=line, area=[], labels=[(Decimal(0), "Jan 2026")], now=Decimal("0.25"))

    assert [(one.x1, one.x2) for one in chart.lines] == [
        ("0.000%", "50.000%"),
        ("50.000%", "50.000%"),
        ("50.000%", "100.000%"),
    ]
    assert chart.now_x == "25.000%"


def test_words_below_are_few_and_stay_inside() -> None:
    chart = bar_chart(columns=[column(("planned", "1"), label=str(number)) for number in range(60)])

    assert len(chart.labels) <= 6
    assert chart.labels[0].kind == "at-start"
    assert [label.kind for label in chart.labels].count("minor") == 3


@pytest.mark.parametrize(
    ("value", "expected"), [("0", "0"), ("1234567", "1.234567M"), ("-2500", "-2.5k"), ("3000000000", "3B")]
)
def test_a_value_of_a_scale_is_short(value: str, expected: str) -> None:
    assert compact(Decimal(value)) == expected


@given(st.lists(st.lists(AMOUNTS, max_size=4), max_size=40))
def test_whatever_the_amounts_are_everything_is_inside(amounts: Sequence[Sequence[Decimal]]) -> None:
    chart = bar_chart(columns=[Column("x", "t", "#", [Part("planned", value) for value in found]) for found in amounts])

    assert inside(chart)
    assert 2 <= len(chart.ticks) <= 8


@given(st.lists(st.tuples(st.decimals(0, 1, places=3), AMOUNTS), max_size=20), st.lists(AMOUNTS, max_size=5))
def test_whatever_the_values_are_the_steps_are_inside(
    steps: list[tuple[Decimal, Decimal]], area: list[Decimal]
) -> None:
    line = [Step(at, amount) for at, amount in sorted(steps)]

    chart = step_chart(line=line, area=[Step(Decimal(0), amount) for amount in area], labels=[])

    assert inside(chart)
