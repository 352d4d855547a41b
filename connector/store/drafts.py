"""Drafts as rows: a document, its items, and the tax of each, in as few statements as possible."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

from connector.domain.invoice_drafts import InvoiceItem
from connector.domain.tax import RateTotal, Tax
from connector.store.billing_rows import Drafted, TaxedDraft
from connector.store.inserting import insert_many
from connector.store.tables_billing import invoice_items, invoices
from connector.store.types import DumpedJson, dump_exact
from connector.store.unit_of_work import UnitOfWork

DRAFT = "draft"


def insert_drafts(*, work: UnitOfWork, drafted: Sequence[Drafted], run_id: int, now: datetime) -> None:
    """Insert all drafts of these customers with their items."""
    documents = [(one, taxed) for one in drafted for taxed in one.drafts]
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
    insert_many(work, invoice_items, items)


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


@lru_cache(maxsize=256)
def _tax_text(tax: Tax) -> DumpedJson:
    """The tax of a row as text; a run writes the same few a million times."""
    return DumpedJson(dump_exact(_tax(tax)))


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
        "tax": _tax_text(tax),
        "reason": item.reason,
        "reverses": item.reverses,
    }
