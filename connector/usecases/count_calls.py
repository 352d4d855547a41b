"""Write down what this process called Salesforce for, so that a page shows the use of the day's calls by purpose.

Counts since the last time are added to rows that all processes share; a process that dies loses less than a minute of
them, which is why they bill nothing and decide nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from connector.ports import Clock, Org
from connector.store import api_calls
from connector.store.unit_of_work import Database


@dataclass(slots=True)
class CallCounter:
    """What this process has written down so far, by org and purpose."""

    _told: dict[str, dict[str, int]] = field(default_factory=dict)

    def save(self, *, database: Database, clock: Clock, orgs: Mapping[str, Org]) -> dict[str, int]:
        """Add what came since the last time; answers how many calls that were. Calls nobody outside."""
        now, total = clock.now(), 0
        for org in orgs.values():
            counted = dict(org.gateway.calls_by_purpose())
            before = self._told.get(org.org_id, {})
            fresh = {name: count - before.get(name, 0) for name, count in counted.items()}
            fresh = {name: count for name, count in fresh.items() if count > 0}
            usage = org.gateway.usage()
            if not fresh:
                continue
            with database.unit_of_work() as work:
                api_calls.add(work=work, org_id=org.org_id, day=now.date(), calls=fresh)
                if usage.limit:
                    api_calls.save_budget(work=work, org_id=org.org_id, used=usage.used, limit=usage.limit, now=now)
                work.commit()
            # Only now: a transaction that failed is tried again with the same calls.
            self._told[org.org_id] = counted
            total += sum(fresh.values())
        return {"calls": total}
