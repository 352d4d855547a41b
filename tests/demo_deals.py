"""Deals of the demo for tests of how it judges and shows them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from connector.demo.deals import DemoDeal
from connector.demo.watching import Standing


def make_deal(**changes: Any) -> DemoDeal:
    """A deal that is expected to be fulfilled."""
    values = {
        "key": "aurora",
        "title": "Aurora Analytics: seats",
        "shows": "An ordinary deal.",
        "record_id": "0Q0000000000001AAA",
        "expected": "FULFILLED",
        "expected_code": "",
        "deliveries": 1,
        "value": Decimal("1200.00"),
        "currency": "USD",
    }
    return DemoDeal(**(values | changes))


def make_standing(**changes: Any) -> Standing:
    """That deal where it must be."""
    values = {
        "deal": make_deal(),
        "number": "O-000001",
        "state": "FULFILLED",
        "value": Decimal("1200.00"),
        "orders": 1,
        "word": "Synced",
        "deliveries": 1,
        "seconds": 1.5,
        "source": "salesforce-outbound",
    }
    return Standing(**(values | changes))
