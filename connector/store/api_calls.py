"""Our calls to Salesforce by org, day and purpose, added up over all processes, and what the org said of its limit."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime

from connector.store.inserting import insert
from connector.store.tables_completeness import api_budgets, api_calls
from connector.store.unit_of_work import UnitOfWork


def add(*, work: UnitOfWork, org_id: str, day: date, calls: Mapping[str, int]) -> None:
    """Add a process's calls since it last did."""
    for purpose, count in sorted(calls.items()):
        row = {"org_id": org_id, "day": day, "purpose": purpose, "calls": count}
        statement = insert(work, api_calls).values(**row)
        work.execute(
            statement.on_conflict_do_update(
                index_elements=["org_id", "day", "purpose"],
                set_={"calls": api_calls.c.calls + statement.excluded.calls},
            )
        )


def save_budget(*, work: UnitOfWork, org_id: str, used: int, limit: int, now: datetime) -> None:
    """What the org last told."""
    statement = insert(work, api_budgets).values(org_id=org_id, used=used, limit=limit, told_at=now)
    fresh = {"used": used, "limit": limit, "told_at": now}
    work.execute(statement.on_conflict_do_update(index_elements=["org_id"], set_=fresh))


def forget_before(*, work: UnitOfWork, day: date) -> int:
    """Drop days before that one; answers how many rows."""
    return int(work.execute(api_calls.delete().where(api_calls.c.day < day)).rowcount)
