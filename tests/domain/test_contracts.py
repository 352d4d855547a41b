"""Contracts of several orders: arrival, refusals, values, history and undo."""

from __future__ import annotations

import itertools
from dataclasses import replace
from decimal import Decimal

import pytest

from connector.domain.contracts import (
    Contract,
    ContractRefused,
    ContractWaits,
    annual_value,
    build_contract,
    contract_value,
    history,
    order_value,
    recurring_value,
    tie_out,
    undo,
)
from connector.domain.schedule import schedule
from connector.domain.terms import ChargeType, Customer, DealType, Order
from tests.domain.making import (
    day,
    make_cancellation,
    make_item,
    make_order,
    rows,
    sums_by_date,
)
from tests.domain.seat_orders import (
    NEW,
    NEW_MONTHLY,
    change,
    codes,
    downsell,
    monthly_seats,
    seats,
    upsell,
    value_of,
)


# Arrival
def test_the_order_of_arrival_makes_no_difference() -> None:
    orders = [
        NEW,
        upsell("60", "50", "2026-03-15"),
        upsell("75", "60", "2026-05-20", record="UP2", amends_ref="UP"),
        downsell("70", "75", "2026-08-01", is_unused_credited=True),
        make_cancellation("2026-11-11", credited=True),
    ]
    contracts = [build_contract(orders=order) for order in itertools.permutations(orders)]

    assert all(contract == contracts[0] for contract in contracts)


def test_the_same_order_given_twice_counts_once() -> None:
    assert value_of(NEW, NEW) == "12000.00"


def test_a_change_waits_for_the_order_it_changes() -> None:
    with pytest.raises(ContractWaits, match="NEW") as waits:
        build_contract(orders=[upsell("60", "50", "2026-05-20")])

    assert waits.value.missing == ("NEW",)


def test_a_change_of_a_change_waits_for_it_too() -> None:
    with pytest.raises(ContractWaits, match="UP") as waits:
        build_contract(orders=[NEW, upsell("75", "60", "2026-06-01", record="UP2", amends_ref="UP")])

    assert waits.value.missing == ("UP",)


def test_ids_of_15_and_18_characters_name_the_same_record() -> None:
    new = make_order(seats(), record="0Q0000000000001AAA")

    assert value_of(new, upsell("60", "50", "2026-05-20", amends_ref="0Q0000000000001")) == "13486.03"


def test_a_prior_quantity_that_does_not_fit_is_told() -> None:
    contract = build_contract(orders=[NEW, upsell("60", "45", "2026-05-20")])

    assert [fault.code for fault in contract.warnings] == ["PRIOR_QUANTITY_DIFFERS"]


# Refusals
@pytest.mark.parametrize(
    ("other", "code"),
    [
        (make_order(seats(), record="NEW2", amends_ref="NEW"), "SECOND_INITIAL_ORDER"),
        (upsell("60", "50", "2025-12-31"), "CHANGE_BEFORE_START"),
        (upsell("60", "50", "2027-01-01", last="2027-12-31"), "CHANGE_AFTER_END"),
        (upsell("60", "50", "2026-05-20", currency="USD"), "MIXED_CURRENCIES"),
        (upsell("60", "50", "2026-05-20", customer=Customer("001Z", "Other Ltd")), "OTHER_CUSTOMER"),
        (make_cancellation("2027-01-02"), "CHANGE_AFTER_END"),
        (make_cancellation("2025-06-01"), "CHANGE_BEFORE_START"),
        (
            make_order(
                seats(start="2026-12-01", last="2027-11-30"),
                record="RENEW",
                start="2026-12-01",
                last="2027-11-30",
                deal=DealType.RENEWAL,
            ),
            "RENEWAL_OVERLAPS",
        ),
    ],
)
def test_an_order_that_cannot_join_is_refused_with_the_rule_named(other: Order, code: str) -> None:
    with pytest.raises(ContractRefused) as refused:
        build_contract(orders=[NEW, other])

    assert codes(refused) == [code]
    assert refused.value.faults[0].record == other.source.record_id
    assert refused.value.code == code


