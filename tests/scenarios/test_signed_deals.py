"""A signed deal from its push to Salesforce showing what became of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from decimal import Decimal

from connector.store import tables
from connector.store.unit_of_work import Database
from tests.world import World

_ALL_DONE = {"customer": "done", "contract": "done", "subscriptions": "done", "metering": "done", "read_back": "done"}


def test_a_signed_quote_becomes_a_fulfilled_order_and_salesforce_shows_it(
    make_world: Callable[..., World], database: Database
) -> None:
    world = make_world(database)
    deal = world.seller.quote()

    world.look_at(deal)

    order = world.order(deal)
    assert (order.state, order.value, order.deal_type) == ("FULFILLED", Decimal("2200.00"), "new")
    assert world.steps(deal) == _ALL_DONE
    assert world.grants(deal) == {"feature-seats": Decimal(50)}
    contract = world.contract(deal)
    shown = world.shown(deal)
    assert (shown["Status"], shown["Step"], shown["Error_Code"], shown["Error"]) == ("Synced", "fulfilled", None, None)
    assert (shown["Order_Number"], shown["Contract_Number"]) == (order.number, contract.number)
    assert shown["Contract_Value"] == contract.value == Decimal("2200.00")
    assert shown["Link"].endswith(f"/review/orders/{order.number}")
    assert shown["Last_Success"] == shown["Last_Attempt"] == world.clock.now()


def test_a_won_opportunity_without_a_quote_becomes_a_fulfilled_order(world: World) -> None:
    deal = world.seller.opportunity()

    world.look_at(deal)

    assert world.order(deal).state == "FULFILLED"
    assert world.shown(deal)["Status"] == "Synced"


def test_an_opportunity_with_a_quote_is_passed_over_and_says_why(world: World) -> None:
    deal = world.seller.opportunity()
    world.sandbox.insert("Quote", {"Name": "Offer", "OpportunityId": deal.id, "Status": "Draft"})

    world.look_at(deal)

    assert world.order(deal) is None
    assert (world.record(deal).state, world.record(deal).code) == ("skipped", "NOT_SIGNED")
    assert world.shown(deal)["Status"] == "Skipped"


def test_five_deliveries_of_one_message_are_one_order_and_one_look(world: World) -> None:
    deal = world.seller.quote()

    receipts = [world.push(deal, message_id="the same") for _ in range(5)]
    world.settle()

    assert [(receipt.new, receipt.known) for receipt in receipts] == [(1, 0)] + [(0, 1)] * 4
    assert world.looks == ["ordered"]
    assert len(world.rows(tables.orders)) == 1


def test_five_messages_about_one_deal_are_one_order(world: World) -> None:
    deal = world.seller.quote()

    for _ in range(5):
        world.push(deal)
    world.settle()

    assert world.looks == ["ordered"] * 5
    assert world.steps(deal) == _ALL_DONE
    assert Counter(event for event in world.events(deal) if "confirm" in event).most_common(1)[0][1] == 1
    assert [row.state for row in world.rows(tables.inbox)] == ["done"] * 5


def test_twenty_deals_in_one_body_are_twenty_orders(world: World) -> None:
    account = world.seller.account()
    deals = [world.seller.quote(account=account) for _ in range(20)]

    world.look_at(*deals)

    assert Counter(world.looks) == {"ordered": 20}
    assert len(world.rows(tables.contracts)) == 20
    assert len(world.rows(tables.customers)) == 1


def test_a_look_is_answered_by_reading_the_record_and_never_by_the_message(world: World) -> None:
    deal = world.seller.quote(signed=False)
    world.push(deal)
    world.seller.sign(deal)

    world.settle()

    assert world.order(deal).state == "FULFILLED"


def test_a_record_that_is_not_signed_when_read_is_skipped_without_alarm(world: World) -> None:
    deal = world.seller.quote(signed=False)

    world.look_at(deal)

    record = world.record(deal)
    assert (record.state, record.not_before, world.order(deal)) == ("skipped", None, None)
    assert world.shown(deal)["Status"] == "Skipped"
    assert "not Accepted" in world.shown(deal)["Error"]


def test_a_record_that_is_gone_when_read_makes_no_order(world: World) -> None:
    deal = world.seller.quote()
    world.push(deal)
    world.sandbox.delete("Quote", deal.id)

    world.settle()

    record = world.record(deal)
    assert (record.state, record.code, record.not_before) == ("gone", "RECORD_GONE", None)
    assert world.order(deal) is None
    assert [row.state for row in world.rows(tables.inbox)] == ["done"]


def test_two_orders_of_one_account_are_one_customer_and_two_contracts(world: World) -> None:
    account = world.seller.account()

    world.look_at(world.seller.quote(account=account), world.seller.quote(account=account))

    assert len(world.rows(tables.customers)) == 1
    assert len(world.rows(tables.contracts)) == 2
