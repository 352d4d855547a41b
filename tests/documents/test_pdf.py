"""Documents as PDF: their text, their bytes, and what stops one."""

from __future__ import annotations

import io
import logging
import subprocess
import sys
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from pypdf import PdfReader

from connector.documents.pdf import DocumentFailed, likely_pages, render_pdf, render_pdf_source
from connector.documents.texts import LANGUAGES, texts_of
from connector.domain.documents import DocumentState, Party
from connector.domain.tax import Tax, TaxCategory
from connector.domain.terms import Address
from tests.documents.making import (
    ISSUED_ON,
    SELLER,
    STANDARD,
    make_credit_note,
    make_document,
    make_long_document,
    make_row,
)

NAMES = {
    "Latin": "Łódź Žluťoučký Kůň Ærøskøbing Ĳssel ß ĐƠN",
    "Greek": "Ακρόπολις Ανώνυμη Εταιρεία",
    "Cyrillic": "Объединённая компания Їжак",
    "Turkish": "İstanbul Yazılım Şirketi ığüşöç",
    "Japanese": "株式会社 青空テクノロジー ｱｵｿﾞﾗ",
}


def text_of(pdf: bytes) -> str:
    return "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_number_total_and_its_own_words(language: str) -> None:
    text = text_of(render_pdf(view=make_document(), language=language)).replace("\xa0", " ")
    title = texts_of(language).title["invoice"]

    assert "DE-2026-000042" in text
    assert {"fr": "1 190,00", "de": "1.190,00", "es": "1.190,00"}.get(language, "1,190.00") in text
    assert title in text


@pytest.mark.parametrize("script", sorted(NAMES))
def test_a_name_of_any_script_is_drawn_with_its_own_letters(script: str) -> None:
    name = NAMES[script]
    view = make_document(make_row(description=name), buyer=Party(name, Address(name, country="Japan")))

    assert text_of(render_pdf(view=view, language="en")).count(name) == 3


def test_hebrew_and_arabic_are_drawn_from_right_to_left() -> None:
    view = make_document(memo="שלום עולם 2026\nمرحبا")
    text = text_of(render_pdf(view=view, language="en"))

    assert "שלום עולם" in text
    assert "2026" in text
    assert "ﻣﺮﺣﺒﺎ" in text, "Arabic letters are joined"


def test_equal_input_gives_equal_bytes_and_other_input_other_bytes() -> None:
    view = make_document()
    first = render_pdf(view=view, language="de")
    render_pdf(view=make_credit_note(), language="ja")

    assert render_pdf(view=view, language="de") == first
    assert render_pdf(view=replace(view, memo="x"), language="de") != first


def test_another_process_time_zone_and_hash_seed_give_the_same_bytes() -> None:
    code = (
        "import sys; from tests.documents.making import make_document; from connector.documents.pdf import render_pdf;"
        "sys.stdout.buffer.write(render_pdf(view=make_document(), language='en'))"
    )
    root = Path(__file__).parent.parent.parent
    environment = {"TZ": "Asia/Tokyo", "PYTHONHASHSEED": "7", "PATH": "", "PYTHONPATH": str(root)}
    other = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, check=True, cwd=root)

    assert other.stdout == render_pdf(view=make_document(), language="en")


def test_the_file_says_title_author_language_and_its_own_date() -> None:
    reader = PdfReader(io.BytesIO(render_pdf(view=make_document(), language="en")))
    information = reader.metadata

    assert information is not None
    assert information.title == "Invoice DE-2026-000042"
    assert information.author == SELLER.name
    assert information.creation_date is not None
    assert information.creation_date.date() == ISSUED_ON
    assert information.modification_date == information.creation_date
    assert reader.trailer["/Root"]["/Lang"] == "en"


def test_all_fonts_are_embedded() -> None:
    reader = PdfReader(io.BytesIO(render_pdf(view=make_document(memo="株 😀 →"), language="en")))
    fonts = [font.get_object() for font in reader.pages[0]["/Resources"]["/Font"].values()]
    drawn = {str(font["/BaseFont"]) for font in fonts if "/FontDescriptor" in font}

    assert {name.partition("+")[2] for name in drawn} >= {"NotoSans-Regular", "NotoSans-Bold"}
    assert all("/FontFile2" in font["/FontDescriptor"] for font in fonts if "/FontDescriptor" in font)


def test_a_second_page_repeats_the_heads_and_counts_the_pages() -> None:
    reader = PdfReader(io.BytesIO(render_pdf(view=make_long_document(45), language="en")))
    texts = [page.extract_text() for page in reader.pages]

    assert len(texts) > 1
    assert "Unit price" in texts[0]
    assert "Unit price" in texts[1]
    assert f"Page 2 of {len(texts)}" in texts[1]
    assert all("DE-2026-000042" in text for text in texts)
    assert [number for number in range(1, 46) if f"Module {number}, " not in "\n".join(texts)] == []


