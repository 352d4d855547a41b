"""What tests of the Stigg adapter sell: three plans on the stand-in, one customer, and the requests for them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from connector.adapters.clock import FixedClock
from connector.adapters.entitlements_stigg import StiggPlatform
from connector.domain.entitlements import AccessWanted, CustomPlan, FeatureKind, Grant, PlanEntitlement, ResetPeriod
from connector.domain.terms import Cadence, Customer, ProvisionKind
from connector.ports import SubscriptionRequest
from tests.contracts.stigg_subject import stigg_platform, stigg_server
from tests.stigg_server import StiggServer

ENTITLEMENT, CREDIT = ProvisionKind.ENTITLEMENT, ProvisionKind.CREDIT
# The clock of the tests stands at 2 March 2026, so what starts here is in force.
START, END = date(2026, 3, 1), date(2027, 3, 1)
CUSTOMER = Customer(ref="0015g00000PqRsTAAV", name="Halvorsen Robotics AS", email="ap@halvorsen.example")
PLANS = (
    CustomPlan(
        "plan-core",
        "product-core",
        (
            PlanEntitlement("feature-seats", ENTITLEMENT, is_variable=True),
            PlanEntitlement(
                "feature-calls",
                ENTITLEMENT,
                is_variable=True,
                is_optional=True,
                has_soft_limit=True,
                reset_period=ResetPeriod.MONTH,
            ),
            PlanEntitlement(
                "feature-sso", ENTITLEMENT, is_variable=False, value=Decimal(1), feature_kind=FeatureKind.BOOLEAN
            ),
            PlanEntitlement("cred-type-ai", CREDIT, is_variable=True, is_optional=True),
        ),
    ),
    CustomPlan("plan-max", "product-core", (PlanEntitlement("feature-seats", ENTITLEMENT, is_variable=True),)),
    CustomPlan("plan-support", "product-support"),
)
SEATS = Grant("feature-seats", ENTITLEMENT, Decimal(40))
SSO = Grant("feature-sso", ENTITLEMENT, Decimal(1))
CALLS = Grant("feature-calls", ENTITLEMENT, Decimal(250_000), has_soft_limit=True, reset_period=ResetPeriod.MONTH)
CREDITS = Grant("cred-type-ai", CREDIT, Decimal(90_000), cadence=Cadence.YEAR)
CORE = AccessWanted("plan-core", "product-core", START, END, (SEATS, CALLS, SSO, CREDITS))
SUPPORT = AccessWanted("plan-support", "product-support", START, END, ())


def ask(
    access: AccessWanted = CORE, *, key: str = "subscription-1", contract: str = "contract-1"
) -> SubscriptionRequest:
    """A request for the customer that `customer-1` makes."""
    return SubscriptionRequest(
        key=key, customer_ref="customer-1", contract_ref=contract, wanted=access, salesforce_id="0Q05g000000ABCDEA2"
    )


def more_seats(count: int = 80) -> AccessWanted:
    """The same with more seats, and a year longer."""
    grants = (replace(SEATS, value=Decimal(count)), CALLS, SSO, CREDITS)
    return replace(CORE, grants=grants, ends_on=date(2028, 3, 1))


@pytest.fixture
def server(clock: FixedClock) -> Iterator[StiggServer]:
    """A stand-in that sells PLANS and has the customer."""
    found = stigg_server(PLANS, clock, add_ons={"plan-support": "addon-priority"})
    found.catalogue.booleans.add("feature-sso")
    found.start()
    yield found
    found.stop()


@pytest.fixture
def platform(server: StiggServer, clock: FixedClock) -> Iterator[StiggPlatform]:
    """The adapter on it."""
    found = stigg_platform(server, clock)
    found.upsert_customer(key="customer-1", customer=CUSTOMER)
    server.calls.clear()
    yield found
    found.close()


def paths(server: StiggServer, method: str = "") -> list[str]:
    """The changes that arrived, in order: method and path."""
    return [f"{call.method} {call.path}" for call in server.changes() if method in ("", call.method)]


def counts(server: StiggServer) -> tuple[int, int, int]:
    """Customers, contracts, subscriptions that exist in Stigg."""
    return len(server.subscriptions.customers), len(server.contracts.agreed), len(server.subscriptions.held)
