"""How each line stands to schedule, other documents, last document and usage."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from connector.domain.contract_terms import Charge
from connector.domain.contracts import build_contract
from connector.domain.invoice_drafts import InvoiceItem, item_of
from connector.domain.line_evidence import (
    AgainstSchedule,
    GoneLine,
    LineEvidence,
    Reading,
    gone_lines,
    line_evidence,
)
from connector.domain.money import Money
from connector.domain.schedule import schedule
from connector.domain.terms import BillingTiming, ChargeType
from tests.domain.making import MONTHLY, make_item, make_order

CALLS = make_item(
    "Calls", quantity="0", price="0.01", charge_type=ChargeType.USAGE, price_period_months=1,
    billing_period_months=MONTHLY, billing_timing=BillingTiming.IN_ARREARS,
)  # fmt: skip


def charges() -> list[Charge]:
    """A year of monthly seats, then usage."""
    seats = make_item("Seats", price="100", price_period_months=1, billing_period_months=MONTHLY)
    return list(schedule(contract=build_contract(orders=[make_order(seats, CALLS)])))


CHARGES = charges()
SEATS = [charge for charge in CHARGES if charge.description == "Seats"]
USAGE = [charge for charge in CHARGES if charge.description == "Calls"]


def item(charge: Charge, amount: str = "") -> InvoiceItem:
    """The charge as a row of a document, at another amount if one is named."""
    made = item_of(contract_ref="C-1", charge=charge)
    return replace(made, amount=Money(Decimal(amount), "EUR")) if amount else made


def seen(one: InvoiceItem, *, elsewhere: str = "0", is_known: bool = True, **changes: object) -> LineEvidence:
    """What is said of one item."""
    (found,) = line_evidence(
        items=[one],
        charges={"C-1": {charge.key: charge for charge in CHARGES} if is_known else None},
        elsewhere={one.charge_key: Money(Decimal(elsewhere), "EUR")},
        **{"last": None, "readings": {}, **changes},  # type: ignore[arg-type]
    )
    return found


def test_a_row_at_the_amount_of_its_charge_is_as_scheduled() -> None:
    found = seen(item(SEATS[0]))

    assert (found.word, found.scheduled, found.is_different) == (
        AgainstSchedule.AS_SCHEDULED, Money(Decimal(100), "EUR"), False,
    )  # fmt: skip


def test_a_row_that_differs_says_what_the_schedule_says() -> None:
    found = seen(item(SEATS[0], "90"))

    assert (found.word, found.scheduled, found.is_different) == (
        AgainstSchedule.DIFFERS, Money(Decimal(100), "EUR"), True,
    )  # fmt: skip


def test_a_row_without_a_charge_is_not_on_the_schedule() -> None:
    found = seen(replace(item(SEATS[0]), charge_key="gone"))

    assert (found.word, found.scheduled, found.is_different) == (AgainstSchedule.NOT_SCHEDULED, None, True)


def test_what_cannot_be_calculated_is_unknown_and_no_difference() -> None:
    found = seen(item(SEATS[0]), is_known=False)

    assert (found.word, found.is_different) == (AgainstSchedule.UNKNOWN, False)


@given(st.decimals(min_value=-500, max_value=500, places=2), st.decimals(min_value=-500, max_value=500, places=2))
def test_a_row_is_right_exactly_when_it_and_the_others_add_up(amount: Decimal, elsewhere: Decimal) -> None:
    found = seen(item(SEATS[0], str(amount)), elsewhere=str(elsewhere))

    assert found.is_different == (amount + elsewhere != 100)
    if not found.is_different:
        assert (found.word is AgainstSchedule.COMPLETES) == bool(elsewhere)


def test_the_last_document_is_compared_by_product_and_usage_by_its_reading() -> None:
    last = [item(SEATS[0]), item(SEATS[1], "50")]
    reading = Reading(Decimal(7), datetime(2026, 2, 1, tzinfo=UTC))

    seats = seen(item(SEATS[2]), last=last)
    calls = seen(item(USAGE[0]), last=last, readings={USAGE[0].key: reading})

    assert (seats.last, seats.is_usage, seats.reading) == (Money(Decimal(150), "EUR"), False, None)
    assert (calls.last, calls.is_usage, calls.reading) == (None, True, reading)


def test_lines_that_are_no_longer_there_are_named_with_what_they_came_to() -> None:
    found = gone_lines(items=[item(SEATS[1])], last=[item(SEATS[0]), item(USAGE[0], "3")])

    assert found == (GoneLine("Calls", Money(Decimal(3), "EUR")),)
