"""A billing run is killed around every commit, and shared by processes: the drafts are those of a quiet run.

For n = 1, 2, 3, ... a worker takes a run of two chunks and is killed with SIGKILL at the n-th point; another worker
finishes it. The test stops at the first n that a run does not reach.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from connector.adapters.clock import SystemClock
from connector.store import billing_runs
from connector.store.tables import contracts
from connector.store.unit_of_work import Database
from tests.billing import Books, for_customer
from tests.crash.conftest import Workers
from tests.crash.place import Place
from tests.crash.processes import wait_until
from tests.domain.making import make_order
from tests.domain.seat_orders import monthly_seats

pytestmark = pytest.mark.crash

_AS_OF = "2026-03-15"
_MOST_POINTS = 60
_FEWEST_POINTS = 12


def test_a_kill_anywhere_in_a_run_changes_no_draft(new_database: Callable[[], Database], workers: Workers) -> None:
    quiet = _books(new_database(), customers=3)
    quiet.bill(_AS_OF)

    for kill_at in range(1, _MOST_POINTS):
        disturbed = _run(new_database(), workers, kill_at=kill_at)
        assert disturbed["content"] == quiet.content(), f"killed at {disturbed['points'][-1]}"
        assert disturbed["progress"] == _progress(quiet), f"killed at {disturbed['points'][-1]}"
        if not disturbed["was_killed"]:
            break

    assert kill_at > _FEWEST_POINTS, disturbed["points"]
    quiet.database.dispose()


def test_two_processes_that_share_a_run_bill_nothing_twice(postgresql_place: Place, workers: Workers) -> None:
    books = _books(postgresql_place.database, customers=40)
    run_id = books.open_run(_AS_OF, chunk_size=1)
    _start(postgresql_place, run_id, sharers=6)
    children = [workers.start(postgresql_place.settings, jobs=("watchdog",)) for _ in range(2)]

    _await_end(postgresql_place, books, run_id)

    assert books.counts(run_id) == {"customers": 40, "drafts": 120, "items": 120}
    assert len(books.drafts()) == 120
    assert len({item.charge_key for item in books.items()}) == 120
    for child in children:
        child.kill()


def _books(database: Database, *, customers: int) -> Books:
    books = Books(database, SystemClock())
    for number in range(customers):
        order = make_order(monthly_seats(last="2026-06-30"), record=f"R{number}", last="2026-06-30")
        books.sign(for_customer(order, f"001{number:03d}"))
    return books


def _run(database: Database, workers: Workers, *, kill_at: int) -> dict[str, Any]:
    place = Place(database)
    books = _books(database, customers=3)
    try:
        run_id = books.open_run(_AS_OF, chunk_size=2)
        _start(place, run_id, sharers=1)
        first = workers.start(place.settings, kill_in="bill", kill_at=kill_at)
        wait_until(lambda: first.has_ended() or _is_done(place, books, run_id), "the worker was killed or is done")
        was_killed = first.has_ended()
        if was_killed:
            assert first.ended == -9, first.said()
            place.let_time_pass()
            second = workers.start(place.settings)
            _await_end(place, books, run_id)
            second.kill()
        first.kill()
        return {
            "content": books.content(),
            "progress": _progress(books),
            "was_killed": was_killed,
            "points": first.points(),
        }
    finally:
        place.close()
        database.dispose()


def _start(place: Place, run_id: int, *, sharers: int) -> None:
    with place.database.unit_of_work() as work:
        for sharer in range(sharers):
            place.starter.start(
                connection=work.connection, name="bill", run_id=f"bill:{run_id}:{sharer}", argument=str(run_id)
            )
        work.commit()


def _await_end(place: Place, books: Books, run_id: int) -> None:
    wait_until(lambda: _is_done(place, books, run_id), "the billing run is finished")


def _is_done(place: Place, books: Books, run_id: int) -> bool:
    with books.database.reading() as connection:
        progress = billing_runs.load_progress(connection=connection, run_id=run_id)
    return progress.is_finished and not place.unfinished_runs()


def _progress(books: Books) -> list[tuple[Any, ...]]:
    """How far each contract is; how often it was looked at says nothing."""
    with books.database.reading() as connection:
        rows = connection.execute(contracts.select().order_by(contracts.c.customer_ref))
        return [(row.customer_ref, row.next_bill_on, row.billed_until, row.billed_version) for row in rows]
