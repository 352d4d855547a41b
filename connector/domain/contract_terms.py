"""What a contract is: its lines with the dates and the bill-to data they are billed by, and what its orders did to it.

Exists so that charging, scheduling and drafting share one set of values; `contracts.build_contract` makes them from
signed orders. Values only: nothing here computes an amount.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

from connector.domain.money import Money
from connector.domain.periods import Anchor, BillingPeriod
from connector.domain.terms import Customer, DealType, LineItem, Order
from connector.errors import Fault


class ChargeKind(StrEnum):
    """Why an amount is charged."""

    RECURRING = "recurring"
    ONE_TIME = "one_time"
    USAGE = "usage"
    TRUE_UP = "true_up"
    CREDIT = "credit"


# What counts for the contract value: everything committed; usage and what depends on it does not (conventions 2.9).
COMMITTED_KINDS = frozenset({ChargeKind.RECURRING, ChargeKind.ONE_TIME, ChargeKind.CREDIT})


@dataclass(frozen=True, slots=True, order=True)
class BillTo:
    """Whose document a charge belongs to; lines with equal values share documents."""

    customer_ref: str
    payer_ref: str
    legal_entity: str
    currency: str
    payment_terms_days: int
    po_number: str


@dataclass(frozen=True, slots=True)
class Cut:
    """A prepaid line is replaced: `on` is the first day that it no longer covers, `cause` the order's record id."""

    on: date
    cause: str


@dataclass(frozen=True, slots=True)
class ContractLine:
    """A line item inside a contract.

    Billed is the price of `quantity` less the price of `prior_quantity` (0 unless the line changes a running one).
    `anchor` is where its periods are counted from, `[starts_on, ends_on)` when it is served, `first_full_day` where an
    upfront period begins. `base_price` is what a PERCENT_OF price counts on, per price period of this line. `total` is
    what all recurring charges add up to when the record named that instead of a price; the last one takes the rest.
    """

    key: str
    order_ref: str
    item: LineItem
    anchor: Anchor
    first_full_day: date
    starts_on: date
    ends_on: date
    quantity: Decimal
    prior_quantity: Decimal
    bill_to: BillTo
    base_price: Decimal = Decimal(0)
    cut: Cut | None = None
    total: Money | None = None


class Charge(NamedTuple):
    """The amount for one contract line and one billing period: a row of an invoice.

    `cause` is the record id of the order that made it, when it is a credit, and `reverses` the key of the charge that a
    credit takes back. An estimate still depends on usage.
    A named tuple, since a billing run makes millions of them.
    """

    line: ContractLine
    period: BillingPeriod
    bill_on: date
    amount: Money
    quantity: Decimal
    kind: ChargeKind
    cause: str = ""
    is_estimate: bool = False
    reverses: str = ""

    @property
    def key(self) -> str:
        """The same for the same line, period and kind in every run: what was billed is found again by it."""
        tail = f"/{self.cause}" if self.cause else ""
        return f"{self.line.key}/{self.period.start.isoformat()}/{self.kind.value}{tail}"

    @property
    def line_key(self) -> str:
        """The contract line it belongs to."""
        return self.line.key

    @property
    def line_ref(self) -> str:
        """The Salesforce id of the signed line."""
        return self.line.item.ref

    @property
    def description(self) -> str:
        """What the customer reads."""
        return self.line.item.description or self.line.item.product_name


@dataclass(frozen=True, slots=True)
class Term:
    """One stretch of the contract, made by its initial order or a renewal; changes inside it use its anchor."""

    order_ref: str
    starts_on: date
    ends_on: date

    @property
    def anchor(self) -> Anchor:
        """Where the billing periods of changes are counted from."""
        return Anchor.of(self.starts_on)


@dataclass(frozen=True, slots=True)
class Cancellation:
    """No charge with a bill date on or after `cancel_from`; unused prepaid days are credited on it if so agreed."""

    order_ref: str
    cancel_from: date
    is_unused_credited: bool


@dataclass(frozen=True, slots=True)
class Undo:
    """The order with this record id is taken back from `on`: what it did before that day is reversed on that day."""

    order_ref: str
    on: date
    reason: str


@dataclass(frozen=True, slots=True)
class Change:
    """One row of the contract's history: which order changed what, from when, and by how much the value moved."""

    order_ref: str
    order_name: str
    deal_type: DealType
    effective_on: date
    value: Money
    total: Money
    lines: tuple[str, ...]
    is_undo: bool = False


@dataclass(frozen=True, slots=True)
class Contract:
    """Everything agreed with a customer under one initial order, as of all orders that arrived.

    `orders` are in the order in which they take effect, whatever order they arrived in; undone ones stay among them.
    `before` is the contract as it was before the last undo. `warnings` stop nothing and must be shown.
    """

    ref: str
    customer: Customer
    currency: str
    starts_on: date
    ends_on: date
    orders: tuple[Order, ...]
    terms: tuple[Term, ...]
    lines: tuple[ContractLine, ...]
    cancellation: Cancellation | None = None
    undone: tuple[Undo, ...] = ()
    before: Contract | None = None
    warnings: tuple[Fault, ...] = ()
