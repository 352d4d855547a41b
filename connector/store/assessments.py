"""What the rules of review last told of each waiting draft: kept for the queue, made again when something has moved.

Exists because judging a draft reads its contracts, its customer's other documents and its orders, which is too much for
ten thousand rows of a list. Nothing is decided by what is kept here: an approval looks at the document itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from connector.domain.money import Money
from connector.domain.review import OPEN_STATES
from connector.domain.review_findings import Finding, Risk
from connector.store.inserting import insert
from connector.store.tables import contracts
from connector.store.tables_billing import invoice_items, invoices
from connector.store.tables_queue import invoice_assessments
from connector.store.tables_review import invoice_reviews
from connector.store.unit_of_work import UnitOfWork

# What other documents of a customer say is news for a draft, and nothing tells of it: so all are judged again in turn.
RENEWED_EVERY = timedelta(hours=1)
_THOUSANDTHS = 3
_OPEN = tuple(state.value for state in OPEN_STATES)


@dataclass(frozen=True, slots=True)
class Assessment:
    """What the rules told of one draft, of the content with that hash."""

    invoice_id: int
    content_hash: str
    risk: Risk
    findings: tuple[Finding, ...]
    gross: Money


def save_assessments(*, work: UnitOfWork, found: Sequence[Assessment], now: datetime) -> None:
    """Keep these, in place of what was told before."""
    if not found:
        return
    statement = insert(work, invoice_assessments)
    changes = {name: statement.excluded[name] for name in _COLUMNS if name != "invoice_id"}
    work.execute(
        statement.on_conflict_do_update(index_elements=["invoice_id"], set_=changes), [_row(one, now) for one in found]
    )


def due_for_assessment(*, connection: Connection, now: datetime, limit: int) -> list[int]:
    """Waiting drafts that nobody judged yet, that changed since, or whose turn has come; oldest judgement first."""
    judged = invoice_assessments.c.assessed_at
    moved = (
        sa.exists()
        .where(invoice_items.c.invoice_id == invoices.c.id)
        .where(contracts.c.id == invoice_items.c.contract_id, contracts.c.changed_at > judged)
    )
    is_due = (
        judged.is_(None) | (judged < now - RENEWED_EVERY) | (invoice_reviews.c.changed_at > judged) | moved
    )  # fmt: skip
    query = (
        sa.select(invoices.c.id)
        .outerjoin(invoice_assessments, invoice_assessments.c.invoice_id == invoices.c.id)
        .outerjoin(invoice_reviews, invoice_reviews.c.invoice_id == invoices.c.id)
        .where(invoices.c.state.in_(_OPEN), is_due)
        .order_by(sa.func.coalesce(judged, sa.literal(now - 2 * RENEWED_EVERY, judged.type)), invoices.c.id)
        .limit(limit)
    )
    return list(connection.execute(query).scalars())


def stored_findings(documents: Sequence[dict[str, Any]] | None) -> tuple[Finding, ...]:
    """Findings as they are kept."""
    return tuple(Finding(**document) for document in documents or ())


_COLUMNS = tuple(invoice_assessments.c.keys())


def _row(one: Assessment, now: datetime) -> dict[str, Any]:
    codes = [finding.code for finding in one.findings]
    return {
        "invoice_id": one.invoice_id,
        "content_hash": one.content_hash,
        "risk": int(one.risk),
        "findings": [asdict(finding) for finding in one.findings],
        "codes": f" {' '.join(codes)} " if codes else "",
        "size": int(abs(one.gross.amount).scaleb(_THOUSANDTHS)),
        "assessed_at": now,
    }
