"""Recurring credits of the embedded platform: time travel over years, each grant once, unused ones end, a ledger."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.adapters.clock import FixedClock
from connector.adapters.entitlements_embedded import EmbeddedPlatform
from connector.adapters.usage_embedded import EmbeddedUsage
from connector.domain.credit_grants import granted_in_all, period_from
from connector.domain.credits import LedgerKind
from connector.domain.entitlements import AccessWanted, CustomPlan, Grant, PlanEntitlement
from connector.domain.periods import add_months
from connector.domain.terms import Cadence, Customer, ProvisionKind
from connector.domain.usage import Reach, UsageEvent
from connector.granting_embedded import embedded_platform, embedded_usage
from connector.ports import SubscriptionRequest
from connector.store.platform import PlatformStore
from connector.store.tables import metadata
from connector.store.tables_platform import platform_ledger
from connector.store.unit_of_work import Database
from connector.usecases.grant_scheduled import grant_due_credits

_AI = "cred-type-ai"
_PLAN = CustomPlan(
    "plan-credits",
    "product-a",
    (PlanEntitlement(_AI, ProvisionKind.CREDIT, is_variable=True, is_optional=True),),
)


@dataclass
class Bank:
    """One subscription with credits, and a clock."""

    database: Database
    clock: FixedClock
    platform: EmbeddedPlatform
    usage: EmbeddedUsage
    customer: str
    wanted: AccessWanted

    def grant(self, amount: str, **changes: Any) -> None:
        """Sell that amount each time."""
        credit = replace(self.wanted.grants[0], value=Decimal(amount))
        self.wanted = replace(self.wanted, grants=(credit,), **changes)
        request = SubscriptionRequest("s-1", self.customer, "contract-1", self.wanted)
        self.platform.grant(requests=[request])

    def come(self, day: date) -> int:
        """Time passes until that day and the job runs."""
        self.clock.advance(datetime.combine(day, time(), tzinfo=UTC) - self.clock.now())
        return grant_due_credits(rows=PlatformStore(self.database), clock=self.clock)

    def use(self, units: str, key: str) -> None:
        """Credits are used now."""
        event = UsageEvent(self.customer, key, _AI, Decimal(units), self.clock.now())
        self.usage.report(events=[event], reach=Reach())

    def entries(self, kind: LedgerKind) -> list[tuple[str, Decimal]]:
        """Day and amount of all entries of a kind, oldest first."""
        with self.database.reading() as connection:
            query = sa.select(platform_ledger).where(platform_ledger.c.kind == kind.value)
            rows = connection.execute(query.order_by(platform_ledger.c.position)).all()
        return [(row.effective_at.date().isoformat(), row.amount) for row in rows]

    def balance(self) -> Decimal:
        """What is left."""
        (found,) = self.usage.fetch_credit_balances(customer_ref=self.customer)
        return found.balance


def make_bank(
    database: Database, start: date, end: date, *, amount: str = "100", cadence: Cadence = Cadence.MONTH
) -> Bank:
    clock = FixedClock(datetime.combine(start, time(), tzinfo=UTC))
    platform = embedded_platform(database=database, clock=clock, plans=[_PLAN])
    usage = embedded_usage(database=database, clock=clock, platform=platform)
    customer = platform.upsert_customer(key="customer-1", customer=Customer(ref="001A", name="Acme"))
    credit = Grant(_AI, ProvisionKind.CREDIT, Decimal(amount), cadence=cadence)
    bank = Bank(
        database, clock, platform, usage, customer, AccessWanted("plan-credits", "product-a", start, end, (credit,))
    )
    bank.grant(amount)
    return bank


def test_three_years_from_31_january_have_a_grant_at_the_end_of_each_month(database: Database) -> None:
    bank = make_bank(database, date(2027, 1, 31), date(2030, 1, 31))

    day = date(2027, 1, 31)
    while day < date(2030, 3, 1):
        bank.come(day)
        day += timedelta(days=11)

    days = [on for on, _amount in bank.entries(LedgerKind.GRANTED)]
    assert len(days) == 36
    assert days[:4] == ["2027-01-31", "2027-02-28", "2027-03-31", "2027-04-30"]
    assert days[12:15] == ["2028-01-31", "2028-02-29", "2028-03-31"]
    assert days[-1] == "2029-12-31"
    assert bank.balance() == 0, "the last ones ended with the subscription"


def test_yearly_credits_from_29_february_come_on_the_last_of_february(database: Database) -> None:
    bank = make_bank(database, date(2028, 2, 29), date(2033, 2, 28), cadence=Cadence.YEAR)

    bank.come(date(2033, 6, 1))

    assert [on for on, _amount in bank.entries(LedgerKind.GRANTED)] == [
        "2028-02-29", "2029-02-28", "2030-02-28", "2031-02-28", "2032-02-29",
    ]  # fmt: skip


def test_downtime_of_months_loses_and_doubles_nothing(database: Database) -> None:
    bank = make_bank(database, date(2026, 1, 31), date(2027, 1, 31))

    made = bank.come(date(2026, 8, 15))

    granted, expired = bank.entries(LedgerKind.GRANTED), bank.entries(LedgerKind.EXPIRED)
    assert [on for on, _amount in granted] == [
        "2026-01-31", "2026-02-28", "2026-03-31", "2026-04-30", "2026-05-31", "2026-06-30", "2026-07-31",
    ]  # fmt: skip
    assert [(on, amount) for on, amount in expired] == [(on, Decimal(-100)) for on, _amount in granted[1:]]
    assert made == 12
    assert bank.come(date(2026, 8, 15)) == 0
    assert bank.balance() == 100


def test_two_processes_at_once_grant_once(database: Database) -> None:
    bank = make_bank(database, date(2026, 1, 31), date(2027, 1, 31))
    bank.clock.advance(timedelta(days=200))

    with ThreadPoolExecutor(4) as threads:
        runs = [threads.submit(grant_due_credits, rows=PlatformStore(database), clock=bank.clock) for _ in range(8)]
        for run in runs:
            run.result()

    days = [on for on, _amount in bank.entries(LedgerKind.GRANTED)]
    assert len(days) == len(set(days)) == 7
    assert bank.balance() == 100


def test_what_is_unused_ends_at_the_next_grant(sqlite_database: Database) -> None:
    bank = make_bank(sqlite_database, date(2026, 1, 1), date(2027, 1, 1))
    bank.use("30", "one")

    bank.come(date(2026, 2, 1))

    assert bank.entries(LedgerKind.EXPIRED) == [("2026-02-01", Decimal(-70))]
    assert bank.balance() == 100


def test_what_was_used_beyond_the_balance_is_settled_by_the_next_grant(sqlite_database: Database) -> None:
    bank = make_bank(sqlite_database, date(2026, 1, 1), date(2027, 1, 1))
    bank.use("130", "one")
    assert bank.balance() == -30

    bank.come(date(2026, 2, 1))

    assert bank.entries(LedgerKind.EXPIRED) == []
    assert bank.balance() == 70


def test_more_credits_sold_within_a_period_are_granted_at_once_fewer_from_the_next_one(
    sqlite_database: Database,
) -> None:
    bank = make_bank(sqlite_database, date(2026, 1, 1), date(2027, 1, 1))

    bank.clock.advance(timedelta(days=10))
    bank.grant("150")
    assert bank.balance() == 150
    bank.grant("40")
    assert bank.balance() == 150
    bank.come(date(2026, 2, 1))

    assert bank.balance() == 40
    assert bank.entries(LedgerKind.GRANTED) == [
        ("2026-01-01", Decimal(100)), ("2026-01-11", Decimal(50)), ("2026-02-01", Decimal(40)),
    ]  # fmt: skip


def test_a_longer_term_goes_on_granting(sqlite_database: Database) -> None:
    bank = make_bank(sqlite_database, date(2026, 1, 1), date(2026, 3, 1))
    bank.grant("100", ends_on=date(2026, 5, 1))

    bank.come(date(2026, 9, 1))

    assert len(bank.entries(LedgerKind.GRANTED)) == 4


def test_the_ledger_is_never_changed_and_its_balance_is_its_sum(database: Database) -> None:
    bank = make_bank(database, date(2026, 1, 1), date(2027, 1, 1))
    bank.use("12.5", "one")
    bank.come(date(2026, 4, 1))

    ledger = bank.usage.fetch_credit_ledger(customer_ref=bank.customer, credit_ref=_AI, limit=100)
    running = Decimal(0)
    for entry in reversed(ledger.entries):
        running += entry.amount
        assert entry.balance == running
    refused = pytest.raises(sa.exc.DatabaseError, match="never changed or deleted")
    with refused, database.unit_of_work() as work:
        work.execute(platform_ledger.update().values(amount=Decimal(1)))


def test_a_ledger_is_read_in_pages(sqlite_database: Database) -> None:
    bank = make_bank(sqlite_database, date(2026, 1, 1), date(2027, 1, 1))
    bank.come(date(2026, 6, 1))

    first = bank.usage.fetch_credit_ledger(customer_ref=bank.customer, credit_ref=_AI, limit=7)
    rest = bank.usage.fetch_credit_ledger(customer_ref=bank.customer, credit_ref=_AI, after=first.next_after, limit=7)

    refs = [entry.entry_ref for entry in (*first.entries, *rest.entries)]
    assert refs == [str(number) for number in range(11, 0, -1)]
    assert rest.next_after == ""


@given(
    start=st.dates(date(2023, 1, 1), date(2032, 12, 31)),
    days=st.integers(1, 1400),
    cadence=st.sampled_from(Cadence),
    amount=st.integers(1, 10**9),
    on=st.integers(-10, 1500),
)
def test_the_sum_of_grants_is_the_closed_form(start: date, days: int, cadence: Cadence, amount: int, on: int) -> None:
    end, day = start + timedelta(days=days), start + timedelta(days=on)
    months = 1 if cadence is Cadence.MONTH else 12
    grants = 0
    number = 0
    while (due := add_months(start, months=number * months)) < end and due <= day:
        grants += 1
        number += 1

    found = granted_in_all(amount=Decimal(amount), anchor_on=start, ends_on=end, cadence=cadence, on=day)

    assert found == Decimal(amount) * grants


@settings(max_examples=12, deadline=None)
@given(
    start=st.dates(date(2026, 1, 1), date(2028, 12, 31)),
    days=st.integers(20, 900),
    looks=st.lists(st.integers(0, 1000), max_size=6),
    cadence=st.sampled_from(Cadence),
)
def test_whenever_the_job_runs_what_was_granted_is_the_closed_form(
    tmp_path_factory: pytest.TempPathFactory, start: date, days: int, looks: list[int], cadence: Cadence
) -> None:
    database = _fresh(tmp_path_factory)
    end = start + timedelta(days=days)
    bank = make_bank(database, start, end, cadence=cadence)

    for look in sorted(looks):
        bank.come(start + timedelta(days=look))
    last = bank.clock.now().date()

    total = sum((amount for _on, amount in bank.entries(LedgerKind.GRANTED)), Decimal(0))
    assert total == granted_in_all(amount=Decimal(100), anchor_on=start, ends_on=end, cadence=cadence, on=last)
    period = period_from(anchor_on=start, cadence=cadence, day=min(last, end - timedelta(days=1)))
    assert bank.balance() == (0 if last >= min(end, period.end) else 100)
    database.dispose()


def _fresh(factory: pytest.TempPathFactory) -> Database:
    database = Database(f"sqlite:///{factory.mktemp('credits') / 'credits.db'}")
    metadata.create_all(database.writer)
    return database
