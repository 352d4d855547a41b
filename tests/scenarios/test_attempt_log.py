"""The log that Salesforce keeps: one row for each attempt at a deal, whatever is killed or sent twice."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from connector.sandbox import Sandbox
from connector.store import mirror_rows, tables_completeness
from connector.store.unit_of_work import Database
from connector.usecases.mirror_rows import flush_rows
from tests.world import World

LOGGING: dict[str, Any] = {"writeback": {"log_object": "Sync_Log__c"}}


def _flush(world: World) -> dict[str, int]:
    return flush_rows(
        database=world.database, clock=world.clock, orgs=world.services.orgs, batch=200, claimed_by="here"
    )


def _log(sandbox: Sandbox) -> list[tuple[str, str | None]]:
    return [(row["Status__c"], row["Error_Code__c"]) for row in sandbox.all("Sync_Log__c")]


def test_every_attempt_at_a_deal_is_a_row_with_what_came_of_it(
    make_world: Callable[..., World], database: Database
) -> None:
    world = make_world(database, **LOGGING)
    deal = world.seller.quote(Contract_Start__c=None)
    world.look_at(deal)
    world.seller.change(deal, Contract_Start__c="2026-04-01")
    world.look_at(deal)

    assert _flush(world) == {"rows_written": 2, "rows_failed": 0}

    rows = world.sandbox.all("Sync_Log__c")
    assert [row["Status__c"] for row in rows] == ["Blocked", "Synced"]
    assert "Contract_Start__c" in rows[0]["Error__c"]
    assert rows[0]["Owner__c"] == "sales rep"
    assert {row["Account__c"] for row in rows} == {deal.account}
    assert rows[1]["Order_Number__c"] == world.order(deal).number
    assert rows[1]["Error_Code__c"] is None


def test_a_look_that_finds_everything_as_it_was_is_no_attempt(world: World, make_world: Callable[..., World]) -> None:
    logging = make_world(world.database, **LOGGING)
    deal = logging.seller.quote()
    for _ in range(3):
        logging.look_at(deal)

    _flush(logging)

    assert _log(logging.sandbox) == [("Synced", None)]


def test_without_the_setting_nothing_is_kept(world: World) -> None:
    world.look_at(world.seller.quote())

    assert world.rows(tables_completeness.mirror_rows) == []


def test_a_row_that_is_sent_twice_is_one_row(make_world: Callable[..., World], database: Database) -> None:
    """The connection is cut after Salesforce applied the call; the next flush sends the same key."""
    world = make_world(database, **LOGGING)
    world.look_at(world.seller.quote())
    world.sandbox.inject_fault("cut_after_write", path="*/Sync_Log__c/*", times=None)

    first = _flush(world)
    assert _log(world.sandbox) == [("Synced", None)], "it was applied, and nobody knew"
    world.sandbox.faults.clear()
    world.pass_time(minutes=30)
    second = _flush(world)

    assert (first["rows_failed"], second["rows_written"]) == (1, 1)
    assert _log(world.sandbox) == [("Synced", None)]


def test_an_org_without_the_object_says_so_and_holds_up_nothing_else(
    make_world: Callable[..., World], sqlite_database: Database
) -> None:
    world = make_world(sqlite_database, writeback={"log_object": "No_Such_Log__c"})
    deal = world.seller.quote()
    world.look_at(deal)

    _flush(world)

    row = world.rows(tables_completeness.mirror_rows)[0]
    assert row.code
    assert "No_Such_Log__c" in row.message
    assert world.shown(deal)["Status"] == "Synced"


def test_history_waits_first_when_the_calls_of_the_day_run_short(
    world: World, make_world: Callable[..., World]
) -> None:
    logging = make_world(world.database, **LOGGING)
    logging.look_at(logging.seller.quote())
    logging.sandbox.calls.total = 4_900_000
    logging.pass_time(minutes=20)

    assert _flush(logging) == {"rows_written": 0, "rows_failed": 0}


@pytest.mark.parametrize("wanted", [{"A__c": "1"}, {"A__c": "2"}])
def test_a_wish_that_says_the_same_is_not_written_again(
    database: Database, world: World, wanted: dict[str, str]
) -> None:
    now = world.clock.now()

    def want(fields: dict[str, str]) -> None:
        with database.unit_of_work() as work:
            mirror_rows.want(work=work, org_id="00D", object_name="X__c", key="1", fields=fields, now=now)
            work.commit()

    want({"A__c": "1"})
    with database.unit_of_work() as work:
        taken = mirror_rows.take_owed(
            work=work, org_id="00D", limit=9, claimed_by="me", now=now, stale=world.sweeper.overlap
        )
        mirror_rows.save_written(work=work, done=taken, now=now)
        work.commit()
    want(wanted)

    with database.reading() as connection:
        is_owed = connection.execute(tables_completeness.mirror_rows.select()).one().is_owed
    assert is_owed is (wanted != {"A__c": "1"})
