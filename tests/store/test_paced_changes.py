"""Turns on a platform that counts our changes: never too many in a minute, first come first served, shared by all."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest

from connector.domain.pacing import Pace, Turn
from connector.store.paced_changes import PacedChanges
from connector.store.unit_of_work import Database
from tests.conftest import NOW

SECONDS = timedelta(seconds=1)
PACE = Pace(in_all=10, of_one=3, window=60 * SECONDS)
PATIENCE = 5 * SECONDS


def _take(changes: PacedChanges, key: str, *, entity: str = "", now: datetime = NOW) -> Turn:
    return changes.take(key=key, entity=entity or key, now=now, patience=PATIENCE)


@pytest.fixture
def changes(database: Database) -> PacedChanges:
    """Ten changes a minute, three of one entity."""
    return PacedChanges(database, name="stigg", pace=PACE)


def test_turns_follow_each_other_evenly(changes: PacedChanges) -> None:
    turns = [_take(changes, f"change-{number}", now=NOW + number * SECONDS) for number in range(3)]

    assert [turn.at - NOW for turn in turns] == [0 * SECONDS, 6 * SECONDS, 12 * SECONDS]
    assert [turn.is_granted for turn in turns] == [True, True, False]


def test_who_must_wait_long_is_told_when_and_keeps_the_place(changes: PacedChanges) -> None:
    for number in range(4):
        _take(changes, f"change-{number}")

    told = _take(changes, "change-3")
    newcomer = _take(changes, "newcomer", now=NOW + 17 * SECONDS)
    again = _take(changes, "change-3", now=NOW + 18 * SECONDS)

    assert told == Turn(NOW + 18 * SECONDS, is_granted=False)
    assert newcomer.at == NOW + 24 * SECONDS
    assert again == Turn(NOW + 18 * SECONDS, is_granted=True)


def test_one_entity_has_a_limit_of_its_own(changes: PacedChanges) -> None:
    for number in range(3):
        _take(changes, f"change-{number}", entity="customer-1", now=NOW + number * 6 * SECONDS)

    fourth = _take(changes, "change-3", entity="customer-1", now=NOW + 18 * SECONDS)
    other = _take(changes, "other", entity="customer-2", now=NOW + 24 * SECONDS)

    assert fourth == Turn(NOW + 60 * SECONDS, is_granted=False)
    assert other == Turn(NOW + 24 * SECONDS, is_granted=True)


def test_a_place_that_nobody_came_back_for_is_given_up(changes: PacedChanges) -> None:
    for number in range(4):
        _take(changes, f"change-{number}")

    late = _take(changes, "change-3", now=NOW + timedelta(hours=1))

    assert late == Turn(NOW + timedelta(hours=1), is_granted=True)


def test_platforms_do_not_wait_for_each_other(database: Database) -> None:
    for name in ("stigg", "another"):
        turn = PacedChanges(database, name=name, pace=PACE).take(key="a", entity="a", now=NOW, patience=PATIENCE)
        assert turn == Turn(NOW, is_granted=True)


def test_however_many_ask_at_once_no_minute_has_too_many(database: Database) -> None:
    changes = PacedChanges(database, name="stigg", pace=PACE)
    made: list[datetime] = []
    waiting = {f"change-{number}": NOW for number in range(40)}
    while waiting:
        now = min(waiting.values())
        asking = [key for key, at in waiting.items() if at == now]
        with ThreadPoolExecutor(8) as threads:
            taken = [threads.submit(_take, changes, key, entity=key[-1], now=now) for key in asking]
        for key, turn in zip(asking, (future.result() for future in taken), strict=True):
            if turn.is_granted:
                made.append(turn.at)
                del waiting[key]
            else:
                waiting[key] = turn.at

    made.sort()
    assert len(made) == 40
    assert all(later - first >= PACE.window for first, later in zip(made, made[10:], strict=False))
    # Nobody is kept waiting for nothing: forty changes at ten a minute.
    assert made[-1] - NOW <= 4 * PACE.window
