"""Issue a document: its number, its frozen content, its audit entry, the wishes for files and mail, in one transaction.

The last approval that is needed issues, so that nothing is ever approved and forgotten. Nothing outside is called and
nothing is rendered here: whoever issues next waits for this transaction. From here on the content never changes.
"""

from __future__ import annotations

from datetime import date

from connector.domain.invoice_drafts import DocumentKind
from connector.domain.legal_entities import LegalEntity
from connector.domain.review import Actor, InvoiceEvent
from connector.store import artifacts, deliveries, invoices, issued, ledger, numbering, open_items
from connector.store.artifacts import ArtifactKind
from connector.store.numbering import TakenNumber
from connector.store.unit_of_work import UnitOfWork
from connector.usecases.allocate_payment import release_surplus
from connector.usecases.review_desk import OpenedDocument, ReviewDesk, entity_of, record, text_of, view_of

FILES = (ArtifactKind.PDF, ArtifactKind.XML, ArtifactKind.HTML)


def issue(*, work: UnitOfWork, desk: ReviewDesk, opened: OpenedDocument, actor: Actor) -> TakenNumber:
    """Issue a locked document that was judged already. Raises IllegalTransition, NumberRefused."""
    document, now = opened.document, desk.clock.now()
    entity = entity_of(desk, document.legal_entity)
    after = invoices.move(work=work, document=document, event=InvoiceEvent.ISSUE)
    taken = numbering.take_number(work=work, entity=entity, kind=document.kind, on=entity.today(now))
    due_on = _due_on(opened, entity, taken.issued_on)
    view = view_of(
        document=document,
        entity=entity,
        lowered=opened.lowered,
        number=taken.number,
        issued_on=taken.issued_on,
        due_on=due_on,
    )
    content = text_of(document, view)
    issued.save_issued(
        work=work, invoice_id=document.id, taken=taken, content=content, actor=actor.name, now=now
    )  # fmt: skip
    invoices.save_due(work=work, invoice_id=document.id, due_on=due_on)
    if document.kind is DocumentKind.CREDIT_NOTE:
        _lower(work, desk, opened, taken)
    else:
        open_items.save_reference(work=work, invoice_id=document.id, number=taken.number)
    ledger.touch_customers(work=work, customers=[(document.org_id, document.draft.bill_to.customer_ref)])
    artifacts.want(work=work, invoice_id=document.id, kinds=FILES, now=now)
    deliveries.want(
        work=work, invoice_id=document.id, recipients=document.recipients, requested_by=actor.name, now=now
    )  # fmt: skip
    record(
        work=work,
        desk=desk,
        document=document,
        actor=actor,
        event=InvoiceEvent.ISSUE,
        after=after,
        data={"number": taken.number, "approved_hash": opened.content.hash, "content_hash": content.hash},
    )
    return taken


def _lower(work: UnitOfWork, desk: ReviewDesk, opened: OpenedDocument, taken: TakenNumber) -> None:
    """Take the credit off the invoices; what had been paid beyond is credit of the customer again."""
    issued.save_applications(
        work=work, credit_note_id=opened.document.id, credit=-opened.document.gross, lowered=opened.lowered
    )
    release_surplus(
        work=work,
        invoice_ids=[row.id for row in opened.lowered],
        on=taken.issued_on,
        now=desk.clock.now(),
        reason=f"{taken.number} lowered the invoice after it was paid.",
    )


def _due_on(opened: OpenedDocument, entity: LegalEntity, issued_on: date) -> date:
    """As the schedule has it, or counted from the day of issue; never before the document exists."""
    draft = opened.document.draft
    if draft.kind is DocumentKind.CREDIT_NOTE:
        return issued_on
    return entity.due_on(bill_on=draft.bill_on, issued_on=issued_on, net_days=draft.bill_to.payment_terms_days)
