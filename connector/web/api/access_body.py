"""What the API takes about access: plans, usage events, the parameters of a check. They also make the documentation."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, StringConstraints, WithJsonSchema, model_validator

from connector.domain.entitlements import CustomPlan, FeatureKind, PlanEntitlement, ResetPeriod
from connector.domain.terms import Cadence, ProvisionKind
from connector.domain.usage import Reach, UsageEvent, UsageGap
from connector.web.api.requests import NO_NUL, Instant, ListParameters, Request

_MOST_EVENTS = 1000
_MOST_MARKS = 100


def _number(value: Any) -> Decimal:
    """Exact: JSON numbers are read as Decimal already, text is taken as well."""
    if isinstance(value, bool) or not isinstance(value, int | str | Decimal):
        raise ValueError("must be a number, or a number as text")  # noqa: TRY004 - pydantic reports ValueErrors
    try:
        found = Decimal(value)
    except InvalidOperation as error:
        raise ValueError("must be a number, or a number as text") from error
    if not found.is_finite() or abs(found) >= Decimal(10) ** 15 or -int(found.as_tuple().exponent) > 9:
        raise ValueError("must have at most 15 digits before and 9 after the point")
    return found


def _units(value: Any) -> Decimal:
    found = _number(value)
    if found <= 0:
        raise ValueError("must be above 0")
    return found


Number = Annotated[Decimal, BeforeValidator(_number), WithJsonSchema({"type": ["string", "number"]})]
Units = Annotated[Decimal, BeforeValidator(_units), WithJsonSchema({"type": ["string", "number"]})]
Ref = Annotated[str, StringConstraints(min_length=1, max_length=120, pattern=r"^[A-Za-z0-9._-]+$")]
Key = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=NO_NUL)]
Words = Annotated[str, StringConstraints(max_length=300, pattern=NO_NUL)]


class EntitlementBody(Request):
    """One entitlement of a plan; a variable one has no value of its own, every order brings it."""

    ref: Ref
    kind: Literal["entitlement", "credit"] = "entitlement"
    name: Words = ""
    variable: bool = False
    optional: bool = False
    value: Number | Literal["unlimited"] | None = None
    cadence: Literal["month", "year"] | None = None
    feature: Literal["boolean", "limit", "metered"] = "limit"
    soft_limit: bool = False
    reset: Literal["hour", "day", "week", "month", "year"] | None = None
    resets_with_calendar: bool = False
    draws: Ref | None = None
    draws_per_unit: Units = Decimal(1)
    rollover: bool = False

    @model_validator(mode="after")
    def _no_rollover(self) -> EntitlementBody:
        if self.rollover:
            raise ValueError("credits cannot roll over: monthly and yearly without rollover are what is offered")
        return self

    def entitlement(self) -> PlanEntitlement:
        """As the domain has it."""
        return PlanEntitlement(
            ref=self.ref,
            kind=ProvisionKind(self.kind),
            is_variable=self.variable,
            value=self.value if isinstance(self.value, Decimal) else None,
            is_unlimited=self.value == "unlimited",
            cadence=Cadence(self.cadence) if self.cadence else None,
            is_optional=self.optional,
            name=self.name,
            feature_kind=FeatureKind(self.feature),
            has_soft_limit=self.soft_limit,
            reset_period=ResetPeriod(self.reset) if self.reset else None,
            resets_with_calendar=self.resets_with_calendar,
            draws_ref=self.draws or "",
            draws_per_unit=self.draws_per_unit if self.draws else Decimal(0),
        )


class PlanBody(Request):
    """A plan as a template for orders."""

    product: Ref = Field(description="A customer runs one plan of a product at a time.")
    name: Words = ""
    add_ons: tuple[Ref, ...] | None = Field(None, strict=False, description="The add-ons that fit; left out: not said.")
    entitlements: tuple[EntitlementBody, ...] = Field((), max_length=200, strict=False)

    def plan(self, ref: str) -> CustomPlan:
        """As the domain has it."""
        entitlements = tuple(one.entitlement() for one in self.entitlements)
        return CustomPlan(ref, self.product, entitlements, is_published=False, name=self.name, add_on_refs=self.add_ons)


class EventBody(Request):
    """One use: `key` is your own name of it; sent again, it is counted once."""

    key: Key
    customer: Ref = Field(description="Salesforce account id or the platform's ref.")
    feature: Ref = Field(description="The feature, or a credit to draw on.")
    units: Units
    at: Instant

    def event(self, customer_ref: str) -> UsageEvent:
        """As the domain has it."""
        return UsageEvent(customer_ref, self.key, self.feature, self.units, self.at)


class CompleteBody(Request):
    """That everything of a feature before an instant was sent."""

    feature: Ref
    until: Instant


class GapBody(Request):
    """A stretch [since, until) of a feature for which usage is missing, or was sent after all."""

    feature: Ref
    since: Instant
    until: Instant
    reason: Words = ""

    def gap(self) -> tuple[str, UsageGap]:
        """As the domain has it."""
        return self.feature, UsageGap(self.since, self.until, self.reason)


class UsageBody(Request):
    """Events, and how far reporting reaches; all or nothing."""

    events: tuple[EventBody, ...] = Field((), max_length=_MOST_EVENTS, strict=False)
    complete: tuple[CompleteBody, ...] = Field((), max_length=_MOST_MARKS, strict=False)
    gaps: tuple[GapBody, ...] = Field((), max_length=_MOST_MARKS, strict=False)
    filled: tuple[GapBody, ...] = Field((), max_length=_MOST_MARKS, strict=False)

    def reach(self) -> Reach:
        """As the domain has it."""
        complete: tuple[tuple[str, datetime], ...] = tuple((one.feature, one.until) for one in self.complete)
        return Reach(complete, tuple(one.gap() for one in self.gaps), tuple(one.gap() for one in self.filled))


class CheckParameters(Request):
    """How many more units are asked for."""

    requested: Number = Field(Decimal(1), description="Units that are about to be used.")


class LedgerParameters(Request):
    """Which page of a ledger."""

    after: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_=-]{0,200}$")] = Field(
        "", description="The value of `next` of the page before."
    )


class DifferenceParameters(ListParameters):
    """Which differences."""

    room: Literal["", "access", "usage"] = Field("", description="Only those of this comparison.")
    state: Literal["open", "all"] = Field("open", description="Open ones, or resolved ones as well.")
