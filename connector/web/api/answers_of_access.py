"""Answers of the API about access: what customers may use, credits, plans, usage that was counted, differences."""

from __future__ import annotations

from connector.web.api.answers import Answer, Instant, Number


class EntitlementAnswer(Answer):
    """What a customer may use of one feature or credit now; `left` null means without bound."""

    ref: str
    kind: str
    is_granted: bool
    is_unlimited: bool
    has_soft_limit: bool
    limit: Number | None
    used: Number | None
    left: Number | None
    reset_period: str | None
    period_ends_at: Instant | None
    plan: str
    reason: str


class CreditAnswer(Answer):
    """A credit of a customer; granted and consumed belong to the running period."""

    credit: str
    balance: Number
    granted: Number
    consumed: Number
    next_grant_at: Instant | None


class EntitlementsAnswer(Answer):
    """Everything that a customer may use now."""

    customer: str
    salesforce_id: str
    name: str
    entitlements: tuple[EntitlementAnswer, ...]
    credits: tuple[CreditAnswer, ...]


class CheckAnswer(Answer):
    """Whether the customer may use that many more units."""

    is_allowed: bool
    requested: Number
    entitlement: EntitlementAnswer


class LedgerEntryAnswer(Answer):
    """One movement of a credit; amounts that take are negative."""

    entry: str
    kind: str
    amount: Number
    balance: Number | None
    effective_at: Instant
    subscription: str
    note: str


class LedgerAnswer(Answer):
    """Movements of a credit, newest first; `next` leads to the page after."""

    data: tuple[LedgerEntryAnswer, ...]
    next: str | None


class UsageCountedAnswer(Answer):
    """How many events were counted, and how many had been counted before."""

    counted: int
    repeated: int


class PlanEntitlementAnswer(Answer):
    """One entitlement of a plan."""

    ref: str
    kind: str
    name: str
    variable: bool
    optional: bool
    value: str | None
    cadence: str | None
    feature: str
    soft_limit: bool
    reset: str | None
    resets_with_calendar: bool
    draws: str | None
    draws_per_unit: Number | None


class PlanAnswer(Answer):
    """One version of a plan; 0 while a plan of the configuration was never used."""

    ref: str
    product: str
    name: str
    version: int
    state: str
    made_at: Instant
    published_at: Instant | None
    actor: str
    add_ons: tuple[str, ...] | None
    entitlements: tuple[PlanEntitlementAnswer, ...]


class PlansAnswer(Answer):
    """The newest version of every plan."""

    data: tuple[PlanAnswer, ...]


class DifferenceAnswer(Answer):
    """A value in which two sides differ; `resolved_at` is null while it is open."""

    room: str
    subject: str
    subject_number: str
    customer_name: str
    what: str
    wanted: str
    actual: str
    owner: str
    fix: str
    found_at: Instant
    seen_at: Instant
    resolved_at: Instant | None
