"""Numbers of a record as exact decimals, or a clear refusal.

Exists so that every number passes one gate: never float, never infinite, never of a size that makes arithmetic
explode. It must not round.
"""

from __future__ import annotations

import re
from decimal import Decimal

# Salesforce numbers have at most 18 digits; twelve decimal places hold every unit price seen.
MOST_WHOLE_DIGITS = 18
MOST_PLACES = 12

_NUMBER = re.compile(r"[+-]?[0-9]{1,40}(\.[0-9]{1,40})?([eE][+-]?[0-9]{1,2})?")


class NotANumber(ValueError):
    """The value is no number at all."""


class NotExact(ValueError):
    """The value went through float on its way, so its digits cannot be trusted."""


class OutOfRange(ValueError):
    """The number has more digits than any amount or quantity of an order."""


def exact_number(value: object) -> Decimal:
    """A Decimal, whole number or number in plain text as Decimal without needless zeros and powers of ten.

    Raises NotANumber, NotExact (a float) or OutOfRange. Text is read as a computer writes it (`1234.5`, `1.2E7`), never
    with thousands separators, because `1.234` would be read in two ways.
    """
    number = _decimal(value)
    if not number.is_finite():
        raise NotANumber
    digits, exponent = _significant(number)
    if len(digits) + exponent > MOST_WHOLE_DIGITS or -exponent > MOST_PLACES:
        raise OutOfRange
    if exponent > 0:
        digits, exponent = digits + (0,) * exponent, 0
    return Decimal((int(number < 0), digits, exponent))


def decimal_places(number: Decimal) -> int:
    """How many decimal places the finite number needs; trailing zeros do not count."""
    return max(0, -_significant(number)[1])


def _significant(number: Decimal) -> tuple[tuple[int, ...], int]:
    """Digits and exponent without trailing zeros; `normalize` would round to the context's 28 digits."""
    _, digits, exponent = number.as_tuple()
    if not number or not isinstance(exponent, int):
        return (0,), 0
    kept = len(digits)
    while digits[kept - 1] == 0:
        kept -= 1
    return digits[:kept], exponent + len(digits) - kept


def _decimal(value: object) -> Decimal:
    if isinstance(value, bool) or value is None:
        raise NotANumber
    if isinstance(value, float):
        raise NotExact
    if isinstance(value, Decimal):
        return value
    if isinstance(value, int):
        # str() of a giant integer is refused by Python itself; the size is checked first.
        if value.bit_length() > 128:
            raise OutOfRange
        return Decimal(value)
    if isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
        return Decimal(value.strip())
    raise NotANumber
