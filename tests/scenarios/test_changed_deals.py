"""Records that change after their order was fulfilled, and deals that change the deals before them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from itertools import permutations
from typing import Any

import pytest

from connector.errors import Unavailable
from connector.store import tables
from connector.store.tables_platform import platform_subscriptions
from connector.store.unit_of_work import Database
from connector.usecases import look_at_record
from connector.usecases.read_order import read_order
from tests.selling import SignedDeal
from tests.world import World


def test_unsigned_after_fulfilment_is_a_question_and_nothing_is_cancelled(world: World) -> None:
    deal = world.seller.quote()
    world.look_at(deal)
    world.seller.unsign(deal)

    world.look_at(deal)

    order, shown = world.order(deal), world.shown(deal)
    assert (order.state, order.question_code) == ("FULFILLED", "NOT_SIGNED")
    assert (shown["Status"], shown["Error_Code"]) == ("Warning", "NOT_SIGNED")
    assert world.grants(deal) == {"feature-seats": Decimal(50)}


def test_signed_again_after_a_question_clears_the_question(world: World) -> None:
    deal = world.seller.quote()
    world.look_at(deal)
    world.seller.unsign(deal)
    world.look_at(deal)
    world.seller.sign(deal)

    world.look_at(deal)

    assert world.order(deal).question_code == ""
    assert (world.shown(deal)["Status"], world.shown(deal)["Error"]) == ("Synced", None)


def test_deleted_after_fulfilment_is_a_question(world: World) -> None:
    deal = world.seller.quote()
    world.look_at(deal)
    world.sandbox.delete("Quote", deal.id)

    world.look_at(deal)

    assert (world.order(deal).state, world.order(deal).question_code) == ("FULFILLED", "RECORD_GONE")
    assert world.record(deal).state == "gone"


def test_a_change_after_fulfilment_is_a_question_and_never_a_second_order(world: World) -> None:
    deal = world.seller.quote()
    world.look_at(deal)
    seats = world.seller.lines_of(deal)[1]
    world.sandbox.update("QuoteLineItem", seats["Id"], {"Quantity": "60"})

    world.look_at(deal)

    order, shown = world.order(deal), world.shown(deal)
    assert (order.state, order.question_code, order.value) == ("FULFILLED", "CHANGED_AFTER_SIGNING", Decimal("2200.00"))
    assert (shown["Status"], shown["Error_Code"]) == ("Warning", "CHANGED_AFTER_SIGNING")
    assert "line 2" in shown["Error"]
    assert "sales rep" in shown["Error"]
    assert len(world.rows(tables.orders)) == len(world.rows(tables.contracts)) == 1
    assert world.grants(deal) == {"feature-seats": Decimal(50)}


def test_a_change_that_is_taken_back_clears_the_question(world: World) -> None:
    deal = world.seller.quote()
    world.look_at(deal)
    world.seller.change(deal, PO_Number__c="PO-1")
    world.look_at(deal)
    assert world.shown(deal)["Status"] == "Warning"
    world.seller.change(deal, PO_Number__c=None)

    world.look_at(deal)

    assert world.order(deal).question_code == ""
    assert world.shown(deal)["Status"] == "Synced"


def test_a_change_that_cannot_be_read_any_more_is_a_question_too(world: World) -> None:
    deal = world.seller.quote()
    world.look_at(deal)
    world.seller.change(deal, Contract_Start__c=None)

    world.look_at(deal)

    assert world.order(deal).question_code == "CHANGED_AFTER_SIGNING"
    assert world.order(deal).state == "FULFILLED"


def _upsell(world: World, base: SignedDeal, *, seats: int, prior: int, on: date = date(2026, 10, 1)) -> SignedDeal:
    """More seats for the second half of the year."""
    line = ("SEAT", str(seats), "24", {"Prior_Quantity__c": prior})
    return world.seller.quote(
        [line],
        account=base.account,
        Deal_Type__c="Upsell",
        Amends_Record_Id__c=base.id,
        Contract_Start__c=on,
        Total_Contract_Value__c=None,
    )


def test_an_upsell_changes_its_contract_and_raises_the_running_subscription(world: World) -> None:
    base = world.seller.quote()
    world.look_at(base)

    upsell = _upsell(world, base, seats=80, prior=50)
    world.look_at(upsell)

    assert world.order(upsell).state == "FULFILLED", world.shown(upsell)["Error"]
    contract = world.contract(upsell)
    # 30 more seats at 24 a year for 182 of 365 days: 720 x 182 / 365 = 359.01
    assert (contract.version, contract.value) == (2, Decimal("2559.01"))
    assert world.order(upsell).contract_id == world.order(base).contract_id
    assert world.grants(upsell) == {"feature-seats": Decimal(50)}
    world.come(date(2026, 10, 1))
    assert world.grants(upsell) == {"feature-seats": Decimal(80)}
    assert len(world.rows(platform_subscriptions)) == 1


def test_the_new_contract_value_is_shown_on_the_first_deal_as_well(world: World) -> None:
    base = world.seller.quote()
    world.look_at(base)

    world.look_at(_upsell(world, base, seats=80, prior=50))

    assert world.shown(base)["Contract_Value"] == Decimal("2559.01")


def test_an_upsell_that_arrives_first_waits_visibly_and_goes_on_by_itself(world: World) -> None:
    base = world.seller.quote(signed=False)
    upsell = _upsell(world, base, seats=80, prior=50)
    world.look_at(upsell)

    assert (world.order(upsell).state, world.record(upsell).state) == ("WAITING", "waiting")
    assert (world.shown(upsell)["Status"], world.shown(upsell)["Error_Code"]) == ("Blocked", "WAITS_FOR_ORDER")
    assert base.id in world.shown(upsell)["Error"]

    world.seller.sign(base)
    world.look_at(base)
    world.settle()

    assert (world.order(base).state, world.order(upsell).state) == ("FULFILLED", "FULFILLED")
    assert world.contract(base).value == Decimal("2559.01")
    world.come(date(2026, 10, 1))
    assert world.grants(base) == {"feature-seats": Decimal(80)}


@pytest.mark.parametrize("sequence", list(permutations(range(3))))
def test_the_end_does_not_depend_on_the_order_of_arrival(world: World, sequence: tuple[int, ...]) -> None:
    base = world.seller.quote()
    first = _upsell(world, base, seats=80, prior=50, on=date(2026, 7, 1))
    second = _upsell(world, base, seats=100, prior=80, on=date(2027, 1, 1))
    deals = (base, first, second)

    for place in sequence:
        world.look_at(deals[place])
        world.settle()

    assert [world.order(deal).state for deal in deals] == ["FULFILLED"] * 3, world.looks
    # 30 seats for 274 days and 20 seats for 90 days: 720 x 274/365 = 540.49, 480 x 90/365 = 118.36
    assert world.contract(base).value == Decimal("2858.85")
    seats = []
    for on in (date(2026, 6, 30), date(2026, 7, 1), date(2027, 1, 1)):
        world.come(on)
        seats.append(world.grants(base)["feature-seats"])
    assert seats == [50, 80, 100]
    assert len(world.rows(platform_subscriptions)) == 1


def test_the_first_deal_getting_its_contract_while_the_upsell_is_read_wakes_the_upsell(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its wake-up call comes before the upsell is known as one that waits."""
    base = world.seller.quote()
    upsell = _upsell(world, base, seats=80, prior=50)
    world.push(upsell)
    (run,) = world.runs.take_all()

    def read_while_the_first_arrives(**named: Any) -> Any:
        try:
            return read_order(**named)
        finally:
            monkeypatch.setattr(look_at_record, "read_order", read_order)
            world.push(base)
            world.run(*world.runs.take_all())

    monkeypatch.setattr(look_at_record, "read_order", read_while_the_first_arrives)
    assert world.run(run) == "waiting"
    world.settle()

    assert (world.order(base).state, world.order(upsell).state) == ("FULFILLED", "FULFILLED")


