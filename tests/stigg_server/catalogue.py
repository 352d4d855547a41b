"""What the stand-in sells, in Stigg's own shapes: products, plans with entitlements, features and credit types."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tests.stigg_server.refusals import missing

_MADE = "2026-01-01T00:00:00.000Z"


@dataclass(frozen=True)
class Entitled:
    """One entitlement of a plan; `amount` None with `is_custom` is what Stigg calls a variable value."""

    ref: str
    type: str = "FEATURE"
    amount: int | None = None
    is_custom: bool = False
    is_unlimited: bool = False
    has_soft_limit: bool | None = None
    reset_period: str | None = None
    cadence: str | None = None

    def row(self, entitlement_id: str) -> dict[str, Any]:
        """As `GET /plans/{id}/entitlements` answers it."""
        shown: dict[str, Any] = {
            "id": entitlement_id, "type": self.type, "behavior": "Increment", "createdAt": _MADE, "updatedAt": _MADE,
            "description": None, "displayNameOverride": None, "hasSoftLimit": self.has_soft_limit,
            "hiddenFromWidgets": [], "isCustom": self.is_custom, "isGranted": True, "order": None,
        }  # fmt: skip
        if self.type == "CREDIT":
            return shown | {"amount": self.amount, "cadence": self.cadence, "dependencyFeatureId": None}
        return shown | {
            "enumValues": None, "hasUnlimitedUsage": self.is_unlimited, "resetPeriod": self.reset_period,
            "resetPeriodConfiguration": None, "usageLimit": self.amount,
        }  # fmt: skip


@dataclass(frozen=True)
class SoldPlan:
    """A plan or an add-on of a product."""

    ref: str
    product: str
    entitlements: tuple[Entitled, ...] = ()
    pricing_type: str = "CUSTOM"
    status: str = "PUBLISHED"
    metadata: dict[str, str] = field(default_factory=dict)
    add_ons: tuple[str, ...] = ()
    has_trial: bool = False
    name: str = ""


class Catalogue:
    """The catalogue of one environment; features and credit types are those of its plans unless more are named.

    `has_own_ids` gives the entitlements of a plan ids of their own, which Stigg does not rule out.
    """

    def __init__(self, plans: tuple[SoldPlan, ...] = (), *, add_ons: tuple[SoldPlan, ...] = ()) -> None:
        self.plans = {plan.ref: plan for plan in plans}
        self.add_ons = {plan.ref: plan for plan in add_ons}
        self.multiple: set[str] = set()
        self.booleans: set[str] = set()
        self.has_own_ids = False
        self.more: dict[str, str] = {}

    def known(self, kind: str) -> list[str]:
        """The refs of all features (FEATURE) or credit types (CREDIT)."""
        packages = [*self.plans.values(), *self.add_ons.values()]
        found = {one.ref for plan in packages for one in plan.entitlements if one.type == kind}
        return sorted(found | {ref for ref, given in self.more.items() if given == kind})

    def plan(self, ref: str) -> SoldPlan:
        """A plan of that id. Raises a refusal."""
        if ref not in self.plans:
            raise missing("Plan", ref)
        return self.plans[ref]

    def show_plan(self, ref: str) -> dict[str, Any]:
        """As `GET /plans/{id}` answers it."""
        return self._package(self.plan(ref)) | {
            "parentPlanId": None, "compatibleAddonIds": list(self.plan(ref).add_ons) or None,
            "defaultTrialConfig": {"duration": 14, "units": "DAY"} if self.plan(ref).has_trial else None,
        }  # fmt: skip

    def show_plans(self) -> list[dict[str, Any]]:
        """As `GET /plans` answers them."""
        return [self.show_plan(ref) for ref in self.plans]

    def show_add_ons(self) -> list[dict[str, Any]]:
        """As `GET /addons` answers them."""
        return [self._package(one) | {"dependencies": None, "maxQuantity": None} for one in self.add_ons.values()]

    def show_entitlements(self, ref: str) -> list[dict[str, Any]]:
        """As `GET /plans/{id}/entitlements` answers them."""
        rows = self.plan(ref).entitlements
        return [one.row(f"ent-{at}" if self.has_own_ids else one.ref) for at, one in enumerate(rows)]

    def show_products(self) -> list[dict[str, Any]]:
        """As `GET /products` answers them."""
        return [
            {
                "id": ref, "displayName": ref, "createdAt": _MADE, "updatedAt": _MADE, "metadata": {},
                "multipleSubscriptions": ref in self.multiple, "status": "PUBLISHED", "description": None,
            }
            for ref in sorted({plan.product for plan in self.plans.values()})
        ]  # fmt: skip

    def show_features(self) -> list[dict[str, Any]]:
        """As `GET /features` answers them."""
        return [
            {
                "id": ref, "displayName": ref, "description": None, "createdAt": _MADE, "updatedAt": _MADE,
                "featureStatus": "ACTIVE", "featureType": self.feature_type(ref), "metadata": {}, "meterType": "None",
                "featureUnits": None, "featureUnitsPlural": None,
            }
            for ref in self.known("FEATURE")
        ]  # fmt: skip

    def show_currencies(self) -> list[dict[str, Any]]:
        """As `GET /credits/custom-currencies` answers them."""
        return [
            {"id": ref, "displayName": ref, "createdAt": _MADE, "updatedAt": _MADE, "metadata": {}}
            for ref in self.known("CREDIT")
        ]

    def feature_type(self, ref: str) -> str:
        """BOOLEAN or NUMBER."""
        return "BOOLEAN" if ref in self.booleans else "NUMBER"

    def _package(self, plan: SoldPlan) -> dict[str, Any]:
        return {
            "id": plan.ref, "displayName": plan.name, "productId": plan.product, "pricingType": plan.pricing_type,
            "status": plan.status, "versionNumber": 1, "isLatest": True, "metadata": plan.metadata, "billingId": None,
            "description": None, "createdAt": _MADE, "updatedAt": _MADE,
            "entitlements": [{"id": one.ref, "type": one.type} for one in plan.entitlements],
        }  # fmt: skip
