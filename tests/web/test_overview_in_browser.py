"""The overview in a real browser: drawn from its tables, nothing asked of outside, and whole without scripts."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from playwright.sync_api import Browser, Page, expect

from connector.adapters.clock import FixedClock
from connector.domain.fulfilment import OrderState
from connector.store.tables import orders
from connector.store.unit_of_work import Database
from tests.builders import PASSWORD, a_fault, make_order_rows, make_user
from tests.cashing import Till
from tests.web.browsing import IMAGES, address, browser

__all__ = ["address", "browser"]
pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

_LONG = "THE_ENTITLEMENT_PLATFORM_HAS_NO_PLAN_OF_THIS_VERY_LONG_AND_UNLIKELY_NAME"


@pytest.fixture
def quarter(sqlite_database: Database, clock: FixedClock) -> Till:
    """A few weeks of business in three currencies, with everything that can stand still."""
    make_user(sqlite_database, clock)
    till = Till(sqlite_database, clock)
    for gross, state in (
        ("11900.00", "draft"),
        ("5950.00", "held"),
        ("83300.00", "approved"),
        ("2380.00", "sent_back"),
    ):
        till.invoice(gross, state=state)
    for gross, due in (("14280.00", "2026-03-20"), ("5950.00", "2026-02-10"), ("2975.00", "2026-01-02"),
                       ("1190.00", "2025-10-01")):  # fmt: skip
        till.invoice(gross, due=due)
    for gross, due in (("1250000", "2026-03-31"), ("480000", "2026-02-20")):
        till.invoice(gross, "JPY", due=due, entity="JP")
    paid = till.invoice("23800.00", due="2026-01-31")
    till.allocate(till.paid("23800.00"), {paid: "23800.00"})
    for code in ("TOTAL_MISMATCH", "TOTAL_MISMATCH", "NO_PLAN", _LONG):
        make_order_rows(sqlite_database, clock, state=OrderState.BLOCKED, faults=[a_fault(code=code)])
    for days in (0, 0, 1, 3, 3, 3, 4):
        made = make_order_rows(sqlite_database, clock, value=Decimal("17900.00"))
        _fulfil(sqlite_database, made.id, clock.now() - timedelta(days=days))
    return till


def test_each_picture_is_drawn_from_its_table_and_no_request_leaves_the_page(
    browser: Browser, address: str, quarter: Till
) -> None:
    asked: list[str] = []
    said: list[str] = []
    page = _open(browser, address, asked=asked, said=said)

    expect(page.locator("html")).to_have_attribute("data-pictures", "7")
    pictures = page.locator("canvas[data-table]")
    for at in range(pictures.count()):
        expect(pictures.nth(at)).to_be_visible()
        assert page.locator(f"#{pictures.nth(at).get_attribute('data-table')}").is_visible()
        assert _is_painted(pictures.nth(at))
    assert {url.split("/")[2] for url in asked} == {address.split("/")[2]}
    assert said == []
    page.context.close()


def test_the_overview_is_whole_without_scripts(browser: Browser, address: str, quarter: Till) -> None:
    page = _open(browser, address, java_script_enabled=False)

    expect(page.locator("#ages-EUR")).to_contain_text("5,950.00 EUR")
    expect(page.locator("#value-EUR")).to_contain_text("23,800.00 EUR")
    expect(page.locator("#held-EUR")).to_contain_text("83,300.00 EUR")
    expect(page.locator("canvas").first).to_be_hidden()
    page.context.close()


@pytest.mark.parametrize("direction", ["ltr", "rtl"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_overview_fits_a_phone(browser: Browser, address: str, quarter: Till, direction: str, scheme: Any) -> None:
    page = _open(browser, address, viewport={"width": 390, "height": 844}, color_scheme=scheme)

    page.evaluate(f"document.documentElement.dir = '{direction}'")
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")

    assert wide <= 0
    page.context.close()


def test_an_empty_overview_says_so(
    browser: Browser, address: str, sqlite_database: Database, clock: FixedClock
) -> None:
    make_user(sqlite_database, clock)
    page = _open(browser, address)

    for words in ("Nothing waits for a decision.", "No issued invoice is open.", "No order stands still."):
        expect(page.get_by_text(words)).to_be_visible()
    expect(page.locator("html")).to_have_attribute("data-pictures", "1")
    page.context.close()


def test_picture_of_the_overview(browser: Browser, address: str, quarter: Till, request: pytest.FixtureRequest) -> None:
    page = _open(browser, address, reduced_motion="reduce", viewport={"width": 1280, "height": 1000})
    expect(page.locator("html")).to_have_attribute("data-pictures", "7")
    picture = page.screenshot(full_page=True)

    assert picture.startswith(b"\x89PNG")
    if request.config.getoption("--update-screenshots"):
        (IMAGES / "overview.png").write_bytes(picture)
    page.context.close()


def _open(
    browser: Browser, address: str, *, asked: list[str] | None = None, said: list[str] | None = None, **context: Any
) -> Page:
    """The overview, signed in."""
    page = browser.new_context(**context).new_page()
    page.on("request", lambda request: (asked if asked is not None else []).append(request.url))
    page.on("console", lambda message: (said if said is not None else []).append(message.text))
    page.on("pageerror", lambda error: (said if said is not None else []).append(str(error)))
    page.goto(f"{address}/login")
    page.get_by_label("Name").fill("anna")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("link", name="Overview").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Overview")
    return page


def _is_painted(canvas: Any) -> bool:
    """Whether something was drawn."""
    return bool(
        canvas.evaluate(
            "canvas => canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data.some(Boolean)"
        )
    )


def _fulfil(database: Database, order_id: int, at: Any) -> None:
    with database.unit_of_work() as work:
        work.execute(sa.update(orders).where(orders.c.id == order_id).values(fulfilled_at=at))
        work.commit()


def test_the_library_is_shipped_with_its_licence() -> None:
    folder = Path(__file__).parents[2] / "connector/static/vendor/chartjs"

    assert "MIT License" in (folder / "LICENSE.md").read_text(encoding="utf-8")
    (library,) = folder.glob("chart-*.js")
    text = library.read_text(encoding="utf-8")
    assert "eval(" not in text and "new Function" not in text and "sourceMappingURL" not in text
