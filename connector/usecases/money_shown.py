"""What people in Salesforce read about money: balances, the next and the last invoice, usage against what is included.

Exists so that the account and each signed record say the same as our pages, by the same functions. Reads only, in the
caller's transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal

from connector.domain.contracts import build_contract
from connector.domain.status import CashStatus
from connector.domain.terms import RecordRef
from connector.domain.usage_complete import share_used
from connector.errors import ConnectorError
from connector.store import billing, money_status
from connector.store.cash_status import cash_of_customer, cash_of_order
from connector.store.queries_access import UsageRow, usage_of_contracts
from connector.store.unit_of_work import UnitOfWork
from connector.usecases.show_contract import NextInvoice, next_invoice


def money_of_customer(*, work: UnitOfWork, org_id: str, customer_ref: str, today: date) -> CashStatus:
    """Everything about a customer's money."""
    cash = cash_of_customer(work=work, org_id=org_id, customer_ref=customer_ref, today=today)
    documents = money_status.documents_of(work=work, org_id=org_id, customer_ref=customer_ref, today=today)
    numbers = money_status.next_contracts(work=work, org_id=org_id, customer_ref=customer_ref)
    ids = money_status.contract_ids(work=work, org_id=org_id, customer_ref=customer_ref)
    cash = replace(cash, last_invoice=money_status.newest(documents))
    return _with_more(work, cash, numbers, ids, today)


def money_of_record(*, work: UnitOfWork, ref: RecordRef, account_id: str, today: date) -> CashStatus:
    """Everything about the money of one signed record: whole documents with an item of it, and its contract."""
    cash = cash_of_order(work=work, org_id=ref.org_id, record_id=ref.record_id, today=today)
    documents = money_status.documents_of(work=work, org_id=ref.org_id, customer_ref=account_id, today=today)
    own = money_status.of_record(work=work, record_id=ref.record_id, documents=documents)
    numbers = money_status.next_contracts(work=work, org_id=ref.org_id, record_id=ref.record_id)
    ids = money_status.contract_ids(work=work, org_id=ref.org_id, record_id=ref.record_id)
    return _with_more(work, replace(cash, last_invoice=money_status.newest(own)), numbers, ids, today)


def _with_more(
    work: UnitOfWork, cash: CashStatus, numbers: Sequence[str], ids: Sequence[int], today: date
) -> CashStatus:
    coming = [found for number in numbers if (found := _next(work, number, today)) is not None]
    first = min((one.bill_on for one in coming), default=None)
    due = [one.amount for one in coming if one.bill_on == first]
    own = [amount.amount for amount in due if amount.currency == due[0].currency]
    usage = usage_of_contracts(connection=work.connection, contract_ids=ids, today=today) if ids else ()
    return replace(
        cash,
        next_invoice_on=first,
        next_invoice_amount=sum(own, Decimal(0)) if own else None,
        usage="\n".join(_told(row) for row in usage),
    )


def _next(work: UnitOfWork, number: str, today: date) -> NextInvoice | None:
    stored = billing.load_one(connection=work.connection, number=number)
    if stored is None:
        return None
    ledger = billing.load_ledger(connection=work.connection, due=[stored])
    try:
        contract = build_contract(orders=stored.orders.terms, undone=stored.orders.undone)
        return next_invoice(contract=contract, stored=stored, ledger=ledger, today=today)
    except ConnectorError:
        # A contract that cannot be billed says so on its own page and in the billing run; here nothing is promised.
        return None


def _told(row: UsageRow) -> str:
    """`API calls: 8100 of 10000 (81.0 %)`; without a commitment only what was used."""
    name = row.product_name or row.feature_ref
    if row.units is None:
        return f"{name}: not known"
    share = share_used(units=row.units, commitment=row.included)
    return f"{name}: {row.units:f}" if share is None else f"{name}: {row.units:f} of {row.included:f} ({share} %)"
