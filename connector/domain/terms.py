"""What a customer signed: orders and their line items, as plain values.

Every other part of the product speaks in these types. A mapping makes them from a Salesforce record, the store keeps
them, pricing and scheduling read them. This module must not know where a value came from, what day it is, or how
anything is stored.

Dates are dates in the contract's zone; `ends_on` is always exclusive (the first day without service).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum


class DealType(StrEnum):
    """What an order does to its contract."""

    NEW = "new"
    UPSELL = "upsell"
    DOWNSELL = "downsell"
    AMENDMENT = "amendment"
    RENEWAL = "renewal"
    CANCELLATION = "cancellation"


class ChargeType(StrEnum):
    """When a line item costs something: again and again, once, or by what was used."""

    RECURRING = "recurring"
    ONE_TIME = "one_time"
    USAGE = "usage"


class PriceModel(StrEnum):
    """How a quantity becomes an amount."""

    FLAT = "flat"
    PER_UNIT = "per_unit"
    TIERED = "tiered"
    VOLUME = "volume"
    STAIRSTEP = "stairstep"
    PACKAGE = "package"
    PERCENT_OF = "percent_of"


class BillingTiming(StrEnum):
    """Whether a billing period is charged on its first day or on the day after its last."""

    IN_ADVANCE = "in_advance"
    IN_ARREARS = "in_arrears"


class ProvisionKind(StrEnum):
    """What a product gives the customer on the entitlement platform."""

    PLAN = "plan"
    ADD_ON = "add_on"
    ENTITLEMENT = "entitlement"
    CREDIT = "credit"
    NOTHING = "nothing"


class Cadence(StrEnum):
    """How often a recurring credit is granted."""

    MONTH = "month"
    YEAR = "year"


@dataclass(frozen=True, slots=True)
class Tier:
    """One price step; `up_to` is included in the tier, None means no upper end."""

    up_to: Decimal | None
    unit_price: Decimal
    flat_price: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class Milestone:
    """A dated share of a one-time price: `weight` against the sum of all weights of the line (30/70, or 1/1/1)."""

    due_on: date
    weight: Decimal
    name: str = ""


@dataclass(frozen=True, slots=True)
class Provision:
    """What one line item gives: `ref` is the platform's id of the plan, add-on, feature or currency.

    `value` is the negotiated amount (limit or credits); None together with `is_unlimited` False means nothing was said.
    `wants_rollover` says that unused credits were promised to stay, which is refused.
    """

    kind: ProvisionKind = ProvisionKind.NOTHING
    ref: str = ""
    value: Decimal | None = None
    is_unlimited: bool = False
    cadence: Cadence | None = None
    wants_rollover: bool = False


@dataclass(frozen=True, slots=True)
class LineItem:
    """One row of a signed order.

    `unit_price` is the price of one `price_period_months` (12 = per year); `billing_period_months` None means one
    charge for the whole term (upfront). `discount_percent` is 0..100, `discount_amount` is off each full billing
    period.
    `ref` is the Salesforce id of the line. Fields that are empty or None follow the order: `legal_entity`, `payer_ref`
    (the account that pays), `payment_terms_days`. `discount_periods` limits both discounts to the first N billing
    periods. `alignment_day` puts the boundaries on that day of the month instead of the line's first day.
    `percent_of_ref` names the line a PERCENT_OF price counts on (`unit_price` is then the percentage, 0..100 or more).
    `prepaid_amount` of a usage line is drawn down before anything is charged. `minimum_amount` holds for each billing
    period, or for every `minimum_period_months` (an annual commitment with quarterly bills). `is_total_priced` says
    that the price yields what the line, or the change alone, costs for its own dates, whatever the quantities are.
    """

    ref: str
    position: int
    product_code: str
    product_name: str
    starts_on: date
    ends_on: date
    quantity: Decimal
    unit_price: Decimal
    charge_type: ChargeType = ChargeType.RECURRING
    price_model: PriceModel = PriceModel.PER_UNIT
    price_period_months: int = 12
    billing_period_months: int | None = 12
    billing_timing: BillingTiming = BillingTiming.IN_ADVANCE
    description: str = ""
    prior_quantity: Decimal | None = None
    discount_percent: Decimal = Decimal(0)
    discount_amount: Decimal = Decimal(0)
    tiers: tuple[Tier, ...] = ()
    package_size: Decimal | None = None
    included_units: Decimal = Decimal(0)
    minimum_amount: Decimal = Decimal(0)
    free_months: int = 0
    is_separate_invoice: bool = False
    ramp_key: str = ""
    ramp_step: int | None = None
    provision: Provision = field(default_factory=Provision)
    legal_entity: str = ""
    payer_ref: str = ""
    payment_terms_days: int | None = None
    tax_code: str = ""
    discount_periods: int | None = None
    alignment_day: int | None = None
    percent_of_ref: str = ""
    prepaid_amount: Decimal = Decimal(0)
    minimum_period_months: int | None = None
    is_total_priced: bool = False
    milestones: tuple[Milestone, ...] = ()


@dataclass(frozen=True, slots=True)
class Address:
    """A postal address as the customer wrote it."""

    street: str = ""
    city: str = ""
    state: str = ""
    postal_code: str = ""
    country: str = ""


@dataclass(frozen=True, slots=True)
class Customer:
    """Who buys: `ref` is the Salesforce account id, the key for everything we create for them."""

    ref: str
    name: str
    email: str = ""
    tax_id: str = ""
    billing_address: Address = field(default_factory=Address)


@dataclass(frozen=True, slots=True)
class RecordRef:
    """Where a record lives: org id (18), object name, record id (18)."""

    org_id: str
    object: str
    record_id: str


@dataclass(frozen=True, slots=True)
class Order:
    """What was signed, once. `signed_total` is the committed value on the signed record, None when it names none.

    `amends_ref` is the record id of the signed record whose contract this order changes or renews. `term_months`, when
    signed beside the end, must say the same as the end. `is_co_termed` says that the record names no end of its own:
    the change then ends with the contract, whatever `ends_on` holds. `cancel_from` is the first day without service.
    """

    source: RecordRef
    name: str
    deal_type: DealType
    customer: Customer
    currency: str
    starts_on: date
    ends_on: date
    payment_terms_days: int
    legal_entity: str
    line_items: tuple[LineItem, ...]
    billing_period_months: int | None = 12
    billing_timing: BillingTiming = BillingTiming.IN_ADVANCE
    po_number: str = ""
    signed_on: date | None = None
    signed_total: Decimal | None = None
    amends_ref: str = ""
    cancel_from: date | None = None
    is_unused_credited: bool = False
    term_months: int | None = None
    is_co_termed: bool = False
