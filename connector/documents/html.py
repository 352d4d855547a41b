"""A document as HTML: a page that stands alone, a fragment for a page of ours, or the source of its PDF.

Exists so that what a reviewer approves, what a customer opens and what is printed come from one template. Every value
is escaped, and a name that the template does not get is an error. It reads nothing but our own templates.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup

from connector.documents.fonts import Family
from connector.documents.page import page_of
from connector.documents.plain_text import reading
from connector.documents.texts import texts_of
from connector.domain.documents import DocumentView

# The PDF library measures the rest of a table again on every page, so one long table grows with the square. Above so
# many rows it becomes many short tables; their heads stand in a frame of the page, and the count of all pages, which
# would need a second run over everything, is left out.
_LONG = 150
_PDF_ROWS = 25


def render_html(*, view: DocumentView, language: str) -> str:
    """The document as a whole HTML page with its styles, in one of LANGUAGES."""
    page = _in_chunks(page_of(view=view, texts=texts_of(language)), rows=None)
    return _environment().get_template("invoice/document.html").render(page=page, is_pdf=False, families=())


def render_fragment(*, view: DocumentView, language: str) -> Markup:
    """The document alone, for a page of ours that brings `document_styles` along."""
    page = _in_chunks(page_of(view=view, texts=texts_of(language)), rows=None)
    return Markup(_environment().get_template(f"{page['kind']}/body.html").render(page=page))  # noqa: S704


def document_styles() -> str:
    """The style sheet for `render_fragment`."""
    return _environment().get_template("invoice/screen.css").render()


def hosted_template(name: str) -> Template:
    """The layout of one of the customer's pages."""
    return _environment().get_template(f"hosted/{name}")


def mail_template(name: str) -> Template:
    """The wording of a mail; only the HTML one is escaped."""
    environment = _environment() if name.endswith(".html") else _plain_environment()
    return environment.get_template(f"mail/{name}")


def render_source(*, page: Mapping[str, object], families: tuple[Family, ...], pages: int) -> str:
    """The HTML that the PDF is made of; `pages` is how many it will have, 0 to leave that out."""
    chunked = _in_chunks(page, rows=_PDF_ROWS if is_long(page) else None)
    template = _environment().get_template("invoice/document.html")
    return template.render(page=chunked, is_pdf=True, families=families, pages=pages)


def render_order_form_source(*, page: Mapping[str, object], families: tuple[Family, ...]) -> str:
    """The HTML that the PDF of an order form is made of."""
    return _environment().get_template("order_form/document.html").render(page=page, families=families)


def is_long(page: Mapping[str, object]) -> bool:
    """Whether the document has so many rows that its PDF is laid out in another way."""
    return len(_lines(page)) > _LONG


def _in_chunks(page: Mapping[str, object], rows: int | None) -> dict[str, object]:
    lines = _lines(page)
    size = rows or max(1, len(lines))
    chunks = [lines[start : start + size] for start in range(0, len(lines), size)]
    return {**page, "chunks": chunks, "is_long": rows is not None}


def _lines(page: Mapping[str, object]) -> list[object]:
    lines = page["lines"]
    if not isinstance(lines, list):
        raise TypeError("the lines of a page are a list")
    return lines


@cache
def _environment() -> Environment:
    return _made(is_escaped=True)


@cache
def _plain_environment() -> Environment:
    """For text that no browser reads."""
    return _made(is_escaped=False)


def _made(*, is_escaped: bool) -> Environment:
    environment = Environment(
        loader=PackageLoader("templates", ""),
        undefined=StrictUndefined,
        autoescape=is_escaped,  # noqa: S701 - only the text part of a mail is not escaped
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.globals.clear()
    environment.filters["reading"] = reading
    return environment
