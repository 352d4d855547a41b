"""What people see: every page shows what is kept, in words, escaped, and says what will appear where nothing is."""

from __future__ import annotations

import html
import re
from datetime import date, timedelta
from decimal import Decimal

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from connector.adapters.clock import FixedClock
from connector.app import create_app
from connector.domain.fulfilment import OrderState
from connector.store import api_calls, queries_orders
from connector.store.contract_orders import save_undo
from connector.store.tables import orders
from connector.store.unit_of_work import Database
from tests.builders import (
    a_fault,
    account_id,
    make_job_row,
    make_message_rows,
    make_order_rows,
    make_process_row,
    make_record_row,
    quote_id,
)
from tests.recording import RecordingStarter
from tests.web.serving import ORG_ID, make_services, send_form, sign_in

HOSTILE = '<script>alert("1")</script>{{ 7*7 }}&amp;\'"><img src=x onerror=alert(1)>'


def text_of(page: str) -> str:
    """A page as a reader sees it: without tags, blanks joined."""
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", page))).strip()


def test_the_list_shows_each_order_with_state_problem_and_owner(
    person: FlaskClient, sqlite_database: Database, clock: FixedClock
) -> None:
    make_order_rows(sqlite_database, clock, customer="Aurora Analytics GmbH")
    make_order_rows(
        sqlite_database, clock, state=OrderState.BLOCKED, customer="Nordlicht AG", faults=[a_fault(), a_fault(line="4")]
    )

    page = text_of(person.get("/review/orders").text)

    assert "O-000001 New business Aurora Analytics GmbH" in page
    assert "17,900.00 EUR Fulfilled" in page
    assert "Line 3, AI credits: the product code CREDITZ is not in the catalogue." in page
    assert "RevOps and 1 more" in page
    assert "2 All" in page
    assert "1 Blocked" in page


def test_the_list_is_filtered_by_state_and_text_from_the_address(
    person: FlaskClient, sqlite_database: Database, clock: FixedClock
) -> None:
    make_order_rows(sqlite_database, clock, customer="Aurora")
    make_order_rows(sqlite_database, clock, customer="Kestrel", state=OrderState.BLOCKED)
    make_order_rows(sqlite_database, clock, customer="Kestrel", state=OrderState.FULFILLED)

    by_state = text_of(person.get("/review/orders?state=BLOCKED").text)
    by_text = text_of(person.get("/review/orders?q=aURORa").text)
    by_record = text_of(person.get(f"/review/orders?q={quote_id(3)}").text)
    by_nothing = text_of(person.get("/review/orders?q=%25").text)

    assert "O-000002" in by_state
    assert "O-000003" not in by_state
    assert "O-000001" in by_text
    assert "1 All" in by_text
    assert "O-000002" not in by_text
    assert "O-000003" in by_record
    assert "No order matches" in by_nothing


@pytest.mark.parametrize(
    "address", ["?state=NOPE", "?after=zzz", "?after=aWQ6MA", "?q=%00", "?q=" + "x" * 201, "?after=%ff"]
)
def test_an_address_that_cannot_be_is_refused_with_a_page(person: FlaskClient, address: str) -> None:
    answer = person.get("/review/orders" + address)

    assert answer.status_code == 400
    assert "This request cannot be understood" in answer.text


def test_the_timeline_of_a_retrying_order_says_what_when_and_who(
    person: FlaskClient, sqlite_database: Database, clock: FixedClock
) -> None:
    fault = a_fault(code="UNAVAILABLE", message="The platform did not answer.", fix="Nothing to do.", owner="operator")
    order = make_order_rows(sqlite_database, clock, state=OrderState.RETRYING, step_fault=fault, customer="Aurora")

    page = person.get(f"/review/orders/{order.number}")
    words = text_of(page.text)

    assert "Customer Done" in words
    assert "Subscriptions Retrying" in words
    assert "3 attempts · next try in 4 minutes" in words
    assert "The platform did not answer. To do: Nothing to do." in words
    assert "To be done by: operator UNAVAILABLE" in words
    assert "Metering Not started" in words
    assert 'data-refresh="2"' in page.text