def test_a_change_signed_after_the_cancellation_is_refused() -> None:
    late = upsell("60", "50", "2026-08-01", signed_on=day("2026-07-20"))

    with pytest.raises(ContractRefused) as refused:
        build_contract(orders=[NEW, make_cancellation("2026-07-01", signed_on=day("2026-06-01")), late])

    assert codes(refused) == ["CHANGE_AFTER_CANCELLATION"]


def test_a_change_signed_on_the_day_of_the_cancellation_ends_with_it() -> None:
    same_day = upsell("60", "50", "2026-08-01", signed_on=day("2026-06-01"))

    assert value_of(NEW, make_cancellation("2026-07-01", signed_on=day("2026-06-01")), same_day) == "12000.00"


def test_a_second_cancellation_is_refused() -> None:
    with pytest.raises(ContractRefused) as refused:
        build_contract(orders=[NEW, make_cancellation("2026-07-01"), make_cancellation("2026-08-01", record="C2")])

    assert codes(refused) == ["SECOND_CANCELLATION"]


def test_all_broken_rules_are_told_at_once() -> None:
    wrong = upsell("60", "50", "2025-05-20", currency="USD", customer=Customer("001Z", "Other Ltd"))

    with pytest.raises(ContractRefused) as refused:
        build_contract(orders=[NEW, wrong])

    assert set(codes(refused)) == {"MIXED_CURRENCIES", "OTHER_CUSTOMER", "CHANGE_BEFORE_START"}


# Values
def test_the_signed_total_must_equal_the_value_to_the_cent() -> None:
    assert tie_out(order=replace(NEW, signed_total=Decimal("12000.00")), base=None) == ()
    assert tie_out(order=replace(NEW, signed_total=Decimal("12000")), base=None) == ()
    assert tie_out(order=NEW, base=None) == ()


def test_a_total_that_differs_names_both_figures_the_difference_and_the_lines() -> None:
    (fault,) = tie_out(order=replace(NEW, signed_total=Decimal("12000.01")), base=None)

    assert fault.code == "TOTAL_MISMATCH"
    assert fault.message == (
        "The signed total is 12,000.01 EUR, the lines add up to 12,000.00 EUR: a difference of 0.01 EUR. "
        "Ours: Seats 12,000.00."
    )
    assert (fault.record, fault.field, fault.value) == ("NEW", "signed_total", "12000.01")


@pytest.mark.parametrize("signed", ["1486.03", "13486.03"])
def test_a_change_may_name_its_own_value_or_the_contracts_after_it(signed: str) -> None:
    more = upsell("60", "50", "2026-05-20", signed_total=Decimal(signed))

    assert tie_out(order=more, base=build_contract(orders=[NEW])) == ()


def test_a_change_with_another_total_is_a_mismatch() -> None:
    more = upsell("60", "50", "2026-05-20", signed_total=Decimal("2400.00"))
    (fault,) = tie_out(order=more, base=build_contract(orders=[NEW]))

    assert "1,486.03" in fault.message


def test_the_value_of_an_order_does_not_depend_on_later_ones() -> None:
    more = upsell("60", "50", "2026-05-20")
    cancelled = make_cancellation("2026-07-01", credited=True)
    alone = order_value(order=more, base=build_contract(orders=[NEW]))
    among_all = order_value(order=more, base=build_contract(orders=[cancelled, more, NEW]))

    assert str(alone) == str(among_all) == "1486.03 EUR"
    assert str(order_value(order=cancelled, base=build_contract(orders=[NEW, more, cancelled]))) == "-7259.18 EUR"


def test_annual_and_recurring_value_follow_the_lines_in_service() -> None:
    new = make_order(monthly_seats(), make_item("Onboarding", price="500", charge_type=ChargeType.ONE_TIME))
    item = monthly_seats("60", prior_quantity=Decimal(50))
    contract = build_contract(orders=[new, change(item, deal=DealType.UPSELL, start="2026-07-01")])

    assert str(annual_value(contract=contract, on=day("2026-06-30"))) == "12000.00 EUR"
    assert str(annual_value(contract=contract, on=day("2026-07-01"))) == "14400.00 EUR"
    assert str(annual_value(contract=contract, on=day("2027-01-01"))) == "0.00 EUR"
    assert str(recurring_value(contract=contract)) == "13200.00 EUR"
    assert str(contract_value(contract=contract)) == "13700.00 EUR"


