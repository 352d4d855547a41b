"""The catalogue of the embedded platform by API: make a draft, publish it, see the versions.

A plan that the configuration keeps is changed there and nowhere else. Another platform has its own catalogue, and this
one is closed then.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from connector.domain.entitlements import CustomPlan, FeatureKind, PlanEntitlement
from connector.domain.terms import ProvisionKind
from connector.errors import Fault, NotFound, Refused
from connector.ports import Clock
from connector.store.platform_plans import PUBLISHED, PlanRefused, PlanStore, PlanVersion
from connector.store.unit_of_work import Database


class WrongPlan(PlanRefused):
    """The plan has faults."""

    def __init__(self, faults: tuple[Fault, ...]) -> None:
        super().__init__(f"The plan has {len(faults)} faults. {faults[0].message}")
        self.faults = faults


class NoCatalogue(Refused):
    """The catalogue is kept by another platform."""

    code = "NO_CATALOGUE"
    owner = "RevOps"
    fix = "Change plans on the entitlement platform that the settings name."
    http_status = 409


@dataclass(frozen=True, slots=True)
class Catalogue:
    """What changing plans needs; `configured` holds the plans of the configuration by ref."""

    database: Database
    clock: Clock
    configured: Mapping[str, CustomPlan]
    is_ours: bool = True

    def plans(self) -> tuple[PlanVersion, ...]:
        """The newest version of every plan, those of the configuration as they are there; by ref."""
        self._refuse_strangers()
        store = PlanStore(self.database)
        found = {ref: store.versions(ref=ref)[-1] for ref in store.refs() if ref not in self.configured}
        now = self.clock.now()
        for ref, plan in self.configured.items():
            kept = store.versions(ref=ref)
            found[ref] = kept[-1] if kept else PlanVersion(plan, PUBLISHED, now, now, "configuration")
        return tuple(found[ref] for ref in sorted(found))

    def versions(self, *, ref: str) -> tuple[PlanVersion, ...]:
        """All versions of a plan, oldest first. Raises NotFound."""
        self._refuse_strangers()
        found = PlanStore(self.database).versions(ref=ref)
        if not found and ref in self.configured:
            return tuple(one for one in self.plans() if one.plan.ref == ref)
        if not found:
            raise NotFound(f"There is no plan {ref}.")
        return found

    def save_draft(self, *, plan: CustomPlan, actor: str) -> PlanVersion:
        """Make the plan's next version as a draft, or change its draft. Raises PlanRefused with every fault."""
        self._refuse_configured(plan.ref)
        faults = tuple(plan_faults(plan))
        if faults:
            raise WrongPlan(faults)
        return PlanStore(self.database).save_draft(plan=plan, actor=actor, now=self.clock.now())

    def publish(self, *, ref: str, actor: str) -> PlanVersion:
        """Publish the draft: new orders use it; running subscriptions stay on theirs."""
        self._refuse_configured(ref)
        return PlanStore(self.database).publish(ref=ref, actor=actor, now=self.clock.now())

    def _refuse_strangers(self) -> None:
        if not self.is_ours:
            raise NoCatalogue("The entitlement platform has a catalogue of its own.")

    def _refuse_configured(self, ref: str) -> None:
        self._refuse_strangers()
        if ref in self.configured:
            raise PlanRefused(
                f"The plan {ref} is kept in the configuration.", fix="Change [[entitlements.plans]] there."
            )


def plan_faults(plan: CustomPlan) -> list[Fault]:
    """Everything that a plan cannot be: an entitlement twice, a value that no subscription could have."""
    faults = []
    seen: set[str] = set()
    named = {one.ref: one for one in plan.entitlements}
    for place, one in enumerate(plan.entitlements):
        if one.ref in seen:
            faults.append(_fault(place, "ref", one.ref, "This entitlement is there twice."))
        seen.add(one.ref)
        faults += _value_faults(place, one)
        drawn = named.get(one.draws_ref)
        if one.draws_ref and (drawn is None or drawn.kind is not ProvisionKind.CREDIT):
            faults.append(_fault(place, "draws", one.draws_ref, "The plan has no such credit to draw on."))
    return faults


def _value_faults(place: int, one: PlanEntitlement) -> list[Fault]:
    faults = []
    is_credit = one.kind is ProvisionKind.CREDIT
    if not one.is_variable and one.value is None and not one.is_unlimited:
        faults.append(_fault(place, "value", "", "Give a value, or variable true when every order brings its own."))
    if one.value is not None and (one.value != one.value.to_integral_value() or one.value < 0):
        faults.append(_fault(place, "value", str(one.value), "The value must be a whole number, 0 or more."))
    if is_credit and (one.is_unlimited or (one.value is not None and one.value <= 0)):
        faults.append(_fault(place, "value", str(one.value), "A credit needs an amount above 0."))
    if is_credit and not one.is_variable and one.cadence is None:
        faults.append(_fault(place, "cadence", "", "A credit needs the cadence month or year."))
    if one.feature_kind is FeatureKind.BOOLEAN and one.value not in (None, 1):
        faults.append(_fault(place, "value", str(one.value), "A boolean feature has the value 1."))
    return faults


def _fault(place: int, field: str, value: str, message: str) -> Fault:
    return Fault(
        "WRONG_PLAN", message, "Correct the plan.", "RevOps", field=f"entitlements.{place}.{field}", value=value
    )
