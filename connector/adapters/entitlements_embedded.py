"""The embedded entitlement platform: custom plans from the configuration, its rows in tables of its own.

Obeys the same rules as a real one: plans are templates, a variable entitlement must be brought by the subscription, a
fixed one may not be dropped, creates are keyed. It must not know orders or contracts beyond the refs it is given.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Protocol

from connector.domain.entitlements import AccessGranted, AccessWanted, CustomPlan
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

    def grant(self, *, key: str, ref: str, customer_ref: str, contract_ref: str, wanted: AccessWanted) -> str:
        """Keep a subscription."""

    def load(self, *, ref: str) -> AccessGranted | None:
        """Read a subscription."""

    def revoke(self, *, ref: str, ends_on: date) -> None:
        """End a subscription."""


class EmbeddedPlatform:
    """An EntitlementPlatform with nothing to install and no account."""

    def __init__(self, *, plans: Iterable[CustomPlan], rows: PlatformRows) -> None:
        self._plans = {plan.ref: plan for plan in plans}
        self._rows = rows

    def upsert_customer(self, *, key: str, customer: Customer) -> str:
        """Make or update the customer; answers the platform's ref."""
        return self._rows.upsert_customer(
            key=key, ref=f"customer-{customer.ref}", name=customer.name, email=customer.email
        )

    def fetch_plan(self, *, plan_ref: str) -> CustomPlan | None:
        """The custom plan, or None when the catalogue has none of that ref."""
        return self._plans.get(plan_ref)

    def grant_subscription(self, *, request: SubscriptionRequest) -> str:
        """Make or change the subscription. Raises PlatformRefused when the plan cannot be granted like this."""
        self._refuse_wrong_grants(request.wanted)
        return self._rows.grant(
            key=request.key,
            ref=f"subscription-{request.key}",
            customer_ref=request.customer_ref,
            contract_ref=request.contract_ref,
            wanted=request.wanted,
        )

    def fetch_subscription(self, *, subscription_ref: str) -> AccessGranted | None:
        """What is granted now."""
        return self._rows.load(ref=subscription_ref)

    def revoke_subscription(self, *, key: str, subscription_ref: str, ends_on: date) -> None:
        """End the subscription on that (exclusive) day; the key is not needed, ending twice is ending once."""
        del key
        self._rows.revoke(ref=subscription_ref, ends_on=ends_on)

    def _refuse_wrong_grants(self, wanted: AccessWanted) -> None:
        plan = self._plans.get(wanted.plan_ref)
        if plan is None or not plan.is_published:
            raise PlatformRefused(
                f"The plan {wanted.plan_ref} does not exist or is not published.", code="UNKNOWN_PLAN"
            )
        brought = {grant.ref: grant for grant in wanted.grants}
        for entitlement in plan.entitlements:
            grant = brought.pop(entitlement.ref, None)
            if grant is None and not entitlement.is_optional:
                raise PlatformRefused(f"The plan {plan.ref} needs a value for {entitlement.ref}.")
            if grant is not None and grant.value is None and not grant.is_unlimited:
                raise PlatformRefused(f"The value of {entitlement.ref} is empty.")
        if brought:
            raise PlatformRefused(f"The plan {plan.ref} does not contain {', '.join(sorted(brought))}.")
