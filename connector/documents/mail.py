"""The mail that brings a document: as text and as HTML in the customer's language, with the PDF, as bytes to send.

Exists so that both ways of sending give out the same message. Heads are built by the standard library's own rules, and
everything in them is one line first: no name or number can add a head of its own. The HTML loads nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from connector.documents.formats import long_day_text, money_text
from connector.documents.html import mail_template
from connector.documents.page import footer_of
from connector.documents.plain_text import all_readable, one_line
from connector.documents.texts import Texts, texts_of
from connector.domain.documents import DocumentView
from connector.domain.payment_reference import grouped, is_creditor_reference

_LONGEST_SUBJECT = 150
_LONGEST_NAME = 70


@dataclass(frozen=True, slots=True)
class Head:
    """Who writes to whom, when, under which Message-ID; `reply_to` may be empty."""

    message_id: str
    sender: str
    recipient: str
    reply_to: str
    sent_at: datetime


@dataclass(frozen=True, slots=True)
class Letter:
    """One mail to be written: about which document, with which link (`expires_at` says until when).

    `pdf` empty: it is too large, and the mail says where it is.
    """

    head: Head
    view: DocumentView
    url: str
    expires_at: datetime
    pdf: bytes
    pdf_name: str
    language: str


def write_mail(letter: Letter) -> bytes:
    """The whole message, ready for SMTP."""
    texts = texts_of(letter.language)
    words = _words(letter, texts)
    message = new_message(head=letter.head, seller=letter.view.seller.name, subject=str(words["subject"]))
    put_texts(message, template="document", words=words, language=texts.language)
    if letter.pdf:
        message.add_attachment(letter.pdf, maintype="application", subtype="pdf", filename=letter.pdf_name)
    return message.as_bytes()


def new_message(*, head: Head, seller: str, subject: str) -> EmailMessage:
    """A message with its heads, from the seller's name and the address that we send from."""
    message = EmailMessage(policy=SMTP)
    message["Message-ID"] = head.message_id
    message["Date"] = format_datetime(head.sent_at)
    message["From"] = Address(one_line(seller)[:_LONGEST_NAME], addr_spec=head.sender)
    message["To"] = Address(addr_spec=head.recipient)
    if head.reply_to:
        message["Reply-To"] = Address(addr_spec=head.reply_to)
    message["Subject"] = subject
    # Machines that answer by themselves, such as "out of office", leave mails with these alone.
    message["Auto-Submitted"] = "auto-generated"
    message["X-Auto-Response-Suppress"] = "All"
    return message


def put_texts(message: EmailMessage, *, template: str, words: Mapping[str, object], language: str) -> None:
    """Write the words into the message, as text and as HTML."""
    message.set_content(mail_template(f"{template}.txt").render(mail=_raw(words)))
    message.add_alternative(mail_template(f"{template}.html").render(mail=words), subtype="html")
    for part in message.iter_parts():
        part["Content-Language"] = language


def sentence(text: str) -> str:
    """Languages whose greeting ends with a comma go on with a small letter; on a line of its own it is a large one."""
    return text[:1].upper() + text[1:]


def _words(letter: Letter, texts: Texts) -> dict[str, object]:
    view, mail = letter.view, texts.mail
    facts = {
        "number": view.number or "",
        "date": long_day_text(view.issued_on, texts),
        "amount": money_text(view.gross, texts),
    }
    is_owed = not view.is_credit_note and view.amount_due.amount > 0
    reference = view.payment.reference if is_owed else ""
    words: dict[str, object] = {
        "language": texts.language,
        "direction": texts.direction,
        "start": "right" if texts.direction == "rtl" else "left",
        "seller": view.seller.name,
        "greeting": mail["greeting"],
        "intro": sentence(mail["credit_note" if view.is_credit_note else "invoice"].format(**facts)),
        "without_pdf": "" if letter.pdf else mail["without_pdf"],
        "amount_label": texts.label["credited" if view.is_credit_note else "amount_due"],
        "amount": money_text(view.amount_due, texts),
        "sentence": mail["due"].format(date=long_day_text(view.due_on, texts)) if is_owed else mail["nothing_due"],
        "reference_label": mail["reference"],
        "reference": grouped(reference) if is_creditor_reference(reference) else reference,
        "view": mail["view" if is_owed else "view_credit"],
        "url": letter.url,
        "private": mail["private"].format(date=long_day_text(letter.expires_at.date(), texts)),
        "questions": mail["questions"].format(address=letter.head.reply_to) if letter.head.reply_to else "",
        "footer": footer_of(view.seller, texts),
        "subject": _subject(view, texts),
    }
    return all_readable(words)


def _subject(view: DocumentView, texts: Texts) -> str:
    title = texts.title[view.kind.value]
    subject = texts.mail["subject"].format(title=title, number=view.number or "", seller=one_line(view.seller.name))
    return one_line(subject)[:_LONGEST_SUBJECT]


def _raw(words: Mapping[str, object]) -> dict[str, object]:
    """For the plain text: each value as one line, since a line that begins anew could pretend to be ours."""
    return {name: _raw_value(value) for name, value in words.items()}


def _raw_value(value: object) -> object:
    if isinstance(value, str):
        return one_line(value)
    if isinstance(value, Mapping):
        return _raw(value)
    return [_raw_value(one) for one in value] if isinstance(value, list) else value
