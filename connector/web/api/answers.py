"""The answers of the API as models: what a view returns is what the documentation says, because both are these.

Instants are ISO 8601 in UTC, money is exact text with its currency, numbers are exact text, `ends_on` is exclusive.
How rows become these models is in `showing`.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Annotated, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, WithJsonSchema

Row = TypeVar("Row")
_NUMBER = r"^-?\d+(\.\d+)?$"


def _instant_text(value: datetime) -> str:
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")


Number = Annotated[
    Decimal,
    PlainSerializer(lambda value: format(value, "f"), return_type=str),
    WithJsonSchema({"type": "string", "pattern": _NUMBER, "examples": ["50"]}),
]
Instant = Annotated[
    datetime,
    PlainSerializer(_instant_text, return_type=str),
    WithJsonSchema({"type": "string", "format": "date-time", "examples": ["2026-03-02T09:30:00Z"]}),
]


class Answer(BaseModel):
    """One answer; made from rows, never changed."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class MoneyAnswer(Answer):
    """An exact amount with the places of its currency."""

    amount: str = Field(pattern=_NUMBER, examples=["17900.00"])
    currency: str = Field(pattern=r"^[A-Z]{3}$", examples=["EUR"])


class PageAnswer(Answer, Generic[Row]):
    """One page of a list, newest first; `next` is the cursor of the following page, null on the last one."""

    data: tuple[Row, ...]
    next: str | None


class FaultAnswer(Answer):
    """One thing wrong, what to do, and who does it; empty text where nothing applies."""

    code: str
    message: str
    fix: str
    owner: str
    record: str
    field: str
    value: str
    line: str


class CustomerRefAnswer(Answer):
    """Who buys: the Salesforce account id and the name, empty while not known."""

    ref: str
    name: str


class RecordAnswer(Answer):
    """Where a signed record is in Salesforce."""

    org_id: str
    object: str
    id: str
    name: str


class ProblemOfOrderAnswer(Answer):
    """Why an order does not go on; `others` more faults are known."""

    code: str
    message: str
    fix: str
    owner: str
    others: int


class OrderAnswer(Answer):
    """One order; `step` is the first fulfilment step that is not done, null when all are."""

    number: str
    state: str
    deal_type: str
    customer: CustomerRefAnswer
    value: MoneyAnswer | None
    starts_on: date | None
    ends_on: date | None
    record: RecordAnswer
    contract: str | None
    step: str | None
    step_state: str | None
    problem: ProblemOfOrderAnswer | None
    question: str
    question_code: str
    created_at: Instant
    changed_at: Instant
    fulfilled_at: Instant | None


class StepAnswer(Answer):
    """One fulfilment step."""

    name: str
    state: str
    attempts: int
    started_at: Instant | None
    ended_at: Instant | None
    next_try_at: Instant | None
    code: str
    message: str
    fix: str
    owner: str


class LineItemAnswer(Answer):
    """One line item as signed; `unit_price` is the price of one `price_period_months`, in the order's currency."""

    position: int
    salesforce_line_id: str
    product_code: str
    product_name: str
    charge_type: str
    price_model: str
    quantity: Number
    unit_price: Number | None
    price_period_months: int | None
    billing_period_months: int | None
    billing_timing: str
    discount_percent: Number | None
    discount_amount: Number | None
    starts_on: date | None
    ends_on: date | None


class WrittenFieldAnswer(Answer):
    """One Salesforce field: what it should show beside what we last wrote, as text; null where there is nothing."""

    name: str
    wanted: str | None
    written: str | None
    is_owed: bool


class WriteBackAnswer(Answer):
    """What one Salesforce record shows of the order."""

    object: str
    record_id: str
    is_owed: bool
    wanted_at: Instant
    written_at: Instant | None
    next_try_at: Instant | None
    attempts: int
    code: str
    message: str
    fields: tuple[WrittenFieldAnswer, ...]


class MessageAnswer(Answer):
    """One message in the inbox: received, done, parked or ignored, with the reason."""

    id: int
    source: str
    message_id: str
    kind: str
    org_id: str
    object: str
    record_id: str
    state: str
    reason: str
    received_at: Instant
    done_at: Instant | None


