"""A mapping is tried on deals that were done: what would have differed is told, and nothing is written."""

from __future__ import annotations

import copy
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

from connector.domain.comparing import Change
from connector.orgs import make_orgs
from connector.store import tables
from connector.store.unit_of_work import Database
from connector.usecases.backtest_mapping import Backtester, BacktestReport, Outcome
from tests.settings import raw_settings, settings_for
from tests.world import World


def _backtest(world: World, change: Callable[[dict[str, Any]], None] = lambda _raw: None) -> BacktestReport:
    """The same product with another mapping, over the same database and org."""
    url = world.database.url.render_as_string(hide_password=False)
    raw = copy.deepcopy(raw_settings(sandbox=world.sandbox, database_url=url))
    change(raw)
    config = settings_for(sandbox=world.sandbox, database_url=url, mapping=raw["mapping"], signed=raw["signed"])
    orgs = make_orgs(config, clock=world.clock)
    tester = Backtester(orgs, world.platform, world.clock, world.database)
    try:
        return tester.run(since=world.clock.now() - timedelta(days=90), on_progress=lambda _count: None)
    finally:
        for org in orgs.values():
            org.gateway.close()  # type: ignore[attr-defined]


def test_the_same_mapping_makes_the_same_orders(world: World) -> None:
    deals = [world.seller.quote() for _ in range(3)]
    world.look_at(*deals)
    world.pass_time(minutes=5)

    report = _backtest(world)

    assert {row.ref.record_id: row.outcome for row in report.rows} == {deal.id: Outcome.SAME for deal in deals}
    assert report.counts == {"same": 3}
    assert {row.mapping_version for row in report.rows} == {report.version}


def test_a_changed_rule_is_told_with_both_values_and_what_it_does_to_the_orders_value(world: World) -> None:
    deal = world.seller.quote(PO_Number__c="PO-7")
    world.look_at(deal)
    world.pass_time(minutes=5)

    def change(raw: dict[str, Any]) -> None:
        raw["mapping"]["defaults"]["header"]["po_number"] = "Name"
        raw["mapping"]["defaults"]["header"]["signed_total"] = {"constant": ""}
        raw["mapping"]["defaults"]["line"]["unit_price"] = {"constant": "1"}

    row = _backtest(world, change).rows[0]

    assert row.outcome is Outcome.DIFFERENT
    found = {change.place: change for change in row.changes}
    assert found["po_number"].was == "PO-7"
    assert found["value"] == Change("value", Decimal("2200.00"), Decimal("51.00"))
    assert sum(place.endswith(".unit_price") for place in found) == 2


def test_a_deal_that_would_be_refused_says_why(world: World) -> None:
    deal = world.seller.quote()
    world.look_at(deal)
    world.pass_time(minutes=5)

    def change(raw: dict[str, Any]) -> None:
        raw["mapping"]["defaults"]["header"]["po_number"] = {"path": "PO_Number__c", "required": True}

    row = _backtest(world, change).rows[0]

    assert (row.outcome, row.order) == (Outcome.REFUSED, world.order(deal).number)
    assert "PO_Number__c" in row.faults[0].sentence()


def test_a_blocked_deal_that_the_new_mapping_can_read_would_be_an_order(world: World) -> None:
    deal = world.seller.quote(Contract_Start__c=None)
    world.look_at(deal)
    assert world.order(deal).state == "BLOCKED"
    world.pass_time(minutes=5)

    def change(raw: dict[str, Any]) -> None:
        raw["mapping"]["defaults"]["header"]["starts_on"] = {"constant": "2026-04-01"}

    assert [row.outcome for row in _backtest(world).rows] == [Outcome.STILL_REFUSED]
    assert [row.outcome for row in _backtest(world, change).rows] == [Outcome.NEW]


def test_a_deal_that_no_longer_counts_as_signed_is_told(world: World) -> None:
    """The rule's field is another one now: what was done by the old rule is held against the new."""
    deal = world.seller.quote()
    world.look_at(deal)
    world.pass_time(minutes=5)

    def change(raw: dict[str, Any]) -> None:
        raw["signed"][0]["values"] = ["Presented"]

    assert _backtest(world, change).rows == ()


def test_nothing_is_written_anywhere(make_world: Callable[..., World], database: Database) -> None:
    world = make_world(database)
    world.look_at(world.seller.quote(), world.seller.quote(Contract_Start__c=None))
    world.pass_time(minutes=5)
    before = {name: world.rows(getattr(tables, name)) for name in ("orders", "contracts", "records", "writebacks")}
    shown = [dict(row) for row in world.sandbox.all("Quote")]

    _backtest(world)

    assert {name: world.rows(getattr(tables, name)) for name in before} == before
    assert [dict(row) for row in world.sandbox.all("Quote")] == shown
