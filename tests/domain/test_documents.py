"""The value that page, PDF and XML are made from."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.domain.documents import DocumentState, build_document
from connector.domain.money import Money
from connector.domain.payment_reference import is_creditor_reference
from connector.domain.tax import PriceBasis
from tests.documents.making import (
    NOT_SUBJECT,
    REDUCED,
    STANDARD,
    make_credit_note,
    make_document,
    make_facts,
    make_row,
    make_taxed,
)


def euros(amount: str) -> Money:
    return Money(Decimal(amount), "EUR")


def test_an_invoice_holds_its_lines_totals_and_what_is_due() -> None:
    view = make_document(make_row(), make_row(2, amount="500.00"), taxes=(STANDARD, REDUCED), paid=euros("600.00"))

    assert [(line.position, str(line.net)) for line in view.lines] == [(1, "1000.00 EUR"), (2, "500.00 EUR")]
    assert (str(view.net), str(view.tax), str(view.gross)) == ("1500.00 EUR", "225.00 EUR", "1725.00 EUR")
    assert view.amount_due == euros("1125.00")
    assert (view.po_number, view.contract_refs, view.order_refs) == ("PO-4711/26", ("CT-000042",), ("O-000117",))
    assert view.lines[0].price_months == 12
    assert view.lines[1].price_months is None


def test_a_credit_note_reads_as_positive_and_asks_for_no_money() -> None:
    view = make_credit_note()

    assert (view.net, view.tax, view.gross) == (euros("250.00"), euros("47.50"), euros("297.50"))
    assert view.lines[0].net == euros("250.00")
    assert view.tax_rows[0].amount == euros("47.50")
    assert (view.payment.accounts, view.payment.reference, view.payment.code) == ((), "", "")
    assert view.lines[0].note == "", "the reason of the whole document is not said again on each row"


def test_a_row_that_takes_something_back_is_one_piece_at_its_amount() -> None:
    back = make_row(2, amount="-333.33", reverses="line-2/2026-10-01/recurring", reason="Fewer users")
    line = make_document(make_row(), back).lines[1]

    assert (str(line.quantity), str(line.unit_price), str(line.net)) == ("1", "-333.33", "-333.33 EUR")
    assert line.note == "Fewer users"
    assert (make_credit_note().lines[0].quantity, make_credit_note().lines[0].unit_price) == (1, Decimal("250.00"))


def test_the_account_is_the_one_for_the_currency_and_the_code_is_for_euros_alone() -> None:
    in_euros, in_dollars = make_document(), make_document(currency="USD")

    assert [account.iban for account in in_euros.payment.accounts] == ["DE89370400440532013000"]
    assert is_creditor_reference(in_euros.payment.reference)
    assert "EUR1190.00" in in_euros.payment.code
    assert [account.routing_number for account in in_dollars.payment.accounts] == ["026009593"]
    assert in_dollars.payment.code == ""


def test_a_paid_invoice_has_no_payment_code() -> None:
    assert make_document(paid=euros("1190.00")).payment.code == ""


def test_a_number_that_is_no_creditor_reference_is_its_own_reference() -> None:
    view = make_document(number="Rechnung Nr. 2026/11/Ä-000042")

    assert view.payment.reference == "Rechnung Nr. 2026/11/Ä-000042"
    assert view.payment.code.endswith("Rechnung Nr. 2026/11/Ä-000042")


@pytest.mark.parametrize("state", [DocumentState.DRAFT, DocumentState.UPCOMING])
def test_a_preview_has_no_number_no_reference_and_no_code(state: DocumentState) -> None:
    view = make_document(state=state, number=None)

    assert (view.is_issued, view.payment.reference, view.payment.code) == (False, "", "")


@pytest.mark.parametrize(("state", "number"), [(DocumentState.ISSUED, None), (DocumentState.DRAFT, "DE-1")])
def test_a_number_belongs_to_issued_documents_and_to_them_alone(state: DocumentState, number: str | None) -> None:
    with pytest.raises(ValueError, match="number"):
        make_document(state=state, number=number)


def test_mentions_and_service_period_come_from_the_rows() -> None:
    view = make_document(taxes=(NOT_SUBJECT,))

    assert view.mentions == ()
    assert view.service is not None
    assert (str(view.service.start), str(view.service.last_day)) == ("2026-11-01", "2026-11-30")


@given(st.lists(st.integers(-90_000, 900_000), min_size=1, max_size=12), st.sampled_from(list(PriceBasis)))
def test_lines_and_rates_always_add_up(cents: list[int], basis: PriceBasis) -> None:
    rows = [make_row(number, amount=str(Decimal(value) / 100)) for number, value in enumerate(cents, start=1)]
    taxes = tuple((STANDARD, REDUCED)[number % 2] for number in range(len(rows)))

    view = build_document(taxed=make_taxed(*rows, taxes=taxes, basis=basis), facts=make_facts())

    assert sum(line.net.amount for line in view.lines) == view.net.amount
    assert sum(row.net.amount for row in view.tax_rows) == view.net.amount
    assert sum(row.amount.amount for row in view.tax_rows) == view.tax.amount
    assert view.net + view.tax == view.gross
    assert view.gross.amount >= 0
