"""How documents are numbered and dated."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from connector.domain.invoice_drafts import DocumentKind
from connector.domain.legal_entities import NumberFormat, numbering_faults, plain_entity

GERMANY = plain_entity(code="DE", country="DE")


@pytest.mark.parametrize(
    ("text", "number", "period"),
    [
        ("{entity}-{year}-{number:6}", "DE-2026-000042", "2026"),
        ("{entity}-CN-{year}-{number:6}", "DE-CN-2026-000042", "2026"),
        ("INV {number}", "INV 42", ""),
        ("{number:1}/{year}", "42/2026", "2026"),
    ],
)
def test_a_number_is_written_as_its_format_says(text: str, number: str, period: str) -> None:
    form = NumberFormat(text)

    assert form.number(entity="DE", on=date(2026, 3, 2), sequence=42) == number
    assert form.period(date(2026, 3, 2)) == period


def test_a_number_with_more_digits_than_places_keeps_them_all() -> None:
    assert NumberFormat("A{number:3}").number(entity="", on=date(2026, 1, 1), sequence=12345) == "A12345"


@pytest.mark.parametrize(
    "text", ["", "DE-{year}", "{number}{number}", "{number}-{month}", "{number}\n", "{number}<b>", "{number}é"]
)
def test_a_text_that_is_no_format_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        NumberFormat(text)


def test_two_series_never_write_the_same_number() -> None:
    same = NumberFormat("{year}-{number:6}")

    assert numbering_faults(entities=[GERMANY, plain_entity(code="US", country="US")]) == ()
    assert (
        "would have the same numbers"
        in numbering_faults(entities=[replace(GERMANY, credit_note_number=same, invoice_number=same)])[0]
    )
    dashes = replace(GERMANY, invoice_number=NumberFormat("D-{number}"), credit_note_number=NumberFormat("D{number}"))
    assert len(numbering_faults(entities=[dashes])) == 1


def test_numbers_of_an_indian_entity_have_sixteen_characters_at_most() -> None:
    india = plain_entity(code="IN", country="IN")

    assert numbering_faults(entities=[india]) == (
        "numbers of the credit notes of IN are longer than 16 characters (IN-CN-2026-000001)",
    )
    assert numbering_faults(entities=[replace(india, credit_note_number=NumberFormat("C{year}{number:6}"))]) == ()


def test_the_year_turns_in_the_zone_of_the_entity() -> None:
    moment = datetime(2026, 12, 31, 23, 30, tzinfo=UTC)

    assert replace(GERMANY, time_zone="Europe/Berlin").today(moment) == date(2027, 1, 1)
    assert replace(GERMANY, time_zone="America/New_York").today(moment) == date(2026, 12, 31)


def test_an_invoice_is_due_net_days_after_its_bill_date_and_never_before_it_exists() -> None:
    bill_on, issued_on = date(2026, 1, 31), date(2026, 2, 10)

    assert GERMANY.due_on(bill_on=bill_on, issued_on=issued_on, net_days=30) == date(2026, 3, 2)
    assert GERMANY.due_on(bill_on=bill_on, issued_on=issued_on, net_days=0) == issued_on
    from_issue = replace(GERMANY, is_due_from_issue=True)
    assert from_issue.due_on(bill_on=bill_on, issued_on=issued_on, net_days=30) == date(2026, 3, 12)


def test_credit_notes_have_a_series_of_their_own() -> None:
    assert GERMANY.number_format(DocumentKind.CREDIT_NOTE) != GERMANY.number_format(DocumentKind.INVOICE)
