"""What every entitlement platform promises: keyed creates, grants as sold, refusals that name the reason.

Each platform is one way to make a `Subject`; a new one is a further parameter of the fixture, and must have the plans
of `PLANS` before the test starts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

import pytest
import sqlalchemy as sa

from connector.adapters.clock import FixedClock
from connector.domain.entitlements import (
    AccessWanted,
    CustomPlan,
    Grant,
    PlanEntitlement,
    access_differences,
)
from connector.domain.terms import Address, Cadence, Customer, ProvisionKind
from connector.errors import Refused
from connector.granting_embedded import embedded_platform
from connector.ports import EntitlementPlatform, SubscriptionRequest
from connector.store.tables_platform import platform_customers, platform_subscriptions
from connector.store.unit_of_work import Database
from tests.conftest import NOW
from tests.contracts.stigg_subject import stigg_platform, stigg_server

ENTITLEMENT, CREDIT = ProvisionKind.ENTITLEMENT, ProvisionKind.CREDIT
START, END = date(2026, 4, 1), date(2027, 4, 1)
PLANS = (
    CustomPlan(
        "plan-platform",
        "product-platform",
        (
            PlanEntitlement("feature-seats", ENTITLEMENT, is_variable=True),
            PlanEntitlement("feature-storage", ENTITLEMENT, is_variable=False, value=Decimal(100)),
            PlanEntitlement("cred-type-ai", CREDIT, is_variable=True, is_optional=True),
        ),
    ),
    CustomPlan(
        "plan-enterprise",
        "product-platform",
        (PlanEntitlement("feature-seats", ENTITLEMENT, is_variable=True),),
    ),
    CustomPlan("plan-support", "product-support"),
    CustomPlan("plan-draft", "product-draft", is_published=False),
)
CUSTOMER = Customer(ref="0015g00000PqRsTAAV", name="Halvorsen Robotics AS", email="ap@halvorsen.example")
SEATS = Grant("feature-seats", ENTITLEMENT, Decimal(50))
STORAGE = Grant("feature-storage", ENTITLEMENT, Decimal(100))
CREDITS = Grant("cred-type-ai", CREDIT, Decimal(10_000), cadence=Cadence.MONTH)


@dataclass
class Subject:
    """One platform under test; the counts and the name are asked behind its back, where the port has no question."""

    platform: EntitlementPlatform
    customers: Callable[[], list[str]]
    subscriptions: Callable[[], int]


@pytest.fixture(params=["embedded sqlite", "embedded postgresql", "stigg", "stigg without contracts"])
def subject(request: pytest.FixtureRequest) -> Iterator[Subject]:
    """Every platform in turn; the embedded one on both kinds of database, Stigg with and without its contracts."""
    kind, _, variant = request.param.partition(" ")
    with contextmanager(_embedded if kind == "embedded" else _stigg)(request, variant) as found:
        yield found


def _stigg(_request: pytest.FixtureRequest, variant: str) -> Iterator[Subject]:
    clock = FixedClock(NOW)
    server = stigg_server(PLANS, clock, add_ons={"plan-support": "addon-priority"})
    server.catalogue.multiple.update({"product-platform", "product-support"})
    server.contracts.is_enabled = not variant
    server.start()
    platform = stigg_platform(server, clock)
    yield Subject(
        platform,
        lambda: [one["name"] for one in server.subscriptions.customers.values()],
        lambda: sum(one.is_open(NOW) and one.cancelled_at is None for one in server.subscriptions.held.values()),
    )
    platform.close()
    server.stop()


def _embedded(request: pytest.FixtureRequest, variant: str) -> Iterator[Subject]:
    database: Database = request.getfixturevalue(f"{variant}_database")

    def names() -> list[str]:
        with database.reading() as connection:
            return list(connection.execute(sa.select(platform_customers.c.name)).scalars())

    def count() -> int:
        with database.reading() as connection:
            return connection.execute(sa.select(sa.func.count()).select_from(platform_subscriptions)).scalar_one()

    clock = FixedClock(NOW)
    yield Subject(embedded_platform(database=database, clock=clock, plans=PLANS), names, count)


@pytest.fixture
def platform(subject: Subject) -> EntitlementPlatform:
    return subject.platform


@pytest.fixture
def customer(platform: EntitlementPlatform) -> str:
    """A customer's ref."""
    return platform.upsert_customer(key="customer-1", customer=CUSTOMER)


def wanted(*grants: Grant, **changes: object) -> AccessWanted:
    base = AccessWanted("plan-platform", "product-platform", START, END, grants or (SEATS, STORAGE))
    return replace(base, **changes)  # type: ignore[arg-type]


def ask(
    customer: str, access: AccessWanted, *, key: str = "subscription-1", contract: str = "contract-1"
) -> SubscriptionRequest:
    return SubscriptionRequest(key=key, customer_ref=customer, contract_ref=contract, wanted=access)


def grant_one(platform: EntitlementPlatform, request: SubscriptionRequest) -> str:
    (ref,) = platform.grant(requests=[request])
    return ref


# Customers.


