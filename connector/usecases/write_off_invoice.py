"""Give up what is open on an invoice, in whole or in part, with a reason; and take that back.

A decision of a person with a name. The document itself never changes: where tax must be corrected, a credit note is
the way, not this.
"""

from __future__ import annotations

from decimal import Decimal

from connector.domain.money import Money
from connector.domain.payments import PaymentRefused, PostingKind, refuse_amount, write_off
from connector.domain.review import Actor, refuse_unless_person
from connector.errors import NotFound
from connector.store import ledger
from connector.store.issued import lock_all
from connector.store.ledger import NewPosting, load_postings
from connector.store.open_items import load_issued_invoices
from connector.store.payment_queue import wait_again
from connector.usecases.allocate_payment import take_back
from connector.usecases.cash_desk import CashDesk, record, refuse_unpayable
from connector.usecases.review_desk import clean_text

_INVOICE = "invoice"


def write_off_invoice(
    *, desk: CashDesk, invoice_id: int, amount: Decimal, reason: str, actor: str, role: str, request_key: str
) -> Money:
    """Give up so much of what is open; answers what is open then. The same request again does nothing.

    Raises NotFound, PaymentRefused, DecisionRefused, TextRefused.
    """
    decides, said = Actor(actor.strip(), role), clean_text(reason, name="reason")
    refuse_unless_person(decides)
    key = f"write-off/{invoice_id}/{request_key}"
    with desk.database.unit_of_work() as work:
        lock_all(work=work, invoice_ids=[invoice_id])
        found = load_issued_invoices(connection=work.connection, invoice_ids=[invoice_id])
        if invoice_id not in found:
            raise NotFound(f"There is no invoice {invoice_id}.")
        invoice = found[invoice_id]
        if key in {one.key for one in load_postings(connection=work.connection, invoice_id=invoice_id)}:
            return invoice.balance.open
        refuse_unpayable(invoice)
        money = Money(amount, invoice.currency)
        refuse_amount(money)
        if invoice.balance.open < money:
            raise PaymentRefused(
                f"{money} cannot be written off: {invoice.balance.open} is open on {invoice.name}.", code="TOO_MUCH"
            )
        on = desk.today(invoice.legal_entity)
        posting = write_off(invoice_id=invoice_id, amount=money)
        ledger.post(work=work, new=[NewPosting(key, posting, on, decides.name, said)], now=desk.clock.now())
        record(work=work, desk=desk, legal_entity=invoice.legal_entity, subject=_INVOICE, subject_id=invoice_id,
               actor=decides, event="write_off", reason=said,
               data={"amount": money.amount, "currency": money.currency})  # fmt: skip
        work.commit()
    return invoice.balance.open - money


def undo_write_off(*, desk: CashDesk, invoice_id: int, posting_id: int, reason: str, actor: str, role: str) -> None:
    """What was given up is owed again. Again does nothing. Raises NotFound, DecisionRefused, TextRefused."""
    decides, said = Actor(actor.strip(), role), clean_text(reason, name="reason")
    refuse_unless_person(decides)
    with desk.database.unit_of_work() as work:
        lock_all(work=work, invoice_ids=[invoice_id])
        found = load_postings(connection=work.connection, invoice_id=invoice_id)
        wanted = [one for one in found if one.id == posting_id and one.posting.kind is PostingKind.WRITE_OFF]
        if not wanted:
            raise NotFound(f"Invoice {invoice_id} has no write-off {posting_id}.")
        entity = load_issued_invoices(connection=work.connection, invoice_ids=[invoice_id])[invoice_id].legal_entity
        if take_back(work=work, postings=wanted, on=desk.today(entity), now=desk.clock.now(), actor=decides.name,
                     reason=said):  # fmt: skip
            record(work=work, desk=desk, legal_entity=entity, subject=_INVOICE, subject_id=invoice_id, actor=decides,
                   event="undo_write_off", reason=said, data={"posting": posting_id})  # fmt: skip
            wait_again(work=work, invoice_ids=[invoice_id], now=desk.clock.now())
        work.commit()
