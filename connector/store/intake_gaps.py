"""Which signed records are known to be missing here: the nightly comparison closes those it no longer finds."""

from __future__ import annotations

import sqlalchemy as sa

from connector.store.tables_access import differences
from connector.store.unit_of_work import UnitOfWork


def open_numbers(*, work: UnitOfWork, room: str, subject: str) -> frozenset[str]:
    """The subjects of a room and kind with an open difference, by their numbers."""
    columns = differences.c
    query = sa.select(columns.subject_number).where(
        columns.room == room, columns.subject == subject, columns.resolved_at.is_(None)
    )
    return frozenset(work.execute(query).scalars())
