"""One customer's drafts: all their due contracts together, with tax; one that cannot be priced holds up no other.

Exists so that a billing run, its dry run and its repetition come to the same. Reads and writes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal

from connector.domain.contract_terms import Contract
from connector.domain.contracts import build_contract
from connector.domain.invoice_drafts import DocumentKind, InvoiceDraft
from connector.domain.invoicing import BillingRun, draft_invoices, next_bill_date
from connector.domain.tax import Tax, TaxCategory, TaxUndecided, tax_totals
from connector.domain.taxed_documents import TaxedDocument
from connector.domain.terms import Customer
from connector.errors import ConnectorError
from connector.logs import log
from connector.ports import TaxEngine
from connector.store.billing_rows import Drafted, DueContract, Ledger, Progress, TaxedDraft

_ONE_DAY = timedelta(days=1)
_UNDECIDED = Tax(rate=Decimal(0), category=TaxCategory.NOT_SUBJECT)


def draft_customer(*, contracts: Sequence[DueContract], as_of: date, ledger: Ledger, taxes: TaxEngine) -> list[Drafted]:
    """The drafts that these contracts of one customer owe up to that day, beyond what the ledger holds.

    A contract that cannot be priced is answered apart, with its problem, and the others are drafted without it.
    """
    try:
        return [_draft(contracts, as_of, ledger, taxes)]
    except Exception as error:  # noqa: BLE001 - one bad contract holds up no other; it stays due and says why
        if len(contracts) == 1:
            return [refused(contracts=contracts, error=error)]
    apart = [draft_customer(contracts=[one], as_of=as_of, ledger=ledger, taxes=taxes)[0] for one in contracts]
    good = [one for one, drafted in zip(contracts, apart, strict=True) if not drafted.problem]
    bad = [drafted for drafted in apart if drafted.problem]
    if not bad:
        # Each alone is in order, together they are not: then each has documents of its own.
        return apart
    return [*bad, *(draft_customer(contracts=good, as_of=as_of, ledger=ledger, taxes=taxes) if good else ())]


def takes_back(drafted: Sequence[Drafted]) -> bool:
    """Whether something of it lowers or corrects earlier documents, and so needs to know all of them."""
    drafts = [taxed.document.draft for one in drafted for taxed in one.drafts]
    return any(draft.kind is DocumentKind.CREDIT_NOTE or any(item.reverses for item in draft.items) for draft in drafts)


def refused(*, contracts: Sequence[DueContract], error: Exception) -> Drafted:
    """Nothing for these contracts, and why; they stay due as they were."""
    return Drafted(
        contracts=contracts,
        contract_ids={},
        drafts=[],
        waiting=0,
        progress={one.id: Progress(one.next_bill_on, one.billed_until, is_compared=False) for one in contracts},
        problem=_said(contracts[0], error),
    )


def _draft(contracts: Sequence[DueContract], as_of: date, ledger: Ledger, taxes: TaxEngine) -> Drafted:
    built = [build_contract(orders=one.orders.terms, undone=one.orders.undone) for one in contracts]
    pairs = list(zip(contracts, built, strict=True))
    since = {contract.ref: ledger.since[one.id] for one, contract in pairs if one.id in ledger.since}
    run = draft_invoices(contracts=built, as_of=as_of, billed=ledger.billed, usage=ledger.units, since=since)
    return Drafted(
        contracts=contracts,
        contract_ids={contract.ref: one.id for one, contract in pairs},
        drafts=_taxed(run.drafts, _latest_customer(built), ledger.taxes, taxes),
        waiting=len(run.waiting),
        progress={one.id: _progress(one, contract, run, as_of) for one, contract in zip(contracts, built, strict=True)},
    )


def _latest_customer(built: Sequence[Contract]) -> Customer:
    """The customer as the order that was signed last names them: name, country and tax number may have changed."""
    orders = [order for contract in built for order in contract.orders]
    return max(orders, key=lambda order: (order.signed_on or order.starts_on, order.source.record_id)).customer


def _taxed(
    drafts: Sequence[InvoiceDraft], customer: Customer, decided: Mapping[str, Tax], taxes: TaxEngine
) -> list[TaxedDraft]:
    """The drafts with tax, by date; what takes back a row keeps the tax of that row, also of this very run."""
    known = dict(decided)
    found = []
    for draft in drafts:
        taxed = _with_tax(draft, customer, known, taxes)
        found.append(taxed)
        for item, tax in zip(draft.items, taxed.document.taxes, strict=True):
            if item.amount.amount > 0:
                known.setdefault(item.charge_key, tax)
    return found


def _with_tax(draft: InvoiceDraft, customer: Customer, decided: Mapping[str, Tax], taxes: TaxEngine) -> TaxedDraft:
    """The draft with tax; when no rule decides, without tax and with the reason, for finance to settle."""
    try:
        return TaxedDraft(taxes.tax(draft=draft, customer=customer, decided=decided), customer.name)
    except TaxUndecided as error:
        items = [(item.amount, _UNDECIDED) for item in draft.items]
        totals = tax_totals(items=items, currency=draft.bill_to.currency)
        document = TaxedDocument(draft, (_UNDECIDED,) * len(items), totals)
        return TaxedDraft(document, customer.name, error.code, f"{error} {error.fix}")


def _progress(one: DueContract, contract: Contract, run: BillingRun, as_of: date) -> Progress:
    """How far the contract is. Usage without a reading keeps it due from that charge on."""
    records = {order.source.record_id for order in contract.orders} if run.waiting else set()
    waiting = [charge.bill_on for charge in run.waiting if charge.line.order_ref in records]
    if one.billed_until is not None and as_of < one.billed_until:
        # A run for a past date looked at nothing after it; the days up to where it was billed are still to compare.
        return Progress(min([*waiting, as_of + _ONE_DAY]), one.billed_until, is_compared=False)
    if waiting:
        return Progress(min(waiting), min(waiting) - _ONE_DAY, is_compared=True)
    return Progress(next_bill_date(contract=contract, after=as_of), as_of, is_compared=True)


def _said(one: DueContract, error: Exception) -> str:
    if isinstance(error, ConnectorError):
        return f"{error.code}: {error} {error.fix}".strip()
    log.exception("contract_not_billed", contract=one.number)
    return f"UNEXPECTED: {type(error).__name__} while drafting {one.number}; the log has the details. Who: operator."
