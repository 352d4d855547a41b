"""Reminders as mail: what leaves, in which words, and that nothing leaves for what was paid in the meantime."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

import pytest

from connector.adapters.clock import FixedClock
from connector.adapters.mail_folder import MailFolder
from connector.documents.texts import LANGUAGES, texts_of
from connector.domain.delivery import DeliveryState
from connector.domain.money import Money
from connector.domain.payments import PaymentState
from connector.domain.reminders import DEFAULT_STEPS, LetterEvent, ReminderPlan, StopKind
from connector.domain.review import Actor
from connector.errors import Refused, Unavailable, Uncertain
from connector.store.open_items import load_issued_invoices
from connector.store.payments import ArrivedPayment
from connector.store.unit_of_work import Database
from connector.usecases.cash_desk import CashDesk
from connector.usecases.deliver_mail import Delivered, Postman, deliver_mail
from connector.usecases.match_payments import match_payments
from connector.usecases.receive_payment import receive_payment
from connector.usecases.remind import (
    ReminderRules,
    decide_reminder,
    list_ended_letters,
    list_letters,
    list_reminder_mails,
    prepare_reminders,
    send_reminders,
    stop_reminders,
)
from connector.usecases.send_document import record_bounce, send_again
from connector.usecases.share_invoice import find_shared
from tests.delivery.test_delivering import Post
from tests.reviewing import sold
from tests.web.sharing import AURORA, Sharing, make_sharing

RULES = ReminderRules(plans=(ReminderPlan(DEFAULT_STEPS),))
_BY: dict[str, Any] = {"actor": "finn", "role": "finance"}


@dataclass
class Dunning:
    """A seller that reminds: invoices, a cash desk, and a post that takes the mail."""

    sharing: Sharing
    desk: CashDesk
    postman: Postman
    post: Post
    clock: FixedClock

    def issued(self, **changes: Any) -> int:
        """An invoice that was issued, mailed, and fell due on 2026-01-31."""
        invoice_id = self.sharing.finance.issued(sold(customer=AURORA, **changes))
        self.sharing.render()
        deliver_mail(postman=self.postman)
        self.post.taken.clear()
        return invoice_id

    def on_day(self, day: str) -> None:
        """That day comes, and what is due is prepared."""
        self.clock.set(self.clock.now().replace(year=2026, month=int(day[:2]), day=int(day[3:])))
        prepare_reminders(desk=self.desk, rules=RULES)

    def sent(self) -> Delivered:
        """Everything that is ready goes into the mail and leaves."""
        send_reminders(desk=self.desk)
        return deliver_mail(postman=self.postman)

    def pays(self, invoice_id: int, less: str = "0") -> None:
        """The customer pays what is open (less so much) by bank, with the reference of the invoice."""
        with self.desk.database.reading() as connection:
            invoice = load_issued_invoices(connection=connection, invoice_ids=[invoice_id])[invoice_id]
        money = Money(invoice.balance.open.amount - Decimal(less), invoice.currency)
        arrived = ArrivedPayment("bank", f"entry-{invoice_id}", money, received_on=date(2026, 2, 1),
                                 state=PaymentState.RECEIVED, text=invoice.reference)  # fmt: skip
        receive_payment(desk=self.desk, arrived=arrived, actor="test")
        match_payments(desk=self.desk)

    def letters(self) -> list[str]:
        """Every letter with the states of its mails."""
        found = [*list_letters(desk=self.desk), *list_ended_letters(desk=self.desk)]
        mails = list_reminder_mails(desk=self.desk, letters=found)
        return [f"{one.step} {one.state}: {' '.join(mail.state for mail in mails.get(one.id, []))}" for one in found]


@pytest.fixture
def dunning(database: Database, clock: FixedClock) -> Dunning:
    clock.set(clock.now().replace(year=2026, month=1, day=1))
    sharing, post = make_sharing(database, clock), Post()
    desk = CashDesk(database, clock, sharing.finance.desk.entities)
    return Dunning(sharing, desk, Postman(database, clock, post, "https://billing.nordlicht.example"), post, clock)


def text_of(message: EmailMessage) -> str:
    body = message.get_body(("plain",))
    assert body is not None
    return str(body.get_content()).replace("\xa0", " ")


def test_a_reminder_says_what_is_open_and_its_link_opens_the_account(dunning: Dunning) -> None:
    invoice_id = dunning.issued()
    dunning.on_day("02-03")

    assert dunning.sent() == Delivered(sent=1)

    ((recipient, message),) = dunning.post.taken
    text = text_of(message)
    assert recipient == "rechnung@aurora.example"
    assert str(message["Subject"]) == "Zahlungserinnerung von Nordlicht Software GmbH"
    for said in ("Vielleicht ist es übersehen worden", "DE-2026-000001", "31. Januar 2026", "Offen gesamt: ", "RF"):
        assert said in text
    token = next(line for line in text.splitlines() if line.startswith("https://")).rpartition("/")[2]
    shared = find_shared(database=dunning.desk.database, clock=dunning.clock, token=token)
    assert shared is not None
    assert shared.invoice_id == invoice_id
    (letter,) = list_ended_letters(desk=dunning.desk)
    (mail,) = list_reminder_mails(desk=dunning.desk, letters=[letter])[letter.id]
    assert message["Message-ID"] == mail.message_id == f"<delivery-{mail.id}@nordlicht.example>"
    assert dunning.letters() == ["reminder sent: sent"]
    assert dunning.sent() == Delivered(), "a letter leaves once"
    assert dunning.sharing.finance.faults() == []


def test_a_letter_grows_firmer_and_the_last_one_waits_for_a_person(dunning: Dunning) -> None:
    dunning.issued()
    for day in ("02-03", "02-10", "02-20", "03-02"):
        dunning.on_day(day)
        dunning.sent()

    held = dunning.letters()[0]
    decide_reminder(desk=dunning.desk, letter_id=4, event=LetterEvent.RELEASE, **_BY)
    dunning.sent()

    assert held == "final held: "
    said = texts_of("de").reminder
    for (_, message), tone in zip(dunning.post.taken, ("friendly", "polite", "firm", "final"), strict=True):
        assert said[tone][1:30] in text_of(message)
    assert str(dunning.post.taken[-1][1]["Subject"]).startswith("Letzte Mahnung")


def test_what_was_paid_while_the_mail_waited_is_not_sent(dunning: Dunning) -> None:
    invoice_id = dunning.issued()
    dunning.on_day("02-03")
    dunning.post.errors = [Unavailable("451 Greylisted.", code="MAIL_DEFERRED")]
    assert dunning.sent() == Delivered(retrying=1)

    dunning.pays(invoice_id)
    dunning.clock.advance(timedelta(minutes=1))

    assert dunning.sent() == Delivered(cancelled=1)
    assert (dunning.post.taken, dunning.letters()) == ([], ["reminder cancelled: cancelled"])


def test_a_part_payment_lowers_what_the_mail_asks_for(dunning: Dunning) -> None:
    invoice_id = dunning.issued()
    dunning.on_day("02-03")
    send_reminders(desk=dunning.desk)
    dunning.pays(invoice_id, less="40")

    assert deliver_mail(postman=dunning.postman) == Delivered(sent=1)

    assert "Offen gesamt: 40,00 EUR" in text_of(dunning.post.taken[0][1])


def test_a_dispute_stops_a_mail_that_is_on_its_way(dunning: Dunning) -> None:
    invoice_id = dunning.issued()
    dunning.on_day("02-03")
    send_reminders(desk=dunning.desk)

    stop_reminders(desk=dunning.desk, invoice_id=invoice_id, kind=StopKind.DISPUTE, until=None, reason="Price.", **_BY)

    assert (dunning.sent(), dunning.letters()) == (Delivered(cancelled=1), ["reminder cancelled: cancelled"])


def test_a_person_can_cancel_a_letter_whose_mail_waits(dunning: Dunning) -> None:
    dunning.issued()
    dunning.on_day("02-03")
    send_reminders(desk=dunning.desk)

    decide_reminder(desk=dunning.desk, letter_id=1, event=LetterEvent.CANCEL, **_BY)

    assert (dunning.sent(), dunning.letters()) == (Delivered(cancelled=1), ["reminder cancelled: cancelled"])


def test_a_letter_that_may_have_arrived_goes_again_under_its_name_and_says_so(dunning: Dunning) -> None:
    dunning.issued()
    dunning.on_day("02-03")

    def die() -> None:
        raise KeyboardInterrupt

    send_reminders(desk=dunning.desk)
    with pytest.raises(KeyboardInterrupt):
        deliver_mail(postman=replace(dunning.postman, post=Post(before=die)))
    dunning.clock.advance(timedelta(minutes=15))
    dunning.post.errors = [Uncertain("The connection broke.", code="MAIL_UNCERTAIN")]
    deliver_mail(postman=dunning.postman)
    dunning.clock.advance(timedelta(minutes=15))
    assert dunning.sent() == Delivered(sent=1)

    (letter,) = list_ended_letters(desk=dunning.desk)
    (mail,) = list_reminder_mails(desk=dunning.desk, letters=[letter])[letter.id]
    assert (mail.state, mail.losses, mail.attempts) == (DeliveryState.SENT, 2, 3)
    assert [message["Message-ID"] for _, message in dunning.post.taken] == [mail.message_id]


def test_a_letter_that_came_to_nobody_waits_for_a_person_and_goes_to_the_corrected_address(dunning: Dunning) -> None:
    invoice_id = dunning.issued()
    dunning.on_day("02-03")
    dunning.post.errors = [Refused("550 No such user.", code="MAIL_REFUSED", owner="finance", fix="Correct it.")]
    dunning.sent()
    assert dunning.letters() == ["reminder held: failed"]

    send_again(database=dunning.desk.database, clock=dunning.clock, invoice_id=invoice_id,
               recipient="new@aurora.example", actor=Actor("anna", "approver"))  # fmt: skip
    deliver_mail(postman=dunning.postman)
    decide_reminder(desk=dunning.desk, letter_id=1, event=LetterEvent.RELEASE, **_BY)
    dunning.sent()

    assert [recipient for recipient, _ in dunning.post.taken] == ["new@aurora.example"] * 2
    assert dunning.letters() == ["reminder sent: failed sent"]


def test_nobody_is_reminded_at_an_address_from_which_the_invoice_came_back(dunning: Dunning) -> None:
    dunning.issued()
    record_bounce(database=dunning.desk.database, clock=dunning.clock, delivery_id=1, reason="5.1.1 no such user.",
                  actor=Actor("anna", "approver"))  # fmt: skip
    dunning.on_day("02-03")

    assert (dunning.sent(), dunning.letters()) == (Delivered(), ["reminder held: "])


def test_the_story_of_a_reminder_that_is_held_released_sent_and_then_needed_no_more(
    dunning: Dunning, tmp_path: Path
) -> None:
    """Issued, overdue, held, released, in the mail folder; paid, and the next step is not sent."""
    rules = ReminderRules(plans=(ReminderPlan((replace(DEFAULT_STEPS[0], is_held=True), DEFAULT_STEPS[1])),))
    folder = replace(dunning.postman, post=MailFolder(folder=tmp_path, sender="billing@nordlicht.example"))
    invoice_id = dunning.issued()
    dunning.clock.set(dunning.clock.now().replace(year=2026, month=2, day=3))
    prepare_reminders(desk=dunning.desk, rules=rules)
    send_reminders(desk=dunning.desk)
    assert (deliver_mail(postman=folder), dunning.letters()) == (Delivered(), ["reminder held: "])

    decide_reminder(desk=dunning.desk, letter_id=1, event=LetterEvent.RELEASE, **_BY)
    send_reminders(desk=dunning.desk)
    assert deliver_mail(postman=folder) == Delivered(sent=1)
    (written,) = tmp_path.glob("*.eml")
    message = message_from_bytes(written.read_bytes(), policy=default)
    assert message["To"] == "rechnung@aurora.example"

    dunning.clock.set(dunning.clock.now().replace(month=2, day=10))
    prepare_reminders(desk=dunning.desk, rules=rules)
    dunning.pays(invoice_id)
    send_reminders(desk=dunning.desk)

    assert deliver_mail(postman=folder) == Delivered()
    assert dunning.letters() == ["first cancelled: ", "reminder sent: sent"]
    assert len(list(tmp_path.glob("*.eml"))) == 1


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_every_tone_and_no_tone_twice(language: str) -> None:
    said = texts_of(language).reminder

    assert set(said) == set(texts_of("en").reminder)
    assert len({said[tone] for tone in ("before", "friendly", "polite", "firm", "final")}) == 5
    assert "{seller}" in said["subject"]
    assert "{seller}" in said["subject_final"]
