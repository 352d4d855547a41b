"""Calendar arithmetic for terms: inclusive ends made exclusive, and start, end and term brought together.

Exists because Salesforce names the last day of service and every period inside is half-open. It must not read a clock.
"""

from __future__ import annotations

import re
from datetime import MAXYEAR, date, datetime, timedelta, tzinfo

from connector.domain.periods import add_months

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_INSTANT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?(Z|[+-]\d{2}:?\d{2})", re.ASCII)


class NotADate(ValueError):
    """The value is no date, or one outside the calendar."""


def parse_date(value: object, *, zone: tzinfo) -> date:
    """A date, `YYYY-MM-DD`, or an instant with its offset as the day it was in `zone`. Raises NotADate."""
    if isinstance(value, datetime):
        return _day_of(value, zone)
    if isinstance(value, date):
        return value
    if not isinstance(value, str):
        raise NotADate
    text = value.strip()
    try:
        if _DATE.fullmatch(text):
            return date.fromisoformat(text)
        if _INSTANT.fullmatch(text):
            return _day_of(datetime.fromisoformat(text), zone)
    except (ValueError, OverflowError) as error:
        raise NotADate from error
    raise NotADate


def day_after(day: date) -> date:
    """The next day: the exclusive end of a period whose last day is given. Raises NotADate after year 9999."""
    try:
        return day + timedelta(days=1)
    except OverflowError as error:
        raise NotADate from error


def months_after(day: date, *, months: int) -> date:
    """The same day `months` later, clamped to the end of a shorter month. Raises NotADate beyond year 9999."""
    # The domain's calendar stops at its last day without a word; a signed term that long is a typing error.
    if day.year * 12 + day.month - 1 + months >= (MAXYEAR + 1) * 12:
        raise NotADate
    try:
        return add_months(day, months=months)
    except (ValueError, OverflowError) as error:
        raise NotADate from error


def _day_of(instant: datetime, zone: tzinfo) -> date:
    if instant.tzinfo is None:
        raise NotADate
    try:
        return instant.astimezone(zone).date()
    except (OverflowError, ValueError) as error:
        raise NotADate from error
