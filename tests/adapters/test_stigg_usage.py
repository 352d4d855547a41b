"""Usage, balances, ledger and the proof of an environment, as Stigg answers them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.adapters.clock import FixedClock
from connector.adapters.entitlements_stigg import StiggPlatform
from connector.adapters.stigg_usage import counted
from connector.domain.assumptions import FindingState
from connector.domain.credits import LedgerKind
from connector.domain.periods import BillingPeriod
from connector.domain.usage import UsageQuestion
from connector.errors import Misconfigured, Refused
from tests.adapters.stigg_selling import ask, platform, server
from tests.stigg_server import StiggServer
from tests.stigg_server.credits import Use

__all__ = ["platform", "server"]

_HOUR = timedelta(hours=1)
_FEBRUARY = BillingPeriod(date(2026, 2, 1), date(2026, 3, 1))
_MARCH = BillingPeriod(date(2026, 3, 1), date(2026, 4, 1))


def _at(month: int, day: int, hour: int = 12) -> datetime:
    return datetime(2026, month, day, hour, tzinfo=UTC)


def _read(server: StiggServer, at: datetime, value: str) -> None:
    server.credits.readings.append(Use("customer-1", "feature-calls", at, Decimal(value)))


def _question(period: BillingPeriod, customer: str = "customer-1") -> UsageQuestion:
    return UsageQuestion(customer, "feature-calls", period)


def test_readings_of_a_counter_become_units_of_each_period_in_one_call(
    server: StiggServer, platform: StiggPlatform, clock: FixedClock
) -> None:
    for at, value in ((_at(2, 3), "100.5"), (_at(2, 20), "250.25"), (_at(3, 1), "10.1"), (_at(3, 2, 8), "30.3")):
        _read(server, at, value)
    server.credits.resets.add(_at(3, 1))

    reports = platform.fetch_usage(questions=[_question(_MARCH), _question(_FEBRUARY)])

    assert [report.units for report in reports] == [Decimal("30.3"), Decimal("250.25")]
    assert {report.covered_until for report in reports} == {clock.now() - _HOUR}
    assert {report.last_event_at for report in reports} == {_at(3, 2, 8)}
    assert len([call for call in server.calls if "history" in call.path]) == 1


def test_a_counter_that_was_never_read_is_unknown_not_zero(platform: StiggPlatform) -> None:
    (report,) = platform.fetch_usage(questions=[_question(_MARCH)])

    assert (report.units, report.last_event_at) == (None, None)


def test_usage_of_an_unknown_customer_is_refused_and_named(platform: StiggPlatform) -> None:
    with pytest.raises(Refused, match="nobody"):
        platform.fetch_usage(questions=[_question(_MARCH, customer="nobody")])


@given(
    growth=st.lists(st.decimals("0", "1000", places=5), min_size=1, max_size=20),
    resets=st.sets(st.integers(1, 19)),
    cut=st.integers(1, 19),
)
def test_units_of_neighbouring_periods_add_up_to_all_growth(growth: list[Decimal], resets: set[int], cut: int) -> None:
    first = datetime(2026, 1, 1, tzinfo=UTC)
    points, value = [], Decimal(0)
    for number, step in enumerate(growth):
        value = step if number in resets else value + step
        points.append((first + number * _HOUR, value, number in resets))
    end, middle = first + len(growth) * _HOUR, first + cut * _HOUR

    halves = [counted(points, first, middle), counted(points, middle, end)]

    assert counted(points, first, end) == sum(growth)
    assert sum(half or Decimal(0) for half in halves) == sum(growth)


def test_what_a_customer_may_use_and_has_left(server: StiggServer, platform: StiggPlatform, clock: FixedClock) -> None:
    platform.grant(requests=[ask()])

    states = {state.ref: state for state in platform.fetch_entitlements(customer_ref="customer-1")}
    (balance,) = platform.fetch_credit_balances(customer_ref="customer-1")

    assert (states["feature-seats"].limit, states["feature-calls"].limit) == (Decimal(40), Decimal(250_000))
    assert states["feature-sso"].is_granted
    assert (balance.credit_ref, balance.balance, balance.consumed) == ("cred-type-ai", Decimal(90_000), Decimal(0))


def test_the_ledger_comes_in_pages_newest_first(
    server: StiggServer, platform: StiggPlatform, clock: FixedClock
) -> None:
    platform.grant(requests=[ask()])
    for day in (1, 2):
        server.credits.consumed.append(Use("customer-1", "cred-type-ai", _at(3, day, 1), Decimal("0.5")))

    first = platform.fetch_credit_ledger(customer_ref="customer-1", credit_ref="cred-type-ai", limit=2)
    rest = platform.fetch_credit_ledger(
        customer_ref="customer-1", credit_ref="cred-type-ai", limit=2, after=first.next_after
    )

    rows = [(entry.kind, entry.amount) for entry in (*first.entries, *rest.entries)]
    used = (LedgerKind.CONSUMED, Decimal("-0.5"))
    assert rows == [used, used, (LedgerKind.GRANTED, Decimal(90_000))]
    assert (first.next_after, rest.next_after) == ("2", "")


def test_the_proof_names_plans_values_and_whether_contracts_are_enabled(
    server: StiggServer, platform: StiggPlatform
) -> None:
    found = list(platform.prove())

    assert {finding.state for finding in found} == {FindingState.GOOD}
    said = " ".join(finding.message for finding in found)
    assert "contracts are enabled" in said
    assert "plan-core is published, its entitlements are known, every order must bring feature-seats" in said
    assert server.changes() == []


def test_the_proof_tells_what_cannot_be_relied_on(server: StiggServer, platform: StiggPlatform) -> None:
    server.contracts.is_enabled = False
    server.catalogue.has_own_ids = True

    doubts = [finding for finding in platform.prove() if finding.state is FindingState.UNKNOWN]

    said = " ".join(finding.message for finding in doubts)
    assert "subscriptions are made one by one" in said
    assert "plan-core do not name known features" in said
    assert all(finding.fix and finding.owner for finding in doubts)


def test_the_proof_of_a_wrong_key_says_which_variable_to_set(server: StiggServer, platform: StiggPlatform) -> None:
    server.fail("status", status=401, times=9)

    with pytest.raises(Misconfigured) as raised:
        list(platform.prove())

    assert "COUNTERSIGN_STIGG_API_KEY" in raised.value.fix
