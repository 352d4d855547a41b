"""What we owe to Salesforce: changed fields only, each record's answer on its own, and never harm to the order."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from connector.bootstrap import refuse_wrong_org
from connector.domain.fulfilment import MOST_ATTEMPTS
from connector.errors import Misconfigured, Unavailable
from connector.store import tables
from connector.store.unit_of_work import Database
from connector.usecases.write_back import Flushed
from tests.selling import SignedDeal
from tests.world import World


def _owed(world: World, deal: SignedDeal) -> Any:
    return next(row for row in world.rows(tables.writebacks) if row.record_id == deal.id)


def _our_writes(world: World) -> list[Any]:
    ours = world.sandbox.integration_user_id
    return [write for write in world.sandbox.calls.writes if write.user == ours]


def test_two_hundred_records_are_told_in_one_call(make_world: Callable[..., World], sqlite_database: Database) -> None:
    world = make_world(sqlite_database)
    account = world.seller.account()
    deals = [world.seller.quote(account=account, signed=False) for _ in range(201)]
    world.push(*deals)
    world.work()
    world.sandbox.calls.reset()

    flushed = world.write_back()

    assert (flushed.written, flushed.failed, flushed.calls) == (201, 0, 2)
    assert world.sandbox.calls.total == 2


def test_only_changed_fields_are_sent(world: World) -> None:
    deal = world.seller.quote()
    world.platform.fail("upsert_customer", Unavailable("Down."), times=2)
    world.look_at(deal)
    first = _our_writes(world)[-1].fields
    assert "Sync_Status__c" in first

    world.pass_time(seconds=5)
    world.settle()

    second = _our_writes(world)[-1].fields
    assert set(second) == {"Sync_Attempts__c", "Sync_Last_Attempt__c"}


def test_nothing_is_sent_when_nothing_changed(world: World) -> None:
    deal = world.seller.quote()
    world.look_at(deal)
    world.sandbox.calls.reset()

    world.look_at(deal)

    assert world.write_back() == Flushed()
    assert not any(kind.startswith("PATCH") for kind in world.sandbox.calls.by_kind)


def test_several_changes_before_a_flush_are_one_write(world: World) -> None:
    deal = world.seller.quote()
    world.push(deal)

    world.work()
    world.write_back()

    assert len(_our_writes(world)) == 1


def test_each_record_of_a_half_failed_call_is_judged_on_its_own(world: World) -> None:
    deals = [world.seller.quote() for _ in range(4)]
    world.push(*deals)
    world.work()
    world.sandbox.inject_fault("half_failed_collection")

    flushed = world.write_back()

    assert (flushed.written, flushed.failed) == (2, 2)
    failed = [row for row in world.rows(tables.writebacks) if row.code]
    assert {row.code for row in failed} == {"UNABLE_TO_LOCK_ROW"}
    assert all(row.is_owed and row.not_before == world.clock.now() + timedelta(seconds=5) for row in failed)
    assert all(world.order(deal).state == "FULFILLED" for deal in deals)

    world.pass_time(seconds=5)
    world.write_back()
    assert {world.shown(deal)["Status"] for deal in deals} == {"Synced"}


def test_a_locked_row_is_tried_again_by_itself(world: World) -> None:
    deal = world.seller.quote()
    world.push(deal)
    world.work()
    world.sandbox.inject_fault("row_lock", times=5)

    waits = []
    for _ in range(5):
        world.write_back()
        waits.append((_owed(world, deal).not_before - world.clock.now()).total_seconds())
        world.pass_time(seconds=waits[-1])

    assert waits == [5, 10, 20, 40, 80]
    world.write_back()
    assert world.shown(deal)["Status"] == "Synced"
    assert (_owed(world, deal).attempts, _owed(world, deal).code) == (0, "")


def test_a_validation_rule_is_shown_and_not_tried_again_by_itself(world: World) -> None:
    deal = world.seller.quote()
    world.push(deal)
    world.work()
    world.sandbox.inject_fault("validation_rule", times=1, message="Only finance may change this.")

    world.write_back()

    owed = _owed(world, deal)
    assert (owed.is_owed, owed.code, owed.not_before) == (False, "FIELD_CUSTOM_VALIDATION_EXCEPTION", None)
    assert "Only finance may change this." in owed.message
    assert world.order(deal).state == "FULFILLED"
    world.pass_time(hours=5)
    assert world.write_back() == Flushed()

    world.resync(salesforce_id=deal.id)
    world.settle()
    assert world.shown(deal)["Status"] == "Synced"


def test_a_new_status_is_tried_although_the_old_one_was_refused(world: World) -> None:
    deal = world.seller.quote(Total_Contract_Value__c="1")
    world.push(deal)
    world.work()
    world.sandbox.inject_fault("validation_rule", times=1)
    world.write_back()
    world.seller.change(deal, Total_Contract_Value__c="2200")

    world.look_at(deal)

    assert world.shown(deal)["Status"] == "Synced"


def test_a_status_that_changes_while_the_old_one_is_refused_is_still_sent(world: World) -> None:
    deal = world.seller.quote(Total_Contract_Value__c="1")
    world.push(deal)
    world.work()
    world.seller.change(deal, Total_Contract_Value__c="2200")
    world.sandbox.inject_fault("validation_rule", times=1)
    _during_the_write(world, lambda: (world.push(deal), world.work()))

    world.write_back()
    world.write_back()

    assert world.order(deal).state == "FULFILLED"
    assert world.shown(deal)["Status"] == "Synced"


def test_a_status_that_changes_while_the_old_one_is_written_is_sent_next(world: World) -> None:
    deal = world.seller.quote(Total_Contract_Value__c="1")
    world.push(deal)
    world.work()
    world.seller.change(deal, Total_Contract_Value__c="2200")
    _during_the_write(world, lambda: (world.push(deal), world.work()))

    world.write_back()
    assert _owed(world, deal).is_owed
    world.write_back()

    assert _owed(world, deal).is_owed is False
    assert world.shown(deal)["Status"] == "Synced"


def test_a_connection_cut_after_the_write_was_applied_does_no_harm(world: World) -> None:
    deal = world.seller.quote()
    world.push(deal)
    world.work()
    world.sandbox.inject_fault("cut_after_write", times=1)

    world.write_back()
    world.pass_time(seconds=5)
    world.write_back()

    assert world.shown(deal)["Status"] == "Synced"
    assert _owed(world, deal).is_owed is False
    assert len(world.rows(tables.orders)) == 1


def test_salesforce_that_is_down_postpones_the_write_and_never_touches_the_order(world: World) -> None:
    deal = world.seller.quote()
    world.push(deal)
    world.work()
    world.sandbox.inject_fault("unavailable_html", path="*/composite/sobjects*", times=20, status=503)

    flushed = world.write_back()

    assert (flushed.written, flushed.failed) == (0, 1)
    assert world.order(deal).state == "FULFILLED"
    assert _owed(world, deal).not_before == world.clock.now() + timedelta(seconds=5)
    world.sandbox.faults.clear()
    world.pass_time(seconds=5)
    world.write_back()
    assert world.shown(deal)["Status"] == "Synced"


def test_an_expired_token_is_renewed_and_the_write_goes_through(world: World) -> None:
    deal = world.seller.quote()
    world.push(deal)
    world.work()
    world.sandbox.expire_tokens()

    assert world.write_back().written == 1
    assert world.shown(deal)["Status"] == "Synced"


def test_the_daily_limit_postpones_the_write(world: World) -> None:
    deal = world.seller.quote()
    world.push(deal)
    world.work()
    world.sandbox.inject_fault("limit_reached", path="*/composite/sobjects*", times=1)

    world.write_back()

    assert _owed(world, deal).code == "REQUEST_LIMIT_EXCEEDED"
    assert _owed(world, deal).not_before >= world.clock.now() + timedelta(minutes=10)


def test_a_write_that_never_succeeds_ends_with_its_reason_and_waits_for_a_person(world: World) -> None:
    deal = world.seller.quote()
    world.push(deal)
    world.work()
    world.sandbox.inject_fault("row_lock", times=None)

    for _ in range(MOST_ATTEMPTS + 2):
        world.write_back()
        world.pass_time(hours=4)

    owed = _owed(world, deal)
    assert (owed.is_owed, owed.code, owed.attempts) == (False, "UNABLE_TO_LOCK_ROW", MOST_ATTEMPTS)


def test_one_object_without_our_fields_holds_up_no_other(world: World) -> None:
    quote, opportunity = world.seller.quote(), world.seller.opportunity()
    world.push(quote, opportunity)
    world.work()
    world.sandbox.schema.objects["Opportunity"].fields.pop("Sync_Status__c")
    world.sandbox.schema.objects["Opportunity"].by_lower.pop("sync_status__c")

    world.write_back()

    assert world.shown(quote)["Status"] == "Synced"
    assert _owed(world, opportunity).code


def test_a_deleted_record_is_told_once_and_then_left(world: World) -> None:
    deal = world.seller.quote()
    world.push(deal)
    world.work()
    world.sandbox.delete("Quote", deal.id)

    world.write_back()

    assert _owed(world, deal).is_owed is False
    assert _owed(world, deal).code == "ENTITY_IS_DELETED"


def test_a_flush_that_died_is_taken_over_after_a_while(world: World) -> None:
    deal = world.seller.quote()
    world.push(deal)
    world.work()
    with world.database.unit_of_work() as work:
        work.execute(
            tables.writebacks.update().values(claimed_by="a process that is no more", claimed_at=world.clock.now())
        )
        work.commit()

    assert world.write_back() == Flushed()
    world.pass_time(minutes=6)
    assert world.write_back().written == 1


def test_a_wrong_org_is_refused_at_the_start(world: World) -> None:
    (org,) = world.services.orgs.values()
    other = dataclasses.replace(org, org_id="00DAAAAAAAAAAAAAAA")
    services = dataclasses.replace(world.services, orgs={other.org_id: other})

    with pytest.raises(Misconfigured, match="00DAAAAAAAAAAAAAAA") as refusal:
        refuse_wrong_org(services)
    assert refusal.value.code == "WRONG_ORG"
    refuse_wrong_org(world.services)


def _during_the_write(world: World, action: Callable[[], object]) -> None:
    """Something happens between the moment a flush has taken its rows and the moment Salesforce answers."""
    (org,) = world.services.orgs.values()
    gateway: Any = org.gateway
    original = gateway.write

    def write(**named: Any) -> Any:
        gateway.write = original
        answer = original(**named)
        action()
        return answer

    gateway.write = write
