"""How one raw value of a record becomes a typed one: a table of named transforms.

Exists so that the settings can name a transform and every failure explains itself in the same words. A transform never
sees a field or a line; it either answers or raises Unreadable.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, tzinfo
from decimal import Decimal
from enum import Enum, StrEnum
from typing import Any

from connector.domain.money import CurrencyError, currency_places
from connector.domain.salesforce_ids import NotASalesforceId, id18
from connector.domain.terms import Tier
from mappings.dates import NotADate, day_after, parse_date
from mappings.numbers import MOST_PLACES, MOST_WHOLE_DIGITS, NotANumber, NotExact, OutOfRange, exact_number
from mappings.text import cleaned, cleaned_lines, shortened
from mappings.tiers import UnreadableTiers, parse_tiers


class Special(Enum):
    """Values that are neither empty nor a number."""

    UPFRONT = "upfront"
    UNLIMITED = "unlimited"


class Output(StrEnum):
    """The type a transform answers; a target takes only transforms of its own type."""

    TEXT = "text"
    DATE = "date"
    NUMBER = "number"
    WHOLE = "whole number"
    FLAG = "true or false"
    TIERS = "price tiers"
    LIMIT = "number or unlimited"


@dataclass(frozen=True, slots=True)
class Bounds:
    """What the reader of a value allows: the zone of dates, length of text, range of whole numbers."""

    zone: tzinfo = UTC
    length: int = 255
    is_cut: bool = False
    has_lines: bool = False
    least: int | None = None
    most: int | None = None


class Unreadable(ValueError):
    """The value cannot be read; `why` goes on the sentence "the field is 'x', ...", `fix` and `owner` may be empty."""

    def __init__(self, code: str, why: str, *, fix: str = "", owner: str = "") -> None:
        super().__init__(why)
        self.code, self.why, self.fix, self.owner = code, why, fix, owner


@dataclass(frozen=True, slots=True)
class Transform:
    """A named transform: `read` answers a value of type `output` or raises Unreadable."""

    read: Callable[[object, Bounds], Any]
    output: Output


# Letters, digits and the marks of RFC 5321 addresses seen in business; exotic quoted forms are refused on purpose.
_EMAIL = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})+")
_NET_DAYS = re.compile(r"(?:net\s*-?\s*)?([0-9]{1,4})(?:\s*days?)?", re.ASCII)
_AT_ONCE = frozenset({"due on receipt", "due upon receipt", "on receipt", "immediate", "immediately"})


def read_text(value: object, bounds: Bounds) -> str:
    """The text cleaned; too long is cut for texts that are only shown, refused for texts that identify something."""
    text = _plain_text(value)
    text = cleaned_lines(text) if bounds.has_lines else cleaned(text)
    if len(text) <= bounds.length:
        return text
    if bounds.is_cut:
        return shortened(text, limit=bounds.length)
    raise Unreadable(
        "TEXT_TOO_LONG", f"which has {len(text)} characters", fix=f"Shorten it to {bounds.length} characters."
    )


def read_email(value: object, bounds: Bounds) -> str:
    """One mail address."""
    text = read_text(value, bounds)
    if not _EMAIL.fullmatch(text):
        raise Unreadable(
            "NOT_AN_EMAIL", "which is not one mail address", fix="Enter one address such as ap@example.com."
        )
    return text


def read_date(value: object, bounds: Bounds) -> date:
    """A date; an instant becomes the day it was in the configured zone."""
    try:
        return parse_date(value, zone=bounds.zone)
    except NotADate as error:
        raise Unreadable("NOT_A_DATE", "which is not a date", fix="Enter a date.") from error


def read_last_day(value: object, bounds: Bounds) -> date:
    """The day after the date found, because Salesforce names the last day of service."""
    try:
        return day_after(read_date(value, bounds))
    except NotADate as error:
        raise Unreadable("NOT_A_DATE", "which is the end of the calendar", fix="Enter an earlier date.") from error


def read_number(value: object, _bounds: Bounds) -> Decimal:
    """An exact number."""
    try:
        return exact_number(value)
    except NotExact as error:
        raise Unreadable(
            "NOT_EXACT", "which was read as a float, so its digits are not certain",
            fix="The Salesforce adapter must read numbers as Decimal.", owner="operator",
        ) from error  # fmt: skip
    except OutOfRange as error:
        raise Unreadable(
            "NUMBER_OUT_OF_RANGE", f"which has more than {MOST_WHOLE_DIGITS} digits or {MOST_PLACES} decimal places"
        ) from error
    except NotANumber as error:
        raise Unreadable("NOT_A_NUMBER", "which is not a number", fix="Enter a number such as 1234.50.") from error


def read_percent(value: object, bounds: Bounds) -> Decimal:
    """A percentage as Salesforce keeps it: 20 means 20 %; text may end in a percent sign."""
    return read_number(value.strip().removesuffix("%").rstrip() if isinstance(value, str) else value, bounds)


def read_whole(value: object, bounds: Bounds) -> int:
    """A whole number within the bounds."""
    number = read_number(value, bounds)
    if number != number.to_integral_value():
        raise Unreadable("NOT_A_WHOLE_NUMBER", "which is not a whole number", fix="Enter a whole number.")
    if bounds.least is not None and number < bounds.least:
        raise Unreadable("NUMBER_TOO_SMALL", f"which is below {bounds.least}", fix=f"Enter {bounds.least} or more.")
    if bounds.most is not None and number > bounds.most:
        raise Unreadable("NUMBER_TOO_LARGE", f"which is above {bounds.most}", fix=f"Enter {bounds.most} or less.")
    return int(number)


def read_flag(value: object, _bounds: Bounds) -> bool:
    """A checkbox, or the text true or false."""
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.strip().lower() in ("true", "false"):
        return value.strip().lower() == "true"
    raise Unreadable("NOT_TRUE_OR_FALSE", "which is neither true nor false")


def read_net_days(value: object, bounds: Bounds) -> int:
    """Days until due from `Net 30`, `30 days`, `Due on Receipt` or a number."""
    if not isinstance(value, str):
        return read_whole(value, bounds)
    words = cleaned(value[:200]).lower()
    if words in _AT_ONCE:
        return 0
    days = _NET_DAYS.fullmatch(words)
    if not days:
        raise Unreadable(
            "UNKNOWN_VALUE", "which names no number of days", fix="Choose terms such as Net 30 or Due on Receipt."
        )
    return read_whole(days.group(1), bounds)


def read_currency(value: object, _bounds: Bounds) -> str:
    """A currency code of ISO 4217."""
    code = _plain_text(value).strip()
    try:
        currency_places(code)
    except CurrencyError as error:
        raise Unreadable(
            "UNKNOWN_CURRENCY", "which is not a currency code of ISO 4217", fix="Use a code such as EUR."
        ) from error
    return code


def read_tiers(value: object, _bounds: Bounds) -> tuple[Tier, ...]:
    """Price tiers from JSON text."""
    if not isinstance(value, str):
        raise Unreadable("UNREADABLE_TIERS", "which is not text")
    try:
        return parse_tiers(value)
    except UnreadableTiers as error:
        raise Unreadable(
            "UNREADABLE_TIERS", f"which cannot be read as price tiers. {' '.join(error.faults)}".rstrip("."),
            fix='Write it like [{"up_to": "50", "unit_price": "30", "flat_price": "0"}, '
            '{"up_to": null, "unit_price": "25", "flat_price": "0"}].',
        ) from error  # fmt: skip


def read_limit(value: object, bounds: Bounds) -> Decimal | Special:
    """A number, or the word Unlimited in any case."""
    if isinstance(value, str) and cleaned(value[:200]).lower() == "unlimited":
        return Special.UNLIMITED
    try:
        return read_number(value, bounds)
    except Unreadable as error:
        if error.code != "NOT_A_NUMBER":
            raise
        raise Unreadable(
            error.code, "which is neither a number nor Unlimited", fix="Enter a number or the word Unlimited."
        ) from error


def read_id18(value: object, _bounds: Bounds) -> str:
    """A Salesforce id of 15 or 18 characters as 18, with its case repaired by its check letters."""
    try:
        return id18(_plain_text(value)[:100])
    except NotASalesforceId as error:
        raise Unreadable(
            "NOT_AN_ID", "which is not a Salesforce id of 15 or 18 characters", fix="Paste the record's id."
        ) from error


def _plain_text(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        try:
            return format(exact_number(value), "f")
        except (NotANumber, OutOfRange) as error:
            raise Unreadable("NOT_TEXT", "which is not text") from error
    raise Unreadable("NOT_TEXT", "which is not text")


TRANSFORMS: Mapping[str, Transform] = {
    "text": Transform(read_text, Output.TEXT),
    "email": Transform(read_email, Output.TEXT),
    "id18": Transform(read_id18, Output.TEXT),
    "currency": Transform(read_currency, Output.TEXT),
    "date": Transform(read_date, Output.DATE),
    "date_inclusive_end": Transform(read_last_day, Output.DATE),
    "decimal": Transform(read_number, Output.NUMBER),
    "percent": Transform(read_percent, Output.NUMBER),
    "integer": Transform(read_whole, Output.WHOLE),
    "net_days": Transform(read_net_days, Output.WHOLE),
    "boolean": Transform(read_flag, Output.FLAG),
    "json_tiers": Transform(read_tiers, Output.TIERS),
    "unlimited_or_number": Transform(read_limit, Output.LIMIT),
}
