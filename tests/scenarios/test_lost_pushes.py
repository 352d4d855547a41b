"""Deals that no push told us about, and the questions that find them without ever waking themselves up."""

from __future__ import annotations

from datetime import timedelta

import pytest

from connector.errors import Unavailable
from connector.sandbox.pushes import PushSettings
from connector.store import tables
from connector.usecases import sweep_records
from tests.world import World


def _sweep(world: World) -> dict[str, int]:
    counts = world.sweeper.sweep()
    world.settle()
    return counts


def test_a_signed_deal_whose_push_never_came_is_found_by_the_sweep(world: World) -> None:
    deal = world.seller.quote()
    world.pass_time(minutes=1)

    counts = _sweep(world)

    assert counts["found"] == 1
    assert world.order(deal).state == "FULFILLED"
    assert world.shown(deal)["Status"] == "Synced"


def test_a_deal_that_is_not_signed_is_not_found(world: World) -> None:
    world.seller.quote(signed=False)
    world.pass_time(minutes=1)

    assert _sweep(world)["found"] == 0


def test_a_deal_of_the_last_seconds_is_left_for_the_next_sweep(world: World) -> None:
    world.seller.quote()

    first = _sweep(world)["found"]
    world.pass_time(minutes=5)

    assert (first, _sweep(world)["found"]) == (0, 1)


def test_sweeps_that_overlap_find_each_state_of_a_record_once(world: World) -> None:
    deal = world.seller.quote()
    world.pass_time(minutes=1)
    _sweep(world)

    for _ in range(4):
        world.pass_time(minutes=5)
        assert _sweep(world)["found"] == 0
    assert world.looks == ["ordered"]

    world.seller.change(deal, PO_Number__c="PO-9")
    world.pass_time(minutes=5)
    _sweep(world)
    assert world.order(deal).question_code == "CHANGED_AFTER_SIGNING"


def test_the_sweep_rests_on_deals_that_are_stopped(world: World) -> None:
    blocked = world.seller.quote(Total_Contract_Value__c="1")
    world.look_at(blocked)
    world.sandbox.calls.writes.clear()

    for _ in range(5):
        world.pass_time(minutes=5)
        _sweep(world)

    assert len(world.looks) <= 2, "our own write may be looked at once, and never again"
    assert list(world.sandbox.calls.writes) == []


def test_the_sweep_does_not_make_retries_begin_anew(world: World) -> None:
    deal = world.seller.quote()
    world.platform.fail("upsert_customer", Unavailable("Down."), times=40)
    world.look_at(deal)

    for _ in range(12):
        world.pass_time(minutes=5)
        _sweep(world)

    assert world.record(deal).attempts > 6


def test_the_hourly_question_does_not_make_retries_begin_anew(world: World) -> None:
    deal = world.seller.quote()
    world.platform.fail("upsert_customer", Unavailable("Down."), times=40)
    world.look_at(deal)

    for _ in range(35):
        world.pass_time(hours=4)
        world.sweeper.ask_unsynced()
        world.settle()

    assert world.order(deal).state == "FAILED"
    assert world.shown(deal)["Status"] == "Failed"


def test_a_watermark_moves_only_after_its_findings_are_stored(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.seller.quote()
    world.pass_time(minutes=1)

    def broken(**_named: object) -> None:
        raise Unavailable("The database did not answer.")

    with monkeypatch.context() as patched:
        patched.setattr(sweep_records, "receive", broken)
        assert world.sweeper.sweep()["failed"] == 1
    assert [row.object for row in world.rows(tables.watermarks)] == ["Opportunity", "Order"]

    assert _sweep(world)["found"] == 1


def test_a_sweep_that_salesforce_does_not_answer_leaves_the_watermark(world: World) -> None:
    world.seller.quote()
    world.pass_time(minutes=1)
    world.sandbox.inject_fault("unavailable_html", path="*", times=None, status=503)

    assert world.sweeper.sweep()["failed"] == 3
    assert world.rows(tables.watermarks) == []


def test_the_watermark_follows_the_clock_of_salesforce(world: World) -> None:
    world.sandbox.clock.advance(hours=-3)

    _sweep(world)

    for row in world.rows(tables.watermarks):
        assert row.swept_until == world.clock.now() - timedelta(hours=3, seconds=30)


def test_a_deal_that_was_signed_but_never_synced_is_found_by_its_empty_status(world: World) -> None:
    deal = world.seller.quote()

    counts = world.sweeper.ask_unsynced()
    world.settle()

    assert counts["found"] == 1
    assert world.order(deal).state == "FULFILLED"
    assert world.sweeper.ask_unsynced()["found"] == 0


def test_a_fulfilled_deal_whose_status_was_wiped_is_told_again_without_a_look(world: World) -> None:
    deal = world.seller.quote()
    world.look_at(deal)
    world.pass_time(minutes=10)
    world.seller.change(deal, Sync_Status__c=None)

    world.sweeper.ask_unsynced()
    world.settle()

    assert world.shown(deal)["Status"] == "Synced"
    assert world.looks == ["ordered"]


def test_a_skipped_deal_that_was_signed_later_is_found_by_the_hourly_question(world: World) -> None:
    deal = world.seller.quote(signed=False)
    world.look_at(deal)
    world.seller.sign(deal)

    world.sweeper.ask_unsynced()
    world.settle()

    assert world.order(deal).state == "FULFILLED"


def test_a_trigger_that_pushes_our_own_writes_comes_to_rest(world: World) -> None:
    """A flow of the org sends every change of a record back to us, also those that we made."""
    fulfilled = world.seller.quote()
    blocked = world.seller.quote(Total_Contract_Value__c="1")
    skipped = world.seller.quote(signed=False)
    deals = {deal.id: deal for deal in (fulfilled, blocked, skipped)}
    world.look_at(*deals.values())
    seen = 0

    for _ in range(10):
        writes = list(world.sandbox.calls.writes)
        ours = {w.record_id for w in writes[seen:] if w.user == world.sandbox.integration_user_id}
        seen = len(writes)
        if not ours:
            break
        world.pass_time(seconds=30)
        world.look_at(*(deals[record_id] for record_id in ours))
    else:
        pytest.fail("our own writes keep waking us up")

    ours = [w for w in world.sandbox.calls.writes if w.user == world.sandbox.integration_user_id]
    assert len(ours) == 3, "one write per deal"
    assert len(world.looks) == 6, "each write was looked at once more, and that was all"


def test_a_sandbox_that_pushes_its_own_writes_sends_nothing_for_a_status(world: World) -> None:
    world.sandbox.pushes.settings = PushSettings(push_url="http://127.0.0.1:9/nowhere", own_writes=True)
    deal = world.seller.quote()
    queued = len(world.sandbox.pending_pushes())

    world.look_at(deal)

    assert world.shown(deal)["Status"] == "Synced"
    assert len(world.sandbox.pending_pushes()) == queued
