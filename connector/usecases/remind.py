"""Prepare reminders that are due, let people hold or release them, and put what still holds into the mail.

Each invoice gets each step once, whatever runs twice. What was paid, credited, disputed or promised meanwhile is not
reminded of: it is looked at when the mail is put down and again in the moment of sending (`mail_reminder`). This
module sends nothing itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from connector.domain.bank_statements import OurAccount
from connector.domain.reminders import (
    DueLetter,
    LetterEvent,
    LetterState,
    ReminderPlan,
    StopKind,
    due_letters,
)
from connector.domain.review import Actor, refuse_unless_person
from connector.errors import NotFound
from connector.store import reminders
from connector.store.deliveries import Delivery, load_reminder_mails, want_reminder
from connector.store.issued import lock_all
from connector.store.ledger import touch_customers
from connector.store.open_items import load_issued_invoices
from connector.store.reminders import Letter, LetterLine
from connector.store.unit_of_work import UnitOfWork
from connector.usecases.cash_desk import CashDesk, record, refuse_unpayable
from connector.usecases.mail_reminder import NO_ADDRESS, NOT_NEEDED, owed_lines, reminder_addresses
from connector.usecases.review_desk import clean_text

_SYSTEM = "countersign"
# Nobody is reminded by an entity whose last bank file is older: the money may be there.
_OLDEST_STATEMENT = timedelta(days=4)


@dataclass(frozen=True, slots=True)
class ReminderRules:
    """The schedules, and our accounts by legal entity, whose statements must be fresh."""

    plans: tuple[ReminderPlan, ...] = ()
    accounts: tuple[OurAccount, ...] = ()


def preview_reminders(*, desk: CashDesk, rules: ReminderRules) -> list[DueLetter]:
    """The letters that would be prepared now; nothing is written."""
    steps = [step.days for plan in rules.plans for step in plan.steps]
    if not steps:
        return []
    today = desk.clock.now().date()
    with desk.database.reading() as connection:
        debts = list(reminders.load_debts(connection=connection, due_by=today - timedelta(days=min(steps))))
        fresh = reminders.newest_statements(connection=connection)
    late = _waiting_for_statements(rules.accounts, fresh, today)
    return due_letters(debts=[one for one in debts if one.legal_entity not in late], plans=rules.plans, today=today)


def list_letters(*, desk: CashDesk) -> list[Letter]:
    """The letters that wait: held, ready, or on their way."""
    states = [LetterState.HELD, LetterState.READY, LetterState.SENDING]
    with desk.database.reading() as connection:
        return reminders.load_letters(connection=connection, states=states)


def list_ended_letters(*, desk: CashDesk) -> list[Letter]:
    """The newest letters that were sent or cancelled."""
    with desk.database.reading() as connection:
        return reminders.load_ended_letters(connection=connection)


def list_reminder_mails(*, desk: CashDesk, letters: Sequence[Letter]) -> dict[int, list[Delivery]]:
    """The mails of letters, by letter, oldest first."""
    with desk.database.reading() as connection:
        return load_reminder_mails(connection=connection, letter_ids=[one.id for one in letters])


def prepare_reminders(*, desk: CashDesk, rules: ReminderRules) -> dict[str, int]:
    """Keep the letters that are due; answers how many were made and how many of them wait for a person."""
    counts = {"letters": 0, "held": 0}
    for due in preview_reminders(desk=desk, rules=rules):
        with desk.database.unit_of_work() as work:
            now = desk.clock.now()
            if reminders.insert_letter(work=work, due=due, today=now.date(), now=now):
                counts["letters"] += 1
                counts["held"] += due.is_held
            work.commit()
    return counts


def send_reminders(*, desk: CashDesk) -> dict[str, int]:
    """Put what is ready and still holds into the mail; answers how many were posted, cancelled, or had no address."""
    counts = {"posted": 0, "cancelled": 0, "undeliverable": 0}
    with desk.database.reading() as connection:
        ready = reminders.load_letters(connection=connection, states=[LetterState.READY])
    for one in ready:
        outcome = _post(desk, one.id)
        if outcome:
            counts[outcome] += 1
    return counts


def decide_reminder(*, desk: CashDesk, letter_id: int, event: LetterEvent, actor: str, role: str) -> LetterState:
    """A person releases, holds or cancels a letter. Raises NotFound, DecisionRefused, IllegalTransition."""
    decides = Actor(actor.strip(), role)
    refuse_unless_person(decides)
    with desk.database.unit_of_work() as work:
        letter = reminders.lock_letter(work=work, letter_id=letter_id)
        state = reminders.move_letter(work=work, letter=letter, event=event, now=desk.clock.now(), actor=decides.name)
        work.commit()
    return state


def stop_reminders(
    *, desk: CashDesk, invoice_id: int, kind: StopKind, until: date | None, reason: str, actor: str, role: str
) -> None:
    """An invoice is disputed, promised or paused: no reminder until it ends. Raises NotFound, PaymentRefused,
    DecisionRefused, TextRefused.
    """
    _decide(desk, invoice_id, kind, until, clean_text(reason, name="reason"), Actor(actor.strip(), role))


def resume_reminders(*, desk: CashDesk, invoice_id: int, actor: str, role: str) -> None:
    """Whatever stops reminders of an invoice has ended. Raises NotFound, PaymentRefused, DecisionRefused."""
    _decide(desk, invoice_id, None, None, "", Actor(actor.strip(), role))


def _decide(
    desk: CashDesk, invoice_id: int, kind: StopKind | None, until: date | None, reason: str, decides: Actor
) -> None:
    refuse_unless_person(decides)
    with desk.database.unit_of_work() as work:
        lock_all(work=work, invoice_ids=[invoice_id])
        invoice = load_issued_invoices(connection=work.connection, invoice_ids=[invoice_id]).get(invoice_id)
        if invoice is None:
            raise NotFound(f"There is no invoice {invoice_id}.")
        refuse_unpayable(invoice)
        now = desk.clock.now()
        reminders.end_stops(work=work, invoice_id=invoice_id, actor=decides.name, now=now)
        if kind is not None:
            reminders.insert_stop(work=work, invoice_id=invoice_id, kind=kind, until=until, reason=reason,
                                  actor=decides.name, now=now)  # fmt: skip
        record(work=work, desk=desk, legal_entity=invoice.legal_entity, subject="invoice", subject_id=invoice_id,
               actor=decides, event=f"reminders_{kind or 'resumed'}", reason=reason,
               data={"until": str(until or "")})  # fmt: skip
        touch_customers(work=work, customers=[(invoice.org_id, invoice.customer_ref)])
        work.commit()


def _post(desk: CashDesk, letter_id: int) -> str:
    """Owe the mails of a letter, in one transaction with its state; a word for what became of it, empty when it is
    somebody else's by now.
    """
    with desk.database.unit_of_work() as work:
        letter = reminders.lock_letter(work=work, letter_id=letter_id)
        if letter.state is not LetterState.READY:
            return ""
        now = desk.clock.now()
        lock_all(work=work, invoice_ids=[line.invoice_id for line in letter.lines])
        lines = owed_lines(work=work, letter=letter, today=now.date())
        outcome, event, reason = _outcome(work, lines)
        if event is LetterEvent.SEND:
            first = lines[0].invoice_id
            want_reminder(work=work, letter_id=letter.id, invoice_id=first, requested_by=_SYSTEM, now=now,
                          recipients=reminder_addresses(work=work, invoice_id=first))  # fmt: skip
        reminders.move_letter(work=work, letter=letter, event=event, now=now, actor=_SYSTEM, reason=reason)
        work.commit()
    return outcome


def _outcome(work: UnitOfWork, lines: Sequence[LetterLine]) -> tuple[str, LetterEvent, str]:
    if not lines:
        return "cancelled", LetterEvent.CANCEL, NOT_NEEDED
    if not reminder_addresses(work=work, invoice_id=lines[0].invoice_id):
        return "undeliverable", LetterEvent.FAIL, NO_ADDRESS
    return "posted", LetterEvent.SEND, ""


def _waiting_for_statements(accounts: Sequence[OurAccount], fresh: dict[str, date], today: date) -> set[str]:
    """Legal entities whose bank files are used, and are too old to know what was paid."""
    found: set[str] = set()
    for account in accounts:
        prefix = account.key("")
        days = [day for key, day in fresh.items() if key.startswith(prefix)]
        if days and today - max(days) > _OLDEST_STATEMENT:
            found.add(account.legal_entity)
    return found
