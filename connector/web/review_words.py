"""Words of the review pages: risks, warnings, decisions and how a line stands to its schedule."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime

from connector.domain.line_evidence import AgainstSchedule
from connector.domain.money import Money
from connector.domain.review_findings import Risk
from connector.web.words import INVOICE_WORDS, Words

RISK_WORDS: Mapping[str, Words] = {
    "blocked": Words("Blocked", "bad", "stop", "Something must be mended before it can be approved."),
    "warned": Words("Warning", "warn", "question", "There is something to weigh."),
    "plain": Words("Look", "info", "dot", "No warning, but it is not as plain as a quiet one."),
    "quiet": Words("Quiet", "good", "check", "As the schedule says, small, and without any warning."),
    "": Words("Checking", "idle", "clock", "The rules have not looked at it yet; that takes seconds."),
}
QUEUE_WORDS: Mapping[str, Words] = {
    "open": Words("Open", "idle", "dot"),
    **INVOICE_WORDS,
}
SORT_WORDS = {
    "age": "Oldest first",
    "newest": "Newest first",
    "amount": "Largest first",
    "customer": "By customer",
    "risk": "Most to look at first",
}
EVENT_WORDS: Mapping[str, Words] = {
    "approve": Words("approved", "good", "check"),
    "issue": Words("issued", "good", "check"),
    "hold": Words("put it on hold", "warn", "clock"),
    "release": Words("released it", "info", "run"),
    "withdraw": Words("took the approval back", "warn", "retry"),
    "send_back": Words("sent it back", "bad", "retry"),
    "return": Words("returned it to the queue", "info", "run"),
    "edit": Words("edited it", "info", "dot"),
    "comment": Words("wrote", "idle", "dot"),
    "void": Words("voided it", "bad", "cross"),
    "supersede": Words("replaced it by a new draft", "idle", "skip"),
    "credit": Words("credited it", "warn", "retry"),
}
SCHEDULE_WORDS: Mapping[AgainstSchedule, Words] = {
    AgainstSchedule.AS_SCHEDULED: Words("As scheduled", "good", "check"),
    AgainstSchedule.COMPLETES: Words("Completes the schedule", "good", "check"),
    AgainstSchedule.DIFFERS: Words("Differs", "warn", "question"),
    AgainstSchedule.NOT_SCHEDULED: Words("Not on the schedule", "warn", "question"),
    AgainstSchedule.UNKNOWN: Words("Unknown", "idle", "dot"),
}
_SHORT = {"PO": "PO", "ID": "id", "EMAIL": "e-mail", "LOWERS": "lowers"}


def risk_words(risk: Risk | None) -> Words:
    """A risk in words; a draft that nobody judged yet says so."""
    return RISK_WORDS["" if risk is None else risk.name.lower()]


def code_words(code: str) -> str:
    """`PO number missing` for a stable code."""
    words = " ".join(_SHORT.get(part, part.lower()) for part in code.split("_"))
    return words[:1].upper() + words[1:]


def event_words(event: str) -> Words:
    """What somebody did, as the rest of a sentence that begins with the name."""
    return EVENT_WORDS.get(event) or Words(event.replace("_", " "), "idle", "dot")


def percent_words(change: Money, before: Money) -> str:
    """`+20 %` of what it was; empty where that says nothing."""
    if not before.amount or change.currency != before.currency:
        return ""
    return f"{change.amount * 100 / abs(before.amount):+.0f} %".replace("-", "−")


def age_words(bill_on: date, now: datetime) -> str:
    """How long ago the bill date was: `today`, `12 days ago`, `in 3 days`."""
    days = (now.date() - bill_on).days
    if not days:
        return "today"
    words = f"{abs(days)} {'day' if abs(days) == 1 else 'days'}"
    return f"{words} ago" if days > 0 else f"in {words}"


FILTERS = {
    "age": age_words,
    "risk_words": risk_words,
    "code_words": code_words,
    "event_words": event_words,
    "sort_words": lambda name: SORT_WORDS[name],
    "schedule_words": lambda word: SCHEDULE_WORDS[word],
}
FUNCTIONS = {"percent_change": percent_words}
