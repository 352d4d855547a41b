"""Rows of the store as answers of the API: one function per kind, no decision."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any, TypeVar

from connector.domain.contract_terms import Change, Charge
from connector.domain.money import Money
from connector.errors import Fault
from connector.store.order_rows import MessageRow, OrderDetail, OrderLineRow, OrderRow, StepRow, WritebackRow
from connector.store.queries import CustomerRow, Page
from connector.store.queries_contracts import ContractDetail, ContractRow, SubscriptionRow
from connector.usecases.show_schedule import ContractSchedule
from connector.web.api import answers
from connector.web.lists import encode_cursor

_FIGURES = (
    *("recurring_value", "annual_value", "annual_on", "billed", "remaining"),
    *("next_document", "schedule_agrees", "history", "warnings"),
)
Row = TypeVar("Row")
Shown = TypeVar("Shown")


def page(found: Page[Row], show: Callable[[Row], Shown]) -> answers.PageAnswer[Shown]:
    """A page of rows as a page of answers."""
    following = None if found.next_after is None else encode_cursor(found.next_after)
    return answers.PageAnswer(data=tuple(show(row) for row in found.rows), next=following)


def money(value: Money) -> answers.MoneyAnswer:
    """Money with the places of its currency."""
    rounded = value.rounded()
    return answers.MoneyAnswer(amount=format(rounded.amount, "f"), currency=rounded.currency)


def order(row: OrderRow) -> answers.OrderAnswer:
    """One order of a list."""
    return answers.OrderAnswer(**_order_values(row))


def order_detail(found: OrderDetail) -> answers.OrderDetailAnswer:
    """One order with all that belongs to it."""
    return answers.OrderDetailAnswer(
        **_order_values(found.row),
        steps=tuple(_step(row) for row in found.steps),
        faults=tuple(fault(item) for item in found.faults),
        line_items=tuple(_line_item(row) for row in found.lines),
        write_back=tuple(_write_back(row) for row in found.writebacks),
        messages=tuple(message(row) for row in found.messages),
        history=tuple(answers.HistoryAnswer(**dataclasses.asdict(row)) for row in found.history),
    )


def fault(item: Fault) -> answers.FaultAnswer:
    """One fault."""
    return answers.FaultAnswer(**dataclasses.asdict(item))


def message(row: MessageRow) -> answers.MessageAnswer:
    """One message."""
    values = dataclasses.asdict(row)
    del values["size"]
    return answers.MessageAnswer(**values)


def contract(row: ContractRow) -> answers.ContractAnswer:
    """One contract of a list."""
    return answers.ContractAnswer(**_contract_values(row))


def contract_detail(
    found: ContractDetail, schedule: ContractSchedule | None, problem: str
) -> answers.ContractDetailAnswer:
    """One contract with all that belongs to it; without a schedule, what is stored and the problem."""
    return answers.ContractDetailAnswer(
        **_contract_values(found.row),
        **_figures(found, schedule),
        problem=problem or found.row.billing_problem,
        lines=tuple(
            answers.ContractLineAnswer(
                position=row.position,
                order=row.order_number,
                product_code=row.product_code,
                product_name=row.product_name,
                quantity=row.quantity,
                value=money(row.value),
                starts_on=row.starts_on,
                ends_on=row.ends_on,
            )
            for row in found.lines
        ),
        versions=tuple(
            answers.ContractVersionAnswer(
                version=row.version,
                order=row.order_number,
                deal_type=row.deal_type,
                value=money(row.value),
                change=money(row.change),
                made_at=row.made_at,
                reason=row.reason,
            )
            for row in found.versions
        ),
        subscriptions=tuple(_subscription(row) for row in found.subscriptions),
        orders=tuple(order(row) for row in found.orders),
    )


def charge(item: Charge) -> answers.ChargeAnswer:
    """One charge of a schedule."""
    return answers.ChargeAnswer(
        line=item.line_ref,
        starts_on=item.period.start,
        ends_on=item.period.end,
        bill_on=item.bill_on,
        amount=money(item.amount),
        kind=item.kind,
        is_estimate=item.is_estimate,
    )


def customer(row: CustomerRow) -> answers.CustomerAnswer:
    """One customer."""
    values = dataclasses.asdict(row)
    del values["id"]
    return answers.CustomerAnswer(**values)


def plain(value: Any) -> Any:
    """A document of ours as JSON has it: numbers and dates as exact text."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, datetime | date):
        return value.isoformat()
    return value if value is None or isinstance(value, bool | int) else str(value)