def test_the_same_key_is_the_same_customer(subject: Subject) -> None:
    first = subject.platform.upsert_customer(key="customer-1", customer=CUSTOMER)
    again = subject.platform.upsert_customer(key="customer-1", customer=CUSTOMER)

    assert first == again
    assert subject.customers() == [CUSTOMER.name]


def test_a_customers_new_name_replaces_the_old_one(subject: Subject, customer: str) -> None:
    renamed = replace(CUSTOMER, name="Halvorsen Group", billing_address=Address(city="Oslo"))

    again = subject.platform.upsert_customer(key="customer-1", customer=renamed)

    assert again == customer
    assert subject.customers() == ["Halvorsen Group"]


def test_another_key_is_another_customer_even_with_the_same_account_id(subject: Subject, customer: str) -> None:
    other = subject.platform.upsert_customer(key="customer-of-a-copied-org", customer=CUSTOMER)

    assert other != customer
    assert len(subject.customers()) == 2


def test_one_customer_made_by_many_at_once_is_one(subject: Subject) -> None:
    with ThreadPoolExecutor(8) as threads:
        made = [
            threads.submit(subject.platform.upsert_customer, key="customer-1", customer=CUSTOMER) for _ in range(16)
        ]
        refs = {future.result() for future in made}

    assert len(refs) == 1
    assert len(subject.customers()) == 1


# Plans.


def test_a_plan_is_fetched_with_its_entitlements(platform: EntitlementPlatform) -> None:
    found = platform.fetch_plan(plan_ref="plan-platform")

    assert found is not None
    assert replace(found, version=0) == PLANS[0]


def test_a_plan_that_is_not_published_says_so(platform: EntitlementPlatform) -> None:
    found = platform.fetch_plan(plan_ref="plan-draft")

    assert found is not None
    assert not found.is_published


def test_there_is_no_plan_of_an_unknown_ref(platform: EntitlementPlatform) -> None:
    assert platform.fetch_plan(plan_ref="plan-nowhere") is None


# Grants.


@pytest.mark.parametrize(
    "access",
    [
        wanted(SEATS, STORAGE),
        wanted(replace(SEATS, value=None, is_unlimited=True), STORAGE),
        wanted(replace(SEATS, value=Decimal(0)), STORAGE),
        wanted(replace(SEATS, value=Decimal(999_999_999_999)), STORAGE),
        wanted(SEATS, replace(STORAGE, value=Decimal(250))),
        wanted(SEATS, STORAGE, CREDITS),
        wanted(SEATS, STORAGE, replace(CREDITS, cadence=Cadence.YEAR)),
        AccessWanted("plan-support", "product-support", START, END, (), (("addon-priority", Decimal(2)),)),
    ],
    ids=["negotiated", "unlimited", "zero", "large", "fixed replaced", "monthly credits", "yearly credits", "add-on"],
)
def test_what_is_fetched_after_a_grant_is_what_was_sold(
    platform: EntitlementPlatform, customer: str, access: AccessWanted
) -> None:
    ref = grant_one(platform, ask(customer, access))

    granted = platform.fetch_subscription(subscription_ref=ref)

    assert access_differences(wanted=access, granted=granted) == ()
    assert granted is not None
    assert granted.subscription_ref == ref
    assert granted.is_live


def test_the_same_key_again_answers_with_the_same_subscription(subject: Subject, customer: str) -> None:
    first = grant_one(subject.platform, ask(customer, wanted()))
    again = grant_one(subject.platform, ask(customer, wanted()))

    assert first == again
    assert subject.subscriptions() == 1


def test_one_subscription_made_by_many_at_once_is_one(subject: Subject, customer: str) -> None:
    with ThreadPoolExecutor(8) as threads:
        made = [threads.submit(grant_one, subject.platform, ask(customer, wanted())) for _ in range(16)]
        refs = {future.result() for future in made}

    assert len(refs) == 1
    assert subject.subscriptions() == 1


def test_changed_grants_change_the_subscription(subject: Subject, customer: str) -> None:
    first = grant_one(subject.platform, ask(customer, wanted(SEATS, STORAGE, CREDITS)))
    more = wanted(replace(SEATS, value=Decimal(80)), STORAGE, ends_on=date(2028, 4, 1))

    again = grant_one(subject.platform, ask(customer, more))

    assert again == first
    assert access_differences(wanted=more, granted=subject.platform.fetch_subscription(subscription_ref=first)) == ()
    assert subject.subscriptions() == 1


def test_another_plan_of_the_same_product_takes_the_place_of_the_first(subject: Subject, customer: str) -> None:
    grant_one(subject.platform, ask(customer, wanted()))
    upgrade = wanted(SEATS, plan_ref="plan-enterprise")

    again = grant_one(subject.platform, ask(customer, upgrade, key="subscription-2"))

    # Some platforms keep the subscription, others make a new one for another plan; either way one of them runs.
    assert subject.subscriptions() == 1
    assert access_differences(wanted=upgrade, granted=subject.platform.fetch_subscription(subscription_ref=again)) == ()
    assert (
        grant_one(subject.platform, replace(ask(customer, upgrade, key="subscription-2"), subscription_ref=again))
        == again
    )


