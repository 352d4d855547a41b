"""Deliveries that arrive at the same time share one transaction, so that a flood costs few commits and few runs.

Nobody waits for company: whoever comes first writes at once; those that arrive meanwhile are written together by the
next one. Each sender still gets its answer only after the commit that holds its messages. A delivery that cannot be
kept never takes others with it: when a shared transaction fails, each is tried alone.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence

from connector.ports import Clock
from connector.store.unit_of_work import Database
from connector.usecases.receive_message import Delivery, Message, Receipt, receive, receive_together
from connector.usecases.start_look import StartsWork

# More in one transaction would make the first of them wait too long for the last.
_MOST_TOGETHER = 32


class _Letter:
    """A delivery on its way: what came of it, once it is done."""

    def __init__(self, delivery: Delivery) -> None:
        self.delivery = delivery
        self.outcome: Receipt | Exception | None = None


class Postbox:
    """Where the receivers of one process put their deliveries. Any number of threads."""

    def __init__(self, *, database: Database, starter: StartsWork, clock: Clock) -> None:
        self._database = database
        self._starter = starter
        self._clock = clock
        self._waiting: deque[_Letter] = deque()
        self._writer = threading.Lock()

    def receive(self, *, messages: Sequence[Message], body: bytes, content_type: str) -> Receipt:
        """Keep the messages of one delivery. Raises like `receive_message.receive`; then nothing of it is kept."""
        letter = _Letter(Delivery(tuple(messages), body, content_type))
        self._waiting.append(letter)
        # Whoever gets the lock writes for all that wait; most find their letter written when their turn comes.
        while letter.outcome is None:
            with self._writer:
                if letter.outcome is None:
                    self._write([self._waiting.popleft() for _ in range(min(len(self._waiting), _MOST_TOGETHER))])
        if isinstance(letter.outcome, Exception):
            raise letter.outcome
        return letter.outcome

    def _write(self, letters: Sequence[_Letter]) -> None:
        if len(letters) > 1 and self._write_together(letters):
            return
        for letter in letters:
            letter.outcome = self._alone(letter.delivery)

    def _write_together(self, letters: Sequence[_Letter]) -> bool:
        try:
            receipts = receive_together(
                database=self._database,
                starter=self._starter,
                clock=self._clock,
                deliveries=[letter.delivery for letter in letters],
            )
        except Exception:  # noqa: BLE001 - each is tried alone then, and the one at fault raises for its own sender
            return False
        for letter, receipt in zip(letters, receipts, strict=True):
            letter.outcome = receipt
        return True

    def _alone(self, delivery: Delivery) -> Receipt | Exception:
        try:
            return receive(
                database=self._database,
                starter=self._starter,
                clock=self._clock,
                messages=delivery.messages,
                body=delivery.body,
                content_type=delivery.content_type,
            )
        except Exception as error:  # noqa: BLE001 - its own sender gets it; a letter without an outcome waits for ever
            return error
