"""Agreed prices beside a subscription on Stigg: written exactly, kept in line, refused when one price cannot say it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal

import pytest

from connector.adapters.clock import FixedClock
from connector.adapters.entitlements_stigg import StiggPlatform
from connector.domain.sold_prices import SoldPrice
from connector.domain.terms import ProvisionKind
from connector.errors import Refused
from connector.ports import SubscriptionRequest
from tests.adapters.stigg_selling import CORE, CUSTOMER, ask, paths, server
from tests.contracts.stigg_subject import stigg_platform
from tests.stigg_server import StiggServer

__all__ = ["server"]

PLAN = SoldPrice(ProvisionKind.PLAN, "plan-core", Decimal("12000"), 12, minimum=Decimal("15000"))
SEAT = SoldPrice(ProvisionKind.ENTITLEMENT, "feature-seats", Decimal("0.0061"), 12)


@pytest.fixture
def priced(server: StiggServer, clock: FixedClock) -> Iterator[StiggPlatform]:
    """The adapter with prices switched on."""
    found = stigg_platform(server, clock, writes_prices=True)
    found.upsert_customer(key="customer-1", customer=CUSTOMER)
    server.calls.clear()
    yield found
    found.close()


def _ask(*prices: SoldPrice, currency: str = "EUR") -> SubscriptionRequest:
    return replace(ask(replace(CORE, prices=prices)), currency=currency)


def test_prices_and_the_minimum_are_written_to_the_last_digit(server: StiggServer, priced: StiggPlatform) -> None:
    priced.grant(requests=[_ask(PLAN, SEAT)])
    priced.grant(requests=[_ask(PLAN, SEAT)])

    sold = server.changes()[0].body["subscriptions"][0]["newSubscription"]
    assert sold["billingPeriod"] == "ANNUALLY"
    assert sold["priceOverrides"] == [
        {"baseCharge": True, "amount": 12000, "currency": "eur"},
        {"featureId": "feature-seats", "amount": Decimal("0.0061"), "currency": "eur"},
    ]
    assert sold["minimumSpend"] == {"amount": 15000, "currency": "eur"}
    assert paths(server) == ["POST /contracts"], "the same again changes nothing"


def test_another_price_and_a_minimum_that_ended_change_the_subscription(
    server: StiggServer, priced: StiggPlatform
) -> None:
    priced.grant(requests=[_ask(PLAN, SEAT)])

    priced.grant(requests=[_ask(replace(PLAN, minimum=Decimal(0)), replace(SEAT, amount=Decimal("0.005")))])

    change = server.changes()[-1]
    assert (change.method, change.body["minimumSpend"]) == ("PATCH", None)
    assert [one["amount"] for one in change.body["priceOverrides"]] == [12000, Decimal("0.005")]


@pytest.mark.parametrize(
    ("prices", "currency", "says"),
    [
        ((replace(PLAN, unsaid="free months"),), "EUR", "free months"),
        ((PLAN, replace(SEAT, months=1)), "EUR", "1 months beside one of 12"),
        ((replace(PLAN, months=3),), "EUR", "3 months"),
        ((replace(PLAN, amount=Decimal("0.12345678901234567891")),), "EUR", "so many digits"),
        ((PLAN,), "BHD", "currency"),
    ],
    ids=["unsaid", "two periods", "quarterly", "too many digits", "unknown currency"],
)
def test_a_price_that_stigg_cannot_say_is_refused_before_anything_is_made(
    prices: tuple[SoldPrice, ...], currency: str, says: str, server: StiggServer, priced: StiggPlatform
) -> None:
    with pytest.raises(Refused, match=says):
        priced.grant(requests=[_ask(*prices, currency=currency)])

    assert server.subscriptions.held == {}


def test_prices_are_not_written_unless_the_settings_say_so(server: StiggServer, clock: FixedClock) -> None:
    platform = stigg_platform(server, clock)
    platform.upsert_customer(key="customer-1", customer=CUSTOMER)

    platform.grant(requests=[_ask(PLAN, SEAT)])

    assert "priceOverrides" not in server.changes()[-1].body["subscriptions"][0]["newSubscription"]
    platform.close()
