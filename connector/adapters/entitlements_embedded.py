"""The embedded entitlement platform: custom plans from the configuration, its rows in tables of its own.

Obeys the same rules as a real one: plans are templates, a variable entitlement must be brought by the subscription, a
fixed one may not be dropped, creates are keyed. It must not know orders or contracts beyond the refs it is given.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Protocol

from connector.domain.entitlements import AccessGranted, AccessWanted, CustomPlan, Grant, PlanEntitlement
from connector.domain.terms import Customer
from connector.errors import Refused
from connector.ports import SubscriptionRequest


class PlatformRefused(Refused):
    """The entitlement platform refused the request."""

    code = "PLATFORM_REFUSED"
    owner = "RevOps"
    fix = "Compare the plan with what was sold, correct one of them, then press Resync."


class PlatformRows(Protocol):
    """What the platform keeps; see `store/platform.py`."""

    def upsert_customer(self, *, key: str, ref: str, name: str, email: str) -> str:
        """Keep a customer."""

    def grant(self, *, rows: Sequence[tuple[str, SubscriptionRequest]]) -> tuple[str, ...]:
        """Keep the subscriptions under the refs given, all or none."""

    def load(self, *, ref: str) -> AccessGranted | None:
        """Read a subscription."""

    def revoke(self, *, ref: str, ends_on: date) -> bool:
        """End a subscription; False when there is none."""


class EmbeddedPlatform:
    """An EntitlementPlatform with nothing to install and no account."""

    def __init__(self, *, plans: Iterable[CustomPlan], rows: PlatformRows) -> None:
        self._plans = {plan.ref: plan for plan in plans}
        self._rows = rows

    @property
    def name(self) -> str:
        """What the platform is called in rows and on pages."""
        return "embedded"

    def upsert_customer(self, *, key: str, customer: Customer) -> str:
        """Make or update the customer; answers the platform's ref.

        The ref is the key, not the account: two orgs, one a copy of the other, have accounts of the same id.
        """
        return self._rows.upsert_customer(key=key, ref=key, name=customer.name, email=customer.email)

    def fetch_plan(self, *, plan_ref: str, version: int | None = None) -> CustomPlan | None:
        """The custom plan, or None when the catalogue has none of that ref."""
        del version
        return self._plans.get(plan_ref)

    def grant(self, *, requests: Sequence[SubscriptionRequest]) -> tuple[str, ...]:
        """Make or change the subscriptions, all or none.

        Raises PlatformRefused when a plan cannot be granted like this.
        """
        for request in requests:
            self._refuse_wrong_grants(request.wanted)
        return self._rows.grant(rows=[(f"subscription-{request.key}", request) for request in requests])

    def fetch_subscription(self, *, subscription_ref: str) -> AccessGranted | None:
        """What is granted now."""
        return self._rows.load(ref=subscription_ref)

    def revoke_subscription(self, *, key: str, subscription_ref: str, ends_on: date) -> None:
        """End the subscription on that (exclusive) day; the key is not needed, ending twice is ending once.

        Raises PlatformRefused when there is no such subscription: ending nothing must not look like success.
        """
        del key
        if not self._rows.revoke(ref=subscription_ref, ends_on=ends_on):
            raise PlatformRefused(f"There is no subscription {subscription_ref}.", code="UNKNOWN_SUBSCRIPTION")

    def _refuse_wrong_grants(self, wanted: AccessWanted) -> None:
        plan = self._plans.get(wanted.plan_ref)
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
