"""Making, listing and ending users and tokens, on both databases."""

from __future__ import annotations

import re

import pytest
import sqlalchemy as sa

from connector.adapters.clock import FixedClock
from connector.errors import NotFound, Refused
from connector.store.tables import api_tokens, history, users
from connector.store.unit_of_work import Database
from connector.usecases import change_users, issue_tokens, sign_in
from tests.builders import PASSWORD


def _add(database: Database, clock: FixedClock, **changes: str) -> int:
    values = {"name": "anna", "password": PASSWORD, "role": "viewer"} | changes
    return change_users.add_user(database=database, clock=clock, actor="test", **values)


def test_a_new_user_can_sign_in_and_is_listed_without_a_hash(database: Database, clock: FixedClock) -> None:
    _add(database, clock, name=" Änna ")

    user = sign_in.sign_in(database=database, clock=clock, name="änna", password=PASSWORD, address="192.0.2.1")

    listed = change_users.list_users(database=database)
    assert (user.name, user.role) == ("änna", "viewer")
    assert listed[0].last_login_at == clock.now()
    assert not hasattr(listed[0], "password_hash")


def test_the_password_is_kept_only_as_argon2(database: Database, clock: FixedClock) -> None:
    _add(database, clock)

    with database.reading() as connection:
        kept = connection.execute(sa.select(users.c.password_hash)).scalar_one()

    assert kept.startswith("$argon2id$")
    assert PASSWORD not in kept


@pytest.mark.parametrize(
    ("changes", "said"),
    [({"name": "  "}, "empty"), ({"name": "x" * 121}, "120"), ({"password": "short"}, "12 to 1024"),
     ({"password": "x" * 1025}, "12 to 1024"), ({"role": "boss"}, "'boss'")],
)  # fmt: skip
def test_a_user_that_cannot_be_is_refused_with_the_reason(
    sqlite_database: Database, clock: FixedClock, changes: dict[str, str], said: str
) -> None:
    with pytest.raises(Refused, match=said):
        _add(sqlite_database, clock, **changes)

    assert change_users.list_users(database=sqlite_database) == ()


def test_one_name_is_given_once(database: Database, clock: FixedClock) -> None:
    _add(database, clock, name="anna")

    with pytest.raises(Refused, match="already"):
        _add(database, clock, name="ANNA")


def test_disabling_an_unknown_user_says_so(sqlite_database: Database, clock: FixedClock) -> None:
    with pytest.raises(NotFound, match="nobody"):
        change_users.disable_user(database=sqlite_database, clock=clock, name="nobody", actor="test")


def test_what_is_done_to_users_and_tokens_is_written_down(database: Database, clock: FixedClock) -> None:
    _add(database, clock)
    change_users.disable_user(database=database, clock=clock, name="anna", actor="otto")
    issue_tokens.create_token(database=database, clock=clock, name="ci", scopes=["read"], actor="otto")
    issue_tokens.revoke_token(database=database, clock=clock, name="ci", actor="otto")

    with database.reading() as connection:
        query = sa.select(history.c.subject, history.c.event, history.c.actor).order_by(history.c.id)
        written = [tuple(row) for row in connection.execute(query)]

    assert written == [
        ("user", "add", "test"),
        ("user", "disable", "otto"),
        ("token", "create", "otto"),
        ("token", "revoke", "otto"),
    ]


def test_a_token_is_shown_once_and_kept_only_as_its_hash(database: Database, clock: FixedClock) -> None:
    token = issue_tokens.create_token(
        database=database, clock=clock, name="ci", scopes=["orders:write", "read"], actor="test"
    )

    with database.reading() as connection:
        row = connection.execute(sa.select(api_tokens)).one()
    found = issue_tokens.check_token(database=database, clock=clock, token=token)

    assert re.fullmatch(r"cs_[A-Za-z0-9_-]{43}", token)
    assert token not in str(row)
    assert found is not None
    assert found.scopes == ("read", "orders:write")


def test_a_revoked_token_is_accepted_no_more(database: Database, clock: FixedClock) -> None:
    token = issue_tokens.create_token(database=database, clock=clock, name="ci", scopes=["read"], actor="test")

    issue_tokens.revoke_token(database=database, clock=clock, name="ci", actor="test")

    assert issue_tokens.check_token(database=database, clock=clock, token=token) is None
    assert issue_tokens.list_tokens(database=database)[0].revoked_at == clock.now()


@pytest.mark.parametrize("token", ["", "cs_", "cs_" + "x" * 42, "cs_" + "x" * 44, "xx_" + "x" * 43, "cs_" + "é" * 43])
def test_what_does_not_look_like_a_token_is_none(sqlite_database: Database, clock: FixedClock, token: str) -> None:
    assert issue_tokens.check_token(database=sqlite_database, clock=clock, token=token) is None


@pytest.mark.parametrize(
    ("name", "scopes", "said"),
    [("", ["read"], "name"), ("a\nb", ["read"], "name"), ("ci", [], "at least one scope"), ("ci", ["root"], "'root'")],
)
def test_a_token_that_cannot_be_is_refused_with_the_reason(
    sqlite_database: Database, clock: FixedClock, name: str, scopes: list[str], said: str
) -> None:
    with pytest.raises(Refused, match=said):
        issue_tokens.create_token(database=sqlite_database, clock=clock, name=name, scopes=scopes, actor="test")


def test_a_token_name_is_given_once_and_an_unknown_one_cannot_be_revoked(
    sqlite_database: Database, clock: FixedClock
) -> None:
    issue_tokens.create_token(database=sqlite_database, clock=clock, name="ci", scopes=["read"], actor="test")

    with pytest.raises(Refused, match="already"):
        issue_tokens.create_token(database=sqlite_database, clock=clock, name="ci", scopes=["read"], actor="test")
    with pytest.raises(NotFound, match="'other'"):
        issue_tokens.revoke_token(database=sqlite_database, clock=clock, name="other", actor="test")
