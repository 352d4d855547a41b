"""From line items to access: the subscriptions that were sold, and every reason why they cannot be granted like that.

Exists so that a deal that cannot be granted is told before anything is made, all faults at once, each with the line and
the person. Rules: billing conventions, section 5. It must not know any platform or what is granted already.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from connector.domain import access_faults
from connector.domain.entitlements import AccessWanted, CustomPlan, FeatureKind, Grant, PlanEntitlement
from connector.domain.sold_prices import sold_prices
from connector.domain.terms import LineItem, ProvisionKind
from connector.errors import Fault

# Salesforce fields of the platform's own package write it before the id of a credit; the id itself need not have it.
CREDIT_PREFIX = "cred-type-"
_VALUES = (ProvisionKind.ENTITLEMENT, ProvisionKind.CREDIT)


def access_wanted(
    *, line_items: Sequence[LineItem], plans: Mapping[str, CustomPlan], later: Sequence[LineItem] = ()
) -> tuple[tuple[AccessWanted, ...], tuple[Fault, ...]]:
    """The subscriptions an order's line items ask for, and every reason why they cannot be granted as sold.

    `plans` holds each custom plan named by a plan line that the platform knows, by its ref. `later` are lines that
    begin only later: a limit that nobody has sold yet is 0 until then. Rules: billing conventions, section 5.
    """
    faults: list[Fault] = []
    plan_lines = _plan_lines(line_items, plans, faults)
    claimed: set[str] = set()
    sold = [plans[line.provision.ref] for line in plan_lines]
    _claim_add_ons(line_items, sold, claimed, faults)
    deal = _Deal(line_items, later, sold, claimed, faults)
    wanted = [_subscription(deal, line, plans[line.provision.ref]) for line in plan_lines]
    _refuse_ambiguous(line_items, sold, faults)
    kinds = (*_VALUES, ProvisionKind.ADD_ON)
    faults += [
        access_faults.nobody_has(line)
        for line in line_items
        if line.provision.kind in kinds and line.ref not in claimed
    ]
    return tuple(wanted), tuple(faults)


def brought_by(*, line: LineItem, plan: CustomPlan) -> PlanEntitlement | None:
    """The entitlement of the plan that the line gives a value to; None when the plan does not have it.

    The id counts as written; that of a credit also with or without the prefix of the Salesforce field.
    """
    if line.provision.kind not in _VALUES:
        return None
    named = {entitlement.ref: entitlement for entitlement in plan.entitlements}
    if line.provision.ref in named:
        return named[line.provision.ref]
    other = named.get(_other_spelling(line.provision.ref))
    return other if other is not None and other.kind is ProvisionKind.CREDIT else None


def _other_spelling(ref: str) -> str:
    return ref.removeprefix(CREDIT_PREFIX) if ref.startswith(CREDIT_PREFIX) else CREDIT_PREFIX + ref


def _plan_lines(line_items: Sequence[LineItem], plans: Mapping[str, CustomPlan], faults: list[Fault]) -> list[LineItem]:
    """The plan lines that can be granted; unknown, unpublished and doubled plans become faults."""
    kept: dict[str, LineItem] = {}
    for line in line_items:
        if line.provision.kind is not ProvisionKind.PLAN:
            continue
        plan = plans.get(line.provision.ref)
        if plan is None or not plan.is_published:
            faults.append(access_faults.plan_missing(line, is_known=plan is not None))
        elif (other := kept.get(plan.product_ref)) and other.provision.ref != plan.ref:
            faults.append(access_faults.two_plans(line, other))
        elif other:
            kept[plan.product_ref] = _joined(other, line)
        else:
            kept[plan.product_ref] = line
    return list(kept.values())


def _joined(first: LineItem, second: LineItem) -> LineItem:
    """Two lines of one plan (a ramp, a renewal) are one subscription from the first start to the last end."""
    early, late = sorted((first, second), key=lambda line: line.starts_on)
    return early if early.ends_on >= late.ends_on else replace(early, ends_on=late.ends_on)


@dataclass(frozen=True, slots=True)
class _Deal:
    """The lines and plans of one deal, and what was found about them so far."""

    line_items: Sequence[LineItem]
    later: Sequence[LineItem]
    plans: Sequence[CustomPlan]
    claimed: set[str]
    faults: list[Fault]


def _subscription(deal: _Deal, plan_line: LineItem, plan: CustomPlan) -> AccessWanted:
    grants: list[Grant] = []
    faults = deal.faults
    for entitlement in plan.entitlements:
        sold = [line for line in deal.line_items if brought_by(line=line, plan=plan) is entitlement]
        to_come = [line for line in deal.later if brought_by(line=line, plan=plan) is entitlement]
        deal.claimed.update(line.ref for line in sold)
        if sold:
            grants.append(_negotiated(sold, entitlement, plan_line, faults))
        elif not entitlement.is_variable:
            grants.append(_as_in_plan(entitlement, entitlement.value))
        elif to_come and entitlement.kind is ProvisionKind.CREDIT and not entitlement.is_optional:
            faults.append(access_faults.begins_late(plan_line, to_come[0], plan))
        elif to_come and entitlement.kind is not ProvisionKind.CREDIT:
            grants.append(_as_in_plan(entitlement, Decimal(0)))
        elif not entitlement.is_optional:
            faults.append(access_faults.value_missing(plan_line, plan, entitlement))
    return AccessWanted(
        plan_ref=plan.ref,
        product_ref=plan.product_ref,
        starts_on=plan_line.starts_on,
        ends_on=plan_line.ends_on,
        grants=tuple(grants),
        add_ons=_add_ons(deal.line_items, plan, deal.plans, faults),
        plan_version=plan.version,
        prices=sold_prices(line_items=_priced(deal, plan)),
    )


def _priced(deal: _Deal, plan: CustomPlan) -> list[LineItem]:
    """The lines whose prices belong to the plan's subscription; what credits cost is no price of a unit used."""
    fitting = None if plan.add_on_refs is None else set(plan.add_on_refs)
    return [
        line
        for line in deal.line_items
        if (line.provision.kind is ProvisionKind.PLAN and line.provision.ref == plan.ref)
        or (line.provision.kind is ProvisionKind.ENTITLEMENT and brought_by(line=line, plan=plan) is not None)
        or (line.provision.kind is ProvisionKind.ADD_ON and (fitting is None or line.provision.ref in fitting))
    ]


