"""The life of an order: its states, the fulfilment steps, and what may follow what.

Both machines are one table each, so that "can this happen?" is answered by reading. The store moves rows only along
these edges; `countersign transitions` draws them and docs/state-machines.md holds the tested drawing.
"""

from __future__ import annotations

from enum import StrEnum

from connector.errors import Refused


class OrderState(StrEnum):
    """How far an order is; only FULFILLED and SKIPPED need nobody."""

    NEW = "NEW"
    WAITING = "WAITING"
    FULFILLING = "FULFILLING"
    RETRYING = "RETRYING"
    BLOCKED = "BLOCKED"
    FAILED = "FAILED"
    FULFILLED = "FULFILLED"


class OrderEvent(StrEnum):
    """What moves an order."""

    MAP = "map"
    WAIT = "wait"
    BLOCK = "block"
    RETRY = "retry"
    GIVE_UP = "give_up"
    FULFIL = "fulfil"


class StepName(StrEnum):
    """The fulfilment steps in the order in which they run."""

    CUSTOMER = "customer"
    CONTRACT = "contract"
    SUBSCRIPTIONS = "subscriptions"
    METERING = "metering"
    READ_BACK = "read_back"


STEPS = tuple(StepName)


class StepState(StrEnum):
    """How far one fulfilment step is."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    RETRYING = "retrying"
    BLOCKED = "blocked"
    FAILED = "failed"


class StepEvent(StrEnum):
    """What moves a fulfilment step."""

    START = "start"
    CONFIRM = "confirm"
    RETRY = "retry"
    BLOCK = "block"
    GIVE_UP = "give_up"


_S, _E = OrderState, OrderEvent

ORDER_TRANSITIONS: dict[tuple[OrderState, OrderEvent], OrderState] = {
    (_S.NEW, _E.MAP): _S.FULFILLING,
    (_S.NEW, _E.WAIT): _S.WAITING,
    (_S.NEW, _E.BLOCK): _S.BLOCKED,
    (_S.NEW, _E.RETRY): _S.RETRYING,
    (_S.NEW, _E.GIVE_UP): _S.FAILED,
    # Waits for the order that it changes; goes on when that one has its contract.
    (_S.WAITING, _E.MAP): _S.FULFILLING,
    (_S.WAITING, _E.WAIT): _S.WAITING,
    (_S.WAITING, _E.BLOCK): _S.BLOCKED,
    (_S.WAITING, _E.RETRY): _S.RETRYING,
    (_S.WAITING, _E.GIVE_UP): _S.FAILED,
    (_S.FULFILLING, _E.FULFIL): _S.FULFILLED,
    (_S.FULFILLING, _E.RETRY): _S.RETRYING,
    (_S.FULFILLING, _E.BLOCK): _S.BLOCKED,
    (_S.FULFILLING, _E.GIVE_UP): _S.FAILED,
    # Looking again at an order in work is harmless: it goes on where it was.
    (_S.FULFILLING, _E.MAP): _S.FULFILLING,
    (_S.RETRYING, _E.MAP): _S.FULFILLING,
    (_S.RETRYING, _E.WAIT): _S.WAITING,
    (_S.RETRYING, _E.RETRY): _S.RETRYING,
    (_S.RETRYING, _E.BLOCK): _S.BLOCKED,
    (_S.RETRYING, _E.GIVE_UP): _S.FAILED,
    # The record was corrected, or somebody pressed Resync.
    (_S.BLOCKED, _E.MAP): _S.FULFILLING,
    (_S.BLOCKED, _E.WAIT): _S.WAITING,
    (_S.BLOCKED, _E.BLOCK): _S.BLOCKED,
    (_S.BLOCKED, _E.RETRY): _S.RETRYING,
    (_S.BLOCKED, _E.GIVE_UP): _S.FAILED,
    (_S.FAILED, _E.MAP): _S.FULFILLING,
    (_S.FAILED, _E.WAIT): _S.WAITING,
    (_S.FAILED, _E.BLOCK): _S.BLOCKED,
    (_S.FAILED, _E.RETRY): _S.RETRYING,
    (_S.FAILED, _E.GIVE_UP): _S.FAILED,
}

_T, _V = StepState, StepEvent

STEP_TRANSITIONS: dict[tuple[StepState, StepEvent], StepState] = {
    (_T.WAITING, _V.START): _T.RUNNING,
    # A run that was killed left the step running; the next run starts it again with the same key.
    (_T.RUNNING, _V.START): _T.RUNNING,
    (_T.RUNNING, _V.CONFIRM): _T.DONE,
    (_T.RUNNING, _V.RETRY): _T.RETRYING,
    (_T.RUNNING, _V.BLOCK): _T.BLOCKED,
    (_T.RUNNING, _V.GIVE_UP): _T.FAILED,
    (_T.RETRYING, _V.START): _T.RUNNING,
    (_T.BLOCKED, _V.START): _T.RUNNING,
    (_T.FAILED, _V.START): _T.RUNNING,
}


class IllegalTransition(Refused):
    """That cannot follow from this state."""

    code = "ILLEGAL_TRANSITION"


def order_after(state: OrderState, event: OrderEvent) -> OrderState:
    """The order's next state. Raises IllegalTransition when the table has no such edge."""
    try:
        return ORDER_TRANSITIONS[state, event]
    except KeyError as error:
        raise IllegalTransition(f"An order that is {state} cannot {event}.") from error


def step_after(state: StepState, event: StepEvent) -> StepState:
    """The step's next state. Raises IllegalTransition when the table has no such edge."""
    try:
        return STEP_TRANSITIONS[state, event]
    except KeyError as error:
        raise IllegalTransition(f"A fulfilment step that is {state} cannot {event}.") from error


# A weekend with margin: a deal signed on Friday evening is still tried on Monday morning.
_LONGEST_WAIT = 4 * 3600
_FIRST_WAIT = 5
MOST_ATTEMPTS = 30


def retry_wait(*, attempt: int, asked: int = 0) -> int | None:
    """Seconds to wait after attempt n (from 1): 5, 10, 20, ... up to 4 hours; None means give up and name an owner.

    `asked` is what the other side asked for, in seconds; we wait at least that long. Thirty attempts last some
    three days.
    """
    if attempt >= MOST_ATTEMPTS:
        return None
    doubled: int = _FIRST_WAIT << (attempt - 1)
    return max(asked, min(_LONGEST_WAIT, doubled))
