"""A worker is killed around every create on Stigg, before it and after it: there is never a second one of anything.

The points are those just before a change, just after it, and up to the commit that records it. Another worker finishes
what was begun; what Stigg then has is compared with a run that nobody disturbed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from connector.store.unit_of_work import Database
from tests.crash.conftest import Workers
from tests.crash.place import Place
from tests.crash.processes import wait_until
from tests.stigg_place import served_catalogue, stigg_sections
from tests.stigg_server import StiggServer

pytestmark = pytest.mark.crash

_SOLD = (
    ("PLATFORM", "1", "1000"),
    ("SEAT", "50", "24"),
    ("CREDIT-AI", "10000", "0.01", {"Credit_Cadence__c": "Month"}),
    ("SUPPORT", "1", "500"),
)
# After a change: the call that ended, the commit before the next one, and that commit when it is done.
_STEPS_AFTER = 3


def test_a_kill_around_any_create_makes_nothing_twice(new_sqlite: Callable[[], Database], workers: Workers) -> None:
    quiet = _run(new_sqlite(), workers, kill_at=0)
    changes = [at for at, name in enumerate(quiet["points"], start=1) if "before change" in name]
    kills = sorted({at + later for at in changes for later in range(_STEPS_AFTER)})

    assert quiet["stigg"]["counts"] == (1, 1, 2)
    assert len(changes) == 2, quiet["points"]
    for kill_at in kills:
        disturbed = _run(new_sqlite(), workers, kill_at=kill_at)
        assert disturbed["was_killed"], disturbed["points"]
        assert disturbed["stigg"] == quiet["stigg"], f"killed at {disturbed['points'][-1]}"
        assert disturbed["end"] == quiet["end"], f"killed at {disturbed['points'][-1]}"


def _run(database: Database, workers: Workers, *, kill_at: int) -> dict[str, Any]:
    server = served_catalogue()
    server.start()
    place = Place(database, **stigg_sections(server))
    try:
        deal = place.seller.quote(_SOLD)
        place.push(deal)
        first = workers.start(place.settings, kill_in="look", kill_at=kill_at)
        wait_until(lambda: first.has_ended() or place.is_at_rest(1), "the first worker was killed or is done")
        was_killed = first.has_ended()
        if was_killed:
            assert first.ended == -9, first.said()
            place.let_time_pass()
            second = workers.start(place.settings)
            place.await_end(first, second, deals=1)
            second.kill()
        first.kill()
        found = {"end": place.end_state(deal), "was_killed": was_killed, "points": first.points()}
        return found | {"stigg": _seen(server)}
    finally:
        place.close()
        server.stop()
        database.dispose()


def _seen(server: StiggServer) -> dict[str, Any]:
    """What Stigg has: how many of each, what is in the contract, what is granted."""
    held = server.subscriptions.held
    (customer,) = server.subscriptions.customers
    (contract,) = server.contracts.agreed.values()
    return {
        "counts": (len(server.subscriptions.customers), len(server.contracts.agreed), len(held)),
        "members": sorted(one.plan.ref for ref, one in held.items() if ref in contract.members),
        "running": sorted((one.plan.ref, one.status(server.now())) for one in held.values()),
        "grants": [(one["currencyId"], one["amount"]) for one in server.credits.grants(customer, None, None)],
    }
