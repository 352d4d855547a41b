"""Turns what Salesforce or the network said into our own errors: the last place where a vendor's words are read.

Exists so that a caller only decides between later, refuse and stop. It must never put a token, an address or a query
into a message: Salesforce repeats our own query in some of its texts, so those are dropped.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import requests
from simple_salesforce.exceptions import SalesforceError
from urllib3.exceptions import MaxRetryError, NewConnectionError

from connector.adapters.salesforce_codes import (
    ADMIN,
    CONCURRENT_LIMIT_PAUSE_SECONDS,
    DAILY_LIMIT_PAUSE_SECONDS,
    DAILY_LIMIT_WORD,
    MEANINGS,
    REQUEST_LIMIT,
    UNKNOWN_CODE,
    Meaning,
)
from connector.errors import ConnectorError, Misconfigured, RateLimited, Retryable, Unavailable, Uncertain

_SHOWN_CHARACTERS = 300
_CONTROL = re.compile(r"[\x00-\x1f\x7f]+")
# Salesforce repeats the query in these texts; the useful part is taken out by the patterns below.
_QUERY_CODES = frozenset({"INVALID_FIELD", "MALFORMED_QUERY", "INVALID_TYPE", "QUERY_TIMEOUT"})
_NO_COLUMN = re.compile(r"No such column '([\w.]+)' on (?:entity|sobject of type) '?(\w+)'?")
_NO_RELATIONSHIP = re.compile(r"Didn't understand relationship '(\w+)' in field path")
# A gateway that gave up waiting does not know what became of the call behind it.
_UNKNOWN_OUTCOME = frozenset({500, 502, 504})
_QUICK_CODES = frozenset({"NO_CONNECTION", "NO_ANSWER", "HTML_ANSWER", "UNREADABLE_ANSWER", "INCOMPLETE_ANSWER"})


@dataclass(frozen=True, slots=True)
class VendorFault:
    """One error of Salesforce: its code and its own text."""

    code: str
    text: str = ""
    fields: tuple[str, ...] = ()

    @property
    def is_known(self) -> bool:
        """Whether the code is one whose meaning we know."""
        return self.code in MEANINGS or self.code == REQUEST_LIMIT

    @property
    def meaning(self) -> Meaning:
        """What the table says of this code."""
        return MEANINGS.get(self.code, UNKNOWN_CODE)

    @property
    def is_transient(self) -> bool:
        """Whether the same thing may succeed later."""
        is_later = issubclass(self.meaning.error, Retryable) or self.code == REQUEST_LIMIT
        return is_later or any(word.lower() in self.text.lower() for word in self.meaning.retry_words)

    def sentence(self) -> str:
        """What is wrong, in whose words, on which field, and what to do."""
        quoted = "" if self.code in _QUERY_CODES else plain_text(self.text)
        missing = missing_field(self)
        fields = self.fields or ((missing.field,) if missing and missing.field else ())
        named = f" (field {', '.join(fields)})" if fields else ""
        own_words = f' Salesforce says: "{quoted}".' if quoted else ""
        return f"{_capital(self.meaning.says)}{named}.{own_words} {self.meaning.fix}"


@dataclass(frozen=True, slots=True)
class MissingField:
    """A field that the org does not show us; empty parts are not known."""

    object: str = ""
    field: str = ""


def vendor_fault(body: Any) -> VendorFault | None:
    """The first telling error in a parsed answer (list or mapping, either spelling of the code), or None."""
    items = body if isinstance(body, list) else [body]
    faults = [_one_fault(item) for item in items if isinstance(item, Mapping)]
    found = [fault for fault in faults if fault is not None]
    telling = [fault for fault in found if fault.code not in ("PROCESSING_HALTED", "ALL_OR_NONE_OPERATION_ROLLED_BACK")]
    return next(iter(telling or found), None)


def error_of_answer(
    *, status: int, body: Any, doing: str, is_write: bool = False, retry_after: str = ""
) -> ConnectorError:
    """Our error for a failed answer: `doing` completes "Could not ..."; `retry_after` is that header's text."""
    fault = vendor_fault(body)
    if fault is not None and (fault.is_known or 400 <= status < 403):
        return _error_of_fault(fault, doing=doing, retry_after=retry_after)
    told = fault.code if fault else ""
    return _error_of_status(status, told=told, doing=doing, is_write=is_write, retry_after=retry_after)


def error_of_transport(error: Exception, *, doing: str, is_write: bool = False) -> ConnectorError:
    """Our error for a call without a readable answer. A write that may have arrived becomes Uncertain."""
    if isinstance(error, requests.exceptions.SSLError) and "CERTIFICATE_VERIFY_FAILED" in str(error):
        return Misconfigured(
            f"Could not {doing}: Salesforce's certificate is not trusted by this host.",
            code="TLS_CERTIFICATE",
            fix="Update the host's certificates, or trust the proxy's certificate (REQUESTS_CA_BUNDLE).",
        )
    if _was_never_sent(error):
        return Unavailable(f"Could not {doing}: no connection to Salesforce.", code="NO_CONNECTION")
    if is_write:
        return Uncertain(f"Could not {doing} for sure: the request was sent and its answer was lost.", code="UNCERTAIN")
    if isinstance(error, requests.exceptions.JSONDecodeError | ValueError):
        return Unavailable(f"Could not {doing}: the answer was cut off or is not JSON.", code="UNREADABLE_ANSWER")
    return Unavailable(f"Could not {doing}: Salesforce gave no answer in time.", code="NO_ANSWER")


