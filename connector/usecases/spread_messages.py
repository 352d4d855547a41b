"""The messages of one body become one look per record, a few at a time.

Exists so that the receiver starts a single run, however many messages a body carries. Looks are started in short
transactions, so that a full body holds nobody up; a crash in between is repaired by running it again. It must not
look at records itself.
"""

from __future__ import annotations

from connector.store import inbox
from connector.store.unit_of_work import Database
from connector.usecases.start_look import StartsWork, start_look

# Starting a look takes about half a millisecond; receivers must not wait longer than a few of those.
_CHUNK = 50


def spread(*, database: Database, starter: StartsWork, body_id: int) -> int:
    """Start the look for each record of the body that still waits; answers how many. Safe to repeat."""
    with database.reading() as connection:
        rows = inbox.load_for_body(connection=connection, body_id=body_id)
    for start in range(0, len(rows), _CHUNK):
        with database.unit_of_work() as work:
            for row in rows[start : start + _CHUNK]:
                start_look(connection=work.connection, starter=starter, row=row)
            work.commit()
    return len(rows)
