"""Mail owed to customers as rows: wanted in the issuing transaction, taken by one sender at a time, told of for ever.

A row is one wish: this document to this recipient. A wish that ended stays as it ended; sending again is another row.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from connector.domain.delivery import PENDING, TO_SEND, DeliveryEvent, DeliveryState, delivery_after
from connector.store.inserting import insert_ignore
from connector.store.tables_delivery import deliveries
from connector.store.unit_of_work import UnitOfWork

NO_RECIPIENT = "NO_RECIPIENT"


@dataclass(frozen=True, slots=True)
class Delivery:
    """One mail. `attempts` counts sendings; `losses` how often nobody knew whether one had arrived.

    `recipient` is empty where a document had nobody to go to. `letter_id` is set when it is a reminder. `code`,
    `message` and `owner` say what is wrong.
    """

    id: int
    invoice_id: int
    letter_id: int | None
    recipient: str
    ordinal: int
    state: DeliveryState
    requested_by: str
    attempts: int
    losses: int
    not_before: datetime | None
    link_id: int | None
    message_id: str
    code: str
    message: str
    owner: str
    wanted_at: datetime
    sent_at: datetime | None
    changed_at: datetime


def want(*, work: UnitOfWork, invoice_id: int, recipients: Sequence[str], requested_by: str, now: datetime) -> None:
    """Have a document that was just issued sent to these people; the same again does nothing.

    A document without recipients gets a row that says so.
    """
    rows = [_row(invoice_id, one, 1, requested_by, now) for one in dict.fromkeys(recipients)]
    if not rows:
        nobody = _row(invoice_id, "", 1, requested_by, now)
        rows = [
            nobody
            | {
                "state": DeliveryState.FAILED.value,
                "code": NO_RECIPIENT,
                "message": "The document has nobody to be sent to: send it to an address, or share its link.",
                "owner": "finance",
            }
        ]
    work.execute(insert_ignore(work, deliveries), rows)


def want_again(
    *, work: UnitOfWork, invoice_id: int, recipient: str, requested_by: str, now: datetime
) -> tuple[int, bool]:
    """Have it sent to that address; answers the row and whether it is new: one that is on its way is only hurried.

    Lock the document before, so that two clicks are one mail.
    """
    c = deliveries.c
    own = (c.invoice_id == invoice_id) & (c.recipient == recipient)
    pending = own & c.letter_id.is_(None) & c.state.in_([state.value for state in PENDING])
    found = work.execute(sa.select(c.id, c.state).where(pending).order_by(c.id.desc()).limit(1)).one_or_none()
    if found is not None:
        if found.state != DeliveryState.SENDING:
            work.execute(deliveries.update().where(c.id == found.id).values(not_before=None, changed_at=now))
        return found.id, False
    values = _row(invoice_id, recipient, _next_ordinal(work, invoice_id, recipient), requested_by, now)
    made: int = work.execute(deliveries.insert().returning(c.id), values).scalar_one()
    return made, True


def want_reminder(
    *, work: UnitOfWork, letter_id: int, invoice_id: int, recipients: Sequence[str], requested_by: str, now: datetime
) -> None:
    """Have a reminder sent to these people: one mail each. Lock the letter and its invoice before."""
    for recipient in dict.fromkeys(recipients):
        ordinal = _next_ordinal(work, invoice_id, recipient)
        values = _row(invoice_id, recipient, ordinal, requested_by, now) | {"letter_id": letter_id}
        work.execute(deliveries.insert(), values)


def load_reminder_mails(*, connection: Connection, letter_ids: Sequence[int]) -> dict[int, list[Delivery]]:
    """The mails of these reminders by letter, oldest first."""
    query = sa.select(deliveries).where(deliveries.c.letter_id.in_(letter_ids)).order_by(deliveries.c.id)
    found: dict[int, list[Delivery]] = {}
    for row in connection.execute(query):
        found.setdefault(row.letter_id, []).append(_delivery(row))
    return found


def claim(*, work: UnitOfWork, now: datetime, until: datetime) -> Delivery | None:
    """The next mail that is due, oldest first, nobody else's until that moment; its state is as it was found."""
    c = deliveries.c
    is_due = sa.or_(c.not_before.is_(None), c.not_before <= now)
    query = (
        sa.select(deliveries)
        .where(c.state.in_([state.value for state in TO_SEND]), is_due)
        .order_by(c.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    row = work.execute(query).one_or_none()
    if row is None:
        return None
    work.execute(deliveries.update().where(c.id == row.id).values(not_before=until))
    return _delivery(row)


def save_wait(*, work: UnitOfWork, delivery: Delivery, code: str, message: str, until: datetime, now: datetime) -> None:
    """Keep why it cannot be sent yet; nothing was tried."""
    values = {"not_before": until, "code": code, "message": message, "owner": "nobody", "changed_at": now}
    work.execute(deliveries.update().where(deliveries.c.id == delivery.id).values(values))


def move(
    *, work: UnitOfWork, delivery: Delivery, event: DeliveryEvent, now: datetime, **values: Any
) -> Delivery | None:
    """The mail after an event, with further columns changed; None when somebody else has moved it since.

    Raises IllegalTransition.
    """
    after = delivery_after(delivery.state, event)
    c = deliveries.c
    is_as_read = (c.id == delivery.id) & (c.state == delivery.state.value) & (c.attempts == delivery.attempts)
    changed = deliveries.update().where(is_as_read).values(state=after.value, changed_at=now, **values)
    row = work.execute(changed.returning(*deliveries.c)).one_or_none()
    return None if row is None else _delivery(row)


def load_delivery(*, connection: Connection, delivery_id: int) -> Delivery | None:
    """One mail."""
    row = connection.execute(sa.select(deliveries).where(deliveries.c.id == delivery_id)).one_or_none()
    return None if row is None else _delivery(row)


def list_deliveries(*, connection: Connection, invoice_id: int) -> tuple[Delivery, ...]:
    """All mails of a document, oldest first."""
    query = sa.select(deliveries).where(deliveries.c.invoice_id == invoice_id).order_by(deliveries.c.id)
    return tuple(_delivery(row) for row in connection.execute(query))


def _next_ordinal(work: UnitOfWork, invoice_id: int, recipient: str) -> int:
    own = (deliveries.c.invoice_id == invoice_id) & (deliveries.c.recipient == recipient)
    return int(work.execute(sa.select(sa.func.max(deliveries.c.ordinal)).where(own)).scalar_one() or 0) + 1


def _row(invoice_id: int, recipient: str, ordinal: int, requested_by: str, now: datetime) -> dict[str, Any]:
    return {
        "invoice_id": invoice_id,
        "recipient": recipient,
        "ordinal": ordinal,
        "state": DeliveryState.PREPARED.value,
        "requested_by": requested_by,
        "wanted_at": now,
        "changed_at": now,
    }


def _delivery(row: Any) -> Delivery:
    return Delivery(**{**row._mapping, "state": DeliveryState(row.state)})
