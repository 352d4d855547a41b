"""The tie-out page in a real browser: a changed price marked on both sides, decided by keyboard and by mouse.

`pytest tests/web/test_order_forms_in_browser.py --update-screenshots` writes the picture of the guide anew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page, expect

from connector.adapters.clock import FixedClock
from connector.app import create_app
from connector.order_forms.apart import FormReader
from connector.store.unit_of_work import Database
from tests.builders import PASSWORD, make_user
from tests.order_forms.authority import sign
from tests.order_forms.paper import by_fpdf2, with_changes
from tests.order_forms.stories import STYLE, FormWorld, form_world
from tests.scenarios.conftest import make_world as make_world
from tests.web.browsing import IMAGES
from tests.web.browsing import address as address
from tests.web.browsing import browser as browser
from tests.world import World

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

_AXE = (Path(__file__).parent / "axe.min.js").read_text(encoding="utf-8")
_DESKTOP, _PHONE = {"width": 1440, "height": 1000}, {"width": 390, "height": 844}


@pytest.fixture
def forms(make_world: Callable[..., World], sqlite_database: Database, tmp_path: Path) -> Iterator[FormWorld]:
    """A signed document whose price for seats is one higher than in Salesforce, and whose end is written unclearly."""
    with FormReader() as reader:
        found = form_world(make_world, sqlite_database, reader, tmp_path)
        deal = found.world.seller.quote(PO_Number__c="PO-4711")
        changed = with_changes(STYLE, lines=(STYLE.lines[0], (*STYLE.lines[1][:3], STYLE.lines[1][3] + 1)))
        paper = by_fpdf2(changed, {"seller": "Countersign Demo Inc", "ends_on": "31.03.2027"})
        with ThreadPoolExecutor(1) as apart:
            # Signing has an event loop of its own, which must not be inside of the browser's.
            content = apart.submit(sign, paper).result()
        found.receive(content, salesforce_id=deal.id, file_name="aurora-signed.pdf")
        yield found


@pytest.fixture
def app(forms: FormWorld, sqlite_database: Database, clock: FixedClock) -> Flask:
    make_user(sqlite_database, clock, name="anna")
    return create_app(services=forms.world.services)


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    """Anna, signed in, before the order form; what a browser complains about fails the test."""
    context = browser.new_context(viewport=_DESKTOP)  # type: ignore[arg-type]
    found, complaints = context.new_page(), list[str]()
    found.set_default_timeout(10_000)
    found.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    found.on("pageerror", lambda error: complaints.append(str(error)))
    found.goto(f"{address}/review/order-forms/1")
    found.get_by_label("Name").fill("anna")
    found.get_by_label("Password").fill(PASSWORD)
    found.keyboard.press("Enter")
    expect(found.get_by_role("heading", level=1)).to_contain_text("F-000001")
    yield found
    context.close()
    assert complaints == []


def _axe(page: Page) -> list[str]:
    page.evaluate(_AXE)
    found = page.evaluate("axe.run(document).then(found => found.violations)")
    return [f"{one['id']}: {node['html'][:160]}" for one in found for node in one["nodes"]]


def _is_within_screen(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"))


def test_a_changed_price_is_marked_on_both_sides_and_decided_by_keyboard(
    page: Page, forms: FormWorld, request: pytest.FixtureRequest
) -> None:
    differing = page.locator("tr.differs")
    expect(differing.filter(has_text="unit price").get_by_role("cell")).to_have_text(["25.00", "24"])
    expect(page.locator("rect.mark.tone-bad").filter(has_text="unit price: 25.00")).to_have_count(1)
    expect(page.locator("rect.mark.tone-warn")).to_have_count(1)
    drawn = page.locator("svg image").first.evaluate(
        "image => new Promise(told => { const found = new Image();"
        " found.onload = () => told(found.naturalWidth); found.src = image.href.baseVal })"
    )
    assert drawn > 500
    assert _axe(page) == []
    if request.config.getoption("--update-screenshots"):
        page.screenshot(path=IMAGES / "order-form.png", full_page=True)

    page.get_by_label("It says").fill("2027-03-31")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("The answers are kept.")
    forms.settle()
    page.reload()
    page.get_by_label("The differences are accepted because").focus()
    page.keyboard.type("The rep called: 24 is agreed")
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Go on with Salesforce's terms")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_text("anna decided")).to_contain_text("The rep called: 24 is agreed")
    forms.settle()
    page.reload()

    expect(page.locator(".lead").first).to_contain_text("Accepted")
    assert forms.form(1).state == "accepted"
    page.get_by_role("link", name="O-000001").click()
    expect(page.get_by_role("region", name="Signed documents").get_by_role("link", name="F-000001")).to_be_visible()
    assert _axe(page) == []


def test_on_a_phone_a_document_is_rejected_by_touch_and_only_with_a_reason(page: Page, forms: FormWorld) -> None:
    page.set_viewport_size(_PHONE)  # type: ignore[arg-type]
    assert _is_within_screen(page)
    assert _axe(page) == []
    page.get_by_role("button", name="Reject the document").click()
    # The browser asks for the reason; nothing was sent.
    assert forms.form(1).state == "open"

    page.get_by_label("It does not count because").fill("An old version")
    page.get_by_role("button", name="Reject the document").click()

    expect(page.locator(".lead").first).to_contain_text("Rejected")
    page.get_by_role("navigation", name="Where you are").get_by_role("link", name="Order forms").click()
    expect(page.get_by_role("heading", name="Order forms", level=1)).to_be_visible()
    assert _is_within_screen(page)
    assert _axe(page) == []
