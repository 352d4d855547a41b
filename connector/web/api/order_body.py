"""An order as somebody writes it down for a preview: the shape that the preview's own answer shows as `order`.

Exists so that a quote can be tried before anything is signed. Every value has a limit, so that a small request cannot
ask for an endless calculation; whether the order can be sold is for the checks that signed records meet too.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    StringConstraints,
    TypeAdapter,
    WithJsonSchema,
    model_validator,
)

from connector.domain.terms import (
    BillingTiming,
    Cadence,
    ChargeType,
    DealType,
    Order,
    PriceModel,
    ProvisionKind,
)
from connector.web.api.requests import NO_NUL, OrgId, Request, SalesforceId

_NUMBER = re.compile(r"-?[0-9]{1,18}(\.[0-9]{1,12})?")
_FIRST_DAY, _LAST_DAY = date(1990, 1, 1), date(2200, 1, 1)
_MOST_LINES = 500
# Twenty lines over 100 years, or 500 over four: what a preview calculates in about a second.
_MOST_LINE_MONTHS = 24_000
_ORDER = TypeAdapter(Order)


def _number(value: Any) -> Decimal:
    """A number as text or as JSON has it, exactly."""
    is_number = isinstance(value, str | Decimal | int) and not isinstance(value, bool)
    text = format(value, "f") if isinstance(value, Decimal) and value.is_finite() and _is_small(value) else str(value)
    if not is_number or not _NUMBER.fullmatch(text):
        raise ValueError("must be a number such as 12.50, with at most 18 digits before and 12 behind the point")
    return Decimal(text)


def _is_small(value: Decimal) -> bool:
    """Whether writing it out is cheap: 1E+999999 is not."""
    return -40 < value.adjusted() < 40


def _day(value: Any) -> date:
    if not isinstance(value, str) or not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
        raise ValueError("must be a date such as 2026-03-01")
    try:
        found = date.fromisoformat(value)
    except ValueError as error:
        raise ValueError("must be a day of the calendar, such as 2026-03-01") from error
    if not _FIRST_DAY <= found <= _LAST_DAY:
        raise ValueError(f"must be from {_FIRST_DAY} to {_LAST_DAY}")
    return found


def _plain(value: str) -> str:
    """Text that can be stored and shown: no lone surrogates."""
    value.encode("utf-8")
    return value


Number = Annotated[
    Decimal, BeforeValidator(_number), WithJsonSchema({"type": ["string", "number"], "examples": ["12.50"]})
]
Day = Annotated[date, BeforeValidator(_day), WithJsonSchema({"type": "string", "format": "date"})]
Text = Annotated[str, StringConstraints(max_length=1000, pattern=NO_NUL), AfterValidator(_plain)]
Ref = Annotated[str, StringConstraints(max_length=80, pattern=NO_NUL), AfterValidator(_plain)]
NeededRef = Annotated[str, StringConstraints(min_length=1, max_length=80, pattern=NO_NUL), AfterValidator(_plain)]
Months = Annotated[int, Field(ge=1, le=1200)]
Position = Annotated[int, Field(ge=0, le=100_000)]
Days = Annotated[int, Field(ge=-10_000, le=10_000)]


class TierBody(Request):
    """One price step; `up_to` null means no upper end."""

    up_to: Number | None
    unit_price: Number
    flat_price: Number = Decimal(0)


class MilestoneBody(Request):
    """A dated share of a one-time price."""

    due_on: Day
    weight: Number
    name: Text = ""


class ProvisionBody(Request):
    """What a line gives on the entitlement platform."""

    kind: Annotated[ProvisionKind, Field(strict=False)] = ProvisionKind.NOTHING
    ref: Ref = ""
    value: Number | None = None
    is_unlimited: bool = False
    cadence: Annotated[Cadence, Field(strict=False)] | None = None
    wants_rollover: bool = False


class LineItemBody(Request):
    """One line; what is left out follows the order or is nothing."""

    ref: NeededRef
    position: Position
    product_code: Ref
    product_name: Text
    starts_on: Day
    ends_on: Day = Field(description="The first day without service.")
    quantity: Number
    unit_price: Number = Field(description="The price of one price_period_months.")
    charge_type: Annotated[ChargeType, Field(strict=False)] = ChargeType.RECURRING
    price_model: Annotated[PriceModel, Field(strict=False)] = PriceModel.PER_UNIT
    price_period_months: Months = 12
    billing_period_months: Months | None = Field(12, description="Null bills the whole term at once.")
    billing_timing: Annotated[BillingTiming, Field(strict=False)] = BillingTiming.IN_ADVANCE
    description: Text = ""
    prior_quantity: Number | None = None
    discount_percent: Number = Decimal(0)
    discount_amount: Number = Decimal(0)
    tiers: tuple[TierBody, ...] = Field((), max_length=200, strict=False)
    package_size: Number | None = None
    included_units: Number = Decimal(0)
    minimum_amount: Number = Decimal(0)
    free_months: Annotated[int, Field(ge=0, le=1200)] = 0
    is_separate_invoice: bool = False
    ramp_key: Ref = ""
    ramp_step: Position | None = None
    provision: ProvisionBody = ProvisionBody()
    legal_entity: Ref = ""
    payer_ref: Ref = ""
    payment_terms_days: Days | None = None
    tax_code: Ref = ""
    discount_periods: Annotated[int, Field(ge=0, le=10_000)] | None = None
    alignment_day: Annotated[int, Field(ge=1, le=31)] | None = None
    percent_of_ref: Ref = ""
    prepaid_amount: Number = Decimal(0)
    minimum_period_months: Months | None = None
    is_total_priced: bool = False
    milestones: tuple[MilestoneBody, ...] = Field((), max_length=500, strict=False)


class AddressBody(Request):
    """A postal address; the country decides the tax."""

    street: Text = ""
    city: Text = ""
    state: Text = ""
    postal_code: Ref = ""
    country: Ref = ""


class CustomerBody(Request):
    """Who buys: `ref` is the Salesforce account id."""

    ref: NeededRef
    name: Text
    email: Text = ""
    tax_id: Ref = ""
    billing_address: AddressBody = AddressBody()


class SourceBody(Request):
    """The record that the order would be signed on."""

    org_id: Ref
    object: Ref
    record_id: NeededRef


class OrderBody(Request):
    """An order, as the preview's answer shows it."""

    source: SourceBody
    name: Text
    deal_type: Annotated[DealType, Field(strict=False)]
    customer: CustomerBody
    currency: Ref
    starts_on: Day
    ends_on: Day = Field(description="The first day without service.")
    payment_terms_days: Days
    legal_entity: Ref
    line_items: tuple[LineItemBody, ...] = Field(max_length=_MOST_LINES, strict=False)
    billing_period_months: Months | None = 12
    billing_timing: Annotated[BillingTiming, Field(strict=False)] = BillingTiming.IN_ADVANCE
    po_number: Text = ""
    signed_on: Day | None = None
    signed_total: Number | None = None
    amends_ref: Ref = Field("", description="The record whose contract this order changes or renews.")
    cancel_from: Day | None = None
    is_unused_credited: bool = False
    term_months: Months | None = None
    is_co_termed: bool = False

    @model_validator(mode="after")
    def _not_endless(self) -> OrderBody:
        months = sum(max(0, (line.ends_on - line.starts_on).days) // 28 + 1 for line in self.line_items)
        if months > _MOST_LINE_MONTHS:
            raise ValueError(f"the lines run for {months} months together; a preview takes {_MOST_LINE_MONTHS} at most")
        return self

    def order(self) -> Order:
        """The order as a value."""
        return _ORDER.validate_python(self.model_dump())


class PreviewBody(Request):
    """What to work through without writing anything: exactly one of a record and an order."""

    salesforce_id: SalesforceId | None = Field(None, description="A Salesforce record id, 15 or 18 characters.")
    org_id: OrgId | None = Field(
        None, description="The org to ask for the record; every configured org when it is left out."
    )
    order: OrderBody | None = Field(None, description="An order, in the shape that the answer shows it.")

    @classmethod
    def refuse_choice(cls, given: Mapping[str, Any]) -> str:
        """One of the two; an org only goes with a record."""
        has_record, has_order = given.get("salesforce_id") is not None, given.get("order") is not None
        if has_record == has_order:
            return "Give either salesforce_id or order, not both and not neither."
        return "org_id only goes with salesforce_id; an order names its org as source." if _names_org(given) else ""


def _names_org(given: Mapping[str, Any]) -> bool:
    return given.get("order") is not None and given.get("org_id") is not None
