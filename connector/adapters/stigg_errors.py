"""What Stigg's bad answers mean to us: wait, ask a person, mend the settings, or read back first.

Exists so that nobody else knows an exception or an error code of the SDK. A text of ours never repeats the key, nor
more of an answer than its code and its sentence.
"""

from __future__ import annotations

import json
from typing import Any

import httpx
import stigg

from connector.errors import Conflict, ConnectorError, Misconfigured, RateLimited, Refused, Unavailable, Uncertain

_LONGEST_SENTENCE = 300
_WAIT_WITHOUT_WORD = 60
_LONGEST_WAIT = 3600
_DOUBLED = "DuplicatedEntityNotAllowed"


class StiggRefused(Refused):
    """Stigg refused what we asked."""

    code = "STIGG_REFUSED"
    owner = "RevOps"
    fix = "Correct in Stigg what its sentence names, or the deal, then press Resync."


class StiggUnknown(StiggRefused):
    """Stigg has no such thing; `named` is its own code, such as PlanNotFound, empty when it gave none."""

    code = "STIGG_UNKNOWN"

    def __init__(self, message: str, *, named: str = "") -> None:
        super().__init__(message)
        self.named = named


class StiggDoubled(StiggRefused):
    """Stigg has such a thing already."""

    code = "STIGG_DOUBLED"


class StiggKeyRefused(Misconfigured):
    """Stigg does not accept our key."""

    code = "STIGG_KEY"
    fix = "Set COUNTERSIGN_STIGG_API_KEY to a full-access server key of this environment (Stigg, Settings, API keys)."


def unreadable(what: str, reason: str, *, is_change: bool) -> ConnectorError:
    """An answer that is no answer: it cannot tell whether a change was made."""
    said = f"Stigg answered {reason} to: {what}."
    return _lost(said) if is_change else Unavailable(said, code="STIGG_ANSWER")


def translated(error: stigg.StiggError, what: str, *, is_change: bool, secret: str) -> ConnectorError:
    """Our error for one of the SDK. `what` says in words what was asked, such as `create contract contract-7`."""
    if isinstance(error, stigg.APIStatusError):
        return _of_status(error, what, is_change=is_change, secret=secret)
    if isinstance(error, stigg.APIConnectionError):
        return _of_connection(error, what, is_change=is_change)
    return unreadable(what, "something that its own library cannot read", is_change=is_change)


def _of_connection(error: stigg.APIConnectionError, what: str, *, is_change: bool) -> ConnectorError:
    """No connection means nothing was sent; any later loss leaves a change in doubt."""
    cause = error.__cause__
    if isinstance(cause, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout):
        return Unavailable(f"Stigg cannot be reached, to: {what}.", code="STIGG_AWAY")
    how = "in time" if isinstance(error, stigg.APITimeoutError) else "to the end"
    said = f"Stigg did not answer {how}, to: {what}."
    return _lost(said) if is_change else Unavailable(said, code="STIGG_AWAY")


def _lost(said: str) -> Uncertain:
    return Uncertain(f"{said} It may or may not have been done; we read back before we ask again.", code="STIGG_LOST")


def _of_status(error: stigg.APIStatusError, what: str, *, is_change: bool, secret: str) -> ConnectorError:
    status = error.status_code
    named, sentence = _told(error.response, secret)
    because = f" It says: {sentence}" if sentence else ""
    said = f"Stigg refused ({status}{', ' + named if named else ''}) to: {what}.{because}"
    if status == 429:
        return RateLimited(f"Stigg asks us to slow down, at: {what}.", retry_after=_wait(error.response))
    if status == 401:
        return StiggKeyRefused(f"Stigg does not accept the API key, to: {what}.")
    if status == 403:
        return StiggKeyRefused(f"The API key may not: {what}.", code="STIGG_PERMISSION")
    if status == 408 or status >= 500:
        return unreadable(what, f"with an error of its own ({status})", is_change=is_change)
    if status < 400:
        fix = "Set base_url in [stigg] to the address of the API itself, such as https://api.stigg.io."
        return Misconfigured(f"Stigg's address answers with a redirect ({status}).", code="STIGG_ADDRESS", fix=fix)
    if not _is_json(error.response):
        return unreadable(what, f"{status} with a page instead of data", is_change=False)
    if status == 404:
        return StiggUnknown(said, named=named)
    if status == 409:
        return StiggDoubled(said) if named == _DOUBLED else Conflict(said, code="STIGG_CONFLICT")
    return StiggRefused(said)


def _is_json(response: httpx.Response) -> bool:
    return isinstance(_body(response), dict)


def _body(response: httpx.Response) -> Any:
    try:
        return json.loads(response.content)
    except (ValueError, RecursionError):
        return None


def _told(response: httpx.Response, secret: str) -> tuple[str, str]:
    """(code, sentence) of an error's body; Stigg has three shapes of it."""
    body = _body(response)
    if not isinstance(body, dict):
        return "", ""
    inner = body.get("error")
    source = inner if isinstance(inner, dict) else body
    named = source.get("code") or (inner if isinstance(inner, str) else "")
    return _shown(named, secret)[:60], _shown(source.get("message"), secret)


def _shown(value: Any, secret: str) -> str:
    """Short, printable and without our key, whatever the other side put into it."""
    if isinstance(value, list):
        value = "; ".join(map(str, value))
    text = "".join(filter(str.isprintable, value)) if isinstance(value, str) else ""
    return (text.replace(secret, "***") if secret else text)[:_LONGEST_SENTENCE]


def _wait(response: httpx.Response) -> int:
    """Seconds to wait; Stigg's edge names none."""
    given = response.headers.get("retry-after", "").strip()
    if given.isascii() and given.isdigit():
        return min(int(given), _LONGEST_WAIT) or 1
    return _WAIT_WITHOUT_WORD
