"""What the page of an order form shows: words of states, and each picture with the boxes of what was found on it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from connector.domain.tie_out import label_of
from connector.store.queries_order_forms import FAILED, FETCHED, HINT, EnvelopeRow, FormDetail
from connector.web.words import Words

FORM_WORDS: Mapping[str, Words] = {
    "received": Words("Received", "info", "dot", "Kept; it is read within seconds."),
    "retrying": Words("Retrying", "warn", "retry", "Reading it was cut short; it is tried again by itself."),
    "refused": Words("Refused", "bad", "cross", "It cannot be an order form; the reason says what to send instead."),
    "read": Words("Read", "info", "run", "Read; its record is being looked at."),
    "open": Words("To decide", "bad", "question", "It is not signed, not clear, or differs from Salesforce."),
    "agreed": Words("Agrees", "good", "check", "It is signed and says what Salesforce says."),
    "accepted": Words("Accepted", "good", "person", "Somebody accepted the differences, with a reason."),
    "rejected": Words("Rejected", "idle", "skip", "Somebody said that it does not count."),
}


_MONTHS = (("1", "Month"), ("3", "Quarter"), ("6", "Half-year"), ("12", "Year"))
# The values that have few answers, by the last part of their name.
FORM_CHOICES = {
    "charge_type": (("recurring", "Again and again"), ("one_time", "Once")),
    "price_period_months": _MONTHS,
    "billing_period_months": (*_MONTHS, ("upfront", "Once, for the whole term")),
}

_OPERATORS = ("DOCUSIGN_LOGIN", "PROVIDER_OFF", "UNEXPECTED", "MISCONFIGURED")
_PROVIDERS = {
    "docusign": "DocuSign", "pandadoc": "PandaDoc", "dropbox-sign": "Dropbox Sign", "adobe-sign": "Adobe Acrobat Sign",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class StuckEnvelope:
    """An envelope without an order form in words: why, who acts, and whether fetching again can help."""

    row: EnvelopeRow
    provider: str
    reason: str
    owner: str
    may_fetch: bool


def stuck_envelope(row: EnvelopeRow) -> StuckEnvelope:
    """What the page says about it."""
    reason, owner = row.message, "operator" if row.code in _OPERATORS else "finance"
    if row.state == HINT:
        reason = "It names no Salesforce record, and documents of this provider are not fetched. Send the signed PDF."
    elif row.state == FETCHED:
        reason = row.message or "Its documents are those of another order form, or it has none."
    elif row.state != FAILED:
        reason, owner = row.message or "Its documents are being fetched.", "nobody"
    may_fetch = row.state in (FAILED, FETCHED)
    return StuckEnvelope(row, _PROVIDERS.get(row.provider, row.provider), reason, owner, may_fetch)


@dataclass(frozen=True, slots=True)
class Mark:
    """A box on a page, in points: good, bad (differs) or warn (asked), and what it is."""

    left: int
    top: int
    width: int
    height: int
    tone: str
    label: str


@dataclass(frozen=True, slots=True)
class ShownPage:
    """A page with its size in points and its marks."""

    page: int
    width: int
    height: int
    marks: tuple[Mark, ...]


def shown_pages(found: FormDetail) -> list[ShownPage]:
    """The pages with a mark for everything that was found, asked or differs there."""
    marks: dict[int, list[Mark]] = {}
    for place, tone, label in _marked(found):
        if place is not None:
            mark = Mark(
                place.left - 2, place.top - 2, place.right - place.left + 4, place.bottom - place.top + 4, tone, label
            )
            marks.setdefault(place.page, []).append(mark)
    return [ShownPage(page, width, height, tuple(marks.get(page, ()))) for page, width, height in found.pages]


def _marked(found: FormDetail) -> list[tuple[Any, str, str]]:
    form = found.form
    differing = {one.name for one in form.differences}
    named = [(name, value) for name, value in form.reading.values.items()]
    for number, line in enumerate(form.reading.lines, start=1):
        named += [(f"lines.{number}.{name}", value) for name, value in line.items()]
    marks = [
        (value.place, "bad" if name in differing else "good", f"{label_of(name)}: {value.value}")
        for name, value in named
    ]
    return marks + [(one.place, "warn", f"{label_of(one.name)}: {one.reason}") for one in form.reading.questions]
