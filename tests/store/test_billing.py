"""Runs, chunks, drafts and what is read of them, on both databases."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa

from connector.adapters.clock import FixedClock
from connector.store import billing, billing_runs, processes, queries_invoices, usage
from connector.store.contract_orders import load_orders_of
from connector.store.queries import PageAsked
from connector.store.tables_billing import invoices
from connector.store.unit_of_work import Database
from tests.billing import Books, for_customer
from tests.domain.making import day, make_cancellation, make_item, make_order
from tests.domain.seat_orders import monthly_seats, seats, upsell


@pytest.fixture
def books(database: Database, clock: FixedClock) -> Books:
    return Books(database, clock)


def _customers(books: Books, count: int) -> None:
    for number in range(count):
        books.sign(for_customer(make_order(seats(), record=f"R{number}"), f"00{number}"))


# Runs and chunks


def test_chunks_cover_every_customer_once(books: Books) -> None:
    _customers(books, 7)
    run_id = books.open_run("2026-01-01", chunk_size=3)
    found = []
    for _ in range(3):
        with books.database.unit_of_work() as work:
            chunk = billing_runs.take_chunk(work=work, run_id=run_id, claimed_by="here", now=books.clock.now())
            work.commit()
        assert chunk is not None
        with books.database.reading() as connection:
            due = billing.load_due(connection=connection, as_of=chunk.as_of, first=chunk.first, end=chunk.end)
        found.append([one.customer_ref for one in due])

    assert found == [["000", "001", "002"], ["003", "004", "005"], ["006"]]


def test_stretches_cover_every_customer_once_too(books: Books) -> None:
    _customers(books, 7)
    with books.database.reading() as connection:
        parts = [
            [
                one.customer_ref
                for one in billing.load_due(connection=connection, as_of=day("2026-01-01"), first=a, end=b)
            ]
            for a, b in billing.stretches(connection=connection, as_of=day("2026-01-01"), size=3)
        ]

    assert parts == [["000", "001", "002"], ["003", "004", "005"], ["006"]]


def test_a_run_with_nothing_due_is_finished_as_it_opens(books: Books) -> None:
    run_id = books.open_run("2026-01-01")

    with books.database.reading() as connection:
        progress = billing_runs.load_progress(connection=connection, run_id=run_id)
        assert billing_runs.open_runs(connection=connection) == []
    assert (progress.chunks, progress.is_finished) == (0, True)


def test_a_chunk_of_a_process_that_stopped_is_taken_at_once(books: Books) -> None:
    _customers(books, 1)
    run_id = books.open_run("2026-01-01")
    now = books.clock.now()
    with books.database.unit_of_work() as work:
        processes.register(work=work, executor_id="dead", kind="worker", host="h", pid=1, now=now)
        assert billing_runs.take_chunk(work=work, run_id=run_id, claimed_by="dead", now=now)
        processes.stop(work=work, executor_ids=["dead"], now=now)
        work.commit()

    assert books.biller.bill_next_chunk(run_id=run_id)


def test_chunks_given_back_are_taken_by_others(books: Books) -> None:
    _customers(books, 1)
    run_id = books.open_run("2026-01-01")
    with books.database.unit_of_work() as work:
        assert billing_runs.take_chunk(work=work, run_id=run_id, claimed_by="child", now=books.clock.now())
        assert billing_runs.release_chunks(work=work, run_id=run_id, claimed_by="child") == 1
        work.commit()

    assert books.biller.bill_next_chunk(run_id=run_id)


def test_who_lost_a_chunk_does_not_finish_it(books: Books) -> None:
    _customers(books, 1)
    run_id = books.open_run("2026-01-01")
    now = books.clock.now()
    with books.database.unit_of_work() as work:
        lost = billing_runs.take_chunk(work=work, run_id=run_id, claimed_by="slow", now=now)
        later = now + timedelta(minutes=11)
        assert billing_runs.take_chunk(work=work, run_id=run_id, claimed_by="quick", now=later)
        assert lost is not None
        assert not billing_runs.finish_chunk(work=work, chunk=lost, counts={}, now=later)
        work.commit()

    with books.database.reading() as connection:
        assert billing_runs.load_progress(connection=connection, run_id=run_id).done == 0


# What is read


def test_the_orders_of_many_contracts_are_read_together_with_those_undone(books: Books) -> None:
    books.sign(make_order(seats()), upsell("60", "50", "2026-05-20"))
    _customers(books, 2)

    with books.database.reading() as connection:
        found = load_orders_of(connection=connection, contract_ids=[1, 2, 3])

    assert {number: len(one.documents) for number, one in found.items()} == {1: 2, 2: 1, 3: 1}
    assert found[1].terms[0] == make_order(seats())


def test_an_amount_is_read_as_it_was_written(books: Books) -> None:
    books.sign(make_order(make_item(price="0.10", quantity="3"), currency="KWD"))
    books.bill("2026-01-01")

    (item,) = books.items()
    assert (str(item.amount), str(item.unit_price)) == ("0.300", "0.10")


def test_an_item_keeps_every_digit_word_and_document(books: Books) -> None:
    item = make_item(
        "Calls, \\ tab\tand\nline", price="0.123456789012345678901234567890", quantity="1000000000", tax_code="Ä\\N"
    )
    books.sign(make_order(item))
    books.bill("2026-01-01")

    (row,) = books.items()
    assert str(row.unit_price) == "0.123456789012345678901234567890"
    assert str(row.amount) == "123456789.01"
    assert (row.description, row.tax_code, row.kind) == ("Calls, \\ tab\tand\nline", "Ä\\N", "recurring")
    assert row.tax == {"rate": Decimal(0), "category": "O", "mention": "", "exemption_code": ""}


def test_a_reading_that_is_no_news_changes_nothing(books: Books) -> None:
    books.sign(make_order(seats()))
    books.bill("2026-01-01")
    values: dict[str, Any] = {
        "contract_id": 1,
        "charge_key": "k",
        "units": Decimal("2.50"),
        "bill_on": day("2026-02-01"),
    }

    with books.database.unit_of_work() as work:
        assert usage.save_reading(work=work, **values, now=books.clock.now())
        work.commit()
    before = books.contract()
    with books.database.unit_of_work() as work:
        assert not usage.save_reading(work=work, **values, now=books.clock.now())
        work.commit()

    assert books.contract() == before
    assert (before.next_bill_on, before.billed_version) == (day("2026-02-01"), 0)


def test_the_same_draft_cannot_be_stored_twice(books: Books) -> None:
    books.sign(make_order(seats()))
    books.bill("2026-01-01")
    (row,) = books.drafts()
    values = {name: value for name, value in row._mapping.items() if name != "id"}

    with pytest.raises(sa.exc.IntegrityError), books.database.unit_of_work() as work:
        work.execute(invoices.insert().values(values))


# What people see


def test_documents_are_listed_page_by_page_newest_first(books: Books) -> None:
    books.sign(make_order(monthly_seats(last="2026-06-30"), last="2026-06-30"))
    books.bill("2026-12-31")

    with books.database.reading() as connection:
        first = queries_invoices.list_invoices(connection=connection, page=PageAsked(limit=4))
        rest = queries_invoices.list_invoices(connection=connection, page=PageAsked(limit=4, after=first.next_after))
        counts = queries_invoices.count_invoices(connection=connection)

    assert [row.bill_on.month for row in (*first.rows, *rest.rows)] == [6, 5, 4, 3, 2, 1]
    assert (rest.next_after, counts) == (None, {"draft": 6})


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"state": "issued"}, 0),
        ({"state": "draft"}, 2),
        ({"customer_ref": "001B"}, 1),
        ({"contract_number": "C-000001"}, 1),
        ({"text": "globex"}, 1),
        ({"text": "nobody"}, 0),
    ],
)
def test_documents_are_found_by_state_customer_contract_and_text(
    books: Books, asked: dict[str, str], found: int
) -> None:
    books.sign(make_order(seats()))
    books.sign(for_customer(make_order(seats(), record="OTHER"), "001B", name="Globex"))
    books.bill("2026-01-01")

    with books.database.reading() as connection:
        page = queries_invoices.list_invoices(connection=connection, page=PageAsked(), **asked)

    assert len(page.rows) == found


def test_a_document_is_read_with_its_items_taxes_and_what_it_lowers(books: Books) -> None:
    books.sign(make_order(seats()))
    books.bill("2026-01-01")
    books.sign(make_cancellation("2026-07-01", credited=True))
    books.bill("2026-07-01")

    with books.database.reading() as connection:
        note = queries_invoices.load_invoice(connection=connection, invoice_id=2)
        nothing = queries_invoices.load_invoice(connection=connection, invoice_id=99)

    assert nothing is None
    assert note is not None
    assert (note.row.kind, str(note.row.net), note.lowers) == ("credit_note", "-6049.32 EUR", (1,))
    (item,) = note.items
    assert (item.contract_number, item.order_ref, item.starts_on) == ("C-000001", "NEW", day("2026-07-01"))
    (tax,) = note.taxes
    assert (tax.rate, str(tax.net), str(tax.tax)) == (Decimal(0), "-6049.32 EUR", "0.00 EUR")
