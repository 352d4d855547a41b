"""A worker is killed around every create of the embedded platform, before it and after it: there is never a second one.

The creates are a customer, its subscriptions with the first grant of credits, and each commit that records one. Another
worker finishes what was begun; what the platform then has is compared with a run that nobody disturbed.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa

from connector.adapters.clock import FixedClock
from connector.domain.entitlements import AccessWanted, CustomPlan, Grant, PlanEntitlement
from connector.domain.terms import Cadence, Customer, ProvisionKind
from connector.granting_embedded import embedded_platform
from connector.ports import SubscriptionRequest
from connector.store.platform import PlatformStore
from connector.store.tables_platform import platform_balances, platform_customers, platform_ledger
from connector.store.unit_of_work import Database
from tests.crash.conftest import Workers
from tests.crash.place import Place
from tests.crash.processes import wait_until

pytestmark = pytest.mark.crash

_SOLD = (
    ("PLATFORM", "1", "1000"),
    ("SEAT", "50", "24"),
    ("CREDIT-AI", "10000", "0.01", {"Credit_Cadence__c": "Month"}),
    ("SUPPORT", "1", "500"),
)
# Long ago, so that every grant of the year is due whenever the test runs.
_STARTS, _ENDS = date(2025, 1, 31), date(2026, 1, 31)
_AI = "cred-type-ai"
_PLAN = CustomPlan("plan-credits", "product-credits", (PlanEntitlement(_AI, ProvisionKind.CREDIT, is_variable=True),))
_CREATES = ("upsert_customer", "grant")


def test_a_kill_around_any_create_of_the_platform_makes_nothing_twice(
    new_sqlite: Callable[[], Database], workers: Workers
) -> None:
    quiet = _run(new_sqlite(), workers, kill_at=0)
    kills = _points(quiet["points"])

    assert quiet["there"]["customers"] == 1
    assert len(quiet["end"]["subscriptions there"]) == 2
    assert quiet["there"]["ledger"][0] == ("granted", datetime(2026, 4, 1, tzinfo=UTC), Decimal(10_000))
    assert {name for _at, name in kills} >= {"before commit", "after commit"}
    for kill_at, name in kills:
        disturbed = _run(new_sqlite(), workers, kill_at=kill_at)
        assert disturbed["was_killed"], name
        assert disturbed["there"] == quiet["there"], f"killed at {kill_at} {name}"
        assert disturbed["end"] == quiet["end"], f"killed at {kill_at} {name}"


def test_a_kill_while_recurring_credits_are_granted_grants_nothing_twice(
    new_sqlite: Callable[[], Database], workers: Workers
) -> None:
    quiet = _grant_for_months(new_sqlite(), workers, kill_at=0)

    for kill_at in (1, 2):
        disturbed = _grant_for_months(new_sqlite(), workers, kill_at=kill_at)
        assert disturbed["points"][-1].endswith(("before commit", "after commit"))
        assert disturbed["there"] == quiet["there"]
    assert [entry[0] for entry in quiet["there"]["ledger"][:3]] == ["granted", "expired", "granted"]
    assert len({at for kind, at, _amount in quiet["there"]["ledger"] if kind == "granted"}) == 12


def _grant_for_months(database: Database, workers: Workers, *, kill_at: int) -> dict[str, Any]:
    """A year's subscription that was made when it began, and a worker that finds all later grants due."""
    begun = FixedClock(datetime.combine(_STARTS, time(), tzinfo=UTC))
    platform = embedded_platform(database=database, clock=begun, plans=[_PLAN])
    customer = platform.upsert_customer(key="customer-1", customer=Customer(ref="001A", name="Acme"))
    credit = Grant(_AI, ProvisionKind.CREDIT, Decimal(100), cadence=Cadence.MONTH)
    sold = AccessWanted(_PLAN.ref, _PLAN.product_ref, _STARTS, _ENDS, (credit,))
    platform.grant(requests=[SubscriptionRequest("s-1", customer, "contract-1", sold)])
    place = Place(database)
    place.settings["jobs"]["credits"] = 1
    try:
        first = workers.start(place.settings, jobs=("credits",), kill_in="credits", kill_at=kill_at)
        wait_until(lambda: first.has_ended() or not _due(database), "the first worker was killed or is done")
        if kill_at:
            wait_until(first.has_ended, "the first worker was killed")
            assert first.ended == -9, first.said()
            place.let_time_pass()
            second = workers.start(place.settings, jobs=("credits", "watchdog"))
            wait_until(lambda: not _due(database), "all grants are booked")
            second.kill()
        first.kill()
        return {"points": first.points(), "there": _there(database)}
    finally:
        place.close()
        database.dispose()


def _due(database: Database) -> list[str]:
    return PlatformStore(database).due_subscriptions(today=_ENDS, limit=1)


def _points(reached: list[str]) -> list[tuple[int, str]]:
    """Where to kill: before and after the platform's own commit of each create, and when we have recorded it."""
    names = [line.partition(" ")[2] for line in reached]
    found: list[tuple[int, str]] = []
    for create in _CREATES:
        start, end = names.index(f"before {create}"), names.index(f"after {create}")
        recorded = names.index("after commit", end)
        found += [(at + 1, names[at]) for at in (*range(start + 1, end), recorded)]
    return found


def _run(database: Database, workers: Workers, *, kill_at: int) -> dict[str, Any]:
    place = Place(database)
    try:
        deal = place.seller.quote(_SOLD)
        place.push(deal)
        first = workers.start(place.settings, kill_in="look", kill_at=kill_at)
        wait_until(lambda: first.has_ended() or place.is_at_rest(1), "the first worker was killed or is done")
        was_killed = first.has_ended()
        if was_killed:
            assert first.ended == -9, first.said()
            place.let_time_pass()
            second = workers.start(place.settings)
            place.await_end(first, second, deals=1)
            second.kill()
        first.kill()
        found = {"end": place.end_state(deal), "was_killed": was_killed, "points": first.points()}
        return found | {"there": _there(database)}
    finally:
        place.close()
        database.dispose()


def _there(database: Database) -> dict[str, Any]:
    """How many customers there are, and every movement of credits."""
    with database.reading() as connection:
        customers = connection.execute(sa.select(sa.func.count()).select_from(platform_customers)).scalar_one()
        rows = connection.execute(sa.select(platform_ledger).order_by(platform_ledger.c.position)).all()
        (balance,) = connection.execute(sa.select(platform_balances.c.balance)).scalars()
    assert balance == sum(row.amount for row in rows)
    return {"customers": customers, "ledger": [(row.kind, row.effective_at, row.amount) for row in rows]}
