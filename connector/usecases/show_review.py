"""Everything that a person sees of one document in review: what the customer will see, and the evidence beside it.

Reads only, and shows what there is: a schedule that cannot be calculated is told, and the rest is shown all the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from connector.documents.html import document_styles, render_fragment
from connector.domain.contract_terms import Charge
from connector.domain.contracts import build_contract
from connector.domain.credit_notes import creditable
from connector.domain.documents import DocumentView
from connector.domain.invoice_drafts import DocumentKind
from connector.domain.languages import language_of
from connector.domain.line_evidence import GoneLine, LineEvidence, gone_lines, line_evidence
from connector.domain.money import Money
from connector.domain.review import NOT_BILLED, Approval, InvoiceState, needs_second
from connector.domain.review_findings import Finding
from connector.domain.schedule import schedule
from connector.errors import ConnectorError, NotFound, Unavailable
from connector.store import audit, credit_notes, queries_evidence, queries_invoices
from connector.store.audit import AuditRow
from connector.store.contract_documents import load_usage
from connector.store.contract_orders import load_orders_of
from connector.store.invoices import StoredDocument
from connector.store.issued import load_issued, number_of, open_amount
from connector.store.queries_evidence import LastDocument
from connector.store.queries_invoices import InvoiceDetail
from connector.store.unit_of_work import UnitOfWork
from connector.usecases.review_desk import OpenedDocument, ReviewDesk, holding_approvals, look

# More lines than these are not credited one by one on a page.
MOST_CREDIT_LINES = 200


@dataclass(frozen=True, slots=True)
class CreditRow:
    """A credit note over an invoice: its row, number (empty until issued), state, and the gross that it takes off."""

    id: int
    number: str
    state: InvoiceState
    amount: Money


@dataclass(frozen=True, slots=True)
class CreditLine:
    """A line of an issued invoice and what is left to be credited of it, net."""

    position: int
    description: str
    left: Money


@dataclass(frozen=True, slots=True)
class IssuedFacts:
    """What is known of an issued document: number, open amount, credit notes over it, and what can be credited."""

    number: str
    issued_by: str
    open: Money
    credits: tuple[CreditRow, ...]
    lines: tuple[CreditLine, ...]


@dataclass(frozen=True, slots=True)
class ReviewShown:
    """One document in review.

    `content_hash` is what a decision names. `problems` say, by contract, why its schedule cannot be calculated.
    `approvals` are those that hold. `facts` are there once it is issued.
    """

    detail: InvoiceDetail
    opened: OpenedDocument
    content_hash: str
    findings: tuple[Finding, ...]
    evidence: tuple[LineEvidence, ...]
    gone: tuple[GoneLine, ...]
    last: LastDocument | None
    problems: Mapping[str, str]
    approvals: tuple[Approval, ...]
    history: tuple[AuditRow, ...]
    needs_second: bool
    facts: IssuedFacts | None

    @property
    def state(self) -> InvoiceState:
        """How far the document is."""
        return self.opened.document.state

    @property
    def change(self) -> Money | None:
        """By how much its net differs from that of the document before; None when there was none."""
        last = self.last
        return None if last is None else self.opened.document.taxed.totals.net - last.document.taxed.totals.net

    @property
    def different_lines(self) -> int:
        """How many lines are not as the schedule says."""
        return sum(line.is_different for line in self.evidence)


def show_review(*, desk: ReviewDesk, invoice_id: int) -> ReviewShown:
    """The document with all evidence. Raises NotFound."""
    found = look(desk=desk, invoice_ids=[invoice_id]).get(invoice_id)
    if found is None:
        raise NotFound(f"There is no document {invoice_id}.")
    with desk.database.looking() as work:
        detail = queries_invoices.load_invoice(connection=work.connection, invoice_id=invoice_id)
        if detail is None:
            raise NotFound(f"There is no document {invoice_id}.")
        charges, problems = _schedules(work, found)
        last = queries_evidence.load_last(connection=work.connection, document=found.document)
        evidence = _evidence(work, found, charges, last)
        history = tuple(audit.load_entries(connection=work.connection, subject_id=invoice_id))
        facts = _facts(work, found) if found.document.state is InvoiceState.ISSUED else None
        issued = load_issued(connection=work.connection, invoice_id=invoice_id) if facts else None
    is_waiting = facts is None and found.document.state not in NOT_BILLED
    items = found.document.draft.items
    is_compared = is_waiting and last is not None and found.document.kind is DocumentKind.INVOICE
    return ReviewShown(
        detail=detail,
        opened=found,
        content_hash=issued.content_hash if issued else found.content.hash,
        findings=found.findings if is_waiting else (),
        evidence=evidence,
        gone=gone_lines(items=items, last=last.document.draft.items) if is_compared and last else (),
        last=last if found.document.kind is DocumentKind.INVOICE else None,
        problems=problems,
        approvals=_holding(found, history),
        history=tuple(reversed(history)),
        needs_second=needs_second(rules=desk.rules, gross=found.document.gross),
        facts=facts,
    )


def render_document(*, desk: ReviewDesk, invoice_id: int) -> tuple[str, str]:
    """(document as HTML, its language) as the customer will see it, or as it was issued. Raises NotFound."""
    view = _view(desk, invoice_id)
    language = language_of(view.buyer.address.country)
    return render_fragment(view=view, language=language), language


def styles() -> str:
    """The style sheet of the document."""
    return document_styles()


def _view(desk: ReviewDesk, invoice_id: int) -> DocumentView:
    with desk.database.reading() as connection:
        if number_of(connection=connection, invoice_id=invoice_id):
            return load_issued(connection=connection, invoice_id=invoice_id).view
    found = look(desk=desk, invoice_ids=[invoice_id]).get(invoice_id)
    if found is None:
        raise NotFound(f"There is no document {invoice_id}.")
    return found.view


def _holding(opened: OpenedDocument, history: tuple[AuditRow, ...]) -> tuple[Approval, ...]:
    """The approvals of what the document says now, while it waits for another one."""
    if opened.document.state is not InvoiceState.APPROVED:
        return ()
    return tuple(one for one in holding_approvals(history) if one.content_hash == opened.content.hash)


def _schedules(
    work: UnitOfWork, opened: OpenedDocument
) -> tuple[dict[str, Mapping[str, Charge] | None], dict[str, str]]:
    """The charges of each contract by key, and why there are none where there are none."""
    found: dict[str, Mapping[str, Charge] | None] = {}
    problems: dict[str, str] = {}
    ids = opened.document.contract_ids
    signed = load_orders_of(connection=work.connection, contract_ids=ids)
    # In the order of the items, as the ids are.
    numbers = dict.fromkeys(item.contract_ref for item in opened.document.draft.items)
    for contract_id, number in zip(ids, numbers, strict=True):
        usage = load_usage(connection=work.connection, contract_id=contract_id)
        own = signed[contract_id]
        try:
            contract = build_contract(orders=own.terms, undone=own.undone)
            found[number] = {charge.key: charge for charge in schedule(contract=contract, usage=usage)}
        except Unavailable:
            raise
        except ConnectorError as error:
            found[number], problems[number] = None, f"{error} {error.fix}".strip()
    return found, problems


def _evidence(
    work: UnitOfWork,
    opened: OpenedDocument,
    charges: Mapping[str, Mapping[str, Charge] | None],
    last: LastDocument | None,
) -> tuple[LineEvidence, ...]:
    document = opened.document
    items = document.draft.items
    keys = list(dict.fromkeys(item.charge_key for item in items))
    return line_evidence(
        items=items,
        charges=charges,
        elsewhere=queries_evidence.held_elsewhere(connection=work.connection, document=document, charge_keys=keys),
        last=None if last is None else last.document.draft.items,
        readings=queries_evidence.load_readings(connection=work.connection, contract_ids=document.contract_ids),
    )


def _facts(work: UnitOfWork, opened: OpenedDocument) -> IssuedFacts:
    document = opened.document
    issued = load_issued(connection=work.connection, invoice_id=document.id)
    is_invoice = document.kind is DocumentKind.INVOICE
    zero = Money.zero(document.gross.currency)
    notes = credit_notes.load_notes(connection=work.connection, invoice=document) if is_invoice else []
    return IssuedFacts(
        number=issued.number,
        issued_by=issued.issued_by,
        open=open_amount(connection=work.connection, invoice_id=document.id) if is_invoice else zero,
        credits=tuple(_credit(work, note) for note in notes),
        lines=_credit_lines(document, notes) if is_invoice else (),
    )


def _credit(work: UnitOfWork, note: StoredDocument) -> CreditRow:
    number = number_of(connection=work.connection, invoice_id=note.id)
    return CreditRow(note.id, number, note.state, Money(abs(note.gross.amount), note.gross.currency).rounded())


def _credit_lines(invoice: StoredDocument, notes: Sequence[StoredDocument]) -> tuple[CreditLine, ...]:
    """What is left of each line, those with nothing left out; none of a document with very many lines."""
    items = invoice.draft.items
    if len(items) > MOST_CREDIT_LINES:
        return ()
    credited = [item for note in notes for item in note.draft.items if item.amount.amount < 0]
    left = [creditable(item=item, credited=credited) for item in items]
    return tuple(
        CreditLine(position, item.description, amount)
        for position, (item, amount) in enumerate(zip(items, left, strict=True), start=1)
        if amount.amount > Decimal(0)
    )
