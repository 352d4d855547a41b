"""What will be billed next to one account, as documents: from the agreed schedule and the usage so far. Reads only.

Made by the functions of the billing run over all contracts of the account together, so that the preview has as many
documents as the run will make. It says "estimate" wherever it is one, and promises nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal

from connector.domain.contract_lines import line_key
from connector.domain.contract_terms import Contract
from connector.domain.contracts import build_contract
from connector.domain.document_plan import documents_of_all
from connector.domain.documents import DocumentFacts, DocumentState, DocumentView, build_document, party_of
from connector.domain.hosted import UpcomingDocuments
from connector.domain.invoice_drafts import Billed, InvoiceDraft
from connector.domain.legal_entities import LegalEntity, plain_entity
from connector.domain.tax import Tax, TaxCategory, TaxUndecided, tax_totals
from connector.domain.taxed_documents import TaxedDocument
from connector.domain.terms import ChargeType, Customer
from connector.errors import ConnectorError, Unavailable
from connector.logs import log
from connector.ports import TaxEngine
from connector.store.account_documents import Account, list_contracts
from connector.store.contract_documents import load_held_documents, load_usage
from connector.store.contract_orders import load_orders
from connector.store.unit_of_work import Database

_UNDECIDED = Tax(rate=Decimal(0), category=TaxCategory.NOT_SUBJECT)


def upcoming_documents(
    *,
    database: Database,
    taxes: TaxEngine,
    entities: Mapping[str, LegalEntity],
    account: Account,
    today: date,
) -> UpcomingDocuments:
    """The documents of the next bill date that no billing run has made yet.

    A schedule that cannot be calculated is told as unknown: the customer's page shows no fault of ours. Raises
    Unavailable when the database does not answer.
    """
    try:
        contracts, drafts = _next_drafts(database, account, today)
    except Unavailable:
        raise
    except ConnectorError as error:
        log.warning("upcoming_unknown", customer=account.customer_ref, code=error.code)
        return UpcomingDocuments((), today, is_known=False)
    if not drafts:
        return UpcomingDocuments((), today)
    signed = list(contracts.values())
    customer, months = _latest_customer(signed), _price_months(signed)
    made = [_view(draft, customer, months, taxes, entities) for draft in drafts]
    return UpcomingDocuments(tuple(view for view, _ in made), today, has_tax=all(has_tax for _, has_tax in made))


def _next_drafts(
    database: Database, account: Account, today: date
) -> tuple[dict[str, Contract], Sequence[InvoiceDraft]]:
    """The contracts by number, and what the next run over them all will draft."""
    contracts: dict[str, Contract] = {}
    billed: list[Billed] = []
    usage: dict[str, Decimal] = {}
    with database.reading() as connection:
        for contract_id, number in list_contracts(connection=connection, account=account).items():
            signed = load_orders(connection=connection, contract_id=contract_id)
            contract = build_contract(orders=signed.terms, undone=signed.undone)
            held = load_held_documents(connection=connection, contract_id=contract_id, contract_ref=contract.ref)
            contracts[number] = contract
            billed += [entry for document in held for entry in document.billed]
            usage |= load_usage(connection=connection, contract_id=contract_id)
    coming = documents_of_all(contracts=list(contracts.values()), as_of=today, billed=billed, usage=usage)
    own = [draft for draft in coming if draft.bill_to.payer_ref == account.payer_ref and draft.bill_on >= today]
    first = min((draft.bill_on for draft in own), default=today)
    numbers = {contract.ref: number for number, contract in contracts.items()}
    return contracts, [_named(draft, numbers) for draft in own if draft.bill_on == first]


def _named(draft: InvoiceDraft, numbers: Mapping[str, str]) -> InvoiceDraft:
    """The draft with numbers that a customer knows, in place of ids of records."""
    items = tuple(replace(item, contract_ref=numbers[item.contract_ref], order_ref="") for item in draft.items)
    return replace(draft, items=items)


def _view(
    draft: InvoiceDraft,
    customer: Customer,
    months: Mapping[str, int],
    taxes: TaxEngine,
    entities: Mapping[str, LegalEntity],
) -> tuple[DocumentView, bool]:
    """The draft as a document, and whether its tax is decided."""
    try:
        taxed, has_tax = taxes.tax(draft=draft, customer=customer, decided={}), True
    except TaxUndecided:
        items = [(item.amount, _UNDECIDED) for item in draft.items]
        totals = tax_totals(items=items, currency=draft.bill_to.currency)
        taxed, has_tax = TaxedDocument(draft, (_UNDECIDED,) * len(items), totals), False
    code = draft.bill_to.legal_entity
    entity = entities.get(code) or plain_entity(code=code, country="")
    facts = DocumentFacts(
        seller=replace(entity.seller, bank_accounts=()),
        buyer=party_of(customer=customer),
        state=DocumentState.UPCOMING,
        price_months=months,
    )
    return build_document(taxed=taxed, facts=facts), has_tax


def _latest_customer(contracts: Sequence[Contract]) -> Customer:
    """The customer as the order that was signed last names them."""
    orders = [order for contract in contracts for order in contract.orders]
    return max(orders, key=lambda order: (order.signed_on or order.starts_on, order.source.record_id)).customer


def _price_months(contracts: Sequence[Contract]) -> dict[str, int]:
    return {
        line_key(order=order, item=line): line.price_period_months
        for contract in contracts
        for order in contract.orders
        for line in order.line_items
        if line.charge_type is ChargeType.RECURRING
    }
