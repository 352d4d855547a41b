"""What Stigg grants, read back: one subscription with the values that are in force, and a customer's rights together.

Values come from the customer's effective entitlements; what Stigg repeats nowhere, or not before the start, comes from
our notes beside the subscription. An empty answer where something must be is unknown, never nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

from connector.adapters.stigg_calls import StiggCalls, require
from connector.adapters.stigg_catalogue import StiggCatalogue
from connector.adapters.stigg_errors import StiggUnknown
from connector.adapters.stigg_words import NOTE, RESETS, day_of, instant, noted_grant
from connector.domain.entitlements import AccessGranted, EntitlementState, FeatureKind, Grant, PlanEntitlement
from connector.domain.terms import ProvisionKind
from connector.errors import Unavailable

RUNNING = ("ACTIVE", "IN_TRIAL")
# Seconds between looks at values that are not yet what was accepted.
_FOLLOWS_WITHIN = (0.5, 2.0)
OPEN = (*RUNNING, "NOT_STARTED", "PAYMENT_PENDING")


class StiggReader:
    """Questions about subscriptions and rights. May be used from many threads."""

    def __init__(self, calls: StiggCalls, catalogue: StiggCatalogue) -> None:
        self._calls = calls
        self._catalogue = catalogue

    def subscription(self, ref: str) -> dict[str, Any] | None:
        """The subscription as Stigg shows it, None when it says that there is none."""
        what = f"read subscription {ref}"
        try:
            row = self._calls.read(what, lambda client: client.v1.subscriptions.with_raw_response.retrieve(ref))
        except StiggUnknown:
            return None
        for name in ("id", "customerId", "planId", "status", "startDate"):
            require(row, name, what)
        return dict(row)

    def open_subscriptions(self, customer_ref: str) -> list[dict[str, Any]]:
        """What the customer runs or will run. An empty list proves nothing."""
        statuses: dict[str, Any] = {"status": list(OPEN)}
        rows = self._calls.pages(
            f"list the subscriptions of {customer_ref}",
            lambda client, page: client.v1.subscriptions.with_raw_response.list(
                customer_id=customer_ref, **statuses, **page
            ),
        )
        return [row for row in rows if row.get("customerId") == customer_ref and row.get("status") in OPEN]

    def held(self, customer_ref: str, *, known: Iterable[str]) -> list[dict[str, Any]]:
        """The same, with those that we know of and the list lacks: a list that lacks something proves nothing."""
        found = self.open_subscriptions(customer_ref)
        listed = {row["id"] for row in found}
        asked = [self.subscription(ref) for ref in sorted(set(known) - listed)]
        return found + [row for row in asked if row is not None and row["status"] in OPEN]

    def effective(self, customer_ref: str, resource: str | None) -> list[dict[str, Any]]:
        """The customer's effective entitlements, those of one resource or those of none."""
        query: dict[str, Any] = {"resource_id": resource} if resource else {}
        what = f"read the entitlements of {customer_ref}"
        body = self._calls.read(
            what,
            lambda client: client.v1.customers.with_raw_response.retrieve_entitlements(customer_ref, **query),
        )
        return list(require(body, "entitlements", what))

    def granted(self, row: Mapping[str, Any]) -> AccessGranted:
        """One subscription with its values. Raises Unavailable when Stigg shows a running one without any right."""
        plan = self._catalogue.plan(row["planId"])
        given = {one.ref: one for one in plan.plan.entitlements} if plan else {}
        noted = _noted(row)
        if row["status"] in RUNNING:
            grants = self._in_force(row, given, noted)
        else:
            # Nothing is in force before the start; what the last accepted call said is what will be.
            grants = {one.ref: _fixed(one) for one in given.values() if not one.is_variable} | noted
        starts_on = day_of(row["startDate"])
        assert starts_on is not None
        return AccessGranted(
            subscription_ref=row["id"],
            plan_ref=row["planId"],
            starts_on=starts_on,
            ends_on=day_of(row.get("effectiveEndDate") or row.get("cancellationDate") or row.get("endDate")),
            grants=tuple(grants[ref] for ref in _in_order(given, grants)),
            add_ons=tuple((one["id"], Decimal(one["quantity"])) for one in row.get("addons") or ()),
            is_live=row["status"] in OPEN,
        )

    def _in_force(
        self, row: Mapping[str, Any], given: Mapping[str, PlanEntitlement], noted: Mapping[str, Grant]
    ) -> dict[str, Grant]:
        """The values in force; looked at again for some seconds while they are not what was accepted last.

        What is effective is made from many parts and may follow a change late; a person should not be asked for that.
        """
        for pause in _FOLLOWS_WITHIN:
            found = self._shown(row, given, noted)
            if all(found.get(ref) == grant for ref, grant in noted.items()):
                return found
            self._calls.pause(pause)
        return self._shown(row, given, noted)

    def _shown(
        self, row: Mapping[str, Any], given: Mapping[str, PlanEntitlement], noted: Mapping[str, Grant]
    ) -> dict[str, Grant]:
        negotiated = {one["id"] for one in row.get("subscriptionEntitlements") or ()}
        wanted = set(given) | negotiated
        rights = self.effective(row["customerId"], row.get("resourceId"))
        if wanted and not rights:
            said = f"Stigg shows no entitlement at all for {row['customerId']}, who runs {row['id']}."
            raise Unavailable(said, code="STIGG_EMPTY")
        found: dict[str, Grant] = {}
        for right in rights:
            ref = right_ref(right)
            if ref in wanted and right.get("isGranted"):
                # What is negotiated may be looked up in the note; what the plan gives is the plan's.
                known = noted.get(ref) or (_fixed(given[ref]) if ref in given else None)
                found[ref] = _grant(right, known, given.get(ref))
        return found

    def states(self, customer_ref: str) -> tuple[EntitlementState, ...]:
        """What the customer may use now; of several resources the most generous value wins."""
        resources = {row.get("resourceId") for row in self.open_subscriptions(customer_ref)} | {None}
        found: dict[str, EntitlementState] = {}
        for resource in sorted(resources, key=lambda one: one or ""):
            for right in self.effective(customer_ref, resource):
                state = _state(right)
                if state.ref not in found or _generosity(state) > _generosity(found[state.ref]):
                    found[state.ref] = state
        return tuple(found[ref] for ref in sorted(found))


