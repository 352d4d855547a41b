"""The pages in a real browser: sign in, keyboard, a timeline that follows along, phone width, no script needed.

`pytest tests/web/test_pages_in_browser.py --update-screenshots` writes the pictures of the README anew.
"""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright
from werkzeug.serving import make_server

from connector.adapters.clock import FixedClock
from connector.domain.fulfilment import OrderState
from connector.domain.terms import ChargeType
from connector.store.tables import fulfilment_steps, orders
from connector.store.unit_of_work import Database
from tests.billing import Books
from tests.builders import (
    PASSWORD,
    MadeOrder,
    a_fault,
    make_message_rows,
    make_order_rows,
    make_process_row,
    make_record_row,
    make_user,
)
from tests.recording import RecordingStarter
from tests.web.billed import line, order, upsell, usage_line

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_MAC = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"
_ARGUMENTS = (
    *("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"),
    *("--disable-sync", "--no-first-run"),
)
_IMAGES = Path(__file__).parents[2] / "docs" / "images"
_DESKTOP, _PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
_LONG = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft International mbH & Co. KGaA"
_AWAY = a_fault(
    code="UNAVAILABLE", message="The entitlement platform did not answer within 10 seconds.",
    fix="Nothing to do: it is tried again by itself.", owner="operator",
)  # fmt: skip
_MISMATCH = a_fault(
    code="TOTAL_MISMATCH", message="The lines add up to 17,900.00 EUR, the signed total says 18,900.00 EUR.",
    fix="Correct the total or the lines on the quote.", owner="sales rep", field="GrandTotal", value="18900.00",
    line="",
)  # fmt: skip
_QUESTION = "The quantity of line 2 was changed from 50 to 60 after the deal was fulfilled."
_DEALS: dict[str, dict[str, Any]] = {
    "old": {"customer": "Peregrine Health, Inc.", "age": timedelta(hours=26)},
    "long": {"customer": _LONG, "age": timedelta(hours=5), "question": _QUESTION},
    "blocked": {"state": OrderState.BLOCKED, "customer": "Nordlicht Logistik AG", "faults": [a_fault(), _MISMATCH],
                "age": timedelta(hours=3)},
    "waiting": {"state": OrderState.WAITING, "customer": "Kestrel & Finch Ltd", "age": timedelta(minutes=48)},
    "arabic": {"customer": "شركة النور للحلول الرقمية", "age": timedelta(minutes=31), "value": Decimal("48250.00")},
    "retrying": {"state": OrderState.RETRYING, "step_fault": _AWAY, "customer": "Aurora Analytics GmbH",
                 "age": timedelta(minutes=12)},
    "running": {"state": OrderState.FULFILLING, "customer": "Halcyon Robotics", "age": timedelta(seconds=3),
                "value": Decimal("1234567.89")},
}  # fmt: skip


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=_chromium(), args=list(_ARGUMENTS))
        yield found
        found.close()


@pytest.fixture
def address(app: Flask) -> Iterator[str]:
    """Where the application is served."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def deals(sqlite_database: Database, clock: FixedClock) -> dict[str, MadeOrder]:
    """A morning's work: deals in every state, newest last."""
    make_user(sqlite_database, clock)
    make_process_row(sqlite_database, clock)
    made = {
        name: make_order_rows(sqlite_database, clock, **{"state": OrderState.FULFILLED, **told})
        for name, told in _DEALS.items()
    }
    word = _LONG.replace(" ", "")
    parked = make_record_row(sqlite_database, clock, number=90, state="parked", name=_LONG, reason=word)
    make_message_rows(sqlite_database, clock, ref=parked, reason=word)
    return made


@pytest.fixture
def sold(sqlite_database: Database, clock: FixedClock, deals: dict[str, MadeOrder]) -> str:
    """The number of a contract of three years with an upsell and usage, billed for four months."""
    years = date(2029, 1, 1)
    first = order(
        201,
        line(1, "Platform Business", price="1800", ends_on=years),
        line(2, "Seats", quantity="50", price="20", ends_on=years, discount_percent=Decimal(10)),
        line(3, "Premier support", price="6000", price_period_months=12, billing_period_months=12, ends_on=years),
        line(4, "Onboarding", price="4500", charge_type=ChargeType.ONE_TIME, ends_on=years),
        usage_line(5, ends_on=years),
        ends_on=years,
        signed_total=Decimal("119700.00"),
    )
    more = upsell(
        202, quantity="90", prior="50", on=date(2026, 10, 15), base=201, ends_on=years,
        signed_total=Decimal("21238.71"),
    )  # fmt: skip
    books = Books(sqlite_database, clock)
    number = books.sign(first, more)
    books.bill("2026-04-01")
    with sqlite_database.unit_of_work() as work:
        work.execute(sa.update(orders).where(orders.c.state == OrderState.NEW).values(state=OrderState.FULFILLED))
        work.commit()
    return number


