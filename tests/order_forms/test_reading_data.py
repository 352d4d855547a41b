"""Terms as data inside of the document: attachments, form fields, and what happens when they differ from the pages."""

from __future__ import annotations

import json

import pytest

from tests.order_forms import hostile
from tests.order_forms.conftest import Check
from tests.order_forms.paper import LAYOUTS, STYLES, by_fpdf2

PLAIN = by_fpdf2(STYLES["us"])
NAME = "order-form.json"
TERMS = {
    "customer_name": "Aurora Analytics GmbH",
    "currency": "USD",
    "starts_on": "2026-04-01",
    "ends_on": "2027-04-01",
    "total": "2200.00",
    "lines": [
        {"product_name": "Platform fee", "quantity": 1, "unit_price": "1000.00", "amount": "1000.00"},
        {"product_name": "Seats", "quantity": 50, "unit_price": 24.00, "amount": 1200},
    ],
}


def _json(**changes: object) -> bytes:
    return json.dumps(TERMS | changes).encode()


def test_an_attachment_that_says_what_the_pages_say_is_taken_with_their_places(check: Check) -> None:
    found = check(hostile.attached(PLAIN, NAME, _json()), layouts=LAYOUTS, attachments=(NAME,)).reading

    assert found.questions == ()
    assert {value.read_from for name, value in found.values.items() if name in TERMS} == {"attachment"}
    assert found.lines[1]["amount"].value == "1200"
    assert found.values["total"].place is not None


def test_an_attachment_that_differs_from_the_pages_is_asked_about(check: Check) -> None:
    found = check(hostile.attached(PLAIN, NAME, _json(total="220.00")), layouts=LAYOUTS, attachments=(NAME,)).reading

    assert [question.name for question in found.questions] == ["total"]
    assert "The attachment says 220.00, the page says 2200.00." in found.questions[0].reason
    assert "total" not in found.values


def test_an_attachment_that_nobody_can_compare_is_asked_about(check: Check) -> None:
    found = check(hostile.attached(PLAIN, NAME, _json()), attachments=(NAME,)).reading

    assert found.values["total"].value == "2200.00"
    assert [question.name for question in found.questions] == ["attachment"]


def test_an_attachment_may_be_xml(check: Check) -> None:
    content = b"""<form xmlns="urn:x"><customer_name>Aurora</customer_name><total>10.50</total>
        <lines><line><product_code>A</product_code><quantity>2</quantity></line></lines></form>"""

    found = check(hostile.attached(PLAIN, "form.xml", content), attachments=("form.xml",)).reading

    assert found.values["total"].value == "10.50"
    assert {name: value.value for name, value in found.lines[0].items()} == {"product_code": "A", "quantity": "2"}


@pytest.mark.parametrize(
    ("name", "content"),
    [
        (NAME, b"{"),
        (NAME, b"[1, 2]"),
        (NAME, b"[" * 100_000),
        (NAME, b'{"total": NaN}'),
        ("form.xml", b'<!DOCTYPE a [<!ENTITY b "b">]><a>&b;</a>'),
        ("form.xml", b"<a>"),
        (NAME, b" " * 3_000_000),
    ],
)
def test_an_attachment_that_cannot_be_read_is_told_and_not_followed(check: Check, name: str, content: bytes) -> None:
    found = check(hostile.attached(PLAIN, name, content), attachments=(name,)).reading

    assert found.values == {}
    assert "attachment" in {question.name for question in found.questions}


@pytest.mark.parametrize(
    ("field", "value"),
    [("total", "2,200.00"), ("starts_on", "04/01/2026"), ("currency", "$"), ("payment_terms_days", "soon")],
)
def test_a_value_of_an_attachment_is_not_guessed(check: Check, field: str, value: str) -> None:
    content = hostile.attached(PLAIN, NAME, _json(**{field: value}))

    found = check(content, attachments=(NAME,)).reading

    assert field in {question.name for question in found.questions}
    assert field not in found.values


def test_an_attachment_of_another_name_is_nothing_to_us(check: Check) -> None:
    found = check(hostile.attached(PLAIN, "notes.json", _json()), attachments=(NAME,)).reading

    assert found.values == {}


def test_form_fields_are_read_with_the_place_of_their_box(check: Check) -> None:
    content = hostile.with_fields(
        PLAIN, [("po_number", "PO-9"), ("total", "2200.00"), ("lines.1.quantity", "3"), ("remarks", "none")]
    )

    found = check(content).reading

    assert {name: value.value for name, value in found.values.items()} == {"po_number": "PO-9", "total": "2200.00"}
    assert found.lines[0]["quantity"].value == "3"
    place = found.values["po_number"].place
    assert place is not None
    assert (place.page, place.left) == (1, 300)


def test_a_form_field_that_differs_from_the_page_is_asked_about(check: Check) -> None:
    found = check(hostile.with_fields(PLAIN, [("po_number", "PO-9")]), layouts=LAYOUTS).reading

    assert [question.name for question in found.questions] == ["po_number"]
    assert "form field" in found.questions[0].reason


def test_a_name_of_ours_that_we_cannot_have_given_is_none(check: Check) -> None:
    found = check(hostile.attached(PLAIN, NAME, _json(made_id="\x00")), attachments=(NAME,)).reading

    assert found.made_id == ""
