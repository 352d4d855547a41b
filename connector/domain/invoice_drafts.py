"""What a document says before it has a number: its items, whom it is for, when it is due, which invoice it lowers.

Exists so that drafting, review, tax and rendering speak of the same rows. Whether something is owed is decided in
`invoicing`; here items become documents. It must not number, tax or store anything.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum

from connector.domain.contract_terms import BillTo, Charge, ChargeKind, Contract
from connector.domain.money import Money, total
from connector.domain.periods import BillingPeriod
from connector.domain.schedule import schedule

# What one document may hold together (conventions 3.2); the last part names a line that wants its own document.
GroupKey = tuple[date, BillTo, str]


class DocumentKind(StrEnum):
    """What a draft becomes when it is issued."""

    INVOICE = "invoice"
    CREDIT_NOTE = "credit_note"


@dataclass(frozen=True, slots=True)
class Billed:
    """One item that a document already holds; `document` is the shell's id of it, `bill_on` the document's date."""

    charge_key: str
    amount: Money
    document: str
    bill_on: date


@dataclass(frozen=True, slots=True)
class InvoiceItem:
    """One row of a document: a charge, or the difference to a charge that was billed otherwise (then with a reason).

    `quantity` is what stands alone on the row, `unit_price` the signed one. `contract_ref`, `order_ref` and `line_ref`
    lead back to the contract, the signed record and its line. `correction` counts the rows that documents held for
    the charge before this one corrected it.
    """

    charge_key: str
    contract_ref: str
    order_ref: str
    line_key: str
    line_ref: str
    product_code: str
    description: str
    period: BillingPeriod
    quantity: Decimal
    unit_price: Decimal
    amount: Money
    kind: ChargeKind
    tax_code: str = ""
    reason: str = ""
    reverses: str = ""
    is_estimate: bool = False
    correction: int = 0


@dataclass(frozen=True, slots=True)
class InvoiceDraft:
    """A document before review. `key` is the same for the same content in every run.

    `lowers` names the documents that a credit note lowers (their `Billed.document`, or the key of a draft of this run).
    """

    key: str
    kind: DocumentKind
    bill_to: BillTo
    bill_on: date
    due_on: date
    items: tuple[InvoiceItem, ...]
    net: Money
    lowers: tuple[str, ...] = ()


class ItemGroups:
    """Items collected by the document they belong to."""

    def __init__(self) -> None:
        self._items: dict[GroupKey, list[InvoiceItem]] = {}

    def add(self, charge: Charge, item: InvoiceItem, *, bill_on: date) -> None:
        """Put an item on the document of its bill date, bill-to data and, if it wants to stand alone, its line."""
        own = charge.line.key if charge.line.item.is_separate_invoice else ""
        self._items.setdefault((bill_on, charge.line.bill_to, own), []).append(item)

    def drafts(self) -> tuple[InvoiceDraft, ...]:
        """One draft for each group by bill date; a group of nothing but zero charges makes no document."""
        ordered = sorted(self._items.items(), key=lambda entry: entry[0])
        return tuple(
            draft_of(bill_to=bill_to, bill_on=bill_on, items=items, own=own)
            for (bill_on, bill_to, own), items in ordered
            if any(item.amount for item in items)
        )


def item_of(
    *, contract_ref: str, charge: Charge, amount: Money | None = None, reason: str = "", reverses: str = ""
) -> InvoiceItem:
    """The row for a charge; `amount` and `reason` when only the difference to an earlier row is meant."""
    line = charge.line
    return InvoiceItem(
        charge_key=charge.key,
        contract_ref=contract_ref,
        order_ref=line.order_ref,
        line_key=line.key,
        line_ref=line.item.ref,
        product_code=line.item.product_code,
        description=charge.description,
        period=charge.period,
        quantity=charge.quantity,
        unit_price=line.item.unit_price,
        amount=charge.amount if amount is None else amount,
        kind=charge.kind,
        tax_code=line.item.tax_code,
        reason=reason,
        reverses=reverses or charge.reverses,
        is_estimate=charge.is_estimate,
    )


def with_lowered(
    *, drafts: Sequence[InvoiceDraft], contracts: Sequence[Contract], billed: Iterable[Billed]
) -> tuple[InvoiceDraft, ...]:
    """The drafts, each credit note naming the documents it lowers: those that hold what its items take back."""
    if not any(draft.kind is DocumentKind.CREDIT_NOTE for draft in drafts):
        return tuple(drafts)
    documents = {entry.charge_key: entry.document for entry in billed if entry.amount.amount > 0}
    for draft in drafts:
        documents.update({item.charge_key: draft.key for item in draft.items if item.amount.amount > 0})
    charges = {contract.ref: schedule(contract=contract) for contract in contracts}
    return tuple(
        replace(draft, lowers=_lowered(draft, charges, documents)) if draft.kind is DocumentKind.CREDIT_NOTE else draft
        for draft in drafts
    )


def _lowered(
    draft: InvoiceDraft, charges: Mapping[str, Sequence[Charge]], documents: Mapping[str, str]
) -> tuple[str, ...]:
    found = []
    for item in draft.items:
        if item.amount.amount >= 0:
            continue
        if item.reverses in documents:
            found.append(documents[item.reverses])
        else:
            found.extend(_covering(item, charges[item.contract_ref], draft.bill_on, documents))
    return tuple(dict.fromkeys(found))


def _covering(item: InvoiceItem, charges: Sequence[Charge], bill_on: date, documents: Mapping[str, str]) -> list[str]:
    """The document with the latest positive charge of the same product, best one for the same days; at most one."""
    candidates = [
        (charge.period.contains(item.period.start), charge.bill_on, charge.key)
        for charge in charges
        if charge.line.item.product_code == item.product_code
        and charge.amount.amount > 0
        and charge.bill_on <= bill_on
        and charge.key in documents
    ]
    return [documents[max(candidates)[2]]] if candidates else []


def draft_of(*, bill_to: BillTo, bill_on: date, items: Sequence[InvoiceItem], own: str = "") -> InvoiceDraft:
    """A document over these items; `own` names the line that has the document to itself."""
    net = total((item.amount for item in items), currency=bill_to.currency)
    return InvoiceDraft(
        key=_content_key((bill_on, bill_to, own), items),
        kind=DocumentKind.CREDIT_NOTE if net.amount < 0 else DocumentKind.INVOICE,
        bill_to=bill_to,
        bill_on=bill_on,
        due_on=bill_on + timedelta(days=bill_to.payment_terms_days),
        items=tuple(items),
        net=net,
    )


def _content_key(key: GroupKey, items: Sequence[InvoiceItem]) -> str:
    """The same items for the same recipient on the same day have the same key, whichever run finds them.

    Two corrections of one charge by the same amount on one day are two documents: the count keeps them apart.
    """
    bill_on, bill_to, own = key
    rows = sorted(
        f"{item.charge_key}={item.amount}" + (f"#{item.correction}" if item.correction else "") for item in items
    )
    content = "\n".join([str(bill_on), repr(bill_to), own, *rows])
    return f"{bill_on.isoformat()}-{hashlib.sha256(content.encode()).hexdigest()[:24]}"
