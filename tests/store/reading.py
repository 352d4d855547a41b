"""Rows as they stand, for tests that look at a whole table."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from connector.store.unit_of_work import Database


def rows_of(database: Database, table: sa.Table) -> list[sa.Row[Any]]:
    """All rows, in the order of their primary key."""
    with database.reading() as connection:
        return list(connection.execute(sa.select(table).order_by(*table.primary_key)))
