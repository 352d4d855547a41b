"""The answers of what the API does, and of what it refuses, as models; see `answers` for what it shows."""

from __future__ import annotations

from datetime import date
from typing import Any

from connector.web.api.answers import Answer, ChargeAnswer, FaultAnswer, Instant, MoneyAnswer


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
    """The contract that a new deal would open."""

    value: MoneyAnswer
    starts_on: date
    ends_on: date


class PreviewAnswer(Answer):
    """What a record would become; nothing was written. `order` and `entitlements` hold the terms as read."""

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
    entitlements: tuple[dict[str, Any], ...]
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
