"""What pages with a list share: reading the filters and the cursor from the address, and the way to the next page.

Filters live in the address, so that a list can be sent to a colleague and the browser's back button works.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import abort, request, url_for

from connector.store.queries import PageAsked

PAGE_SIZE = 50
LONGEST_TEXT = 200
_CURSOR = re.compile(r"id:([1-9][0-9]{0,17})")


@dataclass(frozen=True, slots=True)
class Choice:
    """One filter value of a list with how many rows it has and where it leads."""

    value: str
    label: str
    tone: str
    count: int
    url: str
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class ListAsked:
    """What the address asks for: filter, text, page."""

    state: str
    text: str
    page: PageAsked
    is_first_page: bool


def list_asked(*, states: Sequence[str] = ()) -> ListAsked:
    """The filters of this request. A state, text or cursor that cannot be is a 400 that says which."""
    state, text, after = (request.args.get(name, "") for name in ("state", "q", "after"))
    if state and state not in states:
        abort(400, description=f"There is no state {state[:40]!r}.")
    if len(text) > LONGEST_TEXT or "\x00" in text:
        abort(400, description=f"The text to search for must have at most {LONGEST_TEXT} ordinary characters.")
    key = decode_cursor(after) if after else None
    if after and key is None:
        abort(400, description="The address of this page is not complete; start again from the list.")
    return ListAsked(state, text.strip(), PageAsked(limit=PAGE_SIZE, after=key), not after)


def next_url(*, endpoint: str, asked: ListAsked, next_after: int | None) -> str:
    """The address of the next page, or empty on the last one."""
    if next_after is None:
        return ""
    return url_for(endpoint, state=asked.state or None, q=asked.text or None, after=encode_cursor(next_after))


def choices(
    *,
    endpoint: str,
    asked: ListAsked,
    counts: Mapping[str, int],
    labels: Mapping[str, tuple[str, str]],
    **kept: Any,
) -> tuple[Choice, ...]:
    """The filters above a list, All first; `labels` gives label and tone by value, `kept` stays in each address."""
    kept["q"] = asked.text or None
    every = Choice("", "All", "idle", sum(counts.values()), url_for(endpoint, **kept), not asked.state)
    found = (
        Choice(value, *labels[value], count, url_for(endpoint, state=value, **kept), asked.state == value)
        for value, count in counts.items()
    )
    return (every, *found)


def encode_cursor(key: int) -> str:
    """An opaque word for the last row shown."""
    return base64.urlsafe_b64encode(f"id:{key}".encode()).decode().rstrip("=")


def decode_cursor(cursor: str) -> int | None:
    """The key in a cursor of ours, or None."""
    try:
        plain = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode("ascii")
    except (binascii.Error, UnicodeError, ValueError):
        return None
    match = _CURSOR.fullmatch(plain)
    return int(match[1]) if match else None