@pytest.fixture
def page(browser: Browser, address: str, deals: dict[str, MadeOrder]) -> Iterator[Page]:
    """Anna's browser, signed in, at desktop size; what the browser complains about fails the test."""
    yield from _signed_in(browser.new_context(viewport=_DESKTOP), address)  # type: ignore[arg-type]


@pytest.fixture
def phone(browser: Browser, address: str, deals: dict[str, MadeOrder]) -> Iterator[Page]:
    """The same on a phone."""
    yield from _signed_in(browser.new_context(viewport=_PHONE, has_touch=True), address)  # type: ignore[arg-type]


def _signed_in(context: BrowserContext, address: str) -> Iterator[Page]:
    complaints: list[str] = []
    page = context.new_page()
    page.set_default_timeout(10_000)
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(f"{address}/review/orders")
    page.get_by_label("Name").fill("anna")
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Orders", level=1)).to_be_visible()
    yield page
    context.close()
    assert complaints == []


def test_from_sign_in_over_the_list_to_an_order(page: Page, deals: dict[str, MadeOrder]) -> None:
    page.get_by_role("navigation", name="Orders by state").get_by_role("link", name="Blocked").click()
    page.get_by_role("link", name=deals["blocked"].number).click()

    expect(page.get_by_role("heading", level=1)).to_have_text("Nordlicht Logistik AG")
    expect(page.get_by_role("heading", name="What must be corrected")).to_be_visible()
    expect(page.locator(".faults")).to_contain_text("The lines add up to 17,900.00 EUR")


def test_the_keyboard_is_enough(page: Page, deals: dict[str, MadeOrder]) -> None:
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    page.keyboard.press("j")
    page.keyboard.press("j")
    expect(page.get_by_role("link", name=deals["retrying"].number)).to_be_focused()
    page.keyboard.press("k")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/{deals['running'].number}")
    page.go_back()
    page.keyboard.press("/")
    expect(page.get_by_role("searchbox")).to_be_focused()
    page.keyboard.type("jk/ kestrel")
    expect(page.get_by_role("searchbox")).to_have_value("jk/ kestrel")
    page.get_by_role("searchbox").fill("kestrel")
    page.keyboard.press("Enter")
    expect(page.locator("[data-row]")).to_have_text([deals["waiting"].number])


def test_the_focus_can_be_seen(page: Page) -> None:
    page.keyboard.press("j")

    width = page.evaluate("parseFloat(getComputedStyle(document.activeElement).outlineWidth)")

    assert width >= 2


def test_a_timeline_follows_an_order_until_it_is_at_rest(
    page: Page, address: str, deals: dict[str, MadeOrder], sqlite_database: Database
) -> None:
    page.goto(f"{address}/review/orders/{deals['running'].number}")
    page.locator("summary").click()
    page.locator("h1").click()
    expect(page.locator(".verdict")).to_contain_text("In work")

    _fulfil(sqlite_database, deals["running"])

    expect(page.locator(".verdict")).to_contain_text("Fulfilled", timeout=8000)
    expect(page.locator(".timeline .is-done")).to_have_count(5)
    assert page.locator("details").get_attribute("open") is not None
    assert page.locator("#live").get_attribute("data-refresh") is None


def test_pressing_resync_says_that_it_looks_again(
    page: Page, address: str, deals: dict[str, MadeOrder], starter: RecordingStarter
) -> None:
    page.goto(f"{address}/review/orders/{deals['blocked'].number}")

    page.get_by_role("button", name="Resync").click()

    expect(page.get_by_role("status")).to_contain_text("Looking again")
    assert len(starter.started) == 1


