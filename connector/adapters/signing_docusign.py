"""DocuSign over REST: one token by JWT grant, then envelopes, their recipients, fields and documents. Reads only.

Exists because an event only says that an envelope is completed; what was signed is fetched. Every error of the vendor
is translated here, and no key, assertion or token is ever part of a text.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote, urlsplit

import jwt
import requests
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from connector.adapters.http import HttpSettings, ServiceSession, require_safe_url
from connector.domain.assumptions import Finding, FindingState
from connector.domain.salesforce_ids import NotASalesforceId, id18
from connector.domain.tie_out import Person
from connector.errors import ConnectorError, Misconfigured, NotFound, RateLimited, Refused, Unavailable
from connector.ports import Clock
from connector.ports_signing import EnvelopeDocument, FetchedEnvelope

_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_SCOPE = "signature impersonation"
_ASSERTION = timedelta(minutes=5)
# A token that runs out while it is used is worse than one more login.
_MARGIN = timedelta(minutes=2)
_TRIES = 3
_PIECE = 64 * 1024
_MOST_DOCUMENTS = 20
_LARGEST_JSON = 4_000_000


class DocusignRefused(Misconfigured):
    """DocuSign does not let us in."""

    code = "DOCUSIGN_LOGIN"
    fix = "Check [docusign] and the private key; the user must have given consent to the integration once."


@dataclass(frozen=True, slots=True)
class DocusignLogin:
    """One account. `private_key` is PEM text; `base_url` is the account's own address."""

    base_url: str
    auth_url: str
    account_id: str
    integration_key: str
    user_id: str
    private_key: str = field(repr=False)
    record_field: str = "salesforce_id"

    def __post_init__(self) -> None:
        """Raises Misconfigured naming an address that is not safe."""
        for name in ("base_url", "auth_url"):
            object.__setattr__(self, name, require_safe_url(getattr(self, name), setting=f"docusign.{name}"))


class DocusignProvider:
    """The port over one account. Any number of threads."""

    name = "docusign"

    def __init__(self, *, login: DocusignLogin, clock: Clock, http: HttpSettings | None = None) -> None:
        self._login, self._clock = login, clock
        self._http = http or HttpSettings(read_seconds=30)
        self._lock = threading.Lock()
        self._token, self._until = "", datetime.min.replace(tzinfo=UTC)

    def fetch_envelope(self, *, envelope_ref: str, largest_file: int) -> FetchedEnvelope:
        """See the port."""
        place = f"envelopes/{quote(envelope_ref, safe='')}"
        envelope = self._json(place)
        status = str(envelope.get("status", ""))
        if status != "completed":
            return FetchedEnvelope(envelope_ref, False, status)
        listed = self._json(f"{place}/documents").get("envelopeDocuments")
        documents = [one for one in listed if isinstance(one, Mapping)] if isinstance(listed, list) else []
        return FetchedEnvelope(
            envelope_ref=envelope_ref,
            is_completed=True,
            status=status,
            completed_at=_instant(envelope.get("completedDateTime")),
            record_id=self._record(self._json(f"{place}/custom_fields")),
            signers=tuple(_signers(self._json(f"{place}/recipients"))),
            documents=tuple(self._documents(place, documents, largest_file)),
            certificate=self._bytes(f"{place}/documents/certificate", largest_file),
        )

    def prove(self) -> Iterator[Finding]:
        """Whether we can log in and the account can be read. Raises as `fetch_envelope` does."""
        try:
            account = self._json("")
        except NotFound as error:
            fix = "Correct [docusign] account_id; base_url must be the one that DocuSign names for this account."
            raise DocusignRefused(f"DocuSign knows no account {self._login.account_id} here.", fix=fix) from error
        name = str(account.get("accountName", ""))[:100]
        yield Finding("docusign", FindingState.GOOD, f"We are logged in to the DocuSign account {name!r}.")

    def _documents(
        self, place: str, listed: Sequence[Mapping[str, Any]], largest_file: int
    ) -> Iterator[EnvelopeDocument]:
        """The documents that were signed: not the certificate, not the summary."""
        wanted = [one for one in listed if one.get("type", "content") == "content"][:_MOST_DOCUMENTS]
        for one in wanted:
            ref = quote(str(one.get("documentId", "")), safe="")
            yield EnvelopeDocument(
                str(one.get("name", ""))[:200], self._bytes(f"{place}/documents/{ref}", largest_file)
            )

    def _record(self, fields: Mapping[str, Any]) -> str:
        found = fields.get("textCustomFields")
        for one in found if isinstance(found, list) else ():
            name = str(one.get("name", "")) if isinstance(one, Mapping) else ""
            if name.casefold() == self._login.record_field.casefold():
                try:
                    return id18(str(one.get("value", "")))
                except NotASalesforceId:
                    return ""
        return ""

    def _json(self, place: str) -> Mapping[str, Any]:
        answer = self._get(place, _LARGEST_JSON)
        try:
            found = json.loads(answer)
        except ValueError as error:
            raise Unavailable("DocuSign answered with something that is no JSON.") from error
        if not isinstance(found, dict):
            raise Unavailable("DocuSign answered with something that is no JSON object.")
        return found

    def _bytes(self, place: str, most: int) -> bytes:
        return self._get(place, most)

    def _get(self, place: str, most: int) -> bytes:
        retrying = Retrying(
            retry=retry_if_exception_type(Unavailable),
            stop=stop_after_attempt(_TRIES),
            wait=wait_random_exponential(multiplier=0.2, max=2),
            reraise=True,
        )
        return retrying(self._get_once, place, most)

    def _get_once(self, place: str, most: int, *, is_second: bool = False) -> bytes:
        token = self._known_token()
        account = quote(self._login.account_id, safe="")
        url = f"{self._login.base_url}/restapi/v2.1/accounts/{account}/{place}".rstrip("/")
        with ServiceSession(settings=self._http) as session:
            try:
                with session.get(url, headers={"Authorization": f"Bearer {token}"}, stream=True) as answer:
                    if answer.status_code == 401 and not is_second:
                        self._forget(token)
                    else:
                        return _content(answer, most)
            except requests.RequestException as error:
                raise Unavailable(f"DocuSign did not answer ({type(error).__name__}).") from error
        return self._get_once(place, most, is_second=True)

    def _known_token(self) -> str:
        with self._lock:
            if self._clock.now() + _MARGIN >= self._until:
                self._token, seconds = self._new_token()
                self._until = self._clock.now() + timedelta(seconds=seconds)
            return self._token

    def _forget(self, token: str) -> None:
        with self._lock:
            if token == self._token:
                self._until = datetime.min.replace(tzinfo=UTC)

    def _new_token(self) -> tuple[str, int]:
        login, now = self._login, self._clock.now()
        claims = {
            "iss": login.integration_key, "sub": login.user_id, "aud": urlsplit(login.auth_url).netloc,
            "iat": int(now.timestamp()), "exp": int((now + _ASSERTION).timestamp()), "scope": _SCOPE,
        }  # fmt: skip
        try:
            assertion = jwt.encode(claims, login.private_key, algorithm="RS256")
        except (ValueError, TypeError, jwt.PyJWTError) as error:
            raise DocusignRefused("The private key of [docusign] is no RSA key in PEM.") from error
        with ServiceSession(settings=self._http) as session:
            try:
                answer = session.post(
                    f"{login.auth_url}/oauth/token", data={"grant_type": _GRANT, "assertion": assertion}
                )
            except requests.RequestException as error:
                raise Unavailable(f"The login of DocuSign did not answer ({type(error).__name__}).") from error
        return _token(answer)


