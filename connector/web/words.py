"""How values read on a page: states in words, money, dates, and instants as "5 minutes ago".

Exists so that a template holds no arithmetic and one thing is called the same on every page. Pure: now is passed in.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from markupsafe import Markup, escape

from connector.domain.entitlements import describe_grant
from connector.domain.money import Money
from connector.store.order_rows import OrderLineRow


@dataclass(frozen=True, slots=True)
class Words:
    """A state for people: its label, the tone that colours it, and the icon beside it (colour is never alone)."""

    label: str
    tone: str
    icon: str
    meaning: str = ""


ORDER_WORDS: Mapping[str, Words] = {
    "NEW": Words("New", "info", "dot", "Seen in Salesforce, not read yet."),
    "WAITING": Words("Waiting", "warn", "clock", "Waits for the order that it changes."),
    "FULFILLING": Words("In work", "info", "run", "The fulfilment steps are running."),
    "RETRYING": Words("Retrying", "warn", "retry", "A passing fault; it is tried again by itself."),
    "BLOCKED": Words("Blocked", "bad", "stop", "Something must be corrected before it can go on."),
    "FAILED": Words("Failed", "bad", "cross", "Given up after many attempts; a person must act."),
    "FULFILLED": Words("Fulfilled", "good", "check", "All steps are done and confirmed by reading back."),
}
STEP_WORDS: Mapping[str, Words] = {
    "waiting": Words("Not started", "idle", "dot"),
    "running": Words("Running", "info", "run"),
    "done": Words("Done", "good", "check"),
    "retrying": Words("Retrying", "warn", "retry"),
    "blocked": Words("Blocked", "bad", "stop"),
    "failed": Words("Failed", "bad", "cross"),
}
RECORD_WORDS: Mapping[str, Words] = {
    "due": Words("Due", "info", "clock", "Will be looked at next."),
    "ordered": Words("Ordered", "good", "check", "Signed; its order was made here."),
    "retrying": Words("Retrying", "warn", "retry", "A passing fault; looked at again by itself."),
    "waiting": Words("Waiting", "warn", "clock", "Waits for the order that it changes."),
    "blocked": Words("Blocked", "bad", "stop", "Waits for a change of the record."),
    "failed": Words("Failed", "bad", "cross", "Given up; a person must act."),
    "parked": Words("Parked", "bad", "stop", "Set aside with a reason; can be replayed."),
    "skipped": Words("Skipped", "idle", "skip", "Looked at; nothing to do, for the reason given."),
    "gone": Words("Gone", "idle", "skip", "Deleted, merged, or hidden from our user."),
}
MESSAGE_WORDS: Mapping[str, Words] = {
    "received": Words("Received", "info", "clock"),
    "done": Words("Done", "good", "check"),
    "parked": Words("Parked", "bad", "stop"),
    "ignored": Words("Not ours", "idle", "skip"),
}
PAYMENT_WORDS: Mapping[str, Words] = {
    "pending": Words("On its way", "info", "clock", "Told of, not here yet; nothing is booked."),
    "received": Words("Received", "good", "check", "The money is here."),
    "failed": Words("Failed", "idle", "cross", "It did not come."),
    "disputed": Words("Disputed", "bad", "question", "The payer's bank asks for it back; it still counts."),
    "returned": Words("Returned", "bad", "retry", "It went back; what it paid is open again."),
}
LINK_WORDS: Mapping[str, Words] = {
    "wanted": Words("Being made", "info", "run", "The provider is asked for it."),
    "open": Words("Open", "good", "check", "The customer can pay by it."),
    "withdrawing": Words("Being withdrawn", "warn", "clock", "No longer right; it may still be paid."),
    "withdrawn": Words("Withdrawn", "idle", "skip"),
    "paid": Words("Paid", "good", "check"),
    "refused": Words("Refused", "bad", "stop", "The provider refuses it; a person must act."),
}
EVENT_WORDS: Mapping[str, Words] = {
    "waiting": Words("Waiting", "info", "clock", "Looked at next, or tried again by itself."),
    "done": Words("Done", "good", "check"),
    "ignored": Words("Not ours", "idle", "skip", "About nothing that is looked at."),
    "unknown": Words("Unknown", "bad", "question", "The provider has no such thing."),
    "failed": Words("Failed", "bad", "cross", "Given up; a person must act."),
}
STEP_TITLES: Mapping[str, tuple[str, str]] = {
    "customer": ("Customer", "The customer exists on the entitlement platform."),
    "contract": ("Contract", "The contract holds the signed lines and its value."),
    "subscriptions": ("Subscriptions", "The plans and entitlements that were sold are granted."),
    "metering": ("Metering", "Usage of what is billed by use is counted."),
    "read_back": ("Read back", "Access granted was compared with access sold."),
}
_PRICES_IN_STEPS = {"tiered": "by tier", "volume": "by volume", "stairstep": "by step"}
_SOURCES = {
    "salesforce-outbound": "Outbound message",
    "salesforce-event": "Signed event",
    "sweep": "Sweep",
    "unsynced": "Hourly question",
    "resync": "Resync",
}
_DEAL_TYPES = {"new": "New business", "": "–"}
_MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()
_UNITS = ((365 * 86400, "year"), (30 * 86400, "month"), (86400, "day"), (3600, "hour"), (60, "minute"), (1, "second"))
_JUST_NOW = 5
# An outbound message can carry a session id that opens the org; nobody needs to see it.
_SESSION_ID = re.compile(r"(<(?:\w+:)?SessionId>)[^<]+(<)")


def state_words(state: str, kind: str) -> Words:
    """A state in words; one that this page does not know is shown as it is, not hidden."""
    return _TABLES[kind].get(state) or Words(state.replace("_", " ").capitalize() or "Unknown", "idle", "dot")


def step_title(name: str) -> str:
    """A fulfilment step's name for people."""
    return STEP_TITLES.get(name, (name.replace("_", " ").capitalize(), ""))[0]


