"""What a billing run reads and writes: chunks of customers that are due, what is billed already, and drafts.

A draft is stored only when its contracts are still as they were read: their version and the count of their draftings
are compared in the storing transaction, so that two runs at once, or an order in between, never bill anything twice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from connector.domain.contract_terms import Undo
from connector.domain.invoice_drafts import Billed, InvoiceItem
from connector.domain.money import Money
from connector.domain.tax import RateTotal, Tax
from connector.domain.taxed_documents import TaxedDocument
from connector.domain.terms import Order
from connector.store.tables import contracts, orders, processes, records
from connector.store.tables_billing import billing_chunks, billing_runs, contract_undos, invoice_items, invoices
from connector.store.terms import load_order
from connector.store.unit_of_work import UnitOfWork

DRAFT = "draft"
# A chunk takes seconds; one that is held this long belongs to a process that died.
_STALE = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Chunk:
    """A share of a run: the customers from `first` (included) to `end` (excluded; None = to the last)."""

    run_id: int
    number: int
    as_of: date
    first: tuple[str, str]
    end: tuple[str, str] | None


@dataclass(frozen=True, slots=True)
class DueContract:
    """A contract with something due, as it stands; `billed_until` None when nothing was drafted yet."""

    id: int
    org_id: str
    customer_ref: str
    version: int
    billed_version: int
    billed_until: date | None
    billing_count: int
    orders: list[Order] = field(default_factory=list)
    undone: list[Undo] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class TaxedDraft:
    """A draft with its tax; `problem` says why it cannot leave as it is."""

    document: TaxedDocument
    customer_name: str
    problem_code: str = ""
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Drafted:
    """What one customer's drafting came to, to be stored together."""

    contracts: Sequence[DueContract]
    contract_ids: Mapping[str, int]
    drafts: Sequence[TaxedDraft]
    waiting: int
    next_bill_on: Mapping[int, date | None]
    billed_until: Mapping[int, date | None]
    problem: str = ""


def open_run(*, work: UnitOfWork, as_of: date, actor: str, now: datetime, chunk_size: int) -> tuple[int, int]:
    """A new run with its chunks; answers (run id, number of chunks). Customers are counted by the database."""
    run_id = work.execute(
        billing_runs.insert().values(as_of=as_of, actor=actor, started_at=now).returning(billing_runs.c.id)
    ).scalar_one()
    due = (
        sa.select(contracts.c.org_id, contracts.c.customer_ref)
        .where(contracts.c.next_bill_on <= as_of)
        .distinct()
        .subquery()
    )
    place = sa.func.row_number().over(order_by=(due.c.org_id, due.c.customer_ref)) - 1
    numbered = sa.select(due, place.label("place")).subquery()
    firsts = sa.select(
        sa.literal(run_id),
        numbered.c.place / chunk_size,
        numbered.c.org_id,
        numbered.c.customer_ref,
    ).where(numbered.c.place % chunk_size == 0)
    columns = ["run_id", "number", "first_org_id", "first_customer_ref"]
    made = work.execute(billing_chunks.insert().from_select(columns, firsts))
    return int(run_id), made.rowcount


def take_chunk(*, work: UnitOfWork, run_id: int, claimed_by: str, now: datetime) -> Chunk | None:
    """The next chunk that nobody works on, taken for this process; None when none is left."""
    chunks = billing_chunks.c
    dead = sa.select(processes.c.executor_id).where(processes.c.stopped_at.is_not(None))
    is_lost = (chunks.claimed_at < now - _STALE) | chunks.claimed_by.in_(dead) | (chunks.claimed_by == claimed_by)
    is_free = (chunks.state == "waiting") | ((chunks.state == "running") & is_lost)
    query = (
        sa.select(billing_chunks, billing_runs.c.as_of)
        .join(billing_runs, billing_runs.c.id == chunks.run_id)
        .where(chunks.run_id == run_id, is_free)
        .order_by(chunks.number)
        .limit(1)
        .with_for_update(of=billing_chunks, skip_locked=True)
    )
    row = work.execute(query).one_or_none()
    if row is None:
        return None
    key = (chunks.run_id == run_id) & (chunks.number == row.number)
    work.execute(billing_chunks.update().where(key).values(state="running", claimed_by=claimed_by, claimed_at=now))
    following = sa.select(chunks.first_org_id, chunks.first_customer_ref).where(
        chunks.run_id == run_id, chunks.number == row.number + 1
    )
    end = work.execute(following).one_or_none()
    first = (row.first_org_id, row.first_customer_ref)
    return Chunk(run_id, row.number, row.as_of, first, tuple(end) if end else None)


def finish_chunk(*, work: UnitOfWork, chunk: Chunk, counts: Mapping[str, int], now: datetime) -> bool:
    """The chunk is done; True when it was the last one, and then the run is closed with the sum of all counts."""
    key = (billing_chunks.c.run_id == chunk.run_id) & (billing_chunks.c.number == chunk.number)
    work.execute(billing_chunks.update().where(key).values(state="done", counts=dict(counts)))
    return close_run(work=work, run_id=chunk.run_id, now=now)