def _as_in_plan(entitlement: PlanEntitlement, value: Decimal | None) -> Grant:
    """The entitlement as the plan has it, with that value."""
    return Grant(
        entitlement.ref,
        entitlement.kind,
        value,
        entitlement.is_unlimited,
        entitlement.cadence,
        entitlement.has_soft_limit,
        entitlement.reset_period,
    )


def _negotiated(
    sold: Sequence[LineItem], entitlement: PlanEntitlement, plan_line: LineItem, faults: list[Fault]
) -> Grant:
    """The value of the first step; equal lines are one, a ramp's later steps follow by date."""
    first = min(sold, key=lambda line: line.starts_on)
    _refuse_two_values(sold, first, faults)
    is_credit = entitlement.kind is ProvisionKind.CREDIT
    for line in sold:
        _refuse_value(line, entitlement, faults)
        if is_credit:
            _refuse_cadence(line, entitlement, faults)
    return replace(
        _as_in_plan(entitlement, None if first.provision.is_unlimited else _value_of(first)),
        is_unlimited=first.provision.is_unlimited,
        cadence=(first.provision.cadence or entitlement.cadence) if is_credit else None,
        begins_on=first.starts_on if is_credit and first.starts_on > plan_line.starts_on else None,
    )


def _refuse_two_values(sold: Sequence[LineItem], first: LineItem, faults: list[Fault]) -> None:
    for line in sold:
        is_step = line.starts_on >= first.ends_on or (line.ramp_key and line.ramp_key == first.ramp_key)
        if line is not first and not is_step and _given(line) != _given(first):
            values = {"value": str(_value_of(line)), "first_value": str(_value_of(first))}
            faults.append(access_faults.two_values(line, first, **values))