def test_everything_works_without_scripts(
    browser: Browser, address: str, deals: dict[str, MadeOrder], starter: RecordingStarter
) -> None:
    context = browser.new_context(java_script_enabled=False)
    for page in _signed_in(context, address):
        page.get_by_role("searchbox").fill("nordlicht")
        page.get_by_role("searchbox").press("Enter")
        page.get_by_role("link", name=deals["blocked"].number).click()
        page.get_by_role("button", name="Resync").click()

        expect(page.get_by_role("status")).to_contain_text("Looking again")
        page.get_by_role("button", name="Sign out").click()
        expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    assert len(starter.started) == 1


def test_a_bar_leads_to_its_document_and_the_document_to_its_draft(page: Page, address: str, sold: str) -> None:
    page.goto(f"{address}/review/contracts/{sold}")

    page.locator("a.column").nth(3).click()
    row = page.locator("tr:target")
    expect(row).to_contain_text("1 Apr 2026")
    row.get_by_role("link", name="Draft").click()

    expect(page.get_by_role("heading", level=1)).to_have_text("Aurora Analytics GmbH")
    expect(page.locator(".items")).to_contain_text("Platform Business")
    expect(page.get_by_role("main").get_by_role("button")).to_have_count(0)


def test_the_charts_are_complete_without_scripts(browser: Browser, address: str, sold: str) -> None:
    context = browser.new_context(java_script_enabled=False)
    for page in _signed_in(context, address):
        page.goto(f"{address}/review/contracts/{sold}")

        bars = page.locator("a.column rect.part")
        expect(page.locator(".check")).to_contain_text("to the cent")
        assert bars.count() >= 24
        widths = [box["width"] for bar in bars.all() if (box := bar.bounding_box())]
        assert min(widths) > 4


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_is_wider_than_a_phone(
    phone: Page, address: str, deals: dict[str, MadeOrder], sold: str, scheme: str
) -> None:
    phone.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    paths = ["orders", "contracts", "parked", "records", "health", "messages/1", "orders?q=nobody"]
    paths += [f"contracts/{sold}", f"contracts/{sold}/schedule", "invoices", "invoices/1", "invoices?q=nobody"]
    paths += [f"orders/{made.number}" for made in deals.values()]
    paths += [f"contracts/{deals['long'].contract_number}", f"contracts/{deals['long'].contract_number}/schedule"]

    wide = {}
    for path in paths:
        phone.goto(f"{address}/review/{path}")
        wide[path] = phone.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")

    assert {path: by for path, by in wide.items() if by > 0} == {}


def test_what_is_pressed_on_a_phone_is_large_enough(phone: Page, address: str, deals: dict[str, MadeOrder]) -> None:
    phone.goto(f"{address}/review/orders/{deals['blocked'].number}")

    for name in ("Resync", "Sign out"):
        box = phone.get_by_role("button", name=name).bounding_box()
        assert box is not None
        assert box["height"] >= 24
    resync = phone.get_by_role("button", name="Resync").bounding_box()
    assert resync is not None
    assert resync["height"] >= 44


def test_pictures_for_the_readme(
    page: Page, address: str, deals: dict[str, MadeOrder], request: pytest.FixtureRequest
) -> None:
    shots = {"orders": "/review/orders", "order-timeline": f"/review/orders/{deals['retrying'].number}"}
    _shoot(page, address, shots, request)


def test_picture_of_a_contract(page: Page, address: str, sold: str, request: pytest.FixtureRequest) -> None:
    page.set_viewport_size({"width": 1280, "height": 2010})
    _shoot(page, address, {"contract": f"/review/contracts/{sold}"}, request)


def _shoot(page: Page, address: str, shots: dict[str, str], request: pytest.FixtureRequest) -> None:
    for name, path in shots.items():
        page.goto(address + path)
        picture = page.screenshot()
        assert picture.startswith(b"\x89PNG")
        if request.config.getoption("--update-screenshots"):
            _IMAGES.mkdir(parents=True, exist_ok=True)
            (_IMAGES / f"{name}.png").write_bytes(picture)


def _chromium() -> str:
    """The browser of this machine."""
    return next((found for name in _NAMES if (found := shutil.which(name))), _MAC)


def _fulfil(database: Database, order: MadeOrder) -> None:
    with database.unit_of_work() as work:
        work.execute(sa.update(fulfilment_steps).where(fulfilment_steps.c.order_id == order.id).values(state="done"))
        work.execute(sa.update(orders).where(orders.c.id == order.id).values(state="FULFILLED"))
        work.commit()
