"""The digital signatures of a document: who, when, what each covers, what was changed afterwards, and whom we trust.

Exists as the one seam between us and the signature library. The file itself and the configured roots are all that is
asked: no network, no trust store of the machine. It finds facts and judges nothing; `domain.form_signatures` does.
"""

from __future__ import annotations

import asyncio
import io
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from asn1crypto import pem, x509
from pyhanko.pdf_utils.misc import PdfError
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.ades.report import AdESFailure, AdESIndeterminate
from pyhanko.sign.diff_analysis import DiffResult, ModificationLevel
from pyhanko.sign.fields import enumerate_sig_fields
from pyhanko.sign.general import MultivaluedAttributeError, NonexistentAttributeError, find_unique_cms_attribute
from pyhanko.sign.validation.dss import DocumentSecurityStore
from pyhanko.sign.validation.errors import NoDSSFoundError, SignatureValidationError
from pyhanko.sign.validation.pdf_embedded import (
    EmbeddedPdfSignature,
    async_validate_pdf_signature,
    async_validate_pdf_timestamp,
)
from pyhanko.sign.validation.settings import KeyUsageConstraints
from pyhanko.sign.validation.status import SignatureCoverageLevel
from pyhanko_certvalidator import ValidationContext

from connector.domain.form_signatures import ChangedAfter, Coverage, Revocation, SignatureFound
from connector.order_forms.limits import FormLimits
from connector.order_forms.opening import LIBRARY_FAULTS
from connector.order_forms.refusals import BrokenPdf, FormTooHard

FAULTS = (*LIBRARY_FAULTS, PdfError, SignatureValidationError)
# Signing tools mark their certificates for signing in one of these two ways.
_KEY_USAGE = KeyUsageConstraints(key_usage={"non_repudiation", "digital_signature"}, match_all_key_usages=False)
_LONGEST = 200
_TOO_LATE = "Its certificate has expired, and no trusted timestamp proves that it was valid when it signed."
_TOO_EARLY = "Its certificate was not valid yet."
_WEAK = "It uses a method that is no longer safe."
_TRUST_PROBLEMS: dict[object, str] = {
    AdESIndeterminate.NO_CERTIFICATE_CHAIN_FOUND: (
        "Its certificate leads to no authority that we trust (see [order_forms] trust)."
    ),
    AdESIndeterminate.EXPIRED: _TOO_LATE,
    AdESIndeterminate.OUT_OF_BOUNDS_NO_POE: _TOO_LATE,
    AdESIndeterminate.OUT_OF_BOUNDS_NOT_REVOKED: _TOO_LATE,
    AdESIndeterminate.NOT_YET_VALID: _TOO_EARLY,
    AdESFailure.NOT_YET_VALID: _TOO_EARLY,
    AdESIndeterminate.REVOKED_NO_POE: "Its certificate was revoked.",
    AdESIndeterminate.REVOKED_CA_NO_POE: "The certificate of its authority was revoked.",
    AdESIndeterminate.CHAIN_CONSTRAINTS_FAILURE: "Its certificate, or one of its chain, was not made for signing.",
    AdESIndeterminate.CRYPTO_CONSTRAINTS_FAILURE: _WEAK,
    AdESIndeterminate.CRYPTO_CONSTRAINTS_FAILURE_NO_POE: _WEAK,
}
_EXPIRED = {
    AdESIndeterminate.EXPIRED, AdESIndeterminate.OUT_OF_BOUNDS_NO_POE, AdESIndeterminate.OUT_OF_BOUNDS_NOT_REVOKED,
}  # fmt: skip


def check_signatures(
    *, content: bytes, roots: Sequence[bytes], now: datetime, limits: FormLimits
) -> tuple[SignatureFound, ...]:
    """Every signature and document timestamp, in the order in which they were made; none for an unsigned document.

    `roots` are certificates in PEM or DER. Raises BrokenPdf and FormTooHard.
    """
    try:
        reader = PdfFileReader(io.BytesIO(content), strict=False)
        found = list(reader.embedded_signatures)
    except (MemoryError, RecursionError) as error:
        raise FormTooHard("Its structure needs more than any order form.") from error
    except FAULTS as error:
        raise BrokenPdf(f"Its signatures cannot be read ({type(error).__name__}).") from error
    if len(found) > limits.most_signatures:
        raise FormTooHard(f"It has {len(found)} signatures; at most {limits.most_signatures} are checked.")
    trusted = [_certificate(root) for root in roots]
    known = _embedded_info(reader)
    # Signatures of kinds that the library does not know are no list entries; they must not vanish in silence.
    unknown = _unknown_fields(reader, {one.field_name for one in found})
    return (*(_check(one, trusted, known, now) for one in found), *unknown)


