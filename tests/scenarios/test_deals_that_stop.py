"""Deals that cannot go on: each says what is wrong and who mends it, and goes on when it is mended."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
import sqlalchemy as sa

from connector.adapters.entitlements_embedded import PlatformRefused
from connector.domain.fulfilment import MOST_ATTEMPTS
from connector.errors import Misconfigured, RateLimited, Unavailable, Uncertain
from connector.store import tables
from connector.store.tables_platform import platform_subscriptions
from tests.selling import PLATFORM
from tests.world import World

_STEP_OF_CALL = {
    "upsert_customer": "customer",
    "grant": "subscriptions",
    "fetch_subscription": "read_back",
}


def test_a_wrong_total_blocks_and_a_push_after_the_correction_lets_it_go_on(world: World) -> None:
    deal = world.seller.quote(Total_Contract_Value__c="2020")
    world.look_at(deal)

    shown = world.shown(deal)
    assert (world.order(deal).state, shown["Status"], shown["Error_Code"]) == ("BLOCKED", "Blocked", "TOTAL_MISMATCH")
    assert "2,020" in shown["Error"] or "2020" in shown["Error"]
    assert shown["Error"].endswith("Who: sales rep.")
    assert world.rows(tables.contracts) == []

    world.seller.change(deal, Total_Contract_Value__c="2200")
    world.look_at(deal)

    assert world.order(deal).state == "FULFILLED"
    assert (world.shown(deal)["Status"], world.shown(deal)["Error"]) == ("Synced", None)
    assert len(world.rows(tables.orders)) == 1


def test_resync_after_the_correction_lets_a_blocked_deal_go_on(world: World) -> None:
    deal = world.seller.quote(Total_Contract_Value__c="2020")
    world.look_at(deal)
    world.seller.change(deal, Total_Contract_Value__c="2200")

    world.resync(salesforce_id=deal.id)
    world.settle()

    assert world.order(deal).state == "FULFILLED"


def test_a_missing_negotiated_value_blocks_and_names_the_line(world: World) -> None:
    deal = world.seller.quote([("ENT", "1", "1000"), ("SEAT", "5", "10")])

    world.look_at(deal)

    shown = world.shown(deal)
    assert shown["Error_Code"] == "MISSING_ENTITLEMENT_VALUE"
    assert "Line 1" in shown["Error"]
    assert "feature-api-calls" in shown["Error"]
    assert world.order(deal).state == "BLOCKED"


def test_all_faults_of_a_deal_are_told_at_once(world: World) -> None:
    deal = world.seller.quote([("ENT", "1", "1000"), ("SEAT", "1.5", "10")], Total_Contract_Value__c="1015")

    world.look_at(deal)

    said = world.shown(deal)["Error"]
    assert "feature-api-calls" in said
    assert "whole number" in said


def test_the_same_fault_again_is_no_new_event_and_nothing_to_write(world: World) -> None:
    deal = world.seller.quote(Total_Contract_Value__c="2020")
    world.look_at(deal)
    before = world.events(deal)
    world.pass_time(minutes=5)

    world.push(deal)
    world.work()
    flushed = world.write_back()

    assert world.events(deal) == before
    assert flushed.written == 0


def test_a_corrected_deal_that_has_another_fault_tells_the_new_one(world: World) -> None:
    deal = world.seller.quote(Total_Contract_Value__c="2020")
    world.look_at(deal)
    world.seller.change(deal, Total_Contract_Value__c="2030")

    world.look_at(deal)

    assert "2030" in world.shown(deal)["Error"].replace(",", "")


@pytest.mark.parametrize("call", _STEP_OF_CALL)
def test_a_platform_that_is_down_at_a_step_is_tried_again_by_itself(world: World, call: str) -> None:
    deal = world.seller.quote()
    world.platform.fail(call, Unavailable("The platform answered 503."), times=2)
    step = _STEP_OF_CALL[call]

    world.look_at(deal)

    stopped = next(row for row in world.step_rows(deal) if row.name == step)
    assert (world.order(deal).state, stopped.state, stopped.attempts) == ("RETRYING", "retrying", 1)
    assert (stopped.code, stopped.message, stopped.owner) == ("UNAVAILABLE", "The platform answered 503.", "nobody")
    shown = world.shown(deal)
    assert (shown["Status"], shown["Step"], shown["Attempts"]) == ("Pending", step, 1)
    assert "The platform answered 503." in shown["Error"]
    assert "Next try: 2026-03-02 09:30 UTC" in shown["Error"]

    world.pass_time(seconds=4)
    world.settle()
    assert world.looks == ["retrying"], "it is not tried before its time"

    world.pass_time(seconds=1)
    world.settle()
    assert world.record(deal).not_before == world.clock.now() + _seconds(10)
    assert world.shown(deal)["Attempts"] == 2

    world.pass_time(seconds=10)
    world.settle()
    assert world.order(deal).state == "FULFILLED"
    assert (world.shown(deal)["Status"], world.shown(deal)["Error"]) == ("Synced", None)
    assert len(world.rows(platform_subscriptions)) == 1


def test_a_platform_that_is_down_while_the_deal_is_read_is_tried_again_and_visible(world: World) -> None:
    deal = world.seller.quote()
    world.platform.fail("fetch_plan", Unavailable("The platform answered 503."))

    world.look_at(deal)

    assert (world.order(deal).state, world.record(deal).state) == ("RETRYING", "retrying")
    assert world.shown(deal)["Status"] == "Pending"
    assert "The platform answered 503." in world.shown(deal)["Error"]

    world.pass_time(seconds=5)
    world.settle()

    assert world.order(deal).state == "FULFILLED"


def test_a_platform_that_is_down_while_a_stopped_order_goes_on_is_tried_again_and_visible(world: World) -> None:
    deal = world.seller.quote()
    world.platform.fail("grant", Unavailable("Down."))
    world.look_at(deal)
    world.platform.fail("fetch_plan", Unavailable("Still down."))

    world.pass_time(seconds=5)
    world.settle()

    assert (world.order(deal).state, world.record(deal).state) == ("RETRYING", "retrying")
    assert "Still down." in world.shown(deal)["Error"]

    world.pass_time(seconds=10)
    world.settle()
    assert world.order(deal).state == "FULFILLED"


def test_an_unknown_outcome_is_asked_for_again_under_the_same_key(world: World) -> None:
    deal = world.seller.quote()
    world.platform.after_grant(Uncertain("The connection was cut."))

    world.look_at(deal)
    assert (world.order(deal).state, len(world.rows(platform_subscriptions))) == ("RETRYING", 1)
    world.pass_time(seconds=5)
    world.settle()

    assert world.order(deal).state == "FULFILLED"
    assert len(world.rows(platform_subscriptions)) == 1


def test_a_platform_that_asks_us_to_wait_is_given_the_time_it_asked_for(world: World) -> None:
    deal = world.seller.quote()
    world.platform.fail("upsert_customer", RateLimited("Slow down.", retry_after=600))

    world.look_at(deal)

    assert world.record(deal).not_before == world.clock.now() + _seconds(600)


def test_settings_that_an_operator_mends_are_tried_again_by_themselves(world: World) -> None:
    deal = world.seller.quote()
    world.platform.fail("upsert_customer", Misconfigured("The key of the platform is wrong.", code="KEY"))
    world.look_at(deal)
    assert (world.order(deal).state, world.record(deal).owner) == ("RETRYING", "operator")

    world.pass_time(seconds=5)
    world.settle()

    assert world.order(deal).state == "FULFILLED"


def test_a_platform_that_refuses_blocks_the_order_and_resync_goes_on_at_that_step(world: World) -> None:
    deal = world.seller.quote()
    world.platform.fail("grant", PlatformRefused("The plan may not be sold in this country."))

    world.look_at(deal)

    assert world.order(deal).state == "BLOCKED"
    assert world.steps(deal)["subscriptions"] == "blocked"
    shown = world.shown(deal)
    assert (shown["Status"], shown["Step"], shown["Error_Code"]) == ("Blocked", "subscriptions", "PLATFORM_REFUSED")
    assert "may not be sold in this country" in shown["Error"]
    assert "Who: RevOps." in shown["Error"]
    world.platform.calls.clear()

    world.resync(order=world.order(deal).number)
    world.settle()

    assert world.order(deal).state == "FULFILLED"
    assert "upsert_customer" not in world.platform.calls, "a confirmed step is not repeated"


def test_access_that_differs_from_what_was_sold_blocks_and_tells_both_sides(world: World) -> None:
    deal = world.seller.quote()
    world.platform.before("fetch_subscription", lambda: _grant_something_else(world))

    world.look_at(deal)

    shown = world.shown(deal)
    assert (world.order(deal).state, shown["Error_Code"], shown["Step"]) == ("BLOCKED", "ACCESS_DIFFERS", "read_back")
    assert "feature-seats: sold 50, granted 40" in shown["Error"]


def test_after_the_most_attempts_the_order_has_failed_with_an_owner_and_resync_revives_it(world: World) -> None:
    deal = world.seller.quote()
    world.platform.fail("upsert_customer", Unavailable("Down."), times=MOST_ATTEMPTS)
    world.look_at(deal)

    for _ in range(MOST_ATTEMPTS - 1):
        world.pass_time(hours=4)
        world.settle()

    shown = world.shown(deal)
    assert (world.order(deal).state, world.steps(deal)["customer"]) == ("FAILED", "failed")
    assert (shown["Status"], shown["Attempts"]) == ("Failed", MOST_ATTEMPTS)
    assert "Who: operator." in shown["Error"]
    assert world.record(deal).not_before is None

    world.resync(salesforce_id=deal.id)
    world.settle()

    assert world.order(deal).state == "FULFILLED"


def test_salesforce_that_is_down_when_the_deal_is_read_is_tried_again_by_itself(world: World) -> None:
    deal = world.seller.quote()
    world.push(deal)
    world.sandbox.inject_fault("unavailable_html", path="*/composite", times=20, status=503)

    world.settle()

    record = world.record(deal)
    assert (record.state, record.attempts) == ("retrying", 1)
    assert record.not_before == world.clock.now() + _seconds(5)
    assert record.reason

    world.sandbox.faults.clear()
    world.pass_time(seconds=5)
    world.settle()

    assert world.order(deal).state == "FULFILLED"
    assert world.record(deal).attempts == 0


def test_salesforce_that_is_down_while_an_order_waits_for_its_retry_does_not_end_the_retries(world: World) -> None:
    deal = world.seller.quote()
    world.platform.fail("upsert_customer", Unavailable("Down."))
    world.look_at(deal)
    world.sandbox.inject_fault("unavailable_html", path="*/composite", times=20, status=503)
    world.pass_time(seconds=5)
    world.work()

    assert (world.record(deal).state, world.record(deal).attempts) == ("retrying", 2)
    assert world.order(deal).state == "RETRYING"

    world.sandbox.faults.clear()
    world.pass_time(seconds=10)
    world.settle()
    assert world.order(deal).state == "FULFILLED"


def test_one_bad_deal_holds_up_no_other(world: World) -> None:
    bad = world.seller.quote(Total_Contract_Value__c="1")
    good = world.seller.quote()

    world.look_at(bad, good)

    assert (world.order(bad).state, world.order(good).state) == ("BLOCKED", "FULFILLED")


def test_a_bug_in_one_deal_is_parked_and_shown_and_the_next_deal_goes_on(world: World) -> None:
    bad, good = world.seller.quote(), world.seller.quote()
    world.platform.fail("upsert_customer", ZeroDivisionError("division by zero"))
    world.push(bad)
    world.push(good)

    world.settle()

    assert (world.record(bad).state, world.record(bad).code) == ("parked", "UNEXPECTED")
    assert (world.order(bad).state, world.order(good).state) == ("BLOCKED", "FULFILLED")
    shown = world.shown(bad)
    assert (shown["Status"], shown["Error_Code"]) == ("Blocked", "UNEXPECTED")
    assert "Who: operator." in shown["Error"]
    assert "ZeroDivisionError" in world.record(bad).reason
    assert [row.state for row in world.rows(tables.inbox)] == ["parked", "done"]


def test_a_plan_that_is_taken_away_while_the_order_is_under_way_blocks_it(world: World) -> None:
    deal = world.seller.quote()
    world.platform.fail("grant", Unavailable("Down."))
    world.look_at(deal)
    plan = world.services.platform.fetch_plan(plan_ref="plan-platform")
    world.platform._platform._plans.pop("plan-platform")  # type: ignore[attr-defined]

    world.pass_time(seconds=5)
    world.settle()

    assert world.order(deal).state == "BLOCKED"
    assert world.shown(deal)["Error_Code"] == "UNKNOWN_PLAN"

    world.platform._platform._plans["plan-platform"] = plan  # type: ignore[attr-defined]
    world.resync(salesforce_id=deal.id)
    world.settle()
    assert world.order(deal).state == "FULFILLED"


def test_a_deal_that_is_blocked_after_a_retry_no_longer_promises_a_next_try(world: World) -> None:
    deal = world.seller.quote()
    world.platform.fail("upsert_customer", Unavailable("Down."))
    world.look_at(deal)
    world.seller.change(deal, Total_Contract_Value__c="1")

    world.look_at(deal)

    assert world.order(deal).state == "BLOCKED"
    assert "Next try" not in world.shown(deal)["Error"]


def test_a_deal_that_is_no_longer_signed_while_it_is_stopped_is_blocked_and_says_so(world: World) -> None:
    deal = world.seller.quote(Total_Contract_Value__c="1")
    world.look_at(deal)
    world.seller.unsign(deal)

    world.look_at(deal)

    assert (world.order(deal).state, world.shown(deal)["Error_Code"]) == ("BLOCKED", "NOT_SIGNED")


def test_lines_that_change_while_a_deal_is_stopped_are_read_anew(world: World) -> None:
    deal = world.seller.quote([*PLATFORM, ("ONBOARD", "1", "100", {"Charge_Type__c": "One-Time"})])
    world.platform.fail("upsert_customer", Unavailable("Down."))
    world.look_at(deal)
    onboarding = world.seller.lines_of(deal)[2]
    world.sandbox.delete("QuoteLineItem", onboarding["Id"])
    world.seller.change(deal, Total_Contract_Value__c="2200")

    world.look_at(deal)

    assert (world.order(deal).state, world.order(deal).value) == ("FULFILLED", Decimal("2200.00"))
    assert [row.product_code for row in world.rows(tables.order_lines)] == ["PLATFORM", "SEAT"]


def _seconds(count: int) -> timedelta:
    return timedelta(seconds=count)


def _grant_something_else(world: World) -> None:
    """Somebody changes the subscription on the platform."""
    with world.database.unit_of_work() as work:
        row = work.execute(sa.select(platform_subscriptions)).one()
        grants = [grant | {"value": Decimal(40)} for grant in row.grants]
        work.execute(platform_subscriptions.update().values(grants=grants))
        work.commit()