def test_the_page_of_a_blocked_order_names_line_field_value_and_fix(
    person: FlaskClient, sqlite_database: Database, clock: FixedClock
) -> None:
    order = make_order_rows(
        sqlite_database, clock, state=OrderState.BLOCKED, faults=[a_fault()], customer="Nordlicht AG"
    )

    page = person.get(f"/review/orders/{order.number}")
    words = text_of(page.text)

    assert "What must be corrected 1" in words
    assert "To do: Correct the product code on the line" in words
    assert "Line 3 Field Product2.ProductCode Value CREDITZ" in words
    assert "Nordlicht AG" in words
    assert "The record could not be read into an order yet." in words
    assert "data-refresh" not in page.text


def test_a_fulfilled_order_shows_terms_contract_salesforce_and_messages(
    person: FlaskClient, sqlite_database: Database, clock: FixedClock
) -> None:
    order = make_order_rows(sqlite_database, clock, messages=2)

    page = person.get(f"/review/orders/{order.number}")
    words = text_of(page.text)

    assert "17,900.00 EUR · 1 Apr 2026 to 31 Mar 2027" in words
    assert "2 Seats SEATS 50 120.00 per year 10 % Yearly, in advance 1 Apr 2026 to 31 Mar 2027" in words
    assert "1 Platform Business PLATFORM 1 9,600.00 per year" in words
    assert "3 AI credits CREDITS 10,000 0.14 per year" in words
    assert "4 Onboarding ONBOARD 1 1,500.00 – Once" in words
    assert "Sync_Status__c Synced Synced Written" in words
    assert words.count("Raw body") == 2
    assert f'href="http://127.0.0.1:8910/{quote_id(1)}"' in page.text
    assert f'href="/review/contracts/{order.contract_number}"' in page.text


def test_what_salesforce_was_not_told_yet_is_shown_as_owed(
    person: FlaskClient, sqlite_database: Database, clock: FixedClock
) -> None:
    order = make_order_rows(sqlite_database, clock, state=OrderState.FULFILLING)

    words = text_of(person.get(f"/review/orders/{order.number}").text)

    assert "last written never · a change is on its way" in words
    assert "Sync_Status__c In Progress – Owed" in words


def test_a_question_about_a_changed_deal_is_on_list_and_page(
    person: FlaskClient, sqlite_database: Database, clock: FixedClock
) -> None:
    order = make_order_rows(sqlite_database, clock, question="The quantity was changed from 50 to 60.")

    assert "The quantity was changed from 50 to 60." in person.get("/review/orders").text
    assert "The quantity was changed from 50 to 60." in person.get(f"/review/orders/{order.number}").text


def test_pressing_resync_starts_one_look_and_comes_back_to_the_page(
    person: FlaskClient, sqlite_database: Database, clock: FixedClock, starter: RecordingStarter
) -> None:
    order = make_order_rows(sqlite_database, clock, state=OrderState.BLOCKED, faults=[a_fault()])
    page = f"/review/orders/{order.number}"

    answer = send_form(person, f"{page}/resync", page=page)
    followed = person.get(answer.headers["Location"])

    assert answer.status_code == 302
    assert [name for name, _, _ in starter.started] == ["look"]
    assert "Looking again" in followed.text
    assert 'data-refresh="2"' in followed.text


def test_a_page_stops_following_once_the_look_has_happened(
    person: FlaskClient, sqlite_database: Database, clock: FixedClock
) -> None:
    order = make_order_rows(sqlite_database, clock, state=OrderState.BLOCKED, faults=[a_fault()])
    page = f"/review/orders/{order.number}"
    looked_at = int((clock.now() - timedelta(minutes=2, seconds=30)).timestamp())

    shown = {since: "data-refresh" in person.get(f"{page}?watch={since}").text for since in (looked_at, looked_at + 1)}

    assert shown == {looked_at: False, looked_at + 1: True}
    assert all("data-refresh" not in person.get(f"{page}?watch={bad}").text for bad in ("", "x", "-1", "9" * 30))


def test_an_order_that_was_undone_says_so_with_day_reason_and_name(
    person: FlaskClient, sqlite_database: Database, clock: FixedClock
) -> None:
    order, other = make_order_rows(sqlite_database, clock), make_order_rows(sqlite_database, clock)
    with sqlite_database.unit_of_work() as work:
        contract_id = work.execute(sa.select(orders.c.contract_id).where(orders.c.id == order.id)).scalar_one()
        save_undo(
            work=work, contract_id=contract_id, order_id=order.id, on=date(2026, 4, 1),
            reason=f"Signed twice {HOSTILE}", actor="olga", now=clock.now(),
        )  # fmt: skip
        work.commit()

    page = person.get(f"/review/orders/{order.number}").text

    assert "taken back from its contract from 1 Apr 2026 on" in page
    assert "Signed twice" in page and "olga" in page and "<script>alert" not in page
    assert "Undone" not in person.get(f"/review/orders/{other.number}").text


