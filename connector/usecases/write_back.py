"""Send what is owed to Salesforce: changed fields only, 200 records a call, each item's answer read on its own.

Never undoes anything on our side: a write that is refused is shown to people and tried again only where that can help.
Two flushes at once, or one that died half way, do no harm: writing the same fields twice changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from connector.domain.fulfilment import retry_wait
from connector.errors import ConnectorError, RateLimited, Retryable, Uncertain
from connector.logs import log
from connector.ports import Clock, Org, RecordWrite, WriteResult
from connector.store import writebacks
from connector.store.unit_of_work import Database
from connector.store.writebacks import OwedWrite

# A flush that holds its rows this long has died; a call is cut after two minutes at the most.
_STALE = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Flushed:
    """What a flush came to: records written, refused or postponed, and calls made."""

    written: int = 0
    failed: int = 0
    calls: int = 0

    def __add__(self, other: Flushed) -> Flushed:
        return Flushed(self.written + other.written, self.failed + other.failed, self.calls + other.calls)


def write_back(*, database: Database, clock: Clock, orgs: Mapping[str, Org], batch: int, claimed_by: str) -> Flushed:
    """Flush every org until nothing is due. An org that does not answer is left for later, the others go on."""
    total = Flushed()
    for org in orgs.values():
        while True:
            flushed = _flush(database, clock, org, batch, claimed_by)
            total += flushed
            if flushed.written + flushed.failed < batch or not flushed.written:
                break
    return total


def _flush(database: Database, clock: Clock, org: Org, batch: int, claimed_by: str) -> Flushed:
    with database.unit_of_work() as work:
        owed = writebacks.take_owed(
            work=work, org_id=org.org_id, limit=batch, claimed_by=claimed_by, now=clock.now(), stale=_STALE
        )
        work.commit()
    return _send(database, clock, org, owed, claimed_by) if owed else Flushed()


def _send(database: Database, clock: Clock, org: Org, taken: Sequence[OwedWrite], claimed_by: str) -> Flushed:
    with database.looking() as work:
        # A process that stood still since it took its rows must not write what another one has overtaken.
        owed = writebacks.still_taken(work=work, writes=taken, claimed_by=claimed_by)
    try:
        results = org.gateway.write(writes=[_write(one) for one in owed if one.changes])
    except ConnectorError as error:
        kinds = sorted({one.ref.object for one in owed})
        if len(kinds) > 1 and not isinstance(error, Retryable):
            # A field that one object lacks makes Salesforce refuse the whole call: the other objects go on without it.
            apart = ([one for one in owed if one.ref.object == kind] for kind in kinds)
            return sum((_send(database, clock, org, part, claimed_by) for part in apart), Flushed(calls=1))
        log.warning("write_back_postponed", org_id=org.org_id, code=error.code, records=len(owed))
        _postpone(database, clock, owed, error)
        return Flushed(failed=len(owed), calls=1)
    return _save(database, clock, owed, results)


def _write(owed: OwedWrite) -> RecordWrite:
    return RecordWrite(owed.ref.object, owed.ref.record_id, owed.changes)


def _save(database: Database, clock: Clock, owed: Sequence[OwedWrite], results: Sequence[WriteResult]) -> Flushed:
    refused = {result.record_id: result for result in results if not result.is_written}
    done = [one for one in owed if one.ref.record_id not in refused]
    with database.unit_of_work() as work:
        writebacks.save_written(work=work, done=done, now=clock.now())
        for one in owed:
            if result := refused.get(one.ref.record_id):
                not_before = _next_try(one, clock.now()) if result.is_transient else None
                writebacks.save_failed(
                    work=work,
                    write=one,
                    code=result.code,
                    message=result.message,
                    not_before=not_before,
                    is_owed=not_before is not None,
                )
        work.commit()
    return Flushed(written=len(done), failed=len(refused), calls=1)


def _postpone(database: Database, clock: Clock, owed: Sequence[OwedWrite], error: ConnectorError) -> None:
    asked = error.retry_after if isinstance(error, RateLimited) else 0
    with database.unit_of_work() as work:
        for one in owed:
            not_before = _next_try(one, clock.now(), asked=asked)
            writebacks.save_failed(
                work=work,
                write=one,
                code=error.code,
                message=str(error),
                not_before=not_before,
                is_owed=not_before is not None,
                is_uncertain=isinstance(error, Uncertain),
            )
        work.commit()


def _next_try(owed: OwedWrite, now: datetime, *, asked: int = 0) -> datetime | None:
    wait = retry_wait(attempt=owed.attempts + 1, asked=asked)
    return None if wait is None else now + timedelta(seconds=wait)
