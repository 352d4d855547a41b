"""Take usage that somebody reports: find whose it is, hand it to the platform that counts it.

Open only where the embedded platform counts; another platform takes usage at its own door.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from connector.domain.usage import Reach, UsageEvent
from connector.errors import NotFound, Refused
from connector.ports import UsageDoor
from connector.store.unit_of_work import Database
from connector.usecases.show_access import find_customer


class NoUsageDoor(Refused):
    """Usage is reported elsewhere."""

    code = "USAGE_ELSEWHERE"
    owner = "caller"
    fix = "Report usage to the entitlement platform that the settings name."
    http_status = 409


class Reported(Protocol):
    """One event as it was sent."""

    @property
    def customer(self) -> str:
        """Account id or platform ref."""

    def event(self, customer_ref: str) -> UsageEvent:
        """The event of that customer."""


def report_usage(*, database: Database, door: UsageDoor | None, body: Sequence[Reported], reach: Reach) -> int:
    """Count the events, all or none; answers how many were new.

    Raises NoUsageDoor, and Refused with every fault of the events.
    """
    if door is None:
        raise NoUsageDoor("The entitlement platform of these settings takes usage itself.")
    refs = {one.customer: _ref(database, one.customer) for one in body}
    return door.report(events=[one.event(refs[one.customer]) for one in body], reach=reach)


def _ref(database: Database, customer_id: str) -> str:
    """The platform's ref; what we do not know goes on as it is, so that the door names every fault at once."""
    try:
        return find_customer(database=database, customer_id=customer_id).platform_ref
    except NotFound:
        return customer_id
