"""The cash pages: a bank file goes in, finance confirms, reminders are released, the report is there in three forms."""

from __future__ import annotations

import csv
import dataclasses
import io
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from playwright.sync_api import Browser, Page, expect
from urllib3 import encode_multipart_formdata

from connector.adapters.clock import FixedClock
from connector.app import create_app
from connector.domain.matching import MatchRules
from connector.domain.reminders import DEFAULT_STEPS, ReminderPlan
from connector.store.unit_of_work import Database
from connector.usecases.match_payments import match_payments
from connector.usecases.receive_payment import return_payment
from connector.usecases.remind import ReminderRules, prepare_reminders
from tests.builders import PASSWORD, make_user
from tests.cashing import Till
from tests.usecases.cash.test_import import RULES, mt940, sample
from tests.web.browsing import IMAGES, address, browser
from tests.web.serving import csrf_of, make_services, send_form

__all__ = ["address", "browser"]


@pytest.fixture
def app(sqlite_database: Database, clock: FixedClock) -> Flask:
    """The application with bank accounts and a schedule of reminders."""
    services = make_services(
        sqlite_database,
        clock,
        statement_rules=RULES,
        reminder_plans=(ReminderPlan(DEFAULT_STEPS),),
        match_rules=MatchRules(),
    )
    return create_app(services=dataclasses.replace(services))


@pytest.fixture
def till(sqlite_database: Database, clock: FixedClock) -> Till:
    return Till(sqlite_database, clock)


def upload(client: FlaskClient, content: bytes, **form: Any) -> str:
    """Send a bank file as the browser would; the page that follows."""
    token = csrf_of(client.get("/review/cash"))
    # Encoded here: the test client would put a large form into a temporary file that nobody closes.
    body, kind = encode_multipart_formdata({"csrf_token": token, "file": ("bank.sta", content), **form})
    return client.post("/review/cash/statements", data=body, content_type=kind, follow_redirects=True).text


def test_a_bank_file_is_imported_and_matched_at_once(person: FlaskClient, till: Till) -> None:
    invoice = till.invoice("1190.00", number="DE-2026-000042")

    first = upload(person, sample("camt053_v2_batch.xml"))
    again = upload(person, sample("camt053_v2_batch.xml"))

    assert "4 entries, 4 new, 3 payments in." in first
    assert "imported before" in again
    assert till.open(invoice) == "0.00 EUR paid"


def test_a_bad_file_is_refused_in_words_and_leaves_nothing(person: FlaskClient, till: Till) -> None:
    page = upload(person, sample("mt940_german.sta")[:300])

    assert "cut off" in page
    assert till.payment_ids() == []


def test_a_file_larger_than_other_requests_is_taken(person: FlaskClient, till: Till) -> None:
    lines = [f":61:2603020302C1,00NTRFNONREF//{number:016}" for number in range(60_000)]

    page = upload(person, mt940(2, "0,00", "60000,00", *lines)[:-40])

    assert "cut off" in page, "it was read, not refused for its size"


def test_a_gap_can_be_accepted_on_the_page(person: FlaskClient, till: Till) -> None:
    upload(person, mt940(2, "0,00", "10,00", ":61:2603020302C10,00NTRFNONREF//A"))
    gap = mt940(4, "35,00", "36,00", ":61:2603040304C1,00NTRFNONREF//B")

    refused, accepted = upload(person, gap), upload(person, gap, gap="accepted")

    assert "one in between is missing" in refused
    assert "1 payments in" in accepted


def test_a_viewer_sees_and_does_nothing(viewer: FlaskClient, till: Till) -> None:
    payment = till.paid("10.00", text="Hello")

    page = viewer.get(f"/review/cash/payments/{payment}").text

    assert "Allocate" not in page
    assert "Import</button>" not in viewer.get("/review/cash").text


@pytest.mark.parametrize(
    ("path", "form"),
    [
        ("/review/cash/payments/1/allocate", {"amount-1": "1e5"}),
        ("/review/cash/payments/1/allocate", {"amount-1": "-1"}),
        ("/review/cash/payments/1/allocate", {}),
        ("/review/cash/returns/1", {"payment": "one"}),
        ("/review/cash/invoices/1/stop", {"kind": "forever"}),
        ("/review/cash/invoices/1/stop", {"kind": "promise", "until": "soon", "reason": "x"}),
        ("/review/cash/statements", {}),
    ],
)
def test_a_form_that_cannot_be_read_is_refused(person: FlaskClient, till: Till, path: str, form: Any) -> None:
    till.invoice("1.00"), till.paid("1.00")

    answer = send_form(person, path, page="/review/cash", **form)

    assert answer.status_code in (400, 404, 422)


def test_allocating_by_hand_and_taking_it_back(person: FlaskClient, till: Till) -> None:
    invoice, payment = till.invoice("100.00", number="DE-2026-000900"), till.paid("60.00", text="no reference")
    page = f"/review/cash/payments/{payment}"
    found = person.get(f"{page}?number=DE-2026-000900").text
    form = {f"amount-{invoice}": "60.00", "request_key": "page-1"}

    send_form(person, f"{page}/allocate", page=page, **form)
    paid = till.open(invoice)
    (posting,) = [one.id for one in till.postings(payment) if one.posting.kind == "allocate"]
    send_form(person, f"{page}/undo/{posting}", page=page, reason="Wrong one.")

    assert "DE-2026-000900" in found
    assert (paid, till.open(invoice)) == ("40.00 EUR part_paid", "100.00 EUR open")


