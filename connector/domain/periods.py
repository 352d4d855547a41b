"""Which days does a charge cover? Half-open periods whose boundaries are counted from an anchor.

Exists so that every part of the product cuts time in the same way: boundary n = anchor + n intervals, clamped to the
end of a short month and restored afterwards (31 Jan, 28 Feb, 31 Mar), never counted from the boundary before. Ratios
of broken periods are two integers, so that nothing is rounded here. This module knows no price and no clock.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import MAXYEAR, date, datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple
from zoneinfo import ZoneInfo

from connector.errors import Refused

_MONTH_DAYS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
# Contracts of one run share few start dates and terms, so cutting them once is enough; the bound keeps memory flat.
_REMEMBERED = 8192


class PeriodError(Refused):
    """A period must end after it starts."""

    code = "PERIOD"


@dataclass(frozen=True, slots=True, order=True)
class BillingPeriod:
    """The days from `start` up to, not including, `end`. Raises PeriodError when no day is left."""

    start: date
    end: date

    def __post_init__(self) -> None:
        if self.start >= self.end:
            raise PeriodError(f"The period from {self.start} to {self.end} contains no day.")

    @property
    def days(self) -> int:
        """How many days the period has."""
        return (self.end - self.start).days

    @property
    def last_day(self) -> date:
        """The last day of service, as people and Salesforce write it."""
        return self.end - timedelta(days=1)

    def contains(self, day: date) -> bool:
        """Whether the day lies inside; the end does not."""
        return self.start <= day < self.end

    def overlap(self, other: BillingPeriod) -> BillingPeriod | None:
        """The days both periods share, None when there are none."""
        start, end = max(self.start, other.start), min(self.end, other.end)
        return BillingPeriod(start, end) if start < end else None

    def split(self, on: Iterable[date]) -> tuple[BillingPeriod, ...]:
        """The period cut at the given days that lie inside; the parts follow each other without gap or overlap."""
        cuts = sorted({self.start, self.end, *(day for day in on if self.start < day < self.end)})
        return tuple(BillingPeriod(start, end) for start, end in pairwise(cuts))


class Anchor(NamedTuple):
    """Where boundaries are counted from: a month (year * 12 + month - 1) and the day to keep, even in short months."""

    month: int
    day: int

    @classmethod
    def of(cls, day: date) -> Anchor:
        """The anchor that a first day sets."""
        return cls(day.year * 12 + day.month - 1, day.day)

    @classmethod
    def aligned(cls, start: date, *, day: int) -> Anchor:
        """The latest anchor on a calendar day (1..31) that is not after `start`, so that the first period is broken."""
        here = cls(start.year * 12 + start.month - 1, day)
        return here if boundary(anchor=here, months=0) <= start else cls(here.month - 1, day)


class PeriodPart(NamedTuple):
    """The served days of one period, beside the whole period they belong to and its number counted from the anchor."""

    period: BillingPeriod
    full: BillingPeriod
    number: int

    @property
    def is_whole(self) -> bool:
        """Whether every day of the period is served."""
        return self.period is self.full or self.period == self.full


def service_day(*, at: datetime, zone: str = "UTC") -> date:
    """The day to which an aware instant belongs in a billing zone (IANA name); midnight belongs to the later day.

    Raises ValueError for an instant without a zone of its own.
    """
    if at.tzinfo is None:
        raise ValueError(f"the instant {at} has no time zone")
    return at.astimezone(ZoneInfo(zone)).date()


def month_days(*, year: int, month: int) -> int:
    """The number of days of a month (1..12)."""
    if month == 2 and year % 4 == 0 and (year % 100 != 0 or year % 400 == 0):
        return 29
    return _MONTH_DAYS[month - 1]


def boundary(*, anchor: Anchor, months: int) -> date:
    """The day that lies `months` months after the anchor, clamped to the end of a shorter month."""
    year, month = divmod(anchor.month + months, 12)
    if year > MAXYEAR:
        # An end in 9999 stands for "never" in many records; the calendar simply stops there.
        return date.max
    return date(year, month + 1, min(anchor.day, month_days(year=year, month=month + 1)))


def add_months(day: date, *, months: int) -> date:
    """The day that many months later, clamped to the end of a shorter month."""
    return boundary(anchor=Anchor.of(day), months=months)


def boundaries(*, anchor: date, months: int, count: int) -> tuple[date, ...]:
    """The first `count` + 1 boundaries of periods of that many months, the anchor itself being the first."""
    fixed = Anchor.of(anchor)
    return tuple(boundary(anchor=fixed, months=number * months) for number in range(count + 1))


def period_number(*, anchor: Anchor, day: date, months: int) -> int:
    """The number of the period (0 = the one that starts at the anchor) that contains the day; negative before it."""
    number = (day.year * 12 + day.month - 1 - anchor.month) // months
    return number if boundary(anchor=anchor, months=number * months) <= day else number - 1


@lru_cache(maxsize=_REMEMBERED)
def cut_periods(*, anchor: Anchor, start: date, end: date, months: int) -> tuple[PeriodPart, ...]:
    """The periods of `months` months from the anchor that touch [start, end), each with its served days."""
    parts = []
    number = period_number(anchor=anchor, day=start, months=months)
    full_start = boundary(anchor=anchor, months=number * months)
    while full_start < end:
        full_end = boundary(anchor=anchor, months=(number + 1) * months)
        full = BillingPeriod(full_start, full_end)
        is_broken = full_start < start or full_end > end
        if start < min(full_end, end):
            served = BillingPeriod(max(full_start, start), min(full_end, end)) if is_broken else full
            parts.append(PeriodPart(served, full, number))
        full_start, number = full_end, number + 1
    return tuple(parts)


@lru_cache(maxsize=_REMEMBERED)
def cut_days(*, anchor: Anchor, start: date, end: date, months: int) -> tuple[tuple[date, ...], tuple[date, ...]]:
    """The first days and the ends of the same periods, each in order, to look a day up in."""
    parts = cut_periods(anchor=anchor, start=start, end=end, months=months)
    return tuple(part.period.start for part in parts), tuple(part.period.end for part in parts)


@lru_cache(maxsize=_REMEMBERED)
def period_ratio(*, anchor: Anchor, period: BillingPeriod, months: int) -> tuple[int, int]:
    """How many periods of `months` months the given days are, as (numerator, denominator).

    Whole periods count fully; a broken one counts days served over the days of that full period from the anchor.
    """
    numerator, denominator = 0, 1
    for part in cut_periods(anchor=anchor, start=period.start, end=period.end, months=months):
        if part.is_whole:
            numerator += denominator
        elif part.full.days == denominator:
            numerator += part.period.days
        else:
            numerator = numerator * part.full.days + part.period.days * denominator
            denominator *= part.full.days
    return numerator, denominator
