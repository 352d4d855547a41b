"""What the orders of one contract let the customer use together, whatever arrived first.

Exists because access belongs to the contract: each order changes what the ones before it gave. Asking the platform for
its plans is one function, so that the rest can be calculated again inside a transaction. It must not grant anything.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date

from connector.domain.access_sold import access_wanted
from connector.domain.entitlements import AccessWanted, CustomPlan
from connector.domain.terms import DealType, LineItem, Order, ProvisionKind
from connector.errors import Fault
from connector.ports import EntitlementPlatform

Plans = Mapping[str, CustomPlan | None]
"""Plan ref -> the plan as the platform has it, None when it has none of that ref."""


def fetch_plans(*, platform: EntitlementPlatform, terms: Sequence[Order]) -> Plans:
    """Every plan that these orders name. Calls the platform, so it must not run inside a transaction."""
    return {ref: platform.fetch_plan(plan_ref=ref) for ref in sorted(plan_refs(terms=terms))}


def plan_refs(*, terms: Sequence[Order]) -> set[str]:
    """The refs of the plans that are in force under these orders."""
    lines = lines_in_force(terms=terms)
    return {line.provision.ref for line in lines if line.provision.kind is ProvisionKind.PLAN}


def access_in_force(*, terms: Sequence[Order], plans: Plans) -> tuple[tuple[AccessWanted, ...], tuple[Fault, ...]]:
    """The subscriptions that these orders of one contract ask for together, and every reason why they cannot be."""
    known = {ref: plan for ref, plan in plans.items() if plan is not None}
    access, faults = access_wanted(line_items=lines_in_force(terms=terms), plans=known)
    cancelled = [order.cancel_from for order in terms if order.deal_type is DealType.CANCELLATION and order.cancel_from]
    return tuple(_until(one, min(cancelled)) if cancelled else one for one in access), faults


def lines_in_force(*, terms: Sequence[Order]) -> tuple[LineItem, ...]:
    """The line items that say what the customer may use under these orders together.

    By effective date, whatever arrived first: a later order's value of an entitlement replaces the earlier one; a plan
    that is sold again, as by a renewal, runs on; everything that is not named stays.
    """
    kept: dict[tuple[ProvisionKind, str], list[LineItem]] = {}
    for order in sorted(terms, key=lambda order: (order.starts_on, order.deal_type is not DealType.NEW)):
        fresh: dict[tuple[ProvisionKind, str], list[LineItem]] = {}
        for line in order.line_items:
            if line.provision.kind is not ProvisionKind.NOTHING:
                fresh.setdefault((line.provision.kind, line.provision.ref), []).append(line)
        for key, lines in fresh.items():
            kept[key] = [*kept.get(key, []), *lines] if key[0] is ProvisionKind.PLAN else lines
    return tuple(line for lines in kept.values() for line in lines)


def _until(access: AccessWanted, cancel_from: date) -> AccessWanted:
    """The same, with the first day without service no later than that day."""
    return replace(access, ends_on=max(access.starts_on, min(access.ends_on, cancel_from)))
