"""The page of a contract: what it is worth, which order changed what, every document, and that all of it adds up."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from connector.adapters.clock import FixedClock
from connector.store import contract_orders
from connector.store.tables import contracts, orders
from connector.store.unit_of_work import Database
from tests.billing import Books
from tests.web.billed import cancellation, line, order, seats, upsell, usage_line
from tests.web.test_pages import HOSTILE, text_of

PAGE = "/review/contracts/C-000001"


@pytest.fixture
def books(sqlite_database: Database, clock: FixedClock) -> Books:
    return Books(sqlite_database, clock)


def documents_of(page: str) -> list[str]:
    """The rows of the schedule as a reader sees them."""
    return [text_of(row) for row in re.findall(r'<tr id="document-\d+">.*?</tr>', page, re.DOTALL)]


def test_the_schedule_lists_every_document_with_tax_and_adds_up(person: FlaskClient, books: Books) -> None:
    books.sign(order(1, line(1, "Platform", price="1000"), seats()))

    page = person.get(PAGE).text

    assert "The documents add up to the contract value to the cent: 24,000.00 EUR" in text_of(page)
    rows = documents_of(page)
    assert len(rows) == 12
    assert rows[0].startswith("1 Jan 2026 31 Jan 2026 1 Jan 2026 to 31 Jan 2026 2 lines Platform 1,000.00 EUR Seats")
    assert rows[0].endswith("2,000.00 EUR 380.00 EUR 2,380.00 EUR Planned")


def test_what_is_drafted_shows_its_state_and_leads_to_the_document(person: FlaskClient, books: Books) -> None:
    books.sign(order(1, seats()))
    books.bill("2026-02-15")

    page = person.get(PAGE).text

    assert [row.rsplit(" ", 1)[1] for row in documents_of(page)] == ["Draft"] * 2 + ["Planned"] * 10
    assert page.count('href="/review/invoices/') == 2
    words = text_of(page)
    assert "12,000.00 EUR Value, all orders together" in words
    assert "2,000.00 EUR On documents already 10,000.00 EUR Still to come" in words
    assert "1 Mar 2026 Next document, 1,000.00 EUR" in words


def test_each_order_says_what_it_changed_and_by_how_much(person: FlaskClient, books: Books) -> None:
    books.sign(
        order(1, seats(), signed_total=Decimal(12000)),
        upsell(2, quantity="80", prior="50", on=date(2026, 7, 1), signed_total=Decimal(3600)),
        cancellation(3, date(2026, 10, 1)),
    )

    words = text_of(person.get(PAGE).text)

    assert "1 Jan 2026 O-000001 New business New Seats: 50 12,000.00 EUR agrees +12,000.00 EUR" in words
    assert "1 Jul 2026 O-000002 Upsell New Seats: 50 → 80 3,600.00 EUR agrees +3,600.00 EUR 15,600.00 EUR" in words
    assert "Ends on 1 Oct 2026, unused days are credited – −4,800.00 EUR 10,800.00 EUR" in words


def test_a_signed_total_that_is_not_the_value_is_told(person: FlaskClient, books: Books) -> None:
    books.sign(order(1, seats(), signed_total=Decimal("11999.99")))

    assert "11,999.99 EUR differs +12,000.00 EUR" in text_of(person.get(PAGE).text)


def test_usage_is_an_estimate_and_waits_where_it_was_due(person: FlaskClient, books: Books) -> None:
    books.sign(order(1, seats(), usage_line()))
    books.bill("2026-03-01")

    rows = documents_of(person.get(PAGE).text)

    unread = [row for row in rows if row.endswith("Usage unread")]
    assert [row.split(" ", 3)[:3] for row in unread] == [["1", "Feb", "2026"], ["1", "Mar", "2026"]]
    assert all("Calls estimate" in row for row in unread)
    assert rows[-1].startswith("1 Jan 2027")
    assert "Calls estimate" in rows[-1]


def test_a_credit_is_a_bar_below_the_line_and_a_row_of_its_own(person: FlaskClient, books: Books) -> None:
    yearly = line(1, "Platform", price="1200", price_period_months=12, billing_period_months=12)
    books.sign(order(1, yearly), cancellation(2, date(2026, 7, 1)))

    page = person.get(PAGE).text

    assert 'class="part part-credit"' in page
    assert documents_of(page)[-1].startswith("1 Jul 2026 credit note")
    assert "to the cent: 595.07 EUR" in text_of(page)


def test_warnings_are_said_in_words_with_who_acts(person: FlaskClient, books: Books) -> None:
    books.sign(order(1, seats()), upsell(2, quantity="80", prior="40", on=date(2026, 7, 1)))

    words = text_of(person.get(PAGE).text)

    assert "Worth a look 1 Deal 2 changes Seats from 40, but the contract has 50 on 2026-07-01." in words
    assert "To be done by: finance PRIOR_QUANTITY_DIFFERS" in words


def test_an_order_taken_back_stays_in_the_history(person: FlaskClient, books: Books) -> None:
    books.sign(order(1, seats()), upsell(2, quantity="80", prior="50", on=date(2026, 2, 1)))
    books.bill("2026-03-01")
    _undo(books, "O-000002", date(2026, 4, 1), "signed by mistake")

    page = person.get(PAGE).text

    assert "Upsell, taken back" in text_of(page)
    assert "Taken back: signed by mistake" in text_of(page)
    assert "to the cent: 12,000.00 EUR" in text_of(page)


def test_a_contract_that_charges_nothing_says_so(person: FlaskClient, books: Books) -> None:
    books.sign(order(1, line(1, "Platform", price="0")))

    page = person.get(PAGE)

    assert page.status_code == 200
    assert "This contract charges nothing." in text_of(page.text)
    assert '<figure class="chart">' not in page.text


def test_no_rule_for_the_tax_leaves_it_open_with_the_reason(person: FlaskClient, books: Books) -> None:
    books.sign(order(1, seats(), legal_entity="Elsewhere GmbH"))

    page = person.get(PAGE).text

    assert documents_of(page)[0].endswith("1,000.00 EUR open – Planned")
    assert "No tax rule of Elsewhere GmbH" in page


def test_a_contract_that_cannot_be_calculated_shows_what_is_stored(
    person: FlaskClient, books: Books, sqlite_database: Database
) -> None:
    books.sign(order(1, seats()))
    stored = sqlite_database
    with stored.unit_of_work() as work:
        (document,) = work.execute(sa.select(orders.c.terms)).scalars()
        work.execute(orders.update().values(terms=document | {"deal_type": "upsell", "amends_ref": "0Q0"}))
        work.execute(contracts.update().values(billing_problem="TIERS: A tier has no price."))
        work.commit()

    page = person.get(PAGE)

    assert page.status_code == 200
    assert "The schedule cannot be calculated. Waiting for the order of record 0Q0" in text_of(page.text)
    assert "The last billing run left this contract out. TIERS: A tier has no price." in text_of(page.text)
    assert "O-000001" in page.text


def test_many_months_and_lines_stay_one_page(person: FlaskClient, books: Books) -> None:
    lines = [line(number, f"Module {number}", ends_on=date(2029, 1, 1)) for number in range(1, 21)]
    books.sign(order(1, *lines, ends_on=date(2029, 1, 1)))

    page = person.get(PAGE).text

    assert len(documents_of(page)) == 36
    assert page.count('class="column"') == 36
    assert "and 14 more lines" in page


def test_names_from_outside_are_text(person: FlaskClient, books: Books) -> None:
    books.sign(order(1, line(1, HOSTILE)))

    page = person.get(PAGE).text

    assert "<script>alert" not in page
    assert "<img" not in page
    assert HOSTILE in text_of(page)


def test_every_chart_stands_above_its_table_and_no_figure_is_only_in_it(person: FlaskClient, books: Books) -> None:
    books.sign(order(1, seats()))

    page = person.get(PAGE).text

    drawings = re.findall(r'<div class="plot" aria-hidden="true">', page)
    assert len(drawings) == len(re.findall(r'<figure class="chart">', page)) == 2
    assert set(re.findall(r'href="#(document-\d+)"', page)) <= set(re.findall(r'id="(document-\d+)"', page))
    assert "style=" not in page


def _undo(books: Books, number: str, on: date, reason: str) -> None:
    """Taken back by its row, as the command does it; access plays no part here."""
    with books.database.unit_of_work() as work:
        row = work.execute(sa.select(orders).where(orders.c.number == number)).one()
        contract_orders.save_undo(
            work=work, contract_id=row.contract_id, order_id=row.id, on=on, reason=reason, actor="rosa",
            now=books.clock.now(),
        )  # fmt: skip
        work.commit()