def _check(
    embedded: EmbeddedPdfSignature, roots: list[x509.Certificate], known: dict[str, Any], now: datetime
) -> SignatureFound:
    name = _text(embedded.field_name)
    try:
        if embedded.reader.xrefs.hybrid_xrefs_present:
            return SignatureFound(name, problem="the file has two tables of contents that may differ.")
        status, is_timestamp = asyncio.run(_status(embedded, roots, known, now))
        found = _with_revocation(_found(embedded, status, is_timestamp, name), embedded, roots, known, now)
        stamp = getattr(status, "timestamp_validity", None)
        if stamp is None or not stamp.trusted or status.trust_problem_indic not in _EXPIRED:
            return found
        # It was signed while the certificate was valid: a trusted timestamp proves it.
        again, _ = asyncio.run(_status(embedded, roots, known, stamp.timestamp))
        found = _found(embedded, again, is_timestamp, name)
        return _with_revocation(found, embedded, roots, known, stamp.timestamp)
    except (MemoryError, RecursionError) as error:
        raise FormTooHard("A signature needs more than any signature should.") from error
    except FAULTS as error:
        return SignatureFound(name, problem=f"{type(error).__name__} while reading it.")


async def _status(
    embedded: EmbeddedPdfSignature,
    roots: list[x509.Certificate],
    known: dict[str, Any],
    moment: datetime,
    mode: str = "soft-fail",
) -> tuple[Any, bool]:
    """What the library says, and whether it is a timestamp of the whole document."""
    revocations = _archived(embedded)
    context = ValidationContext(
        trust_roots=roots,
        other_certs=known["certs"],
        crls=[*known["crls"], *revocations["crls"]],
        ocsps=[*known["ocsps"], *revocations["ocsps"]],
        moment=moment,
        allow_fetching=False,
        revocation_mode=mode,
        # A list made after the signature tells as well whether the certificate had been revoked by then.
        retroactive_revinfo=True,
    )
    if str(embedded.sig_object_type) == "/DocTimeStamp":
        return await async_validate_pdf_timestamp(embedded, context), True
    return await async_validate_pdf_signature(embedded, context, key_usage_settings=_KEY_USAGE), False


def _found(embedded: EmbeddedPdfSignature, status: Any, is_timestamp: bool, name: str) -> SignatureFound:
    certificate = status.signing_cert
    changed, change = _changed(embedded)
    found = SignatureFound(
        field=name,
        is_timestamp=is_timestamp,
        serial=format(certificate.serial_number, "x"),
        certificate_sha256=certificate.sha256.hex(),
        not_before=certificate.not_valid_before,
        not_after=certificate.not_valid_after,
        is_intact=bool(status.intact),
        is_valid=bool(status.valid),
        is_trusted=bool(status.trusted),
        trust_problem="" if status.trusted else _trust_problem(status),
        coverage=_coverage(embedded),
        changed_after=changed,
        change=change,
        revocation=Revocation.REVOKED if status.revocation_details is not None else Revocation.NOT_GIVEN,
        algorithm=f"{status.md_algorithm} {status.pkcs7_signature_mechanism}",
    )
    found = replace(found, **_names(certificate))
    return _with_time(found, embedded, status)


def _coverage(embedded: EmbeddedPdfSignature) -> Coverage:
    coverage: Any = embedded.coverage
    return _COVERAGE.get(coverage, Coverage.PART)


def _names(certificate: x509.Certificate) -> dict[str, Any]:
    subject, issuer = certificate.subject.native, certificate.issuer.native
    alternative = certificate.subject_alt_name_value
    emails = [one.native for one in alternative or () if one.name == "rfc822_name"]
    return {
        "signer": _text(subject.get("common_name", "")),
        "email": _text(next(iter(emails), subject.get("email_address", ""))),
        "organisation": _text(subject.get("organization_name", "")),
        "issuer": _text(issuer.get("common_name", "") or issuer.get("organization_name", "")),
    }


def _with_time(found: SignatureFound, embedded: EmbeddedPdfSignature, status: Any) -> SignatureFound:
    """With the time of signing: a trusted timestamp's, or what the signer says."""
    if found.is_timestamp:
        return replace(found, signed_at=status.timestamp.astimezone(UTC), is_time_proven=found.is_trusted)
    stamp = status.timestamp_validity
    if stamp is not None and stamp.trusted:
        return replace(found, signed_at=stamp.timestamp.astimezone(UTC), is_time_proven=True)
    told = embedded.self_reported_timestamp
    # A time without zone says nothing that could be compared.
    return replace(found, signed_at=told.astimezone(UTC) if told is not None and told.tzinfo else None)


