"""Order forms for pages and the API: the list, and one with everything around it. Nothing here may change data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from connector.domain.form_states import FormState, form_number
from connector.store import audit, envelopes, queries
from connector.store import order_forms as stored
from connector.store.envelopes import StoredEnvelope
from connector.store.form_rows import StoredForm
from connector.store.order_forms import SUBJECT
from connector.store.queries import Page, PageAsked, contains
from connector.store.tables import orders, records
from connector.store.tables_order_forms import envelopes as envelope_rows
from connector.store.tables_order_forms import order_forms

FORM_STATES = tuple(state.value for state in FormState)
FAILED, FETCHED, HINT = envelopes.FAILED, envelopes.FETCHED, envelopes.HINT


@dataclass(frozen=True, slots=True)
class FormRow:
    """One order form in a list."""

    id: int
    number: str
    state: str
    source: str
    file_name: str
    received_at: datetime
    org_id: str
    object: str
    record_id: str
    customer: str
    message: str
    order_number: str


@dataclass(frozen=True, slots=True)
class FormDetail:
    """One order form: as kept, its order, its pages with their size in points, decisions, envelope and its events."""

    form: StoredForm
    order_number: str
    order_state: str
    pages: tuple[tuple[int, int, int], ...]
    decisions: tuple[audit.AuditRow, ...]
    envelope: StoredEnvelope | None
    events: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class EnvelopeRow:
    """A signed envelope that brought no order form; `next_try_at` None: nothing happens by itself."""

    id: int
    provider: str
    envelope_ref: str
    subject: str
    state: str
    record_id: str
    code: str
    message: str
    completed_at: datetime | None
    next_try_at: datetime | None


def list_stuck_envelopes(*, connection: Connection, limit: int = 50) -> list[EnvelopeRow]:
    """Completed envelopes without an order form, newest first.

    A hint that names its record is none of them: that record was looked at, and nothing else was to follow.
    """
    c = envelope_rows.c
    brought = sa.exists().where(order_forms.c.envelope_id == c.id)
    is_told = (c.state == envelopes.HINT) & (c.record_id != "")
    is_stuck = (c.state == envelopes.FAILED) | (~brought & (c.state != envelopes.OPEN) & ~is_told)
    query = sa.select(*(c[name] for name in _ENVELOPE_COLUMNS), c.not_before.label("next_try_at")).where(is_stuck)
    found = connection.execute(query.order_by(c.id.desc()).limit(limit))
    return [EnvelopeRow(**row._asdict()) for row in found]


_ENVELOPE_COLUMNS = (
    "id", "provider", "envelope_ref", "subject", "state", "record_id", "code", "message", "completed_at",
)  # fmt: skip


def forms_of_record(*, connection: Connection, org_id: str, record_id: str) -> list[FormRow]:
    """The order forms of one record, newest first."""
    c = order_forms.c
    query = _with_order(sa.select(order_forms, orders.c.number.label("order_number")))
    query = query.where(c.org_id == org_id, c.record_id == record_id, c.record_id != "").order_by(c.id.desc())
    return [_row(row) for row in connection.execute(query)]


def list_forms(*, connection: Connection, page: PageAsked, state: str = "", text: str = "") -> Page[FormRow]:
    """Order forms, newest first; `text` is looked for in file name, record id and message."""
    query = _with_order(sa.select(order_forms, orders.c.number.label("order_number")))
    if state:
        query = query.where(order_forms.c.state == state)
    if text:
        c = order_forms.c
        query = query.where(contains(text, c.file_name, c.record_id, c.message, c.sha256))
    return queries.read_page(connection=connection, query=query, key=order_forms.c.id, page=page, row=_row)


def count_forms(*, connection: Connection) -> dict[str, int]:
    """How many order forms are in each state, those without any left out."""
    query = sa.select(order_forms.c.state, sa.func.count().label("forms")).group_by(order_forms.c.state)
    found = {row.state: row.forms for row in connection.execute(query)}
    return {state: found[state] for state in FORM_STATES if state in found}


def load_form(*, connection: Connection, form_id: int) -> FormDetail:
    """One order form. Raises NotFound."""
    form = stored.load(connection=connection, form_id=form_id)
    query = _with_order(sa.select(orders.c.number, orders.c.state).select_from(order_forms))
    order = connection.execute(query.where(order_forms.c.id == form_id)).one()
    envelope = None if form.envelope_id is None else envelopes.load(connection=connection, envelope_id=form.envelope_id)
    events = () if envelope is None else envelopes.load_events(connection=connection, envelope_id=envelope.id)
    return FormDetail(
        form=form,
        order_number=order.number or "",
        order_state=order.state or "",
        pages=tuple(stored.load_pages(connection=connection, form_id=form_id)),
        decisions=tuple(audit.load_entries(connection=connection, subject_id=form_id, subject=SUBJECT)),
        envelope=envelope,
        events=tuple(events),
    )


def _with_order(query: sa.Select[Any]) -> sa.Select[Any]:
    c = order_forms.c
    same = (records.c.org_id == c.org_id) & (records.c.record_id == c.record_id) & (c.record_id != "")
    return query.outerjoin(records, same).outerjoin(orders, orders.c.record_row_id == records.c.id)


def _row(row: Any) -> FormRow:
    values: Mapping[str, Any] = (row.reading or {}).get("values", {})
    differences = row.differences or []
    verdict = row.verdict or {}
    told = row.message or (differences[0]["message"] if differences else "")
    if not told and verdict and not verdict["is_signed"]:
        told = verdict["reason"]
    return FormRow(
        id=row.id,
        number=form_number(row.id),
        state=row.state,
        source=row.source,
        file_name=row.file_name,
        received_at=row.received_at,
        org_id=row.org_id,
        object=row.object,
        record_id=row.record_id,
        customer=values.get("customer_name", {}).get("value", ""),
        message=told if row.state not in ("agreed", "accepted", "rejected") else "",
        order_number=row.order_number or "",
    )
