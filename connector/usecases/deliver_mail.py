"""Send the mail that is owed: prepare and commit, hand over outside of every transaction, record and commit.

Any number of processes may do this at once. A mail goes out at least once: whoever dies between handing it over and
writing that down leaves it uncertain, and it is sent again under the same Message-ID. Each attempt has a link of its
own, because a token is kept nowhere; the link of an attempt that surely failed is ended.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from connector.documents.mail import Head, Letter, write_mail
from connector.domain.delivery import (
    AddressRefused,
    DeliveryEvent,
    DeliveryState,
    delivery_after,
    mail_address,
    message_id_of,
)
from connector.domain.fulfilment import retry_wait
from connector.domain.languages import language_of
from connector.domain.review import Actor
from connector.errors import ConnectorError, Misconfigured, Refused, Uncertain
from connector.logs import log
from connector.ports import Clock
from connector.ports_mail import MailPost
from connector.store import audit, deliveries, hosted_links
from connector.store.artifacts import ArtifactKind, ArtifactState, load_artifacts, load_states
from connector.store.deliveries import Delivery
from connector.store.invoices import load_document
from connector.store.issued import load_issued
from connector.store.reminders import Letter as Reminder
from connector.store.unit_of_work import Database, UnitOfWork
from connector.usecases.mail_reminder import NOT_NEEDED, reminder_message, settle_letter, still_owed
from connector.usecases.open_file import file_name
from connector.usecases.share_invoice import Shared, share_in

# Longer than a mail server may take over one mail; a sender that died holds its mail up for so long.
_CLAIM = timedelta(minutes=15)
_WAIT_FOR_PDF = timedelta(seconds=5)
_SYSTEM = Actor("countersign", "")
_SENT = "mail_sent"


@dataclass(frozen=True, slots=True)
class Postman:
    """What sending needs. `base_url` begins every link; `largest_attachment` is in bytes."""

    database: Database
    clock: Clock
    post: MailPost
    base_url: str
    largest_attachment: int = 8_000_000


@dataclass(frozen=True, slots=True)
class Delivered:
    """How many mails were sent, are tried again, failed for good, and were not needed any more."""

    sent: int = 0
    retrying: int = 0
    failed: int = 0
    cancelled: int = 0


@dataclass(frozen=True, slots=True)
class _Prepared:
    """A mail that is ours to send now, with its link; `reminder` when it is one, as it may leave now."""

    delivery: Delivery
    shared: Shared
    reminder: Reminder | None


def deliver_mail(*, postman: Postman, limit: int = 20) -> Delivered:
    """Send up to so many mails that are due; answers what came of it."""
    found: dict[str, int] = {"sent": 0, "retrying": 0, "failed": 0, "cancelled": 0}
    for _ in range(limit):
        outcome = _deliver_one(postman)
        if outcome is None:
            break
        if outcome in found:
            found[outcome] += 1
    return Delivered(**found)


def _deliver_one(postman: Postman) -> str | None:
    """What became of the next mail; None when none is due."""
    prepared = _prepare(postman)
    if prepared is None or isinstance(prepared, str):
        return prepared
    delivery = prepared.delivery
    try:
        message = _message(postman, prepared)
        said = postman.post.send(
            recipient=mail_address(delivery.recipient), message=message, name=f"delivery-{delivery.id}"
        )
    except Exception as error:  # noqa: BLE001 - one mail that cannot be sent holds up no other; its row says why
        return _record_failure(postman, delivery, error)
    return _record_sent(postman, delivery, said)


def _prepare(postman: Postman) -> _Prepared | str | None:
    """The next mail with its link, ours for a while; a word when it is not to be sent now."""
    now = postman.clock.now()
    with postman.database.unit_of_work() as work:
        delivery = deliveries.claim(work=work, now=now, until=now + _CLAIM)
        if delivery is None:
            return None
        ready = _ready(work, delivery, now)
        prepared = _begin(work, postman, ready, now) if isinstance(ready, Delivery) else ready
        work.commit()
    return prepared


def _ready(work: UnitOfWork, delivery: Delivery, now: datetime) -> Delivery | str:
    """The mail when it can be sent, or why not."""
    try:
        mail_address(delivery.recipient)
    except AddressRefused as error:
        _save_refused(work, delivery, error, now)
        return "failed"
    if delivery.state is DeliveryState.SENDING:
        lost = deliveries.move(
            work=work, delivery=delivery, event=DeliveryEvent.LOSE, now=now, losses=delivery.losses + 1
        )  # fmt: skip
        log.warning("mail_lost", delivery_id=delivery.id, losses=delivery.losses + 1)
        return lost or "taken"
    if delivery.letter_id is not None:
        return delivery
    states = load_states(connection=work.connection, invoice_id=delivery.invoice_id)
    if states.get(ArtifactKind.PDF) is not ArtifactState.MADE:
        deliveries.save_wait(
            work=work,
            delivery=delivery,
            code="WAITS_FOR_PDF",
            message="The PDF is being prepared.",
            until=now + _WAIT_FOR_PDF,
            now=now,
        )
        return "waiting"
    return delivery


def _begin(work: UnitOfWork, postman: Postman, delivery: Delivery, now: datetime) -> _Prepared | str:
    reminder = None
    if delivery.letter_id is not None:
        reminder = still_owed(work=work, letter_id=delivery.letter_id, today=now.date())
        if reminder is None:
            return _cancel(work, delivery, delivery.letter_id, now)
    invoice_id = reminder.lines[0].invoice_id if reminder else delivery.invoice_id
    shared = share_in(work=work, now=now, invoice_id=invoice_id, label=delivery.recipient, actor=_SYSTEM)
    begun = deliveries.move(
        work=work,
        delivery=delivery,
        event=DeliveryEvent.SEND,
        now=now,
        attempts=delivery.attempts + 1,
        link_id=shared.link_id,
        message_id=message_id_of(delivery_id=delivery.id, sender=postman.post.sender),
    )
    return _Prepared(begun, shared, reminder) if begun is not None else "taken"


def _cancel(work: UnitOfWork, delivery: Delivery, letter_id: int, now: datetime) -> str:
    """End a mail that reminds of nothing any more."""
    told = f"{NOT_NEEDED} An earlier attempt may have arrived." if delivery.losses else NOT_NEEDED
    values = {"not_before": None, "code": "NOT_NEEDED", "message": told, "owner": ""}
    deliveries.move(work=work, delivery=delivery, event=DeliveryEvent.CANCEL, now=now, **values)
    settle_letter(work=work, letter_id=letter_id, now=now)
    return "cancelled"


def _message(postman: Postman, prepared: _Prepared) -> bytes:
    delivery, shared, url = prepared.delivery, prepared.shared, f"{postman.base_url}/invoice/{prepared.shared.token}"
    with postman.database.reading() as connection:
        frozen = load_issued(connection=connection, invoice_id=delivery.invoice_id)
        files = load_artifacts(connection=connection, invoice_id=delivery.invoice_id)
    head = _head(postman, delivery, frozen.view.seller.email)
    if prepared.reminder is not None:
        return reminder_message(database=postman.database, letter=prepared.reminder, head=head, url=url,
                                expires_at=shared.expires_at)  # fmt: skip
    pdf = files[ArtifactKind.PDF].content
    return write_mail(
        Letter(
            head=head,
            view=frozen.view,
            url=url,
            expires_at=shared.expires_at,
            pdf=pdf if len(pdf) <= postman.largest_attachment else b"",
            pdf_name=file_name(frozen.number, ArtifactKind.PDF),
            language=language_of(frozen.view.buyer.address.country),
        )
    )


def _head(postman: Postman, delivery: Delivery, reply_to: str) -> Head:
    recipient = mail_address(delivery.recipient)
    return Head(delivery.message_id, postman.post.sender, recipient, _reply_to(reply_to), postman.clock.now())


def _reply_to(address: str) -> str:
    """The seller's own address; one that is none is left out, since it only helps."""
    try:
        return mail_address(address) if address else ""
    except AddressRefused:
        log.warning("reply_to_left_out", address=address[:80])
        return ""


