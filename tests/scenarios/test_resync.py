"""Look again now: by record, order, window or everything that waits for a person; a dry run changes nothing."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from connector.errors import NotFound, Unavailable
from connector.store import tables
from connector.usecases.resync import ResyncRefused, load_resync
from tests.world import World


def _everything(world: World) -> dict[str, list[Any]]:
    """All rows of all tables but the note of the Resync itself."""
    with world.database.reading() as connection:
        return {
            table.name: connection.execute(sa.select(table)).all()
            for table in tables.metadata.sorted_tables
            if table.name != "resyncs"
        }


def test_a_record_that_was_never_seen_is_found_in_salesforce_and_looked_at(world: World) -> None:
    deal = world.seller.quote()

    answer = world.resync(salesforce_id=deal.id)
    world.settle()

    assert [item["state"] for item in answer.found] == ["new"]
    assert world.order(deal).state == "FULFILLED"


def test_a_short_id_names_the_same_record(world: World) -> None:
    deal = world.seller.quote()
    world.look_at(deal)

    answer = world.resync(salesforce_id=deal.id[:15])

    assert [item["salesforce_id"] for item in answer.found] == [deal.id]


def test_an_order_is_looked_at_by_its_number(world: World) -> None:
    deal = world.seller.quote(Total_Contract_Value__c="1")
    world.look_at(deal)
    world.seller.change(deal, Total_Contract_Value__c="2200")

    answer = world.resync(order=world.order(deal).number)
    world.settle()

    assert [item["order"] for item in answer.found] == [world.order(deal).number]
    assert world.order(deal).state == "FULFILLED"


def test_a_window_takes_the_records_seen_in_it(world: World) -> None:
    early = world.seller.quote()
    world.look_at(early)
    world.pass_time(hours=2)
    start = world.clock.now()
    late = world.seller.quote()
    world.look_at(late)

    answer = world.resync(since=start, until=start + timedelta(hours=1))
    world.settle()

    assert [item["salesforce_id"] for item in answer.found] == [late.id]
    assert world.looks == ["ordered"] * 3


def test_all_that_wait_for_a_person_are_looked_at_together(world: World) -> None:
    good = world.seller.quote()
    blocked = [world.seller.quote(Total_Contract_Value__c="1") for _ in range(3)]
    world.look_at(good, *blocked)
    for deal in blocked:
        world.seller.change(deal, Total_Contract_Value__c="2200")

    answer = world.resync(parked=True)
    world.settle()

    assert len(answer.found) == 3
    assert {world.order(deal).state for deal in blocked} == {"FULFILLED"}


def test_a_dry_run_says_what_it_would_do_and_changes_nothing(world: World) -> None:
    known, unseen = world.seller.quote(Total_Contract_Value__c="1"), world.seller.quote()
    world.look_at(known)
    before = _everything(world)

    by_order = world.resync(order=world.order(known).number, is_dry_run=True)
    by_id = world.resync(salesforce_id=unseen.id, is_dry_run=True)
    world.settle()

    assert [item["state"] for item in by_order.found] == ["blocked"]
    assert [item["state"] for item in by_id.found] == ["new"]
    assert _everything(world) == before
    assert world.looks == ["blocked"]


def test_confirmed_steps_are_never_repeated(world: World) -> None:
    deal = world.seller.quote()
    world.look_at(deal)
    events = world.events(deal)
    world.platform.calls.clear()

    world.resync(salesforce_id=deal.id)
    world.settle()

    assert world.events(deal) == events
    assert world.platform.calls == []


def test_a_retrying_deal_is_tried_at_once_and_counts_from_the_start(world: World) -> None:
    deal = world.seller.quote()
    world.platform.fail("upsert_customer", Unavailable("Down."), times=4)
    world.look_at(deal)
    for _ in range(2):
        world.pass_time(minutes=1)
        world.settle()

    world.resync(salesforce_id=deal.id)
    world.settle()

    assert world.record(deal).not_before == world.clock.now() + timedelta(seconds=5)
    assert world.shown(deal)["Attempts"] == 4


def test_the_status_is_written_afresh(world: World) -> None:
    deal = world.seller.quote()
    world.look_at(deal)
    world.seller.change(deal, Sync_Status__c=None, Sync_Order_Number__c=None)

    world.resync(salesforce_id=deal.id)
    world.settle()

    assert world.shown(deal)["Status"] == "Synced"
    assert world.shown(deal)["Order_Number"] == world.order(deal).number


def test_how_far_a_resync_is_can_be_asked(world: World) -> None:
    deal = world.seller.quote()
    answer = world.resync(salesforce_id=deal.id)

    before = load_resync(database=world.database, token=answer.token)
    world.settle()
    after = load_resync(database=world.database, token=answer.token)

    assert before is not None
    assert after is not None
    assert (before["done"], after["done"]) == (False, True)
    assert after["records"][0]["state"] == "ordered"
    assert load_resync(database=world.database, token="no such token") is None


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"salesforce_id": "0Q0000000000001AAA", "order": "O-000001"},
        {"salesforce_id": "not an id"},
        {"order": "O-000001", "parked": True},
    ],
)
def test_a_resync_that_names_not_exactly_one_thing_is_refused(world: World, asked: dict[str, Any]) -> None:
    with pytest.raises(ResyncRefused):
        world.resync(**asked)
    assert world.rows(tables.resyncs) == []


def test_a_window_that_ends_before_it_begins_is_refused(world: World) -> None:
    now = world.clock.now()

    with pytest.raises(ResyncRefused, match="earlier"):
        world.resync(since=now, until=now)


@pytest.mark.parametrize("asked", [{"salesforce_id": "0Q0000000000001AAA"}, {"order": "O-999999"}])
def test_what_nobody_knows_is_not_found(world: World, asked: dict[str, Any]) -> None:
    with pytest.raises(NotFound):
        world.resync(**asked)


def test_a_resync_whose_messages_could_not_be_kept_leaves_no_token_that_waits_for_ever(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    deal = world.seller.quote(Total_Contract_Value__c="1")
    world.look_at(deal)
    before = _everything(world)

    def die(**_run: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(world.runs, "start", die)
    with pytest.raises(KeyboardInterrupt):
        world.resync(order=world.order(deal).number)

    assert world.rows(tables.resyncs) == []
    assert _everything(world) == before
