"""Orders as people see them: the list with its problem in one sentence, and everything about one order.

Nothing here may change data.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from connector.domain.fulfilment import OrderState, StepState
from connector.store import queries, tables
from connector.store.order_rows import (
    HistoryRow,
    MessageRow,
    OrderDetail,
    OrderLineRow,
    OrderRow,
    Problem,
    StepRow,
    UndoneRow,
    WritebackRow,
    WrittenField,
)
from connector.store.queries import Page, PageAsked
from connector.store.tables import contracts, fulfilment_steps, inbox, inbox_bodies, order_lines, orders, records
from connector.store.tables_billing import contract_undos

ORDER_STATES = tuple(state.value for state in OrderState)
# In these states nothing happens until somebody or something comes from outside.
_AT_REST = (OrderState.FULFILLED, OrderState.BLOCKED, OrderState.FAILED)
OPEN_STATES = tuple(state.value for state in OrderState if state not in _AT_REST)
_MOST_MESSAGES = 100
_MOST_HISTORY = 200


def list_orders(
    *, connection: Connection, page: PageAsked, state: str = "", text: str = "", contract_id: int | None = None
) -> Page[OrderRow]:
    """Orders, newest first; `text` is looked for in number, customer, record id and record name."""
    query = _order_query()
    if state:
        query = query.where(orders.c.state == state)
    if contract_id is not None:
        query = query.where(orders.c.contract_id == contract_id)
    if text:
        query = query.where(_matches(text))
    found = queries.read_page(connection=connection, query=query, key=orders.c.id, page=page, row=lambda row: row)
    return Page(_with_steps(connection, found.rows), found.next_after)


def count_orders(*, connection: Connection, text: str = "") -> dict[str, int]:
    """Every order state with the number of orders in it (that match the text)."""
    query = sa.select(orders.c.state, sa.func.count()).join_from(orders, records).group_by(orders.c.state)
    if text:
        query = query.where(_matches(text))
    counted = {row[0]: row[1] for row in connection.execute(query)}
    return {state: counted.get(state, 0) for state in ORDER_STATES}


def load_order(*, connection: Connection, number: str) -> OrderDetail | None:
    """One order with steps, faults, lines, write-backs, messages and history; None when there is none."""
    row = connection.execute(_order_query().where(orders.c.number == number)).one_or_none()
    if row is None:
        return None
    return OrderDetail(
        row=_with_steps(connection, (row,))[0],
        terms=row.terms,
        mapping_version=row.mapping_version,
        steps=tuple(_step(step) for step in _steps_of(connection, [row.id])),
        faults=queries.stored_faults(row.faults),
        lines=_lines(connection, row.id),
        writebacks=list_writebacks(connection=connection, org_id=row.org_id, record_id=row.record_id),
        messages=_messages(connection, row.org_id, row.record_id),
        history=_history(connection, row.id, row.record_row_id),
        record_looked_at=row.looked_at,
        record_not_before=row.not_before,
        record_attempts=row.attempts,
        undone=_undone(connection, row.id),
    )


def list_writebacks(*, connection: Connection, org_id: str, record_id: str) -> tuple[WritebackRow, ...]:
    """What Salesforce should show on that record beside what we last wrote there."""
    table = tables.writebacks
    query = sa.select(table).where(table.c.org_id == org_id, table.c.record_id == record_id).order_by(table.c.id)
    return tuple(_writeback(row) for row in connection.execute(query))


def _undone(connection: Connection, order_id: int) -> UndoneRow | None:
    query = sa.select(contract_undos).where(contract_undos.c.order_id == order_id)
    row = connection.execute(query).one_or_none()
    return None if row is None else UndoneRow(row.on, row.reason, row.actor, row.made_at)


def message_row(row: Any) -> MessageRow:
    """A row of `message_query` as a value."""
    return MessageRow(
        id=row.id,
        source=row.source,
        message_id=row.message_id,
        kind=row.kind,
        org_id=row.org_id,
        object=row.object,
        record_id=row.record_id,
        state=row.state,
        reason=row.reason,
        received_at=row.received_at,
        done_at=row.done_at,
        size=row.size,
    )


def message_query() -> sa.Select[Any]:
    """Messages with the size of their body, which may hold several of them."""
    return sa.select(inbox, sa.func.length(inbox_bodies.c.body).label("size")).join_from(inbox, inbox_bodies)


def _order_query() -> sa.Select[Any]:
    columns = (
        records.c.org_id,
        records.c.object,
        records.c.record_id,
        records.c.name.label("record_name"),
        records.c.code.label("record_code"),
        records.c.reason.label("record_reason"),
        records.c.owner.label("record_owner"),
        records.c.looked_at,
        records.c.not_before,
        records.c.attempts,
    )
    return (
        sa.select(orders, *columns, contracts.c.number.label("contract_number"))
        .join_from(orders, records, records.c.id == orders.c.record_row_id)
        .outerjoin(contracts, contracts.c.id == orders.c.contract_id)
    )


def _matches(text: str) -> sa.ColumnElement[bool]:
    return queries.contains(
        text, orders.c.number, orders.c.customer_name, orders.c.customer_ref, records.c.record_id, records.c.name
    )


def _steps_of(connection: Connection, order_ids: Sequence[int]) -> Sequence[Any]:
    query = sa.select(fulfilment_steps).where(fulfilment_steps.c.order_id.in_(order_ids))
    return connection.execute(query.order_by(fulfilment_steps.c.order_id, fulfilment_steps.c.position)).all()


def _with_steps(connection: Connection, found: Sequence[Any]) -> tuple[OrderRow, ...]:
    """Order rows with their current step, read in one query for all of them."""
    steps = queries.by_key(_steps_of(connection, [row.id for row in found]), "order_id")
    return tuple(_order(row, steps.get(row.id, [])) for row in found)


def _order(row: Any, steps: Sequence[Any]) -> OrderRow:
    current = next((step for step in steps if step.state != StepState.DONE), None)
    return OrderRow(
        id=row.id,
        number=row.number,
        state=row.state,
        is_at_rest=row.state in _AT_REST,
        deal_type=row.deal_type,
        customer_ref=row.customer_ref,
        customer_name=row.customer_name,
        value=queries.money(row.value, row.currency),
        starts_on=row.starts_on,
        ends_on=row.ends_on,
        org_id=row.org_id,
        object=row.object,
        record_id=row.record_id,
        record_name=row.record_name,
        step=current.name if current else "",
        step_state=current.state if current else "",
        problem=_problem(row, steps),
        question=row.question,
        question_code=row.question_code,
        contract_number=row.contract_number or "",
        created_at=row.created_at,
        changed_at=row.changed_at,
        fulfilled_at=row.fulfilled_at,
    )


def _problem(row: Any, steps: Sequence[Any]) -> Problem | None:
    """The sentence that matters most: what is wrong with the deal, else the step that failed, else the last look."""
    if row.state in (OrderState.FULFILLED, OrderState.NEW):
        return None
    if faults := queries.stored_faults(row.faults):
        first = faults[0]
        return Problem(first.code, first.message, first.fix, first.owner, len(faults) - 1)
    if step := next((step for step in steps if step.message and step.state != StepState.DONE), None):
        return Problem(step.code, step.message, step.fix, step.owner)
    if row.record_reason:
        return Problem(row.record_code, row.record_reason, "", row.record_owner)
    return None


def _step(row: Any) -> StepRow:
    return StepRow(
        name=row.name,
        position=row.position,
        state=row.state,
        attempts=row.attempts,
        started_at=row.started_at,
        ended_at=row.ended_at,
        not_before=row.not_before,
        code=row.code,
        message=row.message,
        fix=row.fix,
        owner=row.owner,
    )


def _lines(connection: Connection, order_id: int) -> tuple[OrderLineRow, ...]:
    query = sa.select(order_lines).where(order_lines.c.order_id == order_id).order_by(order_lines.c.position)
    return tuple(_line(row) for row in connection.execute(query))


def _line(row: Any) -> OrderLineRow:
    terms = row.terms
    return OrderLineRow(
        position=row.position,
        salesforce_line_id=row.salesforce_line_id,
        product_code=row.product_code,
        product_name=row.product_name,
        description=terms.get("description", ""),
        charge_type=row.charge_type,
        price_model=terms.get("price_model", ""),
        quantity=row.quantity,
        unit_price=terms.get("unit_price"),
        price_period_months=terms.get("price_period_months"),
        billing_period_months=terms.get("billing_period_months"),
        billing_timing=terms.get("billing_timing", ""),
        discount_percent=terms.get("discount_percent"),
        discount_amount=terms.get("discount_amount"),
        starts_on=terms.get("starts_on"),
        ends_on=terms.get("ends_on"),
    )


def _writeback(row: Any) -> WritebackRow:
    wanted, written = row.wanted or {}, row.written or {}
    return WritebackRow(
        object=row.object,
        record_id=row.record_id,
        fields=tuple(
            WrittenField(name, wanted.get(name), written.get(name), _differ(name, wanted, written))
            for name in sorted({*wanted, *written})
        ),
        is_owed=row.is_owed,
        wanted_at=row.wanted_at,
        written_at=row.written_at,
        not_before=row.not_before,
        attempts=row.attempts,
        code=row.code,
        message=row.message,
    )


def _differ(name: str, wanted: dict[str, Any], written: dict[str, Any]) -> bool:
    """Whether the field is owed; one that is no longer wanted is left as it is."""
    return name in wanted and (name not in written or wanted[name] != written[name])


def _messages(connection: Connection, org_id: str, record_id: str) -> tuple[MessageRow, ...]:
    query = message_query().where(inbox.c.org_id == org_id, inbox.c.record_id == record_id)
    return tuple(
        message_row(row) for row in connection.execute(query.order_by(inbox.c.id.desc()).limit(_MOST_MESSAGES))
    )


def _history(connection: Connection, order_id: int, record_row_id: int) -> tuple[HistoryRow, ...]:
    """The newest changes of the order and of its record, newest first."""
    table = tables.history
    of_order = (table.c.subject == "order") & (table.c.subject_id == order_id)
    of_record = (table.c.subject == "record") & (table.c.subject_id == record_row_id)
    query = sa.select(table).where(of_order | of_record).order_by(table.c.id.desc()).limit(_MOST_HISTORY)
    return tuple(
        HistoryRow(row.at, row.actor, row.event, row.before, row.after, row.reason) for row in connection.execute(query)
    )
