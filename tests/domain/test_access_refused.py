"""What cannot be sold as access is refused before anything is made: which line, in words, who corrects it."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from connector.domain.access_sold import access_wanted
from connector.domain.entitlements import CustomPlan, FeatureKind, PlanEntitlement
from connector.domain.terms import Cadence, LineItem, Provision, ProvisionKind
from connector.errors import Fault
from tests.domain.making import make_item

_FEATURE, _CREDIT = ProvisionKind.ENTITLEMENT, ProvisionKind.CREDIT
_PLAN = CustomPlan(
    "plan-a",
    "product-a",
    (
        PlanEntitlement("seats", _FEATURE, is_variable=True, is_optional=True),
        PlanEntitlement("sso", _FEATURE, is_variable=True, is_optional=True, feature_kind=FeatureKind.BOOLEAN),
        PlanEntitlement("ai", _CREDIT, is_variable=True, is_optional=True, cadence=Cadence.MONTH),
        PlanEntitlement("any", _CREDIT, is_variable=True, is_optional=True),
    ),
)


def _line(kind: ProvisionKind, ref: str, quantity: str = "1", **provision: Any) -> LineItem:
    return make_item(ref, quantity=quantity, provision=Provision(kind, ref, **provision))


def _faults(*lines: LineItem) -> tuple[Fault, ...]:
    sold = (_line(ProvisionKind.PLAN, "plan-a"), *lines)
    placed = [replace(line, position=number) for number, line in enumerate(sold, start=1)]
    return access_wanted(line_items=placed, plans={"plan-a": _PLAN})[1]


def _ai(quantity: str = "100", **provision: Any) -> LineItem:
    return _line(_CREDIT, "ai", quantity, **provision)


@pytest.mark.parametrize(
    ("line", "code", "owner", "says"),
    [
        (_line(_FEATURE, "nowhere"), "NO_PLAN_FOR_ENTITLEMENT", "sales rep", "no plan on this deal has it"),
        (_line(_CREDIT, "nowhere", cadence=Cadence.MONTH), "NO_PLAN_FOR_ENTITLEMENT", "sales rep", "(nowhere)"),
        (_line(_FEATURE, "seats", "2.5"), "FRACTIONAL_ENTITLEMENT", "sales rep", "2.5 is not a whole number"),
        (_line(_FEATURE, "seats", value=Decimal("7.1")), "FRACTIONAL_ENTITLEMENT", "sales rep", "7.1"),
        (_ai("10.5"), "FRACTIONAL_ENTITLEMENT", "sales rep", "10.5"),
        (_ai("0"), "CREDIT_AMOUNT", "sales rep", "it must be a number above 0"),
        (_ai("-3"), "CREDIT_AMOUNT", "sales rep", "-3 is no amount of credits"),
        (_ai("100", value=Decimal(0)), "CREDIT_AMOUNT", "sales rep", "0 is no amount of credits"),
        (_ai(is_unlimited=True), "CREDIT_AMOUNT", "sales rep", "unlimited is no amount of credits"),
        (_ai(cadence=Cadence.YEAR), "CADENCE_NOT_OFFERED", "RevOps", "credits each year were sold"),
        (_line(_CREDIT, "any"), "MISSING_CREDIT_CADENCE", "sales rep", "neither Month nor Year"),
        (_ai(wants_rollover=True), "ROLLOVER_NOT_OFFERED", "sales rep", "without rollover are what is offered"),
        (_line(_FEATURE, "sso", "3"), "BOOLEAN_ENTITLEMENT", "sales rep", "sso is on or off; 3 of it cannot be sold"),
        (_line(_FEATURE, "sso", value=Decimal(0)), "BOOLEAN_ENTITLEMENT", "sales rep", "0 of it"),
        (_line(_FEATURE, "sso", is_unlimited=True), "BOOLEAN_ENTITLEMENT", "sales rep", "unlimited of it"),
    ],
    ids=[
        "unknown feature",
        "unknown credit",
        "fractional seats",
        "fractional value",
        "fractional credit",
        "credit of zero",
        "credit below zero",
        "value of zero",
        "unlimited credit",
        "cadence that the plan does not offer",
        "no cadence at all",
        "rollover",
        "boolean in a quantity",
        "boolean of zero",
        "boolean without limit",
    ],
)
def test_a_line_that_cannot_be_granted_is_named_with_its_remedy(
    line: LineItem, code: str, owner: str, says: str
) -> None:
    (fault,) = _faults(line)

    assert (fault.code, fault.owner, fault.line, fault.record) == (code, owner, "2", line.ref)
    assert says in fault.message
    assert fault.fix


@pytest.mark.parametrize(
    "line",
    [
        _line(_FEATURE, "seats", "0"),
        _line(_FEATURE, "seats", "2.5", is_unlimited=True),
        _line(_FEATURE, "sso", "1"),
        _line(_FEATURE, "sso", "1.00"),
        _ai("0.5", value=Decimal(100)),
        _ai(cadence=Cadence.MONTH),
        _line(_CREDIT, "any", cadence=Cadence.YEAR),
    ],
    ids=["no seats", "unlimited", "on", "on with places", "value before quantity", "as offered", "either cadence"],
)
def test_what_the_plan_offers_is_not_refused(line: LineItem) -> None:
    assert _faults(line) == ()


def test_all_faults_are_told_at_once() -> None:
    found = _faults(
        _line(_FEATURE, "seats", "2.5"),
        _line(_FEATURE, "sso", "3"),
        _ai("0", cadence=Cadence.YEAR, wants_rollover=True),
        _line(_FEATURE, "nowhere"),
    )

    assert sorted((fault.line, fault.code) for fault in found) == [
        ("2", "FRACTIONAL_ENTITLEMENT"),
        ("3", "BOOLEAN_ENTITLEMENT"),
        ("4", "CADENCE_NOT_OFFERED"),
        ("4", "CREDIT_AMOUNT"),
        ("4", "ROLLOVER_NOT_OFFERED"),
        ("5", "NO_PLAN_FOR_ENTITLEMENT"),
    ]
