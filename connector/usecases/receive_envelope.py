"""A verified event of an e-signature provider: its body kept in the inbox, its envelope brought up to date.

The sender gets its answer after the commit and waits for nothing else. Completed envelopes of a provider whose
documents we fetch are due from then on; of others they are hints: the record that they name is looked at.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from connector.ports import Clock, Org
from connector.store import envelopes, inbox
from connector.store.envelopes import EnvelopeTold
from connector.store.inbox import InboxRow, Message
from connector.store.unit_of_work import Database, UnitOfWork
from connector.usecases.locate_record import locate_record
from connector.usecases.receive_message import Receipt
from connector.usecases.start_look import StartsWork, start_look

__all__ = ["EnvelopeReceiver", "EnvelopeTold"]


@dataclass(frozen=True, slots=True)
class EnvelopeReceiver:
    """What receiving needs; `fetched` names the providers whose documents are fetched."""

    database: Database
    clock: Clock
    starter: StartsWork
    orgs: Mapping[str, Org]
    fetched: frozenset[str]

    def receive(self, *, told: Sequence[EnvelopeTold], body: bytes, content_type: str) -> Receipt:
        """Keep events that came in one body. The same body twice does nothing."""
        digest = hashlib.sha256(body).hexdigest()
        now = self.clock.now()
        messages = [
            Message(one.provider, f"{digest}:{at}", one.event, *self._place(one)) for at, one in enumerate(told)
        ]
        with self.database.unit_of_work() as work:
            rows = inbox.put_all(work=work, messages=messages, body=body, content_type=content_type, at=now)
            if rows:
                self._keep(work, rows, messages, told)
                work.commit()
        return Receipt(new=len(rows), known=len(messages) - len(rows))

    def _keep(
        self, work: UnitOfWork, rows: Sequence[InboxRow], messages: Sequence[Message], told: Sequence[EnvelopeTold]
    ) -> None:
        # Rows come back in the order of their ids, which is that of their message ids.
        for row, one in zip(rows, _in_order_of(messages, told), strict=True):
            is_fetched = one.provider in self.fetched
            envelopes.put_event(work=work, told=one, inbox_id=row.id, is_fetched_from=is_fetched, now=self.clock.now())
            if row.record_id and one.is_completed and not is_fetched:
                start_look(connection=work.connection, starter=self.starter, row=row)
            else:
                inbox.finish(work=work, rows=[row], at=self.clock.now())

    def _place(self, told: EnvelopeTold) -> tuple[str, str, str]:
        """(org, object, record) of what an event names, as far as it can be known without asking anybody."""
        if not told.record_id or len(self.orgs) != 1:
            return "", "", ""
        found = locate_record(orgs=self.orgs, record_id=told.record_id, is_asking=False)
        return (found.org_id, found.object, found.record_id) if found else ("", "", "")


def _in_order_of(messages: Sequence[Message], told: Sequence[EnvelopeTold]) -> list[EnvelopeTold]:
    """The events in the order in which the inbox keeps their messages."""
    pairs = sorted(zip(messages, told, strict=True), key=lambda pair: (pair[0].source, pair[0].message_id))
    return [one for _, one in pairs]
