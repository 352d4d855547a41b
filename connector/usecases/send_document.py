"""Sending by people: a document again or to another address, and word of a mail that came back.

Exists so that whatever a person does about a mail is in the audit log with their name. Nothing is sent here; the job
that sends finds what is owed.
"""

from __future__ import annotations

from dataclasses import dataclass

from connector.domain.bounces import BounceReport, read_report
from connector.domain.delivery import DeliveryEvent, DeliveryState, mail_address
from connector.domain.review import Actor, InvoiceState
from connector.errors import NotFound
from connector.ports import Clock
from connector.store import artifacts, audit, deliveries
from connector.store.deliveries import Delivery
from connector.store.invoices import load_document, lock_document
from connector.store.issued import load_issued
from connector.store.unit_of_work import Database, UnitOfWork
from connector.usecases.review_desk import clean_text

_SEND, _BOUNCE, _FILES = "send_again", "mail_bounced", "make_files_again"


@dataclass(frozen=True, slots=True)
class Wanted:
    """The row of a mail that somebody wants, and whether it is new: one on its way is only hurried."""

    delivery_id: int
    is_new: bool


def send_again(*, database: Database, clock: Clock, invoice_id: int, recipient: str, actor: Actor) -> Wanted:
    """Have an issued document sent to that address. Raises NotFound, AddressRefused."""
    address = recipient.strip()
    mail_address(address)
    now = clock.now()
    with database.unit_of_work() as work:
        document = lock_document(work=work, invoice_id=invoice_id)
        if document.state is not InvoiceState.ISSUED:
            raise NotFound(f"There is no issued invoice or credit note {invoice_id}.")
        delivery_id, is_new = deliveries.want_again(
            work=work, invoice_id=invoice_id, recipient=address, requested_by=actor.name, now=now
        )
        if is_new:
            _record(work, clock, invoice_id, actor, _SEND, "", {"delivery": delivery_id, "recipient": address})
        work.commit()
    return Wanted(delivery_id, is_new)


def record_bounce(*, database: Database, clock: Clock, delivery_id: int, reason: str, actor: Actor) -> Delivery:
    """A mail came back. The same word twice is one. Raises NotFound, TextRefused, IllegalTransition."""
    said = clean_text(reason, name="reason")
    with database.unit_of_work() as work:
        delivery = deliveries.load_delivery(connection=work.connection, delivery_id=delivery_id)
        if delivery is None:
            raise NotFound(f"There is no mail {delivery_id}.")
        if delivery.state is DeliveryState.BOUNCED:
            return delivery
        lock_document(work=work, invoice_id=delivery.invoice_id)
        bounced = deliveries.move(
            work=work,
            delivery=delivery,
            event=DeliveryEvent.BOUNCE,
            now=clock.now(),
            not_before=None,
            code="BOUNCED",
            message=f"It came back: {said} Correct the address on the account and send the document again.",
            owner="finance",
        )
        if bounced is None:
            raise NotFound(f"The mail {delivery_id} has just changed; look again.")
        data = {"delivery": delivery_id, "recipient": delivery.recipient}
        _record(work, clock, delivery.invoice_id, actor, _BOUNCE, said, data)
        work.commit()
    return bounced


def receive_report(*, database: Database, clock: Clock, content: bytes, actor: Actor) -> tuple[BounceReport, bool]:
    """A report of a mail system about a mail of ours; answers it and whether it told of a final failure.

    A report of a delay changes nothing. Raises ReportRefused, and what `record_bounce` raises.
    """
    report = read_report(content)
    if not report.is_final:
        return report, False
    reason = " ".join(text for text in (report.status, report.reason) if text) or "no reason was given"
    record_bounce(
        database=database, clock=clock, delivery_id=report.delivery_id, reason=reason.rstrip(".") + ".", actor=actor
    )
    return report, True


def make_files_again(*, database: Database, clock: Clock, invoice_id: int, actor: Actor) -> int:
    """Have files that failed or were refused made again now; answers how many. Raises NotFound."""
    with database.unit_of_work() as work:
        load_issued(connection=work.connection, invoice_id=invoice_id)
        count = artifacts.make_again_now(work=work, invoice_id=invoice_id)
        if count:
            _record(work, clock, invoice_id, actor, _FILES, "", {"files": count})
        work.commit()
    return count


def list_mail(*, database: Database, invoice_id: int) -> tuple[Delivery, ...]:
    """All mails about a document, oldest first."""
    with database.reading() as connection:
        return deliveries.list_deliveries(connection=connection, invoice_id=invoice_id)


def _record(
    work: UnitOfWork, clock: Clock, invoice_id: int, actor: Actor, event: str, reason: str, data: dict[str, object]
) -> None:
    document = load_document(connection=work.connection, invoice_id=invoice_id)
    audit.append(
        work=work,
        chain=audit.chain_of(document.legal_entity),
        at=clock.now(),
        actor=actor.name,
        role=actor.role,
        subject_id=invoice_id,
        event=event,
        reason=reason,
        data=data,
    )