def _token(answer: requests.Response) -> tuple[str, int]:
    if answer.status_code >= 500 or answer.status_code == 429:
        raise Unavailable(f"The login of DocuSign answered {answer.status_code}.")
    try:
        found = answer.json()
    except ValueError:
        found = {}
    token = found.get("access_token") if isinstance(found, dict) else None
    if answer.status_code == 200 and isinstance(token, str) and token:
        seconds = found.get("expires_in")
        return token, seconds if isinstance(seconds, int) and 0 < seconds <= 86_400 else 600
    reason = str(found.get("error", answer.status_code))[:60] if isinstance(found, dict) else str(answer.status_code)
    raise DocusignRefused(f"DocuSign refused the login: {reason}.")


def _content(answer: requests.Response, most: int) -> bytes:
    if answer.status_code != 200:
        raise _error(answer)
    parts, size = [], 0
    for part in answer.iter_content(_PIECE):
        size += len(part)
        if size > most:
            raise Refused(
                f"A document of the envelope has more than {most:,} bytes.", code="FORM_TOO_LARGE",
                owner="sales rep", fix="Send the order form in an envelope without large annexes.",
            )  # fmt: skip
        parts.append(part)
    return b"".join(parts)


def _error(answer: requests.Response) -> ConnectorError:
    status = answer.status_code
    if status == 404:
        return NotFound("DocuSign has no such envelope in this account.")
    if status == 429:
        asked = answer.headers.get("Retry-After", "")
        return RateLimited("DocuSign asks us to slow down.", retry_after=int(asked) if asked.isdigit() else 300)
    if status in (401, 403):
        return DocusignRefused(f"DocuSign answered {status}.")
    if status >= 500:
        return Unavailable(f"DocuSign answered {status}.")
    try:
        code = str(answer.json().get("errorCode", ""))[:60]
    except (ValueError, AttributeError):
        code = ""
    if code == "HOURLY_APIINVOCATION_LIMIT_EXCEEDED":
        return RateLimited("The calls of this hour are used up at DocuSign.", retry_after=1800)
    if code in ("ENVELOPE_DOES_NOT_EXIST", "INVALID_REQUEST_PARAMETER"):
        return NotFound("DocuSign has no such envelope in this account.")
    return Refused(f"DocuSign answered {status} {code}".strip() + ".", code="DOCUSIGN", owner="operator")


def _signers(recipients: Mapping[str, Any]) -> Iterator[Person]:
    found = recipients.get("signers")
    for one in found if isinstance(found, list) else ():
        if isinstance(one, Mapping):
            yield Person(str(one.get("name", ""))[:200], str(one.get("email", ""))[:200])


def _instant(value: Any) -> datetime | None:
    try:
        found = datetime.fromisoformat(value) if isinstance(value, str) else None
        return found.astimezone(UTC) if found is not None and found.tzinfo else None
    except ValueError:
        return None
