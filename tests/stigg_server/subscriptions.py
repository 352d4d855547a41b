"""Customers and subscriptions of the stand-in, with Stigg's rules of provisioning, change and end.

One running subscription per customer, resource and product: a new one ends the one before at its own start, as Stigg
does, which is why a client must not provision twice.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tests.stigg_server.catalogue import Catalogue, Entitled, SoldPlan
from tests.stigg_server.refusals import Refusal, doubled, invalid, missing

_OPEN = ("PAYMENT_PENDING", "ACTIVE", "IN_TRIAL", "NOT_STARTED")


def instant(text: str) -> datetime:
    """An ISO 8601 instant."""
    return datetime.fromisoformat(text)


def told(moment: datetime | None) -> str | None:
    """As answers tell an instant."""
    return moment.isoformat() if moment is not None else None


@dataclass
class Held:
    """One subscription as kept; its status follows from its dates and the clock."""

    id: str
    customer: str
    plan: SoldPlan
    starts_at: datetime
    made_at: datetime
    resource: str | None = None
    ends_at: datetime | None = None
    entitlements: list[dict[str, Any]] = field(default_factory=list)
    fields: dict[str, Any] = field(default_factory=dict)
    contract: str | None = None
    cancelled_at: datetime | None = None
    cancel_reason: str | None = None

    def status(self, now: datetime) -> str:
        """Stigg's word for where it stands."""
        if self.cancelled_at is not None and self.cancelled_at <= now:
            return "CANCELED"
        if self.ends_at is not None and self.ends_at <= now:
            return "EXPIRED"
        return "NOT_STARTED" if self.starts_at > now else "ACTIVE"

    def is_open(self, now: datetime) -> bool:
        """Whether it runs or will run."""
        return self.status(now) in _OPEN

    def override(self, ref: str) -> dict[str, Any] | None:
        """The negotiated value of one entitlement."""
        return next((one for one in self.entitlements if one["id"] == ref), None)


