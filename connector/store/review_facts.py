"""The facts that review rules look at, for many drafts in a few questions. Read only; the rules are in the domain."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from connector.domain.contract_terms import ChargeKind
from connector.domain.invoice_drafts import DocumentKind
from connector.domain.legal_entities import LegalEntity
from connector.domain.money import Money
from connector.domain.review import NOT_BILLED, ReviewRules
from connector.domain.review_findings import BilledContract, DraftFacts, LoweredInvoice
from connector.store.invoices import StoredDocument
from connector.store.issued import LoweredRow, load_lowered
from connector.store.tables import contracts
from connector.store.tables_billing import invoice_items, invoices
from connector.store.tables_review import issued_documents
from connector.store.usage_sync import incomplete_reasons

_NOT_BILLED = tuple(state.value for state in NOT_BILLED)
_USAGE = (ChargeKind.USAGE, ChargeKind.TRUE_UP)
# Enough to see what is meant.
_MOST_TWINS = 5


def load_facts(
    *,
    connection: Connection,
    documents: Sequence[StoredDocument],
    entities: Mapping[str, LegalEntity],
    rules: ReviewRules,
) -> dict[int, DraftFacts]:
    """What is known about each of these documents, by id."""
    if not documents:
        return {}
    ids = {one for document in documents for one in document.contract_ids}
    of_contracts = _contracts(connection, ids)
    waiting = incomplete_reasons(connection=connection, contract_ids=sorted(ids))
    earlier = _others(connection, documents)
    twins = _twins(connection, [document.id for document in documents])
    keys = [key for document in documents for key in document.draft.lowers]
    lowered = load_lowered(connection=connection, keys=keys)
    return {
        document.id: _facts(
            document,
            [_contract(of_contracts[one], document, waiting.get(one, ())) for one in document.contract_ids],
            _before(document, earlier),
            tuple(twins.get(document.id, ())),
            lowered,
            entities.get(document.legal_entity),
            rules,
        )
        for document in documents
    }


def _facts(
    document: StoredDocument,
    of_contracts: Sequence[BilledContract],
    before: Sequence[Any],
    twins: tuple[str, ...],
    lowered: Mapping[str, LoweredRow],
    entity: LegalEntity | None,
    rules: ReviewRules,
) -> DraftFacts:
    draft, currency = document.draft, document.gross.currency
    named = [lowered[key] for key in draft.lowers if key in lowered]
    ref = draft.bill_to.customer_ref
    return DraftFacts(
        kind=draft.kind,
        bill_on=draft.bill_on,
        legal_entity=document.legal_entity,
        net=document.taxed.totals.net,
        gross=document.gross,
        customer=document.customer,
        recipients=document.recipients,
        po_number=draft.bill_to.po_number,
        is_po_expected=ref in rules.po_required_for or any(row.po_number for row in before),
        tax_categories=frozenset(tax.category for tax in document.taxed.taxes),
        is_entity_known=entity is not None,
        is_seller_complete=entity is not None and _is_complete(entity),
        problem_code=document.problem_code,
        problem=document.problem,
        contracts=tuple(of_contracts),
        last_net=Money(before[-1].net, currency) if before else None,
        twins=twins,
        lowers=tuple(LoweredInvoice(_name(row), row.number, row.creditable) for row in named),
        unknown_lowers=len(draft.lowers) - len(named),
        has_usage=any(item.kind in _USAGE for item in draft.items),
        is_corrected=any(item.reason or item.reverses for item in draft.items),
        is_edited=bool(document.written.last_editor),
    )


def _is_complete(entity: LegalEntity) -> bool:
    address = entity.seller.address
    return bool(entity.seller.name and address.street and address.city and address.country)


def _name(row: LoweredRow) -> str:
    return row.number or f"invoice {row.id}"


def _contracts(connection: Connection, ids: set[int]) -> dict[int, Any]:
    query = sa.select(
        contracts.c.id,
        contracts.c.number,
        contracts.c.currency,
        contracts.c.legal_entity,
        contracts.c.version,
        contracts.c.billed_version,
        contracts.c.next_bill_on,
        contracts.c.billing_problem,
    ).where(contracts.c.id.in_(ids))
    return {row.id: row for row in connection.execute(query)}


def _contract(row: Any, document: StoredDocument, waiting: Sequence[Any]) -> BilledContract:
    on_draft = {item.charge_key for item in document.draft.items}
    due = [figure for figure in waiting if figure.bill_on <= document.draft.bill_on]
    doubted = [figure.reason for figure in due if figure.charge_key in on_draft]
    return BilledContract(
        number=row.number,
        currency=row.currency,
        legal_entity=row.legal_entity,
        is_changed=row.version != row.billed_version,
        is_unfinished=row.next_bill_on is not None and row.next_bill_on <= document.draft.bill_on,
        problem=row.billing_problem,
        usage_waits=next((figure.reason for figure in due if figure.charge_key not in on_draft), ""),
        usage_doubted=next(iter(doubted), ""),
    )


def _others(connection: Connection, documents: Sequence[StoredDocument]) -> dict[tuple[str, ...], list[Any]]:
    """The customers' invoices by date, by what makes them comparable: org, customer, entity and currency."""
    refs = {document.draft.bill_to.customer_ref for document in documents}
    query = (
        sa.select(
            invoices.c.id,
            invoices.c.org_id,
            invoices.c.customer_ref,
            invoices.c.legal_entity,
            invoices.c.currency,
            invoices.c.bill_on,
            invoices.c.net,
            invoices.c.po_number,
        )
        .where(invoices.c.customer_ref.in_(refs), invoices.c.kind == DocumentKind.INVOICE.value)
        .where(invoices.c.state.not_in(_NOT_BILLED))
        .order_by(invoices.c.bill_on, invoices.c.id)
    )
    found: dict[tuple[str, ...], list[Any]] = {}
    for row in connection.execute(query):
        found.setdefault((row.org_id, row.customer_ref, row.legal_entity, row.currency), []).append(row)
    return found


