"""From line items to access: the subscriptions that were sold, and every reason why they cannot be granted like that.

Exists so that a deal that cannot be granted is told before anything is made, all faults at once, each with the line and
the person. Rules: billing conventions, section 5. It must not know any platform or what is granted already.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal

from connector.domain.entitlements import AccessWanted, CustomPlan, Grant, PlanEntitlement
from connector.domain.terms import LineItem, ProvisionKind
from connector.errors import Fault


def access_wanted(
    *, line_items: Sequence[LineItem], plans: Mapping[str, CustomPlan]
) -> tuple[tuple[AccessWanted, ...], tuple[Fault, ...]]:
    """The subscriptions an order's line items ask for, and every reason why they cannot be granted as sold.

    `plans` holds each custom plan named by a plan line that the platform knows, by its ref. Rules: billing
    conventions, section 5.
    """
    faults: list[Fault] = []
    plan_lines = _plan_lines(line_items, plans, faults)
    claimed: set[str] = set()
    wanted = [_subscription(line, plans[line.provision.ref], line_items, claimed, faults) for line in plan_lines]
    _refuse_ambiguous(line_items, [plans[line.provision.ref] for line in plan_lines], faults)
    _refuse_unclaimed(line_items, claimed, faults)
    return tuple(wanted), tuple(faults)


def _plan_lines(line_items: Sequence[LineItem], plans: Mapping[str, CustomPlan], faults: list[Fault]) -> list[LineItem]:
    """The plan lines that can be granted; unknown, unpublished and doubled plans become faults."""
    kept: dict[str, LineItem] = {}
    for line in line_items:
        if line.provision.kind is not ProvisionKind.PLAN:
            continue
        plan = plans.get(line.provision.ref)
        if plan is None or not plan.is_published:
            faults.append(_plan_missing(line, is_known=plan is not None))
        elif (other := kept.get(plan.product_ref)) and other.provision.ref != plan.ref:
            faults.append(_two_plans(line, other))
        elif other:
            kept[plan.product_ref] = _joined(other, line)
        else:
            kept[plan.product_ref] = line
    return list(kept.values())


def _joined(first: LineItem, second: LineItem) -> LineItem:
    """Two lines of one plan (a ramp, a renewal) are one subscription from the first start to the last end."""
    early, late = sorted((first, second), key=lambda line: line.starts_on)
    return early if early.ends_on >= late.ends_on else replace(early, ends_on=late.ends_on)


def _subscription(
    plan_line: LineItem, plan: CustomPlan, line_items: Sequence[LineItem], claimed: set[str], faults: list[Fault]
) -> AccessWanted:
    grants: list[Grant] = []
    for entitlement in plan.entitlements:
        sold = [line for line in line_items if _brings(line, entitlement.ref)]
        claimed.update(line.ref for line in sold)
        if sold:
            grants.append(_negotiated(sold, entitlement, faults))
        elif not entitlement.is_variable:
            grants.append(_fixed(entitlement))
        elif not entitlement.is_optional:
            faults.append(_value_missing(plan_line, plan, entitlement))
    add_on_lines = [line for line in line_items if line.provision.kind is ProvisionKind.ADD_ON]
    claimed.update(line.ref for line in add_on_lines)
    add_ons = tuple((line.provision.ref, line.quantity) for line in add_on_lines)
    return AccessWanted(plan.ref, plan.product_ref, plan_line.starts_on, plan_line.ends_on, tuple(grants), add_ons)


def _brings(line: LineItem, ref: str) -> bool:
    return line.provision.kind in (ProvisionKind.ENTITLEMENT, ProvisionKind.CREDIT) and line.provision.ref == ref


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


def _negotiated(sold: Sequence[LineItem], entitlement: PlanEntitlement, faults: list[Fault]) -> Grant:
    """The value of the first step; equal lines are one, a ramp's later steps follow by date."""
    first = min(sold, key=lambda line: line.starts_on)
    for line in sold:
        is_step = line.starts_on >= first.ends_on or (line.ramp_key and line.ramp_key == first.ramp_key)
        if line is not first and not is_step and _given(line) != _given(first):
            faults.append(_two_values(line, first))
        _refuse_fraction(line, faults)
    cadence = first.provision.cadence or entitlement.cadence
    if entitlement.kind is ProvisionKind.CREDIT and cadence is None:
        faults.append(_cadence_missing(first))
    is_credit = entitlement.kind is ProvisionKind.CREDIT
    return Grant(
        entitlement.ref,
        entitlement.kind,
        None if first.provision.is_unlimited else _value_of(first),
        first.provision.is_unlimited,
        cadence if is_credit else None,
        entitlement.has_soft_limit,
        entitlement.reset_period,
    )


