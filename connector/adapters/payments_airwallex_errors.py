"""Turns what Airwallex or the network said into our own errors: the last place where its error codes are read.

Exists so that a caller only decides between later, refuse and stop. Facts: an error is `{code, message, source,
details, trace_id}`; an unknown object is a 400 `resource_not_found` while a wrong path is a 404; a call that repeats a
request id is a 400 `duplicate_request`, and 409 while the first one still runs. No token, key or address gets into a
message.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import requests
from urllib3.exceptions import MaxRetryError, NewConnectionError

from connector.errors import (
    Conflict,
    ConnectorError,
    Misconfigured,
    NotFound,
    RateLimited,
    Refused,
    Unavailable,
    Uncertain,
)

DUPLICATE, UNKNOWN_OBJECT = "duplicate_request", "resource_not_found"
# The vendor documents no Retry-After; the row that waits doubles this by itself.
PAUSE_SECONDS = 30

_SHOWN_CHARACTERS = 200
_CONTROL = re.compile(r"[\x00-\x1f\x7f]+")
# What looks like a credential is never repeated, whoever put it into a message.
_SECRET = re.compile(r"(?i)(bearer\s+\S+|eyJ[\w.-]{10,}|[A-Za-z0-9_-]{40,})")
_SETTINGS_CODES = frozenset({"configuration_error", "incorrect_version", "unauthorized", "forbidden", "not_found"})
_BUSY_CODES = frozenset({"too_many_requests", "frequency_above_limit"})
_AWAY_CODES = frozenset({"internal_error", "service_unavailable", "provider_unavailable", "issuer_unavailable"})
_QUICK_CODES = frozenset({"NO_CONNECTION", "NO_ANSWER", "SERVER_FAILED", "UNREADABLE_ANSWER"})


class ProviderRefused(Refused):
    """The payment provider refused the request."""

    code = "PROVIDER_REFUSED"
    owner = "finance"
    fix = "Read the provider's words, correct what they name, then try again on the page of the payment link."


class DuplicateRequest(Refused):
    """The provider has seen this request id before."""

    code = "DUPLICATE_REQUEST"


class UnknownToProvider(NotFound):
    """The provider has no such thing."""

    code = "UNKNOWN_TO_PROVIDER"


class LoginRefused(Misconfigured):
    """Airwallex does not accept our client id and API key."""

    code = "PAYMENT_LOGIN"
    fix = (
        "Check [airwallex] base_url and client_id and the API key (COUNTERSIGN_AIRWALLEX_API_KEY): a key of the "
        "sandbox does not open production."
    )


@dataclass(frozen=True, slots=True)
class AirwallexFault:
    """One error as Airwallex tells it."""

    code: str
    text: str = ""
    source: str = ""
    trace_id: str = ""

    def sentence(self) -> str:
        """What it said, in its own words, with what its support needs."""
        field = f", field {self.source}" if self.source else ""
        quoted = f': "{self.text}"' if self.text else ""
        trace = f" (trace {self.trace_id})" if self.trace_id else ""
        return f"Airwallex says {self.code or 'nothing'}{field}{quoted}{trace}."


def fault_of(body: Any) -> AirwallexFault:
    """The error in a parsed answer; the first of its details when they name a field."""
    if not isinstance(body, Mapping):
        return AirwallexFault("")
    code, source, text = plain(body.get("code")), plain(body.get("source")), plain(body.get("message"))
    details = body.get("details")
    inner = details.get("errors") if isinstance(details, Mapping) else None
    if isinstance(inner, list) and inner and isinstance(inner[0], Mapping):
        source = source or plain(inner[0].get("source"))
        text = text or plain(inner[0].get("message"))
    return AirwallexFault(code, text, source, plain(body.get("trace_id")))


def error_of_answer(*, status: int, body: Any, doing: str, is_write: bool) -> ConnectorError:
    """Our error for a failed answer; `doing` completes "Could not ..."."""
    fault = fault_of(body)
    said = f"Could not {doing}: {fault.sentence()}"
    if status == 429 or fault.code in _BUSY_CODES:
        return RateLimited(f"Could not {doing}: Airwallex asks us to slow down.", retry_after=PAUSE_SECONDS)
    if status == 409:
        return Conflict(f"Could not {doing}: the same request is still being worked on.")
    if status >= 500:
        return _server_failed(status, doing, is_write=is_write)
    if status in (401, 403, 404) or fault.code in _SETTINGS_CODES:
        return _wrong_settings(status, fault, said)
    if fault.code == DUPLICATE:
        return DuplicateRequest(said)
    if fault.code == UNKNOWN_OBJECT:
        return UnknownToProvider(said)
    if fault.code in _AWAY_CODES:
        return Unavailable(said, code="SERVER_FAILED")
    if status == 400 and fault.code:
        return ProviderRefused(said, code=fault.code.upper()[:60])
    return unreadable(doing=doing, why=f"the answer was not one of Airwallex's (status {status})", is_write=is_write)


def error_of_transport(error: Exception, *, doing: str, is_write: bool) -> ConnectorError:
    """Our error for a call without a readable answer. A write that may have arrived becomes Uncertain."""
    if isinstance(error, requests.exceptions.SSLError):
        return Misconfigured(
            f"Could not {doing}: Airwallex's certificate is not trusted by this host.",
            code="TLS_CERTIFICATE",
            fix="Update the host's certificates, and check [airwallex] base_url.",
        )
    if _was_never_sent(error):
        return Unavailable(f"Could not {doing}: no connection to Airwallex.", code="NO_CONNECTION")
    if is_write:
        return Uncertain(f"Could not {doing} for sure: the request was sent and its answer was lost.")
    return Unavailable(f"Could not {doing}: Airwallex gave no answer in time.", code="NO_ANSWER")


def unreadable(*, doing: str, why: str, is_write: bool) -> ConnectorError:
    """Our error for an answer of an unexpected shape; after a write nobody knows what became of it."""
    if is_write:
        return Uncertain(f"Could not {doing} for sure: {why}.")
    return Unavailable(f"Could not {doing}: {why}.", code="UNREADABLE_ANSWER")


def is_worth_repeating(error: BaseException) -> bool:
    """Whether the same call (a read, or a write with the same request id) can succeed within seconds."""
    return isinstance(error, RateLimited | Conflict | Uncertain) or (
        isinstance(error, Unavailable) and error.code in _QUICK_CODES
    )


def plain(value: Any) -> str:
    """A foreign text on one line, without control characters and credentials, cut to a bearable length."""
    text = value if isinstance(value, str) else ""
    line = _SECRET.sub("...", _CONTROL.sub(" ", text)).strip()
    return line if len(line) <= _SHOWN_CHARACTERS else line[:_SHOWN_CHARACTERS] + "..."


def _server_failed(status: int, doing: str, *, is_write: bool) -> ConnectorError:
    # 503 is said before the work begins; behind the others the work may have been done.
    if is_write and status != 503:
        return Uncertain(f"Could not {doing} for sure: a server on the way failed (status {status}).")
    return Unavailable(f"Could not {doing}: Airwallex is not available (status {status}).", code="SERVER_FAILED")


def _wrong_settings(status: int, fault: AirwallexFault, said: str) -> Misconfigured:
    fix = {
        401: "Check the API key; it may have been revoked or replaced.",
        403: "Give the API key the missing scope (Airwallex web app, Developer, API keys).",
        404: "Check [airwallex] base_url and [airwallex.paths]: this address does not exist there.",
    }.get(status, "Check [airwallex] api_version and the account's set-up in the Airwallex web app.")
    return Misconfigured(said, code=(fault.code or f"HTTP_{status}").upper()[:60], fix=fix)


def _was_never_sent(error: Exception) -> bool:
    if isinstance(error, requests.exceptions.ConnectTimeout | requests.exceptions.ProxyError):
        return True
    cause = error.args[0] if error.args else None
    reason = cause.reason if isinstance(cause, MaxRetryError) else cause
    return isinstance(reason, NewConnectionError)
