"""A process that hangs inside a transaction holds up the others for no longer than the limits say (PostgreSQL)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime

import pytest
import sqlalchemy as sa

from connector.adapters.clock import FixedClock
from connector.errors import Unavailable
from connector.store import tables
from connector.store.migrate import migrate
from connector.store.unit_of_work import Database, DatabaseLimits, UnitOfWork

_MARK = tables.watermarks


@pytest.fixture
def limited(postgresql_database: Database) -> Iterator[Callable[..., Database]]:
    """Another process with limits of its own on the same database."""
    made: list[Database] = []

    def make(**seconds: float) -> Database:
        url = postgresql_database.url.render_as_string(hide_password=False)
        made.append(Database(url, limits=DatabaseLimits(**seconds)))
        return made[-1]

    yield make
    for database in made:
        database.dispose()


@pytest.fixture
def mark(postgresql_database: Database, clock: FixedClock) -> datetime:
    """A row that two processes want to change."""
    with postgresql_database.unit_of_work() as work:
        work.execute(_MARK.insert(), {"org_id": "o", "object": "Quote", "swept_until": clock.now()})
        work.commit()
    return clock.now()


def _touch(work: UnitOfWork, at: datetime) -> None:
    work.execute(_MARK.update().values(swept_until=at))


def test_whoever_waits_for_a_paused_process_goes_on_when_its_transaction_is_ended(
    postgresql_database: Database, limited: Callable[..., Database], mark: datetime
) -> None:
    paused = limited(idle=0.2)
    with pytest.raises(Unavailable), paused.unit_of_work() as hung:
        _touch(hung, mark)
        with postgresql_database.unit_of_work() as work:
            # Waits for the row until the server has ended the other transaction.
            _touch(work, mark)
            work.commit()
        hung.commit()

    with paused.unit_of_work() as work:
        _touch(work, mark)
        work.commit()


def test_a_wait_for_a_row_ends_and_is_a_matter_of_trying_again(
    postgresql_database: Database, limited: Callable[..., Database], mark: datetime
) -> None:
    hasty = limited(lock=0.1)
    with postgresql_database.unit_of_work() as holder:
        _touch(holder, mark)
        with pytest.raises(Unavailable), hasty.unit_of_work() as work:
            _touch(work, mark)


def test_an_endless_statement_ends_and_is_a_matter_of_trying_again(limited: Callable[..., Database]) -> None:
    with pytest.raises(Unavailable), limited(statement=0.1).reading() as connection:
        connection.execute(sa.text("SELECT pg_sleep(30)"))


def test_the_limits_hold_for_a_connection_that_was_used_and_rolled_back(limited: Callable[..., Database]) -> None:
    database = limited(idle=7, lock=8, statement=90)
    names = ("idle_in_transaction_session_timeout", "lock_timeout", "statement_timeout")
    for _ in range(2):
        with database.unit_of_work() as work:
            shown = [work.execute(sa.text(f"SHOW {name}")).scalar_one() for name in names]

        assert shown == ["7s", "8s", "90s"]


def test_a_migration_is_bound_by_none_of_them(limited: Callable[..., Database], postgresql_server: object) -> None:
    database = limited(idle=0.1, lock=0.1, statement=0.1)
    with database.writer.connect() as connection:
        for table in reversed(tables.metadata.sorted_tables):
            table.drop(connection)
        connection.commit()

    before, after = migrate(database=database)

    assert (before, bool(after)) == ("", True)
