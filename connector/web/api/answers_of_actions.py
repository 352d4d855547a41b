"""The answers of what the API does, and of what it refuses, as models; see `answers` for what it shows."""

from __future__ import annotations

from datetime import date
from typing import Any

from connector.web.api.answers import Answer, ChargeAnswer, FaultAnswer, Instant, MoneyAnswer
from connector.web.api.answers_of_billing import DocumentAnswer


class ReplayAnswer(Answer):
    """How many parked messages are being tried again (or would be, on a dry run)."""

    replayed: int
    dry_run: bool


class FoundRecordAnswer(Answer):
    """One record that a Resync looks at."""

    org_id: str
    object: str
    salesforce_id: str
    order: str
    state: str


class ResyncStartedAnswer(Answer):
    """A Resync that was started (or, on a dry run, what it would look at)."""

    token: str
    status_url: str
    dry_run: bool
    found: tuple[FoundRecordAnswer, ...]


class ResyncRecordAnswer(FoundRecordAnswer):
    """One record of a Resync with its state now; `done` says that the look has happened."""

    done: bool
    reason: str


class ResyncStatusAnswer(Answer):
    """How far a Resync is."""

    token: str
    dry_run: bool
    created_at: Instant
    done: bool
    records: tuple[ResyncRecordAnswer, ...]


class PreviewContractAnswer(Answer):
    """The contract that a new deal would open, or the running one with the change in it.

    `change` is by how much the order moves the value; `annual_value` is the rate on the order's first day.
    """

    value: MoneyAnswer
    change: MoneyAnswer
    recurring_value: MoneyAnswer
    annual_value: MoneyAnswer
    starts_on: date
    ends_on: date
    warnings: tuple[FaultAnswer, ...]


class PreviewAnswer(Answer):
    """What a record or an order would become; nothing was written.

    `order` and `entitlements` hold the terms as read, `entitlement_changes` what follows later, each with the day
    `from_on`. `documents` are what billing runs would make: all of them for a
    new contract, those still to come for a running one.
    """

    salesforce_id: str
    object: str
    org_id: str
    at: Instant
    is_signed: bool
    reason: str
    mapping_version: str
    order: dict[str, Any] | None
    contract: PreviewContractAnswer | None
    charges: tuple[ChargeAnswer, ...]
    documents: tuple[DocumentAnswer, ...]
    entitlements: tuple[dict[str, Any], ...]
    entitlement_changes: tuple[dict[str, Any], ...]
    faults: tuple[FaultAnswer, ...]


class ProblemFaultAnswer(Answer):
    """One fault of a refused request; keys without a value are left out."""

    code: str
    message: str
    fix: str | None = None
    owner: str
    record: str | None = None
    field: str | None = None
    value: str | None = None
    line: str | None = None


class ProblemAnswer(Answer):
    """A problem document (RFC 9457): what is wrong, what to do, and which fields are at fault."""

    type: str
    title: str
    status: int
    code: str
    detail: str
    fix: str
    faults: tuple[ProblemFaultAnswer, ...]
