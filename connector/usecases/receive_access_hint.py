"""A platform's word that somebody's access changed: kept, and the deals concerned are looked at again.

Nothing in it is believed but whom it may be about. It must not call the platform: the sender waits, and the look asks
later. A word about nobody of ours is kept too, with the reason why nobody looks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from connector.ports import Clock
from connector.store import access_hints
from connector.store.inbox import ACCESS_HINT, Message
from connector.store.unit_of_work import Database
from connector.usecases.receive_message import Receipt, receive
from connector.usecases.start_look import StartsWork

__all__ = ["AccessHint", "receive_access_hint"]


@dataclass(frozen=True, slots=True)
class AccessHint:
    """One message of a platform: its id, and every ref in it that may name a customer, contract or subscription.

    `ignored_because` says why its kind concerns no access, empty when it does.
    """

    source: str
    message_id: str
    refs: Sequence[str]
    ignored_because: str = ""


def receive_access_hint(
    *, database: Database, starter: StartsWork, clock: Clock, hint: AccessHint, body: bytes, content_type: str
) -> Receipt:
    """Keep the hint with its raw body and start the looks, in one transaction; the same hint again does nothing.

    Raises Unavailable when the database is busy for too long; then nothing is kept.
    """
    with database.reading() as connection:
        if access_hints.is_known(connection=connection, source=hint.source, message_id=hint.message_id):
            return Receipt(new=0, known=1)
        deals = () if hint.ignored_because else access_hints.deals_of(connection=connection, refs=hint.refs)
    messages = [
        Message(hint.source, f"{hint.message_id}:{ref.record_id}", ACCESS_HINT, ref.org_id, ref.object, ref.record_id)
        for ref in deals
    ]
    if not messages:
        reason = hint.ignored_because or "It names no customer, contract or subscription of a fulfilled order."
        messages = [Message(hint.source, hint.message_id, ACCESS_HINT, "", "", "", ignored_because=reason)]
    return receive(
        database=database, starter=starter, clock=clock, messages=messages, body=body, content_type=content_type
    )
