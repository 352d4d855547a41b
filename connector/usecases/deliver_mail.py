"""Send the mail that is owed: prepare and commit, hand over outside of every transaction, record and commit.

Any number of processes may do this at once. A mail goes out at least once: whoever dies between handing it over and
writing that down leaves it uncertain, and it is sent again under the same Message-ID. Each attempt has a link of its
own, because a token is kept nowhere; the link of an attempt that surely failed is ended.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from connector.documents.mail import Letter, write_mail
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
from connector.store.unit_of_work import Database, UnitOfWork
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
    """How many mails were sent, are tried again, and failed for good."""

    sent: int = 0
    retrying: int = 0
    failed: int = 0


def deliver_mail(*, postman: Postman, limit: int = 20) -> Delivered:
    """Send up to so many mails that are due; answers what came of it."""
    found: dict[str, int] = {"sent": 0, "retrying": 0, "failed": 0}
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
    delivery, shared = prepared
    try:
        message = _message(postman, delivery, shared)
        said = postman.post.send(
            recipient=mail_address(delivery.recipient), message=message, name=f"delivery-{delivery.id}"
        )
    except Exception as error:  # noqa: BLE001 - one mail that cannot be sent holds up no other; its row says why
        return _record_failure(postman, delivery, error)
    return _record_sent(postman, delivery, said)


def _prepare(postman: Postman) -> tuple[Delivery, Shared] | str | None:
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


def _begin(work: UnitOfWork, postman: Postman, delivery: Delivery, now: datetime) -> tuple[Delivery, Shared] | str:
    shared = share_in(
        work=work, now=now, invoice_id=delivery.invoice_id, label=delivery.recipient, actor=_SYSTEM
    )  # fmt: skip
    begun = deliveries.move(
        work=work,
        delivery=delivery,
        event=DeliveryEvent.SEND,
        now=now,
        attempts=delivery.attempts + 1,
        link_id=shared.link_id,
        message_id=message_id_of(delivery_id=delivery.id, sender=postman.post.sender),
    )
    return (begun, shared) if begun is not None else "taken"


def _message(postman: Postman, delivery: Delivery, shared: Shared) -> bytes:
    with postman.database.reading() as connection:
        frozen = load_issued(connection=connection, invoice_id=delivery.invoice_id)
        pdf = load_artifacts(connection=connection, invoice_id=delivery.invoice_id)[ArtifactKind.PDF].content
    return write_mail(
        Letter(
            message_id=delivery.message_id,
            sender=postman.post.sender,
            recipient=mail_address(delivery.recipient),
            reply_to=_reply_to(frozen.view.seller.email),
            view=frozen.view,
            url=f"{postman.base_url}/invoice/{shared.token}",
            expires_at=shared.expires_at,
            sent_at=postman.clock.now(),
            pdf=pdf if len(pdf) <= postman.largest_attachment else b"",
            pdf_name=file_name(frozen.number, ArtifactKind.PDF),
            language=language_of(frozen.view.buyer.address.country),
        )
    )


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
