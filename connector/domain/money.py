"""Money: an exact amount in one currency.

Exists so that no float and no mixed-currency sum can enter a figure, and so that rounding happens in one place, once,
by one rule: half up, away from zero on ties, to the currency's places (billing conventions, section 2.2).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from connector.errors import Refused

# From here on an amount cannot be kept exactly in the smallest unit of every currency and still be summed.
IMPOSSIBLE_AMOUNT = Decimal(10) ** 11
# ISO 4217 minor units that are not two.
_PLACES = {
    **dict.fromkeys(
        (
            "BIF",
            "CLP",
            "DJF",
            "GNF",
            "ISK",
            "JPY",
            "KMF",
            "KRW",
            "PYG",
            "RWF",
            "UGX",
            "UYI",
            "VND",
            "VUV",
            "XAF",
            "XOF",
            "XPF",
        ),
        0,
    ),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
    **dict.fromkeys(("CLF", "UYW"), 4),
}
_KNOWN_TWO_PLACES = frozenset(
    (
        "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF "
        "CHF CNY COP CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL "
        "HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP "
        "MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD "
        "SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD UYU UZS "
        "VED VES WST XCD YER ZAR ZMW ZWG"
    ).split()
)


class CurrencyError(Refused):
    """The currency is unknown or two currencies were mixed."""

    code = "CURRENCY"


def currency_places(currency: str) -> int:
    """How many decimal places amounts in this currency have (ISO 4217). Raises CurrencyError when it is unknown."""
    if currency in _PLACES:
        return _PLACES[currency]
    if currency in _KNOWN_TWO_PLACES:
        return 2
    raise CurrencyError(
        f"The currency {currency!r} is not an ISO 4217 code.", fix="Use a three-letter code such as EUR."
    )


def round_amount(amount: Decimal, *, currency: str) -> Decimal:
    """The amount rounded half up (away from zero on ties) to the currency's places."""
    return amount.quantize(Decimal(1).scaleb(-currency_places(currency)), rounding=ROUND_HALF_UP)


@dataclass(frozen=True, slots=True)
class Money:
    """An exact amount of one currency; refuses float and unknown currencies."""

    amount: Decimal
    currency: str

    def __post_init__(self) -> None:
        if not isinstance(self.amount, Decimal):
            raise TypeError(f"money takes a Decimal, not {type(self.amount).__name__}")
        if not self.amount.is_finite():
            raise ValueError("money must be finite")
        currency_places(self.currency)

    @classmethod
    def zero(cls, currency: str) -> Money:
        """Nothing, with the currency's places."""
        return cls(Decimal(0), currency).rounded()

    def rounded(self) -> Money:
        """The same amount rounded once, half up, to the currency's places."""
        return Money(round_amount(self.amount, currency=self.currency), self.currency)

    def __add__(self, other: Money) -> Money:
        self._same_currency(other)
        return Money(self.amount + other.amount, self.currency)

    def __sub__(self, other: Money) -> Money:
        self._same_currency(other)
        return Money(self.amount - other.amount, self.currency)

    def __neg__(self) -> Money:
        return Money(-self.amount, self.currency)

    def __bool__(self) -> bool:
        return self.amount != 0

    def __lt__(self, other: Money) -> bool:
        self._same_currency(other)
        return self.amount < other.amount

    def __str__(self) -> str:
        return f"{self.amount} {self.currency}"

    def _same_currency(self, other: Money) -> None:
        if self.currency != other.currency:
            raise CurrencyError(f"Amounts in {self.currency} and {other.currency} cannot be added.")


def total(amounts: Iterable[Money], *, currency: str) -> Money:
    """The sum of amounts in one currency; zero of that currency when there are none."""
    result = Money.zero(currency)
    for amount in amounts:
        result = result + amount
    return result


def allocate(amount: Money, *, weights: Sequence[Decimal]) -> tuple[Money, ...]:
    """Split an amount by weights without losing a cent: each part is rounded, the last part with weight takes the rest.

    Raises ValueError when the weights are empty, negative or all zero.
    """
    whole = sum(weights, Decimal(0))
    if whole <= 0 or any(weight < 0 for weight in weights):
        raise ValueError("weights must be positive and not all zero")
    last = max(index for index, weight in enumerate(weights) if weight > 0)
    parts = [Money(amount.amount * weight / whole, amount.currency).rounded() for weight in weights]
    others = sum((part.amount for index, part in enumerate(parts) if index != last), Decimal(0))
    parts[last] = Money(amount.amount - others, amount.currency)
    return tuple(parts)
