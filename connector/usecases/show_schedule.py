"""The schedule of one contract as its orders make it now: charges, and the documents that exist and that will come.

Reads only: nothing is drafted or stored. What it shows is made by the functions of the billing run, and it says whether
all of it adds up to what the contract is worth.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby
from operator import attrgetter
from typing import Any

from connector.domain.contract_terms import Charge, Contract
from connector.domain.contracts import annual_value, build_contract
from connector.domain.document_plan import ScheduleCheck, check_schedule, documents_to_come
from connector.domain.invoice_drafts import DocumentKind, InvoiceDraft, InvoiceItem
from connector.domain.money import Money, total
from connector.domain.periods import BillingPeriod
from connector.domain.schedule import schedule
from connector.domain.tax import TaxUndecided
from connector.domain.terms import Customer
from connector.errors import ConnectorError, NotFound, Unavailable
from connector.ports import TaxEngine
from connector.store import queries_contracts
from connector.store.contract_documents import HeldDocument, load_held_documents, load_usage
from connector.store.contract_orders import load_orders
from connector.store.unit_of_work import Database
from connector.usecases.show_contract import ContractShown, show_contract

PLANNED = "planned"
UNREAD = "unread"
# On one day, what exists stands before what will be made, and that before what nobody can make yet.
_SEQUENCE = {PLANNED: 1, UNREAD: 2}


@dataclass(frozen=True, slots=True)
class BillDate:
    """What is charged on one day, and its sum."""

    bill_on: date
    charges: tuple[Charge, ...]
    total: Money


@dataclass(frozen=True, slots=True)
class ScheduledDocument:
    """One document of the schedule with its items of this contract.

    `state` is PLANNED until a billing run has made it (UNREAD when it was due and waits for usage to be read), then
    that of the document `invoice_id`. `tax` and `gross` are
    None while no rule decides the tax (`problem` says why) and on a document that holds other contracts as well.
    """

    bill_on: date
    due_on: date
    kind: DocumentKind
    state: str
    legal_entity: str
    items: tuple[InvoiceItem, ...]
    net: Money
    tax: Money | None
    gross: Money | None
    invoice_id: int | None = None
    is_shared: bool = False
    problem: str = ""

    @property
    def period(self) -> BillingPeriod:
        """From the first to the last day that any of its items is for."""
        return BillingPeriod(min(item.period.start for item in self.items), max(item.period.end for item in self.items))

    @property
    def is_planned(self) -> bool:
        """Whether no billing run has made it yet."""
        return self.state in (PLANNED, UNREAD)

    @property
    def is_estimate(self) -> bool:
        """Whether something on it depends on usage that is not known yet."""
        return any(item.is_estimate for item in self.items)

    @property
    def is_only_estimate(self) -> bool:
        """Whether all of it depends on usage that is not known yet."""
        return all(item.is_estimate for item in self.items)


@dataclass(frozen=True, slots=True)
class ContractSchedule:
    """The contract, its charges and documents by date, and the proof that they add up to its value.

    `shown` is where it stands in figures; `annual` what it costs per year on `annual_on`: today, or the nearest day of
    its term.
    """

    contract: Contract
    charges: tuple[Charge, ...]
    documents: tuple[ScheduledDocument, ...]
    shown: ContractShown
    check: ScheduleCheck
    annual_on: date
    annual: Money
    next_document: ScheduledDocument | None

    @property
    def documents_net(self) -> Money:
        """The sum of all documents, estimates included."""
        return total((document.net for document in self.documents), currency=self.contract.currency)


def show_schedule(*, database: Database, taxes: TaxEngine, number: str, today: date) -> ContractSchedule:
    """The schedule as of today. Raises NotFound, and what `build_contract` raises."""
    shown = show_contract(database=database, number=number, today=today)
    with database.reading() as connection:
        contract_id = queries_contracts.find_contract(connection=connection, number=number)
        if contract_id is None:
            raise NotFound(f"There is no contract {number}.")
        signed = load_orders(connection=connection, contract_id=contract_id)
        contract = build_contract(orders=signed.terms, undone=signed.undone)
        held = load_held_documents(connection=connection, contract_id=contract_id, contract_ref=contract.ref)
        usage = load_usage(connection=connection, contract_id=contract_id)
    billed = [entry for document in held for entry in document.billed]
    coming = documents_to_come(contract=contract, as_of=today, billed=billed, usage=usage)
    documents = [
        *(_held(document) for document in held),
        *planned_documents(drafts=coming, customer=latest_customer(contract=contract), taxes=taxes, today=today),
    ]
    items = [item for document in documents for item in document.items]
    annual_on = max(contract.starts_on, min(today, contract.ends_on - timedelta(days=1)))
    documents.sort(key=lambda one: (one.bill_on, _SEQUENCE.get(one.state, 0), one.invoice_id or 0))
    return ContractSchedule(
        contract=contract,
        charges=schedule(contract=contract, usage=usage),
        documents=tuple(documents),
        shown=shown,
        check=check_schedule(items=items, value=shown.total),
        annual_on=annual_on,
        annual=annual_value(contract=contract, on=annual_on),
        next_document=_next(documents),
    )


def schedule_or_problem(
    *, database: Database, taxes: TaxEngine, number: str, today: date
) -> tuple[ContractSchedule | None, str]:
    """The schedule, or None and why it cannot be calculated, so that what is stored can still be shown.

    Raises NotFound, and Unavailable when the database does not answer.
    """
    try:
        return show_schedule(database=database, taxes=taxes, number=number, today=today), ""
    except (NotFound, Unavailable):
        raise
    except ConnectorError as error:
        return None, f"{error} {error.fix}"


def planned_documents(
    *, drafts: Sequence[InvoiceDraft], customer: Customer, taxes: TaxEngine, today: date
) -> tuple[ScheduledDocument, ...]:
    """Drafts that nobody has made yet, with tax where a rule decides it."""
    return tuple(_planned(draft, customer, taxes, today) for draft in drafts)


def document_row(document: ScheduledDocument) -> dict[str, Any]:
    """A document as a plain row, for answers; amounts are in its `currency`."""
    return {
        "bill_on": document.bill_on,
        "due_on": document.due_on,
        "kind": document.kind.value,
        "state": document.state,
        "invoice": document.invoice_id,
        "legal_entity": document.legal_entity,
        "starts_on": document.period.start,
        "ends_on": document.period.end,
        "currency": document.net.currency,
        "net": document.net.rounded().amount,
        "tax": None if document.tax is None else document.tax.amount,
        "gross": None if document.gross is None else document.gross.amount,
        "is_estimate": document.is_estimate,
        "problem": document.problem,
        "items": [_item_row(item) for item in document.items],
    }


def _item_row(item: InvoiceItem) -> dict[str, Any]:
    return {
        "order_record": item.order_ref,
        "line": item.line_ref,
        "product_code": item.product_code,
        "description": item.description,
        "starts_on": item.period.start,
        "ends_on": item.period.end,
        "quantity": item.quantity,
        "unit_price": item.unit_price,
        "amount": item.amount.amount,
        "kind": item.kind.value,
        "is_estimate": item.is_estimate,
        "reason": item.reason,
    }


def latest_customer(*, contract: Contract) -> Customer:
    """The customer as the order that was signed last names them."""
    return max(contract.orders, key=lambda order: (order.signed_on or order.starts_on, order.source.record_id)).customer


def by_bill_date(*, charges: Sequence[Charge]) -> tuple[BillDate, ...]:
    """The charges, which are in the order of their bill dates, day by day."""
    return tuple(_bill_date(day, tuple(found)) for day, found in groupby(charges, key=attrgetter("bill_on")))


def _next(documents: Sequence[ScheduledDocument]) -> ScheduledDocument | None:
    """The next one with an amount that is known; where there is none, the next that depends on usage."""
    planned = [document for document in documents if document.state == PLANNED]
    return next((document for document in planned if not document.is_only_estimate), planned[0] if planned else None)


def _held(document: HeldDocument) -> ScheduledDocument:
    currency = document.gross.currency
    return ScheduledDocument(
        bill_on=document.bill_on,
        due_on=document.due_on,
        kind=document.kind,
        state=document.state,
        legal_entity=document.legal_entity,
        items=document.items,
        net=total((item.amount for item in document.items), currency=currency),
        tax=None if document.is_shared or document.problem else document.tax,
        gross=None if document.is_shared or document.problem else document.gross,
        invoice_id=document.id,
        is_shared=document.is_shared,
        problem=document.problem,
    )


def _planned(draft: InvoiceDraft, customer: Customer, taxes: TaxEngine, today: date) -> ScheduledDocument:
    tax, gross, problem = _tax(draft, customer, taxes)
    is_unread = draft.bill_on <= today and all(item.is_estimate for item in draft.items)
    return ScheduledDocument(
        bill_on=draft.bill_on,
        due_on=draft.due_on,
        kind=draft.kind,
        state=UNREAD if is_unread else PLANNED,
        legal_entity=draft.bill_to.legal_entity,
        items=draft.items,
        net=draft.net,
        tax=tax,
        gross=gross,
        problem=problem,
    )


def _tax(draft: InvoiceDraft, customer: Customer, taxes: TaxEngine) -> tuple[Money | None, Money | None, str]:
    try:
        totals = taxes.tax(draft=draft, customer=customer, decided={}).totals
    except TaxUndecided as error:
        return None, None, f"{error} {error.fix}"
    return totals.tax, totals.gross, ""


def _bill_date(day: date, charges: tuple[Charge, ...]) -> BillDate:
    amounts = (charge.amount for charge in charges)
    return BillDate(day, charges, total(amounts, currency=charges[0].amount.currency).rounded())
