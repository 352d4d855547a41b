"""Reminders: each step once, one letter for a customer, nothing that was paid, disputed or promised meanwhile."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from connector.adapters.clock import FixedClock
from connector.domain.bank_statements import OurAccount
from connector.domain.payments import PaymentRefused
from connector.domain.reminders import DEFAULT_STEPS, LetterState, ReminderPlan, StopKind
from connector.store.reminders import load_letters
from connector.usecases.match_payments import match_payments
from connector.usecases.remind import (
    ReminderRules,
    list_letters,
    prepare_reminders,
    preview_reminders,
    resume_reminders,
    send_reminders,
    stop_reminders,
)
from tests.cashing import Till
from tests.usecases.cash.test_import import mt940, take

RULES = ReminderRules(plans=(ReminderPlan(DEFAULT_STEPS, least={"EUR": Decimal(5)}),))
_BY: dict[str, Any] = {"actor": "finn", "role": "finance"}


def letters(till: Till) -> list[str]:
    """Every letter: step, state, number of invoices."""
    with till.database.reading() as connection:
        found = load_letters(connection=connection, states=list(LetterState))
    return [f"{one.step} {one.state} {len(one.lines)}" for one in found]


def on_day(till: Till, clock: FixedClock, day: str) -> dict[str, int]:
    """Prepare what is due on that day."""
    clock.set(clock.now().replace(year=2026, month=int(day[:2]), day=int(day[3:])))
    return prepare_reminders(desk=till.desk, rules=RULES)


def test_the_steps_of_a_schedule_come_once_each_and_the_last_is_held(till: Till, clock: FixedClock) -> None:
    till.invoice("100.00", due="2026-03-01")

    for day in ("03-01", "03-03", "03-04", "03-05", "03-11", "03-12", "03-21", "03-31", "04-10"):
        on_day(till, clock, day)

    assert letters(till) == ["reminder ready 1", "first ready 1", "second ready 1", "final held 1"]


def test_one_letter_for_a_customer_not_one_for_an_invoice(till: Till, clock: FixedClock) -> None:
    till.invoice("100.00", due="2026-03-01"), till.invoice("50.00", due="2026-02-22")
    till.invoice("70.00", due="2026-03-01", customer="001B")

    on_day(till, clock, "03-04")

    assert letters(till) == ["first ready 2", "reminder ready 1"]


def test_a_promise_holds_until_its_day_and_can_be_ended(till: Till, clock: FixedClock) -> None:
    invoice = till.invoice("100.00", due="2026-03-01")
    stop_reminders(desk=till.desk, invoice_id=invoice, kind=StopKind.PROMISE, until=date(2026, 3, 11),
                   reason="By Wednesday.", **_BY)  # fmt: skip

    held = [on_day(till, clock, day)["letters"] for day in ("03-04", "03-11")]
    after = on_day(till, clock, "03-12")["letters"]
    stop_reminders(desk=till.desk, invoice_id=invoice, kind=StopKind.PAUSE, until=None, reason="Waits.", **_BY)
    paused = on_day(till, clock, "03-21")["letters"]
    resume_reminders(desk=till.desk, invoice_id=invoice, **_BY)

    assert (held, after, paused, on_day(till, clock, "03-22")["letters"]) == ([0, 0], 1, 0, 1)


def test_nobody_is_reminded_of_a_draft_a_trifle_or_a_credit_note(till: Till, clock: FixedClock) -> None:
    till.invoice("100.00", due="2026-03-01", state="draft")
    till.invoice("4.99", due="2026-03-01")
    till.invoice("100.00", due="2026-03-01", kind="credit_note")

    assert on_day(till, clock, "03-04")["letters"] == 0
    with pytest.raises(PaymentRefused):
        stop_reminders(desk=till.desk, invoice_id=1, kind=StopKind.DISPUTE, until=None, reason="No.", **_BY)


def test_a_letter_that_nobody_can_get_is_held_with_the_reason(till: Till, clock: FixedClock) -> None:
    till.invoice("100.00", due="2026-03-01")
    on_day(till, clock, "03-04")

    counts = send_reminders(desk=till.desk)

    (letter,) = list_letters(desk=till.desk)
    assert counts == {"posted": 0, "cancelled": 0, "undeliverable": 1}
    assert (letter.state, letter.reason[:30]) == (LetterState.HELD, "There is no address to send it")


def test_what_was_paid_disputed_or_promised_since_is_not_put_into_the_mail(till: Till, clock: FixedClock) -> None:
    paid, disputed = (till.invoice("100.00", due="2026-03-01", customer=f"00{n}") for n in "12")
    on_day(till, clock, "03-04")
    till.paid("100.00", text=till.reference(paid))
    match_payments(desk=till.desk)
    stop_reminders(desk=till.desk, invoice_id=disputed, kind=StopKind.DISPUTE, until=None, reason="Wrong price.", **_BY)

    assert send_reminders(desk=till.desk) == {"posted": 0, "cancelled": 2, "undeliverable": 0}
    assert send_reminders(desk=till.desk)["cancelled"] == 0


def test_two_jobs_at_once_make_one_letter(till: Till, clock: FixedClock) -> None:
    till.invoice("100.00", due="2026-03-01")
    clock.set(clock.now().replace(day=4))

    till.at_once(lambda: prepare_reminders(desk=till.desk, rules=RULES), times=3)

    assert letters(till) == ["reminder ready 1"]


def test_nobody_is_reminded_before_fresh_bank_files_are_in(till: Till, clock: FixedClock) -> None:
    account = OurAccount("DE", iban="DE89370400440532013000", currency="EUR")
    rules = ReminderRules(RULES.plans, (account,))
    till.invoice("100.00", due="2026-03-01")
    take(till, mt940(2, "0,00", "0,00"))

    clock.set(clock.now().replace(day=11))
    before = preview_reminders(desk=till.desk, rules=rules)
    take(till, mt940(9, "0,00", "0,00"))

    assert (before, len(preview_reminders(desk=till.desk, rules=rules))) == ([], 1)