def _value_of(line: LineItem) -> Decimal:
    return line.quantity if line.provision.value is None else line.provision.value


def _given(line: LineItem) -> Decimal | None:
    """The value that the line gives, None for unlimited."""
    return None if line.provision.is_unlimited else _value_of(line)


def _refuse_fraction(line: LineItem, faults: list[Fault]) -> None:
    value = _value_of(line)
    if not line.provision.is_unlimited and value != value.to_integral_value():
        faults.append(
            _line_fault(
                "FRACTIONAL_ENTITLEMENT", line,
                f"Line {line.position}, {line.product_name}: {value} is not a whole number.",
                "Enter a whole number as quantity or entitlement value.", "sales rep", str(value),
            )
        )  # fmt: skip


def _refuse_ambiguous(line_items: Sequence[LineItem], plans: Sequence[CustomPlan], faults: list[Fault]) -> None:
    """A line belongs to the only plan that contains its feature; with two such plans nobody can say to which."""
    for line in line_items:
        holders = [
            plan.ref for plan in plans if any(_brings(line, entitlement.ref) for entitlement in plan.entitlements)
        ]
        if len(holders) > 1:
            faults.append(_two_holders(line, holders))


def _refuse_unclaimed(line_items: Sequence[LineItem], claimed: set[str], faults: list[Fault]) -> None:
    kinds = (ProvisionKind.ENTITLEMENT, ProvisionKind.CREDIT, ProvisionKind.ADD_ON)
    for line in line_items:
        if line.provision.kind in kinds and line.ref not in claimed:
            faults.append(
                _line_fault(
                    "NO_PLAN_FOR_ENTITLEMENT", line,
                    f"Line {line.position} sells {line.product_name} ({line.provision.ref}), "
                    "but no plan on this deal has it.",
                    "Add the plan that contains it, or remove the line.", "sales rep", line.provision.ref,
                )
            )  # fmt: skip


def _plan_missing(line: LineItem, *, is_known: bool) -> Fault:
    code, what = ("PLAN_NOT_PUBLISHED", "is not published") if is_known else ("UNKNOWN_PLAN", "does not exist")
    return _line_fault(
        code, line,
        f"Line {line.position}, {line.product_name}: the plan {line.provision.ref} {what} on the entitlement platform.",
        "Create and publish the plan, or correct the product's plan id, then press Resync.", "RevOps",
        line.provision.ref,
    )  # fmt: skip


def _two_plans(line: LineItem, other: LineItem) -> Fault:
    return _line_fault(
        "TWO_PLANS_OF_ONE_PRODUCT", line,
        f"Lines {other.position} and {line.position} sell two plans of one product: "
        f"{other.provision.ref} and {line.provision.ref}.",
        "Keep one of the two plans on the deal.", "sales rep", line.provision.ref,
    )  # fmt: skip


def _value_missing(plan_line: LineItem, plan: CustomPlan, entitlement: PlanEntitlement) -> Fault:
    return _line_fault(
        "MISSING_ENTITLEMENT_VALUE", plan_line,
        f"Line {plan_line.position}, {plan_line.product_name}: the plan {plan.ref} needs a negotiated value for "
        f"{entitlement.ref}, and no line on this deal brings one.",
        f"Add a line whose product gives {entitlement.ref}, with the agreed quantity.", "sales rep", entitlement.ref,
    )  # fmt: skip


def _two_values(line: LineItem, first: LineItem) -> Fault:
    return _line_fault(
        "TWO_ENTITLEMENT_VALUES", line,
        f"Lines {first.position} and {line.position} give {line.provision.ref} twice with different values "
        f"({_value_of(first)} and {_value_of(line)}).",
        "Keep one line, or make them steps of one ramp with dates that follow each other.", "sales rep",
        str(_value_of(line)),
    )  # fmt: skip


def _two_holders(line: LineItem, holders: Sequence[str]) -> Fault:
    return _line_fault(
        "TWO_PLANS_FOR_ENTITLEMENT", line,
        f"Line {line.position} sells {line.product_name} ({line.provision.ref}), which several plans of this deal "
        f"contain: {' and '.join(holders)}.",
        "Sell the plans on deals of their own, or take the feature out of one plan.", "RevOps", line.provision.ref,
    )  # fmt: skip


def _cadence_missing(line: LineItem) -> Fault:
    return _line_fault(
        "MISSING_CREDIT_CADENCE", line,
        f"Line {line.position}, {line.product_name}: the recurring credit says neither Month nor Year.",
        "Fill the credit cadence of the line.", "sales rep", "",
    )  # fmt: skip


def _line_fault(code: str, line: LineItem, message: str, fix: str, owner: str, value: str) -> Fault:
    return Fault(
        code=code, message=message, fix=fix, owner=owner, record=line.ref, value=value, line=str(line.position)
    )
