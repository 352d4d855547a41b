"""Orders, their line items and fulfilment steps: load, save, and move along the tables of `domain/fulfilment.py`.

Every move writes its history row in the same transaction and checks the version it was loaded with, so that two runs
can never both move one order.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from connector.domain.fulfilment import (
    STEPS,
    OrderEvent,
    OrderState,
    StepEvent,
    StepName,
    StepState,
    order_after,
    step_after,
)
from connector.domain.terms import Order
from connector.errors import Conflict, Fault
from connector.store import history
from connector.store.tables import fulfilment_steps, order_lines, orders, records
from connector.store.terms import fingerprint, load_order, order_document
from connector.store.unit_of_work import UnitOfWork

_NO_FAULT = Fault(code="", message="", fix="", owner="")


def _step_update(*columns: str) -> sa.Update:
    """An UPDATE of one step that is still as it was loaded; made once, because steps move ten times per order."""
    steps = fulfilment_steps.c
    return (
        fulfilment_steps.update()
        .where(
            steps.id == sa.bindparam("step_id"),
            steps.state == sa.bindparam("state_before"),
            steps.attempts == sa.bindparam("attempts_before"),
        )
        .values({name: sa.bindparam(name, type_=steps[name].type) for name in columns})
    )


_MOVED = ("state", "attempts", "not_before")
_START_STEP = _step_update(*_MOVED, "started_at").values(ended_at=None, code="", message="", fix="", owner="")
_END_STEP = _step_update(*_MOVED, "ended_at", "result", "code", "message", "fix", "owner")


@dataclass(frozen=True, slots=True)
class StoredOrder:
    """An order as kept: its state, its signed terms (None before a mapping succeeded) and what is wrong with it."""

    id: int
    record_row_id: int
    number: str
    state: OrderState
    version: int
    document: Any
    source_hash: str
    contract_id: int | None
    faults: tuple[Fault, ...]
    question_code: str
    question_hash: str
    value: Decimal | None
    mapping_version: str = ""

    @property
    def terms(self) -> Order | None:
        """The signed terms, read from their document."""
        return load_order(self.document) if self.document else None


@dataclass(frozen=True, slots=True)
class StoredStep:
    """One fulfilment step as kept."""

    id: int
    order_id: int
    name: StepName
    state: StepState
    attempts: int
    result: Any


def open_order(*, work: UnitOfWork, record_row_id: int, now: datetime) -> StoredOrder:
    """The order of a signed record; made NEW with its waiting steps when there is none yet."""
    order = load_by_record(work=work, record_row_id=record_row_id)
    if order is not None:
        return order
    # The claim on the record keeps others away; the unique constraint holds should it ever be lost.
    made = work.execute(
        orders.insert()
        .values(
            record_row_id=record_row_id,
            number=f"new-{record_row_id}",
            state=OrderState.NEW,
            created_at=now,
            changed_at=now,
        )
        .returning(orders)
    ).one()
    order = _stored(made)
    number = f"O-{order.id:06d}"
    work.execute(orders.update().where(orders.c.id == order.id).values(number=number))
    work.execute(
        fulfilment_steps.insert(),
        [
            {"order_id": order.id, "name": name, "position": position, "state": StepState.WAITING}
            for position, name in enumerate(STEPS, start=1)
        ],
    )
    _remember(work, order.id, now, "open", "", OrderState.NEW, "")
    return dataclasses.replace(order, number=number)


def load_by_record(*, work: UnitOfWork, record_row_id: int) -> StoredOrder | None:
    """The order of that record, locked for this transaction, or None."""
    row = work.execute(sa.select(orders).where(orders.c.record_row_id == record_row_id).with_for_update()).one_or_none()
    return None if row is None else _stored(row)


def load(*, work: UnitOfWork, order_id: int) -> StoredOrder:
    """The order, locked for this transaction."""
    return _stored(work.execute(sa.select(orders).where(orders.c.id == order_id).with_for_update()).one())


def load_by_number(*, work: UnitOfWork, number: str) -> StoredOrder | None:
    """The order with that number, locked for this transaction, or None."""
    row = work.execute(sa.select(orders).where(orders.c.number == number).with_for_update()).one_or_none()
    return None if row is None else _stored(row)


def lock_by_salesforce_id(*, work: UnitOfWork, org_id: str, record_id: str) -> StoredOrder | None:
    """The order of that Salesforce record, locked: a transaction about to give it a contract is waited for."""
    query = (
        sa.select(orders)
        .join(records, records.c.id == orders.c.record_row_id)
        .where(records.c.org_id == org_id, records.c.record_id == record_id)
    )
    row = work.execute(query.with_for_update(of=orders)).one_or_none()
    return None if row is None else _stored(row)


def load_by_salesforce_id(*, work: UnitOfWork, org_id: str, record_id: str) -> StoredOrder | None:
    """The order of that Salesforce record, only to be read, or None."""
    query = (
        sa.select(orders)
        .join(records, records.c.id == orders.c.record_row_id)
        .where(records.c.org_id == org_id, records.c.record_id == record_id)
    )
    row = work.execute(query).one_or_none()
    return None if row is None else _stored(row)


def contract_of(*, work: UnitOfWork, order_id: int) -> int:
    """The id of the contract that the order made or changed; its contract step has run."""
    contract_id = work.execute(sa.select(orders.c.contract_id).where(orders.c.id == order_id)).scalar_one()
    if contract_id is None:
        raise ValueError(f"order {order_id} has no contract yet")
    return int(contract_id)


def granting_now(*, work: UnitOfWork, contract_id: int, but_order_id: int) -> str:
    """The number of another order of the contract between its grant and its read-back; empty when there is none."""
    steps = fulfilment_steps.c
    query = (
        sa.select(orders.c.number)
        .join(fulfilment_steps, steps.order_id == orders.c.id)
        .where(
            orders.c.contract_id == contract_id,
            orders.c.id != but_order_id,
            steps.name.in_((StepName.SUBSCRIPTIONS, StepName.METERING, StepName.READ_BACK)),
            steps.state == StepState.RUNNING,
        )
    )
    return work.execute(query.limit(1)).scalar_one_or_none() or ""


def others_of_contract(*, work: UnitOfWork, order_id: int) -> list[int]:
    """The ids of the other orders of that order's contract."""
    own = sa.select(orders.c.contract_id).where(orders.c.id == order_id).scalar_subquery()
    query = sa.select(orders.c.id).where(orders.c.contract_id == own, orders.c.id != order_id)
    return list(work.execute(query.order_by(orders.c.id)).scalars())


