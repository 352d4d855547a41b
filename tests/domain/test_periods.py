"""Boundaries, cuts and ratios of billing periods."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.domain.periods import (
    Anchor,
    BillingPeriod,
    PeriodError,
    add_months,
    boundaries,
    boundary,
    cut_periods,
    month_days,
    period_number,
    period_ratio,
)
from tests.domain.making import day

DATES = st.dates(date(2000, 1, 1), date(2100, 12, 31))


def test_a_period_without_a_day_is_refused() -> None:
    with pytest.raises(PeriodError, match="contains no day"):
        BillingPeriod(day("2026-01-01"), day("2026-01-01"))


def test_the_last_day_is_the_day_before_the_end() -> None:
    november = BillingPeriod(day("2026-11-01"), day("2026-12-01"))

    assert november.days == 30
    assert november.last_day == day("2026-11-30")
    assert november.contains(day("2026-11-30"))
    assert not november.contains(day("2026-12-01"))


def test_periods_that_only_touch_do_not_overlap() -> None:
    november = BillingPeriod(day("2026-11-01"), day("2026-12-01"))

    assert november.overlap(BillingPeriod(day("2026-12-01"), day("2027-01-01"))) is None
    assert november.overlap(BillingPeriod(day("2026-11-10"), day("2027-01-01"))) == BillingPeriod(
        day("2026-11-10"), day("2026-12-01")
    )


def test_the_day_of_the_anchor_comes_back_after_a_short_month() -> None:
    days = boundaries(anchor=day("2026-01-31"), months=1, count=5)

    assert [str(one) for one in days] == [
        "2026-01-31",
        "2026-02-28",
        "2026-03-31",
        "2026-04-30",
        "2026-05-31",
        "2026-06-30",
    ]


def test_a_leap_day_is_kept_for_the_next_leap_year() -> None:
    days = boundaries(anchor=day("2028-02-29"), months=12, count=4)

    assert [str(one) for one in days] == ["2028-02-29", "2029-02-28", "2030-02-28", "2031-02-28", "2032-02-29"]


def test_a_broken_first_and_last_period_know_the_whole_they_belong_to() -> None:
    # anchor 1 Jan;  served       10 Jan .................... 15 Mar
    # periods      |---- Jan ----|---- Feb ----|---- Mar ----|
    parts = cut_periods(anchor=Anchor.of(day("2026-01-01")), start=day("2026-01-10"), end=day("2026-03-15"), months=1)

    assert [(str(part.period.start), str(part.period.end), part.is_whole) for part in parts] == [
        ("2026-01-10", "2026-02-01", False),
        ("2026-02-01", "2026-03-01", True),
        ("2026-03-01", "2026-03-15", False),
    ]
    assert parts[0].full == BillingPeriod(day("2026-01-01"), day("2026-02-01"))


@pytest.mark.parametrize(
    ("start", "aligned_to", "expected"),
    [
        ("2026-01-10", 1, "2026-01-01"),
        ("2026-01-10", 15, "2025-12-15"),
        ("2026-03-15", 31, "2026-02-28"),
        ("2026-03-31", 31, "2026-03-31"),
    ],
)
def test_an_aligned_anchor_is_the_latest_such_day_not_after_the_start(
    start: str, aligned_to: int, expected: str
) -> None:
    anchor = Anchor.aligned(day(start), day=aligned_to)

    assert boundary(anchor=anchor, months=0) == day(expected)
    assert anchor.day == aligned_to


@pytest.mark.parametrize(
    ("start", "end", "months", "expected"),
    [
        # 18 months of yearly periods: one whole, then 181 of 365 days.
        ("2026-01-01", "2027-07-01", 12, (365 + 181, 365)),
        ("2027-11-01", "2028-11-01", 12, (1, 1)),
        ("2026-01-10", "2026-02-01", 1, (22, 31)),
        ("2026-01-01", "2026-01-31", 1, (30, 31)),
    ],
)
def test_whole_periods_count_fully_and_broken_ones_by_days(
    start: str, end: str, months: int, expected: tuple[int, int]
) -> None:
    anchor = Anchor.of(day(start).replace(day=1))

    assert period_ratio(anchor=anchor, period=BillingPeriod(day(start), day(end)), months=months) == expected


@given(DATES, DATES, DATES, st.integers(1, 24))
def test_cut_periods_leave_no_gap_and_no_overlap(anchor_day: date, start: date, end: date, months: int) -> None:
    parts = cut_periods(anchor=Anchor.of(anchor_day), start=start, end=end, months=months)

    if start >= end:
        assert parts == ()
        return
    assert parts[0].period.start == start
    assert parts[-1].period.end == end
    for before, after in pairwise(parts):
        assert before.period.end == after.period.start
        assert before.number + 1 == after.number
    assert sum(part.period.days for part in parts) == (end - start).days
    assert all(part.full.start <= part.period.start and part.period.end <= part.full.end for part in parts)
    assert all(part.is_whole for part in parts[1:-1])


@given(DATES, DATES, st.integers(1, 24))
def test_every_day_lies_in_the_period_with_its_number(anchor_day: date, inside: date, months: int) -> None:
    anchor = Anchor.of(anchor_day)
    number = period_number(anchor=anchor, day=inside, months=months)

    assert boundary(anchor=anchor, months=number * months) <= inside
    assert inside < boundary(anchor=anchor, months=(number + 1) * months)


@given(DATES, st.integers(1, 3000), st.lists(DATES, max_size=5))
def test_a_split_period_adds_up_to_itself(start: date, days: int, cuts: list[date]) -> None:
    period = BillingPeriod(start, start + timedelta(days=days))
    parts = period.split(cuts)

    assert parts[0].start == period.start
    assert parts[-1].end == period.end
    assert sum(part.days for part in parts) == period.days


@given(st.integers(1, 9999), st.integers(1, 12))
def test_month_lengths_are_those_of_the_calendar(year: int, month: int) -> None:
    if (year, month) != (9999, 12):
        following = date(year + month // 12, month % 12 + 1, 1)
        assert month_days(year=year, month=month) == (following - date(year, month, 1)).days


def test_a_month_after_the_31st_is_the_end_of_the_next_month() -> None:
    assert add_months(day("2026-01-31"), months=1) == day("2026-02-28")
    assert add_months(day("2026-01-31"), months=13) == day("2027-02-28")
