"""Retention: forget finished runs of the engine, job runs, empty billing runs, ended processes, old login attempts,
counted calls, rows that Salesforce keeps a copy of, and pictures of settled order forms.

Orders, contracts, order forms, history and the inbox are never forgotten here.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Protocol

from connector.ports import Clock
from connector.store import api_calls, billing_runs, mirror_rows, order_forms, processes
from connector.store.unit_of_work import Database

_AT_ONCE = 1000


class Forgets(Protocol):
    """What the engine can forget."""

    def forget_before(self, *, moment: datetime, limit: int = 1000) -> int:
        """Forget finished runs that ended before that moment."""


def forget_old(*, database: Database, clock: Clock, engine: Forgets, keep: timedelta) -> dict[str, int]:
    """Forget what ended longer ago than `keep`; answers how many runs. Safe to run twice or half."""
    moment = clock.now() - keep
    runs = 0
    while True:
        forgotten = engine.forget_before(moment=moment, limit=_AT_ONCE)
        runs += forgotten
        if forgotten < _AT_ONCE:
            break
    with database.unit_of_work() as work:
        processes.forget_before(work=work, moment=moment)
        billing_runs.forget_before(work=work, moment=moment)
        mirror_rows.forget_before(work=work, moment=moment)
        order_forms.forget_pictures_before(work=work, moment=moment)
        api_calls.forget_before(work=work, day=moment.date())
        work.commit()
    return {"runs": runs}
