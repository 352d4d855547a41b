"""The queue: what the rules told is kept and renewed, and drafts come by age, amount, customer and risk."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest

from connector.domain.review_findings import Risk
from connector.store.queries_queue import (
    SORTS,
    QueueAsked,
    QueueRow,
    all_rows,
    count_quiet,
    count_risks,
    count_states,
    list_queue,
    next_in_queue,
)
from connector.usecases.assess_drafts import assess, assess_due
from connector.usecases.review_invoice import edit_invoice, hold_invoice
from tests.domain.making import make_item
from tests.reviewing import Finance, sold
from tests.web.queued import deal, monthly


def rows(finance: Finance, asked: QueueAsked | None = None) -> list[QueueRow]:
    """The whole queue."""
    with finance.books.database.reading() as connection:
        return list(all_rows(connection=connection, asked=asked or QueueAsked(), at_once=2))


def names(finance: Finance, **asked: object) -> list[str]:
    """The customers of a view, in its order."""
    return [row.customer_name for row in rows(finance, QueueAsked(**asked))]  # type: ignore[arg-type]


@pytest.fixture
def filled(finance: Finance) -> Finance:
    """Four drafts: quiet, warned, large, blocked; of different days."""
    finance.books.sign(deal(1, "Bravo", monthly("Platform", "100", start="2026-01-05", last="2026-12-31")))
    finance.books.sign(deal(2, "alpha", monthly("Platform", "300"), customer={"tax_id": ""}))
    finance.books.sign(deal(3, "Delta", monthly("Platform", "90000", start="2026-01-20", last="2026-12-31")))
    finance.books.sign(deal(4, "Charlie", monthly("Platform", "200"), legal_entity="Elsewhere"))
    finance.books.bill("2026-01-31")
    assess_due(desk=finance.desk)
    return finance


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        ("age", ["alpha", "Charlie", "Bravo", "Delta"]),
        ("newest", ["Delta", "Bravo", "alpha", "Charlie"]),
        ("amount", ["Delta", "alpha", "Charlie", "Bravo"]),
        ("customer", ["alpha", "Bravo", "Charlie", "Delta"]),
        ("risk", ["Charlie", "alpha", "Delta", "Bravo"]),
    ],
)
def test_each_order_puts_the_right_draft_first_and_pages_leave_none_out(
    filled: Finance, sort: str, expected: list[str]
) -> None:
    assert names(filled, sort=sort) == expected


def test_filters_narrow_the_queue_and_counts_tell_what_is_there(filled: Finance) -> None:
    assert names(filled, risk="warned") == ["alpha"]
    assert names(filled, code="TAX_ID_MISSING") == ["alpha"]
    assert names(filled, code="TAX_ID") == []
    assert names(filled, text="RAV") == ["Bravo"]
    assert names(filled, text="%") == []
    assert names(filled, least=Decimal("119"), most=Decimal("357")) == ["alpha", "Charlie", "Bravo"]
    assert names(filled, currency="USD") == []
    assert names(filled, billed_until=date(2026, 1, 5)) == ["alpha", "Charlie", "Bravo"]
    with filled.books.database.reading() as connection:
        assert count_risks(connection=connection, asked=QueueAsked(risk="quiet")) == {
            "blocked": 1, "warned": 1, "plain": 1, "quiet": 1, "": 0,
        }  # fmt: skip
        assert count_states(connection=connection)["open"] == 4
        assert count_quiet(connection=connection, asked=QueueAsked()) == 1
        assert count_quiet(connection=connection, asked=QueueAsked(text="alpha")) == 0


@pytest.mark.parametrize("sort", SORTS)
def test_next_leads_through_the_whole_queue_and_back_to_its_start(filled: Finance, sort: str) -> None:
    asked = QueueAsked(sort=sort)
    order = [row.id for row in rows(filled, asked)]

    with filled.books.database.reading() as connection:
        after = [next_in_queue(connection=connection, asked=asked, invoice_id=one) for one in order]

    assert after == [*order[1:], order[0]]


def test_next_of_a_document_that_has_left_the_queue_is_the_one_behind_it(filled: Finance) -> None:
    asked = QueueAsked()
    order = [row.id for row in rows(filled, asked)]
    hold_invoice(desk=filled.desk, invoice_id=order[2], reason="x", actor="finn", role="finance")

    with filled.books.database.reading() as connection:
        drafts = QueueAsked(state="draft")
        assert next_in_queue(connection=connection, asked=drafts, invoice_id=order[2]) == order[3]
        only = QueueAsked(state="held")
        assert next_in_queue(connection=connection, asked=only, invoice_id=order[2]) is None


def test_a_page_goes_on_behind_a_row_that_left_meanwhile(filled: Finance) -> None:
    drafts = QueueAsked(state="draft")
    with filled.books.database.reading() as connection:
        page = list_queue(connection=connection, asked=drafts, limit=2)
    assert page.next_after is not None
    hold_invoice(desk=filled.desk, invoice_id=page.next_after, reason="x", actor="finn", role="finance")

    with filled.books.database.reading() as connection:
        following = list_queue(connection=connection, asked=drafts, after=page.next_after, limit=2)

    assert [row.customer_name for row in following.rows] == ["Bravo", "Delta"]


def test_a_draft_that_nobody_judged_is_in_the_queue_and_says_so(finance: Finance) -> None:
    invoice_id = finance.draft(sold())

    (row,) = rows(finance)

    assert (row.id, row.risk, row.findings, row.content_hash) == (invoice_id, None, (), "")


def test_judging_again_happens_when_something_moved_and_in_turn(finance: Finance) -> None:
    invoice_id = finance.draft(sold(make_item(price="1000")))
    desk, clock = finance.desk, finance.books.clock
    assert [assess_due(desk=desk), assess_due(desk=desk)] == [1, 0]

    clock.advance(timedelta(minutes=1))  # type: ignore[attr-defined]
    edit_invoice(
        desk=desk, invoice_id=invoice_id, looked_at=finance.hash(invoice_id), actor="finn", role="finance", memo="Hi."
    )
    clock.advance(timedelta(minutes=1))  # type: ignore[attr-defined]
    assert [assess_due(desk=desk), assess_due(desk=desk)] == [1, 0]
    assert rows(finance)[0].content_hash == finance.hash(invoice_id)

    clock.advance(timedelta(minutes=61))  # type: ignore[attr-defined]
    assert assess_due(desk=desk) == 1


def test_a_decided_draft_is_judged_no_more(finance: Finance) -> None:
    finance.issued(sold())

    assert assess_due(desk=finance.desk) == 0


def test_what_is_kept_is_what_the_rules_say(finance: Finance) -> None:
    quiet, warned = (
        finance.draft(sold(make_item(price="1000"))),
        finance.draft(deal(7, "Otter", customer={"email": ""})),
    )

    assess(desk=finance.desk, invoice_ids=[quiet, warned])

    found = {row.id: row for row in rows(finance)}
    assert (found[quiet].risk, found[quiet].findings) == (Risk.QUIET, ())
    assert (found[warned].risk, found[warned].findings) == (Risk.WARNED, finance.opened(warned).findings)