def test_two_upsells_at_once_leave_both_changes_on_the_platform(world: World) -> None:
    base = world.seller.quote([("ENT", "1", "1000"), ("SEAT", "50", "24"), ("API", "10", "1")])
    world.look_at(base)
    seats = _upsell(world, base, seats=80, prior=50)
    calls = world.seller.quote(
        [("API", "25", "1", {"Prior_Quantity__c": 10})],
        account=base.account,
        Deal_Type__c="Upsell",
        Amends_Record_Id__c=base.id,
        Contract_Start__c=date(2026, 10, 1),
        Total_Contract_Value__c=None,
    )
    world.push(seats)
    world.push(calls)
    first, second = world.runs.take_all()
    world.platform.before("upsert_customer", lambda: world.run(second) and None)

    world.run(first)
    for _ in range(4):
        world.pass_time(seconds=30)
        world.settle()

    assert [world.order(deal).state for deal in (seats, calls)] == ["FULFILLED"] * 2
    world.come(date(2026, 10, 1))
    assert world.grants(base) == {"feature-seats": Decimal(80), "feature-api-calls": Decimal(25)}


def test_an_upsell_whose_grant_is_under_way_is_waited_for(world: World) -> None:
    base = world.seller.quote([("ENT", "1", "1000"), ("SEAT", "50", "24"), ("API", "10", "1")])
    world.look_at(base)
    seats = _upsell(world, base, seats=80, prior=50)
    calls = world.seller.quote(
        [("API", "25", "1", {"Prior_Quantity__c": 10})],
        account=base.account,
        Deal_Type__c="Upsell",
        Amends_Record_Id__c=base.id,
        Contract_Start__c=date(2026, 10, 1),
        Total_Contract_Value__c=None,
    )
    world.push(seats)
    world.push(calls)
    first, second = world.runs.take_all()
    outcomes: list[str] = []
    world.platform.before("grant", lambda: outcomes.append(world.run(second)))

    world.run(first)

    assert outcomes == ["retrying"]
    assert "same contract" in world.order(calls).faults[0]["message"]
    world.pass_time(seconds=5)
    world.settle()
    assert [world.order(deal).state for deal in (seats, calls)] == ["FULFILLED"] * 2
    world.come(date(2026, 10, 1))
    assert world.grants(base) == {"feature-seats": Decimal(80), "feature-api-calls": Decimal(25)}


