"""Two runs and one record: one works, the other leaves a note; a run that was taken for dead changes nothing."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from datetime import timedelta

from connector.domain.terms import RecordRef
from connector.errors import Unavailable
from connector.store import records, tables
from connector.store.tables_platform import platform_subscriptions
from connector.store.unit_of_work import Database
from connector.usecases.wake_waiting import wake_waiting
from connector.usecases.watch_processes import watch_processes
from tests.world import World


def test_a_second_look_leaves_a_note_and_the_first_looks_again(world: World) -> None:
    deal = world.seller.quote()
    world.push(deal)
    (first,) = world.runs.take_all()
    world.push(deal)
    (second,) = world.runs.take_all()
    outcomes: list[str] = []
    world.platform.before("upsert_customer", lambda: outcomes.append(world.run(second)))

    assert world.run(first) == "ordered"
    assert outcomes == ["noted"]
    (again,) = world.runs.take_all()
    assert again[1].startswith("again:")
    assert world.run(again) == "ordered"
    assert [row.state for row in world.rows(tables.inbox)] == ["done", "done"]
    assert world.record(deal).is_look_due is False


def test_a_change_that_is_pushed_during_a_look_is_seen(world: World) -> None:
    deal = world.seller.quote()
    world.push(deal)
    (first,) = world.runs.take_all()

    def change() -> None:
        world.seller.change(deal, PO_Number__c="PO-7")
        world.push(deal)
        (second,) = world.runs.take_all()
        assert world.run(second) == "noted"

    world.platform.before("grant", change)
    world.run(first)
    world.settle()

    assert world.order(deal).question_code == "CHANGED_AFTER_SIGNING"


def test_a_run_that_was_taken_for_dead_and_resumed_elsewhere_changes_nothing_any_more(world: World) -> None:
    """The paused process goes on just after another one has resumed the same run, and finished it."""
    deal = world.seller.quote()
    world.push(deal)
    (run,) = world.runs.take_all()
    outcomes: list[str] = []
    world.platform.before("upsert_customer", lambda: outcomes.append(world.run(run)))

    paused = world.run(run)

    assert (outcomes, paused) == (["ordered"], "lost")
    assert world.order(deal).state == "FULFILLED"
    confirmed = Counter(event for event in world.events(deal) if "confirm" in event)
    assert set(confirmed.values()) == {1}
    assert world.record(deal).state == "ordered"
    assert world.record(deal).claimed_by == ""
    assert len(world.rows(platform_subscriptions)) == 1


def test_a_run_that_was_taken_for_dead_does_not_free_the_record_of_the_one_that_works(world: World) -> None:
    deal = world.seller.quote()
    world.push(deal)
    (run,) = world.runs.take_all()
    world.platform.before("fetch_subscription", lambda: _claim(world, run))

    assert world.run(run) == "lost"

    record = world.record(deal)
    assert (record.claimed_by, record.state) == (run[1], "due")
    assert [row.state for row in world.rows(tables.inbox)] == ["received"]


def test_a_failure_of_a_run_that_was_taken_for_dead_is_not_shown(world: World) -> None:
    deal = world.seller.quote()
    world.push(deal)
    (run,) = world.runs.take_all()

    def resumed_elsewhere() -> None:
        world.run(run)
        raise Unavailable("The connection of the paused process has died.")

    world.platform.before("grant", resumed_elsewhere)

    assert world.run(run) == "lost"
    assert world.order(deal).state == "FULFILLED"
    assert world.order(deal).faults == []
    assert world.record(deal).state == "ordered"


def test_many_looks_at_one_record_at_once_are_one_order(make_world: Callable[..., World], database: Database) -> None:
    world = make_world(database)
    deal = world.seller.quote()
    for _ in range(6):
        world.push(deal)
    runs = world.runs.take_all()
    outcomes: list[str] = []

    threads = [threading.Thread(target=lambda run=run: outcomes.append(world.run(run))) for run in runs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    world.settle()

    assert set(outcomes) <= {"ordered", "noted"}
    assert world.order(deal).state == "FULFILLED"
    assert len(world.rows(tables.contracts)) == 1
    assert set(Counter(event for event in world.events(deal) if "confirm" in event).values()) == {1}
    assert {row.state for row in world.rows(tables.inbox)} == {"done"}


def test_deals_of_one_account_at_once_are_one_customer(make_world: Callable[..., World], database: Database) -> None:
    world = make_world(database)
    account = world.seller.account()
    deals = [world.seller.quote(account=account) for _ in range(4)]
    for deal in deals:
        world.push(deal)
    runs = world.runs.take_all()

    threads = [threading.Thread(target=world.run, args=[run]) for run in runs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    world.settle()

    assert {world.order(deal).state for deal in deals} == {"FULFILLED"}
    assert len(world.rows(tables.customers)) == 1
    assert len(world.rows(platform_subscriptions)) == 4


class _Engine:
    """What the watchdog asks the engine, answered by the test."""

    def __init__(self, *, busy: set[str] | None = None, unfinished: set[str] | None = None) -> None:
        self.busy = busy or set()
        self.left = unfinished or set()
        self.resumed: list[str] = []

    def pending_executors(self) -> set[str]:
        return self.busy

    def resume_dead(self, *, executor_ids: list[str]) -> int:
        self.resumed += executor_ids
        return len(executor_ids)

    def unfinished(self, *, run_ids: list[str]) -> set[str]:
        return self.left & set(run_ids)


def _watch(world: World, engine: _Engine) -> dict[str, int]:
    return watch_processes(
        database=world.database,
        clock=world.clock,
        starter=world.runs,
        engine=engine,
        silence=timedelta(seconds=15),
    )


def _claim(world: World, run: tuple[str, str, str]) -> None:
    """A run takes its record and is not heard of again in this story."""
    with world.database.unit_of_work() as work:
        ref = RecordRef(*run[2].split(":")[:3])
        assert records.claim(work=work, ref=ref, run_id=run[1], now=world.clock.now())
        work.commit()


def test_a_claim_whose_run_has_ended_is_dropped_and_the_record_is_looked_at_again(world: World) -> None:
    deal = world.seller.quote()
    world.push(deal)
    _claim(world, *world.runs.take_all())
    world.pass_time(minutes=2)

    counts = _watch(world, _Engine())
    world.settle()

    assert counts["dropped"] == 1
    assert world.order(deal).state == "FULFILLED"


def test_a_claim_whose_run_is_still_to_be_finished_is_left_alone(world: World) -> None:
    deal = world.seller.quote()
    world.push(deal)
    _claim(world, *world.runs.take_all())
    world.pass_time(minutes=2)

    counts = _watch(world, _Engine(unfinished={world.record(deal).claimed_by}))

    assert counts["dropped"] == 0


def test_a_message_whose_run_ended_without_a_look_is_looked_at_after_a_while(world: World) -> None:
    """The database was away at the moment when the run wanted to take the record: the run is over, nobody looked."""
    deal = world.seller.quote()
    world.push(deal)
    world.runs.take_all()
    world.pass_time(minutes=5)

    counts = _watch(world, _Engine())
    world.settle()

    assert counts["lost"] == 1
    assert world.order(deal).state == "FULFILLED"
    assert [row.state for row in world.rows(tables.inbox)] == ["done"]


def test_a_message_whose_run_is_still_to_come_is_left_alone(world: World) -> None:
    deal, other = world.seller.quote(), world.seller.quote()
    world.push(deal)
    world.push(deal, other)
    runs = world.runs.take_all()
    world.pass_time(minutes=5)

    counts = _watch(world, _Engine(unfinished={run_id for _name, run_id, _argument in runs}))

    assert counts["lost"] == 0
    assert world.runs.take_all() == []


def test_a_fresh_message_is_not_taken_for_lost(world: World) -> None:
    world.push(world.seller.quote())

    assert _watch(world, _Engine())["lost"] == 0


def test_a_wake_up_whose_run_was_lost_comes_again(world: World) -> None:
    deal = world.seller.quote()
    world.platform.fail("upsert_customer", Unavailable("Down."))
    world.look_at(deal)
    world.pass_time(seconds=5)

    assert wake_waiting(database=world.database, clock=world.clock, starter=world.runs) == 1
    assert len(world.runs.take_all()) == 1
    assert wake_waiting(database=world.database, clock=world.clock, starter=world.runs) == 0
    world.pass_time(minutes=10)
    world.settle()

    assert world.order(deal).state == "FULFILLED"