def step_meaning(name: str) -> str:
    """What is true once the step is done."""
    return STEP_TITLES.get(name, ("", ""))[1]


def source_words(source: str) -> str:
    """Where a message came from, for people; the org in it is left out."""
    kind = source.partition(":")[0]
    return _SOURCES.get(kind, kind.replace("-", " ").capitalize())


def deal_type_words(deal_type: str) -> str:
    """A deal type for people."""
    return _DEAL_TYPES.get(deal_type) or deal_type.replace("_", " ").capitalize()


def money_words(money: Money | None) -> str:
    """`12,345.60 EUR`; a dash when it is not known."""
    return "–" if money is None else f"{money.amount:,f} {money.currency}"


def signed_money_words(money: Money) -> str:
    """`+12,345.60 EUR` or `−500.00 EUR`: a change."""
    sign = "−" if money.amount < 0 else "+"
    return f"{sign}{abs(money.amount):,f} {money.currency}"


def number_words(value: Decimal | int | None) -> str:
    """A number with all its digits and no idle zeros; a dash when it is not known."""
    if value is None:
        return "–"
    return f"{value.normalize():,f}" if isinstance(value, Decimal) else f"{value:,}"


def day_words(day: date | None) -> str:
    """`1 Mar 2026`; a dash when it is not known."""
    return "–" if day is None else f"{day.day} {_MONTHS[day.month - 1]} {day.year}"


def month_words(day: date) -> str:
    """`Mar 2026`."""
    return f"{_MONTHS[day.month - 1]} {day.year}"


def period_words(starts_on: date | None, ends_on: date | None) -> str:
    """`1 Jan 2026 to 31 Dec 2026`, or one day: people read the last day, we keep the first day after it."""
    if starts_on is None or ends_on is None:
        return "–"
    first, last = day_words(starts_on), day_words(ends_on - timedelta(days=1))
    return first if first == last else f"{first} to {last}"


