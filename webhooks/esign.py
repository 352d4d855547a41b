"""E-signature providers' events: which envelope they are about and whether everybody signed, verified first.

Exists so that four providers look alike behind it. Each function verifies with all the secrets that we have, reads with
suspicion and answers what the event tells; none believes more than that something is to be fetched or looked at.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from connector.domain.salesforce_ids import NotASalesforceId, id18
from connector.domain.tie_out import Person
from connector.usecases.receive_envelope import EnvelopeTold
from webhooks.faults import BodyRefused
from webhooks.signatures import SignatureRefused

_REF = re.compile(r"[A-Za-z0-9_-]{1,100}")
_WORD = re.compile(r"[A-Za-z0-9_. -]{1,80}")
_SECONDS = re.compile(r"[0-9]{1,12}")
_MOST_EVENTS = 200
_MOST_PEOPLE = 50
_LONGEST_TEXT = 200
# Custom fields and metadata by which a sender names the Salesforce record.
_RECORD_NAMES = ("salesforce_id", "salesforceid", "salesforce_record_id", "sfid")


def verify_docusign(*, body: bytes, signatures: Sequence[str], keys: Sequence[str]) -> None:
    """HMAC-SHA256 of the raw body in base64, by any of our keys in any of the headers. Raises SignatureRefused."""
    given = [_decoded(one) for one in signatures[:_MOST_PEOPLE]]
    _require(sum(hmac.compare_digest(_digest(key, body), one) for key in keys for one in given))


def verify_pandadoc(*, body: bytes, signature: str, keys: Sequence[str]) -> None:
    """HMAC-SHA256 of the raw body in hexadecimal, from the address. Raises SignatureRefused."""
    given = signature.strip().lower().encode()
    _require(sum(hmac.compare_digest(_digest(key, body).hex().encode(), given) for key in keys))


def verify_dropbox_sign(*, document: Mapping[str, Any], keys: Sequence[str]) -> None:
    """HMAC-SHA256 over time and type alone: it proves who sends, nothing else of the body. Raises SignatureRefused."""
    event = document.get("event")
    found = event if isinstance(event, Mapping) else {}
    # Half a pair of surrogates is JSON and no text: it must fit no signature, and be no fault of ours.
    signed = f"{found.get('event_time')}{found.get('event_type')}".encode("utf-8", "replace")
    given = str(found.get("event_hash", "")).encode("utf-8", "replace")
    _require(sum(hmac.compare_digest(_digest(key, signed).hex().encode(), given) for key in keys))


def verify_adobe_sign(*, client_id: str, known: Sequence[str]) -> str:
    """Adobe signs nothing: a client id that we know, to be echoed. Raises SignatureRefused."""
    given = client_id.strip().encode()
    _require(sum(hmac.compare_digest(one.encode(), given) for one in known))
    return client_id.strip()


def read_docusign(*, body: bytes, record_field: str) -> EnvelopeTold:
    """The envelope that a DocuSign Connect message is about. Raises BodyRefused."""
    document = _object(read_json(body), "the body")
    data = _object(document.get("data"), "data")
    summary = data.get("envelopeSummary")
    summary = summary if isinstance(summary, Mapping) else {}
    event, status = _word(document.get("event"), "event"), _text(summary.get("status"))
    return EnvelopeTold(
        provider="docusign",
        envelope_ref=_ref(data.get("envelopeId"), "data.envelopeId"),
        event=event,
        status=status or event.removeprefix("envelope-"),
        is_completed=event == "envelope-completed",
        account=_text(data.get("accountId")),
        record_id=_docusign_record(summary.get("customFields"), record_field),
        subject=_text(summary.get("emailSubject")),
        recipients=tuple(_docusign_signers(summary.get("recipients"))),
        happened_at=_instant(document.get("generatedDateTime")),
        completed_at=_instant(summary.get("completedDateTime")),
    )


def read_pandadoc(*, body: bytes) -> tuple[EnvelopeTold, ...]:
    """The documents that a PandaDoc message is about: a list of events. Raises BodyRefused."""
    events = read_json(body)
    if not isinstance(events, list) or not 1 <= len(events) <= _MOST_EVENTS:
        raise BodyRefused(f"The body is no list of 1 to {_MOST_EVENTS} events.", fix="Send events as PandaDoc does.")
    return tuple(_pandadoc(_object(event, "an event")) for event in events)


def read_dropbox_sign(*, document: Mapping[str, Any]) -> EnvelopeTold:
    """The signature request that a Dropbox Sign event is about. Raises BodyRefused."""
    event = _object(document.get("event"), "event")
    name = _word(event.get("event_type"), "event.event_type")
    asked = document.get("signature_request")
    asked = asked if isinstance(asked, Mapping) else {}
    # Account checks have no request; they are kept under a name of their own.
    ref = asked.get("signature_request_id") or f"account-{event.get('event_time')}"
    return EnvelopeTold(
        provider="dropbox-sign",
        envelope_ref=_ref(ref, "signature_request.signature_request_id"),
        event=name,
        status=name.removeprefix("signature_request_"),
        is_completed=name == "signature_request_all_signed",
        record_id=_named_record(asked.get("metadata")),
        subject=_text(asked.get("subject")),
        recipients=tuple(_people(asked.get("signatures"), "signer_name", "signer_email_address")),
        happened_at=_seconds(event.get("event_time")),
    )


def read_adobe_sign(*, body: bytes) -> EnvelopeTold:
    """The agreement that an Adobe Acrobat Sign event is about. Raises BodyRefused."""
    document = _object(read_json(body), "the body")
    agreement = document.get("agreement")
    agreement = agreement if isinstance(agreement, Mapping) else {}
    name = _word(document.get("event"), "event")
    return EnvelopeTold(
        provider="adobe-sign",
        envelope_ref=_ref(agreement.get("id"), "agreement.id"),
        event=name,
        status=_text(agreement.get("status")) or name,
        is_completed=name == "AGREEMENT_WORKFLOW_COMPLETED",
        record_id=_record(_nested(agreement, "externalId", "id")),
        subject=_text(agreement.get("name")),
        happened_at=_instant(document.get("eventDate")),
    )


def read_json(body: bytes) -> Any:
    """The body as JSON. Raises BodyRefused."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise BodyRefused("The body is not JSON.", fix="Send the event as the provider does.") from error