def _record_sent(postman: Postman, delivery: Delivery, said: str) -> str:
    now = postman.clock.now()
    with postman.database.unit_of_work() as work:
        sent = deliveries.move(
            work=work,
            delivery=delivery,
            event=DeliveryEvent.ACCEPT,
            now=now,
            sent_at=now,
            not_before=None,
            code="",
            message=said,
            owner="",
        )
        if sent is not None:
            _settle(work, delivery, now)
            document = load_document(connection=work.connection, invoice_id=delivery.invoice_id)
            audit.append(
                work=work,
                chain=audit.chain_of(document.legal_entity),
                at=now,
                actor=_SYSTEM.name,
                subject_id=delivery.invoice_id,
                event=_SENT,
                data={
                    "delivery": delivery.id,
                    "recipient": delivery.recipient,
                    "message_id": delivery.message_id,
                    "link": delivery.link_id,
                    "attempt": delivery.attempts,
                    **({"reminder": delivery.letter_id} if delivery.letter_id is not None else {}),
                },
            )
        work.commit()
    if sent is None:
        log.warning("mail_overtaken", delivery_id=delivery.id)
    return "sent"


def _record_failure(postman: Postman, delivery: Delivery, error: Exception) -> str:
    """Keep why, and when it is tried again; a link that surely reached nobody is ended."""
    told = error if isinstance(error, ConnectorError) else _unexpected(delivery, error)
    now = postman.clock.now()
    pause = retry_wait(attempt=delivery.attempts, asked=getattr(told, "retry_after", 0))
    is_over = pause is None and not isinstance(told, Misconfigured | Uncertain)
    is_final = isinstance(told, Refused) or is_over
    event = DeliveryEvent.REFUSE if is_final else DeliveryEvent.DEFER
    if isinstance(told, Uncertain):
        event = DeliveryEvent.LOSE
    with postman.database.unit_of_work() as work:
        deliveries.move(
            work=work,
            delivery=delivery,
            event=event,
            now=now,
            not_before=None if is_final else now + timedelta(seconds=pause or _longest_wait()),
            code=told.code,
            message=f"{told} {told.fix}".strip(),
            owner=_owner_of(told, is_final=is_final),
            losses=delivery.losses + isinstance(told, Uncertain),
        )
        if event is not DeliveryEvent.LOSE and delivery.link_id is not None:
            hosted_links.revoke(work=work, link_id=delivery.link_id, now=now)
        _settle(work, delivery, now)
        work.commit()
    _log_failure(delivery, told)
    return delivery_after(delivery.state, event).value


