"""Numbers, money and dates as a language writes them.

Exists so that a document reads naturally wherever it goes while every digit stays exact: the places come from our own
currency table, and nothing is rounded here. Thousands are parted by what the language uses, never by a blank at which
a line may end.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal, localcontext
from functools import cache

from babel.dates import format_date
from babel.numbers import NumberPattern, parse_pattern

from connector.documents.texts import Texts
from connector.domain.money import Money, currency_places
from connector.domain.periods import BillingPeriod
from connector.domain.pricing import EXACT

_BLANKS = str.maketrans({"\u202f": "\u00a0", "\u2009": "\u00a0"})
_NO_BREAK = "\u00a0"


def amount_text(money: Money, texts: Texts) -> str:
    """`1,234.50` with the currency's places, without its code."""
    places = max(currency_places(money.currency), _places(money.amount))
    return _number(money.amount, places, places, texts)


def money_text(money: Money, texts: Texts) -> str:
    """`1,234.50 EUR`."""
    return f"{amount_text(money, texts)}{_NO_BREAK}{money.currency}"


def price_text(price: Decimal, currency: str, texts: Texts) -> str:
    """A unit price with all its digits, and at least the places of its currency."""
    least = currency_places(currency)
    return _number(price, least, max(least, _places(price.normalize())), texts)


def number_text(value: Decimal, texts: Texts) -> str:
    """A quantity or a rate with all its digits and no idle zeros."""
    return _number(value, 0, _places(value.normalize()), texts)


def percent_text(rate: Decimal, texts: Texts) -> str:
    """`19%` or `19 %`; the rate is a percentage already."""
    blank = _NO_BREAK if texts.language in ("de", "fr", "es") else ""
    return f"{number_text(rate, texts)}{blank}%"


def day_text(day: date, texts: Texts) -> str:
    """`Nov 20, 2026`, short enough for a table."""
    return _kept_together(format_date(day, "medium", locale=texts.locale))


def long_day_text(day: date, texts: Texts) -> str:
    """`November 20, 2026`."""
    return _kept_together(format_date(day, "long", locale=texts.locale))


def period_text(period: BillingPeriod, texts: Texts) -> str:
    """First and last day of service; one day alone when they are the same."""
    first, last = day_text(period.start, texts), day_text(period.last_day, texts)
    return first if first == last else f"{first} – {last}"


def _number(value: Decimal, least: int, most: int, texts: Texts) -> str:
    with localcontext(EXACT):
        shown = _pattern(least, most).apply(value, texts.locale, decimal_quantization=False)
    return str(shown).translate(_BLANKS)


@cache
def _pattern(least: int, most: int) -> NumberPattern:
    places = "." + "0" * least + "#" * (most - least) if most else ""
    return parse_pattern(f"#,##0{places}")


def _places(value: Decimal) -> int:
    exponent = value.as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def _kept_together(text: str) -> str:
    return text.translate(_BLANKS).replace(" ", _NO_BREAK)
