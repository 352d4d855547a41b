"""What was used: the question for one customer, feature and period, and the platform's answer with what it vouches for.

Exists so that "is this figure complete?" is answered by data: until when everything has arrived, and where it has not.
It must not know any platform, or what a unit costs.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from connector.domain.periods import BillingPeriod


@dataclass(frozen=True, slots=True)
class UsageQuestion:
    """How many units of a feature a customer used in a half-open period; days begin at midnight UTC.

    `subscription_ref` names the subscription whose usage it is, for a platform that tells them apart; it may be empty.
    """

    customer_ref: str
    feature_ref: str
    period: BillingPeriod
    subscription_ref: str = ""


@dataclass(frozen=True, slots=True)
class UsageGap:
    """A stretch of time for which usage is known to be missing: [starts_at, ends_at), and why."""

    starts_at: datetime
    ends_at: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class UsageReport:
    """The platform's answer: units (None: it cannot say), and how far its data reaches.

    `covered_until` is the instant before which everything reported has been counted, None when the platform cannot say;
    `is_vouched` says that whoever reports the usage declared that instant, `gaps` are holes before it. `last_event_at`
    is the newest event of that feature and customer: it tells a customer who uses nothing from reporting that stopped.
    """

    question: UsageQuestion
    units: Decimal | None
    covered_until: datetime | None = None
    gaps: tuple[UsageGap, ...] = ()
    last_event_at: datetime | None = None
    is_vouched: bool = False


@dataclass(frozen=True, slots=True)
class UsageEvent:
    """That a customer used some units of a feature at an instant; `key` is the reporter's own name of it."""

    customer_ref: str
    key: str
    feature_ref: str
    units: Decimal
    at: datetime


@dataclass(frozen=True, slots=True)
class Draw:
    """What an event takes from the customer's credits."""

    credit_ref: str
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Reach:
    """What a reporter tells beside events, by feature: until when all was sent, gaps, gaps that were filled."""

    complete: tuple[tuple[str, datetime], ...] = ()
    gaps: tuple[tuple[str, UsageGap], ...] = ()
    filled: tuple[tuple[str, UsageGap], ...] = ()


def first_day_missing(*, report: UsageReport) -> date | None:
    """The first day of the period that the platform's data does not reach; None when it covers the whole period."""
    reached = report.covered_until
    if reached is None:
        return report.question.period.start
    return None if reached.date() >= report.question.period.end else max(reached.date(), report.question.period.start)
