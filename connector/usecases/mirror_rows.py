"""Send our rows to our own objects in Salesforce: one row for each attempt at a deal, and the invoices of an account.

Rows are upserted by our key, 200 a call, so a flush that runs twice or dies half way makes each row once. A refusal is
kept with its reason and tried again only where that can help; it never undoes anything here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from connector.domain.fulfilment import retry_wait
from connector.errors import ConnectorError, RateLimited, Retryable
from connector.logs import log
from connector.ports import Clock, KeyedRow, Org, WriteResult
from connector.store import mirror_rows
from connector.store.mirror_rows import OwedRow
from connector.store.unit_of_work import Database
from connector.usecases.call_budget import call_budget

_STALE = timedelta(minutes=5)
KEY_FIELD = "Key__c"


def flush_rows(
    *, database: Database, clock: Clock, orgs: Mapping[str, Org], batch: int, claimed_by: str
) -> dict[str, int]:
    """Flush every org until nothing is due; answers counts. Waits while an org's calls of the day run short."""
    counts = {"rows_written": 0, "rows_failed": 0}
    for org in orgs.values():
        while owed := _take(database, clock, org, batch, claimed_by):
            written, failed = _send(database, clock, org, owed)
            counts["rows_written"] += written
            counts["rows_failed"] += failed
            if not written:
                break
    return counts


def _take(database: Database, clock: Clock, org: Org, batch: int, claimed_by: str) -> tuple[OwedRow, ...]:
    with database.looking() as work:
        if not mirror_rows.is_owed(work=work, org_id=org.org_id, now=clock.now()):
            return ()
    # The status of deals matters more than their history: history waits first.
    if not call_budget(org).may_search:
        return ()
    with database.unit_of_work() as work:
        owed = mirror_rows.take_owed(
            work=work, org_id=org.org_id, limit=batch, claimed_by=claimed_by, now=clock.now(), stale=_STALE
        )
        work.commit()
    return owed


def _send(database: Database, clock: Clock, org: Org, owed: Sequence[OwedRow]) -> tuple[int, int]:
    rows = [KeyedRow(one.key, one.wanted) for one in owed]
    try:
        results = org.gateway.upsert(object_name=owed[0].object, key_field=KEY_FIELD, rows=rows)
    except ConnectorError as error:
        log.warning("rows_postponed", org_id=org.org_id, object=owed[0].object, code=error.code, rows=len(owed))
        is_transient = isinstance(error, Retryable)
        asked = error.retry_after if isinstance(error, RateLimited) else 0
        refused = [WriteResult(one.key, False, error.code, str(error), is_transient) for one in owed]
        return _save(database, clock, owed, refused, asked)
    return _save(database, clock, owed, results)


def _save(
    database: Database, clock: Clock, owed: Sequence[OwedRow], results: Sequence[WriteResult], asked: int = 0
) -> tuple[int, int]:
    done = [one for one, result in zip(owed, results, strict=True) if result.is_written]
    refused = [(one, result) for one, result in zip(owed, results, strict=True) if not result.is_written]
    now = clock.now()
    with database.unit_of_work() as work:
        mirror_rows.save_written(work=work, done=done, now=now)
        for one, result in refused:
            mirror_rows.save_failed(
                work=work,
                row=one,
                code=result.code,
                message=result.message,
                not_before=_next_try(one, now, asked) if result.is_transient else None,
            )
        work.commit()
    return len(done), len(refused)


def _next_try(row: OwedRow, now: datetime, asked: int) -> datetime | None:
    wait = retry_wait(attempt=row.attempts + 1, asked=asked)
    return None if wait is None else now + timedelta(seconds=wait)
