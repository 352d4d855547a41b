"""Credit notes: full and by line, never too far, with the original tax; the open amount follows."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
import sqlalchemy as sa

from connector.adapters.clock import FixedClock
from connector.domain.credit_notes import CreditRefused
from connector.domain.review import DecisionRefused
from connector.domain.terms import Address, DealType
from connector.store.credit_notes import load_notes
from connector.store.invoices import load_document
from connector.store.issued import load_issued, open_amount
from connector.store.tables_review import credit_applications
from connector.store.unit_of_work import Database
from connector.usecases.credit_invoice import NotCreditable, credit_invoice
from connector.usecases.review_desk import Decision, TextRefused
from connector.usecases.void_invoice import void_invoice
from tests.domain.making import day, make_cancellation, make_item
from tests.reviewing import ACME, RULES, Finance, make_finance, sold

TWO_LINES = sold(make_item("Platform", price="1000"), make_item("Support", price="250"))


def credit(finance: Finance, invoice_id: int, **changes: object) -> Decision:
    arguments = {"reason": "Outage in May.", "actor": "anna", "role": "approver", **changes}
    return credit_invoice(desk=finance.desk, invoice_id=invoice_id, **arguments)  # type: ignore[arg-type]


def open_of(finance: Finance, invoice_id: int) -> str:
    with finance.books.database.reading() as connection:
        return str(open_amount(connection=connection, invoice_id=invoice_id))


def frozen(finance: Finance, invoice_id: int):  # type: ignore[no-untyped-def]
    with finance.books.database.reading() as connection:
        return load_issued(connection=connection, invoice_id=invoice_id)


def test_a_full_credit_takes_everything_back_in_its_own_series(finance: Finance) -> None:
    invoice_id = finance.issued(TWO_LINES)

    decision = credit(finance, invoice_id)

    note = frozen(finance, decision.invoice_id)
    assert (decision.number, decision.state) == ("DE-CN-2026-000001", "issued")
    assert (str(note.view.net), str(note.view.tax), str(note.view.gross)) == (
        "1250.00 EUR",
        "237.50 EUR",
        "1487.50 EUR",
    )
    assert [lowered.number for lowered in note.view.lowers] == ["DE-2026-000001"]
    assert note.view.reason == "Outage in May."
    assert open_of(finance, invoice_id) == "0.00 EUR"


def test_a_partial_credit_lowers_one_line_and_the_open_amount(finance: Finance) -> None:
    invoice_id = finance.issued(TWO_LINES)

    decision = credit(finance, invoice_id, amounts={2: Decimal("100.00")})

    (line,) = frozen(finance, decision.invoice_id).view.lines
    assert (line.description, str(line.net), line.tax.rate) == ("Support", "100.00 EUR", Decimal(19))
    assert open_of(finance, invoice_id) == "1368.50 EUR"


def test_credits_of_a_line_never_exceed_it(finance: Finance) -> None:
    invoice_id = finance.issued(TWO_LINES)
    credit(finance, invoice_id, amounts={2: Decimal("200.00")})

    with pytest.raises(CreditRefused, match=r"50\.01 EUR cannot be credited, 50\.00 EUR is left"):
        credit(finance, invoice_id, amounts={2: Decimal("50.01")})

    assert credit(finance, invoice_id, amounts={2: Decimal("50.00")}).number == "DE-CN-2026-000002"
    with pytest.raises(CreditRefused):
        credit(finance, invoice_id, amounts={2: Decimal("0.01")})


def test_equal_credits_on_one_day_are_two(finance: Finance) -> None:
    invoice_id = finance.issued(TWO_LINES)

    numbers = [credit(finance, invoice_id, amounts={1: Decimal("25.00")}).number for _ in range(2)]

    assert numbers == ["DE-CN-2026-000001", "DE-CN-2026-000002"]
    assert open_of(finance, invoice_id) == "1428.00 EUR"


def test_the_same_request_twice_is_one_credit(finance: Finance) -> None:
    invoice_id = finance.issued(TWO_LINES)
    part = {1: Decimal("25.00")}

    first = credit(finance, invoice_id, amounts=part, request_key="form-1")
    again = credit(finance, invoice_id, amounts=part, request_key="form-1")
    other = credit(finance, invoice_id, amounts=part, request_key="form-2")

    assert (again.number, again.invoice_id, again.is_repeated) == (first.number, first.invoice_id, True)
    assert other.number == "DE-CN-2026-000002"
    assert open_of(finance, invoice_id) == "1428.00 EUR"


def test_a_second_full_credit_is_told_that_nothing_is_left(finance: Finance) -> None:
    invoice_id = finance.issued(TWO_LINES)
    credit(finance, invoice_id)

    with pytest.raises(CreditRefused, match="Nothing is left to be credited of invoice 1"):
        credit(finance, invoice_id)


def test_thirds_give_back_all_of_the_tax(finance: Finance) -> None:
    """Three times 19 % of a third is a cent less than 19 % of the whole."""
    invoice_id = finance.issued(sold(make_item(price="100")))

    notes = [credit(finance, invoice_id, amounts={1: Decimal(part)}) for part in ("33.33", "33.33", "33.34")]

    taxes = [str(frozen(finance, note.invoice_id).view.tax.amount) for note in notes]
    assert taxes == ["6.33", "6.33", "6.34"]
    assert open_of(finance, invoice_id) == "0.00 EUR"


def test_a_credit_keeps_the_tax_of_its_invoice_although_the_customer_moved(finance: Finance) -> None:
    invoice_id = finance.issued(TWO_LINES)
    swiss = replace(ACME, billing_address=Address("Gasse 1", "Bern", "", "3000", "CH"))
    finance.books.sign(sold(record="MOVED", customer=swiss, signed_on=day("2026-02-01")))

    note = frozen(finance, credit(finance, invoice_id).invoice_id)

    assert [(row.tax.rate, str(row.amount)) for row in note.view.tax_rows] == [(Decimal(19), "237.50 EUR")]


@pytest.mark.parametrize(
    "amounts",
    [
        {},
        {3: Decimal(1)},
        {0: Decimal(1)},
        {1: Decimal(0)},
        {1: Decimal(-1)},
        {1: Decimal("0.001")},
        {1: Decimal("NaN")},
        {1: Decimal("1000.01")},
    ],
)
def test_what_no_line_has_is_refused_and_leaves_nothing_behind(
    sqlite_finance: Finance, amounts: dict[int, Decimal]
) -> None:
    invoice_id = sqlite_finance.issued(TWO_LINES)

    with pytest.raises(CreditRefused):
        credit(sqlite_finance, invoice_id, amounts=amounts)

    assert (sqlite_finance.newest(), open_of(sqlite_finance, invoice_id)) == (invoice_id, "1487.50 EUR")


def test_a_credit_needs_its_reason_and_a_person_with_a_role(finance: Finance) -> None:
    invoice_id = finance.issued(TWO_LINES)

    with pytest.raises(TextRefused):
        credit(finance, invoice_id, reason=" ")
    with pytest.raises(DecisionRefused):
        credit(finance, invoice_id, role="viewer")
    assert finance.newest() == invoice_id


def test_only_an_issued_invoice_is_credited(finance: Finance) -> None:
    draft = finance.draft(TWO_LINES)
    with pytest.raises(NotCreditable, match="is draft, not issued"):
        credit(finance, draft)
    finance.approve(draft)

    note = credit(finance, draft)

    with pytest.raises(NotCreditable, match="is a credit note itself"):
        credit(finance, note.invoice_id)


def test_a_large_credit_waits_for_a_second_person_and_lowers_nothing_until_then(finance: Finance) -> None:
    invoice_id = finance.draft(sold(make_item(price="100000")))
    finance.approve(invoice_id, "finn")
    finance.approve(invoice_id, "anna")

    asked = credit(finance, invoice_id, actor="finn", role="finance")
    assert (asked.state, asked.number, open_of(finance, invoice_id)) == ("approved", "", "119000.00 EUR")
    with pytest.raises(CreditRefused):
        credit(finance, invoice_id, actor="alex")

    assert finance.approve(asked.invoice_id, "anna").number == "DE-CN-2026-000001"
    assert open_of(finance, invoice_id) == "0.00 EUR"


def test_a_credit_that_was_voided_can_be_asked_for_again(finance: Finance) -> None:
    invoice_id = finance.draft(sold(make_item(price="100000")))
    finance.approve(invoice_id, "finn")
    finance.approve(invoice_id, "anna")
    asked = credit(finance, invoice_id)

    void_invoice(desk=finance.desk, invoice_id=asked.invoice_id, reason="No.", actor="alex", role="approver")

    assert credit(finance, invoice_id).state == "approved"
    with finance.books.database.reading() as connection:
        invoice = load_document(connection=connection, invoice_id=invoice_id)
        assert len(load_notes(connection=connection, invoice=invoice)) == 1


# Billing


def test_a_favour_is_not_billed_again(finance: Finance) -> None:
    invoice_id = finance.issued(TWO_LINES)
    credit(finance, invoice_id, amounts={1: Decimal("300.00")})
    support = sold(make_item("More", price="10"), record="UP", deal=DealType.UPSELL, signed_on=day("2026-01-02"))

    # The change makes the run compare everything that was ever billed.
    finance.books.sign(support)
    finance.books.bill("2026-12-31")

    assert [row[2] for row in finance.books.totals()] == ["1250.00", "10.00", "-300.00"]


def test_what_was_wrong_is_owed_again_and_drafted_anew(finance: Finance) -> None:
    invoice_id = finance.issued(TWO_LINES)

    credit(finance, invoice_id, is_owed_again=True)
    finance.books.bill("2026-03-02")

    assert sorted(row[2] for row in finance.books.totals()) == ["-1250.00", "1250.00", "1250.00"]
    assert finance.books.bill("2026-12-31") == {}


def test_a_credit_of_the_billing_run_lowers_its_invoice_when_it_is_issued(finance: Finance) -> None:
    invoice_id = finance.issued(sold(make_item(price="12000")))
    note_id = finance.draft(
        make_cancellation("2026-07-01", credited=True, legal_entity="DE", customer=ACME), as_of="2026-07-01"
    )
    assert open_of(finance, invoice_id) == "14280.00 EUR"

    decision = finance.approve(note_id)

    assert decision.number == "DE-CN-2026-000001"
    # 184 of 365 days of 12,000.00 and 19 % of it.
    assert open_of(finance, invoice_id) == "7081.31 EUR"


def test_a_credit_waits_until_its_invoice_is_issued(finance: Finance) -> None:
    invoice_id = finance.draft(sold())
    note_id = finance.draft(
        make_cancellation("2026-07-01", credited=True, legal_entity="DE", customer=ACME), as_of="2026-07-01"
    )

    with pytest.raises(DecisionRefused) as refused:
        finance.approve(note_id)
    assert refused.value.code == "LOWERS_UNISSUED"

    finance.approve(invoice_id)
    assert finance.approve(note_id).state == "issued"


def test_a_cancellation_after_a_favour_does_not_give_back_more_than_was_billed(finance: Finance) -> None:
    invoice_id = finance.issued(sold(make_item(price="12000")))
    credit(finance, invoice_id, amounts={1: Decimal("500.00")})
    note_id = finance.draft(
        make_cancellation("2026-01-01", credited=True, legal_entity="DE", customer=ACME), as_of="2026-07-01"
    )

    with pytest.raises(DecisionRefused) as refused:
        finance.approve(note_id)

    assert (refused.value.code, open_of(finance, invoice_id)) == ("OVER_CREDIT", "13685.00 EUR")


def test_what_is_taken_off_is_written_down_once(finance: Finance) -> None:
    invoice_id = finance.issued(TWO_LINES)
    note = credit(finance, invoice_id, amounts={1: Decimal("10.00")})

    with finance.books.database.reading() as connection:
        rows = connection.execute(sa.select(credit_applications)).all()

    assert [tuple(row) for row in rows] == [(note.invoice_id, invoice_id, Decimal("11.90"))]
    assert [event for _who, event in finance.events(note.invoice_id)] == ["credit", "approve", "issue"]
    assert finance.log(invoice_id)[-1].event == "credit"


def test_yen_are_credited_in_whole_yen(database: Database, clock: FixedClock) -> None:
    finance = make_finance(database, clock, rules=replace(RULES, second_approver_above={}))
    invoice_id = finance.issued(sold(make_item(price="1000"), currency="JPY", legal_entity="JP"))

    with pytest.raises(CreditRefused, match="is no amount in JPY"):
        credit(finance, invoice_id, amounts={1: Decimal("10.5")})

    assert credit(finance, invoice_id, amounts={1: Decimal("10")}).number == "JP-CN-2026-000001"
    assert open_of(finance, invoice_id) == "990 JPY"