class Subscriptions:
    """All customers and subscriptions; every method is called under the server's lock."""

    def __init__(self, catalogue: Catalogue, now: Callable[[], datetime]) -> None:
        self.catalogue, self.now = catalogue, now
        self.customers: dict[str, dict[str, Any]] = {}
        self.held: dict[str, Held] = {}

    # Customers

    def add_customer(self, body: dict[str, Any]) -> dict[str, Any]:
        """`POST /customers`."""
        if body["id"] in self.customers:
            raise doubled(f"Customer {body['id']} already exists")
        self.customers[body["id"]] = {"metadata": {}, **body, "createdAt": told(self.now())}
        return self.show_customer(body["id"])

    def change_customer(self, ref: str, body: dict[str, Any]) -> dict[str, Any]:
        """`PATCH /customers/{id}`; metadata is replaced whole."""
        self.customer(ref).update(body)
        return self.show_customer(ref)

    def customer(self, ref: str) -> dict[str, Any]:
        """A customer. Raises a refusal."""
        if ref not in self.customers:
            raise missing("Customer", ref)
        return self.customers[ref]

    def show_customer(self, ref: str) -> dict[str, Any]:
        """As `GET /customers/{id}` answers it."""
        kept = self.customer(ref)
        names = ("name", "email", "billingCurrency", "billingId", "couponId", "language", "timezone")
        return {
            "id": ref, "createdAt": kept["createdAt"], "updatedAt": told(self.now()), "archivedAt": None,
            "metadata": kept["metadata"], "integrations": kept.get("integrations", []),
            **{name: kept.get(name) for name in names},
        }  # fmt: skip

    # Subscriptions

    def provision(self, body: dict[str, Any]) -> tuple[Held, Callable[[], None]]:
        """Make a subscription; answers it and how to take it back. Raises a refusal, and then nothing is changed."""
        self.customer(body["customerId"])
        plan = self.catalogue.plan(body["planId"])
        if plan.status != "PUBLISHED":
            raise missing("Plan", f"{plan.ref} (published)")
        ref = body.get("id") or str(uuid.uuid4())
        if ref in self.held:
            raise doubled(f"Subscription {ref} already exists")
        self._check_parts(plan, body)
        held = self._made(ref, plan, body)
        if plan.product in self.catalogue.multiple and held.resource is None:
            raise invalid(f"product {plan.product} needs a resourceId")
        replaced = self.running(held.customer, plan.product, held.resource)
        for old in replaced:
            old.cancelled_at, old.cancel_reason = max(held.starts_at, old.starts_at), "UPGRADE_OR_DOWNGRADE"
        self.held[ref] = held
        return held, lambda: self._take_back(ref, replaced)

    def change(self, ref: str, body: dict[str, Any]) -> Held:
        """`PATCH /subscriptions/{id}`: what is named is replaced whole, the rest stays."""
        held = self.subscription(ref)
        if not held.is_open(self.now()):
            raise Refusal(400, "InvalidSubscriptionStatus", f"Subscription {ref} is {held.status(self.now())}")
        self._check_parts(held.plan, body)
        if "entitlements" in body:
            held.entitlements = list(body["entitlements"])
        if "cancellationDate" in body:
            held.ends_at = instant(body["cancellationDate"]) if body["cancellationDate"] else None
        rest = {name: value for name, value in body.items() if name not in ("entitlements", "cancellationDate")}
        held.fields.update(rest)
        return held

    def cancel(self, ref: str, body: dict[str, Any]) -> Held:
        """`POST /subscriptions/{id}/cancel`."""
        held, now = self.subscription(ref), self.now()
        if not held.is_open(now):
            raise Refusal(400, "InvalidSubscriptionStatus", f"Subscription {ref} is {held.status(now)}")
        when = body.get("cancellationTime", "END_OF_BILLING_PERIOD")
        if when == "END_OF_BILLING_PERIOD" and held.plan.pricing_type == "CUSTOM":
            raise Refusal(400, "InvalidCancellationDate", "END_OF_BILLING_PERIOD is not available on custom plans")
        if when == "IMMEDIATE":
            held.cancelled_at, held.cancel_reason = now, "Immediate"
            return held
        if "endDate" not in body or instant(body["endDate"]) <= now:
            raise Refusal(400, "InvalidCancellationDate", "endDate must be in the future")
        held.cancelled_at, held.cancel_reason = instant(body["endDate"]), "ScheduledCancellation"
        return held

    def subscription(self, ref: str) -> Held:
        """A subscription. Raises a refusal."""
        if ref not in self.held:
            raise missing("Subscription", ref)
        return self.held[ref]

    def running(self, customer: str, product: str, resource: str | None) -> list[Held]:
        """What the customer runs of a product (there is at most one per resource)."""
        return [
            one
            for one in self.held.values()
            if (one.customer, one.plan.product, one.resource) == (customer, product, resource)
            and one.is_open(self.now())
            and one.cancelled_at is None
        ]

    def show(self, held: Held, contract_uuid: str | None) -> dict[str, Any]:
        """As `GET /subscriptions/{id}` answers it; negotiated entitlements without their amounts."""
        fields = held.fields
        return {
            "id": held.id, "customerId": held.customer, "planId": held.plan.ref, "billingId": None,
            "pricingType": held.plan.pricing_type, "status": held.status(self.now()), "createdAt": told(held.made_at),
            "startDate": told(held.starts_at), "cancellationDate": told(held.cancelled_at or held.ends_at),
            "endDate": told(held.ends_at), "effectiveEndDate": told(held.cancelled_at or held.ends_at),
            "cancelReason": held.cancel_reason, "contractId": contract_uuid, "resourceId": held.resource,
            "paymentCollection": "NOT_REQUIRED", "metadata": fields.get("metadata", {}),
            "paymentCollectionMethod": fields.get("paymentCollectionMethod"), "addons": fields.get("addons", []),
            "minimumSpend": fields.get("minimumSpend"), "futureUpdates": [],
            "prices": [_price(one) for one in fields.get("priceOverrides", [])],
            "subscriptionEntitlements": [{"id": one["id"], "type": one["type"]} for one in held.entitlements],
        }  # fmt: skip

    def effective(self, customer: str, resource: str | None) -> list[dict[str, Any]]:
        """What the customer may use now: the most generous value of every running subscription."""
        self.customer(customer)
        found: dict[str, dict[str, Any]] = {}
        for held in self.held.values():
            if held.customer == customer and held.resource == resource and held.status(self.now()) == "ACTIVE":
                for entitled in held.plan.entitlements:
                    shown = self._effective(entitled, held)
                    if shown is not None and _generosity(shown) > _generosity(found.get(entitled.ref)):
                        found[entitled.ref] = shown
        return list(found.values())

    def _effective(self, entitled: Entitled, held: Held) -> dict[str, Any] | None:
        own = held.override(entitled.ref) or {}
        if entitled.type == "CREDIT":
            amount = own.get("amount", entitled.amount)
            return None if amount is None else self._credit(entitled.ref, amount)
        is_unlimited = own.get("hasUnlimitedUsage", entitled.is_unlimited and "usageLimit" not in own)
        limit = None if is_unlimited else own.get("usageLimit", entitled.amount)
        kind = self.catalogue.feature_type(entitled.ref)
        if kind == "NUMBER" and limit is None and not is_unlimited:
            return None
        feature = {"id": entitled.ref, "displayName": entitled.ref, "featureStatus": "ACTIVE", "featureType": kind}
        return {
            "type": "FEATURE", "isGranted": True, "accessDeniedReason": None, "currentUsage": 0, "feature": feature,
            "hasUnlimitedUsage": is_unlimited, "usageLimit": limit,
            "resetPeriod": own.get("resetPeriod", entitled.reset_period),
        }  # fmt: skip

    def _credit(self, ref: str, amount: Any) -> dict[str, Any]:
        return {
            "type": "CREDIT", "isGranted": True, "accessDeniedReason": None, "currentUsage": 0, "usageLimit": amount,
            "currency": {"currencyId": ref, "displayName": ref}, "usageUpdatedAt": told(self.now()),
        }  # fmt: skip

    def _made(self, ref: str, plan: SoldPlan, body: dict[str, Any]) -> Held:
        taken = ("id", "customerId", "planId", "startDate", "cancellationDate", "entitlements", "resourceId")
        ends = body.get("cancellationDate")
        return Held(
            id=ref, customer=body["customerId"], plan=plan, made_at=self.now(), resource=body.get("resourceId"),
            starts_at=instant(body["startDate"]) if "startDate" in body else self.now(),
            ends_at=instant(ends) if ends else None, entitlements=list(body.get("entitlements", [])),
            fields={name: value for name, value in body.items() if name not in taken},
        )  # fmt: skip

    def _check_parts(self, plan: SoldPlan, body: dict[str, Any]) -> None:
        seen: set[tuple[str, str]] = set()
        for one in body.get("entitlements", []):
            if (one["type"], one["id"]) in seen:
                raise invalid(f"entitlement {one['id']} is given twice")
            seen.add((one["type"], one["id"]))
            self._check_entitlement(plan, one)
        for one in body.get("addons", []):
            if one["id"] not in self.catalogue.add_ons:
                raise missing("Addon", one["id"])
            if one["id"] not in plan.add_ons:
                raise invalid(f"add-on {one['id']} is not compatible with plan {plan.ref}")

    def _check_entitlement(self, plan: SoldPlan, one: dict[str, Any]) -> None:
        if one["id"] not in self.catalogue.known(one["type"]):
            raise missing("Feature" if one["type"] == "FEATURE" else "CustomCurrency", one["id"])
        if one["id"] not in {entitled.ref for entitled in plan.entitlements}:
            raise invalid(f"plan {plan.ref} has no entitlement {one['id']}")
        if one["type"] == "FEATURE" and one["id"] in self.catalogue.booleans:
            raise invalid(f"feature {one['id']} is boolean and cannot be overridden")
        if one["type"] == "FEATURE" and one.get("hasUnlimitedUsage") and "usageLimit" in one:
            raise invalid(f"feature {one['id']} cannot be unlimited and limited")
        if one["type"] == "CREDIT" and one["amount"] <= 0:
            raise invalid(f"credit {one['id']} must be above 0")

    def _take_back(self, ref: str, replaced: list[Held]) -> None:
        del self.held[ref]
        for old in replaced:
            old.cancelled_at = old.cancel_reason = None


def _generosity(shown: dict[str, Any] | None) -> tuple[int, Any]:
    if shown is None:
        return (-1, 0)
    return (1, 0) if shown.get("hasUnlimitedUsage") else (0, shown["usageLimit"] or 0)


def _price(override: dict[str, Any]) -> dict[str, Any]:
    kept = ("addonId", "baseCharge", "blockSize", "featureId", "tiers", "currency", "amount", "billingCountryCode")
    return {name: override[name] for name in kept if name in override}
