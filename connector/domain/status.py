"""What a person should read about a signed record: one state word, one sentence, and the numbers that matter.

Exists so that Salesforce, our pages and the command line say the same. It must not know field names of any system.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from connector.domain.fulfilment import OrderState, StepName, StepState
from connector.errors import Fault


class StatusWord(StrEnum):
    """What Salesforce shows. Blocked = a person must act or another deal comes first; Failed = we gave up."""

    PENDING = "Pending"
    IN_PROGRESS = "In Progress"
    SYNCED = "Synced"
    WARNING = "Warning"
    FAILED = "Failed"
    BLOCKED = "Blocked"
    SKIPPED = "Skipped"


WORD_OF_STATE = {
    OrderState.NEW: StatusWord.IN_PROGRESS,
    OrderState.FULFILLING: StatusWord.IN_PROGRESS,
    OrderState.WAITING: StatusWord.BLOCKED,
    OrderState.RETRYING: StatusWord.PENDING,
    OrderState.BLOCKED: StatusWord.BLOCKED,
    OrderState.FAILED: StatusWord.FAILED,
    OrderState.FULFILLED: StatusWord.SYNCED,
}


class PaymentWord(StrEnum):
    """How far what was issued is paid, as people read it; the worst of several invoices is shown."""

    OVERDUE = "Overdue"
    PART_PAID = "Part-paid"
    OPEN = "Open"
    PAID = "Paid"


@dataclass(frozen=True, slots=True)
class CashStatus:
    """What is issued, paid and used, and what comes next, in one currency; no word while nothing is issued.

    `next_invoice_amount` is before tax and without usage that is not read yet; `last_invoice` names the newest invoice
    and its state; `usage` tells each metered product of the period that runs, against what is included.
    """

    word: PaymentWord | None = None
    open: Decimal | None = None
    overdue: Decimal | None = None
    last_payment_on: date | None = None
    next_invoice_on: date | None = None
    next_invoice_amount: Decimal | None = None
    last_invoice: str = ""
    usage: str = ""


@dataclass(frozen=True, slots=True)
class InvoiceStatus:
    """One document as people in Salesforce read it. `number` is empty until it is issued; amounts have `currency`."""

    id: int
    number: str
    account_id: str
    kind: str
    state: str
    issued_on: date | None
    due_on: date | None
    total: Decimal
    open: Decimal | None
    currency: str
    contract_number: str
    link: str = ""


@dataclass(frozen=True, slots=True)
class Status:
    """One signed record's status; empty text and None mean that there is nothing to show."""

    word: StatusWord
    step: str = ""
    steps: str = ""
    code: str = ""
    sentence: str = ""
    attempts: int = 0
    attempted_at: datetime | None = None
    succeeded_at: datetime | None = None
    key: str = ""
    order_number: str = ""
    contract_number: str = ""
    contract_value: Decimal | None = None
    link: str = ""
    source_hash: str = ""
    cash: CashStatus = CashStatus()


# How people call the fulfilment steps.
STEP_NAMES = {
    StepName.CUSTOMER: "Customer",
    StepName.CONTRACT: "Contract",
    StepName.SUBSCRIPTIONS: "Subscriptions",
    StepName.METERING: "Metering",
    StepName.READ_BACK: "Read-back",
}


def steps_text(*, state: OrderState, steps: tuple[tuple[StepName, StepState], ...]) -> str:
    """Every step with its state, one a line: the order itself first; without steps it is the order that stopped."""
    if not steps:
        word = {OrderState.NEW: StepState.RUNNING, OrderState.FULFILLING: StepState.RUNNING}.get(state)
        return f"Order: {word or state.value.lower()}"
    return "\n".join(["Order: done", *(f"{STEP_NAMES[name]}: {step.value}" for name, step in steps)])


@dataclass(frozen=True, slots=True)
class Attempt:
    """One look at a signed record, for the log that Salesforce keeps: what came of it, and who acts."""

    key: str
    object: str
    record_id: str
    account_id: str
    word: StatusWord
    code: str
    sentence: str
    owner: str
    order_number: str
    at: datetime
    run: str


# The word for what a look at a record came to.
WORD_OF_LOOK = {
    "ordered": StatusWord.SYNCED,
    "retrying": StatusWord.PENDING,
    "waiting": StatusWord.BLOCKED,
    "blocked": StatusWord.BLOCKED,
    "parked": StatusWord.BLOCKED,
    "failed": StatusWord.FAILED,
    "skipped": StatusWord.SKIPPED,
    "gone": StatusWord.WARNING,
}


def sentence_of(faults: tuple[Fault, ...]) -> str:
    """All faults as text for people: each what is wrong, what to do, who does it; one a line."""
    if len(faults) == 1:
        return _told(faults[0])
    return "\n".join(f"{n}. {_told(fault)}" for n, fault in enumerate(faults, start=1))


def _told(fault: Fault) -> str:
    """One fault in words; where nothing is to be done, nobody is named."""
    return fault.sentence() if fault.owner == "nobody" else f"{fault.sentence()} Who: {fault.owner}."
