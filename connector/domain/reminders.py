"""When a customer is reminded of open invoices, how firmly, and when not.

Exists so that a reminder is never a surprise: a schedule of days around the due date, each step once for each invoice,
and nothing while somebody disputes, promised, or waits. Pure; it must not write or send a letter.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum

from connector.domain.fulfilment import IllegalTransition
from connector.domain.money import Money, round_amount
from connector.domain.pricing import EXACT

# Steps that fell due longer ago are not made up for: nobody gets five letters on the day we start.
_LATEST = timedelta(days=7)


class StopKind(StrEnum):
    """Why an invoice is not reminded of."""

    DISPUTE = "dispute"
    PROMISE = "promise"
    PAUSE = "pause"


class LetterState(StrEnum):
    """How far a letter is."""

    HELD = "held"
    READY = "ready"
    SENDING = "sending"
    SENT = "sent"
    CANCELLED = "cancelled"


class LetterEvent(StrEnum):
    """What moves a letter."""

    RELEASE = "release"
    HOLD = "hold"
    SEND = "send"
    CONFIRM = "confirm"
    FAIL = "fail"
    CANCEL = "cancel"


_S, _E = LetterState, LetterEvent

LETTER_TRANSITIONS: dict[tuple[LetterState, LetterEvent], LetterState] = {
    (_S.HELD, _E.RELEASE): _S.READY,
    (_S.HELD, _E.CANCEL): _S.CANCELLED,
    (_S.READY, _E.HOLD): _S.HELD,
    (_S.READY, _E.SEND): _S.SENDING,
    # Paid, disputed or promised between making and sending: nothing leaves.
    (_S.READY, _E.CANCEL): _S.CANCELLED,
    (_S.SENDING, _E.CONFIRM): _S.SENT,
    # The same while its mail was being tried again.
    (_S.SENDING, _E.CANCEL): _S.CANCELLED,
    # None of its mails could be delivered: a person corrects the address and releases it again.
    (_S.SENDING, _E.FAIL): _S.HELD,
    (_S.READY, _E.FAIL): _S.HELD,
}


def letter_after(state: LetterState, event: LetterEvent) -> LetterState:
    """The letter's next state. Raises IllegalTransition when the table has no such edge."""
    try:
        return LETTER_TRANSITIONS[state, event]
    except KeyError as error:
        raise IllegalTransition(f"A reminder that is {state} cannot {event}.", owner="finance") from error


@dataclass(frozen=True, slots=True)
class ReminderStep:
    """One letter of a schedule: so many days after the due date (below zero: before), under this name and tone."""

    name: str
    days: int
    tone: str = "friendly"
    # A person looks at the letter before it goes.
    is_held: bool = False


@dataclass(frozen=True, slots=True)
class ReminderPlan:
    """The schedule for customers of a legal entity; `legal_entity` or `customer_ref` empty: for all.

    `least`: what is open below it is not worth a letter, by currency.
    """

    steps: tuple[ReminderStep, ...]
    legal_entity: str = ""
    customer_ref: str = ""
    least: Mapping[str, Decimal] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Stop:
    """Somebody said that an invoice must not be reminded of, for good or until a day (included)."""

    kind: StopKind
    until: date | None = None

    def holds(self, today: date) -> bool:
        """Whether it still holds."""
        return self.until is None or today <= self.until


@dataclass(frozen=True, slots=True)
class Debt:
    """An issued invoice that may have to be reminded of. `reminded` are names of steps that were done."""

    invoice_id: int
    org_id: str
    customer_ref: str
    legal_entity: str
    due_on: date
    open: Money
    stops: tuple[Stop, ...] = ()
    reminded: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class DueLetter:
    """One letter to one customer: its invoices with the step that each is at; the firmest decides tone and hold."""

    org_id: str
    customer_ref: str
    legal_entity: str
    currency: str
    invoices: tuple[tuple[Debt, ReminderStep], ...]

    @property
    def step(self) -> ReminderStep:
        """The firmest step among the invoices."""
        return max((step for _, step in self.invoices), key=lambda step: step.days)

    @property
    def is_held(self) -> bool:
        """Whether a person must look at it first."""
        return any(step.is_held for _, step in self.invoices)


