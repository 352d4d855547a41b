"""What an error means for a deal: who acts, when it is tried again, and when it is given up."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from itertools import accumulate
from typing import Any

import pytest

from connector.adapters.clock import FixedClock
from connector.domain.fulfilment import MOST_ATTEMPTS, IllegalTransition, OrderEvent, StepEvent, retry_wait
from connector.domain.terms import DealType, RecordRef
from connector.errors import (
    Conflict,
    ConnectorError,
    Fault,
    Misconfigured,
    NotFound,
    RateLimited,
    Refused,
    Unavailable,
    Uncertain,
)
from connector.usecases.fulfilment_steps import TermsRefused
from connector.usecases.read_order import WaitsForOrder
from connector.usecases.stopped_deal import fault_of, stop_for, verdict
from tests.builders import make_terms

_REF = RecordRef("00DgL0000000001UAA", "Quote", "0Q0gL0000000001SAA")


@pytest.mark.parametrize("error", [Unavailable(), Conflict(), Uncertain(), RateLimited(), Misconfigured()])
def test_what_may_pass_is_tried_again_by_itself(error: ConnectorError, clock: FixedClock) -> None:
    order, step, not_before = verdict(error=error, attempts=0, now=clock.now())

    assert (order, step) == (OrderEvent.RETRY, StepEvent.RETRY)
    assert not_before is not None
    assert not_before > clock.now()


@pytest.mark.parametrize("error", [Refused(), NotFound(), IllegalTransition()])
def test_what_a_person_must_mend_waits_for_that_person(error: ConnectorError, clock: FixedClock) -> None:
    assert verdict(error=error, attempts=0, now=clock.now()) == (OrderEvent.BLOCK, StepEvent.BLOCK, None)


@pytest.mark.parametrize(
    ("failed_before", "seconds"), [(0, 5), (1, 10), (2, 20), (10, 5120), (12, 14_400), (28, 14_400)]
)
def test_waits_double_up_to_four_hours(failed_before: int, seconds: int, clock: FixedClock) -> None:
    _order, _step, not_before = verdict(error=Unavailable(), attempts=failed_before, now=clock.now())

    assert not_before == clock.now() + timedelta(seconds=seconds)


def test_the_other_side_may_ask_for_a_longer_wait_but_not_for_a_shorter_one(clock: FixedClock) -> None:
    def wait(asked: int, failed_before: int) -> timedelta:
        error = RateLimited("", retry_after=asked)
        _order, _step, not_before = verdict(error=error, attempts=failed_before, now=clock.now())
        assert not_before is not None
        return not_before - clock.now()

    assert wait(asked=600, failed_before=0) == timedelta(seconds=600)
    assert wait(asked=1, failed_before=4) == timedelta(seconds=80)


def test_the_last_attempt_gives_up(clock: FixedClock) -> None:
    last = verdict(error=Unavailable(), attempts=MOST_ATTEMPTS - 1, now=clock.now())

    assert last == (OrderEvent.GIVE_UP, StepEvent.GIVE_UP, None)


def test_a_deal_of_friday_evening_is_still_tried_on_monday_morning() -> None:
    waits = [retry_wait(attempt=attempt) for attempt in range(1, MOST_ATTEMPTS)]

    total = list(accumulate(wait for wait in waits if wait is not None))[-1]
    assert timedelta(days=2.5) < timedelta(seconds=total) < timedelta(days=4)
    assert None not in waits


def test_what_was_given_up_says_what_to_do_and_not_that_it_goes_on(clock: FixedClock) -> None:
    stop = stop_for(error=Unavailable("Down."), attempts=MOST_ATTEMPTS - 1, now=clock.now())

    assert (stop.state, stop.attempts, stop.not_before) == ("failed", MOST_ATTEMPTS, None)
    assert "by itself" not in stop.faults[0].fix
    assert "Resync" in stop.faults[0].fix
    assert stop.faults[0].owner == "operator"


def test_all_faults_of_a_refusal_are_kept(clock: FixedClock) -> None:
    faults = (Fault("A", "First.", "Do a.", "sales rep"), Fault("B", "Second.", "Do b.", "RevOps"))

    stop = stop_for(error=TermsRefused(faults), attempts=3, now=clock.now())

    assert (stop.state, stop.faults, stop.reason, stop.attempts) == ("blocked", faults, "First.", 0)


def test_a_refusal_without_faults_is_told_as_one(clock: FixedClock) -> None:
    error = Refused("No.", code="NO", owner="RevOps", fix="Ask.")

    assert stop_for(error=error, attempts=0, now=clock.now()).faults == (Fault("NO", "No.", "Ask.", "RevOps"),)
    assert fault_of(error).sentence() == "No. Ask."


@pytest.mark.parametrize(
    ("deal_type", "verb"),
    [(DealType.UPSELL, "changes"), (DealType.RENEWAL, "renews"), (DealType.CANCELLATION, "cancels")],
)
def test_a_deal_that_comes_before_its_first_waits_for_it(deal_type: DealType, verb: str, clock: FixedClock) -> None:
    terms = make_terms(_REF, deal_type=deal_type, amends_ref="0Q0gL0000000009SAA")

    stop = stop_for(error=WaitsForOrder(terms), attempts=0, now=clock.now())

    assert (stop.state, stop.event, stop.not_before) == ("waiting", OrderEvent.WAIT, None)
    assert f"This deal {verb} the deal 0Q0gL0000000009SAA" in stop.reason


def _divide(value: Any) -> Decimal:
    return Decimal(1) / value


def test_a_bug_is_parked_for_the_operator_without_values_in_what_people_read(clock: FixedClock) -> None:
    try:
        _divide(Decimal(0))
    except ArithmeticError as error:
        stop = stop_for(error=error, attempts=2, now=clock.now())

    (fault,) = stop.faults
    assert (stop.state, stop.event, fault.code, fault.owner) == ("parked", OrderEvent.BLOCK, "UNEXPECTED", "operator")
    assert "DivisionByZero" in fault.message
    assert "_divide" in stop.reason
    assert "_divide" not in fault.message
