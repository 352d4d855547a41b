"""The mail that reminds a customer of open invoices: from polite to firm, in the customer's language.

Exists so that a reminder says exactly what is open and where to see it, and nothing that only a lawyer may say: it
names no interest, no fee and no step at law. No file is attached; the link leads to the invoices.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from connector.documents.formats import long_day_text, money_text
from connector.documents.mail import Head, new_message, put_texts, sentence
from connector.documents.page import footer_of
from connector.documents.plain_text import all_readable, one_line
from connector.documents.texts import Texts, texts_of
from connector.domain.documents import Seller
from connector.domain.money import Money
from connector.domain.money import total as sum_of
from connector.domain.payment_reference import grouped, is_creditor_reference

_LONGEST_SUBJECT = 150
# A letter of more rows is a letter that nobody reads; the page shows all of them, and the total counts all.
_MOST_ROWS = 100


@dataclass(frozen=True, slots=True)
class Reminded:
    """One invoice of a reminder, with what is open on it and the reference that its payer writes."""

    number: str
    due_on: date
    open: Money
    reference: str


@dataclass(frozen=True, slots=True)
class ReminderMail:
    """A reminder to be written: `tone` is friendly, polite, firm or final; all rows are in one currency."""

    head: Head
    seller: Seller
    language: str
    tone: str
    rows: tuple[Reminded, ...]
    url: str
    expires_at: datetime


def write_reminder(mail: ReminderMail) -> bytes:
    """The whole message, ready for SMTP."""
    texts = texts_of(mail.language)
    words = _words(mail, texts)
    message = new_message(head=mail.head, seller=mail.seller.name, subject=str(words["subject"]))
    put_texts(message, template="reminder", words=words, language=texts.language)
    return message.as_bytes()


def _words(mail: ReminderMail, texts: Texts) -> dict[str, object]:
    said, general = texts.reminder, texts.mail
    currency = mail.rows[0].open.currency
    seller = one_line(mail.seller.name)
    words: dict[str, object] = {
        "language": texts.language,
        "direction": texts.direction,
        "start": "right" if texts.direction == "rtl" else "left",
        "end": "left" if texts.direction == "rtl" else "right",
        "seller": mail.seller.name,
        "greeting": general["greeting"],
        "intro": sentence(said[_opening(mail)]),
        "labels": {name: said[name] for name in ("invoice", "due", "open", "total")},
        "reference_label": general["reference"],
        "rows": [_row(one, texts) for one in mail.rows[:_MOST_ROWS]],
        "total": money_text(sum_of((one.open for one in mail.rows), currency=currency), texts),
        "meanwhile": said["meanwhile"],
        "view": general["view"],
        "url": mail.url,
        "private": general["private"].format(date=long_day_text(mail.expires_at.date(), texts)),
        "questions": general["questions"].format(address=mail.head.reply_to) if mail.head.reply_to else "",
        "footer": footer_of(mail.seller, texts),
        "subject": said["subject_final" if mail.tone == "final" else "subject"].format(seller=seller),
    }
    words["subject"] = one_line(str(words["subject"]))[:_LONGEST_SUBJECT]
    return all_readable(words)


def _opening(mail: ReminderMail) -> str:
    """Which sentence the letter begins with: nobody is told to be late with what is not due yet."""
    is_early = all(row.due_on >= mail.head.sent_at.date() for row in mail.rows)
    return "before" if is_early else mail.tone


def _row(row: Reminded, texts: Texts) -> dict[str, str]:
    reference = grouped(row.reference) if is_creditor_reference(row.reference) else row.reference
    return {
        "number": row.number,
        "due": long_day_text(row.due_on, texts),
        "open": money_text(row.open, texts),
        "reference": reference,
    }
