"""Lowering what was issued: a credit note as a new, negative document, never more than the rows it lowers.

Exists so that no issued document is ever edited and no row is credited beyond its amount, however often rounding is
involved. A credit uses the tax of the row it lowers. It must not decide whether a credit is deserved.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date

from connector.domain.invoice_drafts import InvoiceDraft, InvoiceItem, draft_of
from connector.domain.money import Money, total
from connector.errors import Fault, Refused


class CreditRefused(Refused):
    """A credit would lower a row below zero, or names a row that the document does not have."""

    code = "CREDIT_REFUSED"
    owner = "finance"
    fix = "Credit at most what is left of the row."

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__(" ".join(fault.sentence() for fault in faults))
        self.faults = tuple(faults)


def draft_credit_note(
    *,
    invoice: InvoiceDraft,
    document: str,
    amounts: Mapping[str, Money],
    credited: Sequence[InvoiceItem] = (),
    bill_on: date,
    reason: str,
) -> InvoiceDraft:
    """A credit note over parts of an issued invoice: `amounts` are positive and net, by charge key.

    `document` is the invoice's id, `credited` the rows of all its credit notes so far. Raises CreditRefused with every
    row that cannot be lowered so far.
    """
    rows = {item.charge_key: item for item in invoice.items}
    faults = [fault for key, amount in amounts.items() for fault in _faults(key, amount, rows, credited)]
    if faults or not amounts:
        raise CreditRefused(faults or [_fault("", "The credit names no row of the document.")])
    items = [_credit(rows[key], amount, reason) for key, amount in amounts.items()]
    return replace(draft_of(bill_to=invoice.bill_to, bill_on=bill_on, items=items), lowers=(document,))


def full_credit_note(
    *, invoice: InvoiceDraft, document: str, credited: Sequence[InvoiceItem] = (), bill_on: date, reason: str
) -> InvoiceDraft:
    """A credit note over everything that is left of an invoice. Raises CreditRefused when nothing is."""
    left = {item.charge_key: creditable(item=item, credited=credited) for item in invoice.items}
    amounts = {key: amount for key, amount in left.items() if amount.amount > 0}
    return draft_credit_note(
        invoice=invoice, document=document, amounts=amounts, credited=credited, bill_on=bill_on, reason=reason
    )


def creditable(*, item: InvoiceItem, credited: Sequence[InvoiceItem]) -> Money:
    """What is left of a row: its amount less every credit that reverses it; zero for a row that is a credit itself."""
    taken = (row.amount for row in credited if row.reverses == item.charge_key)
    left = item.amount + total(taken, currency=item.amount.currency)
    return left if left.amount > 0 else Money.zero(left.currency)


def apply_credit(*, owed: Money, paid: Money, credit: Money) -> tuple[Money, Money]:
    """What is still open on an invoice after a credit (positive, gross), and what is left over for balance or refund.

    A credit lowers the open amount first; only the surplus goes back to the customer, in a way that a person chooses.
    """
    open_amount = owed - paid - credit
    if open_amount.amount >= 0:
        return open_amount, Money.zero(owed.currency)
    return Money.zero(owed.currency), -open_amount


def _faults(key: str, amount: Money, rows: Mapping[str, InvoiceItem], credited: Sequence[InvoiceItem]) -> list[Fault]:
    if key not in rows:
        return [_fault(key, f"The document has no row {key}.")]
    left = creditable(item=rows[key], credited=credited)
    if amount.amount <= 0 or amount.amount > left.amount:
        return [_fault(key, f"{rows[key].description}: {amount} cannot be credited, {left} is left.")]
    return []


def _credit(item: InvoiceItem, amount: Money, reason: str) -> InvoiceItem:
    return replace(item, amount=-amount, reason=reason, reverses=item.charge_key)


def _fault(key: str, message: str) -> Fault:
    return Fault(
        "CREDIT_REFUSED", message, "Credit at most what is left of the row.", "finance", field="amount", line=key
    )
