"""A deal that cannot go on: what its order says about it, who acts, and when it is tried again.

Exists so that no deal stops in silence: whatever went wrong, wherever, an order that exists shows it, and so does its
Salesforce record. Moves the order and its running step; it must not call anything outside.
"""

from __future__ import annotations

import traceback
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from connector.domain.fulfilment import MOST_ATTEMPTS, OrderEvent, OrderState, StepEvent, StepState, retry_wait
from connector.errors import ConnectorError, Fault, Misconfigured, RateLimited, Retryable
from connector.store import orders
from connector.store.orders import StoredOrder, StoredStep
from connector.store.unit_of_work import UnitOfWork
from connector.usecases.read_order import WaitsForOrder

_GAVE_UP = f"It was tried {MOST_ATTEMPTS} times in about three days. Find the cause, then press Resync."


@dataclass(frozen=True, slots=True)
class Stop:
    """Why a deal stops: the state of its record, the events of its order and step, and what people should read.

    `reason` is the first fault's message, with more for an operator when it was a bug; `not_before` is when the next
    look is due by itself, None when somebody must ask; `attempts` counts the failures in a row.
    """

    state: str
    event: OrderEvent
    step_event: StepEvent
    faults: tuple[Fault, ...]
    reason: str
    not_before: datetime | None = None
    attempts: int = 0


def stop_for(*, error: Exception, attempts: int, now: datetime) -> Stop:
    """What an error means for a deal that failed `attempts` times before."""
    if not isinstance(error, ConnectorError):
        return _stop_for_bug(error)
    faults = tuple(getattr(error, "faults", ())) or (fault_of(error),)
    event, step_event, not_before = verdict(error=error, attempts=attempts, now=now)
    if event is OrderEvent.BLOCK:
        return stop_because(faults=faults, is_waiting=isinstance(error, WaitsForOrder))
    if event is OrderEvent.GIVE_UP:
        faults = tuple(_given_up(fault) for fault in faults)
    state = "failed" if event is OrderEvent.GIVE_UP else "retrying"
    return Stop(state, event, step_event, faults, faults[0].message, not_before, attempts + 1)


def _given_up(fault: Fault) -> Fault:
    """What went on by itself until now needs a person from here on."""
    return replace(fault, fix=_GAVE_UP, owner="operator" if fault.owner == "nobody" else fault.owner)


def stop_because(*, faults: tuple[Fault, ...], is_waiting: bool = False) -> Stop:
    """The deal waits for another deal, or for a person who mends these faults."""
    state, event = ("waiting", OrderEvent.WAIT) if is_waiting else ("blocked", OrderEvent.BLOCK)
    return Stop(state, event, StepEvent.BLOCK, faults, faults[0].message)


def stop_order(*, work: UnitOfWork, order: StoredOrder, stop: Stop, now: datetime) -> None:
    """Move the order and the step that was running. An order that stands there for the same reason is left alone."""
    if order.state is OrderState.BLOCKED and stop.event is OrderEvent.BLOCK and order.faults == stop.faults:
        return
    for step in orders.load_steps(work=work, order_id=order.id):
        if step.state is StepState.RUNNING:
            stop_step(work=work, step=step, stop=stop, now=now)
    orders.move(work=work, order=order, event=stop.event, now=now, reason=stop.faults[0].message, faults=stop.faults)


def stop_step(*, work: UnitOfWork, step: StoredStep, stop: Stop, now: datetime) -> None:
    """Keep on the step why it cannot go on."""
    orders.move_step(
        work=work,
        step=step,
        event=stop.step_event,
        now=now,
        reason=stop.faults[0].message,
        not_before=stop.not_before,
        fault=stop.faults[0],
    )


def verdict(*, error: ConnectorError, attempts: int, now: datetime) -> tuple[OrderEvent, StepEvent, datetime | None]:
    """What an error means for order and step, and when to try again (None = when a person asks).

    Transient causes and settings that an operator will mend are tried again by themselves; data waits for its owner.
    """
    if not isinstance(error, Retryable | Misconfigured):
        return OrderEvent.BLOCK, StepEvent.BLOCK, None
    asked = error.retry_after if isinstance(error, RateLimited) else 0
    wait = retry_wait(attempt=attempts + 1, asked=asked)
    if wait is None:
        return OrderEvent.GIVE_UP, StepEvent.GIVE_UP, None
    return OrderEvent.RETRY, StepEvent.RETRY, now + timedelta(seconds=wait)


def fault_of(error: ConnectorError) -> Fault:
    """The error as a fault for pages and Salesforce."""
    return Fault(code=error.code, message=str(error), fix=error.fix, owner=error.owner)


def _stop_for_bug(error: Exception) -> Stop:
    """A bug in one deal must not hold up another: the record keeps where it was raised, Salesforce only that it was."""
    fault = Fault(
        code="UNEXPECTED",
        message=f"Countersign met an error of its own ({type(error).__name__}) while it worked on this deal.",
        fix="Report it with the order's number and the time. After the repair, press Resync.",
        owner="operator",
    )
    said = "".join(traceback.format_exception_only(error)).strip()
    return Stop("parked", OrderEvent.BLOCK, StepEvent.BLOCK, (fault,), f"{said}\n{_places(error)}")


def _places(error: BaseException) -> str:
    """Where a bug was raised, without the values that a full traceback would show."""
    frames = traceback.extract_tb(error.__traceback__)[-4:]
    return " > ".join(f"{frame.name}:{frame.lineno}" for frame in frames)
