"""The append-only record of what changed: who, when, from what to what, why. Nothing here updates or deletes."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from connector.store import tables
from connector.store.unit_of_work import UnitOfWork

SYSTEM = "countersign"

_INSERT = tables.history.insert()


def append(
    *,
    work: UnitOfWork,
    at: datetime,
    subject: str,
    subject_id: int,
    event: str,
    before: str = "",
    after: str = "",
    reason: str = "",
    actor: str = SYSTEM,
    data: Any = None,
) -> None:
    """Write down one change, in the transaction that made it."""
    row = {
        "at": at,
        "actor": actor,
        "subject": subject,
        "subject_id": subject_id,
        "event": event,
        "before": before,
        "after": after,
        "reason": reason,
        "data": data,
    }
    work.insert_at_commit(_INSERT, row)
