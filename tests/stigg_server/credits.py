"""Credits and usage of the stand-in: recurring grants by month or year without rollover, a ledger, a usage history."""

from __future__ import annotations

import calendar
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from tests.stigg_server.subscriptions import Held, Subscriptions, told


@dataclass(frozen=True)
class Use:
    """Credits that a customer consumed, or a reading of a feature's counter."""

    customer: str
    ref: str
    at: datetime
    value: Decimal
    resource: str | None = None


class Credits:
    """What subscriptions granted up to now, and what was used of it."""

    def __init__(self, subscriptions: Subscriptions) -> None:
        self._subscriptions = subscriptions
        self.consumed: list[Use] = []
        self.readings: list[Use] = []
        self.resets: set[datetime] = set()

    def grants(self, customer: str, currency: str | None, resource: str | None) -> list[dict[str, Any]]:
        """As `GET /credits/grants` answers them, oldest first; without a resource only those that have none."""
        self._subscriptions.customer(customer)
        return [
            grant
            for held in self._subscriptions.held.values()
            if held.customer == customer and held.resource == resource
            for one in held.entitlements
            if one["type"] == "CREDIT" and currency in (None, one["id"])
            for grant in self._recurring(held, one)
        ]

    def ledger(self, customer: str, currency: str | None, resource: str | None) -> list[dict[str, Any]]:
        """As `GET /credits/ledger` answers it, newest first."""
        rows: list[dict[str, Any]] = []
        for grant in self.grants(customer, currency, resource):
            rows.append(_entry(grant, "CREDITS_GRANTED", grant["amount"], grant["effectiveAt"]))
            for use in self._used(grant):
                rows.append(_entry(grant, "CREDITS_CONSUMED", -use.value, told(use.at)))
            left = grant["amount"] - grant["consumedAmount"]
            if grant["status"] == "EXPIRED" and left:
                rows.append(_entry(grant, "CREDITS_EXPIRED", -left, grant["expireAt"]))
        return sorted(rows, key=lambda row: row["timestamp"], reverse=True)

    def history(self, customer: str, feature: str, resource: str | None, since: str, until: str | None) -> Any:
        """As `GET /usage/{customer}/history/{feature}` answers it: the counter's readings in the range."""
        self._subscriptions.customer(customer)
        start, end = datetime.fromisoformat(since), datetime.fromisoformat(until) if until else None
        readings = sorted(
            (one for one in self.readings if (one.customer, one.ref, one.resource) == (customer, feature, resource)),
            key=lambda one: one.at,
        )
        points = [
            {"timestamp": told(one.at), "value": one.value, "isResetPoint": one.at in self.resets}
            for one in readings
            if start <= one.at and (end is None or one.at <= end)
        ]
        markers = [{"timestamp": told(at), "type": "PERIODIC_RESET"} for at in sorted(self.resets)]
        return {"series": [{"tags": [], "points": points}] if points else [], "markers": markers}

    def with_use(self, rights: list[dict[str, Any]], customer: str, resource: str | None) -> list[dict[str, Any]]:
        """Effective entitlements and what was used: of running grants of a credit, by the last reading of a counter."""
        return [right | self._used_of(right, customer, resource) for right in rights]

    def _used_of(self, right: dict[str, Any], customer: str, resource: str | None) -> dict[str, Any]:
        if right["type"] == "CREDIT":
            grants = self.grants(customer, right["currency"]["currencyId"], resource)
            return {"currentUsage": sum(one["consumedAmount"] for one in grants if one["status"] == "ACTIVE")}
        ref = right["feature"]["id"]
        readings = [one for one in self.readings if (one.customer, one.ref, one.resource) == (customer, ref, resource)]
        return {"currentUsage": max(readings, key=lambda one: one.at).value if readings else 0}

    def _recurring(self, held: Held, one: dict[str, Any]) -> list[dict[str, Any]]:
        now, found = self._subscriptions.now(), []
        stop = min(moment for moment in (held.ends_at, held.cancelled_at, now) if moment is not None)
        number = 0
        while (start := _later(held.starts_at, number, one["cadence"])) <= min(stop, now) and start < (
            held.ends_at or datetime.max.replace(tzinfo=now.tzinfo)
        ):
            number += 1
            end = _later(held.starts_at, number, one["cadence"])
            found.append(self._grant(held, one, number, start, end))
        return found

    def _grant(self, held: Held, one: dict[str, Any], number: int, start: datetime, end: datetime) -> dict[str, Any]:
        shown: dict[str, Any] = {
            "id": f"grant-{held.id}-{one['id']}-{number}", "amount": one["amount"], "currencyId": one["id"],
            "customerId": held.customer, "resourceId": held.resource, "displayName": one["id"], "comment": None,
            "cost": {"amount": 0, "currency": "usd"}, "createdAt": told(start), "updatedAt": told(start),
            "effectiveAt": told(start), "expireAt": told(end), "grantType": "RECURRING", "metadata": {},
            "paymentCollection": "NOT_REQUIRED", "priority": 50, "sourceType": "PLAN_ENTITLEMENT",
            "status": "EXPIRED" if end <= self._subscriptions.now() else "ACTIVE", "consumedAmount": 0,
        }  # fmt: skip
        shown["consumedAmount"] = sum((use.value for use in self._used(shown)), Decimal(0))
        return shown

    def _used(self, grant: dict[str, Any]) -> list[Use]:
        start, end = datetime.fromisoformat(grant["effectiveAt"]), datetime.fromisoformat(grant["expireAt"])
        return [
            use
            for use in self.consumed
            if (use.customer, use.ref, use.resource) == (grant["customerId"], grant["currencyId"], grant["resourceId"])
            and start <= use.at < end
        ]


def _entry(grant: dict[str, Any], kind: str, amount: Any, at: str | None) -> dict[str, Any]:
    return {
        "amount": amount, "creditCurrencyId": grant["currencyId"], "creditGrantId": grant["id"], "timestamp": at,
        "customerId": grant["customerId"], "eventId": f"{grant['id']}-{kind}-{at}", "eventType": kind,
        "featureId": None, "resourceId": grant["resourceId"],
    }  # fmt: skip


def _later(anchor: datetime, number: int, cadence: str) -> datetime:
    """The n-th period's start, counted from the anchor; the 31st becomes the last day of a shorter month."""
    month = anchor.month - 1 + number * (12 if cadence == "YEAR" else 1)
    year, month = anchor.year + month // 12, month % 12 + 1
    return anchor.replace(year=year, month=month, day=min(anchor.day, calendar.monthrange(year, month)[1]))