def test_annual_value_counts_a_replaced_line_until_its_last_day() -> None:
    dearer = change(seats(price="365"), deal=DealType.AMENDMENT, start="2026-05-20")
    contract = build_contract(orders=[NEW, dearer])

    assert str(annual_value(contract=contract, on=day("2026-05-19"))) == "12000.00 EUR"
    assert str(annual_value(contract=contract, on=day("2026-05-20"))) == "18250.00 EUR"


def test_the_history_says_which_order_changed_what() -> None:
    contract = build_contract(
        orders=[NEW, upsell("60", "50", "2026-05-20"), make_cancellation("2026-07-01", credited=True)]
    )

    assert [
        (change.order_name, str(change.effective_on), str(change.value.amount), str(change.total.amount))
        for change in history(contract=contract)
    ] == [
        ("Quote NEW", "2026-01-01", "12000.00", "12000.00"),
        ("Quote UP", "2026-05-20", "1486.03", "13486.03"),
        ("Quote CANCEL", "2026-07-01", "-7259.18", "6226.85"),
    ]


# Undo
def undone(*orders: Order, record: str, on: str) -> Contract:
    return undo(contract=build_contract(orders=orders), order_ref=record, on=day(on), reason="signed by mistake")


def test_an_undone_upsell_is_reversed_on_the_day_of_the_undo() -> None:
    contract = undone(NEW, upsell("60", "50", "2026-05-20"), record="UP", on="2026-06-10")

    assert sums_by_date(schedule(contract=contract)) == {
        "2026-01-01": Decimal("12000.00"),
        "2026-05-20": Decimal("1486.03"),
        "2026-06-10": Decimal("-1486.03"),
    }
    assert contract_value(contract=contract) == contract_value(contract=build_contract(orders=[NEW]))
    assert [change.is_undo for change in history(contract=contract)] == [False, False, True]


def test_an_order_undone_before_it_was_due_leaves_the_schedule_as_it_was() -> None:
    contract = undone(NEW, upsell("60", "50", "2026-05-20"), record="UP", on="2026-05-20")

    assert rows(schedule(contract=contract)) == rows(schedule(contract=build_contract(orders=[NEW])))


def test_an_undone_cancellation_makes_up_for_what_was_not_billed() -> None:
    contract = undone(NEW_MONTHLY, make_cancellation("2026-03-01"), record="CANCEL", on="2026-04-15")

    # March and April were left out and are made up for on 15 April; then the schedule goes on.
    assert [(row[0], row[2]) for row in rows(schedule(contract=contract))] == [
        ("2026-01-01", "1000.00"),
        ("2026-02-01", "1000.00"),
        ("2026-04-15", "1000.00"),
        ("2026-04-15", "1000.00"),
        ("2026-05-01", "1000.00"),
        ("2026-06-01", "1000.00"),
    ]


def test_orders_are_undone_step_by_step() -> None:
    first, second = upsell("60", "50", "2026-03-01"), upsell("70", "60", "2026-05-01", record="UP2")

    with pytest.raises(ContractRefused, match="Quote UP2"):
        undone(NEW, first, second, record="UP", on="2026-06-01")

    once = undone(NEW, first, second, record="UP2", on="2026-06-01")
    twice = undo(contract=once, order_ref="UP", on=day("2026-07-01"), reason="signed by mistake")
    assert contract_value(contract=once) == contract_value(contract=build_contract(orders=[NEW, first]))
    assert contract_value(contract=twice) == contract_value(contract=build_contract(orders=[NEW]))
    reversed_on = [charge for charge in schedule(contract=twice) if str(charge.bill_on) >= "2026-06-01"]
    assert [(str(charge.bill_on), str(charge.amount.amount)) for charge in reversed_on] == [
        ("2026-06-01", "-1610.96"),
        ("2026-07-01", "-2012.05"),
    ]


def test_the_initial_order_cannot_be_undone() -> None:
    with pytest.raises(ContractRefused, match="only the initial order"):
        undone(NEW, record="NEW", on="2026-06-01")