def unreadable(*, doing: str, why: str, is_write: bool = False) -> ConnectorError:
    """Our error for an answer of an unexpected shape."""
    if is_write:
        return Uncertain(f"Could not {doing} for sure: {why}.")
    return Unavailable(f"Could not {doing}: {why}.", code="UNREADABLE_ANSWER")


def missing_field(fault: VendorFault) -> MissingField | None:
    """Which field an INVALID_FIELD speaks of, None when the fault is another one."""
    if fault.code != "INVALID_FIELD":
        return None
    column = _NO_COLUMN.search(fault.text)
    if column:
        return MissingField(object=column[2], field=column[1])
    relationship = _NO_RELATIONSHIP.search(fault.text)
    return MissingField(field=relationship[1]) if relationship else MissingField()


def is_worth_repeating(error: BaseException) -> bool:
    """Whether trying the same call again within seconds can help (only asked for reads and repeatable writes)."""
    if isinstance(error, RateLimited):
        return error.retry_after <= CONCURRENT_LIMIT_PAUSE_SECONDS
    if isinstance(error, Uncertain):
        return True
    known = MEANINGS.get(error.code) if isinstance(error, Retryable) else None
    return isinstance(error, Retryable) and (error.code in _QUICK_CODES or (known is not None and known.is_quick))


def is_expired_token(error: SalesforceError) -> bool:
    """Whether Salesforce did not accept our token."""
    fault = vendor_fault(error.content)
    return error.status == 401 or (fault is not None and fault.code == "INVALID_SESSION_ID")


def plain_text(text: str) -> str:
    """A foreign text on one line, without control characters, cut to a bearable length."""
    line = _CONTROL.sub(" ", text).strip()
    return line if len(line) <= _SHOWN_CHARACTERS else line[:_SHOWN_CHARACTERS] + "..."


def _one_fault(item: Mapping[str, Any]) -> VendorFault | None:
    code = item.get("errorCode") or item.get("statusCode")
    if not isinstance(code, str):
        return None
    fields = item.get("fields")
    names = tuple(str(name) for name in fields) if isinstance(fields, list) else ()
    return VendorFault(code=code, text=str(item.get("message") or ""), fields=names)


def _error_of_fault(fault: VendorFault, *, doing: str, retry_after: str) -> ConnectorError:
    if fault.code == REQUEST_LIMIT:
        return _limit_reached(fault, doing=doing, retry_after=retry_after)
    meaning = fault.meaning
    message = f"Could not {doing}: {fault.sentence()}"
    return meaning.error(message, code=fault.code, owner=meaning.owner, fix=meaning.fix)


def _limit_reached(fault: VendorFault, *, doing: str, retry_after: str) -> RateLimited:
    is_daily = DAILY_LIMIT_WORD.lower() in fault.text.lower()
    if not is_daily:
        pause = _seconds(retry_after, default=CONCURRENT_LIMIT_PAUSE_SECONDS)
        return RateLimited(
            f"Could not {doing}: too many long calls run in the org at once.", retry_after=pause, code=fault.code
        )
    error = RateLimited(
        f"Could not {doing}: the org's API calls of the last 24 hours are used up.",
        retry_after=_seconds(retry_after, default=DAILY_LIMIT_PAUSE_SECONDS),
        code=fault.code,
    )
    error.owner = ADMIN
    error.fix = "It is tried again later by itself; see which integration uses the calls up, or buy more of them."
    return error


def _error_of_status(status: int, *, told: str, doing: str, is_write: bool, retry_after: str) -> ConnectorError:
    if status == 429:
        return RateLimited(
            f"Could not {doing}: Salesforce asks us to slow down.", retry_after=_seconds(retry_after, default=60)
        )
    if 300 <= status < 400:
        return Unavailable(
            f"Could not {doing}: Salesforce sent us to another address (status {status}), perhaps to a login page.",
            code="REDIRECTED",
            fix="It is tried again by itself; if it stays, check salesforce.instance_url (the My Domain address).",
        )
    if status >= 500:
        if is_write and status in _UNKNOWN_OUTCOME:
            return Uncertain(f"Could not {doing} for sure: a server on the way failed (status {status}).")
        return Unavailable(f"Could not {doing}: Salesforce is not available (status {status}).", code="HTML_ANSWER")
    if status == 410:
        return Misconfigured(f"Could not {doing}: this API version is retired.", fix="Raise salesforce.api_version.")
    return Misconfigured(
        f"Could not {doing}: Salesforce refused it {'with ' + told if told else 'without a reason'} (status {status}).",
        code=told or f"HTTP_{status}",
        fix="Check salesforce.instance_url, salesforce.api_version and any proxy between this host and Salesforce.",
    )


def _was_never_sent(error: Exception) -> bool:
    """Whether the connection failed before anything of the request could arrive."""
    if isinstance(
        error,
        requests.exceptions.ConnectTimeout | requests.exceptions.ProxyError | requests.exceptions.SSLError,
    ):
        return True
    cause = error.args[0] if error.args else None
    reason = cause.reason if isinstance(cause, MaxRetryError) else cause
    return isinstance(reason, NewConnectionError)


def _seconds(header: str, *, default: int) -> int:
    """The `Retry-After` header in seconds; its date form and nonsense give the default."""
    return int(header) if header.isascii() and header.isdigit() and len(header) < 6 else default


def _capital(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]
