"""The signed documents of a deal for its evidence: bytes, what was read and decided, envelopes. Read only."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from connector.domain.form_states import form_number
from connector.store import audit
from connector.store.order_forms import SUBJECT, load_content
from connector.store.tables import inbox, inbox_bodies
from connector.store.tables_order_forms import envelope_events, envelopes, order_forms

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class FormEvidence:
    """One order form: its row, its bytes, its decisions, its envelope with all events and the certificate."""

    id: int
    number: str
    row: Row
    content: bytes
    decisions: tuple[audit.AuditRow, ...]
    envelope: Row
    events: tuple[Row, ...]
    certificate: bytes


def load_form_evidence(*, connection: Connection, record: Mapping[str, Any]) -> Iterator[FormEvidence]:
    """Every order form of that record, also those that were refused or rejected."""
    c = order_forms.c
    query = sa.select(order_forms).where(c.org_id == record["org_id"], c.record_id == record["record_id"])
    for row in connection.execute(query.order_by(c.id)).all():
        envelope = _envelope(connection, row.envelope_id)
        digest = envelope.get("certificate_sha256")
        yield FormEvidence(
            id=row.id,
            number=form_number(row.id),
            row=dict(row._mapping),
            content=load_content(connection=connection, sha256=row.sha256),
            decisions=tuple(audit.load_entries(connection=connection, subject_id=row.id, subject=SUBJECT)),
            envelope=envelope,
            events=tuple(_events(connection, row.envelope_id)),
            certificate=load_content(connection=connection, sha256=digest) if digest else b"",
        )


def _envelope(connection: Connection, envelope_id: int | None) -> Row:
    if envelope_id is None:
        return {}
    return dict(connection.execute(sa.select(envelopes).where(envelopes.c.id == envelope_id)).one()._mapping)


def _events(connection: Connection, envelope_id: int | None) -> Iterator[Row]:
    """The events with the bodies that they came in."""
    query = (
        sa.select(envelope_events, inbox_bodies.c.body)
        .join(inbox, inbox.c.id == envelope_events.c.inbox_id)
        .join(inbox_bodies, inbox_bodies.c.id == inbox.c.body_id)
        .where(envelope_events.c.envelope_id == envelope_id)
    )
    for row in connection.execute(query.order_by(envelope_events.c.id)) if envelope_id is not None else ():
        found = dict(row._mapping)
        yield {**found, "body": bytes(found["body"]).decode("utf-8", "replace")}
