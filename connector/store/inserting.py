"""INSERT in the words of the database at hand: what to do when a row is there already, and many rows at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

import psycopg
import psycopg.sql
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from connector.errors import Unavailable
from connector.store.types import ExactAmount, ExactJson, dump_exact
from connector.store.unit_of_work import UnitOfWork


def insert(work: UnitOfWork, table: sa.Table) -> Any:
    """An INSERT that can be given `on_conflict_do_update`."""
    return (sqlite if work.connection.dialect.name == "sqlite" else postgresql).insert(table)


def insert_ignore(work: UnitOfWork, table: sa.Table) -> Any:
    """An INSERT that does nothing when the row is there already."""
    return insert(work, table).on_conflict_do_nothing()


def insert_many(work: UnitOfWork, table: sa.Table, rows: Iterable[Mapping[str, Any]]) -> None:
    """Insert rows that all have the same columns; on PostgreSQL by COPY, which spares a quarter of the work.

    Nothing may depend on the database noticing a row that is there already.
    """
    found = list(rows)
    if not found:
        return
    if work.connection.dialect.name == "sqlite":
        work.execute(table.insert(), found)
        return
    names = list(found[0])
    # Only documents and amounts need us; the driver writes every digit of a Decimal and every instant with its zone.
    ours = [
        (index, write) for index, name in enumerate(names) if (write := _writer(work, table.c[name].type)) is not None
    ]
    columns = psycopg.sql.SQL(", ").join(map(psycopg.sql.Identifier, names))
    statement = psycopg.sql.SQL("COPY {} ({}) FROM STDIN").format(psycopg.sql.Identifier(table.name), columns)
    cursor = work.connection.connection.cursor()
    try:
        with cursor.copy(statement) as copy:
            for row in found:
                values = list(row.values())
                for index, write in ours:
                    values[index] = write(values[index])
                copy.write_row(values)
    except psycopg.OperationalError as error:
        raise Unavailable("The database did not answer.", code="DATABASE") from error
    finally:
        cursor.close()


def _writer(work: UnitOfWork, kind: sa.types.TypeEngine[Any]) -> Callable[[Any], Any] | None:
    """How a value of that column is written, where the driver would write it otherwise than the column's type."""
    if isinstance(kind, ExactJson):
        return dump_exact
    if isinstance(kind, ExactAmount):
        return partial(kind.process_bind_param, dialect=work.connection.dialect)
    return None
