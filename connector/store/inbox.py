"""Messages as they came, kept before any work: put in once, then done, parked, or ignored.

A message is known by (source, message id); a second delivery changes nothing. The raw body is kept once for all its
messages. A row's content never changes, only its state: received -> done or parked, parked -> received (replay) or
done (a later look succeeded), ignored stays. This module must not start work or decide what a message means.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection

from connector.store.tables import history, inbox, inbox_bodies, records
from connector.store.types import UtcDateTime
from connector.store.unit_of_work import UnitOfWork

RECEIVED, DONE, PARKED, IGNORED = "received", "done", "parked", "ignored"
# The kind of a message that says nothing about a record, but that the access of its deal should be compared.
ACCESS_HINT = "access hint"
# How the history names a message and its replay.
SUBJECT, REPLAYED = "inbox", "replayed"


@dataclass(frozen=True, slots=True)
class Message:
    """One hint from outside: look at this record. `ignored_because` is set when there is nothing to look at."""

    source: str
    message_id: str
    kind: str
    org_id: str
    object: str
    record_id: str
    ignored_because: str = ""


@dataclass(frozen=True, slots=True)
class InboxRow:
    """A kept message: our id, the body it came in, the record it is about, its state."""

    id: int
    body_id: int
    org_id: str
    object: str
    record_id: str
    state: str


@dataclass(frozen=True, slots=True)
class ParkedRow:
    """A message set aside, with what a person needs to judge it."""

    id: int
    source: str
    message_id: str
    kind: str
    org_id: str
    object: str
    record_id: str
    reason: str
    received_at: datetime


_BODY_COLUMNS = ("content_type", "body", "received_at")
_MESSAGE_COLUMNS = ("source", "message_id", "kind", "org_id", "object", "record_id", "state", "reason")
_ROW = tuple(inbox.c[name] for name in InboxRow.__slots__)
_PARKED_ROW = tuple(inbox.c[name] for name in ParkedRow.__slots__)


def put_all(
    *, work: UnitOfWork, messages: Sequence[Message], body: bytes, content_type: str, at: datetime
) -> tuple[InboxRow, ...]:
    """Keep the body and those of its messages that are new; answers the new rows, oldest id first.

    When none is new the caller must not commit, so that the body is not kept again. Waits for another transaction that
    is putting the same message. Raises ValueError when there are no messages.
    """
    if not messages:
        raise ValueError("there is no message to keep")
    # Everybody puts in the same order, or two deliveries of the same messages could wait for each other for ever.
    rows = [_values(message) for message in sorted(messages, key=lambda one: (one.source, one.message_id))]
    put = _put_sqlite if work.connection.dialect.name == "sqlite" else _put_postgresql
    found = put(work, rows, {"content_type": content_type, "body": body, "received_at": at})
    return _in_order(found)


def known(*, work: UnitOfWork, messages: Sequence[Message]) -> set[tuple[str, str]]:
    """The (source, message id) of those of the messages that are kept already."""
    by_source: dict[str, list[str]] = {}
    for message in messages:
        by_source.setdefault(message.source, []).append(message.message_id)
    found: set[tuple[str, str]] = set()
    for source, ids in by_source.items():
        query = sa.select(inbox.c.message_id).where(inbox.c.source == source, inbox.c.message_id.in_(ids))
        found |= {(source, message_id) for message_id in work.execute(query).scalars()}
    return found


def load_for_body(*, connection: Connection, body_id: int) -> tuple[InboxRow, ...]:
    """The newest row of each record of that body that still waits for its look, oldest id first."""
    newest = (
        sa.select(sa.func.max(inbox.c.id))
        .where(inbox.c.body_id == body_id, inbox.c.state == RECEIVED)
        .group_by(inbox.c.org_id, inbox.c.record_id)
    )
    found = connection.execute(sa.select(*_ROW).where(inbox.c.id.in_(newest)).order_by(inbox.c.id))
    return tuple(InboxRow(*row) for row in found)


def waiting_since(*, connection: Connection, moment: datetime, limit: int = 100) -> tuple[InboxRow, ...]:
    """Messages that came before that moment and wait for a look that nobody is at and that no time is set for."""
    about = sa.and_(records.c.org_id == inbox.c.org_id, records.c.record_id == inbox.c.record_id)
    is_idle = sa.and_(records.c.claimed_by == "", records.c.not_before.is_(None))
    query = (
        sa.select(*_ROW)
        .outerjoin(records, about)
        .where(inbox.c.state == RECEIVED, inbox.c.received_at < moment, sa.or_(records.c.id.is_(None), is_idle))
        .order_by(inbox.c.received_at)
        .limit(limit)
    )
    return tuple(InboxRow(*row) for row in connection.execute(query))


def mark_done(*, work: UnitOfWork, org_id: str, record_id: str, until_id: int, at: datetime) -> int:
    """A look answered every message about the record up to that one, the parked ones as well; answers how many."""
    return work.execute(
        sa.update(inbox)
        .where(*_about(org_id, record_id, until_id), inbox.c.state.in_((RECEIVED, PARKED)))
        .values(state=DONE, done_at=at)
    ).rowcount


def finish(*, work: UnitOfWork, rows: Sequence[InboxRow], at: datetime) -> None:
    """Messages that need no look: what they brought is kept elsewhere in the same transaction."""
    ids = [row.id for row in rows]
    work.execute(sa.update(inbox).where(inbox.c.id.in_(ids), inbox.c.state == RECEIVED).values(state=DONE, done_at=at))


def park(*, work: UnitOfWork, org_id: str, record_id: str, until_id: int, reason: str) -> int:
    """Set aside every waiting message about the record up to that one, with the reason; answers how many."""
    return work.execute(
        sa.update(inbox)
        .where(*_about(org_id, record_id, until_id), inbox.c.state == RECEIVED)
        .values(state=PARKED, reason=reason)
    ).rowcount


def unpark(*, work: UnitOfWork, inbox_ids: Sequence[int]) -> tuple[InboxRow, ...]:
    """Those of the messages that were parked wait again; a message that is not parked is left as it is."""
    if not inbox_ids:
        return ()
    found = work.execute(
        sa.update(inbox)
        .where(inbox.c.id.in_(inbox_ids), inbox.c.state == PARKED)
        .values(state=RECEIVED)
        .returning(*_ROW)
    )
    return _in_order(found)


def parked(*, connection: Connection, limit: int = 100, after: int = 0) -> tuple[ParkedRow, ...]:
    """The parked messages after that id, oldest id first."""
    found = connection.execute(
        sa.select(*_PARKED_ROW).where(inbox.c.state == PARKED, inbox.c.id > after).order_by(inbox.c.id).limit(limit)
    )
    return tuple(ParkedRow(*row) for row in found)


def replayable(*, connection: Connection, inbox_ids: Sequence[int] | None = None) -> tuple[int, ...]:
    """The ids of parked messages, among the given ones or (None) among all, oldest first."""
    wanted = sa.select(inbox.c.id).where(inbox.c.state == PARKED).order_by(inbox.c.id)
    if inbox_ids is not None:
        wanted = wanted.where(inbox.c.id.in_(inbox_ids))
    return tuple(connection.execute(wanted).scalars())


def missing(*, connection: Connection, inbox_ids: Sequence[int]) -> tuple[int, ...]:
    """Those of the ids that no message has."""
    there = set(connection.execute(sa.select(inbox.c.id).where(inbox.c.id.in_(inbox_ids))).scalars())
    return tuple(one for one in inbox_ids if one not in there)


def count_replays(*, connection: Connection, inbox_ids: Sequence[int]) -> dict[int, int]:
    """How often each of these messages was replayed, as the history tells; a message never replayed is left out."""
    found = connection.execute(
        sa.select(history.c.subject_id, sa.func.count().label("replays"))
        .where(history.c.subject == SUBJECT, history.c.subject_id.in_(inbox_ids), history.c.event == REPLAYED)
        .group_by(history.c.subject_id)
    )
    return {row.subject_id: row.replays for row in found}


def count_by_state(*, connection: Connection) -> dict[str, int]:
    """How many messages are in each state; a state without messages is there with zero."""
    found = connection.execute(sa.select(inbox.c.state, sa.func.count().label("messages")).group_by(inbox.c.state))
    return dict.fromkeys((RECEIVED, DONE, PARKED, IGNORED), 0) | {row.state: row.messages for row in found}


def _values(message: Message) -> dict[str, Any]:
    """The columns of a message, named one by one: `asdict` copies deeply and takes longer than the database."""
    return {
        "source": message.source,
        "message_id": message.message_id,
        "kind": message.kind,
        "org_id": message.org_id,
        "object": message.object,
        "record_id": message.record_id,
        "state": IGNORED if message.ignored_because else RECEIVED,
        "reason": message.ignored_because,
    }


def _in_order(found: Iterable[Any]) -> tuple[InboxRow, ...]:
    """Rows of `_ROW` as values, oldest id first; RETURNING promises no order."""
    return tuple(sorted((InboxRow(*row) for row in found), key=lambda row: row.id))


def _about(org_id: str, record_id: str, until_id: int) -> tuple[sa.ColumnElement[bool], ...]:
    return inbox.c.org_id == org_id, inbox.c.record_id == record_id, inbox.c.id <= until_id


_PUT_BODY = sa.insert(inbox_bodies).returning(inbox_bodies.c.id)
_PUT_SQLITE = sqlite.insert(inbox).on_conflict_do_nothing().returning(*_ROW)


def _put_sqlite(work: UnitOfWork, rows: list[dict[str, Any]], body: dict[str, Any]) -> Sequence[sa.Row[Any]]:
    body_id = work.execute(_PUT_BODY, body).scalar_one()
    return work.execute(
        _PUT_SQLITE, [row | {"body_id": body_id, "received_at": body["received_at"]} for row in rows]
    ).all()


def _statement_for_postgresql() -> sa.Executable:
    """Body and messages in one round trip, of a constant text, so that the server plans it once.

    The messages travel as one array per column: a thousand single parameters take four times as long.
    """
    new_body = sa.insert(inbox_bodies).values(
        {name: sa.bindparam(f"new_{name}", type_=inbox_bodies.c[name].type) for name in _BODY_COLUMNS}
    )
    body = new_body.returning(inbox_bodies.c.id).cte("new_body")
    arrays = [sa.bindparam(f"all_{name}", type_=postgresql.ARRAY(sa.Text)) for name in _MESSAGE_COLUMNS]
    messages = sa.func.unnest(*arrays).table_valued(*_MESSAGE_COLUMNS, name="messages").render_derived()
    selected = sa.select(
        sa.select(body.c.id).scalar_subquery(),
        sa.bindparam("new_received_at", type_=UtcDateTime),
        *(messages.c[name] for name in _MESSAGE_COLUMNS),
    )
    columns = [inbox.c.body_id, inbox.c.received_at, *(inbox.c[name] for name in _MESSAGE_COLUMNS)]
    return postgresql.insert(inbox).from_select(columns, selected).on_conflict_do_nothing().returning(*_ROW)


_PUT_POSTGRESQL = _statement_for_postgresql()


def _put_postgresql(work: UnitOfWork, rows: list[dict[str, Any]], body: dict[str, Any]) -> Sequence[sa.Row[Any]]:
    arrays = {f"all_{name}": [row[name] for row in rows] for name in _MESSAGE_COLUMNS}
    return work.execute(_PUT_POSTGRESQL, arrays | {f"new_{name}": body[name] for name in _BODY_COLUMNS}).all()
