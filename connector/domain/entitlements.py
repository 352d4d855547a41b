"""What a customer may use: what an order sold, what the platform grants, and the difference between the two.

Exists so that "access granted equals access sold" is one comparison, the same for every platform. It must not know any
platform's words or call anything.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from connector.domain.sold_prices import SoldPrice
from connector.domain.terms import Cadence, ProvisionKind


class FeatureKind(StrEnum):
    """What kind of right a feature is: on or off, a number, or a number that counts reported usage."""

    BOOLEAN = "boolean"
    LIMIT = "limit"
    METERED = "metered"


class ResetPeriod(StrEnum):
    """How often the counter of a metered feature starts again; without one it never does."""

    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    YEAR = "year"


@dataclass(frozen=True, slots=True)
class PlanEntitlement:
    """One entitlement of a custom plan; a variable one has no value of its own, every order must bring it.

    A boolean feature that is granted has the value 1. `cadence` None on a credit means that the plan offers months and
    years. A soft limit may be exceeded. Counters reset `reset_period` by `reset_period` from the subscription's first
    day, or with the calendar (`resets_with_calendar`). Each unit used draws `draws_per_unit` of the credit `draws_ref`.
    """

    ref: str
    kind: ProvisionKind
    is_variable: bool
    value: Decimal | None = None
    is_unlimited: bool = False
    cadence: Cadence | None = None
    is_optional: bool = False
    name: str = ""
    feature_kind: FeatureKind = FeatureKind.LIMIT
    has_soft_limit: bool = False
    reset_period: ResetPeriod | None = None
    resets_with_calendar: bool = False
    draws_ref: str = ""
    draws_per_unit: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class CustomPlan:
    """A plan as a template: `product_ref` groups plans of which a customer runs one at a time.

    `add_on_refs` are the add-ons that fit the plan; None when the platform does not say. Subscriptions stay on the
    `version` of the plan that they were made on; 0 while it has none, or the platform tells none.
    """

    ref: str
    product_ref: str
    entitlements: tuple[PlanEntitlement, ...] = ()
    is_published: bool = True
    name: str = ""
    version: int = 0
    add_on_refs: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Grant:
    """One given right with its value; a credit also has a cadence, a metered feature may have a reset period.

    `begins_on` is the day from which a credit was sold that is later than the subscription: its periods count from
    there where the platform can; it is no part of the comparison with what is granted.
    """

    ref: str
    kind: ProvisionKind
    value: Decimal | None
    is_unlimited: bool = False
    cadence: Cadence | None = None
    has_soft_limit: bool = False
    reset_period: ResetPeriod | None = None
    begins_on: date | None = None


@dataclass(frozen=True, slots=True)
class AccessWanted:
    """One subscription as sold: the plan, its negotiated grants and add-ons for [starts_on, ends_on).

    `plan_version` is the version of the plan that the terms were checked against, 0 when the platform tells none.
    `prices` are what was agreed for it; access is the same whatever they are, so they do not count in comparisons.
    """

    plan_ref: str
    product_ref: str
    starts_on: date
    ends_on: date
    grants: tuple[Grant, ...]
    add_ons: tuple[tuple[str, Decimal], ...] = ()
    plan_version: int = 0
    prices: tuple[SoldPrice, ...] = field(default=(), compare=False)


@dataclass(frozen=True, slots=True)
class AccessGranted:
    """One subscription as the platform reports it; `is_live` until the day it ends, also when that day is known."""

    subscription_ref: str
    plan_ref: str
    starts_on: date
    ends_on: date | None
    grants: tuple[Grant, ...]
    add_ons: tuple[tuple[str, Decimal], ...] = ()
    is_live: bool = True
    plan_version: int = 0


@dataclass(frozen=True, slots=True)
class EntitlementState:
    """What a customer may use of one feature or credit at this moment, all their subscriptions together.

    `limit` None means unlimited (`is_unlimited`) or not granted. `used` is what the running period has counted, None
    when nothing is counted. `reason` says in words why it is not granted or used up.
    """

    ref: str
    kind: ProvisionKind
    is_granted: bool
    limit: Decimal | None = None
    is_unlimited: bool = False
    has_soft_limit: bool = False
    used: Decimal | None = None
    reset_period: ResetPeriod | None = None
    period_ends_at: datetime | None = None
    plan_ref: str = ""
    reason: str = ""

    @property
    def left(self) -> Decimal | None:
        """What may still be used, never below zero; None when there is no bound."""
        if self.is_unlimited or self.limit is None:
            return None
        return max(Decimal(0), self.limit - (self.used or Decimal(0)))

    def allows(self, requested: Decimal) -> bool:
        """Whether that many more units may be used: a soft limit may be exceeded, a hard one may not."""
        return self.is_granted and (self.has_soft_limit or self.left is None or requested <= self.left)


@dataclass(frozen=True, slots=True)
class AccessDifference:
    """One value that was sold and is not granted, or the other way round; both sides as text for people."""

    what: str
    sold: str
    granted: str


def access_differences(*, wanted: AccessWanted, granted: AccessGranted | None) -> tuple[AccessDifference, ...]:
    """Every value in which what the platform grants differs from what was sold; empty when they agree."""
    if granted is None:
        return (AccessDifference(f"subscription to {wanted.plan_ref}", "running", "not there"),)
    found = [
        AccessDifference(what, sold, given)
        for what, sold, given in (
            ("plan", wanted.plan_ref, granted.plan_ref),
            ("first day", wanted.starts_on.isoformat(), granted.starts_on.isoformat()),
            ("end", wanted.ends_on.isoformat(), granted.ends_on.isoformat() if granted.ends_on else "open"),
            ("state", "live", "live" if granted.is_live else "not live"),
        )
        if sold != given
    ]
    return tuple(found) + _grant_differences(wanted, granted)


def describe_grant(grant: Grant | None) -> str:
    """A grant in words: `50`, `unlimited`, `10000 each month`, `500 counted anew each day`, or `nothing`."""
    if grant is None:
        return "nothing"
    value = "unlimited" if grant.is_unlimited else f"{(grant.value or Decimal(0)).normalize():f}"
    cadence = f" each {grant.cadence.value}" if grant.cadence else ""
    reset = f" counted anew each {grant.reset_period.value}" if grant.reset_period else ""
    return f"{value}{cadence}{reset}{', may be exceeded' if grant.has_soft_limit else ''}"


def _describe_count(count: Decimal | None) -> str:
    return "none" if count is None else f"{count.normalize():f}"


def _grant_differences(wanted: AccessWanted, granted: AccessGranted) -> tuple[AccessDifference, ...]:
    sold = {grant.ref: grant for grant in wanted.grants}
    given = {grant.ref: grant for grant in granted.grants}
    rows = [(ref, describe_grant(sold.get(ref)), describe_grant(given.get(ref))) for ref in sorted({*sold, *given})]
    rows += [
        (
            f"add-on {ref}",
            _describe_count(dict(wanted.add_ons).get(ref)),
            _describe_count(dict(granted.add_ons).get(ref)),
        )
        for ref in sorted({*dict(wanted.add_ons), *dict(granted.add_ons)})
    ]
    return tuple(AccessDifference(what, left, right) for what, left, right in rows if left != right)
