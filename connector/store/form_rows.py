"""Order forms as rows and as values: what was read, what was found, what was decided.

The shapes that `store.order_forms` loads and saves; nothing here touches the database.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pydantic import TypeAdapter

from connector.domain.form_readings import FormReading, FoundValue
from connector.domain.form_signatures import Confirmation, SignatureFound, Verdict
from connector.domain.form_states import FormState, form_number
from connector.domain.terms import RecordRef
from connector.domain.tie_out import FormDifference

_SIGNATURES = TypeAdapter(tuple[SignatureFound, ...])
_READING = TypeAdapter(FormReading)
_ANSWERS = TypeAdapter(dict[str, FoundValue])
_CONFIRMATION = TypeAdapter(Confirmation)
_DIFFERENCES = TypeAdapter(tuple[FormDifference, ...])
_VERDICT = TypeAdapter(Verdict)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a file is no order form, or is tried again."""

    code: str = ""
    message: str = ""
    fix: str = ""


@dataclass(frozen=True, slots=True)
class StoredForm:
    """An order form as kept. `ref` is None while it belongs to no record; `compared` is what Salesforce said."""

    id: int
    sha256: str
    source: str
    file_name: str
    received_by: str
    received_at: datetime
    ref: RecordRef | None
    envelope_id: int | None
    state: FormState
    version: int
    attempts: int
    not_before: datetime | None
    refusal: Refusal
    pages: int
    is_ours: bool
    signatures: tuple[SignatureFound, ...] = ()
    read: FormReading = field(default_factory=FormReading)
    answers: Mapping[str, FoundValue] = field(default_factory=dict)
    confirmation: Confirmation | None = None
    verdict: Verdict | None = None
    differences: tuple[FormDifference, ...] = ()
    compared: Any = None
    findings_hash: str = ""
    accepted_hash: str = ""
    decided_by: str = ""
    decided_at: datetime | None = None
    decision_reason: str = ""
    read_at: datetime | None = None
    tied_out_at: datetime | None = None

    @property
    def number(self) -> str:
        """How people call it."""
        return form_number(self.id)

    @property
    def reading(self) -> FormReading:
        """What the document says together with what people answered."""
        return self.read.with_answers(self.answers)


def form_of(row: Any) -> StoredForm:
    """A row of `order_forms` as a value."""
    return StoredForm(
        id=row.id,
        sha256=row.sha256,
        source=row.source,
        file_name=row.file_name,
        received_by=row.received_by,
        received_at=row.received_at,
        ref=RecordRef(row.org_id, row.object, row.record_id) if row.record_id else None,
        envelope_id=row.envelope_id,
        state=FormState(row.state),
        version=row.version,
        attempts=row.attempts,
        not_before=row.not_before,
        refusal=Refusal(row.code, row.message, row.fix),
        pages=row.pages,
        is_ours=row.is_ours,
        signatures=_SIGNATURES.validate_python(row.signatures or ()),
        read=_READING.validate_python(row.reading or {}),
        answers=_ANSWERS.validate_python(row.answers or {}),
        confirmation=_CONFIRMATION.validate_python(row.confirmation) if row.confirmation else None,
        verdict=_VERDICT.validate_python(row.verdict) if row.verdict else None,
        differences=_DIFFERENCES.validate_python(row.differences or ()),
        compared=row.compared,
        findings_hash=row.findings_hash,
        accepted_hash=row.accepted_hash,
        decided_by=row.decided_by,
        decided_at=row.decided_at,
        decision_reason=row.decision_reason,
        read_at=row.read_at,
        tied_out_at=row.tied_out_at,
    )


def document_of(value: Any) -> Any:
    """A value (or a tuple or mapping of values) as a document for an ExactJson column; None stays None."""
    if value is None:
        return None
    if isinstance(value, Mapping):
        return {name: document_of(item) for name, item in value.items()}
    if isinstance(value, tuple | list):
        return [document_of(item) for item in value]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {one.name: document_of(getattr(value, one.name)) for one in dataclasses.fields(value)}
    return value