def _changed(embedded: EmbeddedPdfSignature) -> tuple[ChangedAfter, str]:
    result = embedded.diff_result
    if not isinstance(result, DiffResult):
        # The library names object numbers, which tell nobody anything.
        return ChangedAfter.CONTENT, "pages or other content were added or replaced"
    if result.modification_level is ModificationLevel.NONE:
        return ChangedAfter.NOTHING, ""
    if result.modification_level is ModificationLevel.LTA_UPDATES:
        return ChangedAfter.UPKEEP, "proofs of the signatures were added"
    signatures = {one.field_name for one in embedded.reader.embedded_signatures}
    others = sorted(_text(name) for name in set(result.changed_form_fields) - signatures)
    if result.modification_level is ModificationLevel.FORM_FILLING and not others:
        return ChangedAfter.SIGNATURES, "further signatures were added"
    if result.modification_level is ModificationLevel.FORM_FILLING:
        return ChangedAfter.FORM, f"the form fields {', '.join(others[:5])} were filled in"
    return ChangedAfter.CONTENT, "something was added to its pages"


def _trust_problem(status: Any) -> str:
    known = _TRUST_PROBLEMS.get(status.trust_problem_indic)
    if known or not (status.valid and status.intact):
        return known or "It does not hold, so nobody asked whether it can be trusted."
    name = getattr(status.trust_problem_indic, "standard_name", "unknown")
    return f"Its certificate cannot be trusted ({str(name).lower().replace('_', ' ')})."


def _with_revocation(
    found: SignatureFound,
    embedded: EmbeddedPdfSignature,
    roots: list[x509.Certificate],
    known: dict[str, Any],
    moment: datetime,
) -> SignatureFound:
    """With what the proofs in the file say of the certificate; proofs that do not hold themselves say nothing good."""
    archived = _archived(embedded)
    lists = [*archived["crls"], *known["crls"]]
    if not lists and not known["ocsps"] and not archived["ocsps"]:
        return found
    if any(_lists(one, embedded.signer_cert) for one in lists):
        return replace(found, revocation=Revocation.REVOKED)
    if not found.is_trusted or found.revocation is Revocation.REVOKED:
        return found
    proven, _ = asyncio.run(_status(embedded, roots, known, moment, "require"))
    return replace(found, revocation=Revocation.GOOD) if proven.trusted else found


def _lists(revoked: Any, certificate: x509.Certificate) -> bool:
    """Whether that list names the certificate. A list that nobody proved is still a reason to stop."""
    entries = revoked["tbs_cert_list"]["revoked_certificates"]
    is_same = revoked.issuer == certificate.issuer
    return is_same and any(entry["user_certificate"].native == certificate.serial_number for entry in entries or ())


def _archived(embedded: EmbeddedPdfSignature) -> dict[str, list[Any]]:
    """Revocation proofs inside of the signature itself, as some tools put them there."""
    try:
        archive = find_unique_cms_attribute(embedded.signer_info["signed_attrs"], "adobe_revocation_info_archival")
    except (MultivaluedAttributeError, NonexistentAttributeError):
        return {"crls": [], "ocsps": []}
    return {"crls": list(archive["crl"] or ()), "ocsps": list(archive["ocsp"] or ())}


def _embedded_info(reader: PdfFileReader) -> dict[str, list[Any]]:
    """Certificates and revocation proofs that the document brings along for all of its signatures."""
    try:
        store = DocumentSecurityStore.read_dss(reader)
        context = store.as_validation_context({"trust_roots": [], "allow_fetching": False})
        return {"certs": list(store.load_certs()), "crls": list(context.crls), "ocsps": list(context.ocsps)}
    except NoDSSFoundError:
        return {"certs": [], "crls": [], "ocsps": []}
    except FAULTS:
        # Unreadable proofs prove nothing; each signature is then told to have none.
        return {"certs": [], "crls": [], "ocsps": []}


def _unknown_fields(reader: PdfFileReader, known: set[str]) -> Iterable[SignatureFound]:
    for name, _value, _field in enumerate_sig_fields(reader, filled_status=True):
        if name not in known:
            yield SignatureFound(_text(name), problem="it is of a kind that is not known.")


def _certificate(root: bytes) -> x509.Certificate:
    if pem.detect(root):
        _, _, root = pem.unarmor(root)
    return x509.Certificate.load(root)


def _text(value: object) -> str:
    """A name of the file as one short printable line; a list of names as its first."""
    if isinstance(value, list):
        value = value[0] if value else ""
    text = "".join(sign if sign.isprintable() else " " for sign in str(value or ""))
    return " ".join(text.split())[:_LONGEST]


_COVERAGE = {
    SignatureCoverageLevel.ENTIRE_FILE: Coverage.FILE,
    SignatureCoverageLevel.ENTIRE_REVISION: Coverage.REVISION,
}