def _pandadoc(event: Mapping[str, Any]) -> EnvelopeTold:
    data = _object(event.get("data"), "data")
    name, status = _word(event.get("event"), "event"), _text(data.get("status"))
    return EnvelopeTold(
        provider="pandadoc",
        envelope_ref=_ref(data.get("id"), "data.id"),
        event=name,
        status=status,
        is_completed=name == "document_state_changed" and status == "document.completed",
        record_id=_named_record(data.get("metadata")),
        subject=_text(data.get("name")),
        recipients=tuple(_pandadoc_people(data.get("recipients"))),
        happened_at=_instant(data.get("date_modified")),
        completed_at=_instant(data.get("date_completed")),
    )


def _pandadoc_people(given: Any) -> Iterable[Person]:
    for one in given[:_MOST_PEOPLE] if isinstance(given, list) else ():
        if isinstance(one, Mapping) and one.get("recipient_type") != "CC":
            name = f"{_text(one.get('first_name'))} {_text(one.get('last_name'))}".strip()
            yield Person(name, _text(one.get("email")))


def _docusign_record(given: Any, record_field: str) -> str:
    fields = given.get("textCustomFields") if isinstance(given, Mapping) else None
    for one in fields[:_MOST_PEOPLE] if isinstance(fields, list) else ():
        if isinstance(one, Mapping) and str(one.get("name", "")).casefold() == record_field.casefold():
            return _record(one.get("value"))
    return ""


def _docusign_signers(given: Any) -> Iterable[Person]:
    signers = given.get("signers") if isinstance(given, Mapping) else None
    return _people(signers, "name", "email")


def _people(given: Any, name: str, email: str) -> Iterable[Person]:
    for one in given[:_MOST_PEOPLE] if isinstance(given, list) else ():
        if isinstance(one, Mapping):
            yield Person(_text(one.get(name)), _text(one.get(email)))


def _named_record(metadata: Any) -> str:
    for name, value in metadata.items() if isinstance(metadata, Mapping) else ():
        if str(name).casefold().replace("-", "_") in _RECORD_NAMES:
            return _record(value)
    return ""


def _record(value: Any) -> str:
    """A Salesforce id with 18 characters, empty when it is none: a hint is no reason to refuse an event."""
    try:
        return id18(value) if isinstance(value, str) else ""
    except NotASalesforceId:
        return ""


def _object(value: Any, place: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise BodyRefused(f"{place} is no JSON object.", fix="Send the event as the provider does.")
    return value


def _nested(value: Any, *path: str) -> Any:
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def _ref(value: Any, place: str) -> str:
    if not isinstance(value, str) or not _REF.fullmatch(value):
        raise BodyRefused(f"{place} is no id.", fix="Send the event as the provider does.")
    return value


def _word(value: Any, place: str) -> str:
    if not isinstance(value, str) or not _WORD.fullmatch(value):
        raise BodyRefused(f"{place} names no event.", fix="Send the event as the provider does.")
    return value


def _text(value: Any) -> str:
    text = value if isinstance(value, str) else ""
    return "".join(sign for sign in text if sign.isprintable())[:_LONGEST_TEXT]


def _instant(value: Any) -> datetime | None:
    """An ISO 8601 instant, None when it is none or has no zone."""
    try:
        found = datetime.fromisoformat(value) if isinstance(value, str) else None
        return found.astimezone(UTC) if found is not None and found.tzinfo else None
    except (ValueError, OverflowError):
        return None


def _seconds(value: Any) -> datetime | None:
    text = str(value)
    if not _SECONDS.fullmatch(text):
        return None
    try:
        return datetime.fromtimestamp(int(text), UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _digest(key: str, body: bytes) -> bytes:
    return hmac.digest(key.encode(), body, hashlib.sha256)


def _decoded(signature: str) -> bytes:
    try:
        return base64.b64decode(signature.strip(), validate=True)
    except (binascii.Error, ValueError):
        return b""


def _require(fitting: int) -> None:
    """Counted, not searched: every key is tried, so that the time taken does not tell which one fits."""
    if not fitting:
        raise SignatureRefused(
            "No signature fits the body.",
            fix="Check that the secret of the provider's webhook is the one that is configured here.",
        )
