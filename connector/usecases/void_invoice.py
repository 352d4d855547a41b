"""Void a document that has not left: what it held is owed again, and the next billing run drafts it from what is known.

For a draft that is wrong because something behind it was, such as a tax rule. An issued document is never voided: it
exists at the customer, and a credit note takes it back.
"""

from __future__ import annotations

from connector.domain.review import Actor, DecisionRefused, InvoiceEvent, InvoiceState, refuse_unless_person
from connector.store import invoices
from connector.store.billing import look_again
from connector.store.issued import number_of
from connector.usecases.review_desk import Decision, ReviewDesk, clean_text, open_locked, record
from connector.usecases.review_invoice import show_orders


def void_invoice(*, desk: ReviewDesk, invoice_id: int, reason: str, actor: str, role: str) -> Decision:
    """Void a draft, a held, an approved or a sent back document.

    Raises NotFound, DecisionRefused for one that is issued, IllegalTransition, TextRefused.
    """
    said, decides = clean_text(reason, name="reason"), Actor(actor.strip(), role)
    refuse_unless_person(decides)
    with desk.database.unit_of_work() as work:
        invoices.lock_contracts(work=work, invoice_id=invoice_id)
        opened = open_locked(work=work, desk=desk, invoice_id=invoice_id)
        document = opened.document
        if document.state is InvoiceState.ISSUED:
            number = number_of(connection=work.connection, invoice_id=invoice_id)
            raise DecisionRefused(
                f"{number} is issued and cannot be voided.", code="ISSUED", fix="Make a credit note for it."
            )
        after = invoices.move(work=work, document=document, event=InvoiceEvent.VOID)
        record(
            work=work, desk=desk, document=document, actor=decides, event=InvoiceEvent.VOID, after=after, reason=said
        )
        look_again(work=work, contract_ids=document.contract_ids, since=document.draft.bill_on)
        if document.state is InvoiceState.SENT_BACK:
            show_orders(work=work, desk=desk, opened=opened)
        work.commit()
    return Decision(invoice_id, after, opened.content.hash)