def close_run(*, work: UnitOfWork, run_id: int, now: datetime) -> bool:
    """Close the run when all its chunks are done; False while some are not."""
    # The run's row first, so that of two last chunks exactly one sees that all are done.
    work.execute(sa.select(billing_runs.c.id).where(billing_runs.c.id == run_id).with_for_update())
    rows = work.execute(
        sa.select(billing_chunks.c.state, billing_chunks.c.counts).where(billing_chunks.c.run_id == run_id)
    )
    states = rows.all()
    if any(row.state != "done" for row in states):
        return False
    total: dict[str, int] = {}
    for row in states:
        for name, count in (row.counts or {}).items():
            total[name] = total.get(name, 0) + count
    work.execute(billing_runs.update().where(billing_runs.c.id == run_id).values(finished_at=now, counts=total))
    return True


@dataclass(frozen=True, slots=True)
class RunProgress:
    """How far a run is."""

    chunks: int
    done: int
    counts: Mapping[str, int] | None
    is_finished: bool


def load_progress(*, connection: Connection, run_id: int) -> RunProgress:
    """How far that run is."""
    run = connection.execute(sa.select(billing_runs).where(billing_runs.c.id == run_id)).one()
    is_done = sa.func.sum(sa.case((billing_chunks.c.state == "done", 1), else_=0))
    chunks, done = connection.execute(
        sa.select(sa.func.count(), is_done).where(billing_chunks.c.run_id == run_id)
    ).one()
    return RunProgress(chunks, int(done or 0), run.counts, run.finished_at is not None)


def open_runs(*, connection: Connection) -> list[int]:
    """Runs that are not finished, oldest first."""
    return list(
        connection.execute(
            sa.select(billing_runs.c.id).where(billing_runs.c.finished_at.is_(None)).order_by("id")
        ).scalars()
    )


def load_due(
    *, connection: Connection, as_of: date, first: tuple[str, str], end: tuple[str, str] | None
) -> list[DueContract]:
    """The contracts of these customers with something due, with all their orders, by customer."""
    place = sa.tuple_(contracts.c.org_id, contracts.c.customer_ref)
    query = sa.select(
        contracts.c.id,
        contracts.c.org_id,
        contracts.c.customer_ref,
        contracts.c.version,
        contracts.c.billed_version,
        contracts.c.billed_until,
        contracts.c.billing_count,
    ).where(contracts.c.next_bill_on <= as_of, place >= sa.tuple_(*map(sa.literal, first)))
    if end is not None:
        query = query.where(place < sa.tuple_(*map(sa.literal, end)))
    rows = connection.execute(query.order_by(contracts.c.org_id, contracts.c.customer_ref, contracts.c.id))
    found = {row.id: DueContract(*row) for row in rows}
    _add_orders(connection, found)
    return list(found.values())


def _add_orders(connection: Connection, found: Mapping[int, DueContract]) -> None:
    ids = list(found)
    for start in range(0, len(ids), 500):
        some = ids[start : start + 500]
        query = (
            sa.select(orders.c.contract_id, orders.c.terms).where(orders.c.contract_id.in_(some)).order_by(orders.c.id)
        )
        for row in connection.execute(query):
            found[row.contract_id].orders.append(load_order(row.terms))
        undone = (
            sa.select(contract_undos, records.c.record_id)
            .join(orders, orders.c.id == contract_undos.c.order_id)
            .join(records, records.c.id == orders.c.record_row_id)
            .where(contract_undos.c.contract_id.in_(some))
            .order_by(contract_undos.c.id)
        )
        for row in connection.execute(undone):
            found[row.contract_id].undone.append(Undo(row.record_id, row.on, row.reason))


def add_billed(
    found: dict[int, list[Billed]], *, connection: Connection, contract_ids: Sequence[int], since: date | None
) -> None:
    """Add every item that a document holds for these contracts, by contract; voided documents are left out.

    With `since` only items of documents dated after it.
    """
    query = (
        sa.select(
            invoice_items.c.contract_id,
            invoice_items.c.charge_key,
            invoice_items.c.amount,
            invoices.c.currency,
            invoices.c.id,
            invoices.c.bill_on,
        )
        .join(invoices, invoices.c.id == invoice_items.c.invoice_id)
        .where(invoices.c.state != "void")
        .order_by(invoices.c.id, invoice_items.c.position)
    )
    if since is not None:
        query = query.where(invoices.c.bill_on > since)
    for start in range(0, len(contract_ids), 500):
        some = contract_ids[start : start + 500]
        for row in connection.execute(query.where(invoice_items.c.contract_id.in_(some))):
            item = Billed(row.charge_key, Money(row.amount, row.currency), f"invoice-{row.id}", row.bill_on)
            found.setdefault(row.contract_id, []).append(item)


