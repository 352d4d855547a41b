"""Stigg's catalogue as ours: plans as templates, with what each feature and credit is.

Kept for some seconds, so that one order asks once. It only reads: plans are made and published by people in Stigg,
because publishing there can move every customer.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, TypeVar, cast

from connector.adapters.stigg_calls import StiggCalls, require
from connector.adapters.stigg_errors import StiggUnknown
from connector.adapters.stigg_words import CADENCES, RESETS
from connector.domain.entitlements import CustomPlan, FeatureKind, PlanEntitlement
from connector.domain.terms import ProvisionKind

# Which variable entitlements an order may leave out; Stigg has no word for it, so the plan's metadata says it.
OPTIONAL = "countersign_optional"
_FRESH = timedelta(seconds=15)

Kept = TypeVar("Kept")


@dataclass(frozen=True, slots=True)
class StiggPlan:
    """A plan, and what only Stigg's own rules ask for. `has_clear_refs` False: its list names no features."""

    plan: CustomPlan
    pricing_type: str
    has_clear_refs: bool = True


class StiggCatalogue:
    """Plans, features and products of one environment. May be used from many threads."""

    def __init__(self, calls: StiggCalls) -> None:
        self._calls = calls
        self._lock = threading.Lock()
        self._kept: dict[str, tuple[datetime, Any]] = {}

    def plan(self, ref: str) -> StiggPlan | None:
        """The plan of that id, None when Stigg says that there is none."""
        return self._remembered(f"plan {ref}", lambda: self._fetch_plan(ref))

    def plans(self) -> list[dict[str, Any]]:
        """Every published plan, as Stigg shows it."""
        rows = self._calls.pages(
            "list plans", lambda client, page: client.v1.plans.with_raw_response.list(status=["PUBLISHED"], **page)
        )
        return [row for row in rows if row.get("status") == "PUBLISHED"]

    def feature_kinds(self) -> dict[str, FeatureKind]:
        """What kind each feature is, by its id."""
        return self._remembered("features", self._fetch_feature_kinds)

    def allows_several(self, product_ref: str) -> bool:
        """Whether a customer may run several subscriptions of that product, told apart by resource."""
        products = self._remembered("products", self._fetch_products)
        return products.get(product_ref, False)

    def _remembered(self, name: str, fetch: Callable[[], Kept]) -> Kept:
        now = self._calls.clock.now()
        with self._lock:
            kept = self._kept.get(name)
        if kept and timedelta() <= now - kept[0] < _FRESH:
            return cast(Kept, kept[1])
        found = fetch()
        with self._lock:
            self._kept[name] = (now, found)
        return found

    def _fetch_plan(self, ref: str) -> StiggPlan | None:
        what = f"read plan {ref}"
        try:
            row = self._calls.read(what, lambda client: client.v1.plans.with_raw_response.retrieve(ref))
            listed = self._calls.read(what, lambda client: client.v1.plans.entitlements.with_raw_response.list(ref))
        except StiggUnknown:
            return None
        rows = require(listed, "data", what)
        named = {one["id"] for one in row.get("entitlements") or ()}
        has_clear_refs = {one["id"] for one in rows} <= named or not named
        # When the list has ids of its own, which value belongs to which feature cannot be told.
        given = rows if has_clear_refs else [{**one, "isCustom": True} for one in row["entitlements"]]
        optional = (row.get("metadata") or {}).get(OPTIONAL, "").replace(",", " ").split()
        optional += [] if has_clear_refs else sorted(named)
        kinds = self.feature_kinds() if any(one.get("type") == "FEATURE" for one in given) else {}
        plan = CustomPlan(
            ref=require(row, "id", what),
            product_ref=require(row, "productId", what),
            entitlements=tuple(_entitlement(one, kinds, optional) for one in given),
            is_published=row.get("status") == "PUBLISHED",
            name=row.get("displayName") or "",
            version=int(row.get("versionNumber") or 1),
            add_on_refs=_refs(row.get("compatibleAddonIds")),
        )
        return StiggPlan(plan, row.get("pricingType") or "", has_clear_refs)

    def _fetch_feature_kinds(self) -> dict[str, FeatureKind]:
        rows = self._calls.pages(
            "list features", lambda client, page: client.v1.features.with_raw_response.list_features(**page)
        )
        return {row["id"]: _feature_kind(row) for row in rows}

    def _fetch_products(self) -> dict[str, bool]:
        rows = self._calls.pages(
            "list products", lambda client, page: client.v1.products.with_raw_response.list_products(**page)
        )
        return {row["id"]: bool(row.get("multipleSubscriptions")) for row in rows}


def _refs(given: Any) -> tuple[str, ...] | None:
    return None if given is None else tuple(given)


def _feature_kind(row: dict[str, Any]) -> FeatureKind:
    # A feature with a list of values is, like a switch, given by the plan alone.
    if row.get("featureType") in ("BOOLEAN", "ENUM"):
        return FeatureKind.BOOLEAN
    return FeatureKind.LIMIT if row.get("meterType") in (None, "None") else FeatureKind.METERED


def _entitlement(row: dict[str, Any], kinds: dict[str, FeatureKind], optional: list[str]) -> PlanEntitlement:
    ref, is_credit = row["id"], row.get("type") == "CREDIT"
    kind = FeatureKind.LIMIT if is_credit else kinds.get(ref, FeatureKind.LIMIT)
    amount = row.get("amount") if is_credit else row.get("usageLimit")
    if kind is FeatureKind.BOOLEAN:
        amount = 1
    is_unlimited = bool(row.get("hasUnlimitedUsage"))
    # A value that is set is the same for all; without one, every order must bring it.
    is_variable = bool(row.get("isCustom")) or (amount is None and not is_unlimited)
    resets = row.get("resetPeriodConfiguration") or {}
    return PlanEntitlement(
        ref=ref,
        kind=ProvisionKind.CREDIT if is_credit else ProvisionKind.ENTITLEMENT,
        is_variable=is_variable,
        value=None if amount is None or is_unlimited else Decimal(amount),
        is_unlimited=is_unlimited,
        cadence=CADENCES.get(row.get("cadence") or ""),
        is_optional=is_variable and ref in optional,
        name=row.get("displayNameOverride") or "",
        feature_kind=kind,
        has_soft_limit=bool(row.get("hasSoftLimit")),
        reset_period=RESETS.get(row.get("resetPeriod") or ""),
        resets_with_calendar=resets.get("accordingTo") not in (None, "SubscriptionStart"),
    )
