"""Two accepted quotes of one opportunity: one becomes an order, the other waits for a person."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from connector.store import tables
from connector.store.unit_of_work import Database
from tests.selling import PLATFORM, SignedDeal
from tests.world import World


def _second_quote(world: World, first: SignedDeal, **changes: Any) -> SignedDeal:
    """Another accepted quote of the same opportunity."""
    opportunity = world.sandbox.get("Quote", first.id)["OpportunityId"]
    return replace(world.seller.quote(PLATFORM, account=first.account, OpportunityId=opportunity, **changes))


def _opportunity(world: World, deal: SignedDeal) -> str:
    return str(world.sandbox.get("Quote", deal.id)["OpportunityId"])


@pytest.fixture(params=["sqlite", "postgresql"])
def either_world(request: pytest.FixtureRequest, make_world: Callable[..., World]) -> World:
    database = request.getfixturevalue(f"{request.param}_database")
    assert isinstance(database, Database)
    return make_world(database)


def test_the_second_of_two_accepted_quotes_is_blocked_and_names_the_first(either_world: World) -> None:
    world = either_world
    first = world.seller.quote()
    second = _second_quote(world, first)

    world.look_at(first, second)
    world.look_at(second)

    states = {deal.id: world.order(deal).state for deal in (first, second)}
    assert states == {first.id: "FULFILLED", second.id: "BLOCKED"}
    assert world.order(second).contract_id is None
    assert len(world.rows(tables.contracts)) == 1
    shown = world.shown(second)
    assert (shown["Status"], shown["Error_Code"]) == ("Blocked", "SOLD_ALREADY")
    assert first.id in shown["Error"] and world.order(first).number in shown["Error"]
    assert "sync the opportunity" in shown["Error"]


def test_syncing_the_opportunity_with_the_second_lets_it_through_and_asks_about_the_first(world: World) -> None:
    first = world.seller.quote()
    second = _second_quote(world, first)
    world.look_at(first, second)

    world.sandbox.update("Opportunity", _opportunity(world, first), {"SyncedQuoteId": second.id})
    world.look_at(first, second)

    assert world.order(second).state == "FULFILLED"
    assert "synced with another signed quote" in world.order(first).question


def test_a_first_quote_that_is_no_longer_accepted_before_it_had_a_contract_gives_way(world: World) -> None:
    first = world.seller.quote()
    world.platform.fail("upsert_customer", RuntimeError("a bug"))
    world.look_at(first)
    assert world.order(first).contract_id is None
    second = _second_quote(world, first)
    world.look_at(second)
    assert world.order(second).state == "BLOCKED"

    world.seller.unsign(first)
    world.look_at(first, second)

    assert world.order(second).state == "FULFILLED"


def test_a_first_quote_that_cannot_be_read_does_not_hold_up_the_second(world: World) -> None:
    first = world.seller.quote(Total_Contract_Value__c=1)
    second = _second_quote(world, first)
    world.look_at(first, second)
    assert (world.order(first).state, world.order(second).state) == ("BLOCKED", "FULFILLED")

    world.seller.change(first, Total_Contract_Value__c=2200)
    world.look_at(first)

    assert world.order(first).state == "BLOCKED"
    assert world.shown(first)["Error_Code"] == "SOLD_ALREADY"


def test_a_change_on_the_same_opportunity_is_another_sale(world: World) -> None:
    first = world.seller.quote()
    world.look_at(first)
    change = _second_quote(
        world, first, Deal_Type__c="Renewal", Amends_Record_Id__c=first.id, Contract_Start__c="2027-04-01",
        Contract_End__c="2028-03-31",
    )  # fmt: skip

    world.look_at(change)

    assert world.order(change).state == "FULFILLED"
    assert world.order(change).contract_id == world.order(first).contract_id


def test_without_the_switch_each_accepted_quote_counts(
    make_world: Callable[..., World], sqlite_database: Database
) -> None:
    signed = [{"object": "Quote", "field": "Status", "values": ["Accepted"]}]
    world = make_world(sqlite_database, signed=signed)
    first = world.seller.quote()
    second = _second_quote(world, first)

    world.look_at(first, second)

    assert [world.order(deal).state for deal in (first, second)] == ["FULFILLED", "FULFILLED"]
