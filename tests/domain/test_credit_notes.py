"""Lowering an issued invoice: in full, in part, never too far."""

from __future__ import annotations

from decimal import Decimal

import pytest

from connector.domain.contracts import build_contract
from connector.domain.credit_notes import CreditRefused, apply_credit, creditable, draft_credit_note, full_credit_note
from connector.domain.invoicing import DocumentKind, InvoiceDraft, draft_invoices
from connector.domain.money import Money
from tests.domain.making import day, make_item, make_order


def euro(text: str) -> Money:
    return Money(Decimal(text), "EUR")


def invoice() -> InvoiceDraft:
    contract = build_contract(orders=[make_order(make_item("Platform"), make_item("Support", price="100"))])
    return draft_invoices(contracts=[contract], as_of=day("2026-01-01")).drafts[0]


SUPPORT = "NEW:line-Support/2026-01-01/recurring"


def credit(amount: str, key: str = SUPPORT, *, earlier: tuple[InvoiceDraft, ...] = ()) -> InvoiceDraft:
    return draft_credit_note(
        invoice=invoice(),
        document="DE-1",
        amounts={key: euro(amount)},
        credited=[item for note in earlier for item in note.items],
        bill_on=day("2026-02-01"),
        reason="Service was down for a week.",
    )


def test_a_credit_note_is_a_new_negative_document_that_names_its_invoice() -> None:
    note = credit("25.00")

    assert (note.kind, str(note.net), note.lowers) == (DocumentKind.CREDIT_NOTE, "-25.00 EUR", ("DE-1",))
    assert (note.items[0].reverses, note.items[0].reason) == (SUPPORT, "Service was down for a week.")
    assert note.bill_to == invoice().bill_to


def test_a_row_is_never_credited_beyond_its_amount() -> None:
    first = credit("60.00")

    with pytest.raises(CreditRefused, match=r"40\.01 EUR cannot be credited, 40\.00 EUR is left"):
        credit("40.01", earlier=(first,))
    assert str(credit("40.00", earlier=(first,)).net) == "-40.00 EUR"


@pytest.mark.parametrize("amount", ["0.00", "-5.00"])
def test_a_credit_must_be_positive(amount: str) -> None:
    with pytest.raises(CreditRefused):
        credit(amount)


def test_a_row_that_is_not_on_the_document_is_refused() -> None:
    with pytest.raises(CreditRefused, match="has no row other"):
        credit("1.00", "other")


def test_a_full_credit_takes_what_is_left() -> None:
    first = credit("60.00")
    note = full_credit_note(
        invoice=invoice(), document="DE-1", credited=first.items, bill_on=day("2026-02-01"), reason="Wrong customer."
    )

    assert str(note.net) == "-12040.00 EUR"
    with pytest.raises(CreditRefused, match="names no row"):
        full_credit_note(
            invoice=invoice(),
            document="DE-1",
            credited=(*first.items, *note.items),
            bill_on=day("2026-02-01"),
            reason="Again.",
        )


def test_nothing_is_left_of_a_credit_row() -> None:
    assert str(creditable(item=credit("60.00").items[0], credited=[])) == "0.00 EUR"


@pytest.mark.parametrize(
    ("paid", "credited", "expected"),
    [
        ("0.00", "100.00", ("1090.00", "0.00")),
        ("1190.00", "100.00", ("0.00", "100.00")),
        ("1150.00", "100.00", ("0.00", "60.00")),
    ],
)
def test_a_credit_lowers_the_open_amount_before_anything_goes_back(
    paid: str, credited: str, expected: tuple[str, str]
) -> None:
    left, surplus = apply_credit(owed=euro("1190.00"), paid=euro(paid), credit=euro(credited))

    assert (str(left.amount), str(surplus.amount)) == expected
