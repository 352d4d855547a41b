"""Whether the database can be used: reachable, at this release's tables, and keeping what it is given.

Exists for `check` alone. The row it writes is its own and is removed again; it must not touch anybody else's rows.
"""

from __future__ import annotations

from datetime import datetime
from uuid import uuid4

import sqlalchemy as sa

from connector.errors import ConnectorError
from connector.store import watermarks
from connector.store.migrate import current_revision, newest_revision
from connector.store.tables import watermarks as table
from connector.store.unit_of_work import Database

# No org has this id, so no sweep ever meets the row.
_ORG = "check"
_FAILURES = (sa.exc.SQLAlchemyError, ConnectorError, OSError)


def revisions(*, database: Database) -> tuple[str, str] | None:
    """The revision the database is at (empty = no tables) and the one this release needs; None when unreachable."""
    try:
        with database.reading() as connection:
            return current_revision(connection=connection), newest_revision()
    except _FAILURES:
        # The driver's own text is left out: it may hold the address and the user.
        return None


def keeps_what_is_written(*, database: Database, now: datetime) -> bool:
    """Write a row, read it back on another connection, remove it; False when any of that fails."""
    own = uuid4().hex
    row = (table.c.org_id == _ORG) & (table.c.object == own)
    try:
        with database.unit_of_work() as work:
            watermarks.save(work=work, org_id=_ORG, object_name=own, swept_until=now)
            work.commit()
        with database.reading() as connection:
            found = connection.execute(sa.select(table.c.swept_until).where(row)).scalar_one_or_none()
        with database.unit_of_work() as work:
            work.execute(table.delete().where(row))
            work.commit()
    except _FAILURES:
        return False
    return found is not None and found >= now