def waiting_for(*, work: UnitOfWork, record_id: str) -> list[int]:
    """Record row ids of the orders that wait for the order of that Salesforce record."""
    query = sa.select(orders.c.record_row_id).where(
        orders.c.amends_ref == record_id, orders.c.state == OrderState.WAITING
    )
    return list(work.execute(query).scalars())


def save_terms(
    *, work: UnitOfWork, order: StoredOrder, terms: Order, value: Decimal | None, mapping_version: str
) -> None:
    """Keep the signed terms with their line items; lines of an earlier reading are replaced, no contract has them."""
    work.execute(order_lines.delete().where(order_lines.c.order_id == order.id))
    if terms.line_items:
        work.execute(order_lines.insert(), _line_rows(order.id, terms))
    work.execute(
        orders.update()
        .where(orders.c.id == order.id)
        .values(
            **_header(terms),
            value=value,
            terms=order_document(terms),
            source_hash=fingerprint(terms),
            mapping_version=mapping_version,
        )
    )


def save_title(*, work: UnitOfWork, order: StoredOrder, customer_ref: str, customer_name: str) -> None:
    """Keep who the customer is, for pages, while the terms cannot be read."""
    work.execute(
        orders.update().where(orders.c.id == order.id).values(customer_ref=customer_ref, customer_name=customer_name)
    )


def move(
    *,
    work: UnitOfWork,
    order: StoredOrder,
    event: OrderEvent,
    now: datetime,
    reason: str = "",
    faults: Sequence[Fault] = (),
    **changes: Any,
) -> StoredOrder:
    """Move the order along the table. Raises IllegalTransition, and Conflict when somebody else moved it first."""
    after = order_after(order.state, event)
    if after is OrderState.FULFILLED:
        changes["fulfilled_at"] = now
    done = work.execute(
        orders.update()
        .where(orders.c.id == order.id, orders.c.version == order.version)
        .values(
            state=after,
            version=order.version + 1,
            changed_at=now,
            faults=[dataclasses.asdict(fault) for fault in faults],
            **changes,
        )
    )
    if not done.rowcount:
        raise Conflict(f"Order {order.number} was moved by somebody else.")
    if after is not order.state or event in (OrderEvent.RETRY, OrderEvent.BLOCK):
        _remember(work, order.id, now, event, order.state, after, reason)
    return dataclasses.replace(order, state=after, version=order.version + 1, faults=tuple(faults))


