"""What the orders of one contract let the customer use together, whatever arrived first.

Exists because access belongs to the contract: each order changes what the ones before it gave. Asking the platform for
its plans is one function, so that the rest can be calculated again inside a transaction. It must not grant anything.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from connector.domain.access_timeline import AccessTimeline, access_timelines
from connector.domain.contract_terms import Contract, Undo
from connector.domain.contracts import ContractRefused, ContractWaits, build_contract
from connector.domain.entitlements import CustomPlan
from connector.domain.terms import Order, ProvisionKind
from connector.errors import Fault
from connector.ports import EntitlementPlatform

Plans = Mapping[str, CustomPlan | None]
"""Plan ref -> the plan as the platform has it, None when it has none of that ref."""


def fetch_plans(
    *, platform: EntitlementPlatform, terms: Sequence[Order], versions: Mapping[str, int] | None = None
) -> Plans:
    """Every plan that these orders name. Calls the platform, so it must not run inside a transaction.

    `versions` holds the version by plan ref on which subscriptions of the contract run already: they stay on it.
    """
    known = versions or {}
    return {
        ref: platform.fetch_plan(plan_ref=ref, version=known.get(ref) or None) for ref in sorted(plan_refs(terms=terms))
    }


def plan_refs(*, terms: Sequence[Order]) -> set[str]:
    """The refs of the plans that these orders sell."""
    lines = (line for order in terms for line in order.line_items)
    return {line.provision.ref for line in lines if line.provision.kind is ProvisionKind.PLAN}


def access_in_force(
    *, terms: Sequence[Order], plans: Plans, undone: Sequence[Undo] = ()
) -> tuple[tuple[AccessTimeline, ...], tuple[Fault, ...]]:
    """The subscriptions over time that these orders of one contract ask for, and every reason why they cannot be.

    `terms` are all orders, those that were taken back (`undone`) included: they count until their day.
    """
    known = {ref: plan for ref, plan in plans.items() if plan is not None}
    return access_timelines(orders=terms, undone=undone, contract=_contract(terms, undone), plans=known)


def _contract(terms: Sequence[Order], undone: Sequence[Undo]) -> Contract | None:
    """The contract, for the days from which changes count; None when these orders form none.

    Why they form none is told by whoever builds the contract, with all its faults; access then follows the lines' own
    days, so that faults of both are told at once.
    """
    try:
        return build_contract(orders=terms, undone=undone)
    except (ContractRefused, ContractWaits):
        return None
