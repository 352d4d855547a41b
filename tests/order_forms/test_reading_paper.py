"""Order forms of other tools are read as they are meant, from three producers in seven layouts."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from connector.domain.form_readings import FormReading, Place
from tests.order_forms.authority import sign
from tests.order_forms.conftest import Check
from tests.order_forms.paper import LAYOUTS, PRODUCERS, STYLES, by_fpdf2, expected, with_changes

ALL = [(producer, style) for producer in PRODUCERS for style in STYLES]


def _values(reading: FormReading) -> tuple[dict[str, str], list[dict[str, str]]]:
    return (
        {name: found.value for name, found in reading.values.items()},
        [{name: _number(name, found.value) for name, found in line.items()} for line in reading.lines],
    )


def _number(name: str, value: str) -> str:
    return f"{Decimal(value):.2f}" if name in ("unit_price", "amount") else value


@pytest.mark.parametrize(("producer", "style"), ALL)
def test_a_signed_order_form_is_read_as_it_is_meant(check: Check, producer: str, style: str) -> None:
    chosen = STYLES[style]

    found = check(sign(PRODUCERS[producer](chosen)), layouts=LAYOUTS)

    assert found.reading.questions == ()
    assert found.reading.layout == style
    assert _values(found.reading) == expected(chosen)
    assert [one.is_good for one in found.signatures] == [True]


def test_every_value_keeps_the_place_where_it_stands(check: Check) -> None:
    found = check(by_fpdf2(STYLES["long"]), layouts=LAYOUTS)

    places = [value.place for line in found.reading.lines for value in line.values()]
    assert all(isinstance(place, Place) for place in places)
    assert {place.page for place in places if place} == set(range(1, found.pages + 1))
    total = found.reading.values["total"]
    assert total.place is not None
    assert total.place.page == found.pages
    picture = found.pictures[-1]
    assert 0 < total.place.left < total.place.right <= picture.width
    assert 0 < total.place.top < total.place.bottom <= picture.height


@pytest.mark.parametrize(
    ("style", "values", "asked"),
    [
        # A date in another locale, and with it each date that reads both ways.
        ("us", {"starts_on": "04/05/2026", "ends_on": "31/03/2027"}, {"starts_on", "ends_on"}),
        ("us", {"starts_on": "1 April 2026"}, {"starts_on"}),
        ("german", {"total": "2,200.00 €"}, {"total"}),
        # A thousand or a fraction?
        ("us", {"total": "2.200"}, {"total"}),
        ("us", {"payment_terms_days": "as agreed"}, {"payment_terms_days"}),
        ("us", {"currency": "Dollars"}, {"currency"}),
        ("colons", {"total": "EUR 2,200.00"}, {"currency"}),
    ],
)
def test_what_is_not_clear_is_asked_and_never_guessed(
    check: Check, style: str, values: dict[str, str], asked: set[str]
) -> None:
    found = check(by_fpdf2(STYLES[style], values), layouts=LAYOUTS)

    assert {question.name for question in found.reading.questions} == asked
    assert not asked & set(found.reading.values)
    assert all(question.reason for question in found.reading.questions)


def test_a_label_with_two_meanings_is_asked(check: Check) -> None:
    twice = with_changes(STYLES["us"], labels=(*STYLES["us"].labels, ("Purchase order", "customer_name")))

    found = check(by_fpdf2(twice), layouts=LAYOUTS)

    assert [question.name for question in found.reading.questions] == ["po_number"]
    assert "several places" in found.reading.questions[0].reason


def test_a_document_that_no_layout_describes_is_asked_about(check: Check) -> None:
    found = check(by_fpdf2(STYLES["us"]), layouts=())

    assert found.reading.values == {}
    assert [question.name for question in found.reading.questions] == ["layout"]


def test_a_table_that_is_not_there_is_asked_about(check: Check) -> None:
    other: Any = with_changes(STYLES["us"], heads=(("Thing", "product_name"), *STYLES["us"].heads[1:]))

    found = check(by_fpdf2(other), layouts=LAYOUTS)

    assert "lines" in {question.name for question in found.reading.questions}
