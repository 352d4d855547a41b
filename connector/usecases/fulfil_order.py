"""Run an order's fulfilment steps to the end, or to the first one that cannot go on.

Each step is prepare (commit), call the outside, record (commit). What is done is told by the step rows, so a run that
was killed anywhere is simply run again: confirmed steps are passed over, an interrupted one is started again with the
same key. Recording one step and preparing the next is one transaction.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any

from connector.domain.fulfilment import OrderEvent, OrderState, StepEvent, StepName, StepState, order_after
from connector.errors import ConnectorError
from connector.ports import Clock
from connector.store import orders
from connector.store.orders import StoredStep
from connector.store.unit_of_work import Database, UnitOfWork
from connector.usecases.fulfilment_steps import STEP_WORK, StepContext
from connector.usecases.show_status import StatusBoard
from connector.usecases.stopped_deal import stop_for, stop_order, stop_step


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
    reached = run.record(None, None)
    while isinstance(reached, _Started):
        try:
            answer = STEP_WORK[reached.step.name].call(context, reached.material)
        except ConnectorError as error:
            return run.stop(reached.step, error)
        reached = run.record(reached.step, answer)
    return reached


@dataclasses.dataclass(frozen=True, slots=True)
class _Started:
    """A step that is prepared and waits for its outside call."""

    step: StoredStep
    material: Any


@dataclasses.dataclass(frozen=True, slots=True)
class _Run:
    """One run over one order: where its steps are recorded."""

    database: Database
    clock: Clock
    context: StepContext
    board: StatusBoard
    attempts: int

    def record(self, step: StoredStep | None, answer: Any) -> _Started | Fulfilment:
        """Record what the step's call answered and go on to the next call or to the end, in one transaction.

        When something in it is refused, nothing of it stands, and it is done again one step at a time, so that only
        the refused step stops.
        """
        try:
            with self.database.unit_of_work() as work:
                if step is not None:
                    self._confirm(work, step, answer)
                reached = self._go_on(work)
                work.commit()
        except ConnectorError:
            return self._record_apart(step, answer)
        return reached

    def stop(self, step: StoredStep, error: ConnectorError) -> Fulfilment:
        """Keep on the step why it cannot go on."""
        with self.database.unit_of_work() as work:
            stopped = self._stop_in(work, step, error)
            work.commit()
        return stopped

    def _go_on(self, work: UnitOfWork) -> _Started | Fulfilment:
        """Start the next step; those that need nothing outside are done at once. After the last one: fulfilled."""
        for step in self._left(work):
            running = orders.move_step(work=work, step=step, event=StepEvent.START, now=self.clock.now())
            material = self._prepare(work, running)
            if STEP_WORK[step.name].is_outside:
                return _Started(running, material)
        return self._finish(work)

    def _record_apart(self, step: StoredStep | None, answer: Any) -> _Started | Fulfilment:
        """The same, each step in transactions of its own."""
        if step is not None and (stopped := self._guarded(step, lambda work: self._confirm(work, step, answer))):
            return stopped
        while True:
            with self.database.unit_of_work() as work:
                left = self._left(work)
                if not left:
                    done = self._finish(work)
                    work.commit()
                    return done
                running = orders.move_step(work=work, step=left[0], event=StepEvent.START, now=self.clock.now())
                work.commit()
            materials: list[Any] = []
            stopped = self._guarded(running, partial(self._prepare_into, materials, running))
            if stopped or STEP_WORK[running.name].is_outside:
                return stopped or _Started(running, materials[0])

    def _prepare_into(self, materials: list[Any], step: StoredStep, work: UnitOfWork) -> None:
        materials.append(self._prepare(work, step))

    def _guarded(self, step: StoredStep, change: Callable[[UnitOfWork], None]) -> Fulfilment | None:
        """Make one change in a transaction; a refusal stops the step, with its reason."""
        try:
            with self.database.unit_of_work() as work:
                change(work)
                work.commit()
        except ConnectorError as error:
            return self.stop(step, error)
        return None

    def _left(self, work: UnitOfWork) -> list[StoredStep]:
        steps = orders.load_steps(work=work, order_id=self.context.order_id)
        return [step for step in steps if step.state is not StepState.DONE]

    def _prepare(self, work: UnitOfWork, step: StoredStep) -> Any:
        material = STEP_WORK[step.name].prepare(work, self.context, self.clock.now())
        if not STEP_WORK[step.name].is_outside:
            self._confirm(work, step, None)
        return material

    def _confirm(self, work: UnitOfWork, step: StoredStep, answer: Any) -> None:
        now = self.clock.now()
        result = STEP_WORK[step.name].record(work, self.context, answer, now)
        orders.move_step(work=work, step=step, event=StepEvent.CONFIRM, now=now, result=result)
        if step.name is StepName.CONTRACT:
            # The contract has a new value; every deal that belongs to it shows it.
            for other_id in orders.others_of_contract(work=work, order_id=self.context.order_id):
                self.board.show_order(work=work, order_id=other_id, now=now)

    def _finish(self, work: UnitOfWork) -> Fulfilment:
        """All steps are confirmed: the order is fulfilled."""
        order = orders.load(work=work, order_id=self.context.order_id)
        if order.state is not OrderState.FULFILLED:
            orders.move(work=work, order=order, event=OrderEvent.FULFIL, now=self.clock.now())
        self.board.show_order(work=work, order_id=order.id, now=self.clock.now())
        return Fulfilment(OrderState.FULFILLED)

    def _stop_in(self, work: UnitOfWork, step: StoredStep, error: ConnectorError) -> Fulfilment:
        now = self.clock.now()
        stop = stop_for(error=error, attempts=self.attempts, now=now)
        stop_step(work=work, step=step, stop=stop, now=now)
        order = orders.load(work=work, order_id=self.context.order_id)
        stop_order(work=work, order=order, stop=stop, now=now)
        self.board.show_order(work=work, order_id=order.id, now=now)
        fault = stop.faults[0]
        return Fulfilment(order_after(order.state, stop.event), fault.code, fault.message, fault.owner, stop.not_before)
