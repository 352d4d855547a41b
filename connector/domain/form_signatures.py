"""Is this document signed for us? What a check of its signatures found, and the rule that judges it.

Exists so that the rule is a pure function of facts and settings and can be read by whoever answers for it. It must not
read a file or know a library: `connector.order_forms` finds the facts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Coverage(StrEnum):
    """How much of the file a signature covers: all of it, all that was there when it was made, or less."""

    FILE = "file"
    REVISION = "revision"
    PART = "part"


class ChangedAfter(StrEnum):
    """What was added to the file after a signature: nothing, upkeep, further signatures, form values, or content."""

    NOTHING = "nothing"
    UPKEEP = "upkeep"
    SIGNATURES = "signatures"
    FORM = "form"
    CONTENT = "content"


class Revocation(StrEnum):
    """Whether the certificate was taken back, by what the file itself brings along."""

    NOT_GIVEN = "not given"
    GOOD = "good"
    REVOKED = "revoked"


class SignedBy(StrEnum):
    """By which rule a document counts as signed."""

    NOTHING = ""
    SIGNATURE = "signature"
    PROVIDER = "provider"
    CONFIRMATION = "confirmation"


@dataclass(frozen=True, slots=True)
class SignatureFound:
    """One digital signature, or a timestamp of the whole document (`is_timestamp`), with everything that was checked.

    `is_intact` says that the bytes are those that were signed, `is_valid` that the signature fits its certificate,
    `is_trusted` that the certificate leads to one of our roots; `trust_problem` says why not. `is_time_proven` says
    that a trusted timestamp tells the time, otherwise it is the signer's own word. `not_before` and `not_after` are the
    days of the certificate. `problem` is set when it could not be read at all.
    """

    field: str
    is_timestamp: bool = False
    signer: str = ""
    email: str = ""
    organisation: str = ""
    issuer: str = ""
    serial: str = ""
    certificate_sha256: str = ""
    not_before: datetime | None = None
    not_after: datetime | None = None
    signed_at: datetime | None = None
    is_time_proven: bool = False
    is_intact: bool = False
    is_valid: bool = False
    is_trusted: bool = False
    trust_problem: str = ""
    coverage: Coverage = Coverage.PART
    changed_after: ChangedAfter = ChangedAfter.CONTENT
    change: str = ""
    revocation: Revocation = Revocation.NOT_GIVEN
    algorithm: str = ""
    problem: str = ""

    @property
    def fault(self) -> str:
        """Why it does not count, in one sentence; empty when it counts."""
        if self.problem:
            return f"It cannot be checked: {self.problem}"
        if not self.is_intact:
            return "The signed part of the file was changed after signing."
        if not self.is_valid:
            return "It does not fit its certificate."
        if self.revocation is Revocation.REVOKED:
            return "Its certificate was revoked."
        if self.coverage is Coverage.PART:
            return "It covers only a part of the file; the rest could say anything."
        if self.changed_after in (ChangedAfter.FORM, ChangedAfter.CONTENT):
            return f"The document was changed after this signature: {self.change}".rstrip(": ") + "."
        return self.trust_problem if not self.is_trusted else ""

    @property
    def is_good(self) -> bool:
        """Whether it proves who signed what the file says."""
        return not self.fault


@dataclass(frozen=True, slots=True)
class SigningPolicy:
    """What counts as signed for us.

    `least_signatures` good signatures of people (not seals or timestamps of the document) are needed, and one broken
    signature spoils the document. `needs_revocation` asks for proof that the certificate was not revoked.
    """

    by_signature: bool = True
    by_provider: bool = True
    by_confirmation: bool = True
    least_signatures: int = 1
    needs_revocation: bool = False


@dataclass(frozen=True, slots=True)
class Envelope:
    """What an e-signature provider told us of the document: whose envelope it is, and when everybody had signed."""

    provider: str
    envelope_id: str
    completed_at: datetime | None
    has_certificate: bool


@dataclass(frozen=True, slots=True)
class Confirmation:
    """A named person says that the document is signed, and why they know."""

    by: str
    at: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether the document counts as signed, by which rule, and the reason in one sentence."""

    is_signed: bool
    by: SignedBy
    reason: str
    signed_at: datetime | None = None


def judge(
    *,
    signatures: Sequence[SignatureFound],
    policy: SigningPolicy,
    envelope: Envelope | None = None,
    confirmation: Confirmation | None = None,
) -> Verdict:
    """Whether a document counts as signed; the strongest rule that holds is told."""
    people = [one for one in signatures if not one.is_timestamp]
    broken = [one for one in signatures if not one.is_good and _is_broken(one)]
    fault = _signature_fault(people, broken, policy)
    if not fault:
        moments = [one.signed_at for one in people if one.signed_at is not None]
        names = ", ".join(one.signer or one.field for one in people)
        return Verdict(True, SignedBy.SIGNATURE, f"Digitally signed by {names}.", max(moments, default=None))
    if (
        not broken
        and envelope is not None
        and policy.by_provider
        and envelope.completed_at
        and envelope.has_certificate
    ):
        reason = f"{envelope.provider} says that everybody signed, with its certificate of completion."
        return Verdict(True, SignedBy.PROVIDER, reason, envelope.completed_at)
    if confirmation is not None and policy.by_confirmation:
        reason = f"{confirmation.by} confirmed the signature: {confirmation.reason}"
        return Verdict(True, SignedBy.CONFIRMATION, reason, confirmation.at)
    return Verdict(False, SignedBy.NOTHING, fault)


def _signature_fault(people: Sequence[SignatureFound], broken: Sequence[SignatureFound], policy: SigningPolicy) -> str:
    """Why the signatures alone do not make it signed; empty when they do."""
    if not policy.by_signature:
        return "Digital signatures do not count here (see [order_forms])."
    if not people:
        return "The document has no digital signature."
    if broken:
        return f"The signature {_named(broken[0])} does not hold: {broken[0].fault}"
    good = [one for one in people if one.is_good]
    if len(good) < policy.least_signatures:
        bad = next((one for one in people if not one.is_good), None)
        if bad is not None:
            return f"The signature {_named(bad)} does not count: {bad.fault}"
        return f"There are {len(good)} signatures; {policy.least_signatures} are needed."
    unproven = next((one for one in good if one.revocation is Revocation.NOT_GIVEN), None)
    if policy.needs_revocation and unproven is not None:
        return f"Whether the certificate of {_named(unproven)} was revoked is not told in the file."
    untrusted = next((one for one in people if not one.is_good), None)
    return "" if untrusted is None else f"The signature {_named(untrusted)} does not count: {untrusted.fault}"


def _is_broken(one: SignatureFound) -> bool:
    """Whether the document itself speaks against it; a certificate that we do not know is no such thing."""
    is_sound = not one.problem and one.is_intact and one.is_valid and one.revocation is not Revocation.REVOKED
    is_whole = one.coverage is not Coverage.PART
    return not (is_sound and is_whole and one.changed_after not in (ChangedAfter.FORM, ChangedAfter.CONTENT))


def _named(one: SignatureFound) -> str:
    return f"of {one.signer}" if one.signer else f"in the field {one.field}"
