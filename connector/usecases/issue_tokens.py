"""Create, check and revoke API tokens.

A token is `cs_` and 256 random bits; it is shown once and only its SHA-256 is kept. There is nothing to guess, so one
fast hash is enough, and looking it up by hash compares in no telling time. A token that decides about invoices does so
for a user: as that user, with the role that the user has at that moment.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Sequence
from datetime import timedelta

from connector.errors import Refused
from connector.ports import Clock
from connector.store import tokens, users
from connector.store.tokens import Token
from connector.store.unit_of_work import Database, UnitOfWork
from connector.store.users import User

SCOPES = ("read", "orders:write", "finance", "usage:write", "plans:write")
_FORM = re.compile(r"cs_[A-Za-z0-9_-]{43}")
_NAME = re.compile(r"[\w .@:/+-]{1,120}")
# Writing down each use would make every read a write.
_USE_IS_NOTED_EVERY = timedelta(minutes=1)


class TokenRefused(Refused):
    """That token cannot be made."""

    code = "TOKEN_REFUSED"
    owner = "operator"
    fix = "Correct the value and try again."


def create_token(
    *, database: Database, clock: Clock, name: str, scopes: Sequence[str], actor: str, person: str = ""
) -> str:
    """Make a token and answer it; it cannot be shown again. `person` names the user that it decides for.

    Raises TokenRefused for name, scopes or person, TokenExists.
    """
    if not _NAME.fullmatch(name) or not name.strip():
        raise TokenRefused("The name must have 1 to 120 letters, digits, blanks or . @ : / + - _.")
    if not scopes or (unknown := sorted(set(scopes) - set(SCOPES))):
        what = f"The scope {unknown[0]!r} is not known." if scopes else "A token needs at least one scope."
        raise TokenRefused(what, fix=f"Use: {', '.join(SCOPES)}.")
    token = f"cs_{secrets.token_urlsafe(32)}"
    wanted = [scope for scope in SCOPES if scope in scopes]
    with database.unit_of_work() as work:
        owner = _user(work, person)
        tokens.add_token(
            work=work,
            name=name,
            token_hash=_hash(token),
            scopes=wanted,
            now=clock.now(),
            actor=actor,
            person=owner,
        )
        work.commit()
    return token


def check_token(*, database: Database, clock: Clock, token: str) -> Token | None:
    """What the token may do, or None when it is malformed, unknown or revoked."""
    if not _FORM.fullmatch(token):
        return None
    with database.reading() as connection:
        found = tokens.load_token(connection=connection, token_hash=_hash(token))
    if found is None or found.revoked_at is not None:
        return None
    now = clock.now()
    if found.last_used_at is None or now - found.last_used_at >= _USE_IS_NOTED_EVERY:
        with database.unit_of_work() as work:
            tokens.note_use(work=work, token_id=found.id, now=now)
            work.commit()
    return found


def revoke_token(*, database: Database, clock: Clock, name: str, actor: str) -> None:
    """Accept the token no more, from now on. Raises NotFound."""
    with database.unit_of_work() as work:
        tokens.revoke_token(work=work, name=name, now=clock.now(), actor=actor)
        work.commit()


def list_tokens(*, database: Database) -> tuple[Token, ...]:
    """All tokens by name."""
    with database.reading() as connection:
        return tokens.list_tokens(connection=connection)


def person_of(*, database: Database, token: Token) -> User | None:
    """The user that the token decides for, as known now; None when it names nobody who may still sign in."""
    if not token.person:
        return None
    with database.reading() as connection:
        found = users.load_credentials(connection=connection, name=token.person)
    return None if found is None or found[0].is_disabled else found[0]


def _user(work: UnitOfWork, person: str) -> str:
    """The name of that user as it is kept, empty for nobody. Raises TokenRefused."""
    if not person:
        return ""
    found = users.load_credentials(connection=work.connection, name=person)
    if found is None or found[0].is_disabled:
        raise TokenRefused(f"There is no user {person!r} who may sign in.", fix="See `countersign user list`.")
    return found[0].name


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode("ascii")).hexdigest()
