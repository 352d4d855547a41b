"""A verified body becomes inbox rows and one durable run, in one transaction, and nothing else.

The sender gets its answer only after the commit, so an accepted message cannot be lost and a message that was not
accepted leaves no trace. What a message says is never acted on here: the run fetches the record later. Nothing outside
may be called from here, and nothing slow may be added: the sender waits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from connector.ports import Clock
from connector.store import inbox
from connector.store.inbox import InboxRow, Message
from connector.store.unit_of_work import Database
from connector.usecases.start_look import StartsWork, start_look

__all__ = ["Message", "Receipt", "receive"]


@dataclass(frozen=True, slots=True)
class Receipt:
    """How many messages of a body were new, and how many had been received before."""

    new: int
    known: int


def receive(
    *,
    database: Database,
    starter: StartsWork,
    clock: Clock,
    messages: Sequence[Message],
    body: bytes,
    content_type: str,
) -> Receipt:
    """Keep the messages that are new with their raw body, and start the run that works on them.

    One new message starts `look`, several start `spread`; known and ignored messages start nothing. Raises ValueError
    when there are no messages, Unavailable when the database is busy for too long; then nothing is kept.
    """
    with database.unit_of_work() as work:
        rows = inbox.put_all(work=work, messages=messages, body=body, content_type=content_type, at=clock.now())
        if rows:
            _start_run(work.connection, starter, [row for row in rows if row.state == inbox.RECEIVED])
            work.commit()
    return Receipt(new=len(rows), known=len(messages) - len(rows))


def _start_run(connection: Any, starter: StartsWork, waiting: Sequence[InboxRow]) -> None:
    if len(waiting) == 1:
        start_look(connection=connection, starter=starter, row=waiting[0])
    elif waiting:
        body_id = waiting[0].body_id
        starter.start(connection=connection, name="spread", run_id=f"spread:{body_id}", argument=str(body_id))
