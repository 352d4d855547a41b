"""Text as people write it becomes a value, by the locale that a layout states; what could mean two things is refused.

Exists because a wrong date or a thousand for a one is worse than a question. Answers canonical text: dates in ISO,
amounts as plain decimals. It never tries a second locale.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from connector.domain.salesforce_ids import NotASalesforceId, id18
from connector.order_forms.layouts import Layout

DATES = frozenset({"starts_on", "ends_on", "signed_on"})
MONEY = frozenset({"unit_price", "amount", "total"})
_SYMBOLS = {"€": "EUR", "£": "GBP", "¥": "JPY", "₹": "INR", "US$": "USD"}
# Many countries write their own currency with it, so it names none.
_DOLLAR = "$"
_CODE = re.compile(r"\b([A-Z]{3})\b")
_TERMS = re.compile(r"(?:net|netto)?\s*(\d{1,3})\s*(?:days?|tage?|jours?|días?)?\s*(?:net|netto)?\.?", re.IGNORECASE)
_AT_ONCE = {"due on receipt", "on receipt", "sofort fällig"}
_LONGEST_NUMBER = 30
_CUSTOMER, _SHORT_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,16}"), 15
_MONTH_COUNTS = ("1", "3", "6", "12")
CHOICES = {
    "charge_type": ("recurring", "one_time"),
    "price_period_months": _MONTH_COUNTS,
    "billing_period_months": (*_MONTH_COUNTS, "upfront"),
}
_MONTHS = {
    "en": "january february march april may june july august september october november december",
    "de": "januar februar märz april mai juni juli august september oktober november dezember",
    "fr": "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
    "es": "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
}
LANGUAGES = tuple(_MONTHS)
DATE_PATTERN = re.compile(r"(YYYY|MMMM|MM|M|DD|D)")
_DIGITS = {"YYYY": r"(?P<year>\d{4})", "MM": r"(?P<month>\d{2})", "M": r"(?P<month>\d{1,2})",
           "DD": r"(?P<day>\d{2})", "D": r"(?P<day>\d{1,2})"}  # fmt: skip


class Unclear(ValueError):
    """The text has no single meaning here; the message says why."""


@dataclass(frozen=True, slots=True)
class ReadText:
    """A value with the currency that its text names, empty when it names none."""

    value: str
    currency: str = ""


def read_value(*, name: str, text: str, layout: Layout) -> ReadText:
    """The text as a value of that name (a header's or a line's). Raises Unclear."""
    written = " ".join(text.replace("\u00a0", " ").replace("\u202f", " ").split())
    if not written:
        raise Unclear("it is empty")
    if name in DATES:
        day = read_date(written, layout)
        return ReadText((day + timedelta(days=1) if name == "ends_on" and layout.is_last_day else day).isoformat())
    if name in MONEY:
        return _money(written, layout)
    if name == "quantity":
        return ReadText(_number(written, layout))
    if name == "payment_terms_days":
        return ReadText(_days(written))
    return ReadText(_text(name, written))


def read_date(text: str, layout: Layout) -> date:
    """The text as a day, by the patterns of the layout. Raises Unclear."""
    found = {day for pattern in layout.dates if (day := _day(text, pattern, layout.language)) is not None}
    if len(found) == 1:
        return found.pop()
    if found:
        raise Unclear(f"{text} means several days in the ways of writing that the layout allows")
    raise Unclear(f"{text} is not written as {' or '.join(layout.dates)}")


def swapped_day(text: str, layout: Layout) -> bool:
    """Whether the text would be a day with day and month the other way round, and is none as it stands."""
    for pattern in layout.dates:
        if "MMMM" in pattern or _day(text, pattern, layout.language) is not None:
            continue
        other = DATE_PATTERN.sub(
            lambda part: {"MM": "DD", "M": "D", "DD": "MM", "D": "M"}.get(part[1], part[1]), pattern
        )
        if _day(text, other, layout.language) is not None:
            return True
    return False


def is_ambiguous_day(text: str, layout: Layout) -> bool:
    """Whether day and month could be the other way round without anybody noticing."""
    day = next(
        (found for one in layout.dates if "MMMM" not in one and (found := _day(text, one, layout.language))), None
    )
    is_by_numbers = day is not None and not any("YYYY-MM" in one for one in layout.dates)
    return is_by_numbers and day is not None and day.day <= 12 and day.day != day.month


def _day(text: str, pattern: str, language: str) -> date | None:
    months = _MONTHS.get(language, _MONTHS["en"]).split()
    parts = {**_DIGITS, "MMMM": f"(?P<name>{'|'.join(months)})"}
    source = "".join(parts.get(part, re.escape(part)) for part in DATE_PATTERN.split(pattern))
    found = re.fullmatch(source, text, re.IGNORECASE)
    if found is None:
        return None
    values = found.groupdict()
    month = months.index(values["name"].casefold()) + 1 if values.get("name") else int(values["month"])
    try:
        return date(int(values["year"]), month, int(values["day"]))
    except ValueError:
        return None


def _money(text: str, layout: Layout) -> ReadText:
    currency, rest = "", text
    for symbol, code in _SYMBOLS.items():
        if symbol in rest:
            currency, rest = code, rest.replace(symbol, " ")
    codes = _CODE.findall(rest)
    if len({*codes, currency} - {""}) > 1:
        raise Unclear(f"{text} names several currencies")
    if codes:
        currency, rest = codes[0], _CODE.sub(" ", rest)
    return ReadText(_number(rest.replace(_DOLLAR, " ").strip(), layout), currency)


def _number(text: str, layout: Layout) -> str:
    """A plain decimal. Raises Unclear for another locale's way of writing and for what reads both ways."""
    digits = text.replace("'", layout.thousands) if layout.thousands == "’" else text
    decimal, thousands = re.escape(layout.decimal), re.escape(layout.thousands or "\x00")
    whole = rf"\d{{1,3}}(?:{thousands}\d{{3}})+|\d+"
    if len(digits) > _LONGEST_NUMBER or not re.fullmatch(rf"(?:{whole})(?:{decimal}\d+)?", digits):
        raise Unclear(f"{text} is not a number as this document should write it")
    if layout.thousands and re.fullmatch(rf"[1-9]\d{{0,2}}{decimal}\d{{3}}", digits):
        raise Unclear(f"{text} could mean a thousand or a fraction")
    plain = digits.replace(layout.thousands, "") if layout.thousands else digits
    return format(Decimal(plain.replace(layout.decimal, ".")), "f")


def _days(text: str) -> str:
    if text.casefold() in _AT_ONCE:
        return "0"
    found = _TERMS.fullmatch(text)
    if found is None:
        raise Unclear(f"{text} is no number of days")
    return str(int(found[1]))


def _text(name: str, text: str) -> str:
    if name == "currency":
        code = _SYMBOLS.get(text, text)
        if not re.fullmatch("[A-Z]{3}", code):
            raise Unclear(f"{text} is no currency code")
        return code
    if name in CHOICES:
        if text not in CHOICES[name]:
            raise Unclear(f"{text} is none of {', '.join(CHOICES[name])}")
        return text
    if name == "customer_ref" and len(text) != _SHORT_ID and _CUSTOMER.fullmatch(text):
        # Without Salesforce a customer has a number of another kind.
        return text
    if name in ("salesforce_id", "customer_ref"):
        try:
            return id18(text)
        except NotASalesforceId as error:
            raise Unclear(str(error)) from error
    return text
