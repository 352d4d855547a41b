"""What people see of orders, as values: a row of the list, and everything about one order with its parts.

Made by `queries_orders`; nothing here reads or decides.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from connector.domain.money import Money
from connector.errors import Fault


@dataclass(frozen=True, slots=True)
class Problem:
    """Why an order does not go on: a stable code, a sentence, what to do and who does it; `others` more are known."""

    code: str
    message: str
    fix: str
    owner: str
    others: int = 0


@dataclass(frozen=True, slots=True)
class OrderRow:
    """One order of the list. `ends_on` is exclusive; `step` is the first one not done, empty when all are."""

    id: int
    number: str
    state: str
    is_at_rest: bool
    deal_type: str
    customer_ref: str
    customer_name: str
    value: Money | None
    starts_on: date | None
    ends_on: date | None
    org_id: str
    object: str
    record_id: str
    record_name: str
    step: str
    step_state: str
    problem: Problem | None
    question: str
    question_code: str
    contract_number: str
    created_at: datetime
    changed_at: datetime
    fulfilled_at: datetime | None


@dataclass(frozen=True, slots=True)
class StepRow:
    """One fulfilment step as it stands."""

    name: str
    position: int
    state: str
    attempts: int
    started_at: datetime | None
    ended_at: datetime | None
    not_before: datetime | None
    code: str
    message: str
    fix: str
    owner: str


@dataclass(frozen=True, slots=True)
class OrderLineRow:
    """One line item as signed; what the stored terms do not say is None or empty."""

    position: int
    salesforce_line_id: str
    product_code: str
    product_name: str
    description: str
    charge_type: str
    price_model: str
    quantity: Decimal
    unit_price: Decimal | None
    price_period_months: int | None
    billing_period_months: int | None
    billing_timing: str
    discount_percent: Decimal | None
    discount_amount: Decimal | None
    starts_on: date | None
    ends_on: date | None


@dataclass(frozen=True, slots=True)
class WrittenField:
    """One Salesforce field: what it should show beside what we last wrote."""

    name: str
    wanted: Any
    written: Any
    is_owed: bool


@dataclass(frozen=True, slots=True)
class WritebackRow:
    """What one Salesforce record shows of the order."""

    object: str
    record_id: str
    fields: tuple[WrittenField, ...]
    is_owed: bool
    wanted_at: datetime
    written_at: datetime | None
    not_before: datetime | None
    attempts: int
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class MessageRow:
    """One message in the inbox; the body is read apart."""

    id: int
    source: str
    message_id: str
    kind: str
    org_id: str
    object: str
    record_id: str
    state: str
    reason: str
    received_at: datetime
    done_at: datetime | None
    size: int


@dataclass(frozen=True, slots=True)
class HistoryRow:
    """One change: who, when, from what to what, why."""

    at: datetime
    actor: str
    event: str
    before: str
    after: str
    reason: str


@dataclass(frozen=True, slots=True)
class UndoneRow:
    """That the order was taken back from its contract: from which day on, why, by whom and when."""

    on: date
    reason: str
    actor: str
    made_at: datetime


@dataclass(frozen=True, slots=True)
class OrderDetail:
    """Everything about one order."""

    row: OrderRow
    terms: dict[str, Any] | None
    mapping_version: str
    steps: tuple[StepRow, ...]
    faults: tuple[Fault, ...]
    lines: tuple[OrderLineRow, ...]
    writebacks: tuple[WritebackRow, ...]
    messages: tuple[MessageRow, ...]
    history: tuple[HistoryRow, ...]
    record_looked_at: datetime | None
    record_not_before: datetime | None
    record_attempts: int
    undone: UndoneRow | None = None
