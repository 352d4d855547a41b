"""Differences between two sides, as found by whoever compares them: open until the two agree again.

The same difference found again is the same row; one that is gone is resolved and stays. Any room may keep its findings
here; it must not know what they mean.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from connector.store.inserting import insert_ignore
from connector.store.queries import Page, PageAsked, read_page
from connector.store.tables_access import differences
from connector.store.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True)
class FoundDifference:
    """One value in which the two sides differ, both as text for people."""

    what: str
    wanted: str
    actual: str
    customer_name: str = ""
    owner: str = "RevOps"
    fix: str = ""


@dataclass(frozen=True, slots=True)
class DifferenceRow:
    """A difference as kept; `resolved_at` is None while it is open."""

    id: int
    room: str
    subject: str
    subject_number: str
    customer_name: str
    what: str
    wanted: str
    actual: str
    owner: str
    fix: str
    found_at: datetime
    seen_at: datetime
    resolved_at: datetime | None


def save_found(
    *, work: UnitOfWork, room: str, subject: str, subject_number: str, found: Sequence[FoundDifference],
    now: datetime, within: str = "",
) -> None:  # fmt: skip
    """What a comparison of that subject found: new ones open, known ones seen again, the others of it resolved.

    `within` says that only differences whose text contains it were compared.
    """
    columns = differences.c
    mine = (columns.room == room) & (columns.subject == subject) & (columns.subject_number == subject_number)
    open_rows = work.execute(sa.select(differences).where(mine, columns.resolved_at.is_(None))).all()
    known = {row.what: row for row in open_rows if within in row.what}
    wanted = {one.what: one for one in found}
    for what, row in known.items():
        if what not in wanted:
            _update(work, row.id, resolved_at=now)
        else:
            _update(work, row.id, seen_at=now, wanted=wanted[what].wanted, actual=wanted[what].actual)
    for what, one in wanted.items():
        if what not in known:
            work.execute(
                insert_ignore(work, differences).values(
                    room=room, subject=subject, subject_number=subject_number, customer_name=one.customer_name,
                    what=what, wanted=one.wanted, actual=one.actual, owner=one.owner, fix=one.fix, found_at=now,
                    seen_at=now,
                )
            )  # fmt: skip


def list_differences(
    *, connection: Connection, page: PageAsked, room: str = "", is_open: bool = True
) -> Page[DifferenceRow]:
    """Differences, newest first; open ones unless told otherwise."""
    columns = differences.c
    query = sa.select(differences)
    if room:
        query = query.where(columns.room == room)
    if is_open:
        query = query.where(columns.resolved_at.is_(None))
    return read_page(connection=connection, query=query, key=columns.id, page=page, row=_row)


def open_subjects(*, connection: Connection, room: str, subject: str) -> set[str]:
    """The numbers of the subjects of that kind that have open differences in the room."""
    columns = differences.c
    query = sa.select(columns.subject_number).where(
        columns.room == room, columns.subject == subject, columns.resolved_at.is_(None)
    )
    return set(connection.execute(query.distinct()).scalars())


def open_count(*, connection: Connection, room: str = "") -> int:
    """How many differences are open."""
    query = sa.select(sa.func.count()).select_from(differences).where(differences.c.resolved_at.is_(None))
    return int(connection.execute(query.where(differences.c.room == room) if room else query).scalar_one())


def _row(row: Any) -> DifferenceRow:
    return DifferenceRow(**{name: getattr(row, name) for name in DifferenceRow.__dataclass_fields__})


def _update(work: UnitOfWork, difference_id: int, **values: Any) -> None:
    work.execute(differences.update().where(differences.c.id == difference_id).values(**values))
