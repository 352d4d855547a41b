"""The deals of the demo as the sandbox tells them, and what the sales rep does to them there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from connector.demo.calling import LocalServer

# A change younger than half a minute is left to the next sweep (Salesforce shows it late). The lost message was sent a
# minute ago by the org's clock, so that nobody has to watch that half minute pass.
_LOST_SINCE_SECONDS = 60


@dataclass(frozen=True, slots=True)
class DemoDeal:
    """One deal: the record, how often its message is delivered, and the end to expect."""

    key: str
    title: str
    shows: str
    record_id: str
    expected: str
    expected_code: str
    deliveries: int
    value: Decimal
    currency: str

    @property
    def customer(self) -> str:
        """Who buys."""
        return self.title.partition(":")[0]

    @property
    def expected_word(self) -> str:
        """What Salesforce must show in the end."""
        return "Synced" if self.expected == "FULFILLED" else "Blocked"


class DemoOrg:
    """The sandbox as the sales rep uses it."""

    def __init__(self, server: LocalServer) -> None:
        self._server = server
        self.base_url = server.base_url

    def org_id(self) -> str:
        """The org's id."""
        return str(self._server.get("/sandbox/health")["org_id"])

    def story(self) -> tuple[tuple[DemoDeal, ...], Mapping[str, Mapping[str, Any]]]:
        """The deals, and the custom plans that the entitlement platform must know."""
        told = self._server.get("/sandbox/story")
        return tuple(_deal(one) for one in told["deals"]), told["custom_plans"]

    def send_messages_to(self, url: str) -> None:
        """Where outbound messages go from now on."""
        self._server.post("/sandbox/settings", {"push_url": url})

    def sign(self, deal: DemoDeal) -> None:
        """Accept the quote, win the opportunity, or activate the order."""
        is_lost = deal.deliveries == 0
        if is_lost:
            self._server.post("/sandbox/clock", {"advance_seconds": -_LOST_SINCE_SECONDS})
        try:
            self._server.post(f"/sandbox/story/{deal.key}/sign", {})
        finally:
            if is_lost:
                self._server.post("/sandbox/clock", {"advance_seconds": _LOST_SINCE_SECONDS})

    def status_of(self, deal: DemoDeal) -> tuple[str, str]:
        """The state word and the error code that the record shows; empty when nothing was written."""
        record = self._server.get(f"/sandbox/records/{deal.record_id}")
        return record.get("Sync_Status__c") or "", record.get("Sync_Error_Code__c") or ""

    def payment_word_of(self, record_id: str) -> str:
        """How far the record says that its invoices are paid; empty when it says nothing."""
        return str(self._server.get(f"/sandbox/records/{record_id}").get("Sync_Payment_State__c") or "")

    def deliveries(self) -> dict[str, int]:
        """How often a message about each record was delivered or tried."""
        found: dict[str, int] = {}
        for one in self._server.get("/sandbox/pushes")["notifications"]:
            found[one["record_id"]] = found.get(one["record_id"], 0) + int(one["attempts"])
        return found

    def record_url(self, deal: DemoDeal) -> str:
        """The record's page."""
        return f"{self.base_url}/record/{deal.record_id}"


def _deal(told: Mapping[str, Any]) -> DemoDeal:
    return DemoDeal(
        key=told["key"],
        title=told["title"],
        shows=told["shows"],
        record_id=told["record_id"],
        expected=told["expected"],
        expected_code=told["expected_code"],
        deliveries=int(told["deliveries"]),
        value=Decimal(told["contract_value"]),
        currency=told["currency"],
    )