def instant_words(moment: datetime | None, now: datetime) -> Markup | str:
    """A <time> element that says how long ago or in how long, with the exact UTC instant in it."""
    if moment is None:
        return "–"
    exact = moment.astimezone(UTC)
    title = f"{day_words(exact.date())}, {exact:%H:%M:%S} UTC"
    return Markup('<time datetime="{}" title="{}">{}</time>').format(
        exact.isoformat(timespec="seconds").replace("+00:00", "Z"), title, relative_words(moment, now)
    )


def exact_words(moment: datetime | None) -> Markup | str:
    """A <time> element that shows the exact UTC instant."""
    if moment is None:
        return "–"
    exact = moment.astimezone(UTC)
    return Markup('<time datetime="{}">{}, {} UTC</time>').format(
        exact.isoformat(timespec="seconds").replace("+00:00", "Z"), day_words(exact.date()), f"{exact:%H:%M:%S}"
    )


def relative_words(moment: datetime, now: datetime) -> str:
    """`just now`, `5 minutes ago`, `in 2 hours`."""
    seconds = (now - moment).total_seconds()
    if abs(seconds) < _JUST_NOW:
        return "just now" if seconds >= 0 else "in a moment"
    words = duration_words(abs(seconds))
    return f"{words} ago" if seconds > 0 else f"in {words}"


def duration_words(seconds: float) -> str:
    """`5 minutes`: the largest unit that fits, rounded down."""
    size, unit = next(((size, unit) for size, unit in _UNITS if seconds >= size), (1, "second"))
    count = int(seconds // size)
    return f"{count} {unit}{'' if count == 1 else 's'}"


def price_words(line: OrderLineRow, currency: str) -> str:
    """`12.50 per month`, `1,200.00` for what is charged once, `by tier` where steps hold the prices."""
    if line.price_model in _PRICES_IN_STEPS:
        return _PRICES_IN_STEPS[line.price_model]
    if line.unit_price is None:
        return "–"
    months = line.price_period_months
    every = {1: " per month", 3: " per quarter", 12: " per year"}.get(months or 0, f" per {months} months")
    is_once = line.charge_type == "one_time" or not months
    if line.price_model == "percent_of":
        return f"{number_words(line.unit_price)} %"
    return unit_price_words(line.unit_price, currency) + ("" if is_once else every)


def billing_words(months: int | None, timing: str, charge_type: str) -> str:
    """`Monthly, in advance`: how often a line is charged."""
    if charge_type == "one_time":
        return "Once"
    names = {1: "Monthly", 3: "Quarterly", 6: "Half-yearly", 12: "Yearly"}
    often = "Upfront" if months is None else names.get(months, f"Every {months} months")
    return f"{often}, {timing.replace('_', ' ')}" if timing else often


def discount_words(percent: Decimal | None, amount: Decimal | None) -> str:
    """`10 %`, `50.00 off`, both, or a dash."""
    parts = [f"{number_words(percent)} %"] if percent else []
    parts += [f"{amount:,f} off"] if amount else []
    return ", ".join(parts) or "–"


def grant_words(grant: Mapping[str, Any]) -> str:
    """A grant of a subscription: `50`, `unlimited`, `10,000 each month`."""
    value = "unlimited" if grant.get("is_unlimited") else number_words(grant.get("value"))
    return f"{value} each {grant['cadence']}" if grant.get("cadence") else value


def value_words(value: Any) -> str:
    """A Salesforce field's value as text; nothing written yet is a dash."""
    if value is None or value == "":
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return number_words(value) if isinstance(value, Decimal | int) else str(value)


def ticked_words(text: str) -> Markup:
    """Text with what stands between back-ticks as code."""
    parts = text.split("`")
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if number % 2 else escape(part) for number, part in enumerate(parts)
    )


def body_words(body: bytes) -> str:
    """A raw body as text for a page, without session ids."""
    return _SESSION_ID.sub(r"\1(hidden)\2", body.decode("utf-8", errors="replace").replace("\x00", "\ufffd"))


