"""API tokens: only the SHA-256 of each is kept, so a stolen database opens nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from connector.errors import NotFound, Refused
from connector.store import history
from connector.store.tables import api_tokens
from connector.store.unit_of_work import UnitOfWork


class TokenExists(Refused):
    """There is a token of that name already."""

    code = "TOKEN_EXISTS"
    owner = "operator"
    fix = "Choose another name; a revoked token keeps its name for the record."


@dataclass(frozen=True, slots=True)
class Token:
    """What is known about one token; never the token itself. `person` is the user that it decides for, or empty."""

    id: int
    name: str
    scopes: tuple[str, ...]
    created_at: datetime
    revoked_at: datetime | None
    last_used_at: datetime | None
    person: str = ""


def add_token(
    *,
    work: UnitOfWork,
    name: str,
    token_hash: str,
    scopes: Sequence[str],
    now: datetime,
    actor: str,
    person: str = "",
) -> int:
    """Keep a token's hash and scopes; answers the row id. Raises TokenExists."""
    if work.execute(sa.select(api_tokens.c.id).where(api_tokens.c.name == name)).one_or_none():
        raise TokenExists(f"There is a token {name!r} already.")
    made = work.execute(
        api_tokens.insert()
        .values(name=name, token_hash=token_hash, scopes=list(scopes), created_at=now, person=person)
        .returning(api_tokens.c.id)
    )
    token_id = int(made.scalar_one())
    _note(work, now, token_id, "create", actor, name, after=" ".join((*scopes, *([f"for {person}"] if person else ()))))
    return token_id


def revoke_token(*, work: UnitOfWork, name: str, now: datetime, actor: str) -> None:
    """Accept the token no more; doing so twice keeps the first instant. Raises NotFound."""
    row = work.execute(sa.select(api_tokens).where(api_tokens.c.name == name)).one_or_none()
    if row is None:
        raise NotFound(f"There is no token {name!r}.", owner="operator", fix="Check the name.")
    if row.revoked_at is None:
        work.execute(api_tokens.update().where(api_tokens.c.id == row.id).values(revoked_at=now))
        history.append(
            work=work, at=now, subject="token", subject_id=row.id, event="revoke", reason=name, actor=actor
        )  # fmt: skip


def load_token(*, connection: Connection, token_hash: str) -> Token | None:
    """The token of that hash, revoked or not, or None."""
    row = connection.execute(sa.select(api_tokens).where(api_tokens.c.token_hash == token_hash)).one_or_none()
    return None if row is None else _token(row)


def list_tokens(*, connection: Connection) -> tuple[Token, ...]:
    """All tokens by name."""
    return tuple(_token(row) for row in connection.execute(sa.select(api_tokens).order_by(api_tokens.c.name)))


def note_use(*, work: UnitOfWork, token_id: int, now: datetime) -> None:
    """Keep when the token was last used."""
    work.execute(api_tokens.update().where(api_tokens.c.id == token_id).values(last_used_at=now))


def _note(
    work: UnitOfWork, now: datetime, token_id: int, event: str, actor: str, name: str, *, after: str = ""
) -> None:
    history.append(
        work=work, at=now, subject="token", subject_id=token_id, event=event, after=after, reason=name, actor=actor
    )


def _token(row: Any) -> Token:
    return Token(row.id, row.name, tuple(row.scopes), row.created_at, row.revoked_at, row.last_used_at, row.person)
