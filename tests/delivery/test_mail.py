"""The mail itself: six languages, both forms say the same, and nobody's text becomes a head, a link or a picture."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.documents.mail import Head, Letter, write_mail
from connector.documents.texts import LANGUAGES, texts_of
from connector.domain.delivery import AddressRefused, mail_address
from connector.domain.documents import DocumentView
from tests.documents.making import BUYER, SELLER, make_credit_note, make_document

URL = "https://billing.nordlicht.example/invoice/" + "t" * 43


def letter(view: DocumentView, **changes: Any) -> Letter:
    head = {
        "message_id": "<delivery-7@nordlicht.example>",
        "sender": "billing@nordlicht.example",
        "recipient": "ap@orsted-son.example",
        "reply_to": "billing@nordlicht.example",
        "sent_at": datetime(2026, 11, 20, 9, 30, tzinfo=UTC),
    }
    values: dict[str, Any] = {
        "head": Head(**{name: changes.pop(name, value) for name, value in head.items()}),
        "view": view,
        "url": URL,
        "expires_at": datetime(2027, 12, 25, tzinfo=UTC),
        "pdf": b"%PDF-1.4 bytes",
        "pdf_name": "DE-2026-000042.pdf",
        "language": "en",
        **changes,
    }
    return Letter(**values)


def read(found: Letter) -> tuple[EmailMessage, str, str]:
    """The message, its text and its HTML."""
    message = message_from_bytes(write_mail(found), policy=default)
    assert isinstance(message, EmailMessage)
    plain, html = message.get_body(("plain",)), message.get_body(("html",))
    assert plain is not None
    assert html is not None
    return message, plain.get_content().replace("\xa0", " "), html.get_content().replace("\xa0", " ")


@pytest.mark.parametrize("language", LANGUAGES)
def test_both_forms_say_the_same_in_every_language(language: str) -> None:
    message, plain, html = read(letter(make_document(), language=language))
    mail = texts_of(language).mail

    amount = {"fr": "1 190,00 EUR", "de": "1.190,00 EUR", "es": "1.190,00 EUR"}.get(language, "1,190.00 EUR")
    for text in ("DE-2026-000042", amount, URL, mail["view"], "RF"):
        assert text in plain, text
        assert text in html, text
    assert "DE-2026-000042" in str(message["Subject"])
    assert f'lang="{language}" dir="{texts_of(language).direction}"' in html
    assert "{" not in plain


def test_heads_are_complete() -> None:
    message, _, _ = read(letter(make_document()))

    assert message["Message-ID"] == "<delivery-7@nordlicht.example>"
    assert message["Date"] == "Fri, 20 Nov 2026 09:30:00 +0000"
    assert message["Auto-Submitted"] == "auto-generated"
    assert [part["Content-Language"] for part in message.iter_attachments()] == [None]
    body = message.get_body(("html",))
    assert body is not None
    assert body["Content-Language"] == "en"
    assert message.get_content_type() == "multipart/mixed"


def test_the_same_mail_again_has_the_same_words() -> None:
    first, second = read(letter(make_document())), read(letter(make_document()))

    assert first[1:] == second[1:]


def test_a_credit_note_asks_for_nothing() -> None:
    _, plain, _ = read(letter(make_credit_note()))

    assert "Nothing is to be paid." in plain
    assert "Payment reference" not in plain
    assert "Please pay" not in plain


def test_a_pdf_that_is_too_large_is_behind_the_link() -> None:
    message, plain, html = read(letter(make_document(), pdf=b""))

    assert list(message.iter_attachments()) == []
    assert "The PDF is too large for a mail" in plain
    assert "The PDF is too large for a mail" in html


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_mail_loads_nothing_from_anywhere(language: str) -> None:
    _, _, html = read(letter(make_document(), language=language))

    assert "<img" not in html
    assert "url(" not in html
    assert "<script" not in html
    assert re.findall(r'(?:src|href|action)="([^"]*)"', html) == [URL]


HOSTILE = st.text(max_size=60).map(
    lambda text: text + "\r\nBcc: thief@evil.example\r\n\r\n<script>alert(1)</script>" + "\u202e"
)


@given(name=HOSTILE)
@settings(max_examples=40, deadline=None)
def test_no_name_can_add_a_head_or_a_tag(name: str) -> None:
    view = make_document(buyer=replace(BUYER, name=name))
    view = replace(view, seller=replace(SELLER, name=name))

    message, plain, html = read(letter(view))

    assert message["Bcc"] is None
    assert [key for key in message.keys() if key.lower() == "bcc"] == []  # noqa: SIM118 - keys may be doubled
    assert str(message["To"]) == "ap@orsted-son.example"
    assert message["From"].addresses[0].addr_spec == "billing@nordlicht.example"
    assert "<script>" not in html
    assert "\u202e" not in plain + html


def test_a_long_subject_is_cut_and_still_one_line() -> None:
    view = replace(make_document(), seller=replace(SELLER, name="Ä" * 5000))

    message, _, _ = read(letter(view))

    assert len(str(message["Subject"])) == 150
    assert all(len(line) <= 998 for line in write_mail(letter(view)).splitlines())


@pytest.mark.parametrize(
    ("written", "wire"),
    [
        ("ap@customer.example", "ap@customer.example"),
        (" AP+inv@Customer.Example ", "AP+inv@customer.example"),
        ("rechnung@bücher.example", "rechnung@xn--bcher-kva.example"),
    ],
)
def test_an_address_goes_on_the_wire_in_ascii(written: str, wire: str) -> None:
    assert mail_address(written) == wire


@pytest.mark.parametrize(
    "written",
    ["", "x", "@b.example", "a@", "a@b", ".a@b.example", "a.@b.example", "a..b@c.example", "a b@c.example",
     "ä@b.example", "a@b.example\nBcc: c@d.example", "a@-b.example", "a@b_c.example", "<a@b.example>",
     "a@[127.0.0.1]", "a" * 65 + "@b.example", "a,b@c.example", "a@b.example,c@d.example",
     "a@" + "b" * 64 + ".example"],
)  # fmt: skip
def test_what_is_no_address_is_refused(written: str) -> None:
    with pytest.raises(AddressRefused):
        mail_address(written)


@given(st.text(max_size=80))
def test_an_address_is_good_or_refused_and_never_anything_else(text: str) -> None:
    try:
        found = mail_address(text)
    except AddressRefused:
        return
    assert found.isascii()
    assert found.count("@") == 1
    assert found.isprintable()
    assert " " not in found
