"""Whether what was sold can be granted on Stigg at all, asked before anything is made. Pure.

Stigg itself would accept some of it in silence (a value for what the plan does not have, no value for what it leaves
open), so that the customer would get something else than what was signed.
"""

from __future__ import annotations

from connector.adapters.stigg_catalogue import StiggPlan
from connector.adapters.stigg_words import GrantRefused, add_ons, entitlements
from connector.domain.entitlements import AccessWanted, CustomPlan, FeatureKind, Grant, PlanEntitlement
from connector.domain.terms import ProvisionKind


def refuse_wrong_grants(*, wanted: AccessWanted, found: StiggPlan | None) -> None:
    """Raises GrantRefused with the reason and the ref when this cannot be granted as sold."""
    if found is None or not found.plan.is_published:
        what = "does not exist" if found is None else "is not published"
        fix = "Create and publish the plan in Stigg, or correct the product's plan id, then press Resync."
        raise GrantRefused(f"The plan {wanted.plan_ref} {what} in Stigg.", code="UNKNOWN_PLAN", fix=fix)
    plan = found.plan
    if found.pricing_type == "FREE":
        raise GrantRefused(f"The plan {plan.ref} is free; a contract in Stigg takes only custom-priced plans.")
    if wanted.product_ref != plan.product_ref:
        raise GrantRefused(f"The plan {plan.ref} belongs to {plan.product_ref}, not to {wanted.product_ref}.")
    if wanted.ends_on <= wanted.starts_on:
        raise GrantRefused(f"The subscription would end on {wanted.ends_on}, before it starts.")
    _refuse_wrong_refs(wanted, plan)
    _refuse_wrong_add_ons(wanted, plan)
    # What cannot be said in Stigg's words is refused now, not when half of the contract is made.
    entitlements(wanted, plan)


def _refuse_wrong_refs(wanted: AccessWanted, plan: CustomPlan) -> None:
    brought = {grant.ref: grant for grant in wanted.grants}
    if len(brought) < len(wanted.grants):
        raise GrantRefused(f"An entitlement of the plan {plan.ref} is given twice.")
    for entitlement in plan.entitlements:
        _refuse_wrong_grant(plan, entitlement, brought.pop(entitlement.ref, None))
    if brought:
        raise GrantRefused(f"The plan {plan.ref} does not contain {', '.join(sorted(brought))}.")


def _refuse_wrong_grant(plan: CustomPlan, entitlement: PlanEntitlement, grant: Grant | None) -> None:
    ref = entitlement.ref
    if grant is None:
        if not entitlement.is_optional:
            raise GrantRefused(f"The plan {plan.ref} needs a value for {ref}.")
        return
    if grant.kind is not entitlement.kind:
        raise GrantRefused(f"{ref} is of the kind {entitlement.kind} in the plan {plan.ref}, not {grant.kind}.")
    if grant.value is None and not grant.is_unlimited:
        raise GrantRefused(f"The value of {ref} is empty.")
    if grant.value is not None and (grant.value < 0 or not grant.value.is_finite()):
        raise GrantRefused(f"The value of {ref} is {grant.value}; it must be 0 or more.")
    if entitlement.feature_kind is FeatureKind.BOOLEAN and grant.value != entitlement.value:
        raise GrantRefused(f"{ref} is on or off; Stigg lets only the plan {plan.ref} itself decide that.")
    offered = entitlement.cadence
    if grant.kind is ProvisionKind.CREDIT and offered is not None and grant.cadence not in (None, offered):
        raise GrantRefused(f"The plan {plan.ref} offers {ref} each {offered}, not each {grant.cadence}.")


def _refuse_wrong_add_ons(wanted: AccessWanted, plan: CustomPlan) -> None:
    add_ons(wanted)
    unfit = sorted({ref for ref, _count in wanted.add_ons} - set(plan.add_on_refs or ()))
    if plan.add_on_refs is not None and unfit:
        raise GrantRefused(f"The plan {plan.ref} does not go with the add-on {', '.join(unfit)}.")
