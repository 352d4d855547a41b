"""What an order's lines let the customer use (billing conventions, section 5), and where what is granted differs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.domain.access_sold import access_wanted
from connector.domain.entitlements import (
    AccessGranted,
    AccessWanted,
    CustomPlan,
    Grant,
    PlanEntitlement,
    access_differences,
    describe_grant,
)
from connector.domain.terms import Cadence, LineItem, Provision, ProvisionKind
from connector.errors import Fault
from tests.domain.making import day, make_item

_SEATS = PlanEntitlement("seats", ProvisionKind.ENTITLEMENT, is_variable=True)
_CALLS = PlanEntitlement("calls", ProvisionKind.ENTITLEMENT, is_variable=True, is_optional=True)
_AI = PlanEntitlement("ai", ProvisionKind.CREDIT, is_variable=True, is_optional=True)
_SSO = PlanEntitlement("sso", ProvisionKind.ENTITLEMENT, is_variable=False, is_unlimited=True)
_PLAN = CustomPlan("plan-a", "product-a", (_SEATS, _CALLS, _AI, _SSO))
_OTHER = CustomPlan("plan-b", "product-b", (PlanEntitlement("storage", ProvisionKind.ENTITLEMENT, is_variable=True),))
_PLANS = {plan.ref: plan for plan in (_PLAN, _OTHER)}


def _line(name: str, kind: ProvisionKind, ref: str, *, quantity: str = "1", **changes: Any) -> LineItem:
    given = {key: changes.pop(key) for key in ("value", "is_unlimited", "cadence") if key in changes}
    return make_item(name, quantity=quantity, provision=Provision(kind, ref, **given), **changes)


def _plan(ref: str = "plan-a", **changes: Any) -> LineItem:
    return _line(f"Plan {ref}", ProvisionKind.PLAN, ref, **changes)


def _seats(quantity: str = "50", name: str = "Seats", **changes: Any) -> LineItem:
    return _line(name, ProvisionKind.ENTITLEMENT, "seats", quantity=quantity, **changes)


def _wanted(*lines: LineItem, plans: dict[str, CustomPlan] | None = None) -> tuple[tuple[AccessWanted, ...], list[str]]:
    placed = [replace(line, position=number) for number, line in enumerate(lines, start=1)]
    access, faults = access_wanted(line_items=placed, plans=_PLANS if plans is None else plans)
    _check_told(faults)
    return access, [fault.code for fault in faults]


def _check_told(faults: Sequence[Fault]) -> None:
    """Every fault names its line, what to do and who does it."""
    for fault in faults:
        assert fault.line
        assert fault.record
        assert fault.fix
        assert fault.owner in ("sales rep", "RevOps")


def _grants(access: Sequence[AccessWanted]) -> dict[str, str]:
    return {grant.ref: describe_grant(grant) for one in access for grant in one.grants}


def test_a_plan_with_its_values_is_one_subscription_for_the_term() -> None:
    (access,), faults = _wanted(_plan(), _seats("50"))

    assert faults == []
    assert (access.plan_ref, access.product_ref) == ("plan-a", "product-a")
    assert (access.starts_on, access.ends_on) == (day("2026-01-01"), day("2027-01-01"))
    assert _grants([access]) == {"seats": "50", "sso": "unlimited"}


def test_the_value_of_an_entitlement_is_its_own_and_else_the_quantity() -> None:
    access, _ = _wanted(_plan(), _seats("50", value=Decimal(75)))

    assert _grants(access)["seats"] == "75"


def test_unlimited_is_unlimited_whatever_the_quantity() -> None:
    access, faults = _wanted(_plan(), _seats("2.5", is_unlimited=True))

    assert (_grants(access)["seats"], faults) == ("unlimited", [])
    assert access[0].grants[0].value is None


def test_a_line_that_costs_nothing_grants_as_well() -> None:
    access, _ = _wanted(_plan(), _seats("5", price="0"))

    assert _grants(access)["seats"] == "5"


@pytest.mark.parametrize("value", ["1.5", "0.1"])
def test_a_fraction_is_refused(value: str) -> None:
    assert _wanted(_plan(), _seats(value))[1] == ["FRACTIONAL_ENTITLEMENT"]


def test_a_fraction_in_a_later_step_of_a_ramp_is_refused_too() -> None:
    first = _seats("5", "one", last="2026-06-30", ramp_key="r")
    second = _seats("7.5", "two", start="2026-07-01", ramp_key="r")

    assert _wanted(_plan(), first, second)[1] == ["FRACTIONAL_ENTITLEMENT"]


def test_a_whole_number_may_be_written_with_places() -> None:
    access, faults = _wanted(_plan(), _seats("50.00"))

    assert (_grants(access)["seats"], faults) == ("50", [])


def test_two_equal_lines_are_one() -> None:
    access, faults = _wanted(_plan(), _seats("50", "one"), _seats("50", "two"))

    assert (_grants(access)["seats"], faults) == ("50", [])


def test_two_different_values_at_the_same_time_are_refused() -> None:
    assert _wanted(_plan(), _seats("50", "one"), _seats("60", "two"))[1] == ["TWO_ENTITLEMENT_VALUES"]


def test_unlimited_beside_a_number_is_refused_although_the_quantities_are_equal() -> None:
    unlimited = _seats("50", "one", is_unlimited=True)

    assert _wanted(_plan(), unlimited, _seats("50", "two"))[1] == ["TWO_ENTITLEMENT_VALUES"]


def test_a_ramp_begins_with_its_first_step_in_whatever_order_it_is_written() -> None:
    steps = [
        _seats("200", "three", start="2028-01-01", last="2028-12-31", ramp_key="seats"),
        _seats("100", "one", ramp_key="seats"),
        _seats("150", "two", start="2027-01-01", last="2027-12-31", ramp_key="seats"),
    ]

    access, faults = _wanted(_plan(last="2028-12-31"), *steps)

    assert (_grants(access)["seats"], faults) == ("100", [])


def test_steps_that_follow_each_other_are_a_ramp_without_a_key() -> None:
    first, second = _seats("100", "one", last="2026-06-30"), _seats("150", "two", start="2026-07-01")

    access, faults = _wanted(_plan(), first, second)

    assert (_grants(access)["seats"], faults) == ("100", [])


def test_a_missing_variable_value_is_refused_and_named() -> None:
    placed = [replace(_plan(), position=4)]
    _access, (fault,) = access_wanted(line_items=placed, plans=_PLANS)

    assert fault.code == "MISSING_ENTITLEMENT_VALUE"
    assert (fault.line, fault.value) == ("4", "seats")
    assert "seats" in fault.message
    assert "seats" in fault.fix


def test_an_optional_value_may_be_left_out() -> None:
    access, faults = _wanted(_plan(), _seats())

    assert faults == []
    assert "calls" not in _grants(access)


def test_a_fixed_value_is_granted_without_a_line() -> None:
    access, _ = _wanted(_plan(), _seats())

    assert _grants(access)["sso"] == "unlimited"


@pytest.mark.parametrize(("cadence", "said"), [(Cadence.MONTH, "10000 each month"), (Cadence.YEAR, "10000 each year")])
def test_a_recurring_credit_is_its_quantity_and_its_cadence(cadence: Cadence, said: str) -> None:
    credit = _line("AI", ProvisionKind.CREDIT, "ai", quantity="10000", cadence=cadence)

    access, faults = _wanted(_plan(), _seats(), credit)

    assert (_grants(access)["ai"], faults) == (said, [])


def test_a_credit_without_a_cadence_is_refused() -> None:
    credit = _line("AI", ProvisionKind.CREDIT, "ai", quantity="10000")

    assert _wanted(_plan(), _seats(), credit)[1] == ["MISSING_CREDIT_CADENCE"]


def test_an_entitlement_has_no_cadence() -> None:
    access, _ = _wanted(_plan(), _seats(cadence=Cadence.MONTH))

    assert access[0].grants[0].cadence is None


def test_two_plans_of_two_products_are_two_subscriptions() -> None:
    storage = _line("Storage", ProvisionKind.ENTITLEMENT, "storage", quantity="500")

    access, faults = _wanted(_plan(), _seats(), _plan("plan-b"), storage)

    assert faults == []
    assert {one.plan_ref: [grant.ref for grant in one.grants] for one in access} == {
        "plan-a": ["seats", "sso"],
        "plan-b": ["storage"],
    }


def test_two_plans_of_one_product_are_refused() -> None:
    plans = _PLANS | {"plan-c": replace(_PLAN, ref="plan-c")}

    assert _wanted(_plan(), _plan("plan-c"), _seats(), plans=plans)[1] == ["TWO_PLANS_OF_ONE_PRODUCT"]


def test_a_plan_of_several_lines_runs_from_the_first_start_to_the_last_end() -> None:
    years = [
        _plan(start="2027-01-01", last="2027-12-31"),
        _plan(),
        _plan(start="2026-03-01", last="2026-05-31"),
    ]

    (access,), faults = _wanted(*years, _seats())

    assert faults == []
    assert (access.starts_on, access.ends_on) == (day("2026-01-01"), day("2028-01-01"))


def test_an_entitlement_that_no_plan_contains_is_refused() -> None:
    storage = _line("Storage", ProvisionKind.ENTITLEMENT, "storage")

    assert _wanted(_plan(), _seats(), storage)[1] == ["NO_PLAN_FOR_ENTITLEMENT"]


def test_an_entitlement_that_two_plans_contain_is_refused() -> None:
    """The plan a line belongs to is the only one that contains the feature."""
    twin = CustomPlan("plan-b", "product-b", (_SEATS,))

    assert _wanted(_plan(), _plan("plan-b"), _seats(), plans={"plan-a": _PLAN, "plan-b": twin})[1] == [
        "TWO_PLANS_FOR_ENTITLEMENT"
    ]


def test_an_add_on_without_a_plan_is_refused() -> None:
    assert _wanted(_line("Priority", ProvisionKind.ADD_ON, "addon"))[1] == ["NO_PLAN_FOR_ENTITLEMENT"]


def test_an_add_on_comes_with_the_plan_in_its_quantity() -> None:
    (access,), _ = _wanted(_plan(), _seats(), _line("Priority", ProvisionKind.ADD_ON, "addon", quantity="2"))

    assert access.add_ons == (("addon", Decimal(2)),)


def test_an_unknown_plan_is_refused_and_named() -> None:
    _, faults = _wanted(_plan("plan-x"))

    assert faults == ["UNKNOWN_PLAN"]


def test_a_plan_that_is_not_published_is_refused() -> None:
    plans = {"plan-a": replace(_PLAN, is_published=False)}

    assert "PLAN_NOT_PUBLISHED" in _wanted(_plan(), _seats(), plans=plans)[1]


def test_lines_that_give_nothing_ask_for_nothing() -> None:
    assert _wanted(make_item("Onboarding")) == ((), [])


def test_all_faults_are_told_at_once() -> None:
    _, faults = _wanted(
        _plan(), _line("Storage", ProvisionKind.ENTITLEMENT, "storage"), _line("AI", ProvisionKind.CREDIT, "ai")
    )

    assert sorted(faults) == ["MISSING_CREDIT_CADENCE", "MISSING_ENTITLEMENT_VALUE", "NO_PLAN_FOR_ENTITLEMENT"]


@given(st.permutations([_plan(), _seats(), _line("AI", ProvisionKind.CREDIT, "ai", cadence=Cadence.MONTH)]))
def test_the_order_of_the_lines_does_not_matter(lines: list[LineItem]) -> None:
    access, faults = access_wanted(line_items=lines, plans=_PLANS)

    assert faults == ()
    assert _grants(access) == {"seats": "50", "ai": "1 each month", "sso": "unlimited"}


_ACCESS = AccessWanted(
    "plan-a",
    "product-a",
    date(2026, 1, 1),
    date(2027, 1, 1),
    (
        Grant("seats", ProvisionKind.ENTITLEMENT, Decimal(50)),
        Grant("ai", ProvisionKind.CREDIT, Decimal(100), cadence=Cadence.MONTH),
        Grant("sso", ProvisionKind.ENTITLEMENT, None, is_unlimited=True),
    ),
    (("addon", Decimal(2)),),
)


def _granted(**changes: Any) -> AccessGranted:
    same = AccessGranted(
        "subscription", _ACCESS.plan_ref, _ACCESS.starts_on, _ACCESS.ends_on, _ACCESS.grants, _ACCESS.add_ons
    )
    return replace(same, **changes)


def _told(granted: AccessGranted | None) -> list[str]:
    return [f"{one.what}: {one.sold} / {one.granted}" for one in access_differences(wanted=_ACCESS, granted=granted)]


def test_what_is_granted_as_sold_differs_in_nothing() -> None:
    assert _told(_granted()) == []


def test_the_order_and_the_writing_of_grants_do_not_matter() -> None:
    turned = tuple(
        replace(grant, value=grant.value.quantize(Decimal("1.00")) if grant.value else None)
        for grant in reversed(_ACCESS.grants)
    )

    assert _told(_granted(grants=turned)) == []


def test_a_subscription_that_is_not_there_is_one_difference() -> None:
    assert _told(None) == ["subscription to plan-a: running / not there"]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"plan_ref": "plan-b"}, "plan: plan-a / plan-b"),
        ({"starts_on": date(2026, 2, 1)}, "first day: 2026-01-01 / 2026-02-01"),
        ({"ends_on": date(2026, 12, 31)}, "end: 2027-01-01 / 2026-12-31"),
        ({"ends_on": None}, "end: 2027-01-01 / open"),
        ({"is_live": False}, "state: live / not live"),
        ({"add_ons": ()}, "add-on addon: 2 / none"),
        ({"add_ons": (("addon", Decimal(3)),)}, "add-on addon: 2 / 3"),
    ],
)
def test_each_value_that_differs_is_told_with_both_sides(changes: dict[str, Any], told: str) -> None:
    assert _told(_granted(**changes)) == [told]


def test_add_ons_that_are_written_otherwise_are_the_same() -> None:
    assert _told(_granted(add_ons=(("addon", Decimal("2.0")),))) == []


def test_missing_additional_and_unequal_grants_are_all_told() -> None:
    granted = (
        Grant("seats", ProvisionKind.ENTITLEMENT, Decimal(40)),
        Grant("ai", ProvisionKind.CREDIT, Decimal(100), cadence=Cadence.YEAR),
        Grant("surprise", ProvisionKind.ENTITLEMENT, None, is_unlimited=True),
    )

    assert _told(_granted(grants=granted)) == [
        "ai: 100 each month / 100 each year",
        "seats: 50 / 40",
        "sso: unlimited / nothing",
        "surprise: nothing / unlimited",
    ]


_VALUES = st.one_of(st.none(), st.integers(0, 10**6).map(Decimal))
_GRANTS = st.dictionaries(st.sampled_from(["a", "b", "c"]), _VALUES, max_size=3).map(
    lambda values: tuple(
        Grant(ref, ProvisionKind.ENTITLEMENT, value, is_unlimited=value is None) for ref, value in values.items()
    )
)


@given(sold=_GRANTS, given_=_GRANTS)
def test_there_is_a_difference_exactly_where_the_two_sides_differ(
    sold: tuple[Grant, ...], given_: tuple[Grant, ...]
) -> None:
    found = access_differences(wanted=replace(_ACCESS, grants=sold), granted=_granted(grants=given_))

    left, right = {grant.ref: grant for grant in sold}, {grant.ref: grant for grant in given_}
    assert {one.what for one in found} == {ref for ref in {*left, *right} if left.get(ref) != right.get(ref)}
