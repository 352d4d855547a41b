"""Documents as HTML: what stands on them in each language, and the whole of some of them as golden files."""

from __future__ import annotations

from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path

import pytest

from connector.documents.html import document_styles, render_fragment, render_html
from connector.documents.texts import LANGUAGES, language_for, texts_of
from connector.domain.documents import AccountingTax, DocumentState, DocumentView, Party
from connector.domain.money import Money
from connector.domain.terms import Address
from tests.documents.making import (
    NOT_SUBJECT,
    REVERSE,
    make_credit_note,
    make_document,
    make_row,
)

GOLDEN = Path(__file__).parent / "golden"
CASES: dict[str, tuple[DocumentView, str]] = {
    "invoice-en": (make_document(memo="Thank you.\nSee you next month."), "en"),
    "credit-note-de": (make_credit_note(), "de"),
    "draft-fr": (make_document(state=DocumentState.DRAFT, number=None), "fr"),
    "upcoming-es": (make_document(state=DocumentState.UPCOMING, number=None, currency="USD"), "es"),
    "reverse-charge-he": (make_document(taxes=(REVERSE,)), "he"),
    "yen-ja": (make_document(make_row(amount="120000", currency="JPY"), currency="JPY"), "ja"),
}


class _Text(HTMLParser):
    """The visible text of a page, and the names of its elements and attributes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.elements: set[str] = set()
        self.attributes: set[str] = set()
        self._hidden = 0
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.add(tag)
        self.attributes.update(name for name, _ in attrs)
        self._hidden += tag == "style"

    def handle_endtag(self, tag: str) -> None:
        self._hidden -= tag == "style"

    def handle_data(self, data: str) -> None:
        if not self._hidden and data.strip():
            self.texts.append(" ".join(data.split()))


def text_of(html: str) -> str:
    return "\n".join(_Text(html).texts)


@pytest.mark.parametrize("case", sorted(CASES))
def test_the_page_is_what_the_golden_file_says(case: str, request: pytest.FixtureRequest) -> None:
    view, language = CASES[case]
    html = render_html(view=view, language=language)
    file = GOLDEN / f"{case}.html"
    if request.config.getoption("--update-golden"):
        file.parent.mkdir(exist_ok=True)
        file.write_text(html, encoding="utf-8")

    assert html == file.read_text(encoding="utf-8")


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_says_number_date_total_and_how_to_pay(language: str) -> None:
    text = text_of(render_html(view=make_document(), language=language))

    assert texts_of(language).title["invoice"] in text
    assert "DE-2026-000042" in text
    assert texts_of(language).label["amount_due"] in text
    assert (
        "1.190,00" if language in ("de", "es") else "1\xa0190,00" if language == "fr" else "1,190.00"
    ) in text.replace(" ", "\xa0")
    assert "RF14 DE20 2600 0042" in text
    assert "DE89 3704 0044 0532 0130 00" in text


def test_all_languages_have_the_same_texts_with_the_same_places_to_fill() -> None:
    def places(text: str) -> list[str]:
        return sorted(part.partition("}")[0] for part in text.split("{")[1:])

    english = texts_of("en")
    for language in LANGUAGES:
        texts = texts_of(language)
        for name in ("title", "banner", "label", "sentence", "page", "mail"):
            known, own = getattr(english, name), getattr(texts, name)
            assert {key: places(text) for key, text in own.items()} == {
                key: places(text) for key, text in known.items()
            }


@pytest.mark.parametrize(
    ("tag", "language"), [("de-AT", "de"), ("fr_CA", "fr"), ("iw", "he"), ("pt-BR", "en"), ("", "en"), ("JA", "ja")]
)
def test_a_language_tag_finds_the_nearest_of_ours(tag: str, language: str) -> None:
    assert language_for(tag) == language


@pytest.mark.parametrize("state", [DocumentState.DRAFT, DocumentState.UPCOMING])
def test_a_preview_is_marked_and_is_not_called_an_invoice(state: DocumentState) -> None:
    text = text_of(render_html(view=make_document(state=state, number=None), language="en"))

    assert texts_of("en").banner[state.value] in text
    assert "Not an invoice." in text
    assert "Invoice\n" not in text
    assert "IBAN" not in text


def test_a_void_document_says_that_nothing_is_owed() -> None:
    text = text_of(render_html(view=make_document(state=DocumentState.VOID), language="en"))

    assert "VOID" in text
    assert "Nothing is owed" in text


def test_a_credit_note_names_the_invoice_it_lowers_and_why() -> None:
    text = text_of(render_html(view=make_credit_note(), language="en"))

    assert "This credit note lowers invoice DE-2026-000042 of November" in text
    assert "Reason: Fewer users than agreed" in text
    assert "Amount credited\n297.50 EUR" in text
    assert "Amount due" not in text


def test_reverse_charge_is_said_once_with_both_tax_ids() -> None:
    text = text_of(render_html(view=make_document(taxes=(REVERSE,)), language="en"))

    assert text.count("Reverse charge") == 1
    assert "VAT ID DK12345674" in text
    assert "DE123456788" in text


def test_where_nothing_is_taxed_no_row_of_zero_tax_is_shown() -> None:
    text = text_of(render_html(view=make_document(taxes=(NOT_SUBJECT,)), language="en"))

    assert "0%" not in text
    assert "Net total" in text


def test_tax_in_the_sellers_currency_is_shown_with_its_rate() -> None:
    owed = AccountingTax(Money(Decimal("175.24"), "EUR"), Decimal("1.0842"), "ECB, 19 Nov 2026")
    text = text_of(render_html(view=make_document(currency="USD", accounting_tax=owed), language="en"))

    assert "Tax in EUR: 175.24 EUR (1 EUR = 1.0842 USD, ECB, 19 Nov 2026)." in text


def test_a_unit_price_keeps_all_its_digits() -> None:
    row = make_row(unit_price=Decimal("0.0000375"), quantity=Decimal(1234567), amount="46.30")
    text = text_of(render_html(view=make_document(row), language="en"))

    assert "0.0000375" in text
    assert "1,234,567" in text


def test_who_pays_is_shown_where_it_is_someone_else() -> None:
    payer = Party("Group Treasury Ltd", Address("1 Bank St", "London", "", "E14 5JP", "United Kingdom"))
    text = text_of(render_html(view=make_document(payer=payer), language="en"))

    assert "Paid by\nGroup Treasury Ltd" in text


def test_rows_of_several_orders_name_theirs() -> None:
    view = make_document(make_row(), make_row(2, order_ref="O-000118"))
    text = text_of(render_html(view=view, language="en"))

    assert "Order O-000118" in text


def test_the_fragment_is_the_same_document_without_styles_or_scripts() -> None:
    fragment = _Text(str(render_fragment(view=make_document(), language="en")))

    assert "\n".join(fragment.texts) in text_of(render_html(view=make_document(), language="en"))
    assert not fragment.elements & {"style", "script", "html"}
    assert not fragment.attributes & {"style", "onclick"}
    assert ".document" in document_styles()


@pytest.mark.parametrize(
    ("link", "is_shown"), [("https://pay.example/x?a=1&b=2", True), ("javascript:alert(1)", False)]
)
def test_only_a_web_address_becomes_a_link(link: str, is_shown: bool) -> None:
    html = render_html(view=make_document(payment_link=link), language="en")

    assert ("<a href" in html) is is_shown
    assert "javascript:" not in html


def test_hebrew_reads_from_right_to_left() -> None:
    html = render_html(view=make_document(), language="he")

    assert '<html lang="he" dir="rtl">' in html
