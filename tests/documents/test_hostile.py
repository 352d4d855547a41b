"""Names and memos that try to be something else: they are text, on the page and in the PDF, and reach nothing."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from lxml import etree
from pypdf import PdfReader

from connector.documents.cii import cii_xml
from connector.documents.fonts import undrawable
from connector.documents.html import render_html
from connector.documents.pdf import DocumentFailed, render_pdf, render_pdf_source
from connector.documents.plain_text import readable
from connector.domain.documents import DocumentView, Party, Seller
from connector.domain.terms import Address
from tests.documents.making import BUYER, ISSUED_ON, SELLER, make_document, make_row

_SECRET = "THE-SECRET-THAT-NOBODY-MAY-READ"


@dataclass
class Trap:
    """A server that must never be called and a file that must never be read."""

    url: str
    file: Path
    calls: list[str] = field(default_factory=list)


@pytest.fixture
def trap(tmp_path: Path) -> Iterator[Trap]:
    calls: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            calls.append(self.path)
            self.send_error(404)

        def log_message(self, format: str, *args: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    secret = tmp_path / "secret.txt"
    secret.write_text(_SECRET, encoding="ascii")
    yield Trap(f"http://127.0.0.1:{server.server_port}", secret, calls)
    server.shutdown()
    thread.join()
    server.server_close()


# Each is put into every text of a document; {url} and {file} are the trap's.
ATTACKS = {
    "picture from the network": '<img src="{url}/a.png">',
    "picture from a file": '<img src="file://{file}">',
    "picture from a path": "<img src='{file}'/>",
    "style from the network": "<style>@import url({url}/a.css); * {{ background: url({url}/b.png) }}</style>",
    "style attribute": '" style="background-image:url({url}/c.png)" x="',
    "linked style": '<link rel="stylesheet" href="{url}/d.css">',
    "script": "<script src={url}/e.js></script>",
    "frame": '<iframe src="file://{file}"></iframe><object data="{url}/f"></object><embed src="{file}">',
    "inclusion": '<xi:include href="file://{file}" parse="text" xmlns:xi="http://www.w3.org/2001/XInclude"/>',
    "entity": '<!DOCTYPE x [<!ENTITY e SYSTEM "file://{file}">]><x>&e;</x>',
    "drawing": '<svg><image href="{url}/g.svg" xlink:href="file://{file}"/></svg>',
    "tags of the PDF library": '<pdf:font src="{url}/h.ttf" name="x"/><pdf:insertpdf src="{file}"><pdf:barcode>',
    "attachment": '<a rel="attachment" href="file://{file}">x</a>',
    "end of everything": '</p></td></tr></table></div></body></html><img src="{url}/i.png">',
    "template": "{{{{ 7*7 }}}} {{% include '{file}' %}} {{{{ config }}}}",
    "pattern": "{{number}} {{0.__class__}} %s %(x)s",
    "formula": '=HYPERLINK("{url}/j","x")',
    "comment": "<!-- --><![CDATA[ <img src={url}/k> ]]>",
}


def attacked(text: str) -> DocumentView:
    """A document in which every text that somebody outside can write is the attack."""
    address = Address(text, text, text, text, "DE")
    view = make_document(
        make_row(description=text, product_code=text, reason=text),
        buyer=Party(text, address, text, BUYER.tax_id, text, text, text),
        payer=Party(text, address, contact=text),
        po_number=text,
        memo=text,
        reason="",
    )
    return replace(view, contract_refs=(text,), order_refs=(text,))


def text_of(pdf: bytes) -> str:
    return "".join("".join(page.extract_text().split()) for page in PdfReader(io.BytesIO(pdf)).pages)


@pytest.mark.parametrize("attack", sorted(ATTACKS))
def test_an_attack_is_shown_as_text_and_reaches_nothing(attack: str, trap: Trap) -> None:
    text = ATTACKS[attack].format(url=trap.url, file=trap.file)

    pdf = render_pdf(view=attacked(text), language="en")
    html = render_html(view=attacked(text), language="en")

    assert "".join(text.split()) in text_of(pdf)
    assert _SECRET.encode() not in pdf
    assert _SECRET not in text_of(pdf) + html
    assert trap.calls == []
    assert html.count("<img") == render_html(view=make_document(), language="en").count("<img")
    assert html.count("<style") == 1
    assert "<script" not in html


@pytest.mark.parametrize(
    "source",
    [
        '<img src="{url}/a.png">',
        '<img src="file://{file}">',
        '<img src="{file}">',
        '<img src="../../../pyproject.toml">',
        "<div style=\"background-image: url('{url}/b.png')\">x</div>",
        '<style>@import url("{url}/c.css");</style><p>x</p>',
        '<style>@font-face {{ font-family: A; src: url("{url}/d.ttf") }} p {{ font-family: A }}</style><p>x</p>',
        '<link rel="stylesheet" href="{url}/e.css"><p>x</p>',
        '<pdf:insertpdf src="{file}"/><p>x</p>',
    ],
)
def test_markup_that_got_in_by_mistake_reaches_nothing_either_and_stops_the_document(source: str, trap: Trap) -> None:
    """The second wall: were our template to let markup through, the renderer would refuse and fail, not fetch."""
    html = f"<html><body>{source.format(url=trap.url, file=trap.file)}</body></html>"

    with pytest.raises(DocumentFailed):
        render_pdf_source(source=html, made_on=ISSUED_ON)

    assert trap.calls == []


def test_marks_that_turn_the_reading_direction_are_taken_out() -> None:
    text = "\u202e00.001 RUE\u202c \u2067x\u2069 a\u200fb"
    view = make_document(memo=text)

    assert readable(text) == "00.001 RUE x a\u200fb"
    html = render_html(view=view, language="en")
    assert not set(html) & set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def test_control_characters_and_half_pairs_stop_nothing() -> None:
    view = make_document(make_row(description="a\x00b\x07c\ud800d\ufffe"), memo="line\x0bone\u2028line two\x85three")

    assert "abcd" in render_html(view=view, language="en")
    assert "linetwo" in text_of(render_pdf(view=view, language="en"))
    assert b"abcd" in cii_xml(view=view)


def test_emoji_are_drawn_and_their_steering_marks_are_not() -> None:
    text = "Launch 🚀 👩\u200d💻 ❤\ufe0f ✅"
    pdf = render_pdf(view=make_document(make_row(description=text)), language="en")

    # The renderer writes no text layer for characters beyond U+FFFF, so only their font tells that they are there.
    assert undrawable(text) == ()
    assert b"NotoEmoji" in pdf
    assert "✅" in text_of(pdf)
    assert "\ufffd" not in text_of(pdf)


@pytest.mark.parametrize("formula", ["=1+1", "+1+1", "-2+3", "@SUM(A1)", "\t=1", "=cmd|' /C calc'!A0"])
def test_a_formula_is_a_text_like_any_other(formula: str) -> None:
    view = make_document(memo=formula, buyer=replace(BUYER, name=formula))

    assert text_of(render_pdf(view=view, language="en")).count("".join(formula.split())) == 2


@pytest.mark.parametrize("attack", sorted(ATTACKS))
def test_the_xml_holds_an_attack_as_text(attack: str, trap: Trap) -> None:
    text = ATTACKS[attack].format(url=trap.url, file=trap.file)

    xml = cii_xml(view=attacked(text))

    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    found = ["".join(element.itertext()) for element in etree.fromstring(xml, parser).iter()]
    assert " ".join(text.split()) in found
    assert trap.calls == []
    assert _SECRET.encode() not in xml


def test_a_logo_that_is_no_png_is_refused() -> None:
    seller: Seller = replace(SELLER, logo=b"<svg onload=alert(1)>")
    with pytest.raises(ValueError, match="PNG"):
        render_html(view=make_document(seller=seller), language="en")
