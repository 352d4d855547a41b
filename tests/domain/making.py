"""Small, complete orders for the tests of the domain; every argument has a plain default."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from connector.domain.contract_terms import Charge
from connector.domain.terms import (
    Customer,
    DealType,
    LineItem,
    Order,
    RecordRef,
)

MONTHLY, QUARTERLY, YEARLY, UPFRONT = 1, 3, 12, None


def day(text: str) -> date:
    """A date from ISO text."""
    return date.fromisoformat(text)


def after(text: str) -> date:
    """The first day without service, from the last day of service."""
    return day(text) + timedelta(days=1)


def make_item(
    name: str = "Seats",
    *,
    start: str = "2026-01-01",
    last: str = "2026-12-31",
    quantity: str = "1",
    price: str = "12000",
    **changes: Any,
) -> LineItem:
    """A line item served from `start` up to and including `last`."""
    fields: dict[str, Any] = {
        "ref": f"line-{name}",
        "position": 1,
        "product_code": name.upper(),
        "product_name": name,
        "starts_on": day(start),
        "ends_on": after(last),
        "quantity": Decimal(quantity),
        "unit_price": Decimal(price),
    }
    return LineItem(**{**fields, **changes})


def make_order(
    *items: LineItem,
    record: str = "NEW",
    start: str = "2026-01-01",
    last: str = "2026-12-31",
    deal: DealType = DealType.NEW,
    **changes: Any,
) -> Order:
    """An order of these line items; a change names the record NEW unless told otherwise."""
    fields: dict[str, Any] = {
        "source": RecordRef("00D000000000000AAA", "Quote", record),
        "name": f"Quote {record}",
        "deal_type": deal,
        "customer": Customer(ref="001A", name="Acme Analytics"),
        "currency": "EUR",
        "starts_on": day(start),
        "ends_on": after(last),
        "payment_terms_days": 30,
        "legal_entity": "US",
        "line_items": items,
        "amends_ref": "" if deal is DealType.NEW else "NEW",
    }
    return Order(**{**fields, **changes})


def make_cancellation(cancel_from: str, *, credited: bool = False, record: str = "CANCEL", **changes: Any) -> Order:
    """An order without lines that ends the contract of the record NEW."""
    return make_order(
        record=record,
        deal=DealType.CANCELLATION,
        cancel_from=day(cancel_from),
        is_unused_credited=credited,
        **changes,
    )


def rows(charges: tuple[Charge, ...]) -> list[tuple[str, str, str]]:
    """Charges as (bill date, name, amount), the form in which the tests read them."""
    return [(str(charge.bill_on), charge.description, str(charge.amount.amount)) for charge in charges]


def sums_by_date(charges: tuple[Charge, ...]) -> Mapping[str, Decimal]:
    """The net sum of each bill date, zero sums left out."""
    sums: dict[str, Decimal] = {}
    for charge in charges:
        sums[str(charge.bill_on)] = sums.get(str(charge.bill_on), Decimal(0)) + charge.amount.amount
    return {bill_on: amount for bill_on, amount in sums.items() if amount}