def test_contracts_and_products_have_subscriptions_of_their_own(subject: Subject, customer: str) -> None:
    support = AccessWanted("plan-support", "product-support", START, END, ())

    refs = {
        grant_one(subject.platform, ask(customer, wanted())),
        grant_one(subject.platform, ask(customer, support, key="subscription-2")),
        grant_one(subject.platform, ask(customer, wanted(), key="subscription-3", contract="contract-2")),
    }

    assert len(refs) == subject.subscriptions() == 3


# Refusals: nothing is granted by halves.


@pytest.mark.parametrize(
    ("access", "says"),
    [
        (wanted(plan_ref="plan-nowhere"), "plan-nowhere"),
        (AccessWanted("plan-draft", "product-draft", START, END, ()), "plan-draft"),
        (wanted(STORAGE), "feature-seats"),
        (wanted(replace(SEATS, value=None), STORAGE), "feature-seats"),
        (wanted(SEATS), "feature-storage"),
        (wanted(SEATS, STORAGE, Grant("feature-sso", ENTITLEMENT, Decimal(1))), "feature-sso"),
        (wanted(SEATS, SEATS, STORAGE), "twice"),
        (wanted(replace(SEATS, value=Decimal(-1)), STORAGE), "-1"),
        (wanted(replace(SEATS, kind=CREDIT, cadence=Cadence.MONTH), STORAGE), "feature-seats"),
        (wanted(product_ref="product-support"), "product-support"),
        (wanted(ends_on=START), "before it starts"),
    ],
    ids=[
        "unknown plan",
        "plan not published",
        "missing variable value",
        "empty variable value",
        "missing fixed entitlement",
        "surplus grant",
        "doubled grant",
        "negative value",
        "wrong kind",
        "plan of another product",
        "no time at all",
    ],
)
def test_a_grant_that_does_not_fit_its_plan_is_refused_and_named(
    subject: Subject, customer: str, access: AccessWanted, says: str
) -> None:
    with pytest.raises(Refused, match=says):
        grant_one(subject.platform, ask(customer, access))

    assert subject.subscriptions() == 0


def test_a_refused_change_leaves_the_subscription_as_it_was(platform: EntitlementPlatform, customer: str) -> None:
    ref = grant_one(platform, ask(customer, wanted()))

    with pytest.raises(Refused):
        grant_one(platform, ask(customer, wanted(STORAGE)))

    assert access_differences(wanted=wanted(), granted=platform.fetch_subscription(subscription_ref=ref)) == ()


def test_a_subscription_of_an_unknown_customer_is_refused(subject: Subject) -> None:
    with pytest.raises(Refused, match="nobody"):
        grant_one(subject.platform, ask("nobody", wanted()))

    assert subject.subscriptions() == 0


def test_one_key_for_two_contracts_is_refused(subject: Subject, customer: str) -> None:
    grant_one(subject.platform, ask(customer, wanted()))

    with pytest.raises(Refused):
        grant_one(subject.platform, ask(customer, wanted(), contract="contract-2"))

    assert subject.subscriptions() == 1


# Ends.


def test_a_revoked_subscription_ends_on_its_day(platform: EntitlementPlatform, customer: str) -> None:
    ref = grant_one(platform, ask(customer, wanted()))

    platform.revoke_subscription(key="revoke-1", subscription_ref=ref, ends_on=date(2026, 9, 1))

    granted = platform.fetch_subscription(subscription_ref=ref)
    assert granted is not None
    assert granted.ends_on == date(2026, 9, 1)
    assert "end" in {difference.what for difference in access_differences(wanted=wanted(), granted=granted)}


def test_ending_twice_is_ending_once(platform: EntitlementPlatform, customer: str) -> None:
    ref = grant_one(platform, ask(customer, wanted()))

    for _ in range(2):
        platform.revoke_subscription(key="revoke-1", subscription_ref=ref, ends_on=date(2026, 9, 1))

    granted = platform.fetch_subscription(subscription_ref=ref)
    assert granted is not None
    assert granted.ends_on == date(2026, 9, 1)


def test_ending_what_is_not_there_is_refused(platform: EntitlementPlatform) -> None:
    with pytest.raises(Refused, match="nowhere"):
        platform.revoke_subscription(key="revoke-1", subscription_ref="nowhere", ends_on=date(2026, 9, 1))


def test_a_revoked_subscription_that_is_sold_again_is_live_again(platform: EntitlementPlatform, customer: str) -> None:
    ref = grant_one(platform, ask(customer, wanted()))
    platform.revoke_subscription(key="revoke-1", subscription_ref=ref, ends_on=date(2026, 9, 1))

    grant_one(platform, ask(customer, wanted()))

    assert access_differences(wanted=wanted(), granted=platform.fetch_subscription(subscription_ref=ref)) == ()


def test_there_is_no_subscription_of_an_unknown_ref(platform: EntitlementPlatform) -> None:
    assert platform.fetch_subscription(subscription_ref="subscription-nowhere") is None
