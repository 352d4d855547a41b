"""Writers at the same time: one wins, the others wait or are told; nobody waits for ever, nothing is half written."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa

from connector.adapters.clock import FixedClock
from connector.domain.fulfilment import IllegalTransition, OrderEvent, OrderState, StepEvent, StepState
from connector.domain.terms import RecordRef
from connector.errors import Conflict, Fault, Misconfigured, Unavailable
from connector.store import history, orders, processes, records, tables
from connector.store.records import ClaimLost, LookResult
from connector.store.unit_of_work import Database
from tests.settings import ROOT

_REF = RecordRef("00DgL0000000001UAA", "Quote", "0Q0gL0000000001SAA")


def _at_once(count: int, part: Callable[[int], Any]) -> list[Any]:
    """Run the part in so many threads that start together; their answers, or the errors they raised."""
    answers: list[Any] = []
    gate = threading.Barrier(count)

    def run(number: int) -> None:
        gate.wait(timeout=30)
        try:
            answers.append(part(number))
        except Exception as error:  # noqa: BLE001 - the test looks at it
            answers.append(error)

    threads = [threading.Thread(target=run, args=[number]) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert len(answers) == count
    return answers


def test_one_of_many_claimers_gets_the_record(database: Database, clock: FixedClock) -> None:
    def claim(number: int) -> bool:
        with database.unit_of_work() as work:
            claimed = records.claim(work=work, ref=_REF, run_id=f"run-{number}", now=clock.now())
            work.commit()
        return claimed is not None

    assert Counter(_at_once(6, claim)) == {True: 1, False: 5}
    with database.reading() as connection:
        row = connection.execute(sa.select(tables.records)).one()
    assert row.is_look_due, "those that came too late left a note"


def test_a_claim_that_was_taken_again_is_lost_to_the_first(database: Database, clock: FixedClock) -> None:
    with database.unit_of_work() as work:
        first = records.claim(work=work, ref=_REF, run_id="run", now=clock.now())
        again = records.claim(work=work, ref=_REF, run_id="run", now=clock.now())
        assert first is not None
        assert again is not None
        with pytest.raises(ClaimLost):
            records.hold(work=work, record=first)
        with pytest.raises(ClaimLost):
            records.release(work=work, record=first, result=LookResult("ordered"), now=clock.now())
        records.hold(work=work, record=again)
        assert records.release(work=work, record=again, result=LookResult("ordered"), now=clock.now()) is False


def test_a_wake_up_during_a_look_survives_its_end(database: Database, clock: FixedClock) -> None:
    with database.unit_of_work() as work:
        claimed = records.claim(work=work, ref=_REF, run_id="run", now=clock.now())
        assert claimed is not None
        records.wake_at(work=work, record_row_id=claimed.id, moment=clock.now())
        is_due = records.release(work=work, record=claimed, result=LookResult("waiting"), now=clock.now())
        work.commit()

    assert is_due


def test_due_records_are_shared_among_those_who_wake(database: Database, clock: FixedClock) -> None:
    with database.unit_of_work() as work:
        for number in range(10):
            ref = RecordRef(_REF.org_id, "Quote", f"0Q0gL000000{number:04d}SAA")
            claimed = records.claim(work=work, ref=ref, run_id="run", now=clock.now())
            assert claimed is not None
            result = LookResult("retrying", not_before=clock.now())
            records.release(work=work, record=claimed, result=result, now=clock.now())
        work.commit()

    def take(_number: int) -> list[int]:
        with database.unit_of_work() as work:
            taken = [row_id for row_id, _ref, _looks in records.take_due(work=work, now=clock.now(), limit=10)]
            work.commit()
        return taken

    taken = [row_id for answer in _at_once(4, take) for row_id in answer]
    assert sorted(taken) == sorted(set(taken))
    assert len(taken) == 10


def test_one_of_many_schedulers_gets_a_due_time(database: Database, clock: FixedClock) -> None:
    def claim(number: int) -> bool:
        with database.unit_of_work() as work:
            is_ours = processes.claim_run(
                work=work, job="sweep", due_at=clock.now(), claimed_by=f"process-{number}", now=clock.now()
            )
            work.commit()
        return is_ours

    assert Counter(_at_once(6, claim)) == {True: 1, False: 5}


def _an_order(database: Database, clock: FixedClock) -> orders.StoredOrder:
    with database.unit_of_work() as work:
        claimed = records.claim(work=work, ref=_REF, run_id="run", now=clock.now())
        assert claimed is not None
        order = orders.open_order(work=work, record_row_id=claimed.id, now=clock.now())
        work.commit()
    return order


def test_opening_the_order_of_a_record_again_finds_it(database: Database, clock: FixedClock) -> None:
    first = _an_order(database, clock)

    assert _an_order(database, clock).number == first.number
    with database.reading() as connection:
        assert len(connection.execute(sa.select(tables.fulfilment_steps)).all()) == 5


def test_one_of_two_who_move_an_order_is_told_of_the_conflict(database: Database, clock: FixedClock) -> None:
    order = _an_order(database, clock)

    def move(_number: int) -> OrderState:
        with database.unit_of_work() as work:
            moved = orders.move(work=work, order=order, event=OrderEvent.MAP, now=clock.now())
            work.commit()
        return moved.state

    answers = _at_once(2, move)

    assert Counter(type(answer) for answer in answers) == {OrderState: 1, Conflict: 1}
    with database.reading() as connection:
        row = connection.execute(sa.select(tables.orders)).one()
        events = connection.execute(sa.select(tables.history.c.event)).scalars().all()
    assert (row.state, row.version) == ("FULFILLING", 2)
    assert events.count("map") == 1


def test_one_of_two_who_move_a_step_is_told_of_the_conflict(database: Database, clock: FixedClock) -> None:
    order = _an_order(database, clock)
    with database.looking() as work:
        step = orders.load_steps(work=work, order_id=order.id)[0]

    def start(_number: int) -> StepState:
        with database.unit_of_work() as work:
            moved = orders.move_step(work=work, step=step, event=StepEvent.START, now=clock.now())
            work.commit()
        return moved.state

    assert Counter(type(answer) for answer in _at_once(2, start)) == {StepState: 1, Conflict: 1}


def test_a_move_that_the_table_does_not_have_changes_nothing(database: Database, clock: FixedClock) -> None:
    order = _an_order(database, clock)

    with database.unit_of_work() as work, pytest.raises(IllegalTransition, match="NEW cannot fulfil"):
        orders.move(work=work, order=order, event=OrderEvent.FULFIL, now=clock.now())

    with database.reading() as connection:
        assert connection.execute(sa.select(tables.orders.c.state)).scalar_one() == "NEW"


def test_what_a_step_says_is_cleared_by_its_next_start(database: Database, clock: FixedClock) -> None:
    order = _an_order(database, clock)
    fault = Fault(code="X", message="It is down.", fix="Wait.", owner="operator")
    with database.unit_of_work() as work:
        step = orders.load_steps(work=work, order_id=order.id)[0]
        step = orders.move_step(work=work, step=step, event=StepEvent.START, now=clock.now())
        step = orders.move_step(work=work, step=step, event=StepEvent.RETRY, now=clock.now(), fault=fault)
        orders.move_step(work=work, step=step, event=StepEvent.START, now=clock.now())
        work.commit()

    with database.reading() as connection:
        row = connection.execute(
            sa.select(tables.fulfilment_steps).order_by(tables.fulfilment_steps.c.position).limit(1)
        ).one()
    assert (row.attempts, row.code, row.message, row.not_before) == (2, "", "", None)


def test_the_history_is_written_with_the_change_or_not_at_all(database: Database, clock: FixedClock) -> None:
    with database.unit_of_work() as work:
        history.append(work=work, at=clock.now(), subject="order", subject_id=1, event="open")

    with database.reading() as connection:
        assert connection.execute(sa.select(tables.history)).all() == []


def test_a_unit_of_work_inside_another_is_refused_at_once(sqlite_database: Database) -> None:
    with (
        sqlite_database.unit_of_work(),
        pytest.raises(RuntimeError, match="open already"),
        sqlite_database.unit_of_work(),
    ):
        pytest.fail("it must not begin")

    with sqlite_database.unit_of_work() as work:
        work.execute(sa.text("SELECT 1"))


def test_writers_of_one_file_take_turns_and_lose_nothing(sqlite_database: Database, clock: FixedClock) -> None:
    def write(number: int) -> None:
        for step in range(10):
            with sqlite_database.unit_of_work() as work:
                history.append(work=work, at=clock.now(), subject="test", subject_id=number, event=str(step))
                work.commit()

    assert _at_once(6, write) == [None] * 6
    with sqlite_database.reading() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(tables.history)).scalar_one() == 60


def test_a_reader_is_never_held_up_by_a_writer(sqlite_database: Database) -> None:
    with sqlite_database.unit_of_work() as work:
        work.execute(sa.text("INSERT INTO watermarks VALUES ('o', 'Quote', '2026-01-01T00:00:00.000000+00:00')"))
        with sqlite_database.reading() as connection:
            assert connection.execute(sa.select(tables.watermarks)).all() == []


_OTHER_PROCESS = """
import sys
from connector.store.unit_of_work import Database
import sqlalchemy as sa
database = Database(sys.argv[1])
with database.unit_of_work() as work:
    print("writing", flush=True)
    sys.stdin.readline()
    work.execute(sa.text("INSERT INTO watermarks VALUES ('other', 'Quote', '2026-01-01T00:00:00.000000+00:00')"))
    work.commit()
