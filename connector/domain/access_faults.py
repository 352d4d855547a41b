"""Why access cannot be granted as sold, in words: what is wrong on which line, what to do, who does it.

Exists so that the rules in `access_sold` stay short and every refusal reads alike. It decides nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

from connector.domain.entitlements import CustomPlan, PlanEntitlement
from connector.domain.terms import LineItem
from connector.errors import Fault


def plan_missing(line: LineItem, *, is_known: bool) -> Fault:
    """The platform has no such plan, or has not published it."""
    code, what = ("PLAN_NOT_PUBLISHED", "is not published") if is_known else ("UNKNOWN_PLAN", "does not exist")
    return line_fault(
        code, line,
        f"Line {line.position}, {line.product_name}: the plan {line.provision.ref} {what} on the entitlement platform.",
        "Create and publish the plan, or correct the product's plan id, then press Resync.", "RevOps",
        line.provision.ref,
    )  # fmt: skip


def two_plans(line: LineItem, other: LineItem) -> Fault:
    """One order sells two plans of one product."""
    return line_fault(
        "TWO_PLANS_OF_ONE_PRODUCT", line,
        f"Lines {other.position} and {line.position} sell two plans of one product: "
        f"{other.provision.ref} and {line.provision.ref}.",
        "Keep one of the two plans on the deal.", "sales rep", line.provision.ref,
    )  # fmt: skip


def value_missing(plan_line: LineItem, plan: CustomPlan, entitlement: PlanEntitlement) -> Fault:
    """A variable entitlement of the plan has no line."""
    return line_fault(
        "MISSING_ENTITLEMENT_VALUE", plan_line,
        f"Line {plan_line.position}, {plan_line.product_name}: the plan {plan.ref} needs a negotiated value for "
        f"{entitlement.ref}, and no line on this deal brings one.",
        f"Add a line whose product gives {entitlement.ref}, with the agreed quantity.", "sales rep", entitlement.ref,
    )  # fmt: skip


def two_values(line: LineItem, first: LineItem, *, value: str, first_value: str) -> Fault:
    """Two lines give one entitlement different values at the same time."""
    return line_fault(
        "TWO_ENTITLEMENT_VALUES", line,
        f"Lines {first.position} and {line.position} give {line.provision.ref} twice with different values "
        f"({first_value} and {value}).",
        "Keep one line, or make them steps of one ramp with dates that follow each other.", "sales rep",
        value,
    )  # fmt: skip


def two_holders(line: LineItem, holders: Sequence[str]) -> Fault:
    """Several plans of the deal contain the feature or fit the add-on."""
    return line_fault(
        "TWO_PLANS_FOR_ENTITLEMENT", line,
        f"Line {line.position} sells {line.product_name} ({line.provision.ref}), which several plans of this deal "
        f"contain: {' and '.join(holders)}.",
        "Sell the plans on deals of their own, or take the feature out of one plan.", "RevOps", line.provision.ref,
    )  # fmt: skip


def cadence_missing(line: LineItem) -> Fault:
    """A recurring credit says neither month nor year."""
    return line_fault(
        "MISSING_CREDIT_CADENCE", line,
        f"Line {line.position}, {line.product_name}: the recurring credit says neither Month nor Year.",
        "Fill the credit cadence of the line.", "sales rep", "",
    )  # fmt: skip


def begins_late(plan_line: LineItem, line: LineItem, plan: CustomPlan) -> Fault:
    """A credit that the plan needs from its first day begins later; nothing can be granted until then."""
    return line_fault(
        "CREDIT_BEGINS_LATE", line,
        f"Line {line.position}, {line.product_name}, begins on {line.starts_on}, but the plan {plan.ref} begins on "
        f"{plan_line.starts_on} and needs {line.provision.ref} from its first day.",
        "Begin the credit with the plan, or make it optional in the plan.", "sales rep", str(line.starts_on),
    )  # fmt: skip


def not_whole(line: LineItem, value: str) -> Fault:
    """Limits and credits are whole numbers."""
    return line_fault(
        "FRACTIONAL_ENTITLEMENT", line,
        f"Line {line.position}, {line.product_name}: {value} is not a whole number.",
        "Enter a whole number as quantity or entitlement value.", "sales rep", value,
    )  # fmt: skip


def no_credit(line: LineItem, value: str) -> Fault:
    """A recurring credit of nothing, of less, or without end."""
    return line_fault(
        "CREDIT_AMOUNT", line,
        f"Line {line.position}, {line.product_name}: {value} is no amount of credits; it must be a number above 0.",
        "Enter how many credits are granted each time, or remove the line.", "sales rep", value,
    )  # fmt: skip


def not_on_or_off(line: LineItem, value: str) -> Fault:
    """A feature that is on or off was sold in another quantity."""
    return line_fault(
        "BOOLEAN_ENTITLEMENT", line,
        f"Line {line.position}, {line.product_name}: {line.provision.ref} is on or off; {value} of it cannot be sold.",
        "Sell it in the quantity 1, or leave it out.", "sales rep", value,
    )  # fmt: skip


def cadence_not_offered(line: LineItem, entitlement: PlanEntitlement, asked: str) -> Fault:
    """The plan grants the credit in another rhythm."""
    offered = entitlement.cadence.value if entitlement.cadence else "month or year"
    return line_fault(
        "CADENCE_NOT_OFFERED", line,
        f"Line {line.position}, {line.product_name}: credits each {asked} were sold, but the plan grants "
        f"{entitlement.ref} each {offered}.",
        f"Sell it each {offered}, or let the plan offer each {asked}.", "RevOps", asked,
    )  # fmt: skip


def rollover_asked(line: LineItem) -> Fault:
    """Unused credits were promised to stay."""
    return line_fault(
        "ROLLOVER_NOT_OFFERED", line,
        f"Line {line.position}, {line.product_name}: it asks for unused credits to roll over. Monthly and yearly "
        "credits without rollover are what is offered: what is unused ends when the next credits come.",
        "Take the rollover off the line, or agree on a larger amount.", "sales rep", "rollover",
    )  # fmt: skip


def nobody_has(line: LineItem) -> Fault:
    """No plan of the deal has the feature, credit or add-on."""
    return line_fault(
        "NO_PLAN_FOR_ENTITLEMENT", line,
        f"Line {line.position} sells {line.product_name} ({line.provision.ref}), but no plan on this deal has it.",
        "Add the plan that contains it, or remove the line.", "sales rep", line.provision.ref,
    )  # fmt: skip


def line_fault(code: str, line: LineItem, message: str, fix: str, owner: str, value: str) -> Fault:
    """A fault of one line."""
    return Fault(
        code=code, message=message, fix=fix, owner=owner, record=line.ref, value=value, line=str(line.position)
    )
