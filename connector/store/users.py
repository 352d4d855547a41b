"""Users, their sessions' epoch, and their attempts to sign in: load and save.

Password hashes come in ready-made and leave this module only through `load_credentials`. Names are kept in one
spelling (see `same_name`), so that `Anna` and `anna` are one person.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from connector.errors import NotFound, Refused
from connector.store import audit, history
from connector.store.inserting import insert_ignore
from connector.store.tables import login_attempts, users
from connector.store.unit_of_work import UnitOfWork

LONGEST_NAME = 120
# The chain of the audit log about who may come in.
PEOPLE = "people"
_LONGEST_ADDRESS = 60


class UserExists(Refused):
    """There is a user of that name already."""

    code = "USER_EXISTS"
    owner = "operator"
    fix = "Choose another name."


@dataclass(frozen=True, slots=True)
class User:
    """One user; `session_epoch` must equal the one in a session for that session to count."""

    id: int
    name: str
    role: str
    is_disabled: bool
    session_epoch: int
    created_at: datetime
    last_login_at: datetime | None


def same_name(name: str) -> str:
    """The one spelling of a name: composed, without outer blanks, control characters and case; cut to 120."""
    plain = "".join(character for character in unicodedata.normalize("NFKC", name) if character.isprintable())
    return plain.strip().casefold()[:LONGEST_NAME]


def add_user(*, work: UnitOfWork, name: str, password_hash: str, role: str, now: datetime, actor: str) -> int:
    """Make a user; answers its id. Raises UserExists."""
    spelled = same_name(name)
    if work.execute(sa.select(users.c.id).where(users.c.name == spelled)).one_or_none():
        raise UserExists(f"There is a user {spelled!r} already.")
    made = work.execute(
        users.insert()
        .values(name=spelled, password_hash=password_hash, role=role, created_at=now)
        .returning(users.c.id)
    )
    user_id = int(made.scalar_one())
    _note(work, now, user_id, "add", actor, after=role, reason=spelled)
    return user_id


def add_user_without_password(*, work: UnitOfWork, name: str, role: str, now: datetime, actor: str) -> int | None:
    """Make a user who signs in elsewhere; answers its id, or None when the name is taken."""
    made = work.execute(
        insert_ignore(work, users).values(name=same_name(name), role=role, created_at=now).returning(users.c.id)
    ).one_or_none()
    if made is not None:
        _note(work, now, made.id, "add", actor, after=role, reason=same_name(name))
    return None if made is None else int(made.id)


def save_role(*, work: UnitOfWork, user: User, role: str, now: datetime, actor: str) -> None:
    """Give another role, or none (empty); open sessions end, since they were opened with the old one."""
    work.execute(users.update().where(users.c.id == user.id).values(role=role, session_epoch=users.c.session_epoch + 1))
    _note(work, now, user.id, "role", actor, before=user.role, after=role, reason=user.name)


def save_password(*, work: UnitOfWork, user_id: int, password_hash: str) -> None:
    """Keep a new hash of the same password (made with today's cost)."""
    work.execute(users.update().where(users.c.id == user_id).values(password_hash=password_hash))


def disable_user(*, work: UnitOfWork, name: str, now: datetime, actor: str) -> None:
    """Let the user in no more and end all open sessions. Raises NotFound."""
    user = _existing(work, name)
    work.execute(
        users.update().where(users.c.id == user.id).values(is_disabled=True, session_epoch=users.c.session_epoch + 1)
    )
    _note(work, now, user.id, "disable", actor, reason=user.name)


def enable_user(*, work: UnitOfWork, name: str, now: datetime, actor: str) -> None:
    """Let the user in again. Raises NotFound."""
    user = _existing(work, name)
    work.execute(users.update().where(users.c.id == user.id).values(is_disabled=False))
    _note(work, now, user.id, "enable", actor, after=user.role, reason=user.name)


def end_sessions(*, work: UnitOfWork, user_id: int) -> None:
    """End all open sessions of the user at once."""
    work.execute(users.update().where(users.c.id == user_id).values(session_epoch=users.c.session_epoch + 1))


def note_login(*, work: UnitOfWork, user_id: int, now: datetime) -> None:
    """Keep when the user last signed in."""
    work.execute(users.update().where(users.c.id == user_id).values(last_login_at=now))


def load_user(*, connection: Connection, user_id: int) -> User | None:
    """The user of that id, or None."""
    row = connection.execute(sa.select(users).where(users.c.id == user_id)).one_or_none()
    return None if row is None else _user(row)


def load_credentials(*, connection: Connection, name: str) -> tuple[User, str] | None:
    """The user of that name with the password hash, or None."""
    row = connection.execute(sa.select(users).where(users.c.name == same_name(name))).one_or_none()
    return None if row is None else (_user(row), row.password_hash)


def list_users(*, connection: Connection) -> tuple[User, ...]:
    """All users by name."""
    return tuple(_user(row) for row in connection.execute(sa.select(users).order_by(users.c.name)))


def add_attempt(*, work: UnitOfWork, name: str, address: str, now: datetime) -> int:
    """Write down that somebody tries to sign in, as failed until it is known to be good; answers the row id."""
    made = work.execute(
        login_attempts.insert()
        .values(name=same_name(name), address=address[:_LONGEST_ADDRESS], at=now, is_good=False)
        .returning(login_attempts.c.id)
    )
    return int(made.scalar_one())


def drop_attempt(*, work: UnitOfWork, attempt_id: int) -> None:
    """Forget an attempt that was refused unseen: only passwords that were checked count against a name."""
    work.execute(login_attempts.delete().where(login_attempts.c.id == attempt_id))


def mark_attempt_good(*, work: UnitOfWork, attempt_id: int, name: str) -> None:
    """The attempt was good: the name starts again from zero, and the attempt counts against no address."""
    same = login_attempts.c.name == same_name(name)
    work.execute(login_attempts.delete().where(same, login_attempts.c.is_good == sa.false(), _other(attempt_id)))
    work.execute(login_attempts.update().where(login_attempts.c.id == attempt_id).values(is_good=True))


def failed_attempts(*, connection: Connection, name: str, address: str, since: datetime) -> tuple[int, int]:
    """How many attempts failed since then: for that name, and from that address."""
    recent = (login_attempts.c.at >= since) & (login_attempts.c.is_good == sa.false())
    by_name = sa.func.count(sa.case((login_attempts.c.name == same_name(name), 1)))
    by_address = sa.func.count(sa.case((login_attempts.c.address == address[:_LONGEST_ADDRESS], 1)))
    either = (login_attempts.c.name == same_name(name)) | (login_attempts.c.address == address[:_LONGEST_ADDRESS])
    row = connection.execute(sa.select(by_name, by_address).where(recent, either)).one()
    return row[0], row[1]


def forget_attempts(*, work: UnitOfWork, before: datetime) -> None:
    """Remove attempts that are too old to count."""
    work.execute(login_attempts.delete().where(login_attempts.c.at < before))


def _other(attempt_id: int) -> sa.ColumnElement[bool]:
    return login_attempts.c.id != attempt_id


def load_named(*, work: UnitOfWork, name: str) -> User:
    """The user of that name, locked until the transaction ends. Raises NotFound."""
    return _user(_existing(work, name))


def _existing(work: UnitOfWork, name: str) -> Any:
    row = work.execute(sa.select(users).where(users.c.name == same_name(name)).with_for_update()).one_or_none()
    if row is None:
        raise NotFound(f"There is no user {same_name(name)!r}.", owner="operator", fix="See `countersign user list`.")
    return row


def _note(
    work: UnitOfWork,
    now: datetime,
    user_id: int,
    event: str,
    actor: str,
    *,
    before: str = "",
    after: str = "",
    reason: str = "",
) -> None:
    """In the history, and in the chain of hashes: who could decide what, and since when, is part of each decision."""
    said = {"event": event, "before": before, "after": after, "reason": reason, "actor": actor}
    history.append(work=work, at=now, subject="user", subject_id=user_id, **said)
    audit.append(work=work, chain=PEOPLE, at=now, subject="user", subject_id=user_id, **said)


def _user(row: Any) -> User:
    return User(row.id, row.name, row.role, row.is_disabled, row.session_epoch, row.created_at, row.last_login_at)
