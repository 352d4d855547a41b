"""What can be wrong with a body: its values are read against limits, and every fault is kept with its place.

Exists so that XML and JSON bodies are held to the same rules and a sender learns all faults at once. It must not repeat
long or strange values of a body.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from connector.domain.salesforce_ids import NotASalesforceId, id18
from connector.errors import Fault, Refused

_LONGEST_ID = 18
# A namespace of 15 characters, a name of 40, a suffix and the underscores between them stay below 80.
_API_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,79}")
# Visible ASCII: what senders use as ids, and nothing that a database, a log or a page could stumble over.
_EVENT_ID = re.compile(r"[\x21-\x7e]{1,120}")


class BodyRefused(Refused):
    """The body is not what this address takes."""

    code = "BODY_REFUSED"
    owner = "sender"
    fix = "Correct what the faults name and send it again."
    http_status = 400

    def __init__(self, message: str, *, faults: Sequence[Fault] = (), fix: str | None = None) -> None:
        super().__init__(message, fix=fix)
        self.faults = tuple(faults)


class ValueReader:
    """Reads single values of one body; a value at fault is read as empty text and its fault is kept."""

    def __init__(self) -> None:
        self.faults: list[Fault] = []

    def record_id(self, value: object, *, field: str) -> str:
        """The value as an 18-character id."""
        text = value.strip() if isinstance(value, str) else ""
        if not text:
            return self._refuse(field, "The id is missing.", "Send the Salesforce id.")
        if len(text) > _LONGEST_ID:
            return self._refuse(field, f"The id has {len(text)} characters.", "A Salesforce id has 15 or 18.")
        try:
            return id18(text)
        except NotASalesforceId as error:
            return self._refuse(field, str(error), error.fix)

    def object_name(self, value: object, *, field: str) -> str:
        """The value as the API name of an object."""
        if isinstance(value, str) and _API_NAME.fullmatch(value):
            return value
        return self._refuse(
            field,
            "This is not the API name of an object.",
            "Send a name like Quote or Deal__c: a letter, then at most 79 letters, digits and underscores.",
        )

    def event_id(self, value: object, *, field: str) -> str:
        """The value as an id that the sender chose."""
        if isinstance(value, str) and _EVENT_ID.fullmatch(value):
            return value
        return self._refuse(field, "This is not an event id.", "Send 1 to 120 visible ASCII characters, no spaces.")

    def refuse_faults(self) -> None:
        """Raise BodyRefused when there was any fault; its message tells the first one."""
        if self.faults:
            first, more = self.faults[0], len(self.faults) - 1
            also = f" ({more} more)" if more else ""
            raise BodyRefused(f"{first.field}: {first.message}{also}", faults=self.faults)

    def _refuse(self, field: str, message: str, fix: str) -> str:
        self.faults.append(Fault(code="BODY_REFUSED", message=message, fix=fix, owner="sender", field=field))
        return ""
