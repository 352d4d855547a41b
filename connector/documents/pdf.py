"""A document as PDF bytes: the same input gives the same bytes, and nothing outside our assets is read.

Exists as the one seam between us and the PDF library, so that another could stand here. Everything that the library
has doubts about is a failure: an invoice with a missing picture or glyph must not leave. It must not be called inside
a transaction or a web request; `apart` runs it in a process of its own, with a time limit.
"""

from __future__ import annotations

import hashlib
import io
import logging
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

from xhtml2pdf import pisa
from xhtml2pdf.config.resources import RenderLimitError, ResourceAccessPolicy

from connector.documents.fonts import drawable, families_for, fonts_folder
from connector.documents.html import is_long, render_source
from connector.documents.page import page_of
from connector.documents.texts import texts_of
from connector.domain.documents import DocumentView
from connector.errors import ConnectorError

# A document that needs longer has thousands of lines; the process around it has its own limit too.
_LONGEST_SECONDS = 300
_MOST_BYTES = 30 * 1024 * 1024
_DATES = re.compile(rb"(/(?:CreationDate|ModDate) \()D:\d{14}[+-]\d\d'\d\d'\)")
_FILE_ID = re.compile(rb"/ID\s*\[.*?\](?=\s*%)", re.DOTALL)
_COUNT = re.compile(rb"/Count (\d+) /Kids \[[^\]]*\] /Type /Pages\b")
# What a page holds, in rows of a table: on the first, on the others, and what stands after the rows.
_ROWS_FIRST, _ROWS_MORE, _ROWS_AFTER, _LETTERS = 18, 25, 9, 50
_LIBRARIES = ("xhtml2pdf", "reportlab", "svglib", "pypdf")


class DocumentFailed(ConnectorError):
    """A document could not be rendered."""

    code = "DOCUMENT_FAILED"
    owner = "operator"
    fix = "Nothing was sent. It is rendered again by itself; if it fails again, report the text of this error."


def render_pdf(*, view: DocumentView, language: str) -> bytes:
    """The document as a PDF in one of LANGUAGES. Raises DocumentFailed with what the library said."""
    page = _page(view, language)
    if is_long(page):
        return render_pdf_source(source=_source(page, pages=0), made_on=view.issued_on)
    guess = likely_pages(view)
    pdf = render_pdf_source(source=_source(page, pages=guess), made_on=view.issued_on)
    count = page_count(pdf)
    if count == guess:
        return pdf
    return render_pdf_source(source=_source(page, pages=count), made_on=view.issued_on)


def pdf_source(*, view: DocumentView, language: str) -> tuple[str, Path]:
    """The HTML that a document's PDF is made of, and the folder that its fonts are in."""
    return _source(_page(view, language), pages=likely_pages(view)), fonts_folder()


def render_pdf_source(*, source: str, made_on: date) -> bytes:
    """HTML of ours as a PDF dated `made_on`. Raises DocumentFailed."""
    with _warnings() as said:
        written = _convert(source)
    if said:
        raise DocumentFailed(f"The PDF would not be complete: {' '.join(dict.fromkeys(said))[:1000]}")
    return _dated(written, made_on)


def likely_pages(view: DocumentView) -> int:
    """How many pages the document will probably have.

    The library counts pages by laying everything out twice. A good guess saves that; a wrong one costs what it saved.
    """
    rows = sum(1 + len(line.description) // _LETTERS + len(line.note) // _LETTERS for line in view.lines)
    rest = rows + _ROWS_AFTER + len(view.memo) // _LETTERS - _ROWS_FIRST
    return 1 + max(0, -(-rest // _ROWS_MORE))


def page_count(pdf: bytes) -> int:
    """How many pages a PDF of ours has. Raises DocumentFailed when it does not say so as expected."""
    counts = _COUNT.findall(pdf)
    if len(counts) != 1:
        raise DocumentFailed("The PDF does not say how many pages it has where this release expects it.")
    return int(counts[0])


def _page(view: DocumentView, language: str) -> dict[str, Any]:
    return {key: _drawable(value) for key, value in page_of(view=view, texts=texts_of(language)).items()}


def _source(page: Mapping[str, Any], pages: int) -> str:
    return render_source(page=page, families=families_for("".join(_texts(page))), pages=pages)


def _convert(source: str) -> bytes:
    target = io.BytesIO()
    folder = fonts_folder()
    policy = ResourceAccessPolicy.server(
        folder, max_render_seconds=_LONGEST_SECONDS, max_document_bytes=_MOST_BYTES, max_resources=20
    )
    try:
        # The library has no types of its own.
        create: Any = pisa.CreatePDF
        result = create(source, dest=target, path=str(folder / "document.html"), resource_policy=policy)
    except RenderLimitError as error:
        raise DocumentFailed(f"The document is too large: {error}") from error
    except (
        ValueError,
        TypeError,
        AttributeError,
        KeyError,
        IndexError,
        OSError,
        RuntimeError,
        ArithmeticError,
    ) as error:
        raise DocumentFailed(f"The PDF library failed: {type(error).__name__}: {error}") from error
    if result.err:
        raise DocumentFailed(f"The PDF library found {result.err} errors.")
    return target.getvalue()


@contextmanager
def _warnings() -> Iterator[list[str]]:
    """What the library logs as a warning or worse while the block runs; it reports refused resources nowhere else.

    Heard whatever level the service logs at, and from this thread alone.
    """
    collector = _Collector()
    loggers = [logging.getLogger(name) for name in _LIBRARIES]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.addHandler(collector)
        logger.setLevel(logging.WARNING)
    try:
        yield collector.said
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.removeHandler(collector)
            logger.setLevel(level)


class _Collector(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.said: list[str] = []
        self._thread = threading.get_ident()

    def emit(self, record: logging.LogRecord) -> None:
        if record.thread == self._thread:
            self.said.append(" ".join(record.getMessage().split())[:300])


def _dated(pdf: bytes, day: date) -> bytes:
    """The bytes with the document's date for the time of the rendering, and an id made from the content.

    Dates have the same length as before, so that every position in the file stays right; the id stands behind them all.
    """
    stamp = b"D:%s000000+00'00'" % day.strftime("%Y%m%d").encode()
    dated, dates = _DATES.subn(lambda found: found.group(1) + stamp + b")", pdf)
    start = dated.rfind(b"trailer")
    digest = hashlib.sha256(_FILE_ID.sub(b"", dated)).hexdigest()[:32].encode()
    tail, ids = _FILE_ID.subn(b"/ID [<%s><%s>]" % (digest, digest), dated[start:])
    if (dates, ids) != (2, 1) or len(dated) != len(pdf):
        raise DocumentFailed("The PDF has its dates and its id where this release does not expect them.")
    return dated[:start] + tail


def _drawable(value: Any) -> Any:
    if isinstance(value, str):
        return drawable(value)
    if isinstance(value, Mapping):
        return {key: _drawable(entry) for key, entry in value.items()}
    return [_drawable(entry) for entry in value] if isinstance(value, list) else value


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for entry in value.values():
            yield from _texts(entry)
    elif isinstance(value, list):
        for entry in value:
            yield from _texts(entry)
