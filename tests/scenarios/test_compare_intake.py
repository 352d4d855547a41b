"""Every night all signed records are held against the orders here; a gap has a reason and an owner until closed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from connector.store import differences
from connector.store.queries import PageAsked
from connector.store.unit_of_work import Database
from connector.usecases import compare_intake
from connector.usecases.compare_intake import IntakeComparer
from tests.world import World


def _compare(world: World) -> dict[str, int]:
    comparer = IntakeComparer(world.database, world.clock, world.services.orgs, world.sweeper, reach=timedelta(days=90))
    return comparer.compare()


def _open(world: World) -> dict[str, Any]:
    """Open differences of the intake by record id."""
    with world.database.reading() as connection:
        page = differences.list_differences(connection=connection, page=PageAsked(limit=50), room="intake")
    return {row.subject_number.partition(":")[2]: row for row in page.rows}


def test_when_every_signed_deal_is_fulfilled_nothing_is_told(
    make_world: Callable[..., World], database: Database
) -> None:
    world = make_world(database)
    world.look_at(world.seller.quote(), world.seller.opportunity())

    assert _compare(world) == {"signed": 2, "fulfilled": 2, "missing": 0, "failed": 0}
    assert _open(world) == {}


def test_a_deal_that_nobody_ever_told_of_is_found_looked_at_and_closed(
    make_world: Callable[..., World], database: Database
) -> None:
    world = make_world(database)
    deal = world.seller.quote()

    assert _compare(world)["missing"] == 1
    assert _open(world)[deal.id].actual == "never looked at"
    world.settle()

    assert world.order(deal).state == "FULFILLED"
    assert _compare(world)["missing"] == 0
    assert _open(world) == {}


def test_a_blocked_deal_stands_there_with_its_reason_and_who_acts(world: World) -> None:
    deal = world.seller.quote(Contract_Start__c=None)
    world.look_at(deal)

    _compare(world)
    _compare(world)

    row = _open(world)[deal.id]
    assert row.actual.startswith("blocked: ")
    assert "Contract_Start__c" in row.actual
    assert (row.owner, row.customer_name) == ("sales rep", "Aurora Analytics GmbH")


def test_a_deal_that_is_no_longer_signed_is_missed_no_longer(world: World) -> None:
    deal = world.seller.quote(Contract_Start__c=None)
    world.look_at(deal)
    _compare(world)
    world.seller.change(deal, Status="Draft")

    _compare(world)

    assert _open(world) == {}


def test_two_customers_that_became_one_account_are_a_question_to_finance(world: World) -> None:
    one, other = world.seller.quote(), world.seller.quote()
    world.look_at(one, other)
    world.pass_time(minutes=20)
    world.sandbox.merge_accounts(one.account, other.account)
    world.pass_time(minutes=5)
    world.sweeper.sweep()
    world.settle()

    _compare(world)

    row = _open(world)[other.account]
    assert (row.subject, row.owner) == ("Account", "finance")
    assert one.account in row.actual


def test_more_signed_deals_than_one_question_answers_are_all_compared(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compare_intake, "_STAMPS_AT_ONCE", 3)
    for _ in range(8):
        world.seller.quote()
        world.pass_time(seconds=2)

    assert _compare(world)["signed"] == 8


def test_an_org_that_does_not_answer_is_counted_and_closes_no_gap(world: World) -> None:
    deal = world.seller.quote(Contract_Start__c=None)
    world.look_at(deal)
    _compare(world)
    world.sandbox.inject_fault("unavailable_html", times=None)

    assert _compare(world)["failed"] == len(world.services.orgs[world.sandbox.org_id].conditions)
    assert deal.id in _open(world)
