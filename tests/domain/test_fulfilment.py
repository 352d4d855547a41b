"""The life of an order and of its steps: every state reachable and leavable, illegal moves refused, waits bounded."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.domain.drawings import drawing
from connector.domain.fulfilment import (
    MOST_ATTEMPTS,
    ORDER_TRANSITIONS,
    STEP_TRANSITIONS,
    STEPS,
    IllegalTransition,
    OrderEvent,
    OrderState,
    StepEvent,
    StepState,
    order_after,
    retry_wait,
    step_after,
)
from connector.domain.status import WORD_OF_STATE

_MACHINES: list[Any] = [
    pytest.param(ORDER_TRANSITIONS, OrderState, OrderState.NEW, {OrderState.FULFILLED}, id="order"),
    pytest.param(STEP_TRANSITIONS, StepState, StepState.WAITING, {StepState.DONE}, id="step"),
]

Table = Mapping[tuple[StrEnum, StrEnum], StrEnum]


def _reached(table: Table, start: StrEnum) -> set[StrEnum]:
    found = {start}
    while fresh := {after for (before, _event), after in table.items() if before in found} - found:
        found |= fresh
    return found


@pytest.mark.parametrize(("table", "states", "start", "ends"), _MACHINES)
def test_every_state_can_be_reached(table: Table, states: type[StrEnum], start: StrEnum, ends: set[StrEnum]) -> None:
    assert _reached(table, start) == set(states)


@pytest.mark.parametrize(("table", "states", "start", "ends"), _MACHINES)
def test_only_success_is_final(table: Table, states: type[StrEnum], start: StrEnum, ends: set[StrEnum]) -> None:
    assert set(states) - {before for before, _event in table} == ends


@pytest.mark.parametrize(("table", "states", "start", "ends"), _MACHINES)
def test_success_can_be_reached_from_everywhere(
    table: Table, states: type[StrEnum], start: StrEnum, ends: set[StrEnum]
) -> None:
    for state in states:
        assert ends <= _reached(table, state), state


@given(state=st.sampled_from(OrderState), event=st.sampled_from(OrderEvent))
def test_an_order_moves_along_the_table_or_not_at_all(state: OrderState, event: OrderEvent) -> None:
    if (state, event) in ORDER_TRANSITIONS:
        assert order_after(state, event) is ORDER_TRANSITIONS[state, event]
    else:
        with pytest.raises(IllegalTransition, match=f"An order that is {state} cannot {event}"):
            order_after(state, event)


@given(state=st.sampled_from(StepState), event=st.sampled_from(StepEvent))
def test_a_step_moves_along_the_table_or_not_at_all(state: StepState, event: StepEvent) -> None:
    if (state, event) in STEP_TRANSITIONS:
        assert step_after(state, event) is STEP_TRANSITIONS[state, event]
    else:
        with pytest.raises(IllegalTransition, match=f"A fulfilment step that is {state} cannot {event}"):
            step_after(state, event)


@pytest.mark.parametrize("event", OrderEvent)
def test_nothing_moves_a_fulfilled_order(event: OrderEvent) -> None:
    with pytest.raises(IllegalTransition):
        order_after(OrderState.FULFILLED, event)


@pytest.mark.parametrize("event", StepEvent)
def test_nothing_moves_a_confirmed_step(event: StepEvent) -> None:
    with pytest.raises(IllegalTransition):
        step_after(StepState.DONE, event)


def test_an_order_is_fulfilled_only_while_it_is_being_fulfilled() -> None:
    assert [before for (before, event) in ORDER_TRANSITIONS if event is OrderEvent.FULFIL] == [OrderState.FULFILLING]


def test_a_step_is_confirmed_only_while_it_runs() -> None:
    assert [before for (before, event) in STEP_TRANSITIONS if event is StepEvent.CONFIRM] == [StepState.RUNNING]


def test_a_step_whose_run_was_killed_can_be_started_again() -> None:
    assert step_after(StepState.RUNNING, StepEvent.START) is StepState.RUNNING


@pytest.mark.parametrize("event", [OrderEvent.MAP, OrderEvent.BLOCK, OrderEvent.RETRY])
@pytest.mark.parametrize("state", [state for state in OrderState if state is not OrderState.FULFILLED])
def test_an_order_that_is_not_fulfilled_can_always_be_looked_at_again(state: OrderState, event: OrderEvent) -> None:
    order_after(state, event)


@pytest.mark.parametrize("state", [state for state in OrderState if state is not OrderState.FULFILLED])
def test_whatever_is_tried_again_by_itself_can_be_given_up(state: OrderState) -> None:
    assert order_after(state, OrderEvent.GIVE_UP) is OrderState.FAILED


def test_the_customer_is_first_and_the_read_back_last() -> None:
    assert (STEPS[0], STEPS[-1]) == ("customer", "read_back")
    assert STEPS.index("contract") < STEPS.index("subscriptions")  # type: ignore[arg-type]


def test_every_state_has_a_word_for_salesforce() -> None:
    assert set(WORD_OF_STATE) == set(OrderState)


def test_the_drawing_shows_every_edge_of_both_machines() -> None:
    drawn = drawing()

    for table in (ORDER_TRANSITIONS, STEP_TRANSITIONS):
        for (before, event), after in table.items():
            assert f"    {before} --> {after}: {event}\n" in drawn
    assert drawn.count("stateDiagram-v2") >= 2


@given(attempt=st.integers(1, MOST_ATTEMPTS - 1), asked=st.integers(0, 100_000))
def test_a_wait_is_at_least_what_was_asked_and_never_shorter_than_the_one_before(attempt: int, asked: int) -> None:
    wait = retry_wait(attempt=attempt, asked=asked)

    assert wait is not None
    assert wait >= asked
    assert 5 <= wait <= max(asked, 4 * 3600)
    assert attempt == 1 or wait >= (retry_wait(attempt=attempt - 1, asked=asked) or 0)


@given(attempt=st.integers(MOST_ATTEMPTS, MOST_ATTEMPTS + 100))
def test_after_the_most_attempts_there_is_no_wait_but_a_person(attempt: int) -> None:
    assert retry_wait(attempt=attempt, asked=60) is None
