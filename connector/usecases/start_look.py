"""How a look at a record is started: one place for the run's name, its id and its argument.

The run id is made from our inbox row, so that starting a look twice is starting it once. It must be called inside the
transaction that stored the cause of the look; it never commits.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Protocol

from connector.store.inbox import InboxRow


class StartsWork(Protocol):
    """Starts a durable run inside a caller's transaction."""

    def start(self, *, connection: Any, name: str, run_id: str, argument: str) -> None:
        """Start one run as part of the transaction of that connection; a known run id is not started again."""


def run_of_look(row: InboxRow) -> str:
    """The id of the run that looks at the record of that message."""
    return f"look:{row.id}"


def run_of_spread(row: InboxRow) -> str:
    """The id of the run that spreads the messages of that message's body, when it has several."""
    return f"spread:{row.body_id}"


def start_look(
    *, connection: Any, starter: StartsWork, row: InboxRow, replay: int = 0, lost_at: datetime | None = None
) -> None:
    """Start the run `look` for the record of that message.

    `replay` counts how often the message was replayed. `lost_at` says that its run ended without a look; one more is
    started then, at most once an hour for each message.
    """
    run_id = f"{run_of_look(row)}:r{replay}" if replay else run_of_look(row)
    if lost_at is not None:
        run_id = f"lost:{row.id}:{lost_at:%Y%m%d%H}"
    argument = f"{row.org_id}:{row.object}:{row.record_id}:{row.id}"
    starter.start(connection=connection, name="look", run_id=run_id, argument=argument)