def _before(document: StoredDocument, others: Mapping[tuple[str, ...], Sequence[Any]]) -> list[Any]:
    bill_to = document.draft.bill_to
    key = (document.org_id, bill_to.customer_ref, document.legal_entity, bill_to.currency)
    place = (document.draft.bill_on, document.id)
    return [row for row in others.get(key, ()) if (row.bill_on, row.id) < place]


def _twins_query() -> sa.Select[Any]:
    mine, other = invoice_items.alias("mine"), invoice_items.alias("other")
    own, theirs = invoices.alias("own"), invoices.alias("theirs")
    same = [mine.c[name] == other.c[name] for name in ("product_code", "starts_on", "ends_on", "amount")]
    return (
        sa.select(mine.c.invoice_id, theirs.c.id, issued_documents.c.number, mine.c.amount)
        .select_from(mine)
        .join(own, own.c.id == mine.c.invoice_id)
        .join(theirs, (theirs.c.customer_ref == own.c.customer_ref) & (theirs.c.org_id == own.c.org_id))
        .join(other, (other.c.invoice_id == theirs.c.id) & sa.and_(*same))
        .outerjoin(issued_documents, issued_documents.c.invoice_id == theirs.c.id)
        .where(mine.c.invoice_id.in_(sa.bindparam("ids", expanding=True)), theirs.c.id != own.c.id)
        .where(theirs.c.currency == own.c.currency, theirs.c.state.not_in(_NOT_BILLED))
        .order_by(theirs.c.id)
    )


# Made once: building it takes longer than running it.
_TWINS = _twins_query()


def _twins(connection: Connection, ids: Sequence[int]) -> dict[int, list[str]]:
    """Names of other documents of the same customer that hold a row of the same product, days and amount."""
    found: dict[int, list[str]] = {}
    for row in connection.execute(_TWINS, {"ids": list(ids)}):
        names = found.setdefault(row.invoice_id, [])
        name = row.number or f"invoice {row.id}"
        if row.amount > 0 and name not in names and len(names) < _MOST_TWINS:
            names.append(name)
    return {invoice_id: names for invoice_id, names in found.items() if names}
