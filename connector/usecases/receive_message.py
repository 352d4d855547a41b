"""A verified body becomes inbox rows and one durable run, in one transaction, and nothing else.

The sender gets its answer only after the commit, so an accepted message cannot be lost and a message that was not
accepted leaves no trace. What a message says is never acted on here: the run fetches the record later. Nothing outside
may be called from here, and nothing slow may be added: the sender waits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from connector.errors import Conflict
from connector.ports import Clock
from connector.store import inbox
from connector.store.inbox import InboxRow, Message
from connector.store.unit_of_work import Database, UnitOfWork
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


@dataclass(frozen=True, slots=True)
class Delivery:
    """One body as it came, with the messages read from it."""

    messages: tuple[Message, ...]
    body: bytes
    content_type: str


def receive_within(*, work: UnitOfWork, starter: StartsWork, deliveries: Sequence[Delivery], now: datetime) -> None:
    """Keep new deliveries of our own in a transaction that is open already, with one run for each body."""
    for one in deliveries:
        rows = _put(work, one, now)
        _start_run(work.connection, starter, [row for row in rows if row.state == inbox.RECEIVED])


def receive_together(
    *, database: Database, starter: StartsWork, clock: Clock, deliveries: Sequence[Delivery]
) -> tuple[Receipt, ...]:
    """Keep several deliveries in one transaction with one run for all of them; a receipt each, in their order.

    Raises Conflict when another process keeps one of them at this very moment; then nothing is kept.
    """
    now = clock.now()
    with database.unit_of_work() as work:
        known = inbox.known(work=work, messages=[message for one in deliveries for message in one.messages])
        receipts: list[Receipt] = []
        rows: list[InboxRow] = []
        for one in deliveries:
            names = {(message.source, message.message_id) for message in one.messages}
            found = () if names <= known else _put(work, one, now)
            known |= names
            rows += found
            receipts.append(Receipt(new=len(found), known=len(one.messages) - len(found)))
        if rows:
            _start_run(work.connection, starter, [row for row in rows if row.state == inbox.RECEIVED])
            work.commit()
    return tuple(receipts)


def _put(work: UnitOfWork, delivery: Delivery, now: datetime) -> tuple[InboxRow, ...]:
    found = inbox.put_all(
        work=work, messages=delivery.messages, body=delivery.body, content_type=delivery.content_type, at=now
    )
    if not found:
        # Its body would be kept without a message.
        raise Conflict("The same messages are being kept by another process.")
    return found


def _start_run(connection: Any, starter: StartsWork, waiting: Sequence[InboxRow]) -> None:
    if len(waiting) == 1:
        start_look(connection=connection, starter=starter, row=waiting[0])
    elif waiting:
        bodies = sorted({row.body_id for row in waiting})
        argument = ",".join(str(body) for body in bodies)
        starter.start(connection=connection, name="spread", run_id=f"spread:{bodies[0]}", argument=argument)
