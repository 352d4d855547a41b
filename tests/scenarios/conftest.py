"""A world per story: a served sandbox, a product over it, and both clocks at rest."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from connector.adapters.clock import FixedClock
from connector.sandbox import Sandbox
from connector.store.unit_of_work import Database
from tests.world import World


@pytest.fixture
def make_world(clock: FixedClock) -> Iterator[Callable[..., World]]:
    """Makes worlds over a database; further settings by section, the sandbox's switches as `sandbox_options`."""
    closers: list[Callable[[], None]] = []

    def make(database: Database, *, sandbox_options: dict[str, Any] | None = None, **sections: Any) -> World:
        sandbox = Sandbox(now=clock.now(), auto_push=False, **(sandbox_options or {}))
        sandbox.start()
        world = World(sandbox=sandbox, database=database, clock=clock, **sections)
        closers.extend((world.close, sandbox.stop))
        return world

    yield make
    for close in closers:
        close()


@pytest.fixture
def world(make_world: Callable[..., World], sqlite_database: Database) -> World:
    """A story on a SQLite file; what differs on PostgreSQL has tests of its own."""
    return make_world(sqlite_database)
