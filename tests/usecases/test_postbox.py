"""Deliveries that arrive together: each kept once, answered on its own, and none lost to another's fault."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import sqlalchemy as sa

from connector.adapters.clock import FixedClock
from connector.errors import Unavailable
from connector.store.tables import inbox, inbox_bodies
from connector.store.unit_of_work import Database
from connector.usecases.postbox import Postbox
from connector.usecases.receive_message import Delivery, Message, Receipt, receive_together
from tests.recording import RecordingStarter

ORG = "00D000000000001AAA"


def message(number: int) -> Message:
    return Message("push", f"m{number}", "Quote", ORG, "Quote", f"0Q0{number:012d}AAA")


def count(database: Database, table: sa.Table) -> int:
    with database.reading() as connection:
        return int(connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one())


@pytest.fixture
def starter() -> RecordingStarter:
    return RecordingStarter()


@pytest.fixture
def postbox(database: Database, clock: FixedClock, starter: RecordingStarter) -> Postbox:
    return Postbox(database=database, starter=starter, clock=clock)


def deliver_at_once(postbox: Postbox, deliveries: Sequence[Sequence[Message]]) -> list[Receipt]:
    ready = threading.Barrier(len(deliveries))

    def deliver(messages: Sequence[Message]) -> Receipt:
        ready.wait()
        return postbox.receive(messages=messages, body=b"body", content_type="text/xml")

    with ThreadPoolExecutor(len(deliveries)) as threads:
        return list(threads.map(deliver, deliveries))


def test_deliveries_of_many_threads_are_each_kept_and_answered(postbox: Postbox, database: Database) -> None:
    receipts = deliver_at_once(postbox, [[message(number)] for number in range(40)])

    assert receipts == [Receipt(new=1, known=0)] * 40
    assert count(database, inbox) == 40
    assert count(database, inbox_bodies) == 40


def test_one_message_delivered_by_many_threads_is_kept_once(postbox: Postbox, database: Database) -> None:
    receipts = deliver_at_once(postbox, [[message(1)]] * 20)

    assert sum(receipt.new for receipt in receipts) == 1
    assert count(database, inbox) == 1
    assert count(database, inbox_bodies) == 1


def test_every_message_of_a_shared_transaction_gets_its_look(
    database: Database, clock: FixedClock, starter: RecordingStarter
) -> None:
    deliveries = [Delivery((message(number),), b"body", "text/xml") for number in range(3)]

    receipts = receive_together(database=database, starter=starter, clock=clock, deliveries=deliveries)

    assert receipts == (Receipt(1, 0),) * 3
    with database.reading() as connection:
        bodies = connection.execute(sa.select(inbox_bodies.c.id).order_by(inbox_bodies.c.id)).scalars().all()
    joined = ",".join(str(body) for body in bodies)
    assert starter.started == [("spread", f"spread:{bodies[0]}", joined)]


def test_a_known_message_in_a_shared_transaction_keeps_no_second_body(
    database: Database, clock: FixedClock, starter: RecordingStarter
) -> None:
    both = [Delivery((message(number),), b"body", "text/xml") for number in (1, 1, 2)]

    receipts = receive_together(database=database, starter=starter, clock=clock, deliveries=both)

    assert receipts == (Receipt(1, 0), Receipt(0, 1), Receipt(1, 0))
    assert count(database, inbox_bodies) == 2


def test_a_failed_shared_transaction_is_tried_delivery_by_delivery(
    postbox: Postbox, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(**_arguments: Any) -> Any:
        raise Unavailable("The database did not answer.")

    monkeypatch.setattr("connector.usecases.postbox.receive_together", fail)

    receipts = deliver_at_once(postbox, [[message(number)] for number in range(12)])

    assert receipts == [Receipt(new=1, known=0)] * 12
    assert count(database, inbox) == 12


def test_a_delivery_that_cannot_be_kept_is_refused_and_the_next_one_is_not(
    database: Database, clock: FixedClock
) -> None:
    class FailsOnce(RecordingStarter):
        has_failed = False

        def start(self, **arguments: Any) -> None:
            if not self.has_failed:
                self.has_failed = True
                raise Unavailable("The database did not answer.")
            super().start(**arguments)

    postbox = Postbox(database=database, starter=FailsOnce(), clock=clock)

    with pytest.raises(Unavailable):
        postbox.receive(messages=[message(1)], body=b"body", content_type="text/xml")
    receipt = postbox.receive(messages=[message(1)], body=b"body", content_type="text/xml")

    assert receipt == Receipt(new=1, known=0)
    assert count(database, inbox) == 1


def test_a_bug_in_one_delivery_is_raised_to_its_sender_and_holds_up_nobody_else(
    database: Database, clock: FixedClock
) -> None:
    """Every sender gets an answer: one whose letter was written by another thread must not wait for ever."""

    class Breaks(RecordingStarter):
        def start(self, **arguments: Any) -> None:
            if arguments["name"] == "spread" or arguments["argument"].split(":")[2] == message(3).record_id:
                raise ZeroDivisionError("a bug")
            super().start(**arguments)

    postbox = Postbox(database=database, starter=Breaks(), clock=clock)
    answers: list[Any] = []
    ready = threading.Barrier(8)

    def deliver(number: int) -> None:
        ready.wait()
        try:
            answers.append(postbox.receive(messages=[message(number)], body=b"body", content_type="text/xml"))
        except ZeroDivisionError as error:
            answers.append((number, type(error)))

    threads = [threading.Thread(target=deliver, args=[number], daemon=True) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=10)

    assert not [thread for thread in threads if thread.is_alive()]
    assert answers.count(Receipt(1, 0)) == 7
    assert (3, ZeroDivisionError) in answers
    assert count(database, inbox) == 7
