"""Our use of the day's calls to Salesforce, for the page: by org, day and purpose, and what each org allows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from connector.store.tables_completeness import api_budgets, api_calls


@dataclass(frozen=True, slots=True)
class CallsRow:
    """Calls of one org on one day for one purpose."""

    org_id: str
    day: date
    purpose: str
    calls: int


@dataclass(frozen=True, slots=True)
class BudgetRow:
    """Calls of the last 24 hours by everybody in the org against its limit, as last told."""

    org_id: str
    used: int
    limit: int
    told_at: datetime


def list_calls(*, connection: Connection, since: date) -> tuple[CallsRow, ...]:
    """Calls from that day on, the newest day first."""
    query = sa.select(api_calls).where(api_calls.c.day >= since)
    rows = connection.execute(query.order_by(api_calls.c.day.desc(), api_calls.c.org_id, api_calls.c.purpose))
    return tuple(CallsRow(row.org_id, row.day, row.purpose, row.calls) for row in rows)


def list_budgets(*, connection: Connection) -> tuple[BudgetRow, ...]:
    """What each org last told."""
    rows = connection.execute(sa.select(api_budgets).order_by(api_budgets.c.org_id))
    return tuple(BudgetRow(row.org_id, row.used, row.limit, row.told_at) for row in rows)


@dataclass(frozen=True, slots=True)
class CallsOfDay:
    """One org's day: calls by purpose, and all of them."""

    org_id: str
    day: date
    by_purpose: dict[str, int]

    @property
    def total(self) -> int:
        """All calls of the day."""
        return sum(self.by_purpose.values())


def days_of_calls(*, connection: Connection, since: date) -> tuple[CallsOfDay, ...]:
    """Calls from that day on, a row for each org and day, the newest first."""
    found: dict[tuple[date, str], CallsOfDay] = {}
    for row in list_calls(connection=connection, since=since):
        day = found.setdefault((row.day, row.org_id), CallsOfDay(row.org_id, row.day, {}))
        day.by_purpose[row.purpose] = row.calls
    return tuple(found.values())
