"""All migrations together make exactly the tables of this release, on both databases, and do no harm when repeated."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from connector.store.migrate import _configuration, current_revision, migrate, newest_revision
from connector.store.tables import metadata
from connector.store.unit_of_work import Database
from tests.postgresql import PostgresqlServer


@pytest.fixture(params=["sqlite", "postgresql"])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A database without any table."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'empty.db'}"
    else:
        server = request.getfixturevalue("postgresql_server")
        assert isinstance(server, PostgresqlServer)
        url = server.new_database()
    database = Database(url)
    yield database
    database.dispose()


def _differences(database: Database) -> list[object]:
    with database.reading() as connection:
        context = MigrationContext.configure(
            connection,
            # On SQLite the defaults are compared as text, below: Alembic reads an empty text as none at all.
            opts={"compare_server_default": not database.is_sqlite, "include_object": _is_ours},
        )
        return list(compare_metadata(context, metadata))


def _is_ours(_item: object, name: str | None, kind: str, _is_reflected: bool, _other: object) -> bool:
    return not (kind == "table" and name == "alembic_version")


def _columns(database: Database) -> dict[str, list[tuple[str, str, bool, str]]]:
    """Name, type, nullable and default of all columns by table."""
    with database.reading() as connection:
        inspector = sa.inspect(connection)
        found = {
            table: sorted(
                (column["name"], str(column["type"]), column["nullable"], str(column["default"]))
                for column in inspector.get_columns(table)
            )
            for table in inspector.get_table_names()
        }
    found.pop("alembic_version", None)
    return found


def _constraints(database: Database) -> dict[str, set[str]]:
    """Names of all constraints and indexes by table."""
    found: dict[str, set[str]] = {}
    with database.reading() as connection:
        inspector = sa.inspect(connection)
        for table in inspector.get_table_names():
            named = [
                *inspector.get_unique_constraints(table),
                *inspector.get_foreign_keys(table),
                *inspector.get_indexes(table),
                inspector.get_pk_constraint(table),
            ]
            found[table] = {str(item["name"]) for item in named if item.get("name")}
    found.pop("alembic_version", None)
    return found


def test_the_migrations_make_exactly_the_tables(empty: Database) -> None:
    migrate(database=empty)

    assert _differences(empty) == []


def test_the_migrations_make_the_same_columns_constraints_and_indexes(
    empty: Database, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    migrate(database=empty)
    if empty.is_sqlite:
        other = Database(f"sqlite:///{tmp_path / 'other.db'}")
    else:
        other = Database(request.getfixturevalue("postgresql_server").new_database())
    metadata.create_all(other.writer)

    assert _columns(empty) == _columns(other)
    assert _constraints(empty) == _constraints(other)
    other.dispose()


def test_the_comparison_notices_a_missing_column(empty: Database) -> None:
    migrate(database=empty)
    with empty.unit_of_work() as work:
        work.execute(sa.text("ALTER TABLE records DROP COLUMN name"))
        work.commit()

    assert len(_differences(empty)) == 1


def test_migrating_answers_where_it_came_from_and_where_it_got(empty: Database) -> None:
    first = migrate(database=empty)
    second = migrate(database=empty)

    assert first == ("", newest_revision())
    assert second == (newest_revision(), newest_revision())


def test_two_processes_that_start_at_once_migrate_once(empty: Database) -> None:
    outcomes: list[tuple[str, str]] = []
    others = [Database(empty.url.render_as_string(hide_password=False)) for _ in range(3)]

    threads = [
        threading.Thread(target=lambda database=database: outcomes.append(migrate(database=database)))
        for database in others
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)

    assert sorted(before for before, _after in outcomes) == ["", newest_revision(), newest_revision()]
    assert _differences(empty) == []
    for database in others:
        database.dispose()


def test_a_migration_that_fails_leaves_nothing_behind(empty: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    from alembic import command

    upgrade = command.upgrade

    def fails(configuration: object, revision: str) -> None:
        upgrade(configuration, revision)  # type: ignore[arg-type]
        raise RuntimeError("the power went out")

    monkeypatch.setattr(command, "upgrade", fails)
    with pytest.raises(RuntimeError):
        migrate(database=empty)

    with empty.reading() as connection:
        assert current_revision(connection=connection) == ""
        assert set(sa.inspect(connection).get_table_names()) <= {"alembic_version"}


def test_migrations_follow_each_other_in_one_line() -> None:
    scripts = ScriptDirectory.from_config(_configuration(None))

    assert len(scripts.get_heads()) == 1
    assert len(scripts.get_bases()) == 1
