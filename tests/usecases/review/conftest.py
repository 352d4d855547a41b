"""A finance team on each kind of database."""

from __future__ import annotations

import pytest

from connector.adapters.clock import FixedClock
from connector.store.unit_of_work import Database
from tests.reviewing import Finance, make_finance


@pytest.fixture
def finance(database: Database, clock: FixedClock) -> Finance:
    """People, books and a desk; the test runs once for each kind of database."""
    return make_finance(database, clock)


@pytest.fixture
def sqlite_finance(sqlite_database: Database, clock: FixedClock) -> Finance:
    """The same on SQLite alone, for what no database can change."""
    return make_finance(sqlite_database, clock)
