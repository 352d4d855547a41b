"""One reminder as a mail: what it may still ask for in the moment of sending, who gets it, and what became of it.

Exists so that the sender of mail knows nothing of debts. A reminder is looked at after its mail was taken for sending
and before anything leaves; what is not owed any more is left out, and a letter without invoices is cancelled. It must
not send anything itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime

from connector.documents.mail import Head
from connector.documents.reminder_mail import Reminded, ReminderMail, write_reminder
from connector.domain.delivery import PENDING, DeliveryState
from connector.domain.languages import language_of
from connector.domain.reminders import LetterEvent, LetterState, why_not
from connector.store import deliveries, reminders
from connector.store.deliveries import Delivery
from connector.store.invoices import load_document
from connector.store.issued import load_issued
from connector.store.open_items import load_issued_invoices
from connector.store.reminders import Letter, LetterLine
from connector.store.unit_of_work import Database, UnitOfWork

NOT_NEEDED = "Nothing in it is to be reminded of any more."
NO_ADDRESS = "There is no address to send it to: send the invoice to the right address, then release this again."
_SYSTEM = "countersign"
_UNREACHED = (DeliveryState.FAILED, DeliveryState.BOUNCED)


def owed_lines(*, work: UnitOfWork, letter: Letter, today: date) -> tuple[LetterLine, ...]:
    """The invoices of a letter that are still to be reminded of, each with what is open now."""
    ids = [line.invoice_id for line in letter.lines]
    debts = reminders.load_debt(connection=work.connection, invoice_ids=ids)
    return tuple(
        replace(line, open=debts[line.invoice_id].open)
        for line in letter.lines
        if line.invoice_id in debts and not why_not(debt=debts[line.invoice_id], today=today)
    )


def reminder_addresses(*, work: UnitOfWork, invoice_id: int) -> tuple[str, ...]:
    """Who is reminded of an invoice: those it was addressed to, less those whom no mail reached; if nobody is left,
    the one to whom a person sent it last with success.
    """
    mails = deliveries.list_deliveries(connection=work.connection, invoice_id=invoice_id)
    last = {mail.recipient: mail.state for mail in mails}
    wanted = load_document(connection=work.connection, invoice_id=invoice_id).recipients
    reached = tuple(one for one in dict.fromkeys(wanted) if last.get(one) not in _UNREACHED)
    others = [address for address, state in last.items() if address and state is DeliveryState.SENT]
    return reached or tuple(others[-1:])


def still_owed(*, work: UnitOfWork, letter_id: int, today: date) -> Letter | None:
    """The letter as it may leave now; None when there is nothing left to remind of, or a person cancelled it."""
    letter = reminders.lock_letter(work=work, letter_id=letter_id)
    if letter.state is not LetterState.SENDING:
        return None
    lines = owed_lines(work=work, letter=letter, today=today)
    return replace(letter, lines=lines) if lines else None


def settle_letter(*, work: UnitOfWork, letter_id: int, now: datetime) -> None:
    """Tell the letter what became of its mails, once the last of them has ended; before that nothing changes."""
    letter = reminders.lock_letter(work=work, letter_id=letter_id)
    mails = deliveries.load_reminder_mails(connection=work.connection, letter_ids=[letter_id]).get(letter_id, [])
    if letter.state is not LetterState.SENDING or any(mail.state in PENDING for mail in mails):
        return
    event, reason = _end_of(mails)
    reminders.move_letter(work=work, letter=letter, event=event, now=now, actor=_SYSTEM, reason=reason)


def reminder_message(*, database: Database, letter: Letter, head: Head, url: str, expires_at: datetime) -> bytes:
    """The mail of a letter, in the language of the customer; `url` opens its first invoice and the account."""
    ids = [line.invoice_id for line in letter.lines]
    with database.reading() as connection:
        view = load_issued(connection=connection, invoice_id=ids[0]).view
        references = load_issued_invoices(connection=connection, invoice_ids=ids)
    rows = tuple(
        Reminded(line.number, line.due_on, line.open, references[line.invoice_id].reference) for line in letter.lines
    )  # fmt: skip
    return write_reminder(
        ReminderMail(
            head=head,
            seller=view.seller,
            language=language_of(view.buyer.address.country),
            tone=letter.tone,
            rows=rows,
            url=url,
            expires_at=expires_at,
        )
    )


def _end_of(mails: Sequence[Delivery]) -> tuple[LetterEvent, str]:
    states = [mail.state for mail in mails]
    if DeliveryState.SENT in states:
        return LetterEvent.CONFIRM, ""
    if DeliveryState.CANCELLED in states:
        return LetterEvent.CANCEL, NOT_NEEDED
    return LetterEvent.FAIL, f"No mail of it could be delivered. {mails[-1].message if mails else NO_ADDRESS}"
