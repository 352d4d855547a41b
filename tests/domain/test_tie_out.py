"""A document against an order: each thing that can differ, told with both sides."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from connector.domain.form_readings import FormReading, FoundValue, Place, ReadFrom
from connector.domain.terms import Customer, DealType, LineItem, Order, RecordRef
from connector.domain.tie_out import OrderFacts, Person, label_of, paper_faults, tie_out_form

START, END = date(2026, 4, 1), date(2027, 4, 1)
PLACE = Place(1, 10, 20, 30, 40)


def _item(position: int, code: str, name: str, quantity: str, price: str, **more: Any) -> LineItem:
    return LineItem(f"L{position}", position, code, name, START, END, Decimal(quantity), Decimal(price), **more)


ITEMS = (_item(1, "PLATFORM", "Platform fee", "1", "1000.00"), _item(2, "SEAT", "Seats", "50", "24.00"))
ORDER = Order(
    source=RecordRef("org", "Quote", "q"), name="Deal", deal_type=DealType.NEW,
    customer=Customer("001", "Aurora Analytics GmbH"), currency="USD", starts_on=START, ends_on=END,
    payment_terms_days=30, legal_entity="US", line_items=ITEMS, po_number="PO-1",
)  # fmt: skip
FACTS = OrderFacts(
    ORDER, {"L1": Decimal("1000.00"), "L2": Decimal("1200.00")}, Decimal("2200.00"), "Demo Inc",
    Person("Jane Miller", "jane@aurora.example"), (Person("Jane Miller", "jane@aurora.example"),),
)  # fmt: skip


def _value(text: str) -> FoundValue:
    return FoundValue(text, text, ReadFrom.TEXT, PLACE)


def _line(**values: str) -> dict[str, FoundValue]:
    return {name: _value(text) for name, text in values.items()}


LINES = (
    _line(product_code="PLATFORM", product_name="Platform fee", quantity="1", unit_price="1000", amount="1000.00"),
    _line(product_code="SEAT", product_name="Seats", quantity="50", unit_price="24.00", amount="1200.00"),
)
VALUES = {
    "customer_name": "Aurora  Analytics GmbH", "seller": "Demo Inc.", "currency": "USD", "starts_on": "2026-04-01",
    "ends_on": "2027-04-01", "payment_terms_days": "30", "po_number": "PO-1", "total": "2200.0",
}  # fmt: skip
READING = FormReading(_line(**VALUES), LINES)


def _with(**values: str) -> FormReading:
    return replace(READING, values={**READING.values, **_line(**values)})


def test_a_document_that_agrees_has_no_differences() -> None:
    assert tie_out_form(reading=READING, facts=FACTS) == ()
    assert paper_faults(READING) == ()


@pytest.mark.parametrize(
    ("name", "told", "paper", "salesforce"),
    [
        ("customer_name", "Aurora Holding GmbH", "Aurora Holding GmbH", "Aurora Analytics GmbH"),
        ("seller", "Other Inc", "Other Inc", "Demo Inc"),
        ("currency", "EUR", "EUR", "USD"),
        ("starts_on", "2026-05-01", "2026-05-01", "2026-04-01"),
        # People read and write the last day with service.
        ("ends_on", "2026-10-01", "2026-09-30", "2027-03-31"),
        ("payment_terms_days", "60", "60", "30"),
        ("po_number", "PO-2", "PO-2", "PO-1"),
        ("total", "2300.00", "2300.00", "2200.00"),
        ("signer_email", "eve@evil.example", "eve@evil.example", ""),
    ],
)
def test_each_value_that_differs_is_told_with_both_sides_and_its_place(
    name: str, told: str, paper: str, salesforce: str
) -> None:
    facts = FACTS if name != "signer_email" else replace(FACTS, signers=())
    found = tie_out_form(reading=_with(**{name: told}), facts=facts)

    (difference,) = found
    assert difference.place == PLACE
    assert paper in difference.paper
    assert paper in difference.message
    assert salesforce in difference.salesforce


def test_a_changed_price_differs_on_its_line() -> None:
    changed = (LINES[0], {**LINES[1], **_line(unit_price="25.00")})

    (difference,) = tie_out_form(reading=replace(READING, lines=changed), facts=FACTS)

    assert (difference.name, difference.paper, difference.salesforce) == ("lines.2.unit_price", "25.00", "24.00")
    assert difference.message == "Seats: the document says unit price 25.00, Salesforce 24.00."


def test_a_line_that_only_one_side_has_differs() -> None:
    more = replace(READING, lines=(*LINES, _line(product_name="Training", amount="1.00")))
    less = replace(READING, lines=LINES[:1])

    assert [one.name for one in tie_out_form(reading=more, facts=FACTS)] == ["lines.3"]
    assert "Seats (SEAT)" in tie_out_form(reading=less, facts=FACTS)[0].message


def test_lines_in_another_order_and_ramps_of_one_product_find_their_partners() -> None:
    ramp = (
        replace(ITEMS[1], ref="L3", position=3, quantity=Decimal(60)),
        replace(ITEMS[1], ref="L4", position=4, quantity=Decimal(70)),
    )
    facts = replace(FACTS, order=replace(ORDER, line_items=ramp), amounts={})
    lines = (_line(product_code="seat", quantity="70"), _line(product_code="SEAT", quantity="60"))

    assert tie_out_form(reading=replace(READING, lines=lines), facts=facts) == ()
    assert tie_out_form(reading=replace(READING, lines=LINES[::-1]), facts=FACTS) == ()


def test_what_a_document_must_name_and_does_not_is_a_difference() -> None:
    found = tie_out_form(reading=FormReading(), facts=replace(FACTS, order=replace(ORDER, po_number="")))

    assert [one.name for one in found] == ["customer_name", "currency", "total"]


def test_a_purchase_order_on_one_side_alone_differs() -> None:
    without = replace(READING, values={name: one for name, one in READING.values.items() if name != "po_number"})

    assert [one.name for one in tie_out_form(reading=without, facts=FACTS)] == ["po_number"]


def test_another_signer_than_the_contact_differs() -> None:
    facts = replace(FACTS, signers=(Person("Jane Miller", "jane@private.example"),))

    (difference,) = tie_out_form(reading=READING, facts=facts)

    assert difference.name == "signer"
    assert "jane@private.example" in difference.message


def test_nobody_is_missed_when_salesforce_names_no_contact() -> None:
    assert tie_out_form(reading=READING, facts=replace(FACTS, contact=Person())) == ()


def test_lines_that_do_not_add_up_are_a_fault_of_the_paper() -> None:
    (fault,) = paper_faults(_with(total="2100.00"))

    assert "add up to 2200.00, but its total says 2100.00" in fault.message


def test_answers_of_a_person_take_the_place_of_what_was_read() -> None:
    answer = FoundValue("7", "7", ReadFrom.PERSON, who="rosa")

    reading = READING.with_answers({"lines.3.quantity": answer, "po_number": answer})

    assert reading.lines[2]["quantity"].who == "rosa"
    assert reading.text("po_number") == "7"


def test_names_of_values_read_well() -> None:
    assert label_of("lines.2.unit_price") == "Line 2, unit price"
    assert label_of("ends_on") == "Last day"
