"""Somebody who signs in by the provider stays one person here: renamed, promoted, shut out, or in two windows."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from flask import Flask

from connector.adapters.clock import FixedClock
from connector.domain.review import DecisionRefused
from connector.ports_identity import Identity
from connector.store import audit
from connector.store.unit_of_work import Database
from connector.store.users import PEOPLE
from connector.usecases import change_users
from connector.usecases.approve_invoice import approve_invoice
from connector.usecases.sign_in_by_provider import (
    MOST_STARTED_PER_ADDRESS,
    ProviderSignIn,
    begin_sign_in,
    finish_sign_in,
)
from tests.builders import make_user
from tests.domain.making import make_item
from tests.identity.provider import Provider
from tests.identity.visiting import Visitor
from tests.reviewing import make_finance, sold
from tests.web.serving import send_form

ROLES = {"Finance": "finance", "Controllers": "approver"}


class Proves:
    """A provider that proves whoever the test wants."""

    def __init__(self) -> None:
        self.person: dict[str, Any] = {"subject": "one", "name": "anna", "groups": {"Finance"}}
        self.meanwhile: threading.Barrier | None = None

    def login_address(self, *, state: str, nonce: str, verifier: str) -> str:
        return "https://login.example.com/"

    def identity(self, *, code: str, nonce: str, verifier: str) -> Identity:
        if self.meanwhile:
            self.meanwhile.wait(10)
        known = {"issuer": "https://login.example.com", "email": ""} | self.person
        return Identity(**known | {"groups": frozenset(known["groups"])})


def _needs(database: Database, clock: FixedClock) -> tuple[ProviderSignIn, Proves]:
    provider = Proves()
    return ProviderSignIn(database, clock, provider, ROLES), provider


def _sign_in(needs: ProviderSignIn) -> Any:
    _, state = begin_sign_in(needs=needs, address="192.0.2.1", following="")
    return finish_sign_in(needs=needs, state=state, kept_state=state, code="c", problem="", address="192.0.2.1")[0]


def test_whoever_is_renamed_at_the_provider_keeps_the_name_under_which_they_decided(
    database: Database, clock: FixedClock
) -> None:
    needs, provider = _needs(database, clock)
    before = _sign_in(needs)
    provider.person |= {"name": "anna.married@example.com", "email": "anna.married@example.com"}

    after = _sign_in(needs)

    assert (after.id, after.name) == (before.id, before.name) == (before.id, "anna")


def test_two_people_of_one_name_are_two_users(database: Database, clock: FixedClock) -> None:
    make_user(database, clock, name="anna")
    needs, provider = _needs(database, clock)

    first = _sign_in(needs)
    provider.person["subject"] = "two"
    second = _sign_in(needs)
    provider.person["issuer"] = "https://login.example.org"
    third = _sign_in(needs)

    assert [user.name for user in (first, second, third)] == ["anna (2)", "anna (3)", "anna (4)"]


@pytest.mark.parametrize("name", ["", "   ", "\u202e\u200f", "x" * 600, "Änna " * 40])
def test_any_name_of_a_provider_becomes_a_name_here(sqlite_database: Database, clock: FixedClock, name: str) -> None:
    needs, provider = _needs(sqlite_database, clock)
    provider.person["name"] = name

    user = _sign_in(needs)
    provider.person["subject"] = "two"
    namesake = _sign_in(needs)

    assert 0 < len(user.name) <= 120 and 0 < len(namesake.name) <= 120
    assert user.name != namesake.name
    assert user.name.isprintable()


def test_the_same_person_does_not_approve_twice_under_two_names_of_the_provider(
    sqlite_database: Database, clock: FixedClock
) -> None:
    finance = make_finance(sqlite_database, clock)
    invoice_id = finance.draft(sold(make_item(price="100000")))
    needs, provider = _needs(sqlite_database, clock)
    first, shown = _sign_in(needs), finance.hash(invoice_id)
    approve_invoice(desk=finance.desk, invoice_id=invoice_id, looked_at=shown, actor=first.name, role=first.role)
    provider.person |= {"name": "somebody.else@example.com", "groups": {"Controllers"}}
    again = _sign_in(needs)

    with pytest.raises(DecisionRefused, match="another person must be the second"):
        approve_invoice(desk=finance.desk, invoice_id=invoice_id, looked_at=shown, actor=again.name, role=again.role)


def test_two_windows_for_the_first_time_at_once_make_one_user(database: Database, clock: FixedClock) -> None:
    needs, provider = _needs(database, clock)
    provider.meanwhile = threading.Barrier(4)
    found: list[int] = []
    windows = [threading.Thread(target=lambda: found.append(_sign_in(needs).id)) for _ in range(4)]

    for window in windows:
        window.start()
    for window in windows:
        window.join(20)

    assert len(found) == 4 and len(set(found)) == 1
    assert len(change_users.list_users(database=database)) == 1


def test_who_came_and_which_role_they_got_is_in_the_chain_of_hashes(database: Database, clock: FixedClock) -> None:
    needs, provider = _needs(database, clock)
    _sign_in(needs)
    _sign_in(needs)
    provider.person["groups"] = {"Controllers"}
    _sign_in(needs)
    change_users.disable_user(database=database, clock=clock, name="anna", actor="olga")

    with database.reading() as connection:
        rows = list(audit.load_chain(connection=connection, chain=PEOPLE))
        faults = audit.verify(connection=connection, chain=PEOPLE)

    assert [(row.event, row.before, row.after, row.actor) for row in rows] == [
        ("add", "", "finance", "login provider"),
        ("role", "finance", "approver", "login provider"),
        ("disable", "", "", "olga"),
    ]
    assert faults == []


def test_starting_endlessly_many_sign_ins_waits(sqlite_database: Database, clock: FixedClock) -> None:
    needs, _ = _needs(sqlite_database, clock)
    for _ in range(MOST_STARTED_PER_ADDRESS):
        begin_sign_in(needs=needs, address="192.0.2.1", following="")

    with pytest.raises(Exception, match="Too many attempts"):
        begin_sign_in(needs=needs, address="192.0.2.1", following="")
    begin_sign_in(needs=needs, address="192.0.2.2", following="")


def test_coming_back_wrong_again_and_again_waits(app: Flask) -> None:
    browser = app.test_client()

    tried = [browser.get("/login/callback?state=x&code=y").status_code for _ in range(51)]

    assert tried == [401] * 50 + [429]


def test_a_disabled_person_stays_out_and_what_was_open_ends(
    visitor: Visitor, sqlite_database: Database, clock: FixedClock
) -> None:
    visitor.sign_in()
    assert visitor.is_in()

    change_users.disable_user(database=sqlite_database, clock=clock, name="anna@example.com", actor="test")

    assert not visitor.is_in()
    answer = visitor.sign_in()
    assert answer.status_code == 403
    assert "anna@example.com is disabled here" in answer.text
    assert not visitor.is_in()
    change_users.enable_user(database=sqlite_database, clock=clock, name="anna@example.com", actor="test")
    assert not visitor.is_in()
    visitor.sign_in()
    assert visitor.is_in()


@pytest.mark.parametrize("groups", [["Viewers"], []])
def test_a_lost_role_ends_what_was_open_with_it_elsewhere(
    app: Flask, visitor: Visitor, provider: Provider, sqlite_database: Database, groups: list[str]
) -> None:
    elsewhere = Visitor(app.test_client())
    elsewhere.sign_in()
    assert elsewhere.is_in()
    provider.person["groups"] = groups

    visitor.sign_in()

    assert not elsewhere.is_in()
    assert visitor.is_in() is bool(groups)
    assert change_users.list_users(database=sqlite_database)[0].role == ("viewer" if groups else "")


def test_signing_out_ends_every_session_and_asks_the_provider_nothing(
    app: Flask, visitor: Visitor, provider: Provider
) -> None:
    elsewhere = Visitor(app.test_client())
    elsewhere.sign_in()
    visitor.sign_in()
    asked = len(provider.asked)

    answer = send_form(visitor.client, "/logout", page="/review/orders")

    assert answer.headers["Location"] == "/login"
    assert not visitor.is_in() and not elsewhere.is_in()
    assert len(provider.asked) == asked


def test_the_role_of_a_person_of_the_provider_is_not_changed_here(
    visitor: Visitor, sqlite_database: Database, clock: FixedClock
) -> None:
    visitor.sign_in()

    with pytest.raises(change_users.UserRefused, match="which gives the role"):
        change_users.change_role(
            database=sqlite_database, clock=clock, name="anna@example.com", role="admin", actor="test"
        )
