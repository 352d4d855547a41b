"""Counters of the embedded platform start again each hour, day, week, month, year: by the subscription or calendar."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from connector.adapters.clock import FixedClock
from connector.adapters.usage_embedded import EmbeddedUsage
from connector.domain.entitlements import (
    AccessWanted,
    CustomPlan,
    EntitlementState,
    Grant,
    PlanEntitlement,
    ResetPeriod,
)
from connector.domain.terms import Customer, ProvisionKind
from connector.domain.usage import Reach, UsageEvent
from connector.granting_embedded import embedded_platform, embedded_usage
from connector.ports import SubscriptionRequest
from connector.store.unit_of_work import Database

_CALLS = "feature-calls"
# A Wednesday, so that weeks by the subscription and by the calendar differ.
_STARTS = date(2026, 3, 4)


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


class Meter:
    """One customer with a limit of 100 that starts again."""

    def __init__(self, database: Database, reset: ResetPeriod | None, *, by_calendar: bool = False) -> None:
        self.clock = FixedClock(_at("2026-03-04T00:00"))
        entitlement = PlanEntitlement(
            _CALLS, ProvisionKind.ENTITLEMENT, is_variable=True, reset_period=reset, resets_with_calendar=by_calendar
        )
        plan = CustomPlan("plan-a", "product-a", (entitlement,))
        platform = embedded_platform(database=database, clock=self.clock, plans=[plan])
        self.usage: EmbeddedUsage = embedded_usage(database=database, clock=self.clock, platform=platform)
        self.customer = platform.upsert_customer(key="customer-1", customer=Customer(ref="001A", name="Acme"))
        grant = Grant(_CALLS, ProvisionKind.ENTITLEMENT, Decimal(100), reset_period=reset)
        sold = AccessWanted("plan-a", "product-a", _STARTS, date(2029, 3, 4), (grant,))
        platform.grant(requests=[SubscriptionRequest("s-1", self.customer, "contract-1", sold)])

    def use(self, at: str) -> None:
        """All of the limit is used at that instant."""
        self.come(at)
        event = UsageEvent(self.customer, at, _CALLS, Decimal(100), self.clock.now())
        self.usage.report(events=[event], reach=Reach())

    def come(self, at: str) -> None:
        """Time passes."""
        self.clock.advance(_at(at) - self.clock.now())

    def state(self) -> EntitlementState:
        """What may be used now."""
        (found,) = self.usage.fetch_entitlements(customer_ref=self.customer)
        return found


@pytest.mark.parametrize(
    ("reset", "by_calendar", "used_at", "last", "first"),
    [
        (ResetPeriod.HOUR, False, "2026-03-10T10:00", "2026-03-10T10:59:59", "2026-03-10T11:00"),
        (ResetPeriod.DAY, False, "2026-03-10T00:00", "2026-03-10T23:59:59", "2026-03-11T00:00"),
        (ResetPeriod.WEEK, False, "2026-03-11T00:00", "2026-03-17T23:59:59", "2026-03-18T00:00"),
        (ResetPeriod.WEEK, True, "2026-03-09T00:00", "2026-03-15T23:59:59", "2026-03-16T00:00"),
        (ResetPeriod.MONTH, False, "2026-04-04T00:00", "2026-05-03T23:59:59", "2026-05-04T00:00"),
        (ResetPeriod.MONTH, True, "2026-04-01T00:00", "2026-04-30T23:59:59", "2026-05-01T00:00"),
        (ResetPeriod.YEAR, False, "2026-03-04T00:00", "2027-03-03T23:59:59", "2027-03-04T00:00"),
        (ResetPeriod.YEAR, True, "2026-03-04T00:00", "2026-12-31T23:59:59", "2027-01-01T00:00"),
    ],
)
def test_a_counter_starts_again_at_the_first_instant_of_its_period(
    sqlite_database: Database, reset: ResetPeriod, by_calendar: bool, used_at: str, last: str, first: str
) -> None:
    meter = Meter(sqlite_database, reset, by_calendar=by_calendar)
    meter.use(used_at)

    meter.come(last)
    used_up = meter.state()
    meter.come(first)
    anew = meter.state()

    assert (used_up.used, used_up.left, used_up.reason) == (100, 0, "The limit is used up.")
    assert used_up.period_ends_at == _at(first)
    assert (anew.used, anew.left, anew.reason) == (0, 100, "")


def test_usage_just_before_the_period_does_not_count_in_it(sqlite_database: Database) -> None:
    meter = Meter(sqlite_database, ResetPeriod.WEEK)
    meter.use("2026-03-10T23:59:59")
    meter.come("2026-03-11T00:00")

    assert meter.state().used == 0


def test_a_counter_without_reset_never_starts_again(sqlite_database: Database) -> None:
    meter = Meter(sqlite_database, None)
    meter.use("2026-03-10T10:00")
    meter.come("2028-03-10T10:00")

    assert (meter.state().used, meter.state().period_ends_at) == (100, None)
