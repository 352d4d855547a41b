"""Which tax applies to an item, and what it adds up to on a document.

Exists so that rates are rows of configuration, never code: a rule per legal entity, place of the customer and tax code,
with dates. Tax is rounded once per rate on the document (or per line where an entity must), totals are sums. It must
not ask anybody whether a tax id is valid; it is told.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, localcontext
from enum import StrEnum

from connector.domain.allocation import allocate_by_remainder
from connector.domain.countries import EU_MEMBERS, country_code
from connector.domain.money import Money, total
from connector.domain.pricing import EXACT
from connector.errors import Refused


class TaxUndecided(Refused):
    """No tax rule fits the customer."""

    code = "TAX_UNDECIDED"
    owner = "finance"
    fix = "Complete the customer's billing country, or add a tax rule for this case."


class Place(StrEnum):
    """Where the customer is, seen from the legal entity."""

    ANYWHERE = "anywhere"
    DOMESTIC = "domestic"
    EU = "eu"
    ABROAD = "abroad"


class TaxCategory(StrEnum):
    """EN 16931 tax categories."""

    STANDARD = "S"
    REVERSE_CHARGE = "AE"
    EXEMPT = "E"
    ZERO = "Z"
    EXPORT = "G"
    NOT_SUBJECT = "O"


class PriceBasis(StrEnum):
    """Whether the amounts of the items contain the tax."""

    EXCLUSIVE = "exclusive"
    INCLUSIVE = "inclusive"


class TaxRounding(StrEnum):
    """Tax is rounded once per rate on the document, or on each line."""

    DOCUMENT = "document"
    LINE = "line"


@dataclass(frozen=True, slots=True)
class TaxRule:
    """One row of the tax table; the first row that fits decides.

    Empty `country` and `tax_code` fit every one, `has_tax_id` None does not ask. `rate` is a percentage. `valid_until`
    is exclusive.
    """

    legal_entity: str
    place: Place
    rate: Decimal
    category: TaxCategory
    country: str = ""
    tax_code: str = ""
    has_tax_id: bool | None = None
    mention: str = ""
    exemption_code: str = ""
    valid_from: date = date.min
    valid_until: date = date.max


@dataclass(frozen=True, slots=True, order=True)
class Tax:
    """What was decided for an item: kept with the document, so that a credit note uses the same."""

    rate: Decimal
    category: TaxCategory
    mention: str = ""
    exemption_code: str = ""


@dataclass(frozen=True, slots=True)
class RateTotal:
    """One row of the tax summary of a document."""

    tax: Tax
    net: Money
    amount: Money


@dataclass(frozen=True, slots=True)
class TaxTotals:
    """A document's sums: net, tax and gross, and the rows per rate they consist of."""

    rates: tuple[RateTotal, ...]
    net: Money
    tax: Money
    gross: Money


ENTITY_COUNTRIES: Mapping[str, str] = {"US": "US", "DE": "DE", "JP": "JP"}

# Billing conventions 3.6. A customer in another EU state without a tax id is taxed like a domestic one.
DEFAULT_TAX_RULES = (
    TaxRule("US", Place.ANYWHERE, Decimal(0), TaxCategory.NOT_SUBJECT),
    TaxRule("JP", Place.ANYWHERE, Decimal(0), TaxCategory.NOT_SUBJECT),
    TaxRule("DE", Place.DOMESTIC, Decimal(19), TaxCategory.STANDARD),
    TaxRule(
        "DE",
        Place.EU,
        Decimal(0),
        TaxCategory.REVERSE_CHARGE,
        has_tax_id=True,
        mention="Reverse charge",
        exemption_code="VATEX-EU-AE",
    ),
    TaxRule("DE", Place.EU, Decimal(19), TaxCategory.STANDARD, has_tax_id=False),
    TaxRule("DE", Place.ABROAD, Decimal(0), TaxCategory.NOT_SUBJECT, exemption_code="VATEX-EU-O"),
)


