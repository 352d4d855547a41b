"""Everything that is kept about one deal, read together in one view, for an export that an auditor can follow.

Read only. What belongs to other customers is left out: of the audit log between the deal's own rows only the hashes are
told, so that the chain can be followed without reading what is not theirs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from connector.errors import NotFound
from connector.store import audit
from connector.store.artifacts import ArtifactKind
from connector.store.evidence_forms import FormEvidence, load_form_evidence
from connector.store.tables import (
    contract_lines,
    contract_versions,
    contracts,
    fulfilment_steps,
    history,
    inbox,
    inbox_bodies,
    order_lines,
    orders,
    records,
    subscriptions,
    writebacks,
)
from connector.store.tables_billing import contract_undos, invoice_items, invoices, usage_readings
from connector.store.tables_review import (
    artifacts,
    audit_chains,
    credit_applications,
    invoice_reviews,
    issued_documents,
    number_series,
)

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class ArtifactBytes:
    """A file of a document as it was made."""

    kind: ArtifactKind
    content: bytes


@dataclass(frozen=True, slots=True)
class DocumentEvidence:
    """One invoice or credit note: its rows, its frozen text (empty while not issued), its files, its decisions."""

    id: int
    number: str
    rows: dict[str, Any]
    frozen: str
    files: tuple[ArtifactBytes, ...]
    decisions: tuple[audit.AuditRow, ...]


@dataclass(frozen=True, slots=True)
class ChainEvidence:
    """A stretch of an audit chain: rows of the deal whole, of others only (position, previous hash, hash)."""

    name: str
    head: Row
    entries: tuple[audit.AuditRow, ...]
    own_ids: frozenset[int]


@dataclass(frozen=True, slots=True)
class DealEvidence:
    """One deal: its order with everything behind and after it. `messages` are rows of the inbox with their bodies."""

    order: Row
    tables: dict[str, list[Row]]
    messages: tuple[Row, ...]
    documents: tuple[DocumentEvidence, ...]
    chains: tuple[ChainEvidence, ...]
    forms: tuple[FormEvidence, ...] = ()


def load_evidence(*, connection: Connection, number: str) -> DealEvidence:
    """The whole story of the order with that number. Raises NotFound."""
    found = _rows(connection, sa.select(orders).where(orders.c.number == number))
    if not found:
        raise NotFound(f"There is no order {number}.")
    order = found[0]
    record = _rows(connection, sa.select(records).where(records.c.id == order["record_row_id"]))[0]
    documents = tuple(_document(connection, one) for one in _invoice_ids(connection, record))
    forms = tuple(load_form_evidence(connection=connection, record=record))
    return DealEvidence(
        order=order,
        tables={
            "record": [record],
            **_of_order(connection, order["id"], record),
            **(_of_contract(connection, order["contract_id"]) if order["contract_id"] else {}),
        },
        messages=tuple(_messages(connection, record)),
        documents=documents,
        chains=tuple(_chains(connection, (*documents, *forms))),
        forms=forms,
    )


def _of_order(connection: Connection, order_id: int, record: Row) -> dict[str, list[Row]]:
    told = sa.or_(
        (history.c.subject == "order") & (history.c.subject_id == order_id),
        (history.c.subject == "record") & (history.c.subject_id == record["id"]),
    )
    here = (writebacks.c.org_id == record["org_id"]) & (writebacks.c.record_id == record["record_id"])
    queries = {
        "lines": sa.select(order_lines).where(order_lines.c.order_id == order_id),
        "steps": sa.select(fulfilment_steps).where(fulfilment_steps.c.order_id == order_id),
        "history": sa.select(history).where(told),
        "writebacks": sa.select(writebacks).where(here),
    }
    return {name: _rows(connection, query) for name, query in queries.items()}


def _of_contract(connection: Connection, contract_id: int) -> dict[str, list[Row]]:
    tables = {
        "contract": (contracts, contracts.c.id),
        "contract_versions": (contract_versions, contract_versions.c.contract_id),
        "contract_lines": (contract_lines, contract_lines.c.contract_id),
        "contract_undos": (contract_undos, contract_undos.c.contract_id),
        "contract_orders": (orders, orders.c.contract_id),
        "subscriptions": (subscriptions, subscriptions.c.contract_id),
        "usage_readings": (usage_readings, usage_readings.c.contract_id),
    }
    return {
        name: _rows(connection, sa.select(table).where(key == contract_id)) for name, (table, key) in tables.items()
    }


def _messages(connection: Connection, record: Row) -> Iterator[Row]:
    query = (
        sa.select(inbox, inbox_bodies.c.content_type, inbox_bodies.c.body)
        .join(inbox_bodies, inbox_bodies.c.id == inbox.c.body_id)
        .where(inbox.c.org_id == record["org_id"], inbox.c.record_id == record["record_id"])
    )
    yield from _rows(connection, query.order_by(inbox.c.id))


def _invoice_ids(connection: Connection, record: Row) -> Sequence[int]:
    query = (
        sa.select(invoices.c.id)
        .join(invoice_items, invoice_items.c.invoice_id == invoices.c.id)
        .where(invoices.c.org_id == record["org_id"], invoice_items.c.order_ref == record["record_id"])
        .distinct()
        .order_by(invoices.c.id)
    )
    return connection.execute(query).scalars().all()


def _document(connection: Connection, invoice_id: int) -> DocumentEvidence:
    issued = _rows(connection, sa.select(issued_documents).where(issued_documents.c.invoice_id == invoice_id))
    frozen = issued[0].pop("content") if issued else ""
    credits = sa.or_(
        credit_applications.c.invoice_id == invoice_id, credit_applications.c.credit_note_id == invoice_id
    )  # fmt: skip
    rows = {
        "document": _rows(connection, sa.select(invoices).where(invoices.c.id == invoice_id))[0],
        "items": _rows(connection, sa.select(invoice_items).where(invoice_items.c.invoice_id == invoice_id)),
        "written": _rows(connection, sa.select(invoice_reviews).where(invoice_reviews.c.invoice_id == invoice_id)),
        "issued": issued,
        "credits": _rows(connection, sa.select(credit_applications).where(credits)),
        "series": _rows(
            connection, sa.select(number_series).where(number_series.c.id.in_([row["series_id"] for row in issued]))
        ),
    }
    return DocumentEvidence(
        id=invoice_id,
        number=issued[0]["number"] if issued else "",
        rows=rows,
        frozen=frozen,
        files=tuple(_files(connection, invoice_id)),
        decisions=tuple(audit.load_entries(connection=connection, subject_id=invoice_id)),
    )


def _files(connection: Connection, invoice_id: int) -> Iterator[ArtifactBytes]:
    query = sa.select(artifacts.c.kind, artifacts.c.content)
    made = artifacts.c.content.is_not(None)
    for row in connection.execute(query.where(artifacts.c.invoice_id == invoice_id, made).order_by(artifacts.c.id)):
        yield ArtifactBytes(ArtifactKind(row.kind), bytes(row.content))


def _chains(connection: Connection, documents: Sequence[DocumentEvidence | FormEvidence]) -> Iterator[ChainEvidence]:
    own: dict[str, list[int]] = {}
    ids: dict[str, set[int]] = {}
    for document in documents:
        for entry in document.decisions:
            own.setdefault(entry.chain, []).append(entry.position)
            ids.setdefault(entry.chain, set()).add(document.id)
    for name, positions in sorted(own.items()):
        entries = audit.load_chain(connection=connection, chain=name, first=min(positions), last=max(positions))
        yield ChainEvidence(
            name=name,
            head=_rows(connection, sa.select(audit_chains).where(audit_chains.c.name == name))[0],
            entries=tuple(entries),
            own_ids=frozenset(ids[name]),
        )


def _rows(connection: Connection, query: sa.Select[Any]) -> list[Row]:
    return [dict(row._mapping) for row in connection.execute(query)]
