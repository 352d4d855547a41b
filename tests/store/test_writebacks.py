"""What is owed to Salesforce is the difference between what a record should show and what we last wrote."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connector.adapters.clock import FixedClock
from connector.domain.terms import RecordRef
from connector.store import tables, writebacks
from connector.store.unit_of_work import Database, UnitOfWork
from connector.store.writebacks import OwedWrite
from tests.conftest import NOW

_ORG = "00DgL0000000001UAA"
_STALE = timedelta(minutes=5)


def _ref(number: int = 1) -> RecordRef:
    return RecordRef(_ORG, "Quote", f"0Q0gL000000{number:04d}SAA")


def _want(work: UnitOfWork, clock: FixedClock, fields: dict[str, Any], *, number: int = 1, account: str = "a") -> None:
    writebacks.want(work=work, ref=_ref(number), account_id=account, fields=fields, now=clock.now())


def _take(work: UnitOfWork, clock: FixedClock, *, limit: int = 200, by: str = "flush") -> tuple[OwedWrite, ...]:
    return writebacks.take_owed(work=work, org_id=_ORG, limit=limit, claimed_by=by, now=clock.now(), stale=_STALE)


def test_the_first_wish_is_owed_whole(database: Database, clock: FixedClock) -> None:
    with database.unit_of_work() as work:
        _want(work, clock, {"Status": "Synced", "Error": None})
        (owed,) = _take(work, clock)

    assert owed.changes == {"Status": "Synced", "Error": None}


def test_a_later_wish_replaces_the_earlier_one(database: Database, clock: FixedClock) -> None:
    for status in ("In Progress", "Blocked", "Synced"):
        with database.unit_of_work() as work:
            _want(work, clock, {"Status": status})
            work.commit()

    with database.unit_of_work() as work:
        (owed,) = _take(work, clock)
    assert owed.changes == {"Status": "Synced"}


def test_only_what_differs_from_the_last_write_is_owed(database: Database, clock: FixedClock) -> None:
    with database.unit_of_work() as work:
        _want(work, clock, {"Status": "In Progress", "Number": "O-1"})
        writebacks.save_written(work=work, done=_take(work, clock), now=clock.now())
        _want(work, clock, {"Status": "Synced", "Number": "O-1"})
        (owed,) = _take(work, clock)

    assert owed.changes == {"Status": "Synced"}


def test_a_wish_that_comes_back_to_what_is_shown_is_not_owed(database: Database, clock: FixedClock) -> None:
    with database.unit_of_work() as work:
        _want(work, clock, {"Status": "Synced"})
        writebacks.save_written(work=work, done=_take(work, clock), now=clock.now())
        _want(work, clock, {"Status": "Warning"})
        _want(work, clock, {"Status": "Synced"})

        assert _take(work, clock) == ()


def test_rows_of_one_account_travel_together(database: Database, clock: FixedClock) -> None:
    with database.unit_of_work() as work:
        for number in range(6):
            _want(work, clock, {"Status": "Synced"}, number=number, account=f"account-{number % 2}")
        taken = _take(work, clock, limit=3)

    assert [int(owed.ref.record_id[11:15]) for owed in taken] == [0, 2, 4]


def test_what_one_flush_has_taken_another_does_not_get(database: Database, clock: FixedClock) -> None:
    with database.unit_of_work() as work:
        _want(work, clock, {"Status": "Synced"})
        assert len(_take(work, clock, by="first")) == 1
        assert _take(work, clock, by="second") == ()
        clock.advance(_STALE + timedelta(seconds=1))
        assert len(_take(work, clock, by="second")) == 1


def test_what_a_dead_process_had_taken_is_free_again(database: Database, clock: FixedClock) -> None:
    with database.unit_of_work() as work:
        _want(work, clock, {"Status": "Synced"}, number=1)
        _take(work, clock, by="dead")
        _want(work, clock, {"Status": "Synced"}, number=2)
        _take(work, clock, by="alive")
        writebacks.let_go(work=work, but_of=["alive"])

        assert [owed.ref for owed in _take(work, clock, by="third")] == [_ref(1)]


def test_a_write_that_is_late_does_not_hide_a_newer_wish(database: Database, clock: FixedClock) -> None:
    with database.unit_of_work() as work:
        _want(work, clock, {"Status": "In Progress"})
        taken = _take(work, clock)
        _want(work, clock, {"Status": "Synced"})
        writebacks.save_written(work=work, done=taken, now=clock.now())
        (owed,) = _take(work, clock)

    assert owed.changes == {"Status": "Synced"}


def test_a_fleeting_field_alone_is_no_reason_to_write(database: Database, clock: FixedClock) -> None:
    with database.unit_of_work() as work:
        first = {"Status": "Blocked", "Last_Attempt": "09:30"}
        _want(work, clock, first)
        writebacks.save_written(work=work, done=_take(work, clock), now=clock.now())
        later = first | {"Last_Attempt": "09:35"}
        fleeting = frozenset({"Last_Attempt"})
        writebacks.want(work=work, ref=_ref(), account_id="a", fields=later, fleeting=fleeting, now=clock.now())
        assert _take(work, clock) == ()

        changed = later | {"Status": "Synced"}
        writebacks.want(work=work, ref=_ref(), account_id="a", fields=changed, fleeting=fleeting, now=clock.now())
        (owed,) = _take(work, clock)
    assert owed.changes == {"Status": "Synced", "Last_Attempt": "09:35"}


def test_a_wish_that_comes_back_while_another_one_travels_is_owed(database: Database, clock: FixedClock) -> None:
    with database.unit_of_work() as work:
        _want(work, clock, {"Status": "Synced"})
        writebacks.save_written(work=work, done=_take(work, clock), now=clock.now())
        _want(work, clock, {"Status": "Warning"})
        travelling = _take(work, clock)
        _want(work, clock, {"Status": "Synced"})
        writebacks.save_written(work=work, done=travelling, now=clock.now())
        (owed,) = _take(work, clock)

    assert owed.changes == {"Status": "Synced"}


def test_what_a_dead_flush_may_have_written_is_written_afresh(database: Database, clock: FixedClock) -> None:
    with database.unit_of_work() as work:
        _want(work, clock, {"Status": "Synced", "Number": "O-1"})
        writebacks.save_written(work=work, done=_take(work, clock), now=clock.now())
        _want(work, clock, {"Status": "Warning", "Number": "O-1"})
        taken = _take(work, clock, by="dead")
        _want(work, clock, {"Status": "Synced", "Number": "O-1"})
        writebacks.let_go(work=work, but_of=[])

        assert writebacks.still_taken(work=work, writes=taken, claimed_by="dead") == ()
        (owed,) = _take(work, clock)
    assert owed.changes == {"Status": "Synced", "Number": "O-1"}


def test_a_write_of_unknown_outcome_is_written_afresh(database: Database, clock: FixedClock) -> None:
    with database.unit_of_work() as work:
        _want(work, clock, {"Status": "Synced"})
        writebacks.save_written(work=work, done=_take(work, clock), now=clock.now())
        _want(work, clock, {"Status": "Warning"})
        (sent,) = _take(work, clock)
        writebacks.save_failed(
            work=work, write=sent, code="UNCERTAIN", message="", not_before=None, is_owed=True, is_uncertain=True
        )
        _want(work, clock, {"Status": "Synced"})
        (owed,) = _take(work, clock)

    assert owed.changes == {"Status": "Synced"}


def test_everything_is_written_afresh_when_somebody_asks(database: Database, clock: FixedClock) -> None:
    with database.unit_of_work() as work:
        _want(work, clock, {"Status": "Synced", "Number": "O-1"})
        writebacks.save_written(work=work, done=_take(work, clock), now=clock.now())
        writebacks.owe_again(work=work, org_id=_ORG, record_id=_ref().record_id)
        (owed,) = _take(work, clock)

    assert owed.changes == {"Status": "Synced", "Number": "O-1"}


def test_a_refused_write_waits_for_its_time_or_for_a_person(database: Database, clock: FixedClock) -> None:
    with database.unit_of_work() as work:
        _want(work, clock, {"Status": "Synced"})
        (owed,) = _take(work, clock)
        later = clock.now() + timedelta(seconds=5)
        writebacks.save_failed(work=work, write=owed, code="LOCK", message="m", not_before=later, is_owed=True)
        assert _take(work, clock) == ()
        clock.advance(seconds=5)
        (again,) = _take(work, clock)
        assert again.attempts == 1
        writebacks.save_failed(work=work, write=again, code="RULE", message="m", not_before=None, is_owed=False)
        clock.advance(timedelta(days=1))
        assert _take(work, clock) == ()


_WISHES = st.lists(
    st.tuples(
        st.sampled_from(["want", "flush", "refused", "died"]),
        st.dictionaries(st.sampled_from("abc"), st.sampled_from([None, 1, 2]), min_size=3, max_size=3),
    ),
    max_size=12,
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(wishes=_WISHES, last=st.dictionaries(st.sampled_from("abc"), st.sampled_from([None, 1, 2]), min_size=3))
def test_whatever_happens_on_the_way_the_last_wish_is_what_is_shown(
    sqlite_database: Database, wishes: list[tuple[str, dict[str, Any]]], last: dict[str, Any]
) -> None:
    """Salesforce is a dictionary here; a flush that died has written, but nobody knows."""
    clock = FixedClock(NOW)
    salesforce: dict[str, Any] = {}
    with sqlite_database.unit_of_work() as work:
        work.execute(tables.writebacks.delete())
        for event, fields in [*wishes, ("want", last)]:
            _want(work, clock, fields) if event == "want" else _flush(work, clock, salesforce, event)
        clock.advance(_STALE * 2)
        _flush(work, clock, salesforce, "flush")
        still_owed = _take(work, clock)

    assert salesforce == last
    assert still_owed == ()


def _flush(work: UnitOfWork, clock: FixedClock, salesforce: dict[str, Any], how: str) -> None:
    for owed in _take(work, clock):
        if how == "refused":
            writebacks.save_failed(work=work, write=owed, code="X", message="", not_before=clock.now(), is_owed=True)
            continue
        salesforce.update(owed.changes)
        if how == "flush":
            writebacks.save_written(work=work, done=[owed], now=clock.now())
