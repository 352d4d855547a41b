"""The answers of the API about order forms, as models."""

from __future__ import annotations

from connector.web.api.answers import Answer, Instant


class FormReceivedAnswer(Answer):
    """A document that was taken in; `is_new` is false when these very bytes were here before."""

    number: str
    sha256: str
    is_new: bool
    state: str
    status_url: str


class FormSignatureAnswer(Answer):
    """One digital signature; `fault` says why it does not count, empty when it does."""

    field: str
    signer: str
    email: str
    issuer: str
    signed_at: Instant | None
    is_time_proven: bool
    is_good: bool
    fault: str
    coverage: str
    changed_after: str
    revocation: str


class FormFindingAnswer(Answer):
    """One thing that differs, or that is asked; `paper` is what the document says."""

    name: str
    paper: str
    salesforce: str
    message: str


class FormAnswer(Answer):
    """One order form with what was found; `is_signed` is null until it was read."""

    number: str
    sha256: str
    state: str
    source: str
    received_at: Instant
    salesforce_id: str
    order: str
    code: str
    message: str
    fix: str
    is_signed: bool | None
    signed_by: str
    reason: str
    signatures: tuple[FormSignatureAnswer, ...]
    differences: tuple[FormFindingAnswer, ...]
    questions: tuple[FormFindingAnswer, ...]
