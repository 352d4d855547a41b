"""People of a login provider, and their sign-ins that are under way: load and save.

Issuer and subject are who somebody is. The name of the user's row is given once, at first sight, and never changes, so
that what somebody decided stays theirs when they are renamed. Nothing here speaks to the provider.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from connector.errors import Conflict
from connector.store import users
from connector.store.inserting import insert_ignore
from connector.store.tables import users as user_rows
from connector.store.tables_delivery import oidc_identities, oidc_logins
from connector.store.unit_of_work import UnitOfWork
from connector.store.users import LONGEST_NAME, User, same_name

_LONGEST_ADDRESS = 60
# Who is refused a name so often has a crowd of namesakes; the subject then tells them apart.
_MOST_NAMESAKES = 50


@dataclass(frozen=True, slots=True)
class StartedLogin:
    """What we must remember until somebody comes back from the provider."""

    nonce: str
    verifier: str
    following: str


def start_login(*, work: UnitOfWork, state: str, started: StartedLogin, address: str, now: datetime) -> None:
    """Remember a sign-in that goes to the provider; of the state only its hash is kept."""
    row = {"state_hash": _hash(state), "address": address[:_LONGEST_ADDRESS], "started_at": now}
    row |= {"nonce": started.nonce, "verifier": started.verifier, "following": started.following}
    work.execute(oidc_logins.insert().values(row))


def take_login(*, work: UnitOfWork, state: str, since: datetime) -> StartedLogin | None:
    """The sign-in of that state, which is gone afterwards; None when there is none, or it began before `since`."""
    row = work.execute(
        oidc_logins.delete()
        .where(oidc_logins.c.state_hash == _hash(state))
        .returning(oidc_logins.c.nonce, oidc_logins.c.verifier, oidc_logins.c.following, oidc_logins.c.started_at)
    ).one_or_none()
    if row is None or row.started_at < since:
        return None
    return StartedLogin(row.nonce, row.verifier, row.following)


def forget_logins(*, work: UnitOfWork, before: datetime) -> None:
    """Remove sign-ins from which nobody came back in time."""
    work.execute(oidc_logins.delete().where(oidc_logins.c.started_at < before))


def open_logins(*, connection: Connection, address: str) -> int:
    """How many sign-ins from that address are under way."""
    query = sa.select(sa.func.count()).where(oidc_logins.c.address == address[:_LONGEST_ADDRESS])
    return int(connection.execute(query).scalar_one())


def load_person(*, connection: Connection, issuer: str, subject: str) -> User | None:
    """The user who is that person, or None when we have not seen them."""
    query = (
        sa.select(user_rows.c.id)
        .join(oidc_identities, oidc_identities.c.user_id == user_rows.c.id)
        .where(oidc_identities.c.issuer == issuer, oidc_identities.c.subject == subject)
    )
    user_id = connection.execute(query).scalar_one_or_none()
    return None if user_id is None else users.load_user(connection=connection, user_id=user_id)


def is_person_of_provider(*, connection: Connection, user_id: int) -> bool:
    """Whether that user came from a provider and has no password here."""
    query = sa.select(oidc_identities.c.id).where(oidc_identities.c.user_id == user_id)
    return connection.execute(query).one_or_none() is not None


def add_person(
    *, work: UnitOfWork, issuer: str, subject: str, name: str, email: str, role: str, now: datetime, actor: str
) -> User:
    """Make the user of somebody seen for the first time. Raises Conflict when another sign-in made it just now."""
    user_id = _add_named(work, name or subject, role, now, actor)
    known: dict[str, Any] = {"user_id": user_id, "issuer": issuer, "subject": subject}
    known |= {"shown_name": name, "email": email, "first_seen_at": now, "last_seen_at": now}
    made = work.execute(insert_ignore(work, oidc_identities).values(known).returning(oidc_identities.c.id))
    if made.one_or_none() is None:
        raise Conflict(f"The user {name!r} is signing in for the first time in another window.")
    user = users.load_user(connection=work.connection, user_id=user_id)
    assert user is not None
    return user


def note_person(*, work: UnitOfWork, user_id: int, name: str, email: str, now: datetime) -> None:
    """Keep how the provider spells somebody today; the user's own name stays."""
    work.execute(
        oidc_identities.update()
        .where(oidc_identities.c.user_id == user_id)
        .values(shown_name=name, email=email, last_seen_at=now)
    )


def _add_named(work: UnitOfWork, name: str, role: str, now: datetime, actor: str) -> int:
    """A user of that name, or of the first free one beside it: `anna`, `anna (2)`, `anna (3)`."""
    plain = same_name(name)[: LONGEST_NAME - 6].strip() or "unnamed"
    for number in range(1, _MOST_NAMESAKES + 1):
        spelled = plain if number == 1 else f"{plain} ({number})"
        user_id = users.add_user_without_password(work=work, name=spelled, role=role, now=now, actor=actor)
        if user_id is not None:
            return user_id
    raise Conflict(f"There are {_MOST_NAMESAKES} users named {plain!r}.", code="NAMESAKES")


def _hash(state: str) -> str:
    return hashlib.sha256(state.encode("utf-8", "replace")).hexdigest()
