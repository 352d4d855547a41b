"""Links by which customers see an issued document: made, looked up, revoked.

A token is 256 random bits; it is answered once and only its SHA-256 is kept. Unknown, expired and revoked tokens are
all the same nothing, so that nobody learns which existed.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from connector.domain.hosted import LinkScope
from connector.domain.review import Actor
from connector.errors import NotFound
from connector.ports import Clock
from connector.store import audit, hosted_links
from connector.store.hosted_links import HostedLink
from connector.store.invoices import load_document
from connector.store.issued import load_issued
from connector.store.unit_of_work import Database, UnitOfWork

_FORM = re.compile(r"[A-Za-z0-9_-]{43}")
# A business keeps its invoices for longer than a consumer: over a year, and a new link at any time.
DEFAULT_LIFE = timedelta(days=400)
_SHARE, _REVOKE = "share", "revoke_link"


@dataclass(frozen=True, slots=True)
class Shared:
    """A link that was made; its token is known here and nowhere else."""

    link_id: int
    token: str
    expires_at: datetime


def share_invoice(
    *,
    database: Database,
    clock: Clock,
    invoice_id: int,
    label: str,
    actor: Actor,
    life: timedelta = DEFAULT_LIFE,
    scope: LinkScope = LinkScope.ACCOUNT,
) -> str:
    """Make a link for an issued document and answer its token, which cannot be shown again. Raises NotFound."""
    with database.unit_of_work() as work:
        shared = share_in(
            work=work, now=clock.now(), invoice_id=invoice_id, label=label, actor=actor, life=life, scope=scope
        )  # fmt: skip
        work.commit()
    return shared.token


def share_in(
    *,
    work: UnitOfWork,
    now: datetime,
    invoice_id: int,
    label: str,
    actor: Actor,
    life: timedelta = DEFAULT_LIFE,
    scope: LinkScope = LinkScope.ACCOUNT,
) -> Shared:
    """The same inside a transaction that is open already; the token is good once that is committed."""
    token = secrets.token_urlsafe(32)
    load_issued(connection=work.connection, invoice_id=invoice_id)
    link_id = hosted_links.add_link(
        work=work,
        invoice_id=invoice_id,
        label=label,
        scope=scope,
        token_hash=_hash(token),
        actor=actor.name,
        now=now,
        expires_at=now + life,
    )
    _record(work, now, invoice_id, actor, _SHARE, {"link": link_id, "label": label, "scope": scope.value})
    return Shared(link_id, token, now + life)


def find_shared(*, database: Database, clock: Clock, token: str) -> HostedLink | None:
    """The link of that token while it opens something; None for everything else. Writes nothing."""
    if not _FORM.fullmatch(token):
        return None
    with database.reading() as connection:
        return hosted_links.find_live(connection=connection, token_hash=_hash(token), now=clock.now())


def revoke_link(*, database: Database, clock: Clock, link_id: int, actor: Actor) -> None:
    """End a link at once. Raises NotFound when there is none that lives."""
    now = clock.now()
    with database.unit_of_work() as work:
        invoice_id = hosted_links.revoke(work=work, link_id=link_id, now=now)
        if invoice_id is None:
            raise NotFound("There is no such link that is not revoked.")
        _record(work, now, invoice_id, actor, _REVOKE, {"link": link_id})
        work.commit()


def list_shared(*, database: Database, invoice_id: int) -> Sequence[HostedLink]:
    """All links of a document, also those that ended, oldest first; never a token."""
    with database.reading() as connection:
        return hosted_links.list_links(connection=connection, invoice_id=invoice_id)


def _record(work: UnitOfWork, now: datetime, invoice_id: int, actor: Actor, event: str, data: dict[str, Any]) -> None:
    document = load_document(connection=work.connection, invoice_id=invoice_id)
    audit.append(
        work=work,
        chain=audit.chain_of(document.legal_entity),
        at=now,
        actor=actor.name,
        role=actor.role,
        subject_id=invoice_id,
        event=event,
        data=data,
    )


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
