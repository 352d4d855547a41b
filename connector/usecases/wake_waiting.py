"""Look again at records whose waiting time is over: retries, and orders whose predecessor arrived."""

from __future__ import annotations

from connector.ports import Clock
from connector.store import records
from connector.store.unit_of_work import Database
from connector.usecases.start_look import StartsWork


def wake_waiting(*, database: Database, clock: Clock, starter: StartsWork, limit: int = 100) -> int:
    """Start a look for every record that is due, some at a time; answers how many. Two callers share the records."""
    woken = 0
    while True:
        now = clock.now()
        with database.unit_of_work() as work:
            due = records.take_due(work=work, now=now, limit=limit)
            for row_id, ref, looks in due:
                starter.start(
                    connection=work.connection,
                    name="look",
                    run_id=f"wake:{row_id}:{looks}:{now:%Y%m%d%H%M%S}",
                    argument=f"{ref.org_id}:{ref.object}:{ref.record_id}:wake",
                )
            work.commit()
        woken += len(due)
        if len(due) < limit:
            return woken
