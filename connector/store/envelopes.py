"""Envelopes of e-signature providers: what each event told, how far the documents are, and the certificate.

An envelope is one row whatever comes how often; every event keeps its message. An older event never takes back that an
envelope was completed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from connector.domain.form_signatures import Envelope
from connector.domain.tie_out import Person
from connector.errors import NotFound
from connector.store.inserting import insert_ignore
from connector.store.tables_order_forms import envelope_events, envelopes
from connector.store.unit_of_work import UnitOfWork

OPEN, DUE, FETCHED, FAILED, HINT = "open", "due", "fetched", "failed", "hint"
# How the audit log names an envelope.
SUBJECT = "envelope"


@dataclass(frozen=True, slots=True)
class EnvelopeTold:
    """What one event says of an envelope; `record_id` is empty when it names none. `is_completed`: everybody signed."""

    provider: str
    envelope_ref: str
    event: str
    status: str = ""
    is_completed: bool = False
    account: str = ""
    record_id: str = ""
    subject: str = ""
    recipients: tuple[Person, ...] = ()
    happened_at: datetime | None = None
    completed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class StoredEnvelope:
    """An envelope as kept."""

    id: int
    provider: str
    envelope_ref: str
    account: str
    record_id: str
    state: str
    status: str
    subject: str
    signers: tuple[Person, ...]
    completed_at: datetime | None
    certificate_sha256: str
    attempts: int

    def as_envelope(self) -> Envelope:
        """What counts for the question whether a document is signed."""
        return Envelope(
            _NAMES.get(self.provider, self.provider),
            self.envelope_ref,
            self.completed_at,
            bool(self.certificate_sha256),
        )


_NAMES = {
    "docusign": "DocuSign",
    "pandadoc": "PandaDoc",
    "dropbox-sign": "Dropbox Sign",
    "adobe-sign": "Adobe Acrobat Sign",
}


def put_event(
    *, work: UnitOfWork, told: EnvelopeTold, inbox_id: int, is_fetched_from: bool, now: datetime
) -> StoredEnvelope:
    """Keep an event with its envelope. `is_fetched_from`: documents of completed envelopes are to be fetched."""
    c = envelopes.c
    first = {
        "provider": told.provider, "envelope_ref": told.envelope_ref, "account": told.account, "state": OPEN,
        "first_seen_at": now, "changed_at": now,
    }  # fmt: skip
    work.execute(insert_ignore(work, envelopes).values(first))
    mine = (c.provider == told.provider) & (c.envelope_ref == told.envelope_ref)
    row = work.execute(sa.select(envelopes).where(mine).with_for_update()).one()
    values = {
        "account": told.account or row.account,
        "record_id": told.record_id or row.record_id,
        "subject": told.subject or row.subject,
        "changed_at": now,
    }
    if told.recipients:
        values["recipients"] = [{"name": one.name, "email": one.email} for one in told.recipients]
    if row.completed_at is None:
        values["status"] = told.status
    if told.is_completed:
        values |= {"status": told.status, "completed_at": row.completed_at or told.completed_at or now}
        if row.state == OPEN:
            values["state"] = DUE if is_fetched_from else HINT
    work.execute(envelopes.update().where(c.id == row.id).values(values))
    event = {
        "envelope_id": row.id, "inbox_id": inbox_id, "event": told.event, "status": told.status,
        "happened_at": told.happened_at, "received_at": now,
    }  # fmt: skip
    work.execute(insert_ignore(work, envelope_events).values(event))
    return load(connection=work.connection, envelope_id=row.id)


def claim(*, work: UnitOfWork, now: datetime, until: datetime) -> StoredEnvelope | None:
    """The next envelope whose documents are to be fetched, nobody else's until that moment; None when none is due."""
    c = envelopes.c
    query = (
        sa.select(envelopes)
        .where(c.state == DUE, sa.or_(c.not_before.is_(None), c.not_before <= now))
        .order_by(c.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    row = work.execute(query).one_or_none()
    if row is None:
        return None
    work.execute(envelopes.update().where(c.id == row.id).values(attempts=c.attempts + 1, not_before=until))
    return replace(_envelope(row), attempts=row.attempts + 1)


def save_found(
    *,
    work: UnitOfWork,
    envelope_id: int,
    record_id: str,
    signers: Sequence[Person],
    completed_at: datetime | None,
    certificate_sha256: str,
    now: datetime,
) -> None:
    """What the provider itself says of the envelope; an empty record leaves what an event said."""
    row = load(connection=work.connection, envelope_id=envelope_id)
    values = {
        "record_id": record_id or row.record_id,
        "completed_at": completed_at or row.completed_at,
        "recipients": [{"name": one.name, "email": one.email} for one in signers or row.signers],
        "certificate_sha256": certificate_sha256 or None,
        "changed_at": now,
    }
    work.execute(envelopes.update().where(envelopes.c.id == envelope_id).values(values))


def save_fetched(
    *, work: UnitOfWork, envelope_id: int, certificate_sha256: str, now: datetime, message: str = ""
) -> None:
    """Its documents are here; the message tells of those that cannot be order forms."""
    values = {
        "state": FETCHED, "certificate_sha256": certificate_sha256 or None, "not_before": None, "code": "",
        "message": message, "changed_at": now,
    }  # fmt: skip
    work.execute(envelopes.update().where(envelopes.c.id == envelope_id).values(values))


def save_failed(
    *, work: UnitOfWork, envelope_id: int, code: str, message: str, again_at: datetime | None, now: datetime
) -> None:
    """Why its documents are not here; `again_at` None: a person must see to it."""
    state = FAILED if again_at is None else DUE
    values = {"state": state, "code": code, "message": message, "not_before": again_at, "changed_at": now}
    work.execute(envelopes.update().where(envelopes.c.id == envelope_id).values(values))


def fetch_again(*, work: UnitOfWork, envelope_id: int, now: datetime) -> int:
    """Try a failed one, or one whose documents were refused, again; answers whether there was one."""
    c = envelopes.c
    ended = envelopes.update().where(c.id == envelope_id, c.state.in_((FAILED, FETCHED)))
    values = {"state": DUE, "not_before": None, "attempts": 0, "code": "", "message": "", "changed_at": now}
    return work.execute(ended.values(values)).rowcount


def load(*, connection: Connection, envelope_id: int) -> StoredEnvelope:
    """An envelope. Raises NotFound."""
    row = connection.execute(sa.select(envelopes).where(envelopes.c.id == envelope_id)).one_or_none()
    if row is None:
        raise NotFound(f"There is no envelope {envelope_id}.")
    return _envelope(row)


def load_events(*, connection: Connection, envelope_id: int) -> Sequence[Any]:
    """The events of an envelope, oldest first: event, status, happened_at, received_at, inbox_id."""
    c = envelope_events.c
    query = sa.select(envelope_events).where(c.envelope_id == envelope_id).order_by(c.id)
    return connection.execute(query).all()


def _envelope(row: Any) -> StoredEnvelope:
    people = tuple(Person(one["name"], one["email"]) for one in row.recipients or ())
    return StoredEnvelope(
        id=row.id,
        provider=row.provider,
        envelope_ref=row.envelope_ref,
        account=row.account,
        record_id=row.record_id,
        state=row.state,
        status=row.status,
        subject=row.subject,
        signers=people,
        completed_at=row.completed_at,
        certificate_sha256=row.certificate_sha256 or "",
        attempts=row.attempts,
    )
