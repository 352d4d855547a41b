"""An invoice leaves by the decision of people who looked at exactly what leaves."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
import sqlalchemy as sa

from connector.adapters.clock import FixedClock
from connector.domain.fulfilment import IllegalTransition
from connector.domain.legal_entities import NumberFormat
from connector.domain.review import DecisionRefused, ReviewRules
from connector.domain.terms import Address, DealType
from connector.errors import NotFound
from connector.store.artifacts import load_artifacts
from connector.store.issued import load_issued, open_amount
from connector.store.numbering import NumberRefused
from connector.store.tables_billing import invoices
from connector.store.unit_of_work import Database
from connector.usecases.approve_invoice import approve_invoice, approve_many
from connector.usecases.review_invoice import edit_invoice, hold_invoice, withdraw_approval
from tests.domain.making import make_item
from tests.reviewing import ACME, ENTITIES, RULES, Finance, make_finance, sold

LARGE = sold(make_item(price="100000"))


def test_one_approval_below_the_threshold_issues(finance: Finance) -> None:
    invoice_id = finance.draft(sold())

    decision = finance.approve(invoice_id, "finn")

    assert (decision.state, decision.number) == ("issued", "DE-2026-000001")
    assert finance.events(invoice_id) == [("finn", "approve"), ("finn", "issue")]
    assert finance.faults() == []


def test_issuing_freezes_what_was_looked_at_and_wants_its_files(finance: Finance) -> None:
    invoice_id = finance.draft(sold(po_number="PO-7"))
    looked_at = finance.opened(invoice_id)

    finance.approve(invoice_id)

    with finance.books.database.reading() as connection:
        frozen = load_issued(connection=connection, invoice_id=invoice_id)
        files = load_artifacts(connection=connection, invoice_id=invoice_id)
        assert str(open_amount(connection=connection, invoice_id=invoice_id)) == "14280.00 EUR"
    seen = looked_at.view
    assert frozen.view == replace(
        seen,
        state=frozen.view.state,
        number="DE-2026-000001",
        issued_on=frozen.issued_on,
        due_on=frozen.view.due_on,
        payment=frozen.view.payment,
    )
    assert (frozen.view.buyer.address.city, frozen.view.seller.name, frozen.view.po_number) == (
        "Berlin",
        "Countersign DE",
        "PO-7",
    )
    assert frozen.recipients == ("billing@acme.example",)
    assert [(file.kind, file.state) for file in files.values()] == [
        ("pdf", "wanted"),
        ("xml", "wanted"),
        ("html", "wanted"),
    ]


def test_the_hash_of_the_frozen_text_is_in_the_audit_log(finance: Finance) -> None:
    invoice_id = finance.draft(sold())
    looked_at = finance.hash(invoice_id)
    finance.approve(invoice_id)

    with finance.books.database.reading() as connection:
        frozen = load_issued(connection=connection, invoice_id=invoice_id)

    approved, issued = finance.log(invoice_id)
    assert (approved.data["content_hash"], issued.data["approved_hash"]) == (looked_at, looked_at)
    assert (issued.data["content_hash"], issued.data["number"]) == (frozen.content_hash, frozen.number)
    assert json.loads(frozen.text)["document"]["number"] == frozen.number


def test_above_the_threshold_a_second_person_issues(finance: Finance) -> None:
    invoice_id = finance.draft(LARGE)

    first = finance.approve(invoice_id, "finn")
    assert (first.state, first.number, finance.numbers()) == ("approved", "", [])

    second = finance.approve(invoice_id, "anna")
    assert (second.state, second.number) == ("issued", "DE-2026-000001")
    assert finance.events(invoice_id) == [("finn", "approve"), ("anna", "approve"), ("anna", "issue")]


def test_the_same_person_cannot_be_the_second(finance: Finance) -> None:
    invoice_id = finance.draft(LARGE)
    finance.approve(invoice_id, "anna")

    with pytest.raises(DecisionRefused) as refused:
        finance.approve(invoice_id, "anna")

    assert refused.value.code == "SAME_PERSON"
    assert (finance.state(invoice_id), finance.numbers()) == ("approved", [])
    assert len(finance.log(invoice_id)) == 1


def test_two_of_finance_are_not_enough(finance: Finance) -> None:
    invoice_id = finance.draft(LARGE)
    finance.approve(invoice_id, "finn")

    with pytest.raises(DecisionRefused) as refused:
        finance.approve(invoice_id, "fred")

    assert (refused.value.code, finance.state(invoice_id)) == ("ROLE_TOO_LOW", "approved")


@pytest.mark.parametrize(("price", "state"), [("42016.80", "issued"), ("42016.82", "approved")])
def test_the_threshold_is_gross_and_included(finance: Finance, price: str, state: str) -> None:
    # 19 % on top: 49,999.99 and 50,000.02 gross.
    invoice_id = finance.draft(sold(make_item(price=price)))

    assert finance.approve(invoice_id).state == state


def test_a_double_click_answers_the_same_and_does_nothing(finance: Finance) -> None:
    invoice_id = finance.draft(sold())
    looked_at = finance.hash(invoice_id)

    first = finance.approve(invoice_id, looked_at=looked_at)
    second = finance.approve(invoice_id, looked_at=looked_at)

    assert (second.number, second.state, second.is_repeated) == (first.number, first.state, True)
    assert finance.numbers() == ["DE-2026-000001"]
    assert len(finance.log(invoice_id)) == 2


def test_who_comes_late_is_told_who_decided(finance: Finance) -> None:
    invoice_id = finance.draft(sold())
    looked_at = finance.hash(invoice_id)
    finance.approve(invoice_id, "finn", looked_at=looked_at)

    with pytest.raises(DecisionRefused, match=r"issued as DE-2026-000001 by finn") as refused:
        finance.approve(invoice_id, "anna", looked_at=looked_at)

    assert refused.value.code == "ALREADY_DECIDED"


@pytest.mark.parametrize("who", ["vera", ""])
def test_who_may_not_decide_changes_nothing(finance: Finance, who: str) -> None:
    invoice_id = finance.draft(sold())

    with pytest.raises(DecisionRefused):
        finance.approve(invoice_id, who)

    assert (finance.state(invoice_id), finance.log(invoice_id)) == ("draft", [])


def test_an_unknown_document_is_not_found(finance: Finance) -> None:
    with pytest.raises(NotFound, match="no invoice or credit note 77"):
        finance.approve(77, looked_at="x")


@pytest.mark.parametrize("looked_at", ["", "0" * 64])
def test_what_nobody_looked_at_is_not_approved(finance: Finance, looked_at: str) -> None:
    invoice_id = finance.draft(sold())

    with pytest.raises(DecisionRefused) as refused:
        approve_invoice(desk=finance.desk, invoice_id=invoice_id, looked_at=looked_at, actor="anna", role="approver")

    assert (refused.value.code, finance.state(invoice_id)) == ("CONTENT_CHANGED", "draft")


def test_a_draft_that_was_edited_after_it_was_looked_at_is_not_approved(finance: Finance) -> None:
    invoice_id = finance.draft(sold())
    looked_at = finance.hash(invoice_id)
    edit_invoice(
        desk=finance.desk, invoice_id=invoice_id, looked_at=looked_at, memo="Hello", actor="fred", role="finance"
    )

    with pytest.raises(DecisionRefused) as refused:
        finance.approve(invoice_id, looked_at=looked_at)

    assert refused.value.code == "CONTENT_CHANGED"
    assert finance.approve(invoice_id).state == "issued"


def test_a_draft_whose_customer_moved_after_it_was_looked_at_is_not_approved(finance: Finance) -> None:
    invoice_id = finance.draft(sold())
    looked_at = finance.hash(invoice_id)
    moved = replace(ACME, billing_address=Address("Other 2", "Köln", "", "50667", "DE"))
    change = sold(make_item("More"), record="MORE", customer=moved, deal=DealType.UPSELL, signed_on=date(2026, 2, 1))
    finance.books.sign(change)

    with pytest.raises(DecisionRefused) as refused:
        finance.approve(invoice_id, looked_at=looked_at)

    assert refused.value.code == "CONTENT_CHANGED"


def test_an_edit_drops_the_first_of_two_approvals(finance: Finance) -> None:
    invoice_id = finance.draft(LARGE)
    finance.approve(invoice_id, "finn")

    edited = edit_invoice(
        desk=finance.desk,
        invoice_id=invoice_id,
        looked_at=finance.hash(invoice_id),
        po_number="PO-1",
        actor="fred",
        role="finance",
    )

    assert edited.state == "draft"
    assert finance.approve(invoice_id, "anna").state == "approved"
    assert finance.approve(invoice_id, "finn").state == "issued"


def test_an_approval_of_content_that_is_gone_is_dropped_in_sight(finance: Finance) -> None:
    invoice_id = finance.draft(LARGE)
    finance.approve(invoice_id, "finn")
    # Say, a migration corrected the row.
    with finance.books.database.unit_of_work() as work:
        work.execute(invoices.update().where(invoices.c.id == invoice_id).values(po_number="PO-9"))
        work.commit()

    assert finance.approve(invoice_id, "anna").state == "approved"

    assert finance.events(invoice_id) == [("finn", "approve"), ("countersign", "withdraw"), ("anna", "approve")]
    assert finance.approve(invoice_id, "finn").state == "issued"


def test_an_approval_that_was_withdrawn_counts_no_more(finance: Finance) -> None:
    invoice_id = finance.draft(LARGE)
    finance.approve(invoice_id, "finn")
    withdraw_approval(desk=finance.desk, invoice_id=invoice_id, actor="finn", role="finance", reason="Too early.")

    assert finance.approve(invoice_id, "anna").state == "approved"


def test_a_tax_that_is_undecided_cannot_be_issued(finance: Finance) -> None:
    invoice_id = finance.draft(sold(customer=replace(ACME, billing_address=Address())))

    with pytest.raises(DecisionRefused) as refused:
        finance.approve(invoice_id)

    assert (refused.value.code, finance.state(invoice_id)) == ("TAX_UNDECIDED", "draft")


def test_a_legal_entity_without_settings_has_no_numbers_to_give(database: Database, clock: FixedClock) -> None:
    finance = make_finance(database, clock, entities={"US": ENTITIES["US"]})
    invoice_id = finance.draft(sold())

    with pytest.raises(DecisionRefused) as refused:
        finance.approve(invoice_id)

    assert refused.value.code == "ENTITY_UNKNOWN"


def test_a_held_document_is_not_approved(finance: Finance) -> None:
    invoice_id = finance.draft(sold())
    hold_invoice(desk=finance.desk, invoice_id=invoice_id, reason="Wait.", actor="finn", role="finance")

    with pytest.raises(IllegalTransition):
        finance.approve(invoice_id)

    assert finance.log(invoice_id)[-1].event == "hold"


def test_numbers_count_by_entity_kind_and_year_of_the_entitys_own_day(finance: Finance, clock: FixedClock) -> None:
    clock.set(datetime(2026, 12, 31, 23, 30, tzinfo=UTC))

    german = finance.issued(sold())
    american = finance.issued(sold(record="US", legal_entity="US", customer=replace(ACME, ref="001U")))

    # Half past midnight in Berlin, still the old year in UTC.
    assert finance.numbers() == ["DE-2027-000001", "US-2026-000001"]
    with finance.books.database.reading() as connection:
        days = [str(load_issued(connection=connection, invoice_id=one).issued_on) for one in (german, american)]
    assert days == ["2027-01-01", "2026-12-31"]


def test_dates_never_run_backwards_against_numbers(finance: Finance, clock: FixedClock) -> None:
    first, second, third = (finance.draft(sold(record=f"R{n}", customer=replace(ACME, ref=f"00{n}"))) for n in range(3))
    clock.set(datetime(2026, 3, 5, 12, tzinfo=UTC))
    finance.approve(first)

    clock.set(datetime(2026, 3, 4, 22, tzinfo=UTC))
    finance.approve(second)
    clock.set(datetime(2026, 3, 1, 12, tzinfo=UTC))
    with pytest.raises(NumberRefused, match="dated 2026-03-05 already"):
        finance.approve(third)

    with finance.books.database.reading() as connection:
        assert str(load_issued(connection=connection, invoice_id=second).issued_on) == "2026-03-05"
    assert (finance.numbers(), finance.state(third)) == (["DE-2026-000001", "DE-2026-000002"], "draft")


def test_an_invoice_is_due_as_scheduled_and_never_before_it_is_issued(finance: Finance) -> None:
    early = finance.issued(sold(payment_terms_days=90))
    late = finance.issued(sold(record="LATE", payment_terms_days=30, customer=replace(ACME, ref="002")))

    with finance.books.database.reading() as connection:
        due = [load_issued(connection=connection, invoice_id=one).view.due_on for one in (early, late)]
        rows = connection.execute(sa.select(invoices.c.due_on).order_by(invoices.c.id)).scalars().all()
    assert [str(day) for day in due] == ["2026-04-01", "2026-03-02"]
    assert rows == due


def test_a_series_without_year_counts_on(database: Database, clock: FixedClock) -> None:
    endless = replace(ENTITIES["DE"], invoice_number=NumberFormat("R{number:4}"))
    finance = make_finance(database, clock, entities={"DE": endless})
    finance.issued(sold())
    clock.set(datetime(2027, 1, 5, tzinfo=UTC))

    finance.issued(sold(record="NEXT", customer=replace(ACME, ref="002")))

    assert finance.numbers() == ["R0001", "R0002"]


# Bulk


def drafts(finance: Finance, count: int) -> list[tuple[int, str]]:
    """(id, hash) of so many quiet drafts of different customers."""
    found = []
    for number in range(count):
        order = sold(make_item(price="1200"), record=f"R{number}", customer=replace(ACME, ref=f"00{number}"))
        invoice_id = finance.draft(order)
        found.append((invoice_id, finance.hash(invoice_id)))
    return found


def test_quiet_documents_are_approved_together(finance: Finance) -> None:
    chosen = drafts(finance, 3)

    outcomes = list(approve_many(desk=finance.desk, looked_at=chosen, actor="finn", role="finance"))

    assert [outcome.is_done for outcome in outcomes] == [True] * 3
    assert finance.numbers() == ["DE-2026-000001", "DE-2026-000002", "DE-2026-000003"]
    assert finance.log(chosen[0][0])[0].data["is_bulk"] is True


def test_what_is_not_quiet_is_told_and_holds_up_no_other(finance: Finance) -> None:
    chosen = drafts(finance, 3)
    hold_invoice(desk=finance.desk, invoice_id=chosen[0][0], reason="Wait.", actor="finn", role="finance")
    loud = finance.draft(sold(make_item(price="20000"), record="LOUD", customer=replace(ACME, ref="LOUD")))
    asked = [*chosen[:2], (chosen[2][0], "stale"), (loud, finance.hash(loud)), (999, "x")]

    outcomes = list(approve_many(desk=finance.desk, looked_at=asked, actor="finn", role="finance"))

    assert [outcome.code for outcome in outcomes] == [
        "ILLEGAL_TRANSITION",
        "",
        "CONTENT_CHANGED",
        "NOT_QUIET",
        "NOT_FOUND",
    ]
    assert all(outcome.message for outcome in outcomes if not outcome.is_done)
    assert finance.numbers() == ["DE-2026-000001"]


def test_bulk_that_stops_in_between_goes_on_where_it_stopped(finance: Finance) -> None:
    chosen = drafts(finance, 3)
    first = approve_many(desk=finance.desk, looked_at=chosen, actor="finn", role="finance")
    next(first)
    first.close()  # type: ignore[attr-defined]

    again = list(approve_many(desk=finance.desk, looked_at=chosen, actor="finn", role="finance"))

    assert [outcome.decision.is_repeated for outcome in again if outcome.decision] == [True, False, False]
    assert len(finance.numbers()) == 3


def test_without_a_limit_nothing_is_quiet(database: Database, clock: FixedClock) -> None:
    finance = make_finance(database, clock, rules=ReviewRules(is_first_quiet=True))
    (invoice_id, looked_at) = drafts(finance, 1)[0]

    (outcome,) = approve_many(desk=finance.desk, looked_at=[(invoice_id, looked_at)], actor="finn", role="finance")

    assert outcome.code == "NOT_QUIET"


def test_a_document_above_the_threshold_is_never_approved_in_bulk(database: Database, clock: FixedClock) -> None:
    rules = replace(RULES, second_approver_above={"EUR": Decimal(100)})
    finance = make_finance(database, clock, rules=rules)
    (chosen,) = drafts(finance, 1)

    (outcome,) = approve_many(desk=finance.desk, looked_at=[chosen], actor="anna", role="approver")

    assert outcome.code == "NOT_QUIET"
