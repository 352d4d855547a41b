"""The review in a real browser: by keyboard, by mouse, together, by two people; small screens and accessibility.

`pytest tests/web/test_review_in_browser.py --update-screenshots` writes the pictures of the guide anew.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright
from werkzeug.serving import make_server

from connector.adapters.clock import FixedClock
from connector.store.unit_of_work import Database
from connector.usecases.approve_in_bulk import carry_out
from connector.usecases.review_invoice import edit_invoice
from tests.builders import PASSWORD
from tests.recording import RecordingStarter
from tests.web.queued import LONG, morning
from tests.web.reviewed import Team, make_team
from tests.web.test_pages_in_browser import _ARGUMENTS, _IMAGES, _chromium

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

_AXE = (Path(__file__).parent / "axe.min.js").read_text(encoding="utf-8")
_DESKTOP, _PHONE = {"width": 1440, "height": 1000}, {"width": 390, "height": 844}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=_chromium(), args=list(_ARGUMENTS))
        yield found
        found.close()


@pytest.fixture
def starter() -> RecordingStarter:
    return RecordingStarter()


@pytest.fixture
def team(sqlite_database: Database, clock: FixedClock, starter: RecordingStarter) -> Team:
    return make_team(sqlite_database, clock, starter=starter)


@pytest.fixture
def made(team: Team) -> dict[str, int]:
    """A morning's work."""
    return morning(team)


