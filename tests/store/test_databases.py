"""The databases that tests get: empty, complete, and each test's own."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from connector.adapters.clock import FixedClock
from connector.store import tables
from connector.store.unit_of_work import Database


def _rows(database: Database) -> int:
    with database.reading() as connection:
        return connection.execute(sa.select(sa.func.count()).select_from(tables.watermarks)).scalar_one()


def test_a_database_starts_empty_with_all_tables(database: Database) -> None:
    with database.reading() as connection:
        names = set(sa.inspect(connection).get_table_names())

    assert set(tables.metadata.tables) <= names
    assert _rows(database) == 0


def test_what_is_not_committed_is_gone(database: Database, clock: FixedClock) -> None:
    with database.unit_of_work() as work:
        work.execute(tables.watermarks.insert(), {"org_id": "o", "object": "Quote", "swept_until": clock.now()})

    assert _rows(database) == 0


def test_what_is_committed_stays(database: Database, clock: FixedClock) -> None:
    with database.unit_of_work() as work:
        work.execute(tables.watermarks.insert(), {"org_id": "o", "object": "Quote", "swept_until": clock.now()})
        work.commit()

    assert _rows(database) == 1


def test_what_a_row_holds_is_not_in_the_text_of_an_error(sqlite_database: Database, clock: FixedClock) -> None:
    row = {"org_id": "a-secret-of-yours", "object": "Quote", "swept_until": clock.now()}

    with pytest.raises(sa.exc.IntegrityError) as refused, sqlite_database.unit_of_work() as work:
        for _ in range(2):
            work.execute(tables.watermarks.insert(), row)

    assert "a-secret-of-yours" not in str(refused.value)
