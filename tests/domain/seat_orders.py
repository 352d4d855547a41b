"""Seat contracts and the changes to them that the stories tell about."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from connector.domain.contracts import (
    ContractRefused,
    build_contract,
    contract_value,
)
from connector.domain.schedule import schedule
from connector.domain.terms import DealType, LineItem, Order
from tests.domain.making import (
    MONTHLY,
    day,
    make_item,
    make_order,
    sums_by_date,
)


def seats(quantity: str = "50", *, price: str = "240", **changes: Any) -> LineItem:
    return make_item("Seats", quantity=quantity, price=price, **changes)


def monthly_seats(quantity: str = "50", *, price: str = "20", **changes: Any) -> LineItem:
    return seats(quantity, price=price, price_period_months=1, billing_period_months=MONTHLY, **changes)


def change(item: LineItem, *, deal: DealType, start: str, record: str = "CHANGE", **changes: Any) -> Order:
    last = changes.pop("last", "2026-12-31")
    return make_order(replace(item, starts_on=day(start)), record=record, start=start, last=last, deal=deal, **changes)


def upsell(quantity: str, prior: str, start: str, *, record: str = "UP", **changes: Any) -> Order:
    item = seats(quantity, prior_quantity=Decimal(prior))
    return change(item, deal=DealType.UPSELL, start=start, record=record, **changes)


def downsell(quantity: str, prior: str, start: str, *, record: str = "DOWN", **changes: Any) -> Order:
    item = seats(quantity, prior_quantity=Decimal(prior))
    return change(item, deal=DealType.DOWNSELL, start=start, record=record, **changes)


def value_of(*orders: Order) -> str:
    return str(contract_value(contract=build_contract(orders=orders)).amount)


def dates_of(*orders: Order) -> dict[str, str]:
    charges = schedule(contract=build_contract(orders=orders))
    return {bill_on: str(amount) for bill_on, amount in sums_by_date(charges).items()}


def codes(refused: pytest.ExceptionInfo[ContractRefused]) -> list[str]:
    return [fault.code for fault in refused.value.faults]


NEW = make_order(seats())
NEW_MONTHLY = make_order(monthly_seats(last="2026-06-30"), last="2026-06-30")