def _refuse_value(line: LineItem, entitlement: PlanEntitlement, faults: list[Fault]) -> None:
    value = _value_of(line)
    is_credit = entitlement.kind is ProvisionKind.CREDIT
    if is_credit and (line.provision.is_unlimited or value <= 0):
        faults.append(access_faults.no_credit(line, "unlimited" if line.provision.is_unlimited else str(value)))
    elif not line.provision.is_unlimited and value != value.to_integral_value():
        faults.append(access_faults.not_whole(line, str(value)))
    elif entitlement.feature_kind is FeatureKind.BOOLEAN and _given(line) != 1:
        faults.append(access_faults.not_on_or_off(line, "unlimited" if line.provision.is_unlimited else str(value)))


def _refuse_cadence(line: LineItem, entitlement: PlanEntitlement, faults: list[Fault]) -> None:
    asked = line.provision.cadence
    if line.provision.wants_rollover:
        faults.append(access_faults.rollover_asked(line))
    if asked is None and entitlement.cadence is None:
        faults.append(access_faults.cadence_missing(line))
    elif asked is not None and entitlement.cadence not in (None, asked):
        faults.append(access_faults.cadence_not_offered(line, entitlement, asked.value))


def _value_of(line: LineItem) -> Decimal:
    return line.quantity if line.provision.value is None else line.provision.value


def _given(line: LineItem) -> Decimal | None:
    """The value that the line gives, None for unlimited."""
    return None if line.provision.is_unlimited else _value_of(line)


# Add-ons: each goes on the one plan of the deal that it fits.


def _fitting(line: LineItem, plans: Sequence[CustomPlan]) -> list[CustomPlan]:
    """The plans that an add-on can go on: those that name it, else those that name no add-ons at all."""
    naming = [plan for plan in plans if plan.add_on_refs is not None and line.provision.ref in plan.add_on_refs]
    return naming or [plan for plan in plans if plan.add_on_refs is None]


def _claim_add_ons(
    line_items: Sequence[LineItem], plans: Sequence[CustomPlan], claimed: set[str], faults: list[Fault]
) -> None:
    for line in line_items:
        if line.provision.kind is not ProvisionKind.ADD_ON:
            continue
        fitting = _fitting(line, plans)
        claimed.update([line.ref] if fitting else [])
        if len(fitting) > 1:
            faults.append(access_faults.two_holders(line, [plan.ref for plan in fitting]))
        if line.quantity != line.quantity.to_integral_value():
            faults.append(access_faults.not_whole(line, str(line.quantity)))


def _add_ons(
    line_items: Sequence[LineItem], plan: CustomPlan, plans: Sequence[CustomPlan], faults: list[Fault]
) -> tuple[tuple[str, Decimal], ...]:
    """The plan's add-ons with their quantity; one of the quantity 0 is not there."""
    by_ref: dict[str, list[LineItem]] = {}
    for line in line_items:
        if line.provision.kind is ProvisionKind.ADD_ON and plan in _fitting(line, plans):
            by_ref.setdefault(line.provision.ref, []).append(line)
    found = []
    for ref, lines in sorted(by_ref.items()):
        first = min(lines, key=lambda line: line.starts_on)
        _refuse_two_values(lines, first, faults)
        if first.quantity > 0:
            found.append((ref, first.quantity))
    return tuple(found)


def _refuse_ambiguous(line_items: Sequence[LineItem], plans: Sequence[CustomPlan], faults: list[Fault]) -> None:
    """A line belongs to the only plan that contains its feature; with two such plans nobody can say to which."""
    for line in line_items:
        holders = [plan.ref for plan in plans if brought_by(line=line, plan=plan) is not None]
        if len(holders) > 1:
            faults.append(access_faults.two_holders(line, holders))
