"""Gets an access token from Salesforce: JWT bearer or client credentials, carefully.

Exists because a loop of refused logins locks the user for everybody: after a refusal the door stays shut for a
quarter of an hour. It must never show a secret (key, client secret, assertion, token) in a text, a log or an error.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Literal
from urllib.parse import urlsplit

import jwt
import requests
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from connector.adapters.http import HttpSettings, ServiceSession, require_safe_url
from connector.adapters.salesforce_auth_faults import AuthenticationFailed, login_refusal
from connector.adapters.salesforce_errors import error_of_transport
from connector.domain.salesforce_ids import NotASalesforceId, id18
from connector.errors import ConnectorError, Misconfigured, RateLimited, Unavailable
from connector.ports import Clock

_JWT_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_ASSERTION_SECONDS = 180
_TRIES = 3
_READ_SECONDS = 20.0
REFUSED_PAUSE = timedelta(minutes=15)
_API_VERSION = re.compile(r"[1-9][0-9]{1,2}\.0")
_DOING = "log in to Salesforce"
# Words of the token endpoint that mean "again in a moment" although the status is 400.
_BUSY = frozenset({"server_error", "temporarily_unavailable", "unknown_error"})
_TOO_MANY = frozenset({"rate_limit_exceeded", "login_rate_exceeded"})

Auth = Literal["jwt", "client_credentials"]


@dataclass(frozen=True, slots=True)
class SalesforceLogin:
    """How to log in to one org. `audience` empty is chosen by the kind of org; `private_key` is PEM text."""

    instance_url: str
    auth: Auth
    client_id: str = field(repr=False)
    client_secret: str = field(default="", repr=False)
    private_key: str = field(default="", repr=False)
    username: str = ""
    audience: str = ""
    api_version: str = "63.0"

    def __post_init__(self) -> None:
        """Raises Misconfigured naming the setting that is missing or wrong."""
        object.__setattr__(self, "instance_url", require_safe_url(self.instance_url, setting="salesforce.instance_url"))
        if not _API_VERSION.fullmatch(self.api_version):
            raise _wrong("salesforce.api_version", "must look like 63.0, without a v.")
        if self.auth not in ("jwt", "client_credentials"):
            raise _wrong("salesforce.auth", 'must be "jwt" or "client_credentials".')
        needed = {"client_id": self.client_id}
        if self.auth == "jwt":
            needed |= {"username": self.username, "private_key": self.private_key}
        else:
            needed |= {"client_secret": self.client_secret}
        for name, value in needed.items():
            if not value.strip():
                raise _wrong(f"salesforce.{name}", f"is needed for {self.auth} and is empty.")

    @property
    def token_url(self) -> str:
        """Where a token is asked for: always the org's own host, which takes both kinds of login."""
        return f"{self.instance_url}/services/oauth2/token"

    @property
    def effective_audience(self) -> str:
        """Whom the assertion is for: as set, else the login host of sandboxes or of production."""
        if self.audience:
            return self.audience
        is_sandbox = ".sandbox." in (urlsplit(self.instance_url).hostname or "")
        return "https://test.salesforce.com" if is_sandbox else "https://login.salesforce.com"


@dataclass(frozen=True, slots=True)
class AccessToken:
    """A token that was just fetched; `org_id` is empty when the answer did not tell it."""

    value: str = field(repr=False)
    org_id: str = ""


