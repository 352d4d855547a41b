"""The customer's pages: they show what is theirs, tell strangers nothing, and change nothing."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from connector.adapters.clock import FixedClock
from connector.domain.hosted import LinkScope, PaymentOption
from connector.domain.terms import BillingTiming, ChargeType
from connector.errors import Refused
from connector.store.artifacts import ArtifactKind
from connector.store.tables import metadata
from connector.store.unit_of_work import Database
from connector.usecases.credit_invoice import credit_invoice
from connector.usecases.share_invoice import DEFAULT_LIFE
from tests.cashing import Till
from tests.domain.making import make_item
from tests.reviewing import sold
from tests.web.sharing import AURORA, Sharing, make_sharing

_HEADERS = {
    "Cache-Control": "private, no-store",
    "X-Robots-Tag": "noindex, nofollow, noarchive",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self' data:; font-src 'self'; form-action 'none'; "
        "base-uri 'none'; frame-ancestors 'none'"
    ),
}


@pytest.fixture
def sharing(sqlite_database: Database, clock: FixedClock) -> Sharing:
    return make_sharing(sqlite_database, clock)


@pytest.fixture
def customer(sharing: Sharing) -> FlaskClient:
    return sharing.app.test_client()


def test_the_page_shows_the_document_how_it_stands_and_how_to_pay(database: Database, clock: FixedClock) -> None:
    sharing = make_sharing(database, clock)
    token = sharing.share(sharing.finance.issued(sold(customer=AURORA)))
    sharing.render()

    page = sharing.app.test_client().get(f"/invoice/{token}?lang=en")

    assert page.status_code == 200
    for text in ("DE-2026-000001", "14,280.00", "Please pay by", "RF54 DE20 2600 0001", "DE89 3704 0044 0532 0130 00"):
        assert text in page.text.replace("\xa0", " "), text
    assert f'href="/invoice/{token}.pdf"' in page.text
    assert 'src="data:image/png;base64,' in page.text, "the payment code"
    assert "<script" not in page.text
    assert "<form" not in page.text
    assert {name: page.headers[name] for name in _HEADERS} == _HEADERS


def _closed(sharing: Sharing, clock: FixedClock) -> dict[str, str]:
    """Addresses of every kind that open nothing."""
    expired = sharing.share(sharing.finance.issued(sold(customer=AURORA)), life=timedelta(hours=1))
    other = sharing.finance.issued(sold(record="TWO", customer=AURORA), as_of="2026-02-01")
    revoked = sharing.share(other)
    sharing.revoke(other)
    clock.advance(timedelta(hours=1))
    return {
        "unknown": "a" * 43, "expired": expired, "revoked": revoked, "short": "a", "long": "a" * 3000,
        "strange": "%F0%9F%92%B8", "dots": "..%2F..%2Fetc", "quote": "'%20OR%201=1",
    }  # fmt: skip


def _told(answer: TestResponse) -> tuple[int, str, dict[str, str]]:
    return answer.status_code, answer.text, {name: value for name, value in answer.headers if name != "Date"}


def test_unknown_expired_and_revoked_links_get_one_answer(
    sharing: Sharing, customer: FlaskClient, clock: FixedClock
) -> None:
    closed = _closed(sharing, clock)

    for ending in ("", ".pdf", ".xml", "/upcoming", "/documents/DE-2026-000001", "/documents/DE-2026-000001.pdf"):
        told = {name: _told(customer.get(f"/invoice/{token}{ending}")) for name, token in closed.items()}
        assert len({str(one) for one in told.values()}) == 1, ending
        status, text, headers = told["unknown"]
        assert status == 404
        assert "DE-2026" not in text
        assert headers["Cache-Control"] == "private, no-store"


def test_opening_writes_nothing(sharing: Sharing, customer: FlaskClient, sqlite_database: Database) -> None:
    token = sharing.share(sharing.finance.issued(sold(customer=AURORA)))
    sharing.render()
    before = _everything(sqlite_database)

    for address in (token, f"{token}.pdf", f"{token}.xml", f"{token}/upcoming", f"{token}/documents/DE-2026-000001"):
        assert customer.get(f"/invoice/{address}").status_code == 200, address
        assert customer.head(f"/invoice/{address}").status_code == 200
        assert customer.post(f"/invoice/{address}").status_code == 405

    assert _everything(sqlite_database) == before


def _everything(database: Database) -> list[str]:
    with database.reading() as connection:
        return [repr(row) for table in metadata.sorted_tables for row in connection.execute(sa.select(table))]


def test_the_language_is_the_customers_until_the_reader_chooses(sharing: Sharing, customer: FlaskClient) -> None:
    token = sharing.share(sharing.finance.issued(sold(customer=AURORA)))

    def said(language: str) -> str:
        return customer.get(f"/invoice/{token}", query_string={"lang": language} if language else None).text

    assert '<html lang="de" dir="ltr">' in said("")
    assert "14.280,00" in said("de")
    assert '<html lang="he" dir="rtl">' in said("he")
    assert "14\xa0280,00\xa0EUR" in said("fr")
    assert '<html lang="en" dir="ltr">' in said("xx")
    assert '<html lang="en" dir="ltr">' in said('"><script>')


def test_files_are_the_bytes_that_were_made(sharing: Sharing, customer: FlaskClient) -> None:
    token = sharing.share(sharing.finance.issued(sold(customer=AURORA)))
    sharing.render()

    for kind, media in (("pdf", "application/pdf"), ("xml", "application/xml")):
        answer = customer.get(f"/invoice/{token}.{kind}")
        assert (answer.data, answer.mimetype) == (f"{kind} of DE-2026-000001".encode(), media)
        assert answer.headers["ETag"] == f'"{hashlib.sha256(answer.data).hexdigest()}"'
        assert answer.headers["Content-Disposition"] == f'inline; filename="DE-2026-000001.{kind}"'
        again = customer.get(f"/invoice/{token}.{kind}", headers={"If-None-Match": answer.headers["ETag"]})
        assert (again.status_code, again.data) == (304, b"")


def test_the_link_is_never_empty_while_files_are_made(sharing: Sharing, customer: FlaskClient) -> None:
    token = sharing.share(sharing.finance.issued(sold(customer=AURORA)))

    page, pdf = customer.get(f"/invoice/{token}?lang=en"), customer.get(f"/invoice/{token}.pdf")

    assert "The PDF is being prepared." in page.text
    assert "14,280.00" in page.text
    assert f"{token}.pdf" not in page.text
    assert (pdf.status_code, pdf.headers["Retry-After"]) == (503, "5")
    assert "Das PDF wird gerade erstellt." in pdf.text


def test_an_xml_that_cannot_exist_is_not_offered(sharing: Sharing, customer: FlaskClient) -> None:
    def no_xml(kind: ArtifactKind, frozen: Any) -> bytes:
        if kind is ArtifactKind.XML:
            raise Refused("No.", code="NO_XML")
        return b"made"

    token = sharing.share(sharing.finance.issued(sold(customer=AURORA)))
    sharing.render(no_xml)

    assert f"{token}.xml" not in customer.get(f"/invoice/{token}").text
    assert customer.get(f"/invoice/{token}.xml").status_code == 404
    assert customer.get(f"/invoice/{token}.pdf").data == b"made"


def test_an_account_sees_its_own_open_documents_and_nobody_elses(
    sharing: Sharing, customer: FlaskClient, clock: FixedClock
) -> None:
    finance = sharing.finance
    first = finance.issued(sold(customer=AURORA))
    finance.issued(sold(record="TWO", customer=AURORA), as_of="2026-02-01")
    finance.issued(sold(record="ELSE", customer=replace(AURORA, ref="001OTHER", name="Else")), as_of="2026-02-02")
    finance.issued(sold(make_item(payer_ref="001PAYER"), record="PAID", customer=AURORA), as_of="2026-02-03")
    token = sharing.share(first)

    page = customer.get(f"/invoice/{token}").text
    assert f'href="/invoice/{token}/documents/DE-2026-000002?lang=de"' in page
    assert "DE-2026-000003" not in page
    assert "DE-2026-000004" not in page, "another account pays for it"
    assert customer.get(f"/invoice/{token}/documents/DE-2026-000002").status_code == 200
    for number in ("DE-2026-000003", "DE-2026-000004", "DE-2026-000009", "2", "first"):
        assert customer.get(f"/invoice/{token}/documents/{number}").status_code == 404, number
        assert customer.get(f"/invoice/{token}/documents/{number}.pdf").status_code == 404, number


def test_a_link_for_one_document_opens_that_one_alone(sharing: Sharing, customer: FlaskClient) -> None:
    finance = sharing.finance
    first = finance.issued(sold(customer=AURORA))
    finance.issued(sold(record="TWO", customer=AURORA), as_of="2026-02-01")
    token = sharing.share(first, scope=LinkScope.DOCUMENT)

    page = customer.get(f"/invoice/{token}").text

    assert "DE-2026-000001" in page
    assert "DE-2026-000002" not in page
    assert "/upcoming" not in page
    assert customer.get(f"/invoice/{token}/documents/DE-2026-000002").status_code == 404
    assert customer.get(f"/invoice/{token}/upcoming").status_code == 404


def test_a_document_that_was_credited_in_full_asks_for_nothing(sharing: Sharing, customer: FlaskClient) -> None:
    invoice_id = sharing.finance.issued(sold(customer=AURORA))
    token = sharing.share(invoice_id)
    credit_invoice(desk=sharing.finance.desk, invoice_id=invoice_id, reason="Oops.", actor="anna", role="approver")

    page = customer.get(f"/invoice/{token}?lang=en").text.replace("\xa0", " ")

    assert "Nothing is due on this document." in page
    assert "Credit note DE-CN-2026-000001" in page
    assert "0.00 EUR" in page
    assert "Pay by bank transfer" not in page


def test_a_credit_note_is_no_request_to_pay(sharing: Sharing, customer: FlaskClient) -> None:
    invoice_id = sharing.finance.issued(sold(customer=AURORA))
    decided = credit_invoice(
        desk=sharing.finance.desk, invoice_id=invoice_id, reason="Oops.", actor="anna", role="approver",
        amounts={1: Decimal(100)},
    )  # fmt: skip

    page = customer.get(f"/invoice/{sharing.share(decided.invoice_id)}?lang=en").text

    assert "Credit note" in page
    assert "Amount credited" in page
    assert "Pay by bank transfer" not in page


def test_overdue_begins_the_day_after_in_the_sellers_zone(
    sharing: Sharing, customer: FlaskClient, clock: FixedClock
) -> None:
    token = sharing.share(sharing.finance.issued(sold(customer=AURORA)))

    def is_overdue() -> bool:
        text = customer.get(f"/invoice/{token}?lang=en").text.replace("\xa0", " ")
        return "This was due on March 2, 2026." in text

    # The contract began in January; it is due on the day of its issue, Monday 2 March. Berlin is an hour ahead.
    assert not is_overdue()
    clock.set(clock.now().replace(hour=22, minute=59))
    assert not is_overdue()
    clock.set(clock.now().replace(hour=23, minute=0))
    assert is_overdue()


def test_ways_to_pay_online_are_links_that_nobody_can_turn_into_a_script(
    sqlite_database: Database, clock: FixedClock
) -> None:
    options = (
        PaymentOption("https://pay.example/1"), PaymentOption("https://bank.example/2", "Ba<nk"),
        PaymentOption("javascript:alert(1)"), PaymentOption("http://pay.example/3"),
    )  # fmt: skip
    sharing = make_sharing(sqlite_database, clock, options=options)
    token = sharing.share(sharing.finance.issued(sold(customer=AURORA)))

    page = sharing.app.test_client().get(f"/invoice/{token}?lang=en").text

    assert 'href="https://pay.example/1" rel="noreferrer noopener">Pay now</a>' in page
    assert "Pay with Ba&lt;nk" in page
    assert "javascript:" not in page
    assert "http://pay.example/3" not in page


def test_hostile_text_is_shown_as_text(sharing: Sharing, customer: FlaskClient) -> None:
    hostile = "<img src=x onerror=alert(1)>\"'&=1+1" + "\u202e" + "🎉" + "x" * 5000
    token = sharing.share(sharing.finance.issued(sold(customer=replace(AURORA, name=hostile))))

    page = customer.get(f"/invoice/{token}").text

    assert "<img src=x" not in page
    assert "&lt;img src=x onerror=alert(1)&gt;" in page
    assert "\u202e" not in page
    assert "🎉" in page


def test_whoever_misses_too_often_waits(sharing: Sharing, customer: FlaskClient, clock: FixedClock) -> None:
    token = sharing.share(sharing.finance.issued(sold(customer=AURORA)))
    for _ in range(61):
        assert customer.get(f"/invoice/{'b' * 43}").status_code == 404

    waiting = customer.get(f"/invoice/{token}")
    assert (waiting.status_code, waiting.headers["Retry-After"]) == (429, "300")
    elsewhere = {"REMOTE_ADDR": "192.0.2.7"}
    assert customer.get(f"/invoice/{token}", environ_overrides=elsewhere).status_code == 200
    clock.advance(timedelta(minutes=5))
    assert customer.get(f"/invoice/{token}").status_code == 200


def test_a_link_lives_for_its_time(sharing: Sharing, customer: FlaskClient, clock: FixedClock) -> None:
    token = sharing.share(sharing.finance.issued(sold(customer=AURORA)))
    clock.advance(DEFAULT_LIFE - timedelta(seconds=1))
    assert customer.get(f"/invoice/{token}").status_code == 200

    clock.advance(seconds=1)

    assert customer.get(f"/invoice/{token}").status_code == 404


# What comes next


def monthly(name: str, **changes: Any) -> Any:
    """A line billed each month of 2026."""
    return make_item(name, price_period_months=1, billing_period_months=1, **{"price": "100", **changes})


def test_the_upcoming_page_shows_the_next_bill_date_of_all_contracts_as_an_estimate(
    sharing: Sharing, customer: FlaskClient
) -> None:
    usage = monthly(
        "Calls", quantity="0", price="0.01", charge_type=ChargeType.USAGE, billing_timing=BillingTiming.IN_ARREARS
    )
    finance = sharing.finance
    finance.books.sign(sold(monthly("Seats", quantity="3"), usage, customer=AURORA))
    finance.books.sign(sold(monthly("Support"), record="TWO", customer=AURORA))
    invoice_id = finance.draft(as_of="2026-03-02")
    finance.approve(invoice_id)

    page = customer.get(f"/invoice/{sharing.share(invoice_id)}/upcoming?lang=en").text.replace("\xa0", " ")

    assert "This is not an invoice and nothing is to be paid." in page
    assert "Calculated on March 2, 2026." in page
    assert page.count("<h1>Upcoming invoice</h1>") == 1, "the run makes one document of both contracts"
    assert "Apr 1, 2026 – Apr 30, 2026" in page
    assert "Mar 1, 2026 – Mar 31, 2026 · estimate" in page
    assert "400.00 EUR" in page
    assert "476.00 EUR" in page
    assert "C-000001, C-000002" in page
    assert "RF" not in page.replace("RFC", "")
    assert "DE89" not in page, "nothing can be paid by it"


def test_when_nothing_more_is_planned_the_upcoming_page_says_so(sharing: Sharing, customer: FlaskClient) -> None:
    token = sharing.share(sharing.finance.issued(sold(customer=AURORA)))

    page = customer.get(f"/invoice/{token}/upcoming?lang=de")

    assert page.status_code == 200
    assert "Derzeit ist nichts Weiteres geplant." in page.text


def test_payments_stand_in_the_history_and_lower_what_is_open(database: Database, clock: FixedClock) -> None:
    sharing = make_sharing(database, clock)
    invoice_id = sharing.finance.issued(sold(customer=AURORA))
    token = sharing.share(invoice_id)
    till = Till(database, clock)

    till.allocate(till.paid("4280.00"), {invoice_id: "4280.00"})

    page = sharing.app.test_client().get(f"/invoice/{token}?lang=en").text.replace("\xa0", " ")
    assert '<span class="badge partly_paid">' in page
    assert '<td>Payment</td><td class="end">4,280.00 EUR</td>' in page
    assert "10,000.00 EUR" in page
    till.allocate(till.paid("10000.00"), {invoice_id: "10000.00"})
    page = sharing.app.test_client().get(f"/invoice/{token}?lang=en").text
    assert "Nothing is due on this document." in page
    assert '<span class="badge paid">' in page


def test_a_file_that_was_never_begun_is_nothing_and_no_fault_of_ours(
    sharing: Sharing, customer: FlaskClient, sqlite_database: Database
) -> None:
    token = sharing.share(sharing.finance.issued(sold(customer=AURORA)))
    with sqlite_database.unit_of_work() as work:
        work.execute(metadata.tables["artifacts"].delete())
        work.commit()

    assert customer.get(f"/invoice/{token}.xml").status_code == 404
