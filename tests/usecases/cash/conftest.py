"""A cashier on each kind of database."""

from __future__ import annotations

import pytest

from connector.adapters.clock import FixedClock
from connector.store.unit_of_work import Database
from tests.cashing import Till


@pytest.fixture
def till(database: Database, clock: FixedClock) -> Till:
    """Invoices and payments; the test runs once for each kind of database."""
    return Till(database, clock)


@pytest.fixture
def sqlite_till(sqlite_database: Database, clock: FixedClock) -> Till:
    """The same on SQLite alone, for what no database can change."""
    return Till(sqlite_database, clock)