"""


def test_another_process_that_writes_is_waited_for(sqlite_database: Database) -> None:
    other = _other_process(sqlite_database)
    waited: list[int] = []

    def write() -> None:
        with sqlite_database.unit_of_work() as work:
            waited.append(len(work.execute(sa.select(tables.watermarks)).all()))

    thread = threading.Thread(target=write)
    thread.start()
    thread.join(timeout=0.2)
    assert waited == [], "it must wait for the other process"
    _go_on(other)
    thread.join(timeout=30)

    assert waited == [1]


def test_another_process_that_writes_for_too_long_is_named(
    sqlite_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = _other_process(sqlite_database)
    monkeypatch.setattr("connector.store.sqlite_lock._LONGEST_WAIT", 0.1)

    with pytest.raises(Unavailable, match="Another process"), sqlite_database.unit_of_work():
        pytest.fail("it must not begin")

    _go_on(other)
    with sqlite_database.unit_of_work() as work:
        assert len(work.execute(sa.select(tables.watermarks)).all()) == 1


def test_another_thread_that_writes_for_too_long_is_named(
    sqlite_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_writing, may_end = threading.Event(), threading.Event()

    def hold() -> None:
        with sqlite_database.unit_of_work():
            is_writing.set()
            may_end.wait(timeout=30)

    thread = threading.Thread(target=hold)
    thread.start()
    is_writing.wait(timeout=30)
    monkeypatch.setattr("connector.store.sqlite_lock._LONGEST_WAIT", 0.1)

    with pytest.raises(Unavailable, match="Another thread"), sqlite_database.unit_of_work():
        pytest.fail("it must not begin")

    may_end.set()
    thread.join(timeout=30)


def _other_process(database: Database) -> subprocess.Popen[str]:
    other = subprocess.Popen(
        [sys.executable, "-c", _OTHER_PROCESS, str(database.url)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert other.stdout is not None
    assert other.stdout.readline() == "writing\n"
    return other


def _go_on(other: subprocess.Popen[str]) -> None:
    other.communicate("\n", timeout=30)
    assert other.returncode == 0


def test_a_database_that_is_away_is_a_matter_of_waiting(postgresql_database: Database) -> None:
    gone = Database(str(postgresql_database.url.set(port=1)))

    with pytest.raises(Unavailable) as refusal, gone.unit_of_work():
        pytest.fail("there is nobody")
    assert refusal.value.code == "DATABASE"


@pytest.mark.parametrize("url", ["mysql://x/y", "sqlite://", "sqlite:///:memory:", "not a url", "oracle://a:b@c/d"])
def test_other_databases_are_refused_by_name(url: str) -> None:
    with pytest.raises(Misconfigured):
        Database(url)


def test_the_address_of_a_database_never_shows_its_password() -> None:
    database = Database("postgresql://user:very-secret@127.0.0.1:1/name")

    with pytest.raises(Unavailable) as refusal, database.unit_of_work():
        pytest.fail("there is nobody")
    assert "very-secret" not in f"{refusal.value} {refusal.value.__cause__}"