def right_ref(right: Mapping[str, Any]) -> str:
    """The id of the feature or credit that an effective entitlement is about."""
    if right.get("type") == "CREDIT":
        return str(require(right.get("currency"), "currencyId", "read an entitlement"))
    return str(require(right.get("feature"), "id", "read an entitlement"))


def _noted(row: Mapping[str, Any]) -> dict[str, Grant]:
    """The negotiated grants by our notes, as far as Stigg says that they are negotiated."""
    kinds = {one["id"]: one["type"] for one in row.get("subscriptionEntitlements") or ()}
    found: dict[str, Grant] = {}
    for name, text in (row.get("metadata") or {}).items():
        ref = name.removeprefix(NOTE)
        if name.startswith(NOTE) and ref in kinds and (grant := noted_grant(ref, kinds[ref], text)):
            found[ref] = grant
    return found


def _fixed(entitlement: PlanEntitlement) -> Grant:
    return Grant(
        entitlement.ref,
        entitlement.kind,
        entitlement.value,
        entitlement.is_unlimited,
        entitlement.cadence,
        entitlement.has_soft_limit,
        entitlement.reset_period,
    )


def _grant(right: Mapping[str, Any], known: Grant | None, entitlement: PlanEntitlement | None) -> Grant:
    """The value that is in force; cadence and soft limit as we know them, for Stigg does not repeat them."""
    ref = right_ref(right)
    is_credit = right.get("type") == "CREDIT"
    kind = ProvisionKind.CREDIT if is_credit else ProvisionKind.ENTITLEMENT
    basis = known or Grant(ref, kind, None)
    if entitlement is not None and entitlement.feature_kind is FeatureKind.BOOLEAN:
        return replace(basis, value=Decimal(1), is_unlimited=False)
    is_unlimited = bool(right.get("hasUnlimitedUsage"))
    limit = right.get("usageLimit")
    value = None if is_unlimited or limit is None else Decimal(limit)
    reset = basis.reset_period if is_credit else RESETS.get(right.get("resetPeriod") or "")
    return replace(basis, kind=kind, value=value, is_unlimited=is_unlimited, reset_period=reset)


def _in_order(given: Iterable[str], grants: Mapping[str, Grant]) -> list[str]:
    """The plan's order first, then what the plan does not have."""
    return [ref for ref in given if ref in grants] + sorted(set(grants) - set(given))


def _state(right: Mapping[str, Any]) -> EntitlementState:
    is_credit = right.get("type") == "CREDIT"
    limit, used = right.get("usageLimit"), right.get("currentUsage")
    is_unlimited = bool(right.get("hasUnlimitedUsage"))
    return EntitlementState(
        ref=right_ref(right),
        kind=ProvisionKind.CREDIT if is_credit else ProvisionKind.ENTITLEMENT,
        is_granted=bool(right.get("isGranted")),
        limit=None if limit is None or is_unlimited else Decimal(limit),
        is_unlimited=is_unlimited,
        used=None if used is None else Decimal(used),
        reset_period=RESETS.get(right.get("resetPeriod") or ""),
        period_ends_at=instant(right.get("usagePeriodEnd")),
        reason="" if right.get("isGranted") else f"Stigg says: {right.get('accessDeniedReason') or 'no reason'}.",
    )


def _generosity(state: EntitlementState) -> tuple[bool, bool, Decimal]:
    return state.is_granted, state.is_unlimited, state.limit or Decimal(0)