def decide_tax(
    *,
    rules: Sequence[TaxRule],
    legal_entity: str,
    entity_country: str,
    customer_country: str,
    has_tax_id: bool,
    on: date,
    tax_code: str = "",
) -> Tax:
    """The tax of an item by the first rule that fits; `customer_country` as the customer wrote it.

    Raises TaxUndecided when no rule fits, or when the place matters and the country is missing or unknown.
    """
    country = country_code(customer_country)
    place = _place(country, country_code(entity_country))
    for rule in rules:
        if rule.legal_entity != legal_entity or not rule.valid_from <= on < rule.valid_until:
            continue
        if rule.tax_code and rule.tax_code != tax_code:
            continue
        if _needs_country(rule) and not country:
            raise TaxUndecided(f"The tax of {legal_entity} depends on the country, and it is {customer_country!r}.")
        if _fits(rule, place, country, has_tax_id):
            return Tax(rule.rate, rule.category, rule.mention, rule.exemption_code)
    raise TaxUndecided(f"No tax rule of {legal_entity} fits a customer in {country or 'an unknown country'} on {on}.")


def tax_totals(
    *,
    items: Sequence[tuple[Money, Tax]],
    currency: str,
    basis: PriceBasis = PriceBasis.EXCLUSIVE,
    rounding: TaxRounding = TaxRounding.DOCUMENT,
) -> TaxTotals:
    """The sums of a document from its items' amounts (net or gross, by `basis`), a row per tax, highest rate first."""
    rows = []
    for tax in sorted({tax for _, tax in items}, reverse=True):
        amounts = [amount for amount, its_tax in items if its_tax == tax]
        groups = amounts if rounding is TaxRounding.LINE else [total(amounts, currency=currency)]
        parts = [_net_and_tax(amount, tax, basis) for amount in groups]
        net = total((part[0] for part in parts), currency=currency)
        rows.append(RateTotal(tax, net, total((part[1] for part in parts), currency=currency)))
    net = total((row.net for row in rows), currency=currency)
    added = total((row.amount for row in rows), currency=currency)
    return TaxTotals(tuple(rows), net, added, net + added)


def with_document_discount(*, items: Sequence[tuple[Money, Tax]], discount: Money) -> tuple[tuple[Money, Tax], ...]:
    """The items per tax with a discount on the whole document shared out over them before tax, no cent lost."""
    taxes = sorted({tax for _, tax in items}, reverse=True)
    nets = [total((net for net, its_tax in items if its_tax == tax), currency=discount.currency) for tax in taxes]
    shares = allocate_by_remainder(discount, weights=[net.amount for net in nets])
    return tuple((net - share, tax) for net, share, tax in zip(nets, shares, taxes, strict=True))


def in_accounting_currency(*, amount: Money, rate: Decimal, currency: str) -> Money:
    """A tax amount in the currency it is owed in; `rate` is units of the amount's currency for one unit of that one."""
    with localcontext(EXACT):
        return Money(amount.amount / rate, currency).rounded()


def _net_and_tax(amount: Money, tax: Tax, basis: PriceBasis) -> tuple[Money, Money]:
    with localcontext(EXACT):
        if basis is PriceBasis.INCLUSIVE:
            net = Money(amount.amount * 100 / (100 + tax.rate), amount.currency).rounded()
            return net, amount - net
        return amount, Money(amount.amount * tax.rate / 100, amount.currency).rounded()


def _place(country: str, entity_country: str) -> Place:
    if country and country == entity_country:
        return Place.DOMESTIC
    return Place.EU if country in EU_MEMBERS and entity_country in EU_MEMBERS else Place.ABROAD


def _needs_country(rule: TaxRule) -> bool:
    return bool(rule.country) or rule.place is not Place.ANYWHERE


def _fits(rule: TaxRule, place: Place, country: str, has_tax_id: bool) -> bool:
    is_place = rule.place in (Place.ANYWHERE, place) and rule.country in ("", country)
    return is_place and rule.has_tax_id in (None, has_tax_id)
