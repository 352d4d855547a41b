"""Billing runs: documents compared as text tables, story by story."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from connector.domain.contracts import Contract, build_contract, undo
from connector.domain.invoicing import (
    Billed,
    DocumentKind,
    InvoiceDraft,
    billed_items,
    draft_invoices,
    next_bill_date,
    position,
    preview_invoices,
)
from connector.domain.terms import BillingTiming, ChargeType, DealType, LineItem, Order
from tests.domain.making import MONTHLY, day, make_cancellation, make_item, make_order

TERMS: dict[str, Any] = {"price_period_months": 1, "billing_period_months": MONTHLY}


def seats(quantity: str = "50", **changes: Any) -> LineItem:
    return make_item("Seats", quantity=quantity, price="20", **{**TERMS, **changes})


def usage_line(**changes: Any) -> LineItem:
    fields = {"billing_period_months": MONTHLY, "charge_type": ChargeType.USAGE, **changes}
    return make_item("API", price="0.01", **fields)


def upsell(start: str, quantity: str = "60", prior: str = "50") -> Order:
    item = seats(quantity, start=start, prior_quantity=Decimal(prior))
    return make_order(item, record="UP", start=start, deal=DealType.UPSELL)


class Books:
    """What a shell remembers: it runs the billing and keeps what was drafted."""

    def __init__(self) -> None:
        self.billed: list[Billed] = []
        self.drafts: list[InvoiceDraft] = []

    def run(self, *contracts: Contract, as_of: str, usage: dict[str, Decimal] | None = None) -> list[InvoiceDraft]:
        found = draft_invoices(contracts=contracts, as_of=day(as_of), billed=self.billed, usage=usage).drafts
        for draft in found:
            self.billed.extend(billed_items(draft=draft, document=draft.key))
        self.drafts.extend(found)
        return list(found)


def table(drafts: Iterable[InvoiceDraft]) -> str:
    """Documents as the lines of a table: date, due date, kind, net, rows."""
    lines = []
    for draft in drafts:
        items = ", ".join(f"{item.description} {item.amount.amount}" for item in draft.items)
        lines.append(f"{draft.bill_on} | {draft.due_on} | {draft.kind.value} | {draft.net} | {items}")
    return "\n".join(lines)


def text(block: str) -> str:
    return "\n".join(line.strip() for line in block.strip().splitlines())


def contract(*orders: Order) -> Contract:
    return build_contract(orders=orders)


def test_a_run_drafts_what_is_due_and_the_next_run_nothing() -> None:
    books = Books()
    agreed = contract(make_order(seats()))

    assert table(books.run(agreed, as_of="2026-02-01")) == text("""
        2026-01-01 | 2026-01-31 | invoice | 1000.00 EUR | Seats 1000.00
        2026-02-01 | 2026-03-03 | invoice | 1000.00 EUR | Seats 1000.00
    """)
    assert books.run(agreed, as_of="2026-02-01") == []
    assert books.run(agreed, as_of="2026-02-28") == []


def test_a_run_for_a_past_date_after_a_later_one_finds_nothing() -> None:
    books = Books()
    agreed = contract(make_order(seats()))
    books.run(agreed, as_of="2026-06-01")

    assert books.run(agreed, as_of="2026-03-01") == []


def test_catching_up_after_months_gives_the_documents_of_each_month() -> None:
    monthly, late = Books(), Books()
    agreed = contract(make_order(seats()))
    for month in range(1, 8):
        monthly.run(agreed, as_of=f"2026-{month:02d}-01")
    late.run(agreed, as_of="2026-07-15")

    assert late.drafts == monthly.drafts


def test_what_was_previewed_is_what_is_billed() -> None:
    agreed = contract(
        make_order(seats(), make_item("Platform")), upsell("2026-05-20"), make_cancellation("2026-09-10", credited=True)
    )
    books = Books()
    books.run(agreed, as_of="2027-12-31")

    assert tuple(books.drafts) == preview_invoices(contracts=[agreed])


def test_lines_of_one_day_share_a_document_unless_one_stands_alone() -> None:
    agreed = contract(make_order(make_item("Platform"), make_item("Support", price="100", is_separate_invoice=True)))

    assert table(Books().run(agreed, as_of="2026-01-01")) == text("""
        2026-01-01 | 2026-01-31 | invoice | 12000.00 EUR | Platform 12000.00
        2026-01-01 | 2026-01-31 | invoice | 100.00 EUR | Support 100.00
    """)


@pytest.mark.parametrize(
    "change",
    [{"legal_entity": "DE"}, {"currency": "USD"}, {"po_number": "PO-7"}, {"payment_terms_days": 60}],
)
def test_what_may_not_share_a_document_gets_its_own(change: dict[str, Any]) -> None:
    first = contract(make_order(make_item("Platform")))
    second = contract(make_order(make_item("Platform"), record="OTHER", **change))

    assert len(Books().run(first, second, as_of="2026-01-01")) == 2


def test_contracts_of_one_customer_share_documents() -> None:
    first = contract(make_order(make_item("Platform")))
    second = contract(make_order(make_item("Analytics", price="250"), record="OTHER"))

    assert table(Books().run(first, second, as_of="2026-01-01")) == text("""
        2026-01-01 | 2026-01-31 | invoice | 12250.00 EUR | Platform 12000.00, Analytics 250.00
    """)


def test_nothing_but_zero_charges_makes_no_document() -> None:
    included = make_item("Included", price="0")

    assert Books().run(contract(make_order(included)), as_of="2026-12-31") == []
    assert table(Books().run(contract(make_order(included, make_item("Platform"))), as_of="2026-01-01")) == text("""
        2026-01-01 | 2026-01-31 | invoice | 12000.00 EUR | Included 0.00, Platform 12000.00
    """)


def test_from_signature_to_cancellation() -> None:
    # sign 1 Jan, bill; upsell 20 May, bill; renew from 1 Jan 2027, bill; cancel from 1 July 2027 with credit
    books = Books()
    new = make_order(make_item("Seats", quantity="50", price="240"))
    item = make_item("Seats", start="2026-05-20", quantity="60", price="240", prior_quantity=Decimal(50))
    more = make_order(item, record="UP", start="2026-05-20", deal=DealType.UPSELL)
    again = make_item("Seats", start="2027-01-01", last="2027-12-31", quantity="60", price="250")
    renewal = make_order(again, record="RENEW", start="2027-01-01", last="2027-12-31", deal=DealType.RENEWAL)
    cancelled = make_cancellation("2027-07-01", credited=True)

    books.run(contract(new), as_of="2026-01-01")
    books.run(contract(new, more), as_of="2026-06-01")
    books.run(contract(new, more, renewal), as_of="2027-01-31")
    books.run(contract(new, more, renewal, cancelled), as_of="2027-12-31")

    assert table(books.drafts) == text("""
        2026-01-01 | 2026-01-31 | invoice | 12000.00 EUR | Seats 12000.00
        2026-05-20 | 2026-06-19 | invoice | 1486.03 EUR | Seats 1486.03
        2027-01-01 | 2027-01-31 | invoice | 15000.00 EUR | Seats 15000.00
        2027-07-01 | 2027-07-31 | credit_note | -7561.64 EUR | Seats -7561.64
    """)
    assert books.drafts[3].lowers == (books.drafts[2].key,)


def test_a_downsell_with_credit_is_a_credit_note_that_names_its_invoice() -> None:
    books = Books()
    item = make_item("Seats", start="2026-05-20", quantity="40", price="240", prior_quantity=Decimal(50))
    less = make_order(item, record="DOWN", start="2026-05-20", deal=DealType.DOWNSELL, is_unused_credited=True)
    books.run(contract(make_order(make_item("Seats", quantity="50", price="240")), less), as_of="2026-05-20")

    assert table(books.drafts) == text("""
        2026-01-01 | 2026-01-31 | invoice | 12000.00 EUR | Seats 12000.00
        2026-05-20 | 2026-06-19 | credit_note | -1486.03 EUR | Seats -1486.03
    """)
    assert books.drafts[1].kind is DocumentKind.CREDIT_NOTE
    assert books.drafts[1].lowers == (books.drafts[0].key,)


def test_an_upsell_that_arrives_late_is_made_up_for_on_its_own_dates() -> None:
    books = Books()
    new = make_order(seats())
    books.run(contract(new), as_of="2026-06-01")

    late = books.run(contract(new, upsell("2026-04-16")), as_of="2026-06-10")
    assert table(late) == text("""
        2026-04-16 | 2026-05-16 | invoice | 100.00 EUR | Seats 100.00
        2026-05-01 | 2026-05-31 | invoice | 200.00 EUR | Seats 200.00
        2026-06-01 | 2026-07-01 | invoice | 200.00 EUR | Seats 200.00
    """)


def test_a_cancellation_that_arrives_late_credits_what_is_owed_no_more() -> None:
    books = Books()
    new = make_order(seats())
    books.run(contract(new), as_of="2026-06-01")

    (note,) = books.run(contract(new, make_cancellation("2026-05-01")), as_of="2026-06-10")
    assert table([note]) == text("""
        2026-06-10 | 2026-07-10 | credit_note | -2000.00 EUR | Seats -1000.00, Seats -1000.00
    """)
    assert note.lowers == tuple(draft.key for draft in books.drafts[4:6])
    assert [item.reason for item in note.items] == ["1000.00 was billed and is not owed any more."] * 2
    assert [str(item.period.start) for item in note.items] == ["2026-05-01", "2026-06-01"]
    assert books.run(contract(new, make_cancellation("2026-05-01")), as_of="2026-12-31") == []


def test_an_undone_order_is_taken_back_once() -> None:
    books = Books()
    agreed = contract(make_order(seats()), upsell("2026-04-16"))
    books.run(agreed, as_of="2026-06-01")
    reversed_ = undo(contract=agreed, order_ref="UP", on=day("2026-05-15"), reason="signed by mistake")

    # 100 + 200 were due before the undo and come back with it; June was billed too early and is credited by the run.
    assert table(books.run(reversed_, as_of="2026-06-10")) == text("""
        2026-05-15 | 2026-06-14 | credit_note | -300.00 EUR | Seats -100.00, Seats -200.00
        2026-06-10 | 2026-07-10 | credit_note | -200.00 EUR | Seats -200.00
    """)
    assert books.run(reversed_, as_of="2026-06-30") == []
    assert str(position(contract=reversed_, billed=books.billed).billed) == "6000.00 EUR"


def reading(units: str, month: str = "2026-01-01") -> dict[str, Decimal]:
    return {f"NEW:line-API/{month}/usage": Decimal(units)}


def test_usage_without_a_reading_waits_and_is_told() -> None:
    agreed = contract(make_order(usage_line(), last="2026-12-31"))
    run = draft_invoices(contracts=[agreed], as_of=day("2026-02-01"))

    assert run.drafts == ()
    assert [str(charge.period.start) for charge in run.waiting] == ["2026-01-01"]


def test_late_usage_is_billed_with_the_next_run_and_says_why() -> None:
    books = Books()
    agreed = contract(make_order(usage_line()))
    books.run(agreed, as_of="2026-02-01", usage=reading("10000"))

    (more,) = books.run(agreed, as_of="2026-02-20", usage=reading("15000"))
    assert table(books.drafts) == text("""
        2026-02-01 | 2026-03-03 | invoice | 100.00 EUR | API 100.00
        2026-02-20 | 2026-03-22 | invoice | 50.00 EUR | API 50.00
    """)
    assert more.items[0].reason == "100.00 was billed, 150.00 is owed for 2026-01-01 to 2026-01-31."


def test_corrected_usage_makes_a_credit_note_for_its_invoice() -> None:
    books = Books()
    agreed = contract(make_order(usage_line()))
    (first,) = books.run(agreed, as_of="2026-02-01", usage=reading("10000"))

    (note,) = books.run(agreed, as_of="2026-02-20", usage=reading("4000"))
    assert (note.kind, str(note.net), note.lowers) == (DocumentKind.CREDIT_NOTE, "-60.00 EUR", (first.key,))


def test_a_lost_reading_does_not_take_back_billed_usage() -> None:
    books = Books()
    agreed = contract(make_order(usage_line()))
    books.run(agreed, as_of="2026-02-01", usage=reading("10000"))

    assert books.run(agreed, as_of="2026-02-20") == []


def test_a_true_up_that_is_owed_no_more_is_credited() -> None:
    books = Books()
    agreed = contract(make_order(usage_line(minimum_amount=Decimal(500))))
    books.run(agreed, as_of="2026-02-01", usage=reading("10000"))

    later = books.run(agreed, as_of="2026-02-20", usage=reading("90000"))
    assert [(item.kind.value, str(item.amount.amount)) for draft in later for item in draft.items] == [
        ("usage", "800.00"),
        ("true_up", "-400.00"),
    ]


def test_arrears_and_advance_meet_on_one_document() -> None:
    agreed = contract(
        make_order(seats(), make_item("Storage", price="5", billing_timing=BillingTiming.IN_ARREARS, **TERMS))
    )

    assert table(Books().run(agreed, as_of="2026-02-01")) == text("""
        2026-01-01 | 2026-01-31 | invoice | 1000.00 EUR | Seats 1000.00
        2026-02-01 | 2026-03-03 | invoice | 1005.00 EUR | Seats 1000.00, Storage 5.00
    """)


def test_the_position_adds_up() -> None:
    books = Books()
    agreed = contract(make_order(seats(), usage_line()))
    books.run(agreed, as_of="2026-03-01", usage=reading("10000"))
    stands = position(contract=agreed, billed=books.billed)

    assert (str(stands.value), str(stands.billed), str(stands.remaining)) == (
        "12000.00 EUR",
        "3000.00 EUR",
        "9000.00 EUR",
    )


def test_the_next_bill_date_lets_a_run_pass_over_a_contract() -> None:
    agreed = contract(make_order(make_item("Platform", last="2027-12-31"), last="2027-12-31"))

    assert next_bill_date(contract=agreed, after=day("2026-01-01")) == day("2027-01-01")
    assert next_bill_date(contract=agreed, after=day("2027-01-01")) is None


def test_a_run_that_knows_what_was_billed_until_a_day_looks_only_after_it() -> None:
    agreed = contract(make_order(seats()))
    run = draft_invoices(contracts=[agreed], as_of=day("2026-03-01"), since={agreed.ref: day("2026-02-01")})

    assert [draft.bill_on for draft in run.drafts] == [day("2026-03-01")]


def test_such_a_run_still_sees_what_a_cancellation_gives_back() -> None:
    new = make_order(make_item("Platform"))
    agreed = contract(new, make_cancellation("2026-07-01", credited=True))
    (note,) = draft_invoices(contracts=[agreed], as_of=day("2026-07-01"), since={agreed.ref: day("2026-02-01")}).drafts

    assert str(note.net) == "-6049.32 EUR"


def test_the_same_draft_has_the_same_key_in_every_run_and_another_content_another() -> None:
    agreed, other = contract(make_order(seats())), contract(make_order(seats("51")))

    def keys(of: Contract) -> Sequence[str]:
        return [draft.key for draft in draft_invoices(contracts=[of], as_of=date(2026, 1, 1)).drafts]

    assert keys(agreed) == keys(agreed)
    assert keys(agreed) != keys(other)


def test_every_row_leads_back_to_contract_order_and_line() -> None:
    agreed = contract(make_order(seats()), upsell("2026-04-16"))
    items = [item for draft in preview_invoices(contracts=[agreed]) for item in draft.items]

    assert {(item.contract_ref, item.order_ref, item.line_ref) for item in items} == {
        ("NEW", "NEW", "line-Seats"),
        ("NEW", "UP", "line-Seats"),
    }
    assert len({item.charge_key for item in items}) == len(items)


def test_a_line_can_be_paid_by_somebody_else() -> None:
    agreed = contract(make_order(seats(), replace(seats(), ref="line-2", payer_ref="001B")))

    assert [draft.bill_to.payer_ref for draft in Books().run(agreed, as_of="2026-01-01")] == ["001A", "001B"]
