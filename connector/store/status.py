"""One order's status as people should see it, read together in one query for the write-back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

import sqlalchemy as sa

from connector.domain.fulfilment import OrderState, StepName, StepState
from connector.domain.terms import RecordRef
from connector.errors import Fault
from connector.store.sent_back import load_sent_back
from connector.store.tables import contracts, fulfilment_steps, orders, records
from connector.store.tables_billing import contract_undos
from connector.store.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True)
class StatusRow:
    """What is known of an order and its record. `step` is the one it is at, empty when all are done or none began.

    `steps` are the fulfilment steps in order, each with its state; none before the order could be read.
    `warnings` are those of its contract that this order caused, `sent_back` tells of an invoice of it that finance
    sent back and nobody has answered yet.
    """

    ref: RecordRef
    account_id: str
    number: str
    state: OrderState
    faults: tuple[Fault, ...]
    question_code: str
    question: str
    source_hash: str
    step: str
    attempts: int
    fulfilled_at: datetime | None
    not_before: datetime | None
    contract_number: str
    contract_value: Decimal | None
    undone_on: date | None = None
    undo_reason: str = ""
    warnings: tuple[Fault, ...] = ()
    steps: tuple[tuple[StepName, StepState], ...] = ()
    sent_back: Fault | None = None


def load_status(*, work: UnitOfWork, order_id: int) -> StatusRow:
    """The status of that order."""
    query = (
        sa.select(orders, records.c.org_id, records.c.object, records.c.record_id, records.c.account_id)
        .add_columns(contracts.c.number.label("contract_number"), contracts.c.value.label("contract_value"))
        .add_columns(contracts.c.warnings, contract_undos.c.on.label("undone_on"), contract_undos.c.reason)
        .join(records, records.c.id == orders.c.record_row_id)
        .outerjoin(contracts, contracts.c.id == orders.c.contract_id)
        .outerjoin(contract_undos, contract_undos.c.order_id == orders.c.id)
        .where(orders.c.id == order_id)
    )
    row = work.execute(query).one()
    steps = _steps(work, order_id)
    step, attempts, not_before = _step_at(steps)
    return StatusRow(
        ref=RecordRef(row.org_id, row.object, row.record_id),
        account_id=row.account_id or row.customer_ref,
        number=row.number,
        state=OrderState(row.state),
        faults=tuple(Fault(**fault) for fault in row.faults or ()),
        question_code=row.question_code,
        question=row.question,
        source_hash=row.source_hash,
        step=step,
        attempts=attempts,
        fulfilled_at=row.fulfilled_at,
        not_before=not_before,
        contract_number=row.contract_number or "",
        contract_value=row.contract_value,
        undone_on=row.undone_on,
        undo_reason=row.reason or "",
        warnings=tuple(Fault(**found) for found in row.warnings or () if found["record"] == row.record_id),
        steps=tuple((StepName(step.name), StepState(step.state)) for step in steps),
        sent_back=load_sent_back(work=work, order_ref=row.record_id, contract_id=row.contract_id),
    )


def _steps(work: UnitOfWork, order_id: int) -> Sequence[sa.Row[tuple[str, str, int, datetime | None]]]:
    """Name, state, attempts and next try of each step, in order."""
    steps = fulfilment_steps.c
    query = sa.select(steps.name, steps.state, steps.attempts, steps.not_before)
    return work.execute(query.where(steps.order_id == order_id).order_by(steps.position)).all()


def _step_at(steps: Sequence[sa.Row[tuple[str, str, int, datetime | None]]]) -> tuple[str, int, datetime | None]:
    """(name, attempts, next try) of the first step that began and is not done."""
    for step in steps:
        if step.state != StepState.DONE and step.attempts > 0:
            return step.name, step.attempts, step.not_before
    return "", 0, None
