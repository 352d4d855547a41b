"""Contracts with drafts for tests of pages and API: signed and billed by the product's own steps."""

from __future__ import annotations

import dataclasses
from datetime import date
from decimal import Decimal
from typing import Any

from connector.domain.terms import (
    Address,
    BillingTiming,
    ChargeType,
    Customer,
    DealType,
    LineItem,
    Order,
    Provision,
    RecordRef,
)
from tests.builders import ORG_ID, account_id, make_line, make_terms, quote_id

START, END = date(2026, 1, 1), date(2027, 1, 1)
AURORA = Customer(
    account_id(1),
    "Aurora Analytics GmbH",
    tax_id="DE811569869",
    billing_address=Address("Lindenweg 4", "Berlin", postal_code="10969", country="Germany"),
)


def line(position: int, name: str, *, quantity: str = "1", price: str = "100", **changes: Any) -> LineItem:
    """A monthly line over 2026, priced per month, that grants nothing."""
    values: dict[str, Any] = {
        "product_code": name.upper(),
        "product_name": name,
        "starts_on": START,
        "ends_on": END,
        "quantity": Decimal(quantity),
        "unit_price": Decimal(price),
        "price_period_months": 1,
        "billing_period_months": 1,
        "provision": Provision(),
    }
    return make_line(position, **{**values, **changes})


def usage_line(position: int = 9, **changes: Any) -> LineItem:
    """API calls, billed after each month."""
    return line(
        position, "Calls", quantity="0", price="0.01", charge_type=ChargeType.USAGE,
        billing_timing=BillingTiming.IN_ARREARS, **changes,
    )  # fmt: skip


def order(number: int, *lines: LineItem, **changes: Any) -> Order:
    """A signed order over 2026 by Aurora, from the German entity, with tax of 19 %."""
    values: dict[str, Any] = {
        "name": f"Deal {number}",
        "starts_on": START,
        "ends_on": END,
        "line_items": lines,
        "legal_entity": "DE",
        "signed_total": None,
    }
    made = make_terms(RecordRef(ORG_ID, "Quote", quote_id(number)), **{**values, **changes})
    return dataclasses.replace(made, customer=changes.get("customer", AURORA))


def upsell(number: int, *, quantity: str, prior: str, on: date, base: int = 1, **changes: Any) -> Order:
    """More seats from a day on, under the contract of order `base`."""
    seats = line(
        2, "Seats", quantity=quantity, price="20", ref=f"0QL5g00000UP{number:03d}GAE", starts_on=on,
        ends_on=changes.get("ends_on", END), prior_quantity=Decimal(prior),
    )  # fmt: skip
    return order(
        number, seats, deal_type=DealType.UPSELL, starts_on=on, amends_ref=quote_id(base), **changes
    )  # fmt: skip


def seats(quantity: str = "50") -> LineItem:
    """Seats at 20.00 a month."""
    return line(2, "Seats", quantity=quantity, price="20")


def cancellation(number: int, on: date) -> Order:
    """The end of the contract from that day; unused days are credited."""
    return order(
        number, deal_type=DealType.CANCELLATION, amends_ref=quote_id(1), cancel_from=on, is_unused_credited=True
    )