def test_a_renewal_joins_the_contract_and_access_runs_to_the_new_end(world: World) -> None:
    base = world.seller.quote()
    world.look_at(base)
    renewal = world.seller.quote(
        account=base.account,
        Deal_Type__c="Renewal",
        Amends_Record_Id__c=base.id,
        Contract_Start__c=date(2027, 4, 1),
        Contract_End__c=date(2028, 3, 31),
    )

    world.look_at(renewal)

    assert world.order(renewal).state == "FULFILLED", world.shown(renewal)["Error"]
    assert world.contract(renewal).value == Decimal("4400.00")
    (subscription,) = world.rows(platform_subscriptions)
    assert (subscription.starts_on, subscription.ends_on) == (date(2026, 4, 1), date(2028, 4, 1))


def test_a_cancellation_ends_access_on_the_day_before_it_takes_effect(world: World) -> None:
    base = world.seller.quote()
    world.look_at(base)
    cancellation = world.seller.quote(
        [],
        account=base.account,
        Deal_Type__c="Cancellation",
        Amends_Record_Id__c=base.id,
        Contract_Start__c=date(2026, 10, 1),
        Cancel_From__c=date(2026, 10, 1),
        Total_Contract_Value__c=None,
    )

    world.look_at(cancellation)

    assert world.order(cancellation).state == "FULFILLED", world.shown(cancellation)["Error"]
    (subscription,) = world.rows(platform_subscriptions)
    assert subscription.ends_on == date(2026, 10, 1)


def test_an_upsell_that_fails_on_the_way_is_in_the_contract_once(world: World) -> None:
    base = world.seller.quote()
    world.look_at(base)
    upsell = _upsell(world, base, seats=80, prior=50)
    world.platform.fail("grant", Unavailable("Down."))
    world.look_at(upsell)

    world.pass_time(seconds=5)
    world.settle()

    assert world.order(upsell).state == "FULFILLED"
    assert [row.version for row in world.rows(tables.contract_versions)] == [1, 2]


def test_fire_every_compares_access_again_at_each_later_message_and_asks(
    make_world: Callable[..., World], sqlite_database: Database
) -> None:
    rule = {"object": "Quote", "field": "Status", "values": ["Accepted"], "fire": "every"}
    world = make_world(sqlite_database, signed=[rule])
    deal = world.seller.quote()
    world.look_at(deal)
    with world.database.unit_of_work() as work:
        # Somebody takes the seats away on the platform.
        work.execute(platform_subscriptions.update().values(grants=[]))
        work.commit()

    world.look_at(deal)

    order, shown = world.order(deal), world.shown(deal)
    assert (order.state, order.question_code) == ("FULFILLED", "ACCESS_DIFFERS")
    assert (shown["Status"], shown["Error_Code"]) == ("Warning", "ACCESS_DIFFERS")
    assert "sold 50, granted nothing" in shown["Error"]


def test_fire_once_does_not_ask_the_platform_again(world: World) -> None:
    deal = world.seller.quote()
    world.look_at(deal)
    with world.database.unit_of_work() as work:
        work.execute(platform_subscriptions.update().values(grants=[]))
        work.commit()

    world.look_at(deal)

    assert (world.order(deal).question_code, world.shown(deal)["Status"]) == ("", "Synced")