class HistoryAnswer(Answer):
    """One change: who, when, from what to what, why."""

    at: Instant
    actor: str
    event: str
    before: str
    after: str
    reason: str


class OrderDetailAnswer(OrderAnswer):
    """Everything about one order."""

    steps: tuple[StepAnswer, ...]
    faults: tuple[FaultAnswer, ...]
    line_items: tuple[LineItemAnswer, ...]
    write_back: tuple[WriteBackAnswer, ...]
    messages: tuple[MessageAnswer, ...]
    history: tuple[HistoryAnswer, ...]


class ContractAnswer(Answer):
    """One contract with the value that its orders give it now."""

    number: str
    org_id: str
    customer: CustomerRefAnswer
    legal_entity: str
    value: MoneyAnswer
    starts_on: date
    ends_on: date
    version: int
    created_at: Instant
    changed_at: Instant


class ContractLineAnswer(Answer):
    """One line of a contract with the order that it came from."""

    position: int
    order: str
    product_code: str
    product_name: str
    quantity: Number
    value: MoneyAnswer
    starts_on: date
    ends_on: date


class ContractVersionAnswer(Answer):
    """One value that the contract had, the order that made it, and the change against the version before."""

    version: int
    order: str
    deal_type: str
    value: MoneyAnswer
    change: MoneyAnswer
    made_at: Instant
    reason: str


class GrantAnswer(Answer):
    """One entitlement or recurring credit; `value` is null when it is unlimited."""

    ref: str
    kind: str
    value: Number | None
    is_unlimited: bool
    cadence: str | None


class SubscriptionAnswer(Answer):
    """One subscription as sold, and how far granting it is."""

    product_ref: str
    plan_ref: str
    platform_ref: str
    state: str
    starts_on: date | None
    ends_on: date | None
    grants: tuple[GrantAnswer, ...]
    changed_at: Instant


class ContractChangeAnswer(Answer):
    """What one order did to the contract, in the sequence of effect; `order` is null when it has no number here.

    `change` is by how much the value moved, `value` what it is after it, `lines` what the order names.
    """

    order: str | None
    record: str
    name: str
    deal_type: str
    effective_on: date
    change: MoneyAnswer
    value: MoneyAnswer
    lines: tuple[str, ...]
    is_undo: bool


class NextDocumentAnswer(Answer):
    """The next document that a billing run will make of the contract; usage not read yet is not in its net."""

    bill_on: date
    net: MoneyAnswer
    is_estimate: bool


class ContractDetailAnswer(ContractAnswer):
    """Everything about one contract.

    `annual_value` is what it costs per year on `annual_on`: today, or the nearest day of its term. `billed` is what
    documents hold of the value, `remaining` what is still to come; usage is in neither. These and the history are null
    while the contract cannot be calculated, which `problem` explains; it also says why the last billing run left the
    contract out.
    """

    problem: str
    recurring_value: MoneyAnswer | None
    annual_value: MoneyAnswer | None
    annual_on: date | None
    billed: MoneyAnswer | None
    remaining: MoneyAnswer | None
    next_document: NextDocumentAnswer | None
    schedule_agrees: bool | None
    history: tuple[ContractChangeAnswer, ...] | None
    warnings: tuple[FaultAnswer, ...] | None
    lines: tuple[ContractLineAnswer, ...]
    versions: tuple[ContractVersionAnswer, ...]
    subscriptions: tuple[SubscriptionAnswer, ...]
    orders: tuple[OrderAnswer, ...]


class ChargeAnswer(Answer):
    """What one line costs for one period [starts_on, ends_on), and when it is billed; an estimate depends on usage."""

    line: str
    starts_on: date
    ends_on: date
    bill_on: date
    amount: MoneyAnswer
    kind: str
    is_estimate: bool


class CustomerAnswer(Answer):
    """One customer as kept here; `platform_ref` is empty until the first order is fulfilled."""

    org_id: str
    salesforce_id: str
    name: str
    platform_ref: str
    created_at: Instant
