"""What the checks of the billing cases share: short ways to a charge, an amount, a tax."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from connector.domain.contract_terms import Charge
from connector.domain.contracts import build_contract
from connector.domain.money import Money
from connector.domain.schedule import schedule
from connector.domain.tax import Tax, TaxCategory
from connector.domain.terms import DealType, LineItem, Order
from tests.domain.making import MONTHLY, make_item, make_order

D = Decimal
PER_MONTH: dict[str, Any] = {"price_period_months": 1, "billing_period_months": MONTHLY}


def eur(text: str) -> Money:
    return Money(D(text), "EUR")


def vat(rate: str) -> Tax:
    return Tax(D(rate), TaxCategory.STANDARD)


def charges_of(*orders: Order, usage: dict[str, Decimal] | None = None) -> tuple[Charge, ...]:
    return schedule(contract=build_contract(orders=orders), usage=usage)


def amount_of(price: str, start: str, last: str, **changes: Any) -> str:
    """What one line costs between two days, its last charge's amount."""
    item = make_item(price=price, start=start, last=last, **changes)
    return str(charges_of(make_order(item, start=start, last=last))[-1].amount.amount)


def changed(item: LineItem, start: str, last: str, deal: DealType, *, credited: bool = True) -> Order:
    return make_order(item, record="CHANGE", start=start, last=last, deal=deal, is_unused_credited=credited)


def seats_changed(given: dict[str, Any], prior: str, quantity: str, deal: DealType) -> tuple[Charge, ...]:
    start, last = given["term"]
    terms = {"price": given["annual_price_per_seat"], "last": last}
    new = make_order(make_item(quantity=prior, start=start, **terms), start=start, last=last)
    item = make_item(quantity=quantity, start=given["effective"], prior_quantity=D(prior), **terms)
    charges = charges_of(new, changed(item, given["effective"], last, deal))
    return tuple(charge for charge in charges if charge.line.order_ref == "CHANGE")
