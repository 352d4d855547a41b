"""The embedded entitlement platform: custom plans from the configuration, its rows in tables of its own.

Obeys the same rules as a real one: plans are templates, a variable entitlement must be brought by the subscription, a
fixed one may not be dropped, creates are keyed. It must not know orders or contracts beyond the refs it is given.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Protocol

from connector.domain.entitlements import AccessGranted, AccessWanted, CustomPlan, Grant, PlanEntitlement
from connector.domain.terms import Customer, ProvisionKind
from connector.errors import Refused
from connector.ports import Clock, SubscriptionRequest


class PlatformRefused(Refused):
    """The entitlement platform refused the request."""

    code = "PLATFORM_REFUSED"
    owner = "RevOps"
    fix = "Compare the plan with what was sold, correct one of them, then press Resync."


class PlatformRows(Protocol):
    """What the platform keeps; see `store/platform.py`."""

    def upsert_customer(self, *, key: str, ref: str, name: str, email: str) -> str:
        """Keep a customer."""

    def grant(self, *, rows: Sequence[tuple[str, SubscriptionRequest]], now: datetime) -> tuple[str, ...]:
        """Keep the subscriptions under the refs given, all or none."""

    def load(self, *, ref: str, today: date) -> AccessGranted | None:
        """Read a subscription."""

    def revoke(self, *, ref: str, ends_on: date, now: datetime) -> bool:
        """End a subscription; False when there is none."""


class PlanRows(Protocol):
    """The catalogue in versions; see `store/platform_plans.py`."""

    def load(self, *, ref: str, version: int | None = None) -> CustomPlan | None:
        """The published version asked for, else the newest published one, else a draft."""

    def publish_configured(self, *, plans: Iterable[CustomPlan], now: datetime) -> dict[str, int]:
        """The version of each plan of the configuration."""


class EmbeddedPlatform:
    """An EntitlementPlatform with nothing to install and no account.

    Plans of the configuration are versions like any other: a changed one is the next version from its first use on.
    """

    def __init__(self, *, plans: Iterable[CustomPlan], rows: PlatformRows, catalogue: PlanRows, clock: Clock) -> None:
        self._plans = {plan.ref: plan for plan in plans}
        self._rows = rows
        self._catalogue = catalogue
        self._clock = clock
        self._versions: dict[str, int] = {}

    @property
    def name(self) -> str:
        """What the platform is called in rows and on pages."""
        return "embedded"

    @property
    def configured_plans(self) -> frozenset[str]:
        """The refs of the plans that the configuration keeps; the API may not change them."""
        return frozenset(self._plans)

    def upsert_customer(self, *, key: str, customer: Customer) -> str:
        """Make or update the customer; answers the platform's ref.

        The ref is the key, not the account: two orgs, one a copy of the other, have accounts of the same id.
        """
        return self._rows.upsert_customer(key=key, ref=key, name=customer.name, email=customer.email)

    def fetch_plan(self, *, plan_ref: str, version: int | None = None) -> CustomPlan | None:
        """The custom plan, or None when the catalogue has none of that ref; `version` asks for an older one.

        A plan of the configuration has the version 0 until something is granted on it: reading writes nothing.
        """
        if version is None and plan_ref in self._plans:
            return self._plans[plan_ref]
        return self._catalogue.load(ref=plan_ref, version=version)

    def grant(self, *, requests: Sequence[SubscriptionRequest]) -> tuple[str, ...]:
        """Make or change the subscriptions, all or none.

        Raises PlatformRefused when a plan cannot be granted like this.
        """
        for request in requests:
            self._refuse_wrong_grants(request.wanted)
        versioned = [replace(request, wanted=self._with_version(request.wanted)) for request in requests]
        rows = [(f"subscription-{request.key}", request) for request in versioned]
        return self._rows.grant(rows=rows, now=self._clock.now())

    def fetch_subscription(self, *, subscription_ref: str) -> AccessGranted | None:
        """What is granted now."""
        return self._rows.load(ref=subscription_ref, today=self._clock.now().date())

    def revoke_subscription(self, *, key: str, subscription_ref: str, ends_on: date) -> None:
        """End the subscription on that (exclusive) day; the key is not needed, ending twice is ending once.

        Raises PlatformRefused when there is no such subscription: ending nothing must not look like success.
        """
        del key
        if not self._rows.revoke(ref=subscription_ref, ends_on=ends_on, now=self._clock.now()):
            raise PlatformRefused(f"There is no subscription {subscription_ref}.", code="UNKNOWN_SUBSCRIPTION")

    def _with_version(self, wanted: AccessWanted) -> AccessWanted:
        """The same with the version of its plan; a plan of the configuration becomes one when it is first used."""
        ref = wanted.plan_ref
        if wanted.plan_version or ref not in self._plans:
            return wanted
        if ref not in self._versions:
            self._versions |= self._catalogue.publish_configured(plans=[self._plans[ref]], now=self._clock.now())
        return replace(wanted, plan_version=self._versions[ref])

    def _refuse_wrong_grants(self, wanted: AccessWanted) -> None:
        plan = self.fetch_plan(plan_ref=wanted.plan_ref, version=wanted.plan_version or None)
        if plan is None or not plan.is_published:
            raise PlatformRefused(
                f"The plan {wanted.plan_ref} does not exist or is not published.", code="UNKNOWN_PLAN"
            )
        if wanted.product_ref != plan.product_ref:
            raise PlatformRefused(f"The plan {plan.ref} belongs to {plan.product_ref}, not to {wanted.product_ref}.")
        if wanted.ends_on <= wanted.starts_on:
            raise PlatformRefused(f"The subscription would end on {wanted.ends_on}, before it starts.")
        brought = {grant.ref: grant for grant in wanted.grants}
        if len(brought) < len(wanted.grants):
            raise PlatformRefused(f"An entitlement of the plan {plan.ref} is given twice.")
        _refuse_add_ons(plan, wanted)
        for entitlement in plan.entitlements:
            _refuse_wrong_grant(plan, entitlement, brought.pop(entitlement.ref, None))
        if brought:
            raise PlatformRefused(f"The plan {plan.ref} does not contain {', '.join(sorted(brought))}.")


def _refuse_wrong_grant(plan: CustomPlan, entitlement: PlanEntitlement, grant: Grant | None) -> None:
    ref = entitlement.ref
    if grant is None:
        if not entitlement.is_optional:
            raise PlatformRefused(f"The plan {plan.ref} needs a value for {ref}.")
        return
    if grant.kind is not entitlement.kind:
        raise PlatformRefused(f"{ref} is of the kind {entitlement.kind} in the plan {plan.ref}, not {grant.kind}.")
    if grant.value is None and not grant.is_unlimited:
        raise PlatformRefused(f"The value of {ref} is empty.")
    if grant.value is not None and (grant.value < 0 or not grant.value.is_finite()):
        raise PlatformRefused(f"The value of {ref} is {grant.value}; it must be 0 or more.")
    if grant.value is not None and grant.value != grant.value.to_integral_value():
        raise PlatformRefused(f"The value of {ref} is {grant.value}; it must be a whole number.")
    if entitlement.kind is ProvisionKind.CREDIT:
        _refuse_wrong_credit(entitlement, grant)


def _refuse_wrong_credit(entitlement: PlanEntitlement, grant: Grant) -> None:
    if grant.is_unlimited or not grant.value:
        raise PlatformRefused(f"The amount of {entitlement.ref} must be above 0.", code="CREDIT_AMOUNT")
    if grant.cadence is None or entitlement.cadence not in (None, grant.cadence):
        offered = entitlement.cadence.value if entitlement.cadence else "month or year"
        raise PlatformRefused(f"{entitlement.ref} is granted each {offered}.", code="CADENCE_NOT_OFFERED")


def _refuse_add_ons(plan: CustomPlan, wanted: AccessWanted) -> None:
    fitting = plan.add_on_refs
    strange = [ref for ref, _count in wanted.add_ons if fitting is not None and ref not in fitting]
    if strange:
        raise PlatformRefused(f"The plan {plan.ref} takes no add-on {', '.join(strange)}.")
