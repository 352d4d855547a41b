"""The customer's pages in a real browser: languages, printing, small screens, accessibility; scripts are switched off.

`pytest tests/web/test_hosted_in_browser.py --update-screenshots` writes the pictures of the guides anew.
"""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pypdfium2 as pdfium
import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright
from pypdf import PdfReader
from werkzeug.serving import make_server

from connector.adapters.clock import FixedClock
from connector.domain.hosted import PaymentOption
from connector.domain.terms import BillingTiming, ChargeType
from connector.store.unit_of_work import Database
from connector.usecases.credit_invoice import credit_invoice
from tests.domain.making import make_item
from tests.reviewing import sold
from tests.web.sharing import AURORA, Sharing, make_sharing
from tests.web.test_pages_in_browser import _ARGUMENTS, _IMAGES, _chromium

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

_AXE = (Path(__file__).parent / "axe.min.js").read_text(encoding="utf-8")
_DESKTOP, _PHONE = {"width": 1180, "height": 1000}, {"width": 320, "height": 800}
_LANGUAGES = ("en", "de", "ja", "he")


@dataclass(frozen=True)
class Served:
    """Where a customer's link leads."""

    address: str
    token: str
    sharing: Sharing

    @property
    def url(self) -> str:
        """The page."""
        return f"{self.address}/invoice/{self.token}"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=_chromium(), args=list(_ARGUMENTS))
        yield found
        found.close()


@pytest.fixture
def served(sqlite_database: Database, clock: FixedClock) -> Iterator[Served]:
    """Three invoices of one account: the shared one partly credited, one overdue, one new."""
    options = (PaymentOption("https://pay.example/link/1", ""),)
    sharing = make_sharing(sqlite_database, clock, options=options)
    token = _issue(sharing, clock)
    server = make_server("127.0.0.1", 0, sharing.app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield Served(f"http://127.0.0.1:{server.server_port}", token, sharing)
    server.shutdown()
    thread.join()
    server.server_close()


def _issue(sharing: Sharing, clock: FixedClock) -> str:
    finance = sharing.finance
    order = sold(
        make_item("Platform Business", price="1800", price_period_months=1, billing_period_months=1),
        make_item("Seats", quantity="50", price="20", price_period_months=1, billing_period_months=1),
        make_item("Calls", quantity="0", price="0.01", charge_type=ChargeType.USAGE, price_period_months=1,
                  billing_period_months=1, billing_timing=BillingTiming.IN_ARREARS),
        customer=AURORA,
    )  # fmt: skip
    finance.books.sign(order)
    clock.advance(timedelta(days=-50))
    first = finance.draft(as_of="2026-01-01")
    finance.approve(first)
    clock.advance(timedelta(days=50))
    second = finance.draft(as_of="2026-02-15")
    finance.approve(second)
    finance.books.bill("2026-03-01")
    third = finance.newest()
    finance.approve(third)
    credit_invoice(
        desk=finance.desk, invoice_id=third, actor="anna", role="approver", reason="Outage of 12 February.",
        amounts={1: Decimal(150)},
    )  # fmt: skip
    sharing.render()
    return sharing.share(third)


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A reader without scripts."""
    context = browser.new_context(viewport=_DESKTOP, java_script_enabled=False)  # type: ignore[arg-type]
    yield context.new_page()
    context.close()


def test_a_reader_without_scripts_goes_from_document_to_document_and_changes_the_language(
    page: Page, served: Served
) -> None:
    page.goto(served.url)
    expect(page.locator("html")).to_have_attribute("lang", "de")

    page.get_by_role("link", name="English").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Invoice")
    expect(page.get_by_text("3,153.50 EUR")).to_be_visible()
    page.get_by_role("link", name="DE-2026-000001").click()
    expect(page.get_by_text("Overdue", exact=True).first).to_be_visible()
    expect(page.locator("html")).to_have_attribute("lang", "en")
    page.get_by_role("link", name="Back to the invoice").click()
    page.get_by_role("link", name="Upcoming invoice").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Upcoming invoice")
    expect(page.get_by_text("This is not an invoice and nothing is to be paid.")).to_be_visible()


@pytest.mark.parametrize("language", _LANGUAGES)
def test_no_page_has_a_finding_of_accessibility_nor_is_wider_than_a_phone(
    browser: Browser, served: Served, language: str
) -> None:
    context = browser.new_context(viewport=_PHONE)  # type: ignore[arg-type]
    page = context.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    for address in (served.url, f"{served.url}/upcoming", f"{served.address}/invoice/{'a' * 43}"):
        page.goto(f"{address}?lang={language}")
        page.evaluate(_AXE)
        found: Any = page.evaluate("axe.run()")
        assert [(one["id"], [node["html"] for node in one["nodes"]]) for one in found["violations"]] == []
        width = page.evaluate("document.documentElement.scrollWidth")
        assert width <= _PHONE["width"], f"{address} {language}"
    context.close()
    assert [url for url in asked if not url.startswith((served.address, "data:"))] == []


def test_printing_leaves_out_what_paper_cannot_do(browser: Browser, served: Served) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{served.url}?lang=en")
    pdf = PdfReader(io.BytesIO(page.pdf(format="A4", prefer_css_page_size=True)))
    context.close()

    text = "\n".join(one.extract_text() for one in pdf.pages).replace("\xa0", " ")
    assert len(pdf.pages) == 1
    for printed in ("3,153.50 EUR", "RF97 DE20 2600 0003", "DE-2026-000003", "Credit note DE-CN-2026-000001"):
        assert printed in text, printed
    for left_out in ("Deutsch", "Download PDF", "Pay now", "Open invoices of your account"):
        assert left_out not in text, left_out


def test_pictures_for_the_guides(page: Page, served: Served, request: pytest.FixtureRequest) -> None:
    shots = {
        **{f"customer-{language}": f"{served.url}?lang={language}" for language in ("en", "de", "he", "ja")},
        "customer-upcoming": f"{served.url}/upcoming?lang=en",
    }
    for name, address in shots.items():
        page.goto(address)
        picture = page.screenshot(full_page=True)
        assert len(picture) > 10_000, name
        if request.config.getoption("--update-screenshots"):
            (_IMAGES / f"{name}.png").write_bytes(picture)
    page.goto(f"{served.url}?lang=en")
    printed = pdfium.PdfDocument(page.pdf(format="A4", prefer_css_page_size=True))
    if request.config.getoption("--update-screenshots"):
        printed[0].render(scale=1.4).to_pil().save(_IMAGES / "customer-printed.png", optimize=True)