def save_drafted(*, work: UnitOfWork, drafted: Sequence[Drafted], run_id: int, now: datetime) -> list[Drafted]:
    """Store what is still true; answers those whose contracts were changed meanwhile and must be drafted again."""
    moved = _moved(work, drafted)
    kept = [one for one in drafted if not any(contract.id in moved for contract in one.contracts)]
    _insert(work, kept, run_id, now)
    rows = [_progress(one, contract) for one in kept for contract in one.contracts]
    if rows:
        work.execute(_SAVE_PROGRESS, rows)
    return [one for one in drafted if any(contract.id in moved for contract in one.contracts)]


def _moved(work: UnitOfWork, drafted: Sequence[Drafted]) -> set[int]:
    read = {contract.id: contract for one in drafted for contract in one.contracts}
    query = (
        sa.select(contracts.c.id, contracts.c.version, contracts.c.billing_count)
        .where(contracts.c.id.in_(list(read)))
        .order_by(contracts.c.id)
        .with_for_update()
    )
    return {
        row.id
        for row in work.execute(query)
        if (row.version, row.billing_count) != (read[row.id].version, read[row.id].billing_count)
    }


_SAVE_PROGRESS = (
    contracts.update()
    .where(contracts.c.id == sa.bindparam("contract_id"))
    .values(
        next_bill_on=sa.bindparam("next_day"),
        billed_until=sa.bindparam("until"),
        billed_version=sa.bindparam("seen_version"),
        billing_problem=sa.bindparam("problem"),
        billing_count=contracts.c.billing_count + 1,
    )
)


def _progress(one: Drafted, contract: DueContract) -> dict[str, Any]:
    return {
        "contract_id": contract.id,
        "next_day": one.next_bill_on[contract.id],
        "until": one.billed_until[contract.id],
        "seen_version": contract.version if not one.problem else contract.billed_version,
        "problem": one.problem,
    }


def _insert(work: UnitOfWork, kept: Sequence[Drafted], run_id: int, now: datetime) -> None:
    documents = [(one, taxed) for one in kept for taxed in one.drafts]
    if not documents:
        return
    statement = invoices.insert().returning(invoices.c.id, sort_by_parameter_order=True)
    ids = work.execute(statement, [_invoice_row(one, taxed, run_id, now) for one, taxed in documents]).scalars()
    items = [
        _item_row(invoice_id, position, one, item, tax)
        for invoice_id, (one, taxed) in zip(ids, documents, strict=True)
        for position, (item, tax) in enumerate(
            zip(taxed.document.draft.items, taxed.document.taxes, strict=True), start=1
        )
    ]
    work.execute(invoice_items.insert(), items)


def _invoice_row(one: Drafted, taxed: TaxedDraft, run_id: int, now: datetime) -> dict[str, Any]:
    draft, totals = taxed.document.draft, taxed.document.totals
    bill_to = draft.bill_to
    return {
        "draft_key": draft.key,
        "kind": draft.kind,
        "state": DRAFT,
        "run_id": run_id,
        "org_id": one.contracts[0].org_id,
        "customer_ref": bill_to.customer_ref,
        "customer_name": taxed.customer_name,
        "payer_ref": bill_to.payer_ref,
        "legal_entity": bill_to.legal_entity,
        "currency": bill_to.currency,
        "payment_terms_days": bill_to.payment_terms_days,
        "po_number": bill_to.po_number,
        "bill_on": draft.bill_on,
        "due_on": draft.due_on,
        "net": totals.net.amount,
        "tax": totals.tax.amount,
        "gross": totals.gross.amount,
        "tax_rows": [_tax_row(row) for row in totals.rates],
        "lowers": list(draft.lowers),
        "problem_code": taxed.problem_code,
        "problem": taxed.problem,
        "created_at": now,
    }


def _tax_row(row: RateTotal) -> dict[str, str | Decimal]:
    return {**_tax(row.tax), "net": row.net.amount, "tax": row.amount.amount}


def _tax(tax: Tax) -> dict[str, str | Decimal]:
    return {
        "rate": tax.rate,
        "category": tax.category,
        "mention": tax.mention,
        "exemption_code": tax.exemption_code,
    }


def _item_row(invoice_id: int, position: int, one: Drafted, item: InvoiceItem, tax: Tax) -> dict[str, Any]:
    return {
        "invoice_id": invoice_id,
        "position": position,
        "contract_id": one.contract_ids[item.contract_ref],
        "charge_key": item.charge_key,
        "kind": item.kind,
        "order_ref": item.order_ref,
        "line_key": item.line_key,
        "line_ref": item.line_ref,
        "product_code": item.product_code,
        "description": item.description,
        "starts_on": item.period.start,
        "ends_on": item.period.end,
        "quantity": item.quantity,
        "unit_price": item.unit_price,
        "amount": item.amount.amount,
        "tax_code": item.tax_code,
        "tax": _tax(tax),
        "reason": item.reason,
        "reverses": item.reverses,
    }
