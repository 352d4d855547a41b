"""The drafts as finance sees them: the list by state, customer and month, and one document with its origins."""

from __future__ import annotations

import dataclasses
import re
from datetime import date

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from connector.adapters.clock import FixedClock
from connector.domain.review import InvoiceState
from connector.domain.terms import Customer
from connector.store.tables_billing import invoices
from connector.store.unit_of_work import Database
from tests.billing import Books
from tests.builders import account_id, quote_id
from tests.web.billed import cancellation, line, order, seats
from tests.web.test_pages import HOSTILE, text_of


@pytest.fixture
def books(sqlite_database: Database, clock: FixedClock) -> Books:
    return Books(sqlite_database, clock)


def test_a_fresh_start_says_what_will_appear(person: FlaskClient) -> None:
    assert "No invoices yet A billing run drafts what is due" in text_of(person.get("/review/invoices").text)


def test_the_list_shows_what_is_held_newest_first(person: FlaskClient, books: Books) -> None:
    books.sign(order(1, seats()))
    books.bill("2026-02-15")

    words = text_of(person.get("/review/invoices").text)

    assert "2 All 2 Draft 0 On hold 0 Second approval" in words
    assert words.index("1 Feb 2026 Invoice, 1 line") < words.index("1 Jan 2026 Invoice, 1 line")
    assert "Aurora Analytics GmbH from DE 1,000.00 EUR 1,190.00 EUR Draft" in words


def test_state_customer_and_month_in_the_address_narrow_the_list(
    person: FlaskClient, books: Books, sqlite_database: Database
) -> None:
    other = dataclasses.replace(order(2, seats()), customer=Customer(account_id(2), "Kestrel & Finch"))
    books.sign(order(1, seats()))
    books.sign(other)
    books.bill("2026-03-15")
    with sqlite_database.unit_of_work() as work:
        work.execute(sa.update(invoices).where(invoices.c.bill_on == date(2026, 3, 1)).values(state="void"))
        work.commit()

    def rows(address: str) -> int:
        return person.get(f"/review/invoices{address}").text.count("data-row")

    assert rows("") == 6
    assert rows("?state=void") == 2
    assert rows("?q=kestrel") == 3
    assert rows("?month=2026-02") == 2
    assert rows("?month=2026-02&q=kestrel&state=draft") == 1
    assert "No invoice matches" in person.get("/review/invoices?month=2027-02").text


def test_the_filters_above_the_list_keep_customer_and_month(person: FlaskClient, books: Books) -> None:
    books.sign(order(1, seats()))
    books.bill("2026-01-01")

    page = person.get("/review/invoices?month=2026-01&q=aurora").text

    links = re.findall(r'<a href="([^"]+)" class="filter', page)
    assert len(links) == 1 + len(InvoiceState)
    assert all("month=2026-01" in link and "q=aurora" in link for link in links)


@pytest.mark.parametrize("month", ["2026", "2026-13", "0000-01", "9999-12", "2026-1", "x", "2026-02-01"])
def test_a_month_that_cannot_be_is_refused_with_a_page(person: FlaskClient, month: str) -> None:
    answer = person.get(f"/review/invoices?month={month}")

    assert answer.status_code == 400
    assert "A month is written like 2026-03." in answer.text


def test_pages_go_on_where_the_last_one_ended(
    person: FlaskClient, books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connector.web.lists.PAGE_SIZE", 5)
    books.sign(order(1, seats()))
    books.bill("2026-12-31")

    seen, address = [], "/review/invoices?q=aurora"
    while address:
        page = person.get(address).text
        seen.append(page.count("data-row"))
        _, _, rest = page.partition('rel="next" href="')
        address = rest.partition('"')[0].replace("&amp;", "&")
        assert not address or "q=aurora" in address

    assert seen == [5, 5, 2]


def test_a_document_leads_from_each_line_to_contract_order_and_record(person: FlaskClient, books: Books) -> None:
    books.sign(order(1, line(1, "Platform", price="1000"), seats()))
    books.bill("2026-01-01")

    page = person.get("/review/invoices/1").text
    words = text_of(page)

    assert '<a href="/review/contracts/C-000001">' in page
    assert '<a href="/review/orders/O-000001">' in page
    assert f"Quote {quote_id(1)}, line 0QL5g0000000001GAE" in words.replace(" ,", ",")
    assert "1 Jan 2026 to 31 Jan 2026 50 20.00 19 % 1,000.00 EUR" in words
    assert "Net 2,000.00 EUR Tax 19 % of 2,000.00 EUR 380.00 EUR Total 2,380.00 EUR" in words
    assert "Made by a billing run and kept here; nothing has left." in words


def test_a_document_whose_tax_is_open_says_why_and_who_acts(person: FlaskClient, books: Books) -> None:
    books.sign(order(1, seats(), legal_entity="Elsewhere GmbH"))
    books.bill("2026-01-01")

    words = text_of(person.get("/review/invoices/1").text)

    assert "No tax rule of Elsewhere GmbH fits" in words
    assert "To be done by: finance TAX_UNDECIDED" in words
    assert "Tax open" in words
    assert "Total" not in words
    assert "TAX" not in text_of(person.get("/review/invoices").text)


def test_a_credit_note_names_the_document_that_it_lowers(person: FlaskClient, books: Books) -> None:
    yearly = line(1, "Platform", price="1200", price_period_months=12, billing_period_months=12)
    books.sign(order(1, yearly))
    books.bill("2026-01-01")
    books.sign(cancellation(2, date(2026, 7, 1)))
    books.bill("2026-07-01")

    page = person.get("/review/invoices/2").text

    assert "Credit note of 1 Jul 2026" in text_of(page)
    assert '<a href="/review/invoices/1">Document 1</a>' in page
    assert "-604.93 EUR" in text_of(page)


@pytest.mark.parametrize("address", ["2", "9223372036854775808", "0", "x", "-1"])
def test_a_document_that_is_not_there_is_a_page_that_says_so(person: FlaskClient, books: Books, address: str) -> None:
    books.sign(order(1, seats()))
    books.bill("2026-01-01")

    answer = person.get(f"/review/invoices/{address}")

    assert answer.status_code == 404
    assert "There is nothing here" in answer.text


def test_names_from_outside_are_text(person: FlaskClient, books: Books) -> None:
    named = dataclasses.replace(
        order(1, line(1, HOSTILE)), customer=Customer(account_id(1), HOSTILE), po_number=HOSTILE
    )
    books.sign(named)
    books.bill("2026-01-01")

    for address in ("/review/invoices", "/review/invoices/1"):
        page = person.get(address).text
        assert "<script>alert" not in page
        assert HOSTILE in text_of(page)


def test_who_may_only_look_finds_nothing_to_press(viewer: FlaskClient, books: Books) -> None:
    books.sign(order(1, seats()))
    books.bill("2026-01-01")

    page = viewer.get("/review/invoices/1").text

    main = page.partition("<main")[2].partition("<dialog")[0]
    assert "<form" not in main
    assert "<button" not in main
