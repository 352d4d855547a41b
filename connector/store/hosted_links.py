"""Links by which a customer sees an invoice: only the SHA-256 of each token is kept, so a stolen database opens none.

One link is for one issued document, or with it for all of its account. Several may live at once, one for each
recipient, so that one can be revoked alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from connector.domain.hosted import LinkScope
from connector.store.tables_review import hosted_links
from connector.store.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True)
class HostedLink:
    """What is known about one link; never the token itself."""

    id: int
    invoice_id: int
    label: str
    scope: LinkScope
    created_by: str
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None


def add_link(
    *,
    work: UnitOfWork,
    invoice_id: int,
    label: str,
    scope: LinkScope,
    token_hash: str,
    actor: str,
    now: datetime,
    expires_at: datetime,
) -> int:
    """Keep a link; answers its row id."""
    statement = hosted_links.insert().returning(hosted_links.c.id)
    row = {
        "invoice_id": invoice_id,
        "label": label,
        "scope": scope.value,
        "token_hash": token_hash,
        "created_by": actor,
        "created_at": now,
        "expires_at": expires_at,
    }
    found: int = work.execute(statement, row).scalar_one()
    return found


def find_live(*, connection: Connection, token_hash: str, now: datetime) -> HostedLink | None:
    """The link of that token while it opens something; None when unknown, revoked or expired, all the same way."""
    query = _LINKS.where(hosted_links.c.token_hash == token_hash)
    row = connection.execute(query).one_or_none()
    if row is None or row.revoked_at is not None or row.expires_at <= now:
        return None
    return _link(row)


def list_links(*, connection: Connection, invoice_id: int) -> Sequence[HostedLink]:
    """All links of a document, oldest first."""
    query = _LINKS.where(hosted_links.c.invoice_id == invoice_id).order_by(hosted_links.c.id)
    return [_link(row) for row in connection.execute(query)]


def revoke(*, work: UnitOfWork, link_id: int, now: datetime) -> int | None:
    """End a link; answers its document, None when there is no such link that lives."""
    c = hosted_links.c
    ended = hosted_links.update().where(c.id == link_id, c.revoked_at.is_(None)).values(revoked_at=now)
    return work.execute(ended.returning(c.invoice_id)).scalar_one_or_none()


def load_link(*, connection: Connection, link_id: int) -> HostedLink | None:
    """One link, whether it lives or not."""
    row = connection.execute(_LINKS.where(hosted_links.c.id == link_id)).one_or_none()
    return None if row is None else _link(row)


def _link(row: Any) -> HostedLink:
    return HostedLink(**{**row._mapping, "scope": LinkScope(row.scope)})


_LINKS = sa.select(*(hosted_links.c[name] for name in HostedLink.__dataclass_fields__))
