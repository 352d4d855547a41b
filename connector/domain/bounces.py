"""What a mail system writes back about a mail that it could not deliver: read from its report, not from its prose.

Reports follow RFC 3464 (a part `message/delivery-status`), with the returned mail or its head beside it (RFC 3462). It
is untrusted input: limited in size, and nothing of it is taken but our own Message-ID, an address, a status and a short
text. It must not decide what follows.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from email import message_from_bytes
from email.message import Message
from email.policy import compat32
from typing import Any

from connector.errors import Refused

_MOST_BYTES = 2_000_000
_MOST_PARTS = 50
_MESSAGE_ID = re.compile(r"<delivery-(\d{1,18})@[A-Za-z0-9.-]{1,255}>")
_STATUS = re.compile(r"[245]\.\d{1,3}\.\d{1,3}")
_LONGEST_TEXT = 500


class ReportRefused(Refused):
    """This file is no report about a mail of ours."""

    code = "NO_BOUNCE_REPORT"
    owner = "operator"
    fix = "Save the report with all its parts (.eml), as the mail system sent it."


@dataclass(frozen=True, slots=True)
class BounceReport:
    """One report: which mail of ours (its row), whether the failure is final, and why, in the other side's words."""

    delivery_id: int
    is_final: bool
    recipient: str
    status: str
    reason: str


def read_report(content: bytes) -> BounceReport:
    """The report in that file. Raises ReportRefused when it is none, or about no mail of ours."""
    if len(content) > _MOST_BYTES:
        raise ReportRefused(f"The file has {len(content)} bytes; a report has fewer.")
    parts = list(message_from_bytes(content, policy=compat32).walk())[:_MOST_PARTS]
    fields = _fields(parts)
    if not fields:
        raise ReportRefused("The file has no part that says what became of a mail.")
    found = _MESSAGE_ID.search(_returned(parts))
    if found is None:
        raise ReportRefused("The report does not name a mail that we sent.")
    status = _STATUS.search(fields.get("status", ""))
    action = fields.get("action", "").casefold()
    return BounceReport(
        delivery_id=int(found[1]),
        is_final=action == "failed" or (not action and status is not None and status[0].startswith("5")),
        recipient=_plain(fields.get("final-recipient", "").rpartition(";")[2]),
        status=status[0] if status else "",
        reason=_plain(fields.get("diagnostic-code", "").partition(";")[2] or fields.get("diagnostic-code", "")),
    )


def _fields(parts: list[Message]) -> dict[str, str]:
    """The fields about the first recipient of the report."""
    for part in parts:
        if part.get_content_type() != "message/delivery-status":
            continue
        blocks: Any = part.get_payload()
        for block in blocks if isinstance(blocks, list) else ():
            found = {name.casefold(): str(value) for name, value in block.items()}
            if "action" in found or "status" in found:
                return found
    return {}


def _returned(parts: list[Message]) -> str:
    """Where the returned mail names itself: in its own head, or in the head that was given back as text."""
    found: list[str] = []
    for part in parts:
        if part.get_content_type() == "text/rfc822-headers":
            found.append(str(part.get_payload()))
        found += [str(part.get(name, "")) for name in ("Message-ID", "References", "In-Reply-To")]
    return " ".join(found)


def _plain(text: str) -> str:
    kept = "".join(sign if sign.isprintable() else " " for sign in text)
    return " ".join(kept.encode("utf-8", "replace").decode("utf-8").split())[:_LONGEST_TEXT]
