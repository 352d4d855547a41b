"""INSERT statements that know what to do when the row is there already, in the words of the database at hand."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from connector.store.unit_of_work import UnitOfWork


def insert(work: UnitOfWork, table: sa.Table) -> Any:
    """An INSERT that can be given `on_conflict_do_update`."""
    return (sqlite if work.connection.dialect.name == "sqlite" else postgresql).insert(table)


def insert_ignore(work: UnitOfWork, table: sa.Table) -> Any:
    """An INSERT that does nothing when the row is there already."""
    return insert(work, table).on_conflict_do_nothing()
