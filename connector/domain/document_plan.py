"""Which documents of a contract are still to come, beside those that exist: the schedule as people look at it.

Exists so that pages, API and preview show what a billing run will make, by the functions that make it. Usage that
nobody has read yet is no document of a run; here it has its place as an estimate. It must not tax or store anything.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from connector.domain.charges import UsageReadings
from connector.domain.contract_terms import COMMITTED_KINDS, BillTo, Charge, Contract
from connector.domain.invoice_drafts import Billed, DocumentKind, InvoiceDraft, InvoiceItem, draft_of, item_of
from connector.domain.invoicing import draft_invoices, preview_invoices
from connector.domain.money import Money, total
from connector.domain.schedule import schedule


@dataclass(frozen=True, slots=True)
class ScheduleCheck:
    """What documents hold and will hold of the committed value, beside the value of the contract."""

    scheduled: Money
    value: Money

    @property
    def difference(self) -> Money:
        """What the schedule has more than the contract is worth; zero when they agree."""
        return self.scheduled - self.value

    @property
    def agrees(self) -> bool:
        """Whether they are the same to the cent."""
        return not self.difference.amount


def documents_to_come(
    *, contract: Contract, as_of: date, billed: Sequence[Billed] = (), usage: UsageReadings | None = None
) -> tuple[InvoiceDraft, ...]:
    """The documents of one contract that billing runs from `as_of` on will make beyond `billed`."""
    return documents_of_all(contracts=[contract], as_of=as_of, billed=billed, usage=usage)


def documents_of_all(
    *, contracts: Sequence[Contract], as_of: date, billed: Sequence[Billed] = (), usage: UsageReadings | None = None
) -> tuple[InvoiceDraft, ...]:
    """The documents that billing runs from `as_of` on will make beyond `billed`, by date; estimates are marked.

    The contracts of one customer together share documents, as in a run.

    What is due already comes with the corrections that the next run finds. With nothing billed and `as_of` before the
    first bill date it is exactly the preview, and the usage that it leaves out. Raises Refused when a line cannot be
    priced.
    """
    today = max([as_of, *(entry.bill_on for entry in billed)])
    known = {entry.charge_key for entry in billed}
    due = draft_invoices(contracts=contracts, as_of=today, billed=billed, usage=usage).drafts
    later = [
        document
        for draft in preview_invoices(contracts=contracts, usage=usage)
        if draft.bill_on > today and (document := _without(draft, known)) is not None
    ]
    shown = {item.charge_key for draft in (*due, *later) for item in draft.items}
    unread = [
        (contract, charge)
        for contract in contracts
        for charge in schedule(contract=contract, usage=usage)
        if charge.is_estimate and charge.key not in known | shown
    ]
    # Within a day, the sequence of the run.
    return tuple(sorted((*due, *later, *_estimates(unread)), key=lambda draft: draft.bill_on))


def check_schedule(*, items: Iterable[InvoiceItem], value: Money) -> ScheduleCheck:
    """All items of a contract, of documents that exist and that will come, against what it is worth."""
    amounts = (item.amount.amount for item in items if item.kind in COMMITTED_KINDS)
    return ScheduleCheck(Money(sum(amounts, Decimal(0)), value.currency), value)


def _without(draft: InvoiceDraft, known: set[str]) -> InvoiceDraft | None:
    """The document less what is billed already, None when nothing is left of it."""
    items = tuple(item for item in draft.items if item.charge_key not in known)
    if not items:
        return None
    net = total((item.amount for item in items), currency=draft.bill_to.currency)
    kind = DocumentKind.CREDIT_NOTE if net.amount < 0 else DocumentKind.INVOICE
    return replace(draft, items=items, net=net, kind=kind)


def _estimates(charges: Sequence[tuple[Contract, Charge]]) -> list[InvoiceDraft]:
    """Usage that stands on no other document, as documents of its own."""
    groups: dict[tuple[date, BillTo], list[InvoiceItem]] = {}
    for contract, charge in charges:
        item = item_of(contract_ref=contract.ref, charge=charge)
        groups.setdefault((charge.bill_on, charge.line.bill_to), []).append(item)
    return [draft_of(bill_to=bill_to, bill_on=bill_on, items=items) for (bill_on, bill_to), items in groups.items()]
