"""Access whose day has come: grant it, also when nobody looked for months; and credits that fell due.

Finds contracts with a change that has begun, and brings each in line by the same calculation as an order does. What
cannot be granted stays, says why, and is tried again; one contract holds up no other.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Protocol

from connector.domain.fulfilment import MOST_ATTEMPTS, retry_wait
from connector.errors import ConnectorError, RateLimited
from connector.logs import log
from connector.ports import Clock
from connector.store import scheduled_access
from connector.store.unit_of_work import Database
from connector.usecases.align_access import AccessAligner

# Contracts of one run; the next run takes the rest.
_AT_ONCE = 200


class CreditRows(Protocol):
    """The embedded platform's credits; see `store/platform.py`."""

    def due_subscriptions(self, *, today: date, limit: int) -> list[str]:
        """Subscriptions with credits that are due."""

    def grant_due_credits(self, *, subscription_ref: str, now: datetime) -> int:
        """Book what is due of one."""


@dataclass(frozen=True, slots=True)
class ScheduledGranted:
    """What a run did: contracts brought in line, contracts that could not be."""

    granted: int = 0
    failed: int = 0


def grant_scheduled(*, database: Database, clock: Clock, aligner: AccessAligner) -> ScheduledGranted:
    """Grant what has begun by now. Anticipated errors stay on the rows with the time of the next try."""
    now = clock.now()
    with database.reading() as connection:
        due = scheduled_access.due_contracts(connection=connection, today=now.date(), now=now, limit=_AT_ONCE)
    granted = failed = 0
    for contract_id in due:
        try:
            aligner.align(contract_id=contract_id)
            granted += 1
        except ConnectorError as error:
            _postpone(database, clock, contract_id, error)
            failed += 1
    return ScheduledGranted(granted, failed)


def grant_due_credits(*, rows: CreditRows, clock: Clock) -> int:
    """Book the credits of the embedded platform that fell due; answers how many entries that made."""
    now = clock.now()
    made, seen = 0, set[str]()
    # Each is brought up to date once; one that stayed due for whatever reason is the next run's.
    while due := [ref for ref in rows.due_subscriptions(today=now.date(), limit=_AT_ONCE) if ref not in seen]:
        seen.update(due)
        made += sum(rows.grant_due_credits(subscription_ref=ref, now=now) for ref in due)
    return made


def _postpone(database: Database, clock: Clock, contract_id: int, error: ConnectorError) -> None:
    now = clock.now()
    with database.unit_of_work() as work:
        attempt = 1 + scheduled_access.attempts_of(connection=work.connection, contract_id=contract_id)
        asked = error.retry_after if isinstance(error, RateLimited) else 0
        # It never gives up: what was sold is owed, and the row says who must act.
        wait = retry_wait(attempt=min(attempt, MOST_ATTEMPTS - 1), asked=asked) or 0
        scheduled_access.postpone(
            work=work,
            contract_id=contract_id,
            today=now.date(),
            code=error.code,
            problem=f"{error} {error.fix}".strip(),
            not_before=now + timedelta(seconds=wait),
            now=now,
        )
        work.commit()
    log.warning("scheduled_access_failed", contract_id=contract_id, code=error.code)