@pytest.fixture
def address(team: Team) -> Iterator[str]:
    """Where the application is served."""
    server = make_server("127.0.0.1", 0, team.app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


class Desk:
    """Browsers of several people; what a browser complains about fails the test."""

    def __init__(self, browser: Browser, address: str) -> None:
        self._browser, self.address = browser, address
        self._contexts: list[BrowserContext] = []
        self.complaints: list[str] = []

    def sit_down(self, name: str, *, viewport: dict[str, int] | None = None, **options: Any) -> Page:
        """That person, signed in, with the queue open."""
        context = self._browser.new_context(viewport=viewport or _DESKTOP, **options)  # type: ignore[arg-type]
        self._contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(10_000)
        page.on("console", lambda said: self.complaints.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.goto(f"{self.address}/review")
        page.get_by_label("Name").fill(name)
        page.get_by_label("Password").fill(PASSWORD)
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", name="Review", level=1)).to_be_visible()
        return page

    def leave(self) -> None:
        """Everybody goes."""
        for context in self._contexts:
            context.close()


@pytest.fixture
def desk(browser: Browser, address: str) -> Iterator[Desk]:
    found = Desk(browser, address)
    yield found
    found.leave()
    assert found.complaints == []


def axe(page: Page) -> list[str]:
    """What an accessibility check finds on the page and in its frame."""
    page.evaluate(_AXE)
    found = page.evaluate("axe.run(document, {iframes: false}).then(found => found.violations)")
    return [f"{one['id']}: {node['html'][:160]}" for one in found for node in one["nodes"]]


def test_a_whole_review_by_keyboard(desk: Desk, team: Team, made: dict[str, int]) -> None:
    page = desk.sit_down("anna")
    page.keyboard.press("/")
    page.keyboard.type("nordlicht")
    page.keyboard.press("Enter")
    expect(page.locator("[data-row]")).to_have_count(1)
    page.keyboard.press("j")
    page.keyboard.press("o")
    expect(page.get_by_role("heading", level=1)).to_have_text("Nordlicht Logistik AG")
    page.keyboard.press("a")
    expect(page.get_by_role("button", name="Approve 2,142.00 EUR")).to_be_focused()
    assert team.finance.state(made["quiet"]) == "draft"
    page.keyboard.press("Enter")

    expect(page.get_by_role("status")).to_contain_text("Approved and issued as DE-2026-000002.")
    assert team.finance.state(made["quiet"]) == "issued"


def test_from_one_draft_to_the_next_and_a_hold_by_keyboard(desk: Desk, team: Team, made: dict[str, int]) -> None:
    page = desk.sit_down("finn")
    page.goto(f"{desk.address}/review?state=draft&risk=warned&sort=newest")
    order = [row.get_attribute("href") for row in page.locator("[data-row]").all()]
    page.keyboard.press("j")
    page.keyboard.press("h")
    reason = page.get_by_label("Reason").first
    expect(reason).to_be_focused()
    page.keyboard.type("hab: waiting for the PO")
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("n")
    page.wait_for_url(f"**{order[1]}")
    page.keyboard.press("u")
    expect(page.locator("[data-row]")).to_have_count(len(order))

    page.keyboard.press("h")
    page.get_by_label("Reason").first.fill("Waiting for the PO.")
    page.get_by_role("button", name="Put on hold").click()

    page.wait_for_url(f"**{order[1]}")
    expect(page.get_by_role("status")).to_contain_text("On hold.")


def test_by_mouse_send_back_edit_comment_and_return(desk: Desk, made: dict[str, int]) -> None:
    page = desk.sit_down("finn")
    page.goto(f"{desk.address}/review/invoices/{made['large']}")
    page.get_by_text("Edit", exact=False).first.click()
    page.get_by_label("Memo on the document").fill("<b>Danke</b> 🚀 =1+1")
    page.get_by_role("button", name="Save").click()
    frame = page.frame_locator(".document-frame")
    expect(frame.get_by_text("<b>Danke</b> 🚀 =1+1")).to_be_visible()

    page.get_by_text("Comment", exact=False).first.click()
    page.get_by_label("Comment", exact=True).fill("Asked Rosa.")
    page.get_by_role("button", name="Write").click()
    expect(page.locator(".story")).to_contain_text("Asked Rosa.")

    page.locator("#send-back > summary").click()
    page.locator("#send-back").get_by_label("Reason").fill("The price is wrong.")
    page.get_by_label("Who must change it").fill("rosa")
    page.get_by_role("button", name="Send back").click()
    expect(page.locator(".verdict")).to_contain_text("The price is wrong.")
    page.get_by_role("button", name="Return it to the queue").click()
    expect(page.locator(".verdict")).to_contain_text("Draft")


def test_two_people_are_needed_above_the_threshold(desk: Desk, team: Team, made: dict[str, int]) -> None:
    anna, alex = desk.sit_down("anna"), desk.sit_down("alex")
    path = f"{desk.address}/review/invoices/{made['large']}"
    anna.goto(path)
    alex.goto(path)
    anna.get_by_role("button", name="Approve 76,683.60 EUR").click()
    expect(anna.locator(".decide")).to_contain_text("You approved it. Another person must be the second.")
    expect(anna.locator("#approve")).to_have_count(0)

    alex.get_by_role("button", name="Approve 76,683.60 EUR").click()

    expect(alex.get_by_role("status")).to_contain_text("Approved and issued as")
    assert [who for who, what in team.finance.events(made["large"]) if what == "approve"] == ["anna", "alex"]


def test_a_draft_that_changes_while_somebody_looks_is_not_approved(
    desk: Desk, team: Team, made: dict[str, int]
) -> None:
    page = desk.sit_down("anna")
    page.goto(f"{desk.address}/review/invoices/{made['quiet']}")
    edit_invoice(
        desk=team.finance.desk, invoice_id=made["quiet"], looked_at=team.finance.hash(made["quiet"]), actor="finn",
        role="finance", memo="Changed.",
    )  # fmt: skip

    page.get_by_role("button", name="Approve 2,142.00 EUR").dblclick()

    expect(page.get_by_role("status")).to_contain_text("The document has changed since it was looked at")
    assert team.finance.state(made["quiet"]) == "draft"


@pytest.mark.parametrize("has_scripts", [True, False])
def test_the_quiet_ones_are_approved_together_and_the_page_follows(
    desk: Desk, team: Team, made: dict[str, int], starter: RecordingStarter, has_scripts: bool
) -> None:
    page = desk.sit_down("anna", java_script_enabled=has_scripts)
    page.get_by_role("link", name="Approve 8 quiet").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Approve 8 invoices together?")
    page.get_by_role("button", name="Approve and issue 8").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Approving 8 invoices")

    ((_, _, bulk_id),) = starter.started
    carry_out(desk=team.services.desk, bulk_id=int(bulk_id))

    expect(page.get_by_role("heading", level=1)).to_have_text("8 of 8 approved and issued", timeout=8000)
    page.get_by_role("link", name="Back to the queue").click()
    expect(page.get_by_role("link", name="Approve")).to_have_count(0)


def test_an_accessibility_check_finds_nothing(desk: Desk, made: dict[str, int]) -> None:
    page = desk.sit_down("anna")
    paths = ["", "?q=nobody", "/approve-quiet", f"/invoices/{made['first']}#do-credit"]
    paths += [f"/invoices/{made[name]}?from=queue" for name in ("blocked", "usage", "second", "sent_back", "arabic")]
    found: dict[str, list[str]] = {}
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        for path in paths if scheme == "light" else paths[:1] + paths[4:6]:
            page.goto(f"{desk.address}/review{path}")
            found[f"{scheme} {path}"] = axe(page)
    page.goto(f"{desk.address}/review/invoices/{made['large']}/document")
    found["document"] = axe(page)

    assert {path: faults for path, faults in found.items() if faults} == {}


def test_no_review_page_is_wider_than_a_phone(desk: Desk, team: Team, made: dict[str, int]) -> None:
    page = desk.sit_down("finn", viewport=_PHONE, has_touch=True)
    edit_invoice(
        desk=team.finance.desk, invoice_id=made["long"], looked_at=team.finance.hash(made["long"]), actor="finn",
        role="finance", memo=LONG.replace(" ", "") * 40, po_number="PO" * 40,
    )  # fmt: skip
    paths = ["", "?sort=risk&state=held", "/approve-quiet", f"/invoices/{made['first']}#do-credit"]
    paths += [
        f"/invoices/{made[name]}#do-hold" for name in ("large", "long", "arabic", "blocked", "usage", "sent_back")
    ]

    wide = {}
    for path in paths:
        page.goto(f"{desk.address}/review{path}")
        wide[path] = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")

    assert {path: by for path, by in wide.items() if by > 0} == {}


def test_pictures(desk: Desk, made: dict[str, int], request: pytest.FixtureRequest) -> None:
    page = desk.sit_down("anna")
    shots = {"review-queue": "/review", "review-invoice": f"/review/invoices/{made['large']}?from=queue"}
    for name, path in shots.items():
        page.goto(desk.address + path)
        page.wait_for_load_state("networkidle")
        picture = page.screenshot()
        assert picture.startswith(b"\x89PNG")
        if request.config.getoption("--update-screenshots"):
            (_IMAGES / f"{name}.png").write_bytes(picture)
