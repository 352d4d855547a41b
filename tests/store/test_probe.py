"""The proof that a database can be used leaves nothing behind and disturbs nobody."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa

from connector.adapters.clock import FixedClock
from connector.store import probe
from connector.store.migrate import migrate, newest_revision
from connector.store.tables import watermarks
from connector.store.unit_of_work import Database


def rows(database: Database) -> int:
    with database.reading() as connection:
        return connection.execute(sa.select(sa.func.count()).select_from(watermarks)).scalar_one()


def test_what_was_written_is_read_back_and_removed(database: Database, clock: FixedClock) -> None:
    assert probe.keeps_what_is_written(database=database, now=clock.now())
    assert rows(database) == 0


def test_many_may_prove_at_once(database: Database, clock: FixedClock) -> None:
    with ThreadPoolExecutor(6) as threads:
        asked = [threads.submit(probe.keeps_what_is_written, database=database, now=clock.now()) for _ in range(12)]

    assert all(future.result() for future in asked)
    assert rows(database) == 0


def test_a_table_that_refuses_writes_is_noticed(sqlite_database: Database, clock: FixedClock) -> None:
    with sqlite_database.unit_of_work() as work:
        work.connection.exec_driver_sql("DROP TABLE watermarks")
        work.commit()

    assert not probe.keeps_what_is_written(database=sqlite_database, now=clock.now())


def test_a_migrated_database_is_at_the_newest_revision(tmp_path: pytest.TempPathFactory) -> None:
    database = Database(f"sqlite:///{tmp_path}/new.db")
    before = probe.revisions(database=database)

    migrate(database=database)

    assert before == ("", newest_revision())
    assert probe.revisions(database=database) == (newest_revision(), newest_revision())
    database.dispose()


@pytest.mark.parametrize(
    "url", ["postgresql://nobody@127.0.0.1:9/nothing?connect_timeout=2", "sqlite:////proc/nowhere.db"]
)
def test_a_database_that_cannot_be_reached_has_no_revision(url: str) -> None:
    database = Database(url)

    assert probe.revisions(database=database) is None
    database.dispose()