INVOICE_WORDS: Mapping[str, Words] = {
    "planned": Words("Planned", "idle", "clock", "No billing run has made it yet."),
    "unread": Words("Usage unread", "warn", "clock", "Was due; it waits until somebody has read the usage."),
    "draft": Words("Draft", "info", "dot", "Made by a billing run and kept here; nothing has left."),
    "held": Words("On hold", "warn", "clock", "Set aside until somebody has cleared a question."),
    "approved": Words("Second approval", "info", "person", "One person approved it; a second one must, too."),
    "issued": Words("Issued", "good", "check", "Numbered and frozen."),
    "sent_back": Words("Sent back", "bad", "retry", "Refused by finance; what it held is billed anew when corrected."),
    "void": Words("Void", "idle", "skip", "Set aside; what it held is billed anew."),
}
DELIVERY_WORDS: Mapping[str, Words] = {
    "prepared": Words("Waiting", "info", "clock", "Goes out with the next round, when its PDF is there."),
    "sending": Words("Sending", "info", "run", "A process is handing it over."),
    "sent": Words("Sent", "good", "check", "The mail server took it."),
    "retrying": Words("Retrying", "warn", "retry", "Not taken yet; it is tried again by itself."),
    "uncertain": Words("Uncertain", "warn", "question", "May have arrived; it is sent again under the same name."),
    "failed": Words("Failed", "bad", "cross", "Was not sent; a person must act."),
    "bounced": Words("Bounced", "bad", "stop", "Came back later; a person must act."),
    "cancelled": Words("Cancelled", "idle", "stop", "A reminder that was not needed any more."),
}
FILE_WORDS: Mapping[str, Words] = {
    "wanted": Words("Being prepared", "info", "clock"),
    "made": Words("There", "good", "check"),
    "failed": Words("Failed", "bad", "retry", "It is made again by itself, later and later."),
    "refused": Words("Cannot exist", "warn", "stop", "This document cannot have that file."),
}
SUBSCRIPTION_WORDS: Mapping[str, Words] = {
    "wanted": Words("To be granted", "info", "clock"),
    "granted": Words("Granted", "info", "check", "Granted, not yet read back."),
    "confirmed": Words("Confirmed", "good", "check", "Read back: granted as sold."),
    "revoked": Words("Revoked", "idle", "skip"),
}
_TABLES: Mapping[str, Mapping[str, Words]] = {
    "order": ORDER_WORDS,
    "step": STEP_WORDS,
    "record": RECORD_WORDS,
    "message": MESSAGE_WORDS,
    "subscription": SUBSCRIPTION_WORDS,
    "invoice": INVOICE_WORDS,
    "payment": PAYMENT_WORDS,
    "payment_link": LINK_WORDS,
    "payment_event": EVENT_WORDS,
}


def unit_price_words(value: Decimal, currency: str) -> str:
    """All digits of a unit price, and at least the places of its currency."""
    rounded = Money(value, currency).rounded().amount if currency else value
    return f"{rounded if rounded == value else value.normalize():,f}"


def billing(line: OrderLineRow) -> str:
    """How often a line item is charged."""
    return billing_words(line.billing_period_months, line.billing_timing, line.charge_type)


def discount(line: OrderLineRow) -> str:
    """A line item's discount."""
    return discount_words(line.discount_percent, line.discount_amount)


FUNCTIONS: dict[str, Callable[..., str]] = {
    "period": period_words,
    "price": price_words,
    "unit_price": unit_price_words,
    "billing": billing,
    "discount": discount,
}
FILTERS: dict[str, Callable[..., Any]] = {
    "state_words": state_words,
    "step_title": step_title,
    "step_meaning": step_meaning,
    "deal_type": deal_type_words,
    "source": source_words,
    "money": money_words,
    "signed_money": signed_money_words,
    "number": number_words,
    "day": day_words,
    "instant": instant_words,
    "exact_instant": exact_words,
    "value": value_words,
    "grant": grant_words,
    "grant_words": describe_grant,
    "ticked": ticked_words,
}