@pytest.mark.parametrize(("charge", "told"), [("2 or so", "written like"), ("2.01", "cannot be given up")])
def test_a_charge_that_cannot_be_leaves_the_payment_as_it_was(
    person: FlaskClient, till: Till, charge: str, told: str
) -> None:
    invoice, payment = till.invoice("100.00"), till.paid("98.00", text="no reference")
    page = f"/review/cash/payments/{payment}"
    form = {f"amount-{invoice}": "98.00", "write_off": charge, "request_key": "page-1"}

    answer = send_form(person, f"{page}/allocate", page=page, **form)

    assert (answer.status_code in (400, 422), told in answer.text) == (True, True)
    assert (till.open(invoice), till.left(payment)) == ("100.00 EUR open", "98.00")


def test_a_charge_that_a_person_confirmed_is_owed_again_when_the_payment_goes_back(
    person: FlaskClient, till: Till, clock: FixedClock
) -> None:
    invoice, payment = till.invoice("100.00"), till.paid("98.00", text="no reference")
    page = f"/review/cash/payments/{payment}"
    form = {f"amount-{invoice}": "98.00", "write_off": "2.00", "request_key": "page-1"}
    for _ in range(2):
        send_form(person, f"{page}/allocate", page=page, **form)
    paid = till.open(invoice)

    return_payment(desk=till.desk, payment_id=payment, on=clock.now().date(), actor="bank", reason="No funds.", key="1")

    assert (paid, till.open(invoice), till.lost()) == ("0.00 EUR paid", "100.00 EUR open", {})


def test_two_people_on_the_same_page_are_told_who_was_first(person: FlaskClient, till: Till) -> None:
    invoice, payment = till.invoice("100.00"), till.paid("90.00", text="no reference")
    page = f"/review/cash/payments/{payment}"

    answers = [
        send_form(person, f"{page}/allocate", page=page, **{f"amount-{invoice}": amount, "request_key": "page-1"})
        for amount in ("50.00", "90.00")
    ]

    assert [answer.status_code for answer in answers] == [302, 422]
    assert "with other amounts" in answers[1].text
    assert till.left(payment) == "40.00"


def test_a_held_reminder_is_released_and_a_dispute_noted(person: FlaskClient, till: Till, clock: FixedClock) -> None:
    invoice = till.invoice("100.00", due="2026-01-01")
    prepare_reminders(desk=till.desk, rules=ReminderRules((ReminderPlan(DEFAULT_STEPS),)))
    page = "/review/cash/reminders"

    before = person.get(page).text
    send_form(person, f"{page}/1/release", page=page)
    send_form(person, f"/review/cash/invoices/{invoice}/stop", page=page, kind="dispute", reason="Wrong price.")

    assert ("held" in before, "ready" in person.get(page).text) == (True, True)


def test_the_report_says_the_same_as_page_csv_and_json(person: FlaskClient, till: Till) -> None:
    invoice = till.invoice("100.00", customer="=1+1")
    till.paid("40.00", text=till.reference(invoice))
    match_payments(desk=till.desk)

    page = person.get("/review/cash/report").text
    rows = list(
        csv.DictReader(io.StringIO(person.get("/review/cash/report.csv").get_data(as_text=True).lstrip("\ufeff")))
    )
    document = person.get("/review/cash/report.json").get_json()

    assert "60.00" in page
    assert [(row["customer"], row["open"]) for row in rows] == [("'=1+1", "60.00")]
    assert [row["open"] for row in document["rows"]] == ["60.00"]


@pytest.mark.browser
@pytest.mark.xdist_group("browser")
def test_finance_confirms_with_the_keyboard(
    browser: Browser, address: str, sqlite_database: Database, clock: FixedClock, till: Till,
    request: pytest.FixtureRequest,
) -> None:  # fmt: skip
    make_user(sqlite_database, clock)
    account = "DE02120300000000202051"
    earlier = till.invoice("10.00")
    till.paid("10.00", text=till.reference(earlier), payer_account=account, payer_name="Acme Analytics GmbH")
    match_payments(desk=till.desk)
    invoice = till.invoice("1190.00")
    till.invoice("250.00")
    payment = till.paid("1190.00", payer_account=account, payer_name="Acme Analytics GmbH", text="Thank you, March")
    match_payments(desk=till.desk)
    for page in _signed_in(browser, address):
        page.goto(f"{address}/review/cash?state=suggested")
        page.keyboard.press("j")
        page.keyboard.press("Enter")
        expect(page.get_by_role("button", name="Confirm 1")).to_be_focused()
        if request.config.getoption("--update-screenshots"):
            page.screenshot(path=IMAGES / "cash-payment.png", full_page=True)
        page.keyboard.press("Enter")
        expect(page.get_by_text("Allocated.")).to_be_visible()
        page.goto(f"{address}/review/cash")
        expect(page.get_by_role("heading", name="Matching", level=1)).to_be_visible()
        if request.config.getoption("--update-screenshots"):
            page.screenshot(path=IMAGES / "cash.png", full_page=True)

    assert (till.open(invoice), till.left(payment)) == ("0.00 EUR paid", "0.00")


def _signed_in(browser: Browser, address: str) -> Iterator[Page]:
    complaints: list[str] = []
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(f"{address}/review/cash")
    page.get_by_label("Name").fill("anna")
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Matching", level=1)).to_be_visible()
    yield page
    page.close()
    assert complaints == []
