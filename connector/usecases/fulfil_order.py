"""Run an order's fulfilment steps to the end, or to the first one that cannot go on.

Each step is prepare (commit), call the outside, record (commit). What is done is told by the step rows, so a run that
was killed anywhere is simply run again: confirmed steps are passed over, an interrupted one is started again with the
same key. Recording one step and preparing the next is one transaction.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from connector.domain.fulfilment import OrderEvent, OrderState, StepEvent, StepState, retry_wait
from connector.errors import ConnectorError, Fault, Misconfigured, RateLimited, Retryable
from connector.ports import Clock
from connector.store import orders
from connector.store.orders import StoredStep
from connector.store.unit_of_work import Database, UnitOfWork
from connector.usecases.fulfilment_steps import STEP_WORK, StepContext
from connector.usecases.show_status import StatusBoard


@dataclasses.dataclass(frozen=True, slots=True)
class Fulfilment:
    """How far a run brought the order; `not_before` is when the next run is due by itself."""

    state: OrderState
    code: str = ""
    reason: str = ""
    owner: str = ""
    not_before: datetime | None = None


def fulfil_order(
    *, database: Database, clock: Clock, context: StepContext, board: StatusBoard, attempts: int
) -> Fulfilment:
    """Run what is left of the order's steps. `attempts` counts the failures in a row so far, for the waiting time.

    Anticipated errors of a step are kept on the step and answered; anything else is a bug and raised.
    """
    run = _Run(database, clock, context, board, attempts)
    started = run.begin()
    while isinstance(started, _Started):
        try:
            answer = STEP_WORK[started.step.name].call(context, started.material)
        except ConnectorError as error:
            return run.stop(started.step, error)
        started = run.record(started.step, answer)
    return started or run.finish()


@dataclasses.dataclass(frozen=True, slots=True)
class _Started:
    """A step that is prepared and waits for its outside call."""

    step: StoredStep
    material: Any


@dataclasses.dataclass(frozen=True, slots=True)
class _Run:
    """One run over one order: where its steps are recorded. None as an answer means that no step is left."""

    database: Database
    clock: Clock
    context: StepContext
    board: StatusBoard
    attempts: int

    def begin(self) -> _Started | Fulfilment | None:
        """Start the first step that is not done."""
        with self.database.unit_of_work() as work:
            started = self._go_on(work)
            work.commit()
        return started

    def record(self, step: StoredStep, answer: Any) -> _Started | Fulfilment | None:
        """Record what the step's call answered, and start the next one, in one transaction."""
        with self.database.unit_of_work() as work:
            stopped, _ = self._guarded(work, step, partial(self._confirm, work, step, answer))
            started = stopped or self._go_on(work)
            work.commit()
        return started

    def stop(self, step: StoredStep, error: ConnectorError) -> Fulfilment:
        """Keep on the step why its call failed."""
        with self.database.unit_of_work() as work:
            stopped = self._stop_in(work, step, error)
            work.commit()
        return stopped

    def finish(self) -> Fulfilment:
        """All steps are confirmed: the order is fulfilled."""
        with self.database.unit_of_work() as work:
            order = orders.load(work=work, order_id=self.context.order_id)
            if order.state is not OrderState.FULFILLED:
                orders.move(work=work, order=order, event=OrderEvent.FULFIL, now=self.clock.now())
            self.board.show_order(work=work, order_id=order.id, now=self.clock.now())
            work.commit()
        return Fulfilment(OrderState.FULFILLED)

    def _go_on(self, work: UnitOfWork) -> _Started | Fulfilment | None:
        """Start the next step; steps that need nothing outside are done at once."""
        for step in orders.load_steps(work=work, order_id=self.context.order_id):
            if step.state is StepState.DONE:
                continue
            running = orders.move_step(work=work, step=step, event=StepEvent.START, now=self.clock.now())
            stopped, material = self._guarded(work, running, partial(self._prepare, work, running))
            if stopped or STEP_WORK[step.name].is_outside:
                return stopped or _Started(running, material)
        return None

    def _prepare(self, work: UnitOfWork, step: StoredStep) -> Any:
        material = STEP_WORK[step.name].prepare(work, self.context, self.clock.now())
        if not STEP_WORK[step.name].is_outside:
            self._confirm(work, step, None)
        return material

    def _confirm(self, work: UnitOfWork, step: StoredStep, answer: Any) -> None:
        result = STEP_WORK[step.name].record(work, self.context, answer, self.clock.now())
        orders.move_step(work=work, step=step, event=StepEvent.CONFIRM, now=self.clock.now(), result=result)

    def _guarded(self, work: UnitOfWork, step: StoredStep, change: Callable[[], Any]) -> tuple[Fulfilment | None, Any]:
        """Make the change behind a savepoint: a refused step does not undo the one confirmed before it."""
        savepoint = work.connection.begin_nested()
        try:
            answer = change()
        except ConnectorError as error:
            savepoint.rollback()
            return self._stop_in(work, step, error), None
        savepoint.commit()
        return None, answer

    def _stop_in(self, work: UnitOfWork, step: StoredStep, error: ConnectorError) -> Fulfilment:
        now = self.clock.now()
        order_event, step_event, not_before = verdict(error=error, attempts=self.attempts, now=now)
        fault = fault_of(error)
        faults = tuple(getattr(error, "faults", ())) or (fault,)
        told = {"code": fault.code, "message": fault.message, "fix": fault.fix, "owner": fault.owner}
        orders.move_step(
            work=work, step=step, event=step_event, now=now, reason=fault.message, not_before=not_before, **told
        )
        order = orders.load(work=work, order_id=self.context.order_id)
        moved = orders.move(work=work, order=order, event=order_event, now=now, reason=fault.message, faults=faults)
        self.board.show_order(work=work, order_id=order.id, now=now)
        return Fulfilment(moved.state, fault.code, fault.message, fault.owner, not_before)


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
