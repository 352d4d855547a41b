"""Who gets in, how long they stay, and what they may do."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient

from connector.adapters.clock import FixedClock
from connector.app import create_app
from connector.errors import Misconfigured
from connector.store.unit_of_work import Database
from connector.usecases import change_users
from connector.usecases.sign_in import MOST_FAILED_PER_ADDRESS, MOST_FAILED_PER_NAME
from tests.builders import PASSWORD, make_order_rows, make_user
from tests.web.serving import SESSION_SECRET, csrf_of, make_config, make_services, send_form, sign_in

WRONG = "not the password"
NEUTRAL = "Name or password is wrong."


def test_right_name_and_password_open_the_page_that_was_asked_for(
    stranger: FlaskClient, sqlite_database: Database, clock: FixedClock
) -> None:
    make_user(sqlite_database, clock)
    sent_away = stranger.get("/review/contracts?q=Aurora")

    answer = sign_in(stranger, next="/review/contracts?q=Aurora")

    assert sent_away.headers["Location"] == "/login?next=/review/contracts?q%3DAurora"
    assert answer.headers["Location"] == "/review/contracts?q=Aurora"
    assert stranger.get("/review/contracts").status_code == 200


def test_a_name_is_one_person_however_it_is_spelled(
    stranger: FlaskClient, sqlite_database: Database, clock: FixedClock
) -> None:
    make_user(sqlite_database, clock, name="anna")

    assert sign_in(stranger, name="  ANNA ").status_code == 302


@pytest.mark.parametrize(
    ("name", "password"),
    [
        ("anna", WRONG),
        ("nobody", PASSWORD),
        ("gone", PASSWORD),
        ("anna", ""),
        ("anna", "x" * 2000),
        ("a\x00nna", WRONG),
    ],
)
def test_whatever_is_wrong_the_answer_is_the_same(
    stranger: FlaskClient, sqlite_database: Database, clock: FixedClock, name: str, password: str
) -> None:
    make_user(sqlite_database, clock, name="anna")
    make_user(sqlite_database, clock, name="gone")
    change_users.disable_user(database=sqlite_database, clock=clock, name="gone", actor="test")

    answer = sign_in(stranger, name=name, password=password)

    assert answer.status_code == 401
    assert NEUTRAL in answer.text
    assert stranger.get("/review/orders").status_code == 302


def test_after_too_many_wrong_passwords_even_the_right_one_waits(
    stranger: FlaskClient, sqlite_database: Database, clock: FixedClock
) -> None:
    make_user(sqlite_database, clock)
    tried = [sign_in(stranger, password=WRONG).status_code for _ in range(MOST_FAILED_PER_NAME)]

    right_but_late = sign_in(stranger)
    clock.advance(timedelta(minutes=16))
    later = sign_in(stranger)

    assert set(tried) == {401}
    assert (right_but_late.status_code, right_but_late.headers["Retry-After"]) == (429, "900")
    assert later.status_code == 302


def test_a_name_that_does_not_exist_is_limited_like_one_that_does(stranger: FlaskClient) -> None:
    tried = [sign_in(stranger, name="nobody").status_code for _ in range(MOST_FAILED_PER_NAME + 1)]

    assert tried == [401] * MOST_FAILED_PER_NAME + [429]


def test_one_address_cannot_go_through_many_names(
    stranger: FlaskClient, sqlite_database: Database, clock: FixedClock
) -> None:
    make_user(sqlite_database, clock)
    tried = [sign_in(stranger, name=f"name {number}").status_code for number in range(MOST_FAILED_PER_ADDRESS)]

    assert set(tried) == {401}
    assert sign_in(stranger).status_code == 429


def test_attempts_that_were_refused_unseen_do_not_lengthen_the_wait(
    stranger: FlaskClient, sqlite_database: Database, clock: FixedClock
) -> None:
    make_user(sqlite_database, clock)
    for _ in range(MOST_FAILED_PER_NAME):
        sign_in(stranger, password=WRONG)
    clock.advance(timedelta(minutes=14))
    assert sign_in(stranger, password=WRONG).status_code == 429

    clock.advance(timedelta(minutes=2))

    assert sign_in(stranger).status_code == 302


def test_a_good_sign_in_forgets_earlier_slips(
    stranger: FlaskClient, sqlite_database: Database, clock: FixedClock
) -> None:
    make_user(sqlite_database, clock)
    for _ in range(2):
        for _ in range(MOST_FAILED_PER_NAME - 1):
            sign_in(stranger, password=WRONG)
        assert sign_in(stranger).status_code == 302
        send_form(stranger, "/logout", page="/review/orders")


def test_disabling_a_user_ends_open_sessions(person: FlaskClient, sqlite_database: Database, clock: FixedClock) -> None:
    assert person.get("/review/orders").status_code == 200

    change_users.disable_user(database=sqlite_database, clock=clock, name="anna", actor="test")

    assert person.get("/review/orders").headers["Location"].startswith("/login")


def test_another_role_ends_sessions_that_were_opened_with_the_old_one(
    person: FlaskClient, sqlite_database: Database, clock: FixedClock
) -> None:
    assert person.get("/review/orders").status_code == 200

    change_users.change_role(database=sqlite_database, clock=clock, name="anna", role="viewer", actor="test")

    assert person.get("/review/orders").headers["Location"].startswith("/login")
    sign_in(person)
    assert "viewer" in person.get("/review/orders").text


def test_signing_in_opens_a_fresh_session(stranger: FlaskClient, sqlite_database: Database, clock: FixedClock) -> None:
    make_user(sqlite_database, clock)
    with stranger.session_transaction() as planted:
        planted["planted"] = "by a stranger"

    sign_in(stranger)

    with stranger.session_transaction() as held:
        assert "planted" not in held


def test_signing_out_makes_a_copied_cookie_worthless(app: Flask, person: FlaskClient) -> None:
    cookie = person.get_cookie("countersign")
    assert cookie is not None
    thief = app.test_client()
    thief.set_cookie("countersign", cookie.value)
    assert thief.get("/review/orders").status_code == 200

    send_form(person, "/logout", page="/review/orders")

    assert thief.get("/review/orders").status_code == 302


def test_a_session_ends_after_its_hours_however_busy_it_is(person: FlaskClient, clock: FixedClock) -> None:
    for _ in range(11):
        clock.advance(timedelta(hours=1))
        assert person.get("/review/orders").status_code == 200

    clock.advance(timedelta(hours=1))

    assert person.get("/review/orders").status_code == 302


@pytest.mark.parametrize(
    "target",
    [
        *("https://evil.example", "//evil.example", "/\\evil.example", "\\/evil.example", "javascript:alert(1)"),
        *("/\t/evil.example", "/review/..//evil.example\x00", "/reviewer", "/review/../login", "review/orders"),
        *("http:/review", "/login"),
    ],
)
def test_nobody_is_sent_to_a_foreign_site(
    stranger: FlaskClient, sqlite_database: Database, clock: FixedClock, target: str
) -> None:
    make_user(sqlite_database, clock)

    answer = sign_in(stranger, next=target)

    assert answer.headers["Location"] == "/review/orders"


def test_a_form_without_its_token_is_refused_and_does_nothing(
    person: FlaskClient, sqlite_database: Database, clock: FixedClock
) -> None:
    order = make_order_rows(sqlite_database, clock)

    answers = [
        person.post(path, data=form)
        for path, form in (
            ("/login", {"name": "anna", "password": PASSWORD}),
            ("/logout", {}),
            (f"/review/orders/{order.number}/resync", {}),
            ("/review/parked/replay", {"which": "all"}),
        )
    ]

    assert [answer.status_code for answer in answers] == [400] * 4
    assert all("no longer good" in answer.text for answer in answers)
    assert person.get("/review/orders").status_code == 200


def test_a_viewer_may_look_but_not_act(viewer: FlaskClient, sqlite_database: Database, clock: FixedClock) -> None:
    order = make_order_rows(sqlite_database, clock)
    page = viewer.get(f"/review/orders/{order.number}")

    pressed = send_form(viewer, f"/review/orders/{order.number}/resync", page="/review/orders")
    replayed = send_form(viewer, "/review/parked/replay", page="/review/orders", which="all")

    assert page.status_code == 200
    assert "Resync</button>" not in page.text
    assert (pressed.status_code, replayed.status_code) == (403, 403)
    assert "This needs the role finance; you are signed in as viewer." in pressed.text


@pytest.mark.parametrize("role", ["finance", "approver", "admin"])
def test_every_higher_role_may_act(app: Flask, sqlite_database: Database, clock: FixedClock, role: str) -> None:
    make_user(sqlite_database, clock, name=role, role=role)
    order = make_order_rows(sqlite_database, clock)
    client = app.test_client()
    sign_in(client, name=role)

    pressed = send_form(client, f"/review/orders/{order.number}/resync", page="/review/orders")

    assert pressed.headers["Location"].startswith(f"/review/orders/{order.number}?watch=")


def test_signing_in_starts_a_session_of_its_own(
    stranger: FlaskClient, sqlite_database: Database, clock: FixedClock
) -> None:
    make_user(sqlite_database, clock)
    before = csrf_of(stranger.get("/login"))

    sign_in(stranger)

    assert stranger.post("/logout", data={"csrf_token": before}).status_code == 400


@pytest.mark.parametrize("secret", ["", "short", "x" * 31])
def test_without_a_long_session_secret_nothing_starts(
    sqlite_database: Database, clock: FixedClock, secret: str
) -> None:
    services = make_services(sqlite_database, clock, config=make_config(session_secret=secret))

    with pytest.raises(Misconfigured, match="at least 32 characters") as caught:
        create_app(services=services)

    assert not secret or secret not in str(caught.value)


def test_behind_https_cookies_are_secure_and_browsers_are_told_to_stay_with_https(
    sqlite_database: Database, clock: FixedClock
) -> None:
    config = make_config(base_url="https://countersign.example", trusted_proxies=1)
    make_user(sqlite_database, clock)
    client = create_app(services=make_services(sqlite_database, clock, config=config)).test_client()
    https = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "countersign.example", "X-Forwarded-For": "203.0.113.9"}
    form = client.get("/login", headers=https, base_url="https://countersign.example")

    answer = client.post(
        "/login",
        data={"csrf_token": csrf_of(form), "name": "anna", "password": PASSWORD},
        headers={**https, "Referer": "https://countersign.example/login"},
        base_url="https://countersign.example",
    )

    cookie = answer.headers["Set-Cookie"]
    assert answer.status_code == 302
    assert cookie.startswith("__Host-countersign=")
    assert {"Secure", "HttpOnly", "SameSite=Lax", "Path=/"} <= {part.strip() for part in cookie.split(";")}
    assert answer.headers["Strict-Transport-Security"].startswith("max-age=31536000")


def test_the_session_cookie_says_nothing_secret(person: FlaskClient) -> None:
    cookie = person.get_cookie("countersign")

    assert cookie is not None
    assert PASSWORD not in cookie.decoded_value
    assert SESSION_SECRET not in cookie.decoded_value
