"""Documents as pictures: ink where it belongs, and none beyond the margins, whatever people write."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pypdfium2
import pytest
import zxingcpp
from PIL import Image, ImageChops

from connector.documents.pdf import render_pdf
from connector.documents.texts import LANGUAGES
from connector.domain.documents import DocumentState, DocumentView, Party
from connector.domain.terms import Address
from tests.documents.making import BUYER, SELLER, make_credit_note, make_document, make_long_document, make_row

# Points to pixels; the margins of the sheet in points: left, top, right, bottom.
_SCALE = 1.0
_MARGINS = (55, 43, 541, 824)
_LONG = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft"

VIEWS: dict[str, Callable[[], DocumentView]] = {
    "one row": make_document,
    "sixty rows": lambda: make_long_document(60),
    "very many rows": lambda: make_long_document(151),
    "credit note": make_credit_note,
    "draft": lambda: make_document(state=DocumentState.DRAFT, number=None),
    "long words": lambda: make_document(
        make_row(description=_LONG * 5, unit_price=make_row().unit_price / 7),
        buyer=Party(_LONG * 2, Address(_LONG, _LONG, _LONG, _LONG, "Denmark"), _LONG, _LONG, contact=_LONG),
        seller=replace(SELLER, name=_LONG, registration=_LONG * 3, website="w" * 200),
        number="DE-2026-000000000000000042",
        po_number="9" * 120,
        memo=_LONG * 20,
    ),
    "wide letters": lambda: make_document(
        make_row(description="株式会社" * 80), buyer=replace(BUYER, name="株式会社" * 30), memo="請求" * 400
    ),
    "large amounts": lambda: make_document(make_row(amount="98765432109876.54")),
}


def pictures_of(pdf: bytes) -> list[Image.Image]:
    """The pages in grey."""
    document = pypdfium2.PdfDocument(pdf)
    try:
        return [page.render(scale=_SCALE).to_pil().convert("L") for page in document]
    finally:
        document.close()


def ink(picture: Image.Image) -> tuple[int, int, int, int]:
    """The smallest box that holds everything drawn."""
    box = ImageChops.invert(picture).point(lambda value: 255 if value > 24 else 0).getbbox()
    assert box is not None, "the page is blank"
    return box


@pytest.mark.parametrize("name", sorted(VIEWS))
def test_nothing_is_drawn_beyond_the_margins(name: str) -> None:
    for picture in pictures_of(render_pdf(view=VIEWS[name](), language="en")):
        left, top, right, bottom = ink(picture)

        assert left >= _MARGINS[0] * _SCALE, name
        assert top >= _MARGINS[1] * _SCALE, name
        assert right <= _MARGINS[2] * _SCALE, name
        assert bottom <= _MARGINS[3] * _SCALE, name


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_first_page_begins_and_ends_at_both_margins(language: str) -> None:
    (picture,) = pictures_of(render_pdf(view=make_document(), language=language))
    left, top, right, bottom = ink(picture)

    assert (left - 57, 539 - right) == pytest.approx((0, 0), abs=2)
    assert top < 75
    assert bottom > 790


def test_hebrew_is_the_mirror_of_english() -> None:
    """The payment code stands at the end of the line: right in English, left in Hebrew."""
    middle = 297
    for language, is_left in (("en", False), ("he", True)):
        (picture,) = pictures_of(render_pdf(view=make_document(), language=language))
        squares = [x for x in range(57, 539) if sum(picture.getpixel((x, y)) < 60 for y in range(380, 460)) > 25]

        assert squares, language
        assert all((x < middle) is is_left for x in squares), language


@pytest.mark.parametrize("language", ["en", "he"])
def test_the_payment_code_on_the_page_can_be_scanned(language: str) -> None:
    view = make_document(buyer=replace(BUYER, name="Žluťoučký Kůň"))
    document = pypdfium2.PdfDocument(render_pdf(view=view, language=language))
    try:
        (found,) = zxingcpp.read_barcodes(document[0].render(scale=3).to_pil())
    finally:
        document.close()

    assert found.text == view.payment.code
    assert "EUR1190.00" in found.text


def test_a_code_with_letters_beyond_ascii_is_read_as_it_was_written() -> None:
    account = replace(SELLER.bank_accounts[0], holder="Größenwahn & Söhne GmbH")
    view = make_document(seller=replace(SELLER, bank_accounts=(account,)))
    document = pypdfium2.PdfDocument(render_pdf(view=view, language="de"))
    try:
        (found,) = zxingcpp.read_barcodes(document[0].render(scale=3).to_pil())
    finally:
        document.close()

    assert found.bytes.decode("utf-8").split("\n")[5] == "Größenwahn & Söhne GmbH"