@pytest.mark.parametrize("number", ["O-999999", "nix", "O-000001'--"])
def test_an_order_that_is_not_there_is_a_page_that_says_so(person: FlaskClient, number: str) -> None:
    answer = person.get(f"/review/orders/{number}")

    assert answer.status_code == 404
    assert "There is nothing here" in answer.text
    assert answer.content_type.startswith("text/html")


def test_resync_of_an_order_that_is_not_there_says_so(person: FlaskClient) -> None:
    answer = send_form(person, "/review/orders/O-999999/resync", page="/review/orders")

    assert answer.status_code == 404
    assert "There is no order O-999999." in answer.text


def test_hostile_text_is_shown_and_never_run(person: FlaskClient, sqlite_database: Database, clock: FixedClock) -> None:
    fault = a_fault(
        message=HOSTILE, fix=HOSTILE, owner=HOSTILE, field=HOSTILE, value=HOSTILE, line=HOSTILE, record=HOSTILE
    )
    blocked = make_order_rows(sqlite_database, clock, state=OrderState.BLOCKED, customer=HOSTILE, faults=[fault])
    done = make_order_rows(sqlite_database, clock, customer=HOSTILE, question=HOSTILE)
    ref = make_record_row(sqlite_database, clock, number=90, name=HOSTILE, reason=HOSTILE)
    (message,) = make_message_rows(sqlite_database, clock, ref=ref, reason=HOSTILE, body=HOSTILE.encode())
    make_job_row(sqlite_database, clock, error=HOSTILE)

    pages = [
        person.get(path).text
        for path in (
            "/review/orders", f"/review/orders?q={HOSTILE}", f"/review/orders/{blocked.number}",
            f"/review/orders/{done.number}", "/review/contracts", f"/review/contracts/{done.contract_number}",
            "/review/parked", f"/review/messages/{message}", "/review/records", "/review/health",
        )
    ]  # fmt: skip

    assert all("<script>alert" not in page and "<img" not in page and "49" not in text_of(page) for page in pages)
    assert all(html.escape("<script>alert") in page for page in pages)


def test_no_page_has_a_script_or_style_of_its_own(
    person: FlaskClient, sqlite_database: Database, clock: FixedClock
) -> None:
    order = make_order_rows(sqlite_database, clock)
    make_process_row(sqlite_database, clock)

    for path in (
        "/review/orders",
        f"/review/orders/{order.number}",
        "/review/contracts",
        "/review/health",
        "/api/docs",
    ):
        page = person.get(path).text
        assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\bstyle=|\bon[a-z]+=|javascript:", page), path
        assert not re.search(r'(?:src|href)="(?:https?:)?//(?!127\.0\.0\.1)', page), path


def test_every_answer_carries_the_safeguards(person: FlaskClient) -> None:
    for path in ("/review/orders", "/login", "/review/orders/nix", "/api/v1/orders", "/nix", "/health/live"):
        headers = person.get(path).headers
        policy = headers["Content-Security-Policy"]
        assert "default-src 'self'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "same-origin"
        assert headers["Cache-Control"] == "no-store"


def test_shipped_files_may_be_kept_by_browsers(stranger: FlaskClient) -> None:
    answer = stranger.get("/static/countersign.css", buffered=True)

    assert answer.headers["Cache-Control"] == "public, max-age=3600"


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/review/orders", "No orders yet"),
        ("/review/contracts", "No contracts yet"),
        ("/review/parked", "Nothing is parked"),
        ("/review/records", "No records yet"),
        ("/review/health", "No process gave a sign of life"),
    ],
)
def test_an_empty_page_says_what_will_appear(person: FlaskClient, path: str, said: str) -> None:
    assert said in person.get(path).text


