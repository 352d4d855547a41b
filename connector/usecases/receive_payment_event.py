"""A verified event of a payment provider is kept, and nothing else: the sender waits.

The sender gets its answer only after the commit, so that an event which was accepted cannot be lost. What an event says
is never acted on here: its object is fetched later. Nothing outside may be called from here.
"""

from __future__ import annotations

from collections.abc import Sequence

from connector.ports import Clock
from connector.store import provider_events
from connector.store.provider_events import NewEvent
from connector.store.unit_of_work import Database

__all__ = ["NewEvent", "receive_payment_events"]


def receive_payment_events(*, database: Database, clock: Clock, events: Sequence[NewEvent]) -> int:
    """Keep events; answers how many are new. The same event again does nothing. Raises Unavailable."""
    with database.unit_of_work() as work:
        new = provider_events.put(work=work, events=events, now=clock.now())
        if new:
            work.commit()
    return new
