"""Usage becomes readings only when it is whole, is kept as it was read, and is locked once it is billed."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa

from connector.domain.usage import Reach, UsageEvent, UsageGap
from connector.errors import NotFound, Refused
from connector.store import tables
from connector.store.differences import list_differences
from connector.store.queries import PageAsked
from connector.store.tables_access import usage_snapshots, usage_states
from connector.store.tables_billing import invoices, usage_readings
from connector.usecases.sync_usage import UsageSync
from tests.billing import Books
from tests.selling import SignedDeal
from tests.world import World

_CALLS = "feature-api-calls"
_METERED = {"Charge_Type__c": "Usage", "Billing_Frequency__c": "Monthly", "Entitlement_Value__c": "Unlimited"}
_OUTAGE = UsageGap(datetime(2026, 4, 3, tzinfo=UTC), datetime(2026, 4, 4, tzinfo=UTC), "outage")


@pytest.fixture
def deal(world: World) -> SignedDeal:
    """Calls at 0.10 each, billed monthly from 1 April 2026."""
    found = world.seller.quote(
        [("USAGEPLAN", "1", "1000"), ("API", "1", "0.10", _METERED)], Total_Contract_Value__c=None
    )
    world.look_at(found)
    assert world.order(found).state == "FULFILLED", world.shown(found)["Error"]
    return found


@pytest.fixture
def sync(world: World) -> UsageSync:
    return world.services.usage_sync


def _customer(world: World) -> str:
    (row,) = world.rows(tables.customers)
    return str(row.platform_ref)


def _report(world: World, *used: tuple[str, str], reach: Reach | None = None) -> None:
    """Units by instant, all of one feature."""
    events = [
        UsageEvent(_customer(world), f"{at}/{units}", _CALLS, Decimal(units), datetime.fromisoformat(at))
        for at, units in used
    ]
    world.services.usage.report(events=events, reach=reach or Reach())  # type: ignore[attr-defined]


def _vouch(until: str) -> Reach:
    return Reach(complete=((_CALLS, datetime.fromisoformat(until)),))


def _come(world: World, moment: str) -> None:
    world.clock.advance(datetime.fromisoformat(moment) - world.clock.now())


def _state(world: World, starts_on: date = date(2026, 4, 1)) -> Any:
    with world.database.reading() as connection:
        query = (
            sa.select(usage_states, usage_snapshots.c.units, usage_snapshots.c.reason, usage_snapshots.c.source)
            .join(usage_snapshots, usage_snapshots.c.id == usage_states.c.snapshot_id)
            .where(usage_snapshots.c.starts_on == starts_on)
        )
        return connection.execute(query).one()


def test_a_period_that_its_reporter_vouches_for_is_priced(world: World, deal: SignedDeal, sync: UsageSync) -> None:
    _come(world, "2026-05-02T00:00:00+00:00")
    _report(
        world, ("2026-04-10T10:00:00+00:00", "1200"), ("2026-04-30T23:59:59+00:00", "300"),
        ("2026-05-01T00:00:00+00:00", "77"), reach=_vouch("2026-05-01T00:00:00+00:00"),
    )  # fmt: skip

    done = sync.sync()

    state = _state(world)
    assert (state.units, state.is_complete, state.reason, state.source) == (Decimal(1500), True, "", "embedded")
    assert [(row.units, row.charge_key == state.charge_key) for row in world.rows(usage_readings)] == [(1500, True)]
    assert (done.contracts, done.priced, done.incomplete, done.failed) == (1, 1, 0, 0)
    books = Books(world.database, world.clock)
    books.bill("2026-05-31")
    assert ("2026-05-01", "150.00") in [(bill_on, net) for bill_on, _kind, net in books.totals()]


def test_the_same_answer_again_is_no_new_snapshot_and_no_news(world: World, deal: SignedDeal, sync: UsageSync) -> None:
    _come(world, "2026-05-02T00:00:00+00:00")
    _report(world, ("2026-04-10T10:00:00+00:00", "5"), reach=_vouch("2026-05-01T00:00:00+00:00"))
    sync.sync()
    before = len(world.rows(usage_snapshots))

    again = sync.sync()

    assert (again.snapshots, again.priced) == (0, 0)
    assert len(world.rows(usage_snapshots)) == before


@pytest.mark.parametrize(
    ("used", "reach", "why"),
    [
        ([], Reach(), "Nothing was ever reported"),
        (["2026-04-20T10:00:00+00:00"], Reach(), "data of feature-api-calls reach until 2026-04-20 10:00 UTC"),
        ([], _vouch("2026-04-30T23:00:00+00:00"), "reach until 2026-04-30 23:00 UTC"),
        (
            ["2026-04-20T10:00:00+00:00"],
            replace(
                _vouch("2026-05-01T00:00:00+00:00"),
                gaps=((_CALLS, _OUTAGE),),
            ),
            "missing from 2026-04-03 00:00 UTC to 2026-04-04 00:00 UTC: outage",
        ),
        (["2026-04-02T10:00:00+00:00", "other 2026-05-01T10:00:00+00:00"], Reach(), "reporting may have stopped"),
    ],
    ids=["never reported", "no event after the period", "vouched for too early", "a gap", "a stop"],
)  # fmt: skip
def test_an_incomplete_period_is_not_billed_and_says_why(
    world: World, deal: SignedDeal, sync: UsageSync, used: list[str], reach: Reach, why: str
) -> None:
    other = world.seller.quote(
        [("USAGEPLAN", "1", "1000"), ("API", "1", "0.10", _METERED)], Total_Contract_Value__c=None
    )
    world.look_at(other)
    mine, others = (row.platform_ref for row in world.rows(tables.customers))
    _come(world, "2026-05-02T00:00:00+00:00")
    events = []
    for text in used:
        whose = others if text.startswith("other") else mine
        events.append(UsageEvent(whose, text, _CALLS, Decimal(7), datetime.fromisoformat(text.split()[-1])))
    world.services.usage.report(events=events, reach=reach)  # type: ignore[attr-defined]

    sync.sync(number=world.contract(deal).number)

    assert why in _state(world).reason
    assert not _state(world).is_complete
    assert world.rows(usage_readings) == []


def test_a_gap_that_is_filled_lets_the_period_be_billed(world: World, deal: SignedDeal, sync: UsageSync) -> None:
    _come(world, "2026-05-02T00:00:00+00:00")
    _report(world, reach=replace(_vouch("2026-05-01T00:00:00+00:00"), gaps=((_CALLS, _OUTAGE),)))
    sync.sync()
    assert world.rows(usage_readings) == []

    _report(world, ("2026-04-03T12:00:00+00:00", "40"), reach=Reach(filled=((_CALLS, _OUTAGE),)))
    sync.sync()

    assert [row.units for row in world.rows(usage_readings)] == [Decimal(40)]


def test_a_person_may_take_an_incomplete_figure_with_a_reason(world: World, deal: SignedDeal, sync: UsageSync) -> None:
    _come(world, "2026-05-02T00:00:00+00:00")
    _report(world, ("2026-04-02T10:00:00+00:00", "9"))
    sync.sync()
    number, key = world.contract(deal).number, _state(world).charge_key

    with pytest.raises(Refused, match="reason"):
        sync.accept(number=number, charge_key=key, actor="rosa", reason=" ")
    with pytest.raises(NotFound):
        sync.accept(number=number, charge_key="nothing", actor="rosa", reason="Confirmed by mail.")
    sync.accept(number=number, charge_key=key, actor="rosa", reason="Confirmed by mail.")
    sync.sync()

    assert [row.units for row in world.rows(usage_readings)] == [Decimal(9)]
    assert (_state(world).accepted_by, _state(world).accepted_reason) == ("rosa", "Confirmed by mail.")


def test_usage_after_the_document_is_issued_changes_no_figure_and_is_a_difference(
    world: World, deal: SignedDeal, sync: UsageSync
) -> None:
    _come(world, "2026-05-02T00:00:00+00:00")
    _report(world, ("2026-04-10T10:00:00+00:00", "100"), reach=_vouch("2026-05-01T00:00:00+00:00"))
    sync.sync()
    books = Books(world.database, world.clock)
    books.bill("2026-05-02")
    with world.database.unit_of_work() as work:
        work.execute(invoices.update().values(state="issued"))
        work.commit()

    _report(world, ("2026-04-11T10:00:00+00:00", "20"))
    sync.sync()

    assert [row.units for row in world.rows(usage_readings)] == [Decimal(100)]
    with world.database.reading() as connection:
        (found,) = list_differences(connection=connection, page=PageAsked(), room="usage").rows
    assert (found.wanted, found.actual) == ("120 used", "100 billed")


def test_snapshots_are_never_changed(world: World, deal: SignedDeal, sync: UsageSync) -> None:
    _come(world, "2026-05-02T00:00:00+00:00")
    sync.sync()

    for change in (usage_snapshots.update().values(units=Decimal(1)), usage_snapshots.delete()):
        with (
            pytest.raises(sa.exc.DatabaseError, match="never changed or deleted"),
            world.database.unit_of_work() as work,
        ):
            work.execute(change)


def test_a_customer_that_the_platform_does_not_know_holds_up_no_other(
    world: World, deal: SignedDeal, sync: UsageSync
) -> None:
    other = world.seller.quote(
        [("USAGEPLAN", "1", "1000"), ("API", "1", "0.10", _METERED)], Total_Contract_Value__c=None
    )
    world.look_at(other)
    _come(world, "2026-05-02T00:00:00+00:00")
    with world.database.unit_of_work() as work:
        lost = tables.customers.update().where(tables.customers.c.salesforce_id == other.account)
        work.execute(lost.values(platform_ref="nobody"))
        work.commit()

    done = sync.sync()

    assert done.failed == 2, "April and May of one contract"
    assert {row.contract_id for row in world.rows(usage_states)} == {world.contract(deal).id}


def test_a_feature_that_two_contracts_of_a_customer_meter_blocks_the_second(world: World, deal: SignedDeal) -> None:
    twin = world.seller.quote(
        [("USAGEPLAN", "1", "1000"), ("API", "1", "0.10", _METERED)], account=deal.account, Total_Contract_Value__c=None
    )

    world.look_at(twin)

    assert world.order(twin).state == "BLOCKED"
    assert world.shown(twin)["Error_Code"] == "METERED_TWICE"
    assert world.contract(deal).number in world.shown(twin)["Error"]
