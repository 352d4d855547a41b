"""The review queue: waiting drafts by age, amount, customer and risk, page by page, and how many there are of each.

Nothing here may change data. Pages go on from the last row shown, so that a row that leaves or comes moves nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from connector.domain.money import Money
from connector.domain.review import OPEN_STATES, InvoiceState
from connector.domain.review_findings import Finding, Risk
from connector.store import queries
from connector.store.assessments import stored_findings
from connector.store.tables_billing import invoice_items, invoices
from connector.store.tables_queue import invoice_assessments
from connector.store.tables_review import invoice_reviews, issued_documents

# What can be asked for as a state: one of them, or everything that waits for a person.
OPEN = "open"
QUEUE_STATES = (OPEN, "draft", "approved", "held", "sent_back", "issued", "void")
RISKS = tuple(risk.name.lower() for risk in reversed(Risk))
_UNJUDGED = -1
_THOUSAND = 1000


@dataclass(frozen=True, slots=True)
class QueueAsked:
    """Which drafts, and in which order. Empty and None mean all; amounts are gross and compared by their size."""

    state: str = OPEN
    text: str = ""
    risk: str = ""
    code: str = ""
    currency: str = ""
    least: Decimal | None = None
    most: Decimal | None = None
    billed_until: date | None = None
    sort: str = "age"


@dataclass(frozen=True, slots=True)
class QueueRow:
    """One draft of the queue. `risk` is None until the rules have looked at it; `gross` while no rule decides the tax.

    `content_hash` is what it said when they looked.
    """

    id: int
    kind: str
    state: str
    customer_ref: str
    customer_name: str
    legal_entity: str
    bill_on: date
    net: Money
    gross: Money | None
    item_count: int
    risk: Risk | None
    findings: tuple[Finding, ...]
    content_hash: str
    po_number: str
    held_until: date | None
    reason: str
    owner: str
    number: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class QueuePage:
    """Some rows of the queue; `next_after` is the id to go on from, None when this was the last page."""

    rows: tuple[QueueRow, ...]
    next_after: int | None


def list_queue(*, connection: Connection, asked: QueueAsked, after: int | None = None, limit: int = 50) -> QueuePage:
    """One page of the queue."""
    keys = _keys(connection, asked, after, limit + 1)
    shown = keys[:limit]
    rows = load_rows(connection=connection, invoice_ids=[row.id for row in shown])
    return QueuePage(tuple(rows[row.id] for row in shown), shown[-1].id if len(keys) > limit else None)


def all_rows(*, connection: Connection, asked: QueueAsked, at_once: int = 500) -> Iterator[QueueRow]:
    """The whole queue in its order, read in pieces."""
    after: int | None = None
    while True:
        page = list_queue(connection=connection, asked=asked, after=after, limit=at_once)
        yield from page.rows
        if page.next_after is None:
            return
        after = page.next_after


def next_in_queue(*, connection: Connection, asked: QueueAsked, invoice_id: int) -> int | None:
    """The document after that one in the queue, or the first one when nothing follows; None when it is the only one.

    Also for a document that has left the queue since.
    """
    if following := _keys(connection, asked, invoice_id, 1):
        return int(following[0].id)
    first = [row.id for row in _keys(connection, asked, None, 2) if row.id != invoice_id]
    return first[0] if first else None


def count_states(*, connection: Connection) -> dict[str, int]:
    """How many documents wait in each state that a person can move, and altogether."""
    moving = (*OPEN_STATES, InvoiceState.SENT_BACK)
    query = sa.select(invoices.c.state, sa.func.count()).where(invoices.c.state.in_([state.value for state in moving]))
    found = {row[0]: row[1] for row in connection.execute(query.group_by(invoices.c.state))}
    counts = {state.value: found.get(state.value, 0) for state in moving}
    return {OPEN: sum(counts[state.value] for state in OPEN_STATES), **counts}


def count_risks(*, connection: Connection, asked: QueueAsked) -> dict[str, int]:
    """How many of these drafts there are of each risk, whatever risk was asked for; `` are those not judged yet."""
    query = _joined(sa.select(invoice_assessments.c.risk, sa.func.count()))
    query = query.where(*_where(replace(asked, risk=""))).group_by(invoice_assessments.c.risk)
    found = {row[0]: row[1] for row in connection.execute(query)}
    named = {risk.name.lower(): found.get(int(risk), 0) for risk in reversed(Risk)}
    return {**named, "": found.get(None, 0)}


def count_quiet(*, connection: Connection, asked: QueueAsked) -> int:
    """How many of these drafts could be approved together."""
    quiet = replace(asked, state=InvoiceState.DRAFT.value, risk=Risk.QUIET.name.lower())
    query = _joined(sa.select(sa.func.count())).where(*_where(quiet))
    return int(connection.execute(query).scalar_one())


def load_rows(*, connection: Connection, invoice_ids: list[int]) -> Mapping[int, QueueRow]:
    """These drafts as rows, by id."""
    count = sa.select(sa.func.count()).where(invoice_items.c.invoice_id == invoices.c.id).scalar_subquery()
    query = _joined(
        sa.select(
            invoices,
            count.label("item_count"),
            invoice_assessments.c.risk,
            invoice_assessments.c.findings,
            invoice_assessments.c.content_hash,
            invoice_reviews.c.held_until,
            invoice_reviews.c.reason,
            invoice_reviews.c.owner,
            issued_documents.c.number,
        )
    ).outerjoin(issued_documents, issued_documents.c.invoice_id == invoices.c.id)
    return {row.id: _row(row) for row in connection.execute(query.where(invoices.c.id.in_(invoice_ids)))}


_RISK = sa.func.coalesce(invoice_assessments.c.risk, _UNJUDGED)
_SIZE = sa.func.coalesce(invoice_assessments.c.size, _UNJUDGED)
_NAME = sa.func.lower(invoices.c.customer_name)
# How the queue can be sorted: by what, and whether the largest comes first.
_SORTS: Mapping[str, tuple[sa.ColumnElement[Any], bool]] = {
    "age": (invoices.c.bill_on, False),
    "newest": (invoices.c.bill_on, True),
    "amount": (_SIZE, True),
    "customer": (_NAME, False),
    "risk": (_RISK, True),
}
SORTS = tuple(_SORTS)


def _keys(connection: Connection, asked: QueueAsked, after: int | None, limit: int) -> list[Any]:
    """The ids of a page with what they are sorted by; nothing else is read of rows that are not shown."""
    place, is_descending = _SORTS[asked.sort]
    query = _joined(sa.select(invoices.c.id, place.label("place"))).where(*_where(asked))
    if after is not None:
        # Where that document stands now; it need not be in the queue any more.
        value = _joined(sa.select(place)).where(invoices.c.id == after).correlate(None).scalar_subquery()
        beyond = place < value if is_descending else place > value
        query = query.where(beyond | ((place == value) & (invoices.c.id > after)))
    order = place.desc() if is_descending else place
    return list(connection.execute(query.order_by(order, invoices.c.id).limit(limit)).all())


def _joined(query: sa.Select[Any]) -> sa.Select[Any]:
    return (
        query.select_from(invoices)
        .outerjoin(invoice_assessments, invoice_assessments.c.invoice_id == invoices.c.id)
        .outerjoin(invoice_reviews, invoice_reviews.c.invoice_id == invoices.c.id)
    )


def _where(asked: QueueAsked) -> list[sa.ColumnElement[bool]]:
    states = [state.value for state in OPEN_STATES] if asked.state == OPEN else [asked.state]
    found: list[sa.ColumnElement[bool]] = [invoices.c.state.in_(states)]
    if asked.text:
        found.append(
            queries.contains(asked.text, invoices.c.customer_name, invoices.c.customer_ref, invoices.c.po_number)
        )
    if asked.risk:
        found.append(invoice_assessments.c.risk == int(Risk[asked.risk.upper()]))
    if asked.code:
        found.append(invoice_assessments.c.codes.contains(f" {asked.code} ", autoescape=True))
    if asked.currency:
        found.append(invoices.c.currency == asked.currency)
    if asked.least is not None:
        found.append(invoice_assessments.c.size >= int(asked.least * _THOUSAND))
    if asked.most is not None:
        found.append(invoice_assessments.c.size <= int(asked.most * _THOUSAND))
    if asked.billed_until is not None:
        found.append(invoices.c.bill_on <= asked.billed_until)
    return found


def _row(row: Any) -> QueueRow:
    return QueueRow(
        id=row.id,
        kind=row.kind,
        state=row.state,
        customer_ref=row.customer_ref,
        customer_name=row.customer_name,
        legal_entity=row.legal_entity,
        bill_on=row.bill_on,
        net=Money(row.net, row.currency).rounded(),
        gross=None if row.problem_code else Money(row.gross, row.currency).rounded(),
        item_count=row.item_count,
        risk=None if row.risk is None else Risk(row.risk),
        findings=stored_findings(row.findings),
        content_hash=row.content_hash or "",
        po_number=row.po_number,
        held_until=row.held_until,
        reason=row.reason or "",
        owner=row.owner or "",
        number=row.number or "",
        created_at=row.created_at,
    )
