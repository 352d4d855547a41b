"""Who gets in by the login provider, and who does not, over real HTTP with real keys."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from flask import Flask
from werkzeug.wrappers import Response

from connector.adapters.clock import FixedClock
from connector.store.unit_of_work import Database
from connector.usecases import change_users
from tests.builders import PASSWORD, make_user
from tests.identity.conftest import app_for, settings_of
from tests.identity.provider import CLIENT_SECRET, Provider
from tests.identity.visiting import Visitor
from tests.web.serving import csrf_of, send_form


def test_somebody_with_a_group_gets_in_with_its_role_and_to_the_page_that_was_asked_for(
    visitor: Visitor, sqlite_database: Database
) -> None:
    answer = visitor.sign_in("/review/contracts?q=Aurora")

    users = change_users.list_users(database=sqlite_database)
    assert (answer.status_code, answer.headers["Location"]) == (302, "/review/contracts?q=Aurora")
    assert visitor.is_in()
    assert [(user.name, user.role) for user in users] == [("anna@example.com", "finance")]


def test_the_browser_is_sent_with_state_nonce_and_a_challenge_whose_secret_stays_here(
    visitor: Visitor, provider: Provider
) -> None:
    address = visitor.leave()

    asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
    cookie = visitor.client.get_cookie("countersign")
    assert address.startswith(f"{provider.issuer}/authorize?")
    assert (asked["response_type"], asked["code_challenge_method"]) == ("code", "S256")
    assert asked["redirect_uri"] == "http://127.0.0.1:8900/login/callback"
    assert asked["scope"].split() == ["openid", "profile", "email"]
    assert min(len(asked[name]) for name in ("state", "nonce", "code_challenge")) >= 43
    assert len({asked["state"], asked["nonce"], asked["code_challenge"]}) == 3
    assert cookie is not None
    shown = _opened(cookie.decoded_value) + address.encode()
    assert asked["state"].encode() in shown
    for text in shown.replace(b'"', b" ").replace(b"&", b" ").replace(b"=", b" ").split():
        assert base64.urlsafe_b64encode(hashlib.sha256(text).digest()).rstrip(b"=").decode() != asked["code_challenge"]


@pytest.mark.parametrize(
    ("groups", "role"),
    [(["Viewers"], "viewer"), (["Viewers", "Controllers", "Finance"], "approver"), ("Admins", "admin"),
     (["finance", "Finance"], "finance")],
)  # fmt: skip
def test_the_highest_role_of_the_groups_counts(
    visitor: Visitor, provider: Provider, sqlite_database: Database, groups: Any, role: str
) -> None:
    provider.person["groups"] = groups

    visitor.sign_in()

    assert [user.role for user in change_users.list_users(database=sqlite_database)] == [role]


@pytest.mark.parametrize("groups", [["Marketing"], [], None, {"Finance": True}, [["Finance"]], ["finance"], 7])
def test_somebody_without_a_role_is_told_so_in_words_and_leaves_no_user(
    visitor: Visitor, provider: Provider, sqlite_database: Database, groups: Any
) -> None:
    provider.person["groups"] = groups

    answer = visitor.sign_in()

    assert answer.status_code == 403
    assert "knows you as anna@example.com, but none of your groups has a role here" in answer.text
    assert not visitor.is_in()
    assert change_users.list_users(database=sqlite_database) == ()


def test_roles_may_stand_inside_a_table_of_the_token(
    provider: Provider, sqlite_database: Database, clock: FixedClock
) -> None:
    config = settings_of(provider, role_claim="realm_access.roles")
    provider.person |= {"realm_access": {"roles": ["Controllers"]}, "groups": ["Admins"]}

    Visitor(app_for(sqlite_database, clock, config).test_client()).sign_in()

    assert [user.role for user in change_users.list_users(database=sqlite_database)] == ["approver"]


CLAIMS: dict[str, tuple[dict[str, Any], str]] = {
    "wrong nonce": ({"nonce": "another"}, "nonce"),
    "wrong issuer": ({"iss": "https://evil.example"}, "iss"),
    "for another client": ({"aud": "another"}, "aud"),
    "for us and another, asked by the other": ({"aud": ["countersign", "another"], "azp": "another"}, "azp"),
    "not yet": ({"nbf": 4_000_000_000}, "nbf"),
    "made in the future": ({"iat": 4_000_000_000}, "iat"),
    "expired": ({"exp": 1_000_000_000}, "expired_token"),
    "expiry is no number": ({"exp": "tomorrow"}, "exp"),
    "subject is no text": ({"sub": {"a": 1}}, "sub"),
    "subject is empty": ({"sub": ""}, "sub"),
    "subject is endless": ({"sub": "s" * 256}, "subject"),
    "of another access token": ({"at_hash": "AAAA"}, "at_hash"),
}


@pytest.mark.parametrize("case", CLAIMS)
def test_a_token_that_is_not_for_this_sign_in_lets_nobody_in(
    visitor: Visitor, provider: Provider, sqlite_database: Database, case: str
) -> None:
    provider.changed_claims, said = CLAIMS[case]

    answer = visitor.sign_in()

    assert answer.status_code == 401
    assert "token is not accepted" in answer.text and said in answer.text
    assert not visitor.is_in()
    assert change_users.list_users(database=sqlite_database) == ()


@pytest.mark.parametrize("claim", ["iss", "aud", "sub", "exp", "iat", "nonce"])
def test_a_token_that_lacks_a_claim_lets_nobody_in(visitor: Visitor, provider: Provider, claim: str) -> None:
    provider.dropped_claims = {claim}

    assert visitor.sign_in().status_code == 401
    assert not visitor.is_in()


@pytest.mark.parametrize("forged", ["unsigned", "signed_by_secret", "signed_by_stranger"])
def test_a_forged_token_lets_nobody_in(visitor: Visitor, provider: Provider, forged: str) -> None:
    provider.signs_with = getattr(provider, forged)

    answer = visitor.sign_in()

    assert answer.status_code == 401
    assert "token is not accepted" in answer.text
    assert not visitor.is_in()


@pytest.mark.parametrize(
    "token", ["", "a", "a.b", "....", "é.é.é", "e30.e30.e30", "bnVsbA.bnVsbA.bnVsbA", "x" * 50_000]
)
def test_what_is_no_token_lets_nobody_in(visitor: Visitor, provider: Provider, token: str) -> None:
    provider.signs_with = lambda _claims: token

    assert visitor.sign_in().status_code == 401
    assert not visitor.is_in()


def test_an_answer_that_another_browser_began_is_worth_nothing_there_and_still_good_at_home(
    app: Flask, visitor: Visitor
) -> None:
    thief = Visitor(app.test_client())
    address = visitor.agree(visitor.leave())

    stolen = thief.client.get(address)
    thief.leave()
    stolen_again = thief.client.get(address)

    assert (stolen.status_code, stolen_again.status_code) == (401, 401)
    assert "not begun in this browser" in stolen.text
    assert not thief.is_in()
    assert visitor.client.get(address).status_code == 302
    assert visitor.is_in()


def test_an_answer_is_good_once_even_with_the_cookie_of_before(app: Flask, visitor: Visitor) -> None:
    address = visitor.leave()
    cookie = visitor.client.get_cookie("countersign")
    assert cookie is not None
    back = visitor.agree(address)
    assert visitor.client.get(back).status_code == 302
    copy = app.test_client()
    copy.set_cookie("countersign", cookie.value)

    answer = copy.get(back)

    assert answer.status_code == 401
    assert "used already" in answer.text
    assert not Visitor(copy).is_in()


def test_a_code_that_was_used_elsewhere_is_refused(visitor: Visitor) -> None:
    first = parse_qs(urlsplit(visitor.agree(visitor.leave())).query)["code"][0]
    answer = visitor.client.get(visitor.agree(visitor.leave()))
    assert answer.status_code == 302
    send_form(visitor.client, "/logout", page="/review/orders")
    state = parse_qs(urlsplit(visitor.leave()).query)["state"][0]

    replayed = visitor.client.get("/login/callback", query_string={"code": first, "state": state})

    assert replayed.status_code == 401
    assert "used before or is old" in replayed.text


def test_a_sign_in_that_takes_too_long_begins_again(visitor: Visitor, clock: FixedClock) -> None:
    back = visitor.agree(visitor.leave())
    clock.advance(timedelta(minutes=11))

    answer = visitor.client.get(back)

    assert answer.status_code == 401
    assert "more than ten minutes ago" in answer.text


@pytest.mark.parametrize("query", ["", "code=x", "state=x", "code=x&state=y", "state=&code=x", "state=%00&code=%ff"])
def test_whoever_comes_from_nowhere_is_sent_to_begin(visitor: Visitor, query: str) -> None:
    answer = visitor.client.get(f"/login/callback?{query}")

    assert answer.status_code == 401
    assert "Sign in with your company account" in answer.text


def test_a_provider_that_says_no_is_quoted_as_text(visitor: Visitor, provider: Provider) -> None:
    provider.refuses_with = "access_denied<script>"

    answer = visitor.sign_in()

    assert answer.status_code == 401
    assert "access_denied&lt;script&gt;" in answer.text


def test_the_session_is_a_new_one_and_nothing_brought_lives_on(app: Flask, visitor: Visitor) -> None:
    with visitor.client.session_transaction() as planted:
        planted["user"], planted["planted"] = 1, "by a stranger"
    back = visitor.agree(visitor.leave())
    before = visitor.client.get_cookie("countersign")

    visitor.client.get(back)

    after = visitor.client.get_cookie("countersign")
    assert before is not None and after is not None and before.value != after.value
    with visitor.client.session_transaction() as held:
        assert set(held) == {"_permanent", "user", "epoch", "since", "by"}


@pytest.mark.parametrize(
    "target",
    ["https://evil.example", "//evil.example", "/\\evil.example", "javascript:alert(1)", "/review/..//evil", "/login"],
)
def test_nobody_is_sent_to_a_foreign_site_afterwards(visitor: Visitor, target: str) -> None:
    answer = visitor.sign_in(target)

    assert answer.headers["Location"] == "/review/orders"


def test_passwords_and_sessions_of_before_do_not_count_with_a_provider(
    app: Flask, sqlite_database: Database, clock: FixedClock, visitor: Visitor
) -> None:
    make_user(sqlite_database, clock)
    visitor.sign_in()
    token = csrf_of(visitor.client.get("/review/orders"))
    local = Visitor(app.test_client())
    with local.client.session_transaction() as kept:
        kept["user"], kept["epoch"], kept["since"], kept["by"] = 1, 1, clock.now().isoformat(), "local"

    answer = visitor.client.post("/login", data={"csrf_token": token, "name": "anna", "password": PASSWORD})

    assert answer.status_code == 403
    assert not local.is_in()


def _ill(path: str, answer: Callable[[], Response]) -> Callable[[Provider], None]:
    def make_ill(provider: Provider) -> None:
        provider.answers[path] = answer

    return make_ill


_DISCOVERY = "/.well-known/openid-configuration"


@pytest.mark.parametrize(
    ("make_ill", "status"),
    [
        (_ill(_DISCOVERY, lambda: Response(status=500)), 503),
        (_ill(_DISCOVERY, lambda: Response("<html>", content_type="text/html")), 503),
        (_ill(_DISCOVERY, lambda: Response("[]")), 503),
        (_ill(_DISCOVERY, lambda: Response(status=302, headers={"Location": "http://127.0.0.1:9/"})), 503),
        (_ill(_DISCOVERY, lambda: Response(b" " * 1_100_000)), 503),
        (lambda provider: provider.published_changes.update(issuer="https://evil.example"), 503),
        (lambda provider: provider.published_changes.update(authorization_endpoint="http://evil.example/"), 503),
        (lambda provider: provider.published_changes.update(authorization_endpoint=None), 503),
    ],
)
def test_a_provider_that_is_ill_is_told_and_nobody_is_sent_there(
    visitor: Visitor, provider: Provider, make_ill: Callable[[Provider], None], status: int
) -> None:
    make_ill(provider)

    answer = visitor.client.get("/login/provider")

    assert answer.status_code == status
    assert "Sign in with your company account" in answer.text
    assert "evil" not in str(answer.headers)


@pytest.mark.parametrize("path", ["/token", "/keys"])
@pytest.mark.parametrize(
    "answer", [lambda: Response(status=502), lambda: Response("?"), lambda: Response(b"1" * 1_100_000)]
)
def test_a_provider_that_falls_ill_on_the_way_lets_nobody_in(
    visitor: Visitor, provider: Provider, path: str, answer: Callable[[], Response]
) -> None:
    back = visitor.agree(visitor.leave())
    provider.answers[path] = answer

    told = visitor.client.get(back)
    provider.answers.clear()

    assert told.status_code == 503
    assert not visitor.is_in()
    assert visitor.sign_in().status_code == 302


def test_a_provider_that_is_away_is_told_and_back_again_later(
    provider: Provider, sqlite_database: Database, clock: FixedClock
) -> None:
    away = Provider(lambda: clock.now().timestamp())
    visitor = Visitor(app_for(sqlite_database, clock, settings_of(away)).test_client())
    back = visitor.agree(visitor.leave())
    away.stop()

    told = visitor.client.get(back)

    assert told.status_code == 503
    assert "does not answer as it should" in told.text


def test_a_wrong_client_secret_is_the_operators_and_is_not_repeated(
    provider: Provider, sqlite_database: Database, clock: FixedClock
) -> None:
    config = settings_of(provider)
    wrong = config.secrets.model_copy(
        update={"oidc_client": type(config.secrets.oidc_client)("wrong-" + CLIENT_SECRET)}
    )
    visitor = Visitor(app_for(sqlite_database, clock, config.model_copy(update={"secrets": wrong})).test_client())

    answer = visitor.sign_in()

    assert answer.status_code == 503
    assert "refuses our client (invalid_client)" in answer.text
    assert CLIENT_SECRET not in answer.text


def test_a_new_key_of_the_provider_is_fetched_by_itself_but_not_for_every_forgery(
    visitor: Visitor, provider: Provider, clock: FixedClock
) -> None:
    assert visitor.sign_in().status_code == 302
    provider.change_keys("second")
    clock.advance(timedelta(minutes=2))

    assert visitor.sign_in().status_code == 302
    provider.change_keys("third")
    assert [visitor.sign_in().status_code for _ in range(3)] == [401] * 3
    assert provider.asked.count("/keys") == 2


def _opened(cookie: str) -> bytes:
    """What a reader of the session cookie sees."""
    import zlib

    body = cookie.lstrip(".").split(".")[0]
    raw = base64.urlsafe_b64decode(body + "=" * (-len(body) % 4))
    return zlib.decompress(raw) if cookie.startswith(".") else raw