DEFAULT_STEPS = (
    ReminderStep("reminder", 3),
    ReminderStep("first", 10, "polite"),
    ReminderStep("second", 20, "firm"),
    ReminderStep("final", 30, "final", is_held=True),
)


def step_dates(*, due_on: date, offsets: Iterable[int]) -> list[date]:
    """The days of a schedule."""
    return [due_on + timedelta(days=days) for days in offsets]


def plan_for(*, plans: Sequence[ReminderPlan], legal_entity: str, customer_ref: str) -> ReminderPlan | None:
    """The plan of a customer: its own before that of the legal entity before that for all; None: no reminders."""
    fitting = [
        one for one in plans
        if one.legal_entity in ("", legal_entity) and one.customer_ref in ("", customer_ref)
    ]  # fmt: skip
    return max(fitting, key=lambda one: (bool(one.customer_ref), bool(one.legal_entity)), default=None)


def why_not(*, debt: Debt, today: date) -> str:
    """Why an invoice must not be reminded of now, in words; empty when nothing speaks against it."""
    if not debt.open:
        return "Nothing is open."
    for stop in debt.stops:
        if stop.holds(today):
            until = f" until {stop.until}" if stop.until else ""
            return {
                StopKind.DISPUTE: "The customer disputes it.",
                StopKind.PROMISE: f"The customer promised to pay{until}.",
                StopKind.PAUSE: f"Reminders are paused{until}.",
            }[stop.kind]
    return ""


def due_step(*, debt: Debt, plan: ReminderPlan, today: date) -> ReminderStep | None:
    """The step that is due for an invoice today: the firmest one reached, unless it was done; None when none is."""
    if why_not(debt=debt, today=today) or debt.open.amount < plan.least.get(debt.open.currency, Decimal(0)):
        return None
    reached = [step for step in plan.steps if debt.due_on + timedelta(days=step.days) <= today]
    if not reached:
        return None
    step = max(reached, key=lambda one: one.days)
    is_late = today - (debt.due_on + timedelta(days=step.days)) > _LATEST
    # The last step is made up for at any time: else a debt that is old when we start would never be told of.
    if step.name in debt.reminded or (is_late and step != max(plan.steps, key=lambda one: one.days)):
        return None
    return step


def due_letters(*, debts: Iterable[Debt], plans: Sequence[ReminderPlan], today: date) -> list[DueLetter]:
    """The letters that are due: one for each customer, legal entity and currency, not one for each invoice."""
    found: dict[tuple[str, str, str, str], list[tuple[Debt, ReminderStep]]] = {}
    for debt in debts:
        plan = plan_for(plans=plans, legal_entity=debt.legal_entity, customer_ref=debt.customer_ref)
        step = due_step(debt=debt, plan=plan, today=today) if plan else None
        if step is not None:
            key = (debt.org_id, debt.customer_ref, debt.legal_entity, debt.open.currency)
            found.setdefault(key, []).append((debt, step))
    return [DueLetter(*key, tuple(own)) for key, own in sorted(found.items())]


def late_interest(*, principal: Money, percent: Decimal, days: int, basis: int = 365) -> Money:
    """Simple interest at a yearly rate for days overdue, rounded once; what the law or contract allows is a setting."""
    exact = EXACT.divide(principal.amount * percent * days, Decimal(100 * basis))
    return Money(round_amount(exact, currency=principal.currency), principal.currency)


def compensation(*, debt: Money, bands: Sequence[tuple[Decimal, Decimal]]) -> Money:
    """The fixed sum for late payment: of the last band (from this debt on, this sum) that the debt reaches."""
    reached = [amount for start, amount in bands if debt.amount >= start]
    return Money(reached[-1] if reached else Decimal(0), debt.currency)
