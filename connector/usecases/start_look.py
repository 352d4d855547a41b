"""How a look at a record is started: one place for the run's name, its id and its argument.

The run id is made from our inbox row, so that starting a look twice is starting it once. It must be called inside the
transaction that stored the cause of the look; it never commits.
"""

from __future__ import annotations

from typing import Any, Protocol

from connector.store.inbox import InboxRow


class StartsWork(Protocol):
    """Starts a durable run inside a caller's transaction."""

    def start(self, *, connection: Any, name: str, run_id: str, argument: str) -> None:
        """Start one run as part of the transaction of that connection; a known run id is not started again."""


def start_look(*, connection: Any, starter: StartsWork, row: InboxRow, replay: int = 0) -> None:
    """Start the run `look` for the record of that message; `replay` counts how often the message was replayed."""
    run_id = f"look:{row.id}:r{replay}" if replay else f"look:{row.id}"
    argument = f"{row.org_id}:{row.object}:{row.record_id}:{row.id}"
    starter.start(connection=connection, name="look", run_id=run_id, argument=argument)
