"""Sign a person in by name and password, know them again, and sign them out.

Guessing is made slow three ways: argon2, a limit per name and per address, and the same answer after the same time
whether the name, the password or the account was wrong. Attempts are written down before the password is looked at, so
that many at once cannot slip below the limit.
"""

from __future__ import annotations

from datetime import timedelta
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from connector.errors import Refused
from connector.ports import Clock
from connector.store import users
from connector.store.unit_of_work import Database
from connector.store.users import User

WINDOW = timedelta(minutes=15)
MOST_FAILED_PER_NAME = 10
# An office or a proxy shares one address, so this is wider.
MOST_FAILED_PER_ADDRESS = 50
# Hashing a longer one would be a gift to whoever wants to keep us busy.
LONGEST_PASSWORD = 1024

_HASHER = PasswordHasher()


class SignInRefused(Refused):
    """Name or password is wrong."""

    code = "SIGN_IN_REFUSED"
    owner = "caller"
    fix = "Check both and try again, or ask an administrator."


class TooManyAttempts(Refused):
    """Too many attempts to sign in."""

    code = "TOO_MANY_ATTEMPTS"
    http_status = 429
    owner = "caller"
    fix = "Wait 15 minutes and try again, or ask an administrator."


def sign_in(*, database: Database, clock: Clock, name: str, password: str, address: str) -> User:
    """The user, if name and password are right and the account is open. Raises SignInRefused and TooManyAttempts."""
    attempt_id = admit(database=database, clock=clock, name=name, address=address)
    with database.reading() as connection:
        found = users.load_credentials(connection=connection, name=name)
    is_right = _is_right(found[1] if found else _nobodys_hash(), password)
    if not found or not is_right or found[0].is_disabled:
        raise SignInRefused
    user, password_hash = found
    fresh_hash = _HASHER.hash(password) if _HASHER.check_needs_rehash(password_hash) else None
    with database.unit_of_work() as work:
        users.mark_attempt_good(work=work, attempt_id=attempt_id, name=name)
        users.note_login(work=work, user_id=user.id, now=clock.now())
        if fresh_hash:
            users.save_password(work=work, user_id=user.id, password_hash=fresh_hash)
        work.commit()
    return user


def known_user(*, database: Database, user_id: int, session_epoch: int) -> User | None:
    """The user of a session, or None when the session was ended or the user disabled."""
    with database.reading() as connection:
        user = users.load_user(connection=connection, user_id=user_id)
    if user is None or user.is_disabled or user.session_epoch != session_epoch:
        return None
    return user


def sign_out(*, database: Database, user_id: int) -> None:
    """End the user's sessions everywhere: a copied cookie is worth nothing afterwards."""
    with database.unit_of_work() as work:
        users.end_sessions(work=work, user_id=user_id)
        work.commit()


def hashed(password: str) -> str:
    """The password as it may be kept."""
    return _HASHER.hash(password)


def admit(
    *, database: Database, clock: Clock, name: str, address: str, most_by_name: int = MOST_FAILED_PER_NAME
) -> int:
    """Write the attempt down and count; the id of its row. Raises TooManyAttempts, which counts against nobody."""
    now = clock.now()
    with database.unit_of_work() as work:
        users.forget_attempts(work=work, before=now - 4 * WINDOW)
        attempt_id = users.add_attempt(work=work, name=name, address=address, now=now)
        work.commit()
    with database.reading() as connection:
        by_name, by_address = users.failed_attempts(
            connection=connection, name=name, address=address, since=now - WINDOW
        )
    if by_name <= most_by_name and by_address <= MOST_FAILED_PER_ADDRESS:
        return attempt_id
    with database.unit_of_work() as work:
        users.drop_attempt(work=work, attempt_id=attempt_id)
        work.commit()
    raise TooManyAttempts


def _is_right(password_hash: str, password: str) -> bool:
    if len(password) > LONGEST_PASSWORD:
        return False
    try:
        return _HASHER.verify(password_hash, password)
    except (VerificationError, InvalidHashError, UnicodeEncodeError):
        # A lone surrogate cannot be encoded; nobody has such a password.
        return False


@cache
def _nobodys_hash() -> str:
    """Something to check against when there is no such user, so that the answer takes as long."""
    return _HASHER.hash("nobody has this password")
