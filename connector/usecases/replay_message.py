"""Parked messages wait again and get a fresh look, because a person says the cause is gone.

Exists for the command `replay` and the page of parked messages. Each replay leaves a history row with its actor. It
must not decide whether the cause is really gone: the look finds out, and parks the message again if not.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from connector.errors import NotFound
from connector.ports import Clock
from connector.store import history, inbox
from connector.store.inbox import InboxRow
from connector.store.unit_of_work import Database, UnitOfWork
from connector.usecases.start_look import StartsWork, start_look

# Receivers wait while a chunk is written.
_CHUNK = 50


def replay(
    *,
    database: Database,
    starter: StartsWork,
    clock: Clock,
    actor: str,
    inbox_ids: Sequence[int] | None = None,
    reason: str = "",
    dry_run: bool = False,
) -> int:
    """Replay the parked ones among these messages, or (None) all parked ones; answers how many there were.

    A message that is not parked any more is left alone, so repeating does no harm. Raises NotFound, before anything is
    changed, when one of the ids is not a message. With `dry_run` nothing is changed.
    """
    with database.reading() as connection:
        if inbox_ids is not None:
            _check_known(inbox_ids, inbox.missing(connection=connection, inbox_ids=inbox_ids))
        found = inbox.replayable(connection=connection, inbox_ids=inbox_ids)
    if dry_run:
        return len(found)
    return sum(
        _replay_chunk(
            database=database,
            starter=starter,
            at=clock.now(),
            inbox_ids=found[start : start + _CHUNK],
            actor=actor,
            reason=reason,
        )
        for start in range(0, len(found), _CHUNK)
    )


def _check_known(inbox_ids: Sequence[int], missing: Sequence[int]) -> None:
    if missing:
        shown = ", ".join(str(one) for one in missing[:10])
        raise NotFound(
            f"{len(missing)} of {len(inbox_ids)} messages do not exist: {shown}.",
            code="UNKNOWN_MESSAGE",
            fix="Use the ids that the list of parked messages shows.",
        )


def _replay_chunk(
    *, database: Database, starter: StartsWork, at: datetime, inbox_ids: Sequence[int], actor: str, reason: str
) -> int:
    with database.unit_of_work() as work:
        rows = inbox.unpark(work=work, inbox_ids=inbox_ids)
        replays = inbox.count_replays(connection=work.connection, inbox_ids=inbox_ids)
        for row in rows:
            _write_down(work=work, row=row, at=at, actor=actor, reason=reason)
        # One look answers all messages about a record, so the newest of each record is enough.
        for row in {(row.org_id, row.record_id): row for row in rows}.values():
            start_look(connection=work.connection, starter=starter, row=row, replay=replays.get(row.id, 0) + 1)
        work.commit()
    return len(rows)


def _write_down(*, work: UnitOfWork, row: InboxRow, at: datetime, actor: str, reason: str) -> None:
    history.append(
        work=work,
        at=at,
        subject=inbox.SUBJECT,
        subject_id=row.id,
        event=inbox.REPLAYED,
        before=inbox.PARKED,
        after=inbox.RECEIVED,
        reason=reason,
        actor=actor,
        data={"record": row.record_id, "object": row.object, "org": row.org_id},
    )
