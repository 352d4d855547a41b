"""Payment links as rows: kept with their request id before the provider hears of them, at most one live per invoice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from connector.domain.collecting import LIVE_LINK_STATES, LinkEvent, LinkState, link_after
from connector.domain.money import Money
from connector.errors import Conflict, NotFound
from connector.store import history
from connector.store.tables_collecting import payment_links
from connector.store.unit_of_work import UnitOfWork

SUBJECT = "payment_link"
_LIVE = tuple(state.value for state in LIVE_LINK_STATES)
_TO_CALL = (LinkState.WANTED.value, LinkState.WITHDRAWING.value)


@dataclass(frozen=True, slots=True)
class StoredLink:
    """A link as kept; `message` says why the last call failed."""

    id: int
    invoice_id: int
    provider: str
    environment: str
    request_id: str
    amount: Money
    state: LinkState
    provider_ref: str
    url: str
    attempts: int
    not_before: datetime | None
    code: str
    message: str
    created_at: datetime


def want_link(
    *,
    work: UnitOfWork,
    invoice_id: int,
    provider: str,
    environment: str,
    request_id: str,
    amount: Money,
    now: datetime,
) -> int:
    """Write down that a link is wanted; answers its row. The invoice is locked and has no live link."""
    row = {
        "invoice_id": invoice_id,
        "provider": provider,
        "environment": environment,
        "request_id": request_id,
        "currency": amount.currency,
        "amount": amount.amount,
        "state": LinkState.WANTED.value,
        "created_at": now,
        "changed_at": now,
    }
    found: int = work.execute(payment_links.insert().returning(payment_links.c.id), row).scalar_one()
    return found


def move_link(
    *,
    work: UnitOfWork,
    link: StoredLink,
    event: LinkEvent,
    now: datetime,
    provider_ref: str = "",
    url: str = "",
    code: str = "",
    message: str = "",
) -> LinkState:
    """Move a link along its table, with a row of history. Raises IllegalTransition, and Conflict when it has moved."""
    after = link_after(link.state, event)
    values: dict[str, Any] = {"state": after.value, "code": code, "message": message, "changed_at": now}
    values |= {"not_before": None, "attempts": 0}
    values |= {"provider_ref": provider_ref} if provider_ref else {}
    values |= {"url": url} if url else {}
    same = (payment_links.c.id == link.id) & (payment_links.c.state == link.state.value)
    if work.execute(payment_links.update().where(same).values(values)).rowcount != 1:
        raise Conflict(f"Payment link {link.id} was changed by somebody else.")
    history.append(
        work=work,
        at=now,
        subject=SUBJECT,
        subject_id=link.id,
        event=event.value,
        before=link.state.value,
        after=after.value,
        reason=message,
        actor="countersign",
    )
    return after


def save_ref(*, work: UnitOfWork, link_id: int, provider_ref: str, url: str) -> None:
    """Keep what the provider calls a link, whatever became of it meanwhile."""
    values = {"provider_ref": provider_ref, "url": url}
    work.execute(payment_links.update().where(payment_links.c.id == link_id).values(values))


def save_waiting(*, work: UnitOfWork, link_id: int, not_before: datetime, code: str, message: str) -> None:
    """The call is tried again then."""
    values = {"not_before": not_before, "code": code, "message": message}
    due = (payment_links.c.id == link_id) & payment_links.c.state.in_(_TO_CALL)
    work.execute(payment_links.update().where(due).values(values))


def claim(*, work: UnitOfWork, limit: int, now: datetime, until: datetime) -> list[StoredLink]:
    """Links that the provider must hear of, oldest first, nobody else's until that moment."""
    c = payment_links.c
    query = (
        sa.select(c.id)
        .where(c.state.in_(_TO_CALL), sa.or_(c.not_before.is_(None), c.not_before <= now))
        .order_by(c.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    ids = list(work.execute(query).scalars())
    if ids:
        claimed = payment_links.update().where(c.id.in_(ids))
        work.execute(claimed.values(attempts=c.attempts + 1, not_before=until))
    return load_links(connection=work.connection, link_ids=ids)


def load_links(*, connection: Connection, link_ids: Sequence[int]) -> list[StoredLink]:
    """These links, by row."""
    query = _LINKS.where(payment_links.c.id.in_(link_ids)).order_by(payment_links.c.id)
    return [_stored(row) for row in connection.execute(query)]


def load_link(*, connection: Connection, link_id: int) -> StoredLink:
    """One link. Raises NotFound."""
    found = load_links(connection=connection, link_ids=[link_id])
    if not found:
        raise NotFound(f"There is no payment link {link_id}.")
    return found[0]


def live_links(*, connection: Connection, invoice_ids: Sequence[int]) -> dict[int, StoredLink]:
    """The live links of these invoices, by invoice; those that have none are left out."""
    query = _LINKS.where(payment_links.c.invoice_id.in_(invoice_ids), payment_links.c.state.in_(_LIVE))
    return {row.invoice_id: _stored(row) for row in connection.execute(query)}


def live_link(*, connection: Connection, invoice_id: int) -> StoredLink | None:
    """The link of an invoice that a customer may be able to pay by, or that is on its way."""
    query = _LINKS.where(payment_links.c.invoice_id == invoice_id, payment_links.c.state.in_(_LIVE))
    row = connection.execute(query).one_or_none()
    return None if row is None else _stored(row)


def links_of(*, connection: Connection, invoice_id: int) -> list[StoredLink]:
    """All links that an invoice ever had, oldest first."""
    query = _LINKS.where(payment_links.c.invoice_id == invoice_id).order_by(payment_links.c.id)
    return [_stored(row) for row in connection.execute(query)]


def find_link(
    *, connection: Connection, provider: str, environment: str, provider_ref: str = "", request_id: str = ""
) -> StoredLink | None:
    """Our link that the provider calls so, or that was asked for with that request id."""
    wanted = payment_links.c.provider_ref == provider_ref if provider_ref else payment_links.c.request_id == request_id
    ours = (payment_links.c.provider == provider) & (payment_links.c.environment == environment)
    row = connection.execute(_LINKS.where(wanted, ours).order_by(payment_links.c.id.desc()).limit(1)).one_or_none()
    return None if row is None else _stored(row)


_LINKS = sa.select(payment_links)


def _stored(row: Any) -> StoredLink:
    return StoredLink(
        id=row.id,
        invoice_id=row.invoice_id,
        provider=row.provider,
        environment=row.environment,
        request_id=row.request_id,
        amount=Money(row.amount, row.currency).rounded(),
        state=LinkState(row.state),
        provider_ref=row.provider_ref,
        url=row.url,
        attempts=row.attempts,
        not_before=row.not_before,
        code=row.code,
        message=row.message,
        created_at=row.created_at,
    )