def _order_values(row: OrderRow) -> dict[str, Any]:
    problem = row.problem and answers.ProblemOfOrderAnswer(**dataclasses.asdict(row.problem))
    return {
        "number": row.number,
        "state": row.state,
        "deal_type": row.deal_type,
        "customer": answers.CustomerRefAnswer(ref=row.customer_ref, name=row.customer_name),
        "value": row.value and money(row.value) if row.value is not None else None,
        "starts_on": row.starts_on,
        "ends_on": row.ends_on,
        "record": answers.RecordAnswer(org_id=row.org_id, object=row.object, id=row.record_id, name=row.record_name),
        "contract": row.contract_number or None,
        "step": row.step or None,
        "step_state": row.step_state or None,
        "problem": problem,
        "question": row.question,
        "question_code": row.question_code,
        "created_at": row.created_at,
        "changed_at": row.changed_at,
        "fulfilled_at": row.fulfilled_at,
    }


def _contract_values(row: ContractRow) -> dict[str, Any]:
    return {
        "number": row.number,
        "org_id": row.org_id,
        "customer": answers.CustomerRefAnswer(ref=row.customer_ref, name=row.customer_name),
        "legal_entity": row.legal_entity,
        "value": money(row.value),
        "starts_on": row.starts_on,
        "ends_on": row.ends_on,
        "version": row.version,
        "created_at": row.created_at,
        "changed_at": row.changed_at,
    }


def _figures(found: ContractDetail, schedule: ContractSchedule | None) -> dict[str, Any]:
    if schedule is None:
        return dict.fromkeys(_FIGURES)
    shown, coming = schedule.shown, schedule.next_document
    numbers = {row.record_id: row.number for row in found.orders}
    return {
        "recurring_value": money(shown.recurring),
        "annual_value": money(schedule.annual),
        "annual_on": schedule.annual_on,
        "billed": money(shown.billed),
        "remaining": money(shown.remaining),
        "next_document": coming
        and answers.NextDocumentAnswer(bill_on=coming.bill_on, net=money(coming.net), is_estimate=coming.is_estimate),
        "schedule_agrees": schedule.check.agrees,
        "history": tuple(_change(change, numbers) for change in shown.changes),
        "warnings": tuple(fault(warning) for warning in shown.warnings),
    }


def _change(change: Change, numbers: Mapping[str, str]) -> answers.ContractChangeAnswer:
    return answers.ContractChangeAnswer(
        order=numbers.get(change.order_ref),
        record=change.order_ref,
        name=change.order_name,
        deal_type=change.deal_type,
        effective_on=change.effective_on,
        change=money(change.value),
        value=money(change.total),
        lines=change.lines,
        is_undo=change.is_undo,
    )


def _step(row: StepRow) -> answers.StepAnswer:
    values = dataclasses.asdict(row)
    del values["position"]
    return answers.StepAnswer(next_try_at=values.pop("not_before"), **values)


def _line_item(row: OrderLineRow) -> answers.LineItemAnswer:
    values = dataclasses.asdict(row)
    del values["description"]
    return answers.LineItemAnswer(**values)


def _write_back(row: WritebackRow) -> answers.WriteBackAnswer:
    values = {field.name: getattr(row, field.name) for field in dataclasses.fields(row)}
    values["fields"] = tuple(
        answers.WrittenFieldAnswer(
            name=item.name, wanted=_text(item.wanted), written=_text(item.written), is_owed=item.is_owed
        )
        for item in row.fields
    )
    return answers.WriteBackAnswer(next_try_at=values.pop("not_before"), **values)


def _text(value: Any) -> str | None:
    """A Salesforce value as text, exactly as it is written."""
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    return format(value, "f") if isinstance(value, Decimal) else str(value)


def _subscription(row: SubscriptionRow) -> answers.SubscriptionAnswer:
    values = {field.name: getattr(row, field.name) for field in dataclasses.fields(row)}
    values["grants"] = tuple(
        answers.GrantAnswer(
            ref=item["ref"],
            kind=item["kind"],
            value=item.get("value"),
            is_unlimited=bool(item.get("is_unlimited")),
            cadence=item.get("cadence"),
        )
        for item in row.grants
    )
    return answers.SubscriptionAnswer(**values)