def _save_refused(work: UnitOfWork, delivery: Delivery, error: AddressRefused, now: datetime) -> None:
    deliveries.move(
        work=work,
        delivery=delivery,
        event=DeliveryEvent.REFUSE,
        now=now,
        not_before=None,
        code=error.code,
        message=f"{error} {error.fix}",
        owner=error.owner,
    )
    _settle(work, delivery, now)


def _settle(work: UnitOfWork, delivery: Delivery, now: datetime) -> None:
    if delivery.letter_id is not None:
        settle_letter(work=work, letter_id=delivery.letter_id, now=now)


def _unexpected(delivery: Delivery, error: Exception) -> ConnectorError:
    log.error("mail_broken", delivery_id=delivery.id, exc_info=error)
    return ConnectorError(
        f"{type(error).__name__} while the mail was made.",
        code="MAIL_BROKEN",
        fix="The log has the details; it is tried again by itself.",
    )


def _owner_of(told: ConnectorError, *, is_final: bool) -> str:
    if isinstance(told, Refused | Misconfigured):
        return told.owner
    return "operator" if is_final else "nobody"


def _longest_wait() -> int:
    """After three days a mail waits so long each time: for settings to be mended, or for a server that breaks off."""
    return 4 * 3600


def _log_failure(delivery: Delivery, told: ConnectorError) -> None:
    told_by = log.error if isinstance(told, Misconfigured) else log.warning
    told_by("mail_not_sent", delivery_id=delivery.id, attempt=delivery.attempts, code=told.code)