def test_parked_messages_are_replayed_one_by_one_or_all(
    person: FlaskClient, sqlite_database: Database, clock: FixedClock, starter: RecordingStarter
) -> None:
    refs = [make_record_row(sqlite_database, clock, number=number, state="parked") for number in (1, 2, 3)]
    ids = [make_message_rows(sqlite_database, clock, ref=ref, reason="No access.")[0] for ref in refs]
    shown = person.get("/review/parked").text

    none = send_form(person, "/review/parked/replay", page="/review/parked", which="chosen")
    after_none = person.get(none.headers["Location"]).text
    one = send_form(person, "/review/parked/replay", page="/review/parked", which="chosen", id=[ids[0]])
    after_one = person.get(one.headers["Location"]).text
    send_form(person, "/review/parked/replay", page="/review/parked", which="all")

    assert shown.count("No access.") == 3
    assert "Choose at least one message" in after_none
    assert "1 message is being tried again." in after_one
    assert after_one.count("No access.") == 2
    assert len(starter.started) == 3
    assert "Nothing is parked" in person.get("/review/parked").text


@pytest.mark.parametrize("given", ["x", "-1", "1.5", "9" * 30, "١"])
def test_a_message_to_replay_must_be_a_number(
    person: FlaskClient, sqlite_database: Database, clock: FixedClock, given: str
) -> None:
    make_message_rows(sqlite_database, clock, ref=make_record_row(sqlite_database, clock, number=1))

    answer = send_form(person, "/review/parked/replay", page="/review/parked", which="chosen", id=[given])

    assert answer.status_code == 400
    assert "Nothing is parked" not in person.get("/review/parked").text


def test_a_raw_body_is_text_without_session_ids(
    person: FlaskClient, sqlite_database: Database, clock: FixedClock
) -> None:
    ref = make_record_row(sqlite_database, clock, number=1)
    (message,) = make_message_rows(sqlite_database, clock, ref=ref)

    page = person.get(f"/review/messages/{message}")

    assert "&lt;sf:Id&gt;" in page.text
    assert "SECRET" not in page.text
    assert "&lt;SessionId&gt;(hidden)&lt;" in page.text


def test_a_body_that_is_no_text_is_shown_all_the_same(
    person: FlaskClient, sqlite_database: Database, clock: FixedClock
) -> None:
    ref = make_record_row(sqlite_database, clock, number=1)
    (message,) = make_message_rows(sqlite_database, clock, ref=ref, body=b"\xff\x00\xfe" + b"a" * 300_000)

    page = person.get(f"/review/messages/{message}")

    assert page.status_code == 200
    assert "only the start is shown" in page.text
    assert len(page.text) < 220_000


@pytest.mark.parametrize("message", ["1", "9" * 18, "9" * 40])
def test_a_message_that_is_not_there_says_so(person: FlaskClient, message: str) -> None:
    assert person.get(f"/review/messages/{message}").status_code == 404


def test_a_contract_shows_value_versions_lines_and_access(
    person: FlaskClient, sqlite_database: Database, clock: FixedClock
) -> None:
    order = make_order_rows(sqlite_database, clock, customer="Aurora")

    words = text_of(person.get(f"/review/contracts/{order.contract_number}").text)

    assert "Contract C-000001 · 1 Apr 2026 to 31 Mar 2027 · version 1 All charges 17,900.00 EUR Value" in words
    assert "Seats SEATS O-000001 50 6,000.00 EUR" in words
    assert "feature-seats 50" in words
    assert "credit-ai 10,000 each month" in words
    assert "1 O-000001 New business +17,900.00 EUR 17,900.00 EUR" in words


def test_the_list_of_contracts_is_searched(person: FlaskClient, sqlite_database: Database, clock: FixedClock) -> None:
    make_order_rows(sqlite_database, clock, customer="Aurora")
    make_order_rows(sqlite_database, clock, customer="Kestrel")

    words = text_of(person.get("/review/contracts?q=kest").text)

    assert "Kestrel" in words
    assert "Aurora" not in words


def test_skipped_records_are_shown_with_the_reason(
    person: FlaskClient, sqlite_database: Database, clock: FixedClock
) -> None:
    make_record_row(sqlite_database, clock, number=5, name="Draft deal")
    make_order_rows(sqlite_database, clock)

    words = text_of(person.get("/review/records?state=skipped").text)

    assert "Draft deal Quote" in words
    assert "Status is Draft; signed means Accepted." in words
    assert "O-000001" not in words