def test_a_document_of_very_many_rows_has_all_of_them_and_heads_on_each_page() -> None:
    reader = PdfReader(io.BytesIO(render_pdf(view=make_long_document(160), language="en")))
    texts = [page.extract_text() for page in reader.pages]

    assert [number for number in range(1, 161) if f"Module {number}, " not in "\n".join(texts)] == []
    assert all("Unit price" in text for text in texts[:-1])
    assert all(text.count("Unit price") == 1 for text in texts[:-1])
    assert "Page 2" in texts[1]


def test_pages_are_counted_right_where_the_guess_is_wrong() -> None:
    view = make_document(memo="short\n" * 60)
    reader = PdfReader(io.BytesIO(render_pdf(view=view, language="en")))

    assert likely_pages(view) != len(reader.pages)
    for number, page in enumerate(reader.pages, start=1):
        assert f"Page {number} of {len(reader.pages)}" in page.extract_text()


def test_sums_stand_together_on_one_page() -> None:
    for rows in range(17, 21):
        texts = [
            page.extract_text()
            for page in PdfReader(io.BytesIO(render_pdf(view=make_long_document(rows), language="en"))).pages
        ]

        assert [("Net total" in text) == ("Amount due" in text) for text in texts] == [True] * len(texts)


def test_long_texts_are_shown_whole() -> None:
    words = " ".join(f"word{number}" for number in range(700))
    view = make_document(make_row(description=words), memo=words, buyer=Party("Ärzte " * 60, Address("Street " * 40)))
    text = " ".join(text_of(render_pdf(view=view, language="en")).split())

    assert all(text.count(f"word{number}") >= 2 for number in range(700))
    assert text.count("Ärzte") == 60


def test_five_thousand_characters_in_every_field_are_shown_whole() -> None:
    text = ("Ärzte für Zahlen " * 300)[:5000]
    buyer = Party(text, Address(text, text, text, text, "DE"), text, "DE123", contact=text)
    view = make_document(make_row(description=text), memo=text, reason=text, buyer=buyer, po_number=text)
    shown = text_of(render_pdf(view=view, language="en")).count("Ärzte")

    assert shown == 11 * text.count("Ärzte")


def test_a_word_without_end_stays_on_the_page() -> None:
    view = make_document(make_row(description="W" * 700), memo="M" * 5000)
    text = text_of(render_pdf(view=view, language="en"))

    assert text.count("W") >= 700
    assert text.count("M") >= 5000


def test_what_no_font_can_draw_is_seen_as_missing() -> None:
    text = text_of(render_pdf(view=make_document(memo="한국 ok \U00013000"), language="en"))

    assert "\ufffd\ufffd ok \ufffd" in text


def test_a_draft_says_so() -> None:
    text = text_of(render_pdf(view=make_document(state=DocumentState.DRAFT, number=None), language="en"))

    assert "DRAFT" in text
    assert "Not an invoice." in text


@pytest.mark.parametrize(
    ("currency", "amount", "shown"),
    [("JPY", "120000", "132,000 JPY"), ("KWD", "10.505", "11.556 KWD"), ("USD", "10.50", "11.55 USD")],
)
def test_amounts_have_the_places_of_their_currency(currency: str, amount: str, shown: str) -> None:
    view = make_document(
        make_row(amount=amount, currency=currency), currency=currency, taxes=(Tax(Decimal(10), TaxCategory.STANDARD),)
    )

    assert shown in text_of(render_pdf(view=view, language="en")).replace("\xa0", " ")


def test_a_warning_of_the_library_is_a_failure_however_little_is_logged() -> None:
    source = "<html><body><p style='font-family: Nowhere'>text</p></body></html>"
    logging.getLogger("xhtml2pdf").setLevel(logging.CRITICAL)
    try:
        with pytest.raises(DocumentFailed, match="nowhere"):
            render_pdf_source(source=source, made_on=ISSUED_ON)
        assert logging.getLogger("xhtml2pdf").level == logging.CRITICAL
    finally:
        logging.getLogger("xhtml2pdf").setLevel(logging.NOTSET)


def test_a_row_without_tax_shows_a_dash() -> None:
    view = make_document(make_row(), make_row(2), taxes=(STANDARD, Tax(Decimal(0), TaxCategory.NOT_SUBJECT)))

    assert "–" in text_of(render_pdf(view=view, language="en"))
