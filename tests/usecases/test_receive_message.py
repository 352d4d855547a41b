"""Receiving with the real engine: rows and run live and die together, and a race has one winner."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from connector.adapters.clock import FixedClock
from connector.engine import WorkStarter
from connector.store.tables import inbox, inbox_bodies
from connector.store.unit_of_work import Database
from connector.usecases.receive_message import Message, Receipt, receive
from tests.store.reading import rows_of

ORG = "00DV0000008s2SrMAI"


def message(number: int) -> Message:
    return Message("test", f"m{number}", "event", ORG, "Quote", f"0Q0{number:012d}AAA")


@pytest.fixture
def starter(database: Database) -> WorkStarter:
    return WorkStarter(engine=database.writer, is_sqlite=database.is_sqlite)


@pytest.fixture
def deliver(database: Database, starter: WorkStarter, clock: FixedClock) -> Callable[..., Receipt]:
    def deliver(*messages: Message) -> Receipt:
        return receive(
            database=database, starter=starter, clock=clock, messages=messages, body=b"{}", content_type="text/plain"
        )

    return deliver


def run_ids(starter: WorkStarter) -> list[str]:
    return sorted(run.workflow_id for run in starter.client.list_workflows())


def test_a_message_and_its_run_are_there_after_the_commit(
    deliver: Callable[..., Receipt], database: Database, starter: WorkStarter
) -> None:
    assert deliver(message(1)) == Receipt(new=1, known=0)

    (row,) = rows_of(database, inbox)
    assert run_ids(starter) == [f"look:{row.id}"]


def test_a_known_message_starts_nothing(deliver: Callable[..., Receipt], starter: WorkStarter) -> None:
    deliver(message(1))

    assert deliver(message(1)) == Receipt(new=0, known=1)

    assert len(run_ids(starter)) == 1


def test_a_run_that_cannot_be_started_leaves_no_message(database: Database, clock: FixedClock) -> None:
    class FailingStarter(WorkStarter):
        def start(self, *, connection: object, name: str, run_id: str, argument: str) -> None:
            super().start(connection=connection, name=name, run_id=run_id, argument=argument)
            raise ConnectionError("the database went away")

    starter = FailingStarter(engine=database.writer, is_sqlite=database.is_sqlite)

    with pytest.raises(ConnectionError):
        receive(database=database, starter=starter, clock=clock, messages=[message(1)], body=b"{}", content_type="")

    assert rows_of(database, inbox) == []
    assert rows_of(database, inbox_bodies) == []
    assert run_ids(starter) == []


def test_two_deliveries_at_once_are_one_message_and_one_run(
    deliver: Callable[..., Receipt], database: Database, starter: WorkStarter
) -> None:
    together = threading.Barrier(2)

    def deliver_together(_number: int) -> Receipt:
        together.wait(5)
        return deliver(message(1))

    with ThreadPoolExecutor(2) as pool:
        receipts = list(pool.map(deliver_together, range(2)))

    assert sorted(receipt.new for receipt in receipts) == [0, 1]
    assert sorted(receipt.known for receipt in receipts) == [0, 1]
    assert len(rows_of(database, inbox)) == len(rows_of(database, inbox_bodies)) == len(run_ids(starter)) == 1


def test_the_same_messages_in_another_order_at_once_do_not_wait_for_each_other_for_ever(
    deliver: Callable[..., Receipt], database: Database, starter: WorkStarter
) -> None:
    together = threading.Barrier(4)
    messages = [message(number) for number in range(200)]

    def deliver_together(turn: int) -> Receipt:
        together.wait(5)
        return deliver(*(messages if turn % 2 else reversed(messages)))

    with ThreadPoolExecutor(4) as pool:
        receipts = list(pool.map(deliver_together, range(4)))

    assert sorted(receipt.new for receipt in receipts) == [0, 0, 0, 200]
    assert len(rows_of(database, inbox)) == 200
    assert len(run_ids(starter)) == 1
