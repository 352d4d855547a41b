"""An allowance of calls fills up again with time, for each caller alone."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from connector.adapters.clock import FixedClock
from connector.usecases.limit_callers import CallerLimits, TooManyCalls
from tests.conftest import NOW


def _admitted(limits: CallerLimits, *, times: int, caller: str = "a", per_minute: int = 60) -> int:
    count = 0
    for _ in range(times):
        try:
            limits.admit(kind="token", caller=caller, per_minute=per_minute)
        except TooManyCalls:
            continue
        count += 1
    return count


def test_a_minutes_worth_may_come_at_once_and_then_as_much_as_time_brings(clock: FixedClock) -> None:
    limits = CallerLimits(clock=clock)

    at_once = _admitted(limits, times=100)
    clock.advance(timedelta(seconds=10))
    later = _admitted(limits, times=100)
    clock.advance(timedelta(hours=1))

    assert (at_once, later, _admitted(limits, times=100)) == (60, 10, 60)


def test_callers_and_kinds_do_not_share(clock: FixedClock) -> None:
    limits = CallerLimits(clock=clock)
    _admitted(limits, times=60)

    limits.admit(kind="push", caller="a", per_minute=60)

    assert _admitted(limits, times=1, caller="b") == 1


def test_no_limit_is_no_limit(clock: FixedClock) -> None:
    assert _admitted(CallerLimits(clock=clock), times=1000, per_minute=0) == 1000


@given(per_minute=st.integers(1, 2_000))
def test_whoever_waits_as_told_is_let_in(per_minute: int) -> None:
    clock = FixedClock(NOW)
    limits = CallerLimits(clock=clock)
    while True:
        try:
            limits.admit(kind="token", caller="a", per_minute=per_minute)
        except TooManyCalls as error:
            wait = error.retry_after
            break

    clock.advance(timedelta(seconds=wait))

    limits.admit(kind="token", caller="a", per_minute=per_minute)
    assert 1 <= wait <= 60
