"""Holding, sending back, editing and voiding, and what billing makes of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
import sqlalchemy as sa

from connector.domain.fulfilment import IllegalTransition, OrderState
from connector.domain.review import DecisionRefused
from connector.domain.terms import Address, ChargeType, DealType
from connector.store import billing, usage
from connector.store.tables import orders, writebacks
from connector.usecases.review_desk import TextRefused
from connector.usecases.review_invoice import (
    comment_invoice,
    edit_invoice,
    hold_invoice,
    release_invoice,
    return_invoice,
    send_back_invoice,
)
from connector.usecases.void_invoice import void_invoice
from tests.domain.making import MONTHLY, day, make_cancellation, make_item
from tests.reviewing import ACME, Finance, sold

MONTHS = make_item("Seats", price="1000", billing_period_months=MONTHLY, price_period_months=1)
REASON = "The customer wants one invoice a quarter."


def send_back(finance: Finance, invoice_id: int) -> None:
    send_back_invoice(
        desk=finance.desk, invoice_id=invoice_id, reason=REASON, owner="rosa@acme.example", actor="finn", role="finance"
    )


def void(finance: Finance, invoice_id: int, who: str = "finn", role: str = "finance") -> str:
    decision = void_invoice(desk=finance.desk, invoice_id=invoice_id, reason="Wrong rate.", actor=who, role=role)
    return decision.state


def states(finance: Finance) -> list[tuple[str, str, str]]:
    return [(str(row.bill_on), row.state, str(row.net)) for row in finance.books.drafts()]


# Hold and release


def test_a_hold_has_its_reason_and_day_and_ends_by_a_release(finance: Finance) -> None:
    invoice_id = finance.draft(sold())

    hold_invoice(
        desk=finance.desk,
        invoice_id=invoice_id,
        reason="Dispute.",
        until=date(2026, 4, 1),
        actor="finn",
        role="finance",
    )
    held = finance.opened(invoice_id).document
    assert (held.state, held.written.reason, held.written.held_until) == ("held", "Dispute.", date(2026, 4, 1))

    release_invoice(desk=finance.desk, invoice_id=invoice_id, actor="anna", role="approver")
    released = finance.opened(invoice_id).document
    assert (released.state, released.written.reason, released.written.held_until) == ("draft", "", None)
    assert [entry.reason for entry in finance.log(invoice_id)] == ["Dispute.", ""]


def test_the_day_of_a_hold_releases_nothing(finance: Finance) -> None:
    invoice_id = finance.draft(sold())
    hold_invoice(
        desk=finance.desk, invoice_id=invoice_id, reason="Wait.", until=date(2020, 1, 1), actor="finn", role="finance"
    )

    finance.books.bill("2026-06-01")

    assert finance.state(invoice_id) == "held"


@pytest.mark.parametrize("reason", ["", "  \n", "x" * 5001])
def test_a_reason_is_needed_and_not_a_book(finance: Finance, reason: str) -> None:
    invoice_id = finance.draft(sold())

    with pytest.raises(TextRefused):
        hold_invoice(desk=finance.desk, invoice_id=invoice_id, reason=reason, actor="finn", role="finance")

    assert (finance.state(invoice_id), finance.log(invoice_id)) == ("draft", [])


# Edit and comment


def test_an_edit_changes_what_people_write_and_nothing_that_is_billed(finance: Finance) -> None:
    invoice_id = finance.draft(sold())
    before = finance.opened(invoice_id)

    decision = edit_invoice(
        desk=finance.desk,
        invoice_id=invoice_id,
        looked_at=before.content.hash,
        memo="Thank you.\u202e\x00 <b>",
        po_number=" PO  7 ",
        recipients=["a@acme.example", "b@acme.example", "a@acme.example"],
        actor="finn",
        role="finance",
    )

    after = finance.opened(invoice_id)
    assert decision.content_hash == after.content.hash != before.content.hash
    assert (after.view.memo, after.view.po_number) == ("Thank you.   <b>", "PO 7")
    assert after.document.recipients == ("a@acme.example", "b@acme.example")
    assert after.view.gross == before.view.gross
    assert after.document.written.last_editor == "finn"
    assert finance.books.bill("2026-01-01") == {}


def test_an_edit_of_what_has_changed_meanwhile_is_refused(finance: Finance) -> None:
    invoice_id = finance.draft(sold())
    looked_at = finance.hash(invoice_id)
    desk = finance.desk
    edit_invoice(desk=desk, invoice_id=invoice_id, looked_at=looked_at, memo="One", actor="finn", role="finance")

    with pytest.raises(DecisionRefused) as refused:
        edit_invoice(desk=desk, invoice_id=invoice_id, looked_at=looked_at, memo="Two", actor="fred", role="finance")

    assert (refused.value.code, finance.opened(invoice_id).view.memo) == ("CONTENT_CHANGED", "One")


@pytest.mark.parametrize("address", ["acme", "a@b", "a b@c.de", "a@b.de, c@d.de", "a@b.de\nBcc: x@y.de", "x" * 300])
def test_what_is_no_address_gets_no_mail(finance: Finance, address: str) -> None:
    invoice_id = finance.draft(sold())

    with pytest.raises(TextRefused):
        edit_invoice(
            desk=finance.desk,
            invoice_id=invoice_id,
            looked_at=finance.hash(invoice_id),
            recipients=[address],
            actor="finn",
            role="finance",
        )


def test_an_issued_document_is_never_edited(finance: Finance) -> None:
    invoice_id = finance.issued(sold())

    with pytest.raises(IllegalTransition, match="issued cannot be edited"):
        edit_invoice(
            desk=finance.desk,
            invoice_id=invoice_id,
            looked_at=finance.hash(invoice_id),
            memo="Late",
            actor="finn",
            role="finance",
        )


def test_a_comment_is_kept_whatever_the_state_and_changes_nothing(finance: Finance) -> None:
    invoice_id = finance.draft(sold())
    looked_at = finance.hash(invoice_id)
    comment_invoice(desk=finance.desk, invoice_id=invoice_id, text="Asked sales.", actor="finn", role="finance")

    finance.approve(invoice_id, looked_at=looked_at)
    comment_invoice(desk=finance.desk, invoice_id=invoice_id, text="Sent by post too.", actor="anna", role="approver")

    said = [(entry.actor, entry.reason) for entry in finance.log(invoice_id) if entry.event == "comment"]
    assert said == [("finn", "Asked sales."), ("anna", "Sent by post too.")]


# Sent back, and the billing run


def test_what_was_sent_back_is_not_drafted_again_while_nothing_changes(finance: Finance) -> None:
    invoice_id = finance.draft(sold(MONTHS), as_of="2026-02-01")
    send_back(finance, invoice_id)

    assert finance.books.bill("2026-02-01") == {}
    assert [len(one.drafts) for one in finance.books.preview("2026-03-01")] == [1]
    finance.books.bill("2026-03-01")

    assert states(finance) == [
        ("2026-01-01", "draft", "1000.00"),
        ("2026-02-01", "sent_back", "1000.00"),
        ("2026-03-01", "draft", "1000.00"),
    ]


def test_a_run_that_compares_everything_leaves_it_with_its_owner_too(finance: Finance) -> None:
    metered = make_item(
        "Calls", price="0.5", charge_type=ChargeType.USAGE, billing_period_months=MONTHLY, price_period_months=1
    )
    first = finance.draft(sold(MONTHS, metered), as_of="2026-01-01")
    send_back(finance, first)
    with finance.books.database.unit_of_work() as work:
        usage.save_reading(
            work=work,
            contract_id=1,
            charge_key="NEW:line-Calls/2026-01-01/usage",
            units=Decimal(10),
            bill_on=day("2026-02-01"),
            now=finance.desk.clock.now(),
        )
        work.commit()

    assert finance.books.bill("2026-02-01") == {"customers": 1, "drafts": 1, "items": 2}

    assert [row[:2] for row in states(finance)] == [("2026-01-01", "sent_back"), ("2026-02-01", "draft")]


def test_a_change_of_the_contract_answers_it(finance: Finance) -> None:
    invoice_id = finance.draft(sold())
    send_back(finance, invoice_id)
    upsell = sold(make_item("Support", price="500"), record="UP", deal=DealType.UPSELL, signed_on=date(2026, 1, 2))

    finance.books.sign(upsell)
    finance.books.bill("2026-01-01")

    assert states(finance) == [("2026-01-01", "void", "12000.00"), ("2026-01-01", "draft", "12500.00")]
    assert finance.events(invoice_id) == [("finn", "send_back"), ("countersign", "supersede")]
    assert finance.faults() == []


def test_a_change_elsewhere_in_the_contract_answers_it_with_the_same_content(finance: Finance) -> None:
    invoice_id = finance.draft(sold())
    send_back(finance, invoice_id)
    later = make_item("Support", price="500", start="2026-07-01")
    finance.books.sign(sold(later, record="UP", deal=DealType.UPSELL, signed_on=date(2026, 1, 2), start="2026-07-01"))

    finance.books.bill("2026-01-01")

    before, after = finance.books.drafts()
    assert (before.state, after.state) == ("void", "draft")
    assert before.draft_key == after.draft_key


def test_a_cancellation_of_what_was_sent_back_bills_nothing(finance: Finance) -> None:
    invoice_id = finance.draft(sold())
    send_back(finance, invoice_id)
    finance.books.sign(make_cancellation("2026-01-01", credited=True, legal_entity="DE", customer=ACME))

    finance.books.bill("2026-12-31")

    assert [row[1] for row in states(finance)] == ["sent_back"]
    assert finance.books.contract().value == 0


def test_what_is_returned_counts_as_billed_again(finance: Finance) -> None:
    invoice_id = finance.draft(sold())
    send_back(finance, invoice_id)

    return_invoice(desk=finance.desk, invoice_id=invoice_id, actor="anna", role="approver", reason="It is right.")
    finance.books.bill("2026-12-31")

    assert states(finance) == [("2026-01-01", "draft", "12000.00")]
    assert finance.approve(invoice_id).number == "DE-2026-000001"


def test_a_run_that_read_before_it_was_sent_back_drafts_again(finance: Finance) -> None:
    """The run has read that January is billed; meanwhile January is sent back and its contract changes."""
    invoice_id = finance.draft(sold())
    finance.books.sign(
        sold(make_item("Support", price="500"), record="UP", deal=DealType.UPSELL, signed_on=date(2026, 1, 2))
    )
    read = finance.books.preview("2026-01-01")

    send_back(finance, invoice_id)

    with finance.books.database.unit_of_work() as work:
        moved = billing.save_drafted(work=work, drafted=read, run_id=1, now=finance.desk.clock.now())
    assert [one.contracts[0].number for one in moved] == ["C-000001"]


def test_its_record_shows_who_must_do_what_until_something_changes(finance: Finance) -> None:
    invoice_id = finance.draft(sold())
    with finance.books.database.unit_of_work() as work:
        work.execute(orders.update().values(state=OrderState.FULFILLED.value))
        work.commit()

    send_back(finance, invoice_id)
    assert shown(finance) == {
        "Status": "Warning",
        "Code": "INVOICE_SENT_BACK",
        "Error": f"Finance sent the invoice of 2026-01-01 (12000.00 EUR net) back: {REASON} Correct the deal, "
        "or ask finance to return the invoice as it is. Who: rosa@acme.example.",
    }

    return_invoice(desk=finance.desk, invoice_id=invoice_id, actor="finn", role="finance")
    assert shown(finance)["Status"] == "Synced"


def shown(finance: Finance) -> dict[str, str]:
    with finance.books.database.reading() as connection:
        found: dict[str, str] = connection.execute(sa.select(writebacks.c.wanted)).scalar_one()
        return found


# Void


def test_what_a_voided_draft_held_is_drafted_anew_from_what_is_known_then(finance: Finance) -> None:
    invoice_id = finance.draft(sold(customer=replace(ACME, billing_address=Address())))
    assert finance.opened(invoice_id).document.problem_code == "TAX_UNDECIDED"

    assert void(finance, invoice_id) == "void"
    finance.books.bill("2026-01-01")

    assert [row[1] for row in states(finance)] == ["void", "draft"]
    assert finance.books.bill("2026-12-31") == {}


@pytest.mark.parametrize("before", ["draft", "held", "approved", "sent_back"])
def test_whatever_has_not_left_can_be_voided(finance: Finance, before: str) -> None:
    invoice_id = finance.draft(sold(make_item(price="100000")))
    if before == "held":
        hold_invoice(desk=finance.desk, invoice_id=invoice_id, reason="Wait.", actor="finn", role="finance")
    if before == "approved":
        finance.approve(invoice_id)
    if before == "sent_back":
        send_back(finance, invoice_id)
    assert finance.state(invoice_id) == before

    assert void(finance, invoice_id) == "void"

    finance.books.bill("2026-01-01")
    assert [row[1] for row in states(finance)] == ["void", "draft"]
    with pytest.raises(IllegalTransition):
        void(finance, invoice_id)


def test_an_issued_document_is_not_voided(finance: Finance) -> None:
    invoice_id = finance.issued(sold())

    with pytest.raises(DecisionRefused, match="DE-2026-000001 is issued and cannot be voided") as refused:
        void(finance, invoice_id)

    assert (refused.value.fix, finance.state(invoice_id)) == ("Make a credit note for it.", "issued")


@pytest.mark.parametrize(("who", "role"), [("vera", "viewer"), ("countersign", "admin")])
def test_who_may_not_decide_voids_nothing(finance: Finance, who: str, role: str) -> None:
    invoice_id = finance.draft(sold())

    with pytest.raises(DecisionRefused):
        void(finance, invoice_id, who, role)

    assert finance.state(invoice_id) == "draft"
