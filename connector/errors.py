"""The roots of every error this product raises on purpose, and what the caller may do about each.

    ConnectorError
      Retryable       later, by row: the outside was away, busy or in conflict
        Unavailable, RateLimited, Conflict, Uncertain
      Refused         a person decides: the data or the request is at fault
      Misconfigured   stop this port and wake someone: settings, credentials, permissions

Anything else that is raised is a bug. Concrete classes live beside what raises them; this module imports nothing.
"""

from __future__ import annotations

from dataclasses import dataclass


class ConnectorError(Exception):
    """Something anticipated went wrong; `code` is stable for reports, `owner` names who acts, `fix` says what to do."""

    code = "CONNECTOR_ERROR"
    owner = "operator"
    fix = "Read the log entry with the same id and report it."

    def __init__(
        self, message: str = "", *, code: str | None = None, owner: str | None = None, fix: str | None = None
    ) -> None:
        super().__init__(message or (self.__doc__ or "").strip().splitlines()[0])
        if code is not None:
            self.code = code
        if owner is not None:
            self.owner = owner
        if fix is not None:
            self.fix = fix


class Retryable(ConnectorError):
    """The outside could not serve us now; the same call may succeed later."""

    code = "RETRYABLE"
    owner = "nobody"
    fix = "Nothing to do: it is tried again by itself."


class Unavailable(Retryable):
    """The other system did not answer properly."""

    code = "UNAVAILABLE"


class RateLimited(Retryable):
    """The other system asks us to slow down; `retry_after` is in seconds."""

    code = "RATE_LIMITED"

    def __init__(self, message: str = "", *, retry_after: int = 60, code: str | None = None) -> None:
        super().__init__(message, code=code)
        self.retry_after = retry_after


class Conflict(Retryable):
    """Somebody else changed the same thing at the same time."""

    code = "CONFLICT"


class Uncertain(Retryable):
    """A write was sent and no answer came back: it may or may not have happened; read back before repeating."""

    code = "UNCERTAIN"


class Refused(ConnectorError):
    """The request or its data is at fault; a person decides."""

    code = "REFUSED"


class NotFound(Refused):
    """There is no such thing here."""

    code = "NOT_FOUND"
    owner = "caller"
    fix = "Check the id or number and ask again."


class Misconfigured(ConnectorError):
    """Settings, credentials or permissions are wrong; work on this port stops until they are mended."""

    code = "MISCONFIGURED"


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with a record, a setting or a request, told so that its owner can mend it."""

    code: str
    message: str
    fix: str
    owner: str
    record: str = ""
    field: str = ""
    value: str = ""
    line: str = ""

    def sentence(self) -> str:
        """What is wrong and what to do, as one line for people."""
        return f"{self.message} {self.fix}".strip()
