"""The inbox: a message is put once, and moves only from the states it may leave."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from connector.adapters.clock import FixedClock
from connector.store import inbox
from connector.store.inbox import InboxRow, Message
from connector.store.tables import inbox as inbox_table
from connector.store.tables import inbox_bodies
from connector.store.unit_of_work import Database
from tests.store.reading import rows_of

ORG, OTHER_ORG = "00DV0000008s2SrMAI", "00DX0000008s2SrMAI"
FIRST, SECOND = "0Q0V0000000abcdKAA", "0Q0V0000000abceKAA"


def message(message_id: str, *, record_id: str = FIRST, org_id: str = ORG, because: str = "") -> Message:
    return Message("test", message_id, "event", org_id, "Quote", record_id, because)


class Box:
    """The inbox of one database, one transaction per call."""

    def __init__(self, database: Database, clock: FixedClock) -> None:
        self.database, self.clock = database, clock

    def put(self, *messages: Message, body: bytes = b"<xml/>") -> tuple[InboxRow, ...]:
        with self.database.unit_of_work() as work:
            rows = inbox.put_all(work=work, messages=messages, body=body, content_type="text/xml", at=self.clock.now())
            if rows:
                work.commit()
        return rows

    def mark_done(self, record_id: str, *, until_id: int) -> int:
        with self.database.unit_of_work() as work:
            count = inbox.mark_done(work=work, org_id=ORG, record_id=record_id, until_id=until_id, at=self.clock.now())
            work.commit()
        return count

    def park(self, record_id: str, *, until_id: int, reason: str = "a bug") -> int:
        with self.database.unit_of_work() as work:
            count = inbox.park(work=work, org_id=ORG, record_id=record_id, until_id=until_id, reason=reason)
            work.commit()
        return count

    def unpark(self, inbox_ids: Sequence[int]) -> tuple[InboxRow, ...]:
        with self.database.unit_of_work() as work:
            rows = inbox.unpark(work=work, inbox_ids=inbox_ids)
            work.commit()
        return rows

    def states(self) -> list[str]:
        return [row.state for row in rows_of(self.database, inbox_table)]


@pytest.fixture
def box(database: Database, clock: FixedClock) -> Box:
    return Box(database, clock)


def test_a_message_is_kept_as_it_came(box: Box, clock: FixedClock) -> None:
    (row,) = box.put(message("m1"), body="<ü/>\0".encode())

    (kept,) = rows_of(box.database, inbox_table)
    (body,) = rows_of(box.database, inbox_bodies)
    assert row == InboxRow(kept.id, body.id, ORG, "Quote", FIRST, "received")
    assert (kept.source, kept.message_id, kept.kind, kept.reason) == ("test", "m1", "event", "")
    assert (kept.received_at, kept.done_at, body.received_at) == (clock.now(), None, clock.now())
    assert (body.body, body.content_type) == ("<ü/>\0".encode(), "text/xml")


def test_only_new_messages_are_answered(box: Box) -> None:
    box.put(message("m1"), message("m2"))

    rows = box.put(message("m2"), message("m3"), message("m3"))

    assert len(rows) == 1
    assert [row.message_id for row in rows_of(box.database, inbox_table)] == ["m1", "m2", "m3"]


def test_a_body_without_anything_new_is_not_kept_again(box: Box) -> None:
    box.put(message("m1"))

    assert box.put(message("m1")) == ()

    assert len(rows_of(box.database, inbox_bodies)) == 1


def test_the_same_message_id_of_another_source_is_another_message(box: Box) -> None:
    box.put(message("m1"))

    assert len(box.put(replace(message("m1"), source="other"))) == 1


def test_a_message_with_a_reason_is_ignored(box: Box) -> None:
    (row,) = box.put(message("m1", because="The object Lead is not configured."))

    assert row.state == "ignored"
    assert rows_of(box.database, inbox_table)[0].reason == "The object Lead is not configured."


def test_a_thousand_messages_fit_into_one_body(box: Box) -> None:
    rows = box.put(*(message(f"m{number}", record_id=f"0Q0{number:015d}") for number in range(1000)))

    assert len({row.id for row in rows}) == 1000
    assert len({row.body_id for row in rows}) == 1


def test_no_message_at_all_is_a_bug_of_the_caller(box: Box) -> None:
    with pytest.raises(ValueError, match="no message"):
        box.put()


def test_the_rows_of_a_body_are_the_newest_of_each_waiting_record(box: Box) -> None:
    rows = box.put(message("m1"), message("m2"), message("m3", record_id=SECOND), message("m4", because="ignored"))
    box.put(message("m5"))

    with box.database.reading() as connection:
        found = inbox.load_for_body(connection=connection, body_id=rows[0].body_id)

    assert [(row.id, row.record_id) for row in found] == [(rows[1].id, FIRST), (rows[2].id, SECOND)]


def test_the_same_record_id_in_two_orgs_is_two_records(box: Box) -> None:
    rows = box.put(message("m1"), message("m2", org_id=OTHER_ORG))

    with box.database.reading() as connection:
        assert inbox.load_for_body(connection=connection, body_id=rows[0].body_id) == rows


def test_a_look_is_the_answer_to_everything_about_its_record_so_far(box: Box, clock: FixedClock) -> None:
    rows = box.put(message("m1"), message("m2"), message("m3"), message("m4", record_id=SECOND))
    clock.advance(timedelta(minutes=1))

    assert box.mark_done(FIRST, until_id=rows[1].id) == 2

    kept = rows_of(box.database, inbox_table)
    assert [row.state for row in kept] == ["done", "done", "received", "received"]
    assert [row.done_at for row in kept] == [clock.now(), clock.now(), None, None]


def test_marking_done_twice_changes_nothing_more(box: Box, clock: FixedClock) -> None:
    (row,) = box.put(message("m1"))
    box.mark_done(FIRST, until_id=row.id)
    before = rows_of(box.database, inbox_table)
    clock.advance(timedelta(minutes=1))

    assert box.mark_done(FIRST, until_id=row.id) == 0

    assert rows_of(box.database, inbox_table) == before


def test_a_parked_message_keeps_its_reason_until_a_later_look_is_done(box: Box) -> None:
    first, second = box.put(message("m1"), message("m2"))

    assert box.park(FIRST, until_id=first.id, reason="a bug") == 1
    assert box.states() == ["parked", "received"]
    assert box.mark_done(FIRST, until_id=second.id) == 2

    assert [(row.state, row.reason) for row in rows_of(box.database, inbox_table)] == [("done", "a bug"), ("done", "")]


def test_what_is_done_or_ignored_is_never_parked(box: Box) -> None:
    first, second = box.put(message("m1"), message("m2", because="ignored"))
    box.mark_done(FIRST, until_id=first.id)

    assert box.park(FIRST, until_id=second.id) == 0
    assert box.states() == ["done", "ignored"]


def test_only_parked_messages_are_unparked(box: Box) -> None:
    rows = box.put(message("m1"), message("m2", record_id=SECOND))
    box.park(FIRST, until_id=rows[0].id)

    assert [row.id for row in box.unpark([row.id for row in rows])] == [rows[0].id]
    assert box.unpark([row.id for row in rows]) == ()
    assert box.unpark([]) == ()
    assert box.states() == ["received", "received"]


def test_parked_messages_are_listed_in_pages(box: Box) -> None:
    rows = box.put(*(message(f"m{number}") for number in range(1, 4)))
    box.park(FIRST, until_id=rows[2].id, reason="a bug")

    with box.database.reading() as connection:
        first = inbox.parked(connection=connection, limit=2)
        rest = inbox.parked(connection=connection, limit=2, after=first[-1].id)

    assert [row.message_id for row in (*first, *rest)] == ["m1", "m2", "m3"]
    assert first[0].reason == "a bug"


def test_replayable_are_the_parked_ones_among_those_asked_for(box: Box) -> None:
    rows = box.put(message("m1"), message("m2"), message("m3", record_id=SECOND))
    box.park(FIRST, until_id=rows[1].id)

    with box.database.reading() as connection:
        assert inbox.replayable(connection=connection) == (rows[0].id, rows[1].id)
        assert inbox.replayable(connection=connection, inbox_ids=[rows[1].id, rows[2].id]) == (rows[1].id,)
        assert inbox.replayable(connection=connection, inbox_ids=[]) == ()
        assert inbox.missing(connection=connection, inbox_ids=[rows[0].id, 987]) == (987,)


def test_every_state_is_counted(box: Box) -> None:
    rows = box.put(message("m1"), message("m2", because="ignored"), message("m3", record_id=SECOND), message("m4"))
    box.mark_done(SECOND, until_id=rows[3].id)

    with box.database.reading() as connection:
        assert inbox.count_by_state(connection=connection) == {"received": 2, "done": 1, "parked": 0, "ignored": 1}
