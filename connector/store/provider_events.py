"""What payment providers told us, as it came: kept once, worked on later, never thrown away.

An event is only a hint that an object is worth a look. A poll, or a part of ours that wants another look, writes rows
of the same kind, so that there is one way from a hint to the ledger.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from connector.domain.collecting import ObjectKind
from connector.store.inserting import insert_ignore
from connector.store.tables_collecting import provider_events, provider_objects
from connector.store.unit_of_work import UnitOfWork


class EventState(StrEnum):
    """How far an event is."""

    WAITING = "waiting"
    DONE = "done"
    # About nothing that we look at; the reason stands beside it.
    IGNORED = "ignored"
    # The provider has no such object.
    UNKNOWN = "unknown"
    # Given up; a person must look, and may have it tried again.
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class NewEvent:
    """An event to keep. `body` is exactly what was signed, None for what nobody sent."""

    provider: str
    environment: str
    event_id: str
    name: str
    kind: str
    ref: str
    source: str
    is_late: bool = False
    body: bytes | None = None
    ignored_because: str = ""


@dataclass(frozen=True, slots=True)
class ClaimedEvent:
    """An event to work on now; `attempts` counts this try."""

    id: int
    provider: str
    environment: str
    kind: ObjectKind
    ref: str
    source: str
    attempts: int


def put(*, work: UnitOfWork, events: Sequence[NewEvent], now: datetime) -> int:
    """Keep events; answers how many are new. One that is known does nothing."""
    rows = [_row(one, now) for one in {(one.provider, one.environment, one.event_id): one for one in events}.values()]
    if not rows:
        return 0
    statement = insert_ignore(work, provider_events).returning(provider_events.c.id)
    return len(work.execute(statement, rows).all())


def claim(*, work: UnitOfWork, limit: int, now: datetime, until: datetime) -> list[ClaimedEvent]:
    """The next events to work on, oldest first, nobody else's until that moment, when a dead process loses them."""
    c = provider_events.c
    query = (
        sa.select(c.id, c.provider, c.environment, c.kind, c.ref, c.source, c.attempts)
        .where(c.state == EventState.WAITING.value, sa.or_(c.not_before.is_(None), c.not_before <= now))
        .order_by(c.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    rows = work.execute(query).all()
    if rows:
        claimed = provider_events.update().where(c.id.in_([row.id for row in rows]))
        work.execute(claimed.values(attempts=c.attempts + 1, not_before=until))
    return [
        ClaimedEvent(row.id, row.provider, row.environment, ObjectKind(row.kind), row.ref, row.source, row.attempts + 1)
        for row in rows
    ]


def save_done(*, work: UnitOfWork, event_id: int, now: datetime, code: str = "", message: str = "") -> None:
    """It was worked on; `message` says what came of it where that is worth telling."""
    values = {"state": EventState.DONE.value, "done_at": now, "not_before": None, "code": code, "message": message}
    _save(work, event_id, values)


def save_waiting(*, work: UnitOfWork, event_id: int, not_before: datetime, code: str, message: str) -> None:
    """It is tried again then."""
    _save(work, event_id, {"not_before": not_before, "code": code, "message": message})


def save_given_up(
    *, work: UnitOfWork, event_id: int, state: EventState, now: datetime, code: str, message: str
) -> None:
    """Nobody tries by itself again."""
    values = {"state": state.value, "done_at": now, "not_before": None, "code": code, "message": message}
    _save(work, event_id, values)


def look_again(*, work: UnitOfWork, event_id: int) -> bool:
    """Have an event that was given up tried again at once; False when there is none."""
    again = (EventState.FAILED.value, EventState.UNKNOWN.value)
    there = (provider_events.c.id == event_id) & provider_events.c.state.in_(again)
    values = {"state": EventState.WAITING.value, "not_before": None, "attempts": 0, "done_at": None}
    return work.execute(provider_events.update().where(there).values(values)).rowcount == 1


def unseen(
    *, work: UnitOfWork, provider: str, environment: str, stamps: Sequence[tuple[str, str, str]]
) -> list[tuple[str, str, str]]:
    """Those of the (kind, ref, stamp) whose object we do not know, or know with another stamp."""
    c = provider_objects.c
    wanted = (c.provider == provider) & (c.environment == environment) & c.ref.in_([ref for _, ref, _ in stamps])
    known = {(row.kind, row.ref, row.stamp) for row in work.execute(sa.select(c.kind, c.ref, c.stamp).where(wanted))}
    return [one for one in stamps if one not in known]


def _row(one: NewEvent, now: datetime) -> dict[str, Any]:
    return {
        "provider": one.provider,
        "environment": one.environment,
        "event_id": one.event_id,
        "name": one.name,
        "kind": one.kind,
        "ref": one.ref,
        "source": one.source,
        "is_late": one.is_late,
        "body": one.body,
        "received_at": now,
        "state": (EventState.IGNORED if one.ignored_because else EventState.WAITING).value,
        "message": one.ignored_because,
    }


def _save(work: UnitOfWork, event_id: int, values: dict[str, Any]) -> None:
    # Whoever finished it first was right: a process that stood still must not take that back.
    waiting = (provider_events.c.id == event_id) & (provider_events.c.state == EventState.WAITING.value)
    work.execute(provider_events.update().where(waiting).values(values))