def ask(*, work: UnitOfWork, order: StoredOrder, code: str, question: str, of_hash: str, now: datetime) -> bool:
    """Put a visible question to people (or clear it with empty text); answers whether anything changed."""
    if (order.question_code, order.question_hash) == (code, of_hash):
        return False
    work.execute(
        orders.update()
        .where(orders.c.id == order.id)
        .values(question_code=code, question=question, question_hash=of_hash, changed_at=now)
    )
    _remember(work, order.id, now, "question", order.question_code, code, question)
    return True


def load_steps(*, work: UnitOfWork, order_id: int) -> tuple[StoredStep, ...]:
    """The order's fulfilment steps in the order in which they run."""
    query = (
        sa.select(fulfilment_steps).where(fulfilment_steps.c.order_id == order_id).order_by(fulfilment_steps.c.position)
    )
    return tuple(
        StoredStep(row.id, row.order_id, StepName(row.name), StepState(row.state), row.attempts, row.result)
        for row in work.execute(query)
    )


def move_step(
    *,
    work: UnitOfWork,
    step: StoredStep,
    event: StepEvent,
    now: datetime,
    reason: str = "",
    not_before: datetime | None = None,
    fault: Fault | None = None,
    result: Any = None,
) -> StoredStep:
    """Move a fulfilment step along the table, with its history row.

    Raises IllegalTransition, and Conflict when another run moved the step first (one of the two was taken for dead).
    """
    after = step_after(step.state, event)
    attempts = step.attempts + (event is StepEvent.START)
    values = {"step_id": step.id, "state_before": step.state, "attempts_before": step.attempts}
    values |= {"state": after, "attempts": attempts, "not_before": not_before}
    if event is StepEvent.START:
        done = work.execute(_START_STEP, values | {"started_at": now})
    else:
        told = fault or _NO_FAULT
        values |= {"ended_at": now, "result": result, "code": told.code, "message": told.message}
        done = work.execute(_END_STEP, values | {"fix": told.fix, "owner": told.owner})
    if not done.rowcount:
        raise Conflict(f"The step {step.name} of order {step.order_id} was moved by another run.")
    _remember(work, step.order_id, now, f"{step.name}: {event}", step.state, after, reason)
    return dataclasses.replace(step, state=after, attempts=attempts)


def line_ids(*, work: UnitOfWork, order_id: int) -> dict[str, int]:
    """Salesforce line id -> our order line id."""
    query = sa.select(order_lines.c.salesforce_line_id, order_lines.c.id).where(order_lines.c.order_id == order_id)
    return {row.salesforce_line_id: row.id for row in work.execute(query)}


def _remember(work: UnitOfWork, order_id: int, now: datetime, event: str, before: str, after: str, reason: str) -> None:
    history.append(
        work=work,
        at=now,
        subject="order",
        subject_id=order_id,
        event=event,
        before=before,
        after=after,
        reason=reason,
    )


def _stored(row: Any) -> StoredOrder:
    return StoredOrder(
        id=row.id,
        record_row_id=row.record_row_id,
        number=row.number,
        state=OrderState(row.state),
        version=row.version,
        document=row.terms,
        source_hash=row.source_hash,
        contract_id=row.contract_id,
        faults=tuple(Fault(**fault) for fault in row.faults or ()),
        question_code=row.question_code,
        question_hash=row.question_hash,
        value=row.value,
        mapping_version=row.mapping_version,
    )


def _header(terms: Order) -> dict[str, str | date]:
    return {
        "deal_type": terms.deal_type,
        "customer_ref": terms.customer.ref,
        "customer_name": terms.customer.name,
        "currency": terms.currency,
        "starts_on": terms.starts_on,
        "ends_on": terms.ends_on,
        "amends_ref": terms.amends_ref,
    }


def _line_rows(order_id: int, terms: Order) -> list[dict[str, Any]]:
    return [
        {
            "order_id": order_id,
            "position": position,
            "salesforce_line_id": line.ref,
            "product_code": line.product_code,
            "product_name": line.product_name,
            "charge_type": line.charge_type,
            "quantity": line.quantity,
            "terms": dataclasses.asdict(line),
        }
        for position, line in enumerate(terms.line_items, start=1)
    ]