class TokenSource:
    """Fetches tokens for one login, at most one refused login per quarter of an hour. May be used from many threads."""

    def __init__(
        self,
        *,
        login: SalesforceLogin,
        clock: Clock,
        http: HttpSettings | None = None,
        sleep: Callable[[float], None] = time.sleep,
        on_call: Callable[[], None] | None = None,
    ) -> None:
        self._login, self._clock, self._sleep = login, clock, sleep
        base = http or HttpSettings()
        self._http = replace(base, read_seconds=min(base.read_seconds, _READ_SECONDS), pool=1)
        self._on_call = on_call or _nothing
        self._lock = threading.Lock()
        self._refusal: AuthenticationFailed | None = None
        self._shut_until: datetime | None = None

    def fetch(self) -> AccessToken:
        """A new token. Raises AuthenticationFailed, Misconfigured, RateLimited or Unavailable."""
        self.raise_when_shut()
        again = Retrying(
            retry=retry_if_exception_type(Unavailable),
            stop=stop_after_attempt(_TRIES),
            wait=wait_random_exponential(multiplier=0.3, max=2),
            sleep=self._sleep,
            reraise=True,
        )
        try:
            return again(self._ask)
        except AuthenticationFailed as refusal:
            self.shut(refusal)
            raise

    def shut(self, refusal: AuthenticationFailed) -> None:
        """Ask no more for a quarter of an hour; every fetch until then raises the same refusal."""
        with self._lock:
            self._refusal, self._shut_until = refusal, self._clock.now() + REFUSED_PAUSE

    def raise_when_shut(self) -> None:
        """Raise the last refusal again while it is less than a quarter of an hour old."""
        with self._lock:
            refusal, until = self._refusal, self._shut_until
            if refusal is None or until is None:
                return
            if self._clock.now() >= until:
                self._refusal = self._shut_until = None
                return
        raise AuthenticationFailed(
            f"{refusal} No login is tried before {until:%H:%M} UTC, so that the user is not locked.",
            code=refusal.code,
            owner=refusal.owner,
            fix=refusal.fix,
        ) from refusal

    def _ask(self) -> AccessToken:
        form = self._form()
        self._on_call()
        with ServiceSession(settings=self._http, plain_http_to=self._login.instance_url) as session:
            try:
                response = session.post(self._login.token_url, data=form, headers={"Accept": "application/json"})
            except requests.RequestException as error:
                raise _lost(error) from error
        return self._token_of(response)

    def _form(self) -> dict[str, str]:
        if self._login.auth == "jwt":
            return {"grant_type": _JWT_GRANT, "assertion": self._assertion()}
        return {
            "grant_type": "client_credentials",
            "client_id": self._login.client_id,
            "client_secret": self._login.client_secret,
        }

    def _assertion(self) -> str:
        expires_at = self._clock.now() + timedelta(seconds=_ASSERTION_SECONDS)
        claims = {
            "iss": self._login.client_id,
            "sub": self._login.username,
            "aud": self._login.effective_audience,
            "exp": int(expires_at.timestamp()),
        }
        try:
            return jwt.encode(claims, self._login.private_key, algorithm="RS256")
        except (ValueError, TypeError, jwt.PyJWTError):
            # The cause is left out on purpose: its text or its frames may hold parts of the key.
            raise _wrong(
                "salesforce.private_key", "is not an RSA private key in PEM form (-----BEGIN PRIVATE KEY-----)."
            ) from None

    def _token_of(self, response: requests.Response) -> AccessToken:
        answer = _mapping(response)
        if response.status_code == 200 and isinstance(answer.get("access_token"), str) and answer["access_token"]:
            return AccessToken(value=answer["access_token"], org_id=_org_id(answer.get("id")))
        raise _error_of(response, answer=answer, login=self._login)


def _error_of(response: requests.Response, *, answer: Mapping[str, Any], login: SalesforceLogin) -> ConnectorError:
    word, told = str(answer.get("error") or ""), str(answer.get("error_description") or "")
    if response.status_code >= 500 or word in _BUSY or (not word and response.status_code < 400):
        return Unavailable(
            f"Could not {_DOING}: the token endpoint gave no token (status {response.status_code}).", code="NO_TOKEN"
        )
    if response.status_code == 429 or word.lower() in _TOO_MANY:
        return RateLimited(f"Could not {_DOING}: too many logins in the last hour.", retry_after=3600)
    return login_refusal(
        word=word,
        told=told,
        status=response.status_code,
        username=login.username,
        audience=login.effective_audience if login.auth == "jwt" else "",
    )


def _lost(error: requests.RequestException) -> ConnectorError:
    """No answer; the code keeps the caller from repeating what was repeated here."""
    lost = error_of_transport(error, doing=_DOING)
    if isinstance(lost, Unavailable):
        lost.code = "NO_TOKEN"
    return lost


def _mapping(response: requests.Response) -> Mapping[str, Any]:
    """The JSON object of an answer; anything else (HTML, a list, nothing) counts as empty."""
    try:
        answer = response.json()
    except requests.exceptions.JSONDecodeError:
        return {}
    return answer if isinstance(answer, dict) else {}


def _org_id(identity_url: object) -> str:
    """The org id out of `https://login.salesforce.com/id/<org>/<user>`; empty when the text has another shape."""
    found = re.search(r"/id/(00D[0-9A-Za-z]{12,15})/", identity_url) if isinstance(identity_url, str) else None
    try:
        return id18(found[1]) if found else ""
    except NotASalesforceId:
        return ""


def _wrong(setting: str, what: str) -> Misconfigured:
    return Misconfigured(f"{setting} {what}", code="SALESFORCE_LOGIN", fix=f"Correct {setting} and start again.")


def _nothing() -> None:
    return None
