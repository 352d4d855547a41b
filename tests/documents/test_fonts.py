"""Faces, formats and fine print: what the files say and what they must be."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from fontTools.ttLib import TTFont

from connector.documents.fonts import FAMILIES, drawable, families_for, fonts_folder, undrawable
from connector.documents.formats import amount_text, number_text, percent_text, period_text, price_text
from connector.documents.page import page_of
from connector.documents.plain_text import reading
from connector.documents.texts import LANGUAGES, texts_of
from connector.domain.money import Money
from connector.domain.periods import BillingPeriod
from tests.documents.making import make_document


def test_the_list_of_characters_is_that_of_the_files() -> None:
    listed = dict(row.split(" ", 1) for row in (fonts_folder() / "coverage.txt").read_text("ascii").splitlines())
    files = {path.name for path in fonts_folder().glob("*.ttf")}

    assert set(listed) == files == {name for family in FAMILIES for name in (family.regular, family.bold) if name}
    for name, spans in listed.items():
        ends = [span.split("-") for span in spans.split()]
        count = sum(int(end[-1], 16) - int(end[0], 16) + 1 for end in ends)
        with TTFont(fonts_folder() / name, lazy=True) as font:
            assert count == len(font.getBestCmap()), name


def test_every_face_may_be_passed_on() -> None:
    licences = {path.name for path in fonts_folder().glob("*.txt")} - {"coverage.txt"}

    assert licences == {"OFL.txt", "LICENSE-DejaVu.txt"}
    assert "SIL OPEN FONT LICENSE" in (fonts_folder() / "OFL.txt").read_text("utf-8")


@pytest.mark.parametrize("language", LANGUAGES)
def test_our_own_words_can_all_be_drawn(language: str) -> None:
    texts = texts_of(language)
    words = "".join(
        "".join(table.values())
        for table in (texts.title, texts.banner, texts.label, texts.sentence, texts.page, texts.mail)
    )

    assert undrawable(words) == ()


def test_a_plain_document_needs_one_family_and_a_japanese_name_one_more() -> None:
    assert [family.name for family in families_for("Łódź 12 €")] == ["Document Sans"]
    assert [family.name for family in families_for("髙﨑 Inc")] == ["Document Sans", "Document Japanese"]


def test_only_what_has_no_glyph_is_replaced() -> None:
    assert drawable("Ω ж İ ש 株 髙 → 🚀 \u202f.") == "Ω ж İ ש 株 髙 → 🚀 \u00a0."
    assert drawable("한 ok") == "\ufffd ok"
    assert undrawable("a한b한c") == ("한",)


@pytest.mark.parametrize(
    ("language", "shown"),
    [("en", "1,234.50"), ("de", "1.234,50"), ("fr", "1\xa0234,50"), ("es", "1.234,50"), ("ja", "1,234.50")],
)
def test_numbers_are_written_as_the_language_does(language: str, shown: str) -> None:
    assert amount_text(Money(Decimal("1234.50"), "EUR"), texts_of(language)) == shown


def test_every_digit_is_kept() -> None:
    texts = texts_of("en")

    assert number_text(Decimal("12345678901234567890.123456789"), texts) == "12,345,678,901,234,567,890.123456789"
    assert price_text(Decimal("0.00003750"), "USD", texts) == "0.0000375"
    assert price_text(Decimal("240"), "JPY", texts) == "240"
    assert amount_text(Money(Decimal("-0.005"), "KWD"), texts) == "-0.005"
    assert percent_text(Decimal("19.00"), texts) == "19%"
    assert percent_text(Decimal("8.875"), texts_of("de")) == "8,875\xa0%"


def test_a_period_is_told_by_its_last_day() -> None:
    texts = texts_of("de")

    assert period_text(BillingPeriod(date(2026, 11, 1), date(2026, 12, 1)), texts) == "01.11.2026 – 30.11.2026"
    assert period_text(BillingPeriod(date(2026, 11, 1), date(2026, 11, 2)), texts) == "01.11.2026"


@pytest.mark.parametrize(
    ("text", "direction"), [("abc שלום", "ltr"), ("12 שלום abc", "rtl"), ("مرحبا", "rtl"), ("", "ltr")]
)
def test_a_text_is_read_in_the_direction_of_its_first_letter(text: str, direction: str) -> None:
    assert reading(text) == direction


def test_long_descriptions_become_several_rows_without_losing_a_letter() -> None:
    view = make_document()
    words = " ".join(f"{number}" for number in range(1000))
    page = page_of(view=replace(view, lines=(replace(view.lines[0], description=words),)), texts=texts_of("en"))
    line = page["lines"][0]  # type: ignore[index]

    assert " ".join([line["description"], *line["more"]]) == words
    assert max(len(text) for text in line["more"]) <= 600
