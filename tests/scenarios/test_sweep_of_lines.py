"""What no message tells: lines that changed, records that were deleted, accounts that were merged."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pytest

from connector.store import account_merges, tables
from connector.store.unit_of_work import Database
from connector.usecases import sweep_records
from tests.selling import SignedDeal
from tests.world import World


def _sweep(world: World) -> dict[str, int]:
    counts = world.sweeper.sweep()
    world.settle()
    return counts


def _line_of(world: World, deal: SignedDeal) -> str:
    return str(next(row["Id"] for row in world.sandbox.all("QuoteLineItem") if row["QuoteId"] == deal.id))


def test_a_line_that_changes_after_signing_becomes_a_question_though_its_quote_was_not_touched(
    make_world: Callable[..., World], database: Database
) -> None:
    world = make_world(database)
    deal = world.seller.quote()
    world.look_at(deal)
    world.pass_time(minutes=20)

    stamp = world.sandbox.get("Quote", deal.id)["SystemModstamp"]
    world.sandbox.update("QuoteLineItem", _line_of(world, deal), {"Unit_Price_Exact__c": "990"})
    assert world.sandbox.get("Quote", deal.id)["SystemModstamp"] == stamp, "only the line moved"
    world.pass_time(minutes=5)
    _sweep(world)

    assert world.order(deal).question_code == "CHANGED_AFTER_SIGNING"
    assert "line 1" in world.shown(deal)["Error"]


def test_lines_of_deals_that_are_not_here_cost_no_look(world: World) -> None:
    draft = world.seller.quote(signed=False)
    world.pass_time(minutes=5)
    world.sandbox.update("QuoteLineItem", _line_of(world, draft), {"Quantity": 9})
    world.pass_time(minutes=5)

    assert _sweep(world)["found"] == 0
    assert world.looks == []


def test_a_line_that_changed_before_the_look_is_not_looked_at_again(world: World) -> None:
    deal = world.seller.quote()
    world.pass_time(minutes=1)
    world.look_at(deal)
    world.pass_time(minutes=5)

    assert _sweep(world)["found"] == 0
    assert len(world.looks) == 1


def test_a_deleted_record_is_found_and_asked_about_and_comes_back_when_it_is_undeleted(world: World) -> None:
    deal = world.seller.quote()
    world.look_at(deal)
    world.pass_time(minutes=20)

    world.sandbox.delete("Quote", deal.id)
    world.pass_time(minutes=5)
    _sweep(world)

    assert world.order(deal).question_code == "RECORD_GONE"
    assert world.order(deal).state == "FULFILLED", "nothing is cancelled by a deletion"

    world.sandbox.undelete("Quote", deal.id)
    world.pass_time(minutes=5)
    _sweep(world)

    assert world.order(deal).question_code == ""
    assert world.shown(deal)["Status"] == "Synced"


def test_a_deleted_record_that_was_never_here_is_no_news(world: World) -> None:
    draft = world.seller.quote(signed=False)
    world.sandbox.delete("Quote", draft.id)
    world.pass_time(minutes=5)

    assert _sweep(world)["found"] == 0


def test_a_customer_stays_the_same_when_its_account_is_merged_into_one_that_never_bought(
    make_world: Callable[..., World], database: Database
) -> None:
    world = make_world(database)
    first = world.seller.quote()
    world.look_at(first)
    winner = world.seller.account()
    world.pass_time(minutes=20)

    world.sandbox.merge_accounts(winner, first.account)
    world.pass_time(minutes=5)
    _sweep(world)
    upsell = world.seller.quote((("SEAT", "10", "24"),), account=winner)
    world.look_at(upsell)

    assert (
        world.sandbox.get("Opportunity", world.sandbox.get("Quote", first.id)["OpportunityId"])["AccountId"] == winner
    )
    assert {row.customer_ref for row in world.rows(tables.orders)} == {first.account}
    assert len(world.rows(tables.tables_platform.platform_customers)) == 1
    assert world.order(first).question_code == ""
    with world.database.looking() as work:
        assert account_merges.account_now(work=work, org_id=world.sandbox.org_id, customer_ref=first.account) == winner


def test_two_customers_that_become_one_account_are_left_to_a_person(world: World) -> None:
    one, other = world.seller.quote(), world.seller.quote()
    world.look_at(one, other)
    world.pass_time(minutes=20)

    world.sandbox.merge_accounts(one.account, other.account)
    world.pass_time(minutes=5)
    _sweep(world)

    with world.database.looking() as work:
        org_id = world.sandbox.org_id
        assert account_merges.known_as(work=work, org_id=org_id, account_id=one.account) == one.account
        assert account_merges.undecided(work=work, org_id=org_id) == ((other.account, one.account),)
    assert sum(Decimal(row.value) for row in world.rows(tables.contracts)) == Decimal(4400)


def test_a_sweep_gets_past_more_records_than_it_asks_for_at_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Seven records of one second and a limit of two: a question that gained nothing asks for more."""
    monkeypatch.setattr(sweep_records, "_AT_ONCE", 2)
    deals = [world.seller.quote() for _ in range(7)]
    world.pass_time(minutes=5)

    _sweep(world)

    assert {world.order(deal).state for deal in deals} == {"FULFILLED"}
    assert _sweep(world)["found"] == 0
