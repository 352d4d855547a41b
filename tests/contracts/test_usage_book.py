"""What every usage book promises: exact units of half-open periods, a watermark, rights, balances and a ledger.

Each platform is one way to make a `Book`. What a platform cannot tell is in its `cannot`, with the reason; the tests
then ask that it says so, instead of something that looks like an answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from connector.adapters.clock import FixedClock
from connector.domain.credits import LedgerKind
from connector.domain.entitlements import AccessWanted, CustomPlan, Grant, PlanEntitlement
from connector.domain.periods import BillingPeriod
from connector.domain.terms import Cadence, Customer, ProvisionKind
from connector.domain.usage import Reach, UsageEvent, UsageGap, UsageQuestion, UsageReport
from connector.domain.usage_complete import incomplete_because
from connector.errors import ConnectorError
from connector.granting_embedded import embedded_platform, embedded_usage
from connector.ports import EntitlementPlatform, SubscriptionRequest, UsageBook, UsageDoor
from connector.store.unit_of_work import Database
from tests.conftest import NOW
from tests.contracts.stigg_subject import stigg_platform, stigg_server
from tests.stigg_server.credits import Use

_SEATS, _CALLS, _AI = "feature-seats", "feature-calls", "cred-type-ai"
_PLAN = CustomPlan(
    "plan-usage",
    "product-usage",
    (
        PlanEntitlement(_SEATS, ProvisionKind.ENTITLEMENT, is_variable=True),
        PlanEntitlement(_CALLS, ProvisionKind.ENTITLEMENT, is_variable=True),
        PlanEntitlement(_AI, ProvisionKind.CREDIT, is_variable=True),
    ),
)
_SOLD = AccessWanted(
    _PLAN.ref, _PLAN.product_ref, date(2026, 3, 1), date(2027, 3, 1),
    (
        Grant(_SEATS, ProvisionKind.ENTITLEMENT, None, is_unlimited=True),
        Grant(_CALLS, ProvisionKind.ENTITLEMENT, Decimal(1000)),
        Grant(_AI, ProvisionKind.CREDIT, Decimal(500), cadence=Cadence.MONTH),
    ),
)  # fmt: skip
_MARCH = BillingPeriod(date(2026, 3, 1), date(2026, 4, 1))
_APRIL = BillingPeriod(date(2026, 4, 1), date(2026, 5, 1))
_SILENCE = timedelta(days=14)
# What Stigg cannot tell, and what stands in its place.
_STIGG_CANNOT = {
    "zero": "a counter without readings is unknown, not zero",
    "vouching": "nobody can declare a period complete; its data is taken to reach until an hour ago",
    "gaps": "missing stretches cannot be told",
    "running balance": "its ledger has no balance after each movement",
    "next grant": "an effective credit does not say when the next grant comes",
}


@dataclass
class Book:
    """One platform under test, a customer with a subscription on it, and the hand that reports usage."""

    usage: UsageBook
    platform: EntitlementPlatform
    clock: FixedClock
    cannot: Mapping[str, str]
    door: UsageDoor | None
    write: Callable[[str, str, Decimal], None]
    customer: str = ""

    def use(self, ref: str, units: str, at: str) -> None:
        """The customer uses so much of a feature or credit at that instant, which becomes now."""
        self.come(at)
        self.write(self.customer, ref, Decimal(units))

    def come(self, at: str) -> None:
        """Time passes until that instant (UTC)."""
        self.clock.advance(datetime.fromisoformat(at).replace(tzinfo=UTC) - self.clock.now())

    def ask(self, *periods: BillingPeriod, feature: str = _CALLS, customer: str = "") -> tuple[UsageReport, ...]:
        """The reports of these periods."""
        whose = customer or self.customer
        return self.usage.fetch_usage(questions=[UsageQuestion(whose, feature, period) for period in periods])


@pytest.fixture(params=["embedded sqlite", "embedded postgresql", "stigg"])
def book(request: pytest.FixtureRequest) -> Iterator[Book]:
    """Every platform in turn, with one customer who has the plan."""
    kind, _, variant = request.param.partition(" ")
    with contextmanager(_embedded if kind == "embedded" else _stigg)(request, variant) as made:
        made.customer = made.platform.upsert_customer(key="customer-1", customer=Customer(ref="001A", name="Acme"))
        made.platform.grant(requests=[SubscriptionRequest("subscription-1", made.customer, "contract-1", _SOLD)])
        yield made


def _embedded(request: pytest.FixtureRequest, variant: str) -> Iterator[Book]:
    database: Database = request.getfixturevalue(f"{variant}_database")
    clock = FixedClock(NOW)
    platform = embedded_platform(database=database, clock=clock, plans=[_PLAN])
    usage = embedded_usage(database=database, clock=clock, platform=platform)

    def write(customer: str, ref: str, units: Decimal) -> None:
        event = UsageEvent(customer, f"{ref} {clock.now()} {units}", ref, units, clock.now())
        usage.report(events=[event], reach=Reach())

    yield Book(usage, platform, clock, {}, usage, write)


def _stigg(_request: pytest.FixtureRequest, _variant: str) -> Iterator[Book]:
    clock = FixedClock(NOW)
    server = stigg_server([_PLAN], clock)
    server.start()
    platform = stigg_platform(server, clock)
    counters: dict[str, Decimal] = {}

    def write(customer: str, ref: str, units: Decimal) -> None:
        if ref == _AI:
            server.credits.consumed.append(Use(customer, ref, clock.now(), units))
            return
        counters[ref] = counters.get(ref, Decimal(0)) + units
        server.credits.readings.append(Use(customer, ref, clock.now(), counters[ref]))

    yield Book(platform, platform, clock, _STIGG_CANNOT, None, write)
    platform.close()
    server.stop()


# Usage by feature and period.


def test_units_belong_to_half_open_periods_and_answers_come_in_the_order_asked(book: Book) -> None:
    for units, at in (("1200", "2026-03-10T10:00"), ("300.5", "2026-03-31T23:59"), ("77.25", "2026-04-01T00:00")):
        book.use(_CALLS, units, at)
    book.come("2026-04-02T00:00")

    reports = book.ask(_APRIL, _MARCH)

    assert [(one.question.period, one.units) for one in reports] == [
        (_APRIL, Decimal("77.25")), (_MARCH, Decimal("1500.5")),
    ]  # fmt: skip
    assert {one.question.feature_ref for one in reports} == {_CALLS}


def test_a_period_asked_alone_has_the_units_that_it_has_among_others(book: Book) -> None:
    book.use(_CALLS, "400", "2026-03-20T10:00")
    book.use(_CALLS, "25", "2026-04-03T10:00")

    (alone,) = book.ask(_APRIL)

    assert alone.units == Decimal(25)


def test_fractions_add_up_exactly(book: Book) -> None:
    for minute in range(3):
        book.use(_CALLS, "0.1", f"2026-03-10T10:0{minute}")

    (report,) = book.ask(_MARCH)

    assert report.units == Decimal("0.3")


def test_features_are_counted_apart(book: Book) -> None:
    book.use(_CALLS, "10", "2026-03-10T10:00")
    book.use(_SEATS, "3", "2026-03-10T11:00")

    assert [book.ask(_MARCH, feature=ref)[0].units for ref in (_CALLS, _SEATS)] == [Decimal(10), Decimal(3)]


def test_a_customer_who_used_nothing_has_zero_only_where_the_platform_can_say_zero(book: Book) -> None:
    (report,) = book.ask(_MARCH)

    assert report.units == (None if "zero" in book.cannot else Decimal(0))
    assert report.last_event_at is None


def test_a_customer_whom_the_platform_does_not_know_is_refused_and_named(book: Book) -> None:
    with pytest.raises(ConnectorError, match="nobody"):
        book.ask(_MARCH, customer="nobody")


def test_a_feature_that_was_never_reported_is_never_complete(book: Book) -> None:
    book.come("2026-05-01T00:00")

    (report,) = book.ask(_MARCH, feature="feature-nowhere")

    assert incomplete_because(report=report, now=book.clock.now(), silence=_SILENCE)


# How far the data reaches.


def test_a_period_is_complete_only_when_the_data_reaches_its_end(book: Book) -> None:
    book.use(_CALLS, "10", "2026-03-30T10:00")
    (running,) = book.ask(_MARCH)
    book.use(_CALLS, "5", "2026-04-02T10:00")
    (over,) = book.ask(_MARCH)

    assert running.covered_until is not None
    assert over.covered_until is not None
    assert running.covered_until < datetime(2026, 4, 1, tzinfo=UTC) <= over.covered_until <= book.clock.now()
    now = book.clock.now()
    assert "reach until 2026-03-30" in incomplete_because(report=running, now=now, silence=_SILENCE)
    assert incomplete_because(report=over, now=now, silence=_SILENCE) == ""


def test_the_newest_event_tells_that_reporting_has_stopped(book: Book) -> None:
    book.use(_CALLS, "10", "2026-03-05T10:00")
    (report,) = book.ask(_MARCH)

    assert report.last_event_at == datetime(2026, 3, 5, 10, tzinfo=UTC)


def test_what_is_vouched_for_is_told_and_where_nobody_can_nothing_is_vouched(book: Book) -> None:
    book.use(_CALLS, "10", "2026-03-05T10:00")
    book.come("2026-04-01T12:00")
    until = datetime(2026, 4, 1, tzinfo=UTC)
    if "vouching" not in book.cannot:
        assert book.door is not None
        book.door.report(events=[], reach=Reach(complete=((_CALLS, until),)))

    (report,) = book.ask(_MARCH)

    assert report.is_vouched is ("vouching" not in book.cannot)
    assert report.covered_until == (until if report.is_vouched else book.clock.now() - timedelta(hours=1))


def test_a_gap_is_told_and_where_none_can_be_told_there_is_none(book: Book) -> None:
    book.use(_CALLS, "10", "2026-03-05T10:00")
    gap = UsageGap(datetime(2026, 3, 6, tzinfo=UTC), datetime(2026, 3, 7, tzinfo=UTC), "outage")
    book.come("2026-03-08T00:00")
    if "gaps" not in book.cannot:
        assert book.door is not None
        book.door.report(events=[], reach=Reach(gaps=((_CALLS, gap),)))

    assert book.ask(_MARCH)[0].gaps == (() if "gaps" in book.cannot else (gap,))


# Rights.


def test_rights_say_what_is_sold_used_and_left(book: Book) -> None:
    book.use(_CALLS, "300", "2026-03-05T10:00")
    book.come("2026-03-05T12:00")

    states = {state.ref: state for state in book.usage.fetch_entitlements(customer_ref=book.customer)}

    assert sorted(states) == sorted((_SEATS, _CALLS, _AI))
    assert all(state.is_granted for state in states.values())
    assert (states[_SEATS].is_unlimited, states[_SEATS].limit, states[_SEATS].left) == (True, None, None)
    assert (states[_CALLS].limit, states[_CALLS].used, states[_CALLS].left) == (1000, 300, 700)
    assert states[_CALLS].allows(Decimal(700))
    assert not states[_CALLS].allows(Decimal(701))


@pytest.mark.parametrize("question", ["fetch_entitlements", "fetch_credit_balances", "fetch_credit_ledger"])
def test_rights_and_credits_of_an_unknown_customer_are_refused_and_named(book: Book, question: str) -> None:
    named = {"credit_ref": _AI} if question == "fetch_credit_ledger" else {}

    with pytest.raises(ConnectorError, match="nobody"):
        getattr(book.usage, question)(customer_ref="nobody", **named)


# Credits.


def test_a_balance_is_what_was_granted_less_what_was_used(book: Book) -> None:
    book.use(_AI, "120.5", "2026-03-05T10:00")

    (balance,) = book.usage.fetch_credit_balances(customer_ref=book.customer)

    assert (balance.credit_ref, balance.granted, balance.consumed) == (_AI, Decimal(500), Decimal("120.5"))
    assert balance.balance == Decimal("379.5")
    comes = None if "next grant" in book.cannot else datetime(2026, 4, 1, tzinfo=UTC)
    assert balance.next_grant_at == comes


def test_a_new_period_begins_with_the_full_amount(book: Book) -> None:
    book.use(_AI, "120.5", "2026-03-05T10:00")
    book.come("2026-04-01T01:00")

    (balance,) = book.usage.fetch_credit_balances(customer_ref=book.customer)

    assert (balance.balance, balance.granted, balance.consumed) == (Decimal(500), Decimal(500), Decimal(0))


def test_the_ledger_tells_every_movement_newest_first_and_sums_to_the_balance(book: Book) -> None:
    book.use(_AI, "120", "2026-03-05T10:00")
    book.come("2026-04-01T01:00")
    (balance,) = book.usage.fetch_credit_balances(customer_ref=book.customer)

    entries = book.usage.fetch_credit_ledger(customer_ref=book.customer, credit_ref=_AI).entries

    moved = [(entry.kind, entry.amount) for entry in entries]
    assert sorted(moved[:2]) == [(LedgerKind.EXPIRED, Decimal(-380)), (LedgerKind.GRANTED, Decimal(500))]
    assert moved[2:] == [(LedgerKind.CONSUMED, Decimal(-120)), (LedgerKind.GRANTED, Decimal(500))]
    assert sum(entry.amount for entry in entries) == balance.balance
    assert {entry.credit_ref for entry in entries} == {_AI}
    assert len({entry.entry_ref for entry in entries}) == len(entries)
    if "running balance" in book.cannot:
        assert {entry.balance for entry in entries} == {None}
    else:
        assert entries[0].balance == balance.balance


def test_the_pages_of_a_ledger_are_the_whole_ledger(book: Book) -> None:
    for hour in range(5):
        book.use(_AI, "1", f"2026-03-05T1{hour}:00")
    whole = book.usage.fetch_credit_ledger(customer_ref=book.customer, credit_ref=_AI)

    entries, after = [], ""
    while True:
        page = book.usage.fetch_credit_ledger(customer_ref=book.customer, credit_ref=_AI, after=after, limit=4)
        entries += page.entries
        assert len(page.entries) <= 4
        if not (after := page.next_after):
            break

    assert (tuple(entries), whole.next_after) == (whole.entries, "")
    assert len(entries) == 6