def test_health_shows_processes_jobs_backlog_and_usage(
    person: FlaskClient, sqlite_database: Database, clock: FixedClock
) -> None:
    make_process_row(sqlite_database, clock, name="alive")
    make_process_row(sqlite_database, clock, name="silent", age=timedelta(minutes=3))
    make_job_row(sqlite_database, clock, job="sweep")
    make_order_rows(sqlite_database, clock, state=OrderState.RETRYING)
    with sqlite_database.unit_of_work() as work:
        api_calls.save_budget(work=work, org_id=ORG_ID, used=1200, limit=15_000, now=clock.now())
        api_calls.add(work=work, org_id=ORG_ID, day=clock.now().date(), calls={"fetch": 42, "write_back": 8})
        work.commit()

    words = text_of(person.get("/review/health").text)

    assert "The database answers and a worker is running." in words
    assert "alive host-a, pid 4711 Running" in words
    assert "silent host-a, pid 4711 Silent" in words
    assert "sweep 1 minute ago Done found 3 started 1" in words
    assert "1 orders in work" in words
    assert "1,200 of 15,000" in words
    assert f"{clock.now():%Y-%m-%d} default 42 0 8 0 0 50" in words


def test_names_are_isolated_so_that_right_to_left_text_moves_nothing(
    person: FlaskClient, sqlite_database: Database, clock: FixedClock
) -> None:
    order = make_order_rows(sqlite_database, clock, customer="شركة النور")

    assert '<bdi dir="auto">شركة النور</bdi>' in person.get("/review/orders").text
    assert '<bdi dir="auto">شركة النور</bdi>' in person.get(f"/review/orders/{order.number}").text


def test_amounts_have_the_places_of_their_currency(
    person: FlaskClient, sqlite_database: Database, clock: FixedClock
) -> None:
    make_order_rows(
        sqlite_database, clock, value=Decimal(1234567), terms_changes={"currency": "JPY"}, with_contract=False
    )
    make_order_rows(
        sqlite_database, clock, value=Decimal("12.5"), terms_changes={"currency": "KWD"}, with_contract=False
    )

    words = text_of(person.get("/review/orders").text)

    assert "1,234,567 JPY" in words
    assert "12.500 KWD" in words


def test_an_order_that_was_not_read_yet_has_a_page(
    person: FlaskClient, sqlite_database: Database, clock: FixedClock
) -> None:
    order = make_order_rows(sqlite_database, clock, state=OrderState.NEW, customer="", messages=0)

    words = text_of(person.get(f"/review/orders/{order.number}").text)

    assert "Not known yet" in words
    assert "No message announced this record" in words
    assert account_id(1) not in words


def test_the_schedule_of_a_contract_is_told_day_by_day(
    person: FlaskClient, sqlite_database: Database, clock: FixedClock
) -> None:
    made = make_order_rows(sqlite_database, clock)

    words = text_of(person.get(f"/review/contracts/{made.contract_number}/schedule").text)

    assert "1 Apr 2026 17,900.00 EUR" in words
    assert "Seats Recurring 1 Apr 2026 to 31 Mar 2027 5,400.00 EUR" in words
    assert person.get("/review/contracts/C-999999/schedule").status_code == 404


def test_records_lead_to_salesforce(person: FlaskClient, sqlite_database: Database, clock: FixedClock) -> None:
    make_message_rows(sqlite_database, clock, ref=make_record_row(sqlite_database, clock, number=5))

    for path in ("/review/records", "/review/parked", "/review/messages/1"):
        assert f'href="http://127.0.0.1:8910/{quote_id(5)}"' in person.get(path).text


def test_when_the_database_is_away_people_are_told_to_wait(clock: FixedClock) -> None:
    away = Database("postgresql://someone:secret@127.0.0.1:1/nothing")
    client = create_app(services=make_services(away, clock)).test_client()

    answer = sign_in(client)
    away.dispose()

    assert answer.status_code == 503
    assert "Not just now" in answer.text
    assert "secret" not in answer.text


def test_a_bug_shows_an_incident_and_nothing_of_its_cause(
    person: FlaskClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(**_asked: object) -> None:
        raise RuntimeError("the secret cause")

    monkeypatch.setattr(queries_orders, "list_orders", broken)

    answer = person.get("/review/orders")

    assert answer.status_code == 500
    assert "Incident" in answer.text
    assert "secret cause" not in answer.text
