"""What every test may ask for: a clock that stands still, and a fresh database of either kind with all tables.

A test that takes `database` runs twice, on a SQLite file and on PostgreSQL. Tables are made once per run and copied,
so that each test has a database of its own at little cost. Ask for `sqlite_database` or `postgresql_database` when
only one kind matters; the tables of the engine are there as well.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from connector.adapters.clock import FixedClock
from connector.engine import migrate_engine
from connector.store.tables import metadata
from connector.store.unit_of_work import Database
from tests.postgresql import Copies, PostgresqlServer

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options of our own."""
    parser.addoption("--update-screenshots", action="store_true", help="write the pictures in docs/images anew")
    parser.addoption("--update-golden", action="store_true", help="rewrite expected files; then read the difference")


@pytest.fixture
def clock() -> FixedClock:
    """Monday, 2 March 2026, 09:30 UTC, until the test moves it."""
    return FixedClock(NOW)


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[PostgresqlServer]:
    """A PostgreSQL server for this run (one per test process)."""
    server = PostgresqlServer()
    yield server
    server.stop()


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> Database:
    """An empty database with all tables; the test runs once for each kind."""
    found = request.getfixturevalue(f"{request.param}_database")
    assert isinstance(found, Database)
    return found


@pytest.fixture
def sqlite_database(_sqlite_template: Path, tmp_path: Path) -> Iterator[Database]:
    """An empty SQLite file with all tables."""
    file = tmp_path / "countersign.db"
    shutil.copyfile(_sqlite_template, file)
    database = Database(f"sqlite:///{file}")
    yield database
    database.dispose()


@pytest.fixture
def postgresql_database(_postgresql_copies: Copies) -> Iterator[Database]:
    """An empty PostgreSQL database with all tables."""
    database = Database(_postgresql_copies.new())
    yield database
    database.dispose()


@pytest.fixture(scope="session")
def _sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("template") / "template.db"
    _make_tables(f"sqlite:///{file}")
    engine = sa.create_engine(f"sqlite:///{file}")
    with engine.connect() as connection:
        # Everything must be in the one file that is copied.
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    engine.dispose()
    return file


@pytest.fixture(scope="session")
def _postgresql_copies(postgresql_server: PostgresqlServer) -> Iterator[Copies]:
    template = postgresql_server.new_database()
    _make_tables(template)
    copies = Copies(template)
    yield copies
    copies.dispose()


def _make_tables(url: str) -> None:
    database = Database(url)
    metadata.create_all(database.writer)
    migrate_engine(database_url=url)
    database.dispose()
