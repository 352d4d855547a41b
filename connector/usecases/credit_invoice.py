"""Lower an issued invoice, in full or by line: a credit note in its own series, with the tax of the rows it lowers.

Whoever asks for it approves it too; above the threshold it waits for a second person like any document. The open amount
of the invoice follows when the note is issued. What is credited is either gone (a favour) or owed again (the invoice
was wrong): then the next billing run drafts the difference.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal

from connector.domain.credit_notes import CreditRefused, creditable, draft_credit_note, full_credit_note
from connector.domain.credit_totals import credit_totals
from connector.domain.invoice_drafts import DocumentKind, InvoiceDraft, InvoiceItem, draft_of
from connector.domain.money import Money
from connector.domain.review import Actor, InvoiceState, refuse_unless_person
from connector.domain.tax import TaxTotals, tax_totals
from connector.domain.taxed_documents import TaxedDocument
from connector.errors import Fault, Refused
from connector.store import audit, credit_notes
from connector.store.billing import look_again
from connector.store.invoices import StoredDocument, lock_contracts, lock_document
from connector.store.issued import load_issued, number_of
from connector.store.unit_of_work import UnitOfWork
from connector.usecases.approve_invoice import approve_opened
from connector.usecases.review_desk import Decision, ReviewDesk, clean_text, entity_of, open_locked, record

_CREDIT = "credit"


class NotCreditable(Refused):
    """Only an issued invoice can be credited."""

    code = "NOT_CREDITABLE"
    owner = "finance"
    fix = "Void a draft instead; a credit note is mended by a new invoice."


def credit_invoice(
    *,
    desk: ReviewDesk,
    invoice_id: int,
    reason: str,
    actor: str,
    role: str,
    amounts: Mapping[int, Decimal] | None = None,
    is_owed_again: bool = False,
    request_key: str = "",
) -> Decision:
    """A credit note over an issued invoice; answers the decision about the note (its row, state, and number if issued).

    `amounts` are positive and net, by the position of the line; None credits everything that is left. The same request
    again (any text that the page or caller made once, such as for a double click) answers the same and does nothing.
    Raises NotFound, NotCreditable, CreditRefused, DecisionRefused, TextRefused.
    """
    said, decides = clean_text(reason, name="reason"), Actor(actor.strip(), role)
    refuse_unless_person(decides)
    with desk.database.unit_of_work() as work:
        lock_contracts(work=work, invoice_id=invoice_id)
        invoice = lock_document(work=work, invoice_id=invoice_id)
        _refuse(invoice)
        if request_key and (note_id := _asked_before(work, invoice_id, request_key)):
            return _repeated(work, desk, note_id)
        number = load_issued(connection=work.connection, invoice_id=invoice_id).number
        earlier = credit_notes.load_notes(connection=work.connection, invoice=invoice)
        today = entity_of(desk, invoice.legal_entity).today(desk.clock.now())
        draft = _draft(invoice, earlier, amounts, today, said, is_owed_again=is_owed_again)
        taxed = _taxed(desk, draft, invoice, earlier)
        note_id = credit_notes.insert_note(work=work, invoice=invoice, taxed=taxed, now=desk.clock.now())
        if is_owed_again:
            look_again(work=work, contract_ids=invoice.contract_ids, since=invoice.draft.bill_on)
        opened = open_locked(work=work, desk=desk, invoice_id=note_id)
        data: dict[str, object] = {
            "invoice": number,
            "credit_note": note_id,
            "net": taxed.totals.net.amount,
            "again": is_owed_again,
        }
        data["request"] = request_key
        for document in (invoice, opened.document):
            record(
                work=work,
                desk=desk,
                document=document,
                actor=decides,
                event=_CREDIT,
                after=document.state,
                reason=said,
                data=data,
            )
        decision = approve_opened(work=work, desk=desk, opened=opened, looked_at=opened.content.hash, actor=decides)
        work.commit()
    return decision


def _asked_before(work: UnitOfWork, invoice_id: int, request_key: str) -> int:
    """The row of the note that this very request made, 0 when it is new."""
    entries = audit.load_entries(connection=work.connection, subject_id=invoice_id)
    made = [entry.data["credit_note"] for entry in entries if entry.event == _CREDIT]
    asked = [entry.data["request"] for entry in entries if entry.event == _CREDIT]
    return made[asked.index(request_key)] if request_key in asked else 0


def _repeated(work: UnitOfWork, desk: ReviewDesk, note_id: int) -> Decision:
    opened = open_locked(work=work, desk=desk, invoice_id=note_id)
    number = number_of(connection=work.connection, invoice_id=note_id)
    return Decision(note_id, opened.document.state, opened.content.hash, number, is_repeated=True)


def _refuse(invoice: StoredDocument) -> None:
    if invoice.state is not InvoiceState.ISSUED:
        raise NotCreditable(f"{invoice.name} is {invoice.state.replace('_', ' ')}, not issued.")
    if invoice.kind is not DocumentKind.INVOICE:
        raise NotCreditable(f"{invoice.name} is a credit note itself.")


def _draft(
    invoice: StoredDocument,
    earlier: Sequence[StoredDocument],
    amounts: Mapping[int, Decimal] | None,
    today: date,
    reason: str,
    *,
    is_owed_again: bool,
) -> InvoiceDraft:
    draft = invoice.draft
    credited = [item for note in earlier for item in note.draft.items if item.amount.amount < 0]
    if amounts is None:
        if not any(creditable(item=item, credited=credited).amount > 0 for item in draft.items):
            raise CreditRefused([_fault(0, f"Nothing is left to be credited of {invoice.name}.")])
        note = full_credit_note(
            invoice=draft, document=draft.key, credited=credited, bill_on=today, reason=reason
        )  # fmt: skip
    else:
        by_key = _by_charge_key(draft, amounts)
        note = draft_credit_note(
            invoice=draft, document=draft.key, amounts=by_key, credited=credited, bill_on=today, reason=reason
        )
    items = [_counted(item, len(earlier) + 1, is_owed_again) for item in note.items]
    return replace(draft_of(bill_to=draft.bill_to, bill_on=today, items=items), lowers=note.lowers)


def _counted(item: InvoiceItem, count: int, is_owed_again: bool) -> InvoiceItem:
    """Two equal credits on one day are two; a favour is kept under a key that no schedule has, so it is not owed."""
    key = item.charge_key if is_owed_again else f"credited-{count}:{item.charge_key}"
    return replace(item, charge_key=key, correction=count)


def _by_charge_key(draft: InvoiceDraft, amounts: Mapping[int, Decimal]) -> dict[str, Money]:
    currency = draft.net.currency
    found: dict[str, Money] = {}
    faults = []
    for position, amount in amounts.items():
        if not 1 <= position <= len(draft.items):
            faults.append(_fault(position, f"The invoice has no line {position}."))
        elif not amount.is_finite() or Money(amount, currency).rounded().amount != amount:
            faults.append(_fault(position, f"{amount} is no amount in {currency}."))
        else:
            found[draft.items[position - 1].charge_key] = Money(amount, currency).rounded()
    if faults:
        raise CreditRefused(faults)
    return found


def _fault(position: int, message: str) -> Fault:
    fix = "Name the position of a line and an amount that its currency has."
    return Fault(CreditRefused.code, message, fix, "finance", field="amount", line=str(position))


def _taxed(
    desk: ReviewDesk, draft: InvoiceDraft, invoice: StoredDocument, earlier: Sequence[StoredDocument]
) -> TaxedDocument:
    """The note with the tax of the rows it lowers; the one that takes the rest takes the rest of the tax."""
    rows = zip(invoice.draft.items, invoice.taxed.taxes, strict=True)
    decided = {item.charge_key: tax for item, tax in rows}
    taxes = tuple(decided[item.reverses] for item in draft.items)
    items = [(item.amount, tax) for item, tax in zip(draft.items, taxes, strict=True)]
    totals: TaxTotals = tax_totals(
        items=items, currency=draft.net.currency, basis=desk.taxes.basis, rounding=desk.taxes.rounding
    )
    credited = [row for note in earlier if len(note.draft.lowers) == 1 for row in note.taxed.totals.rates]
    return TaxedDocument(
        draft, taxes, credit_totals(totals=totals, invoice=invoice.taxed.totals, credited=credited)
    )  # fmt: skip
