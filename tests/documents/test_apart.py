"""Rendering in a process of its own: the same bytes, a limit of time, and what happens when it is broken."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest

from connector.documents.apart import PdfWorker, RenderProcessLost, RenderTimedOut, render_pdf_apart
from connector.documents.pdf import DocumentFailed, render_pdf
from tests.documents.making import SELLER, make_document, make_long_document

_PATIENCE = 120


def test_another_process_gives_the_same_bytes() -> None:
    view = make_document()

    assert render_pdf_apart(view=view, language="de", seconds=_PATIENCE) == render_pdf(view=view, language="de")


def test_one_process_renders_many_and_gives_reasons_for_what_fails() -> None:
    view = make_document()
    with PdfWorker() as worker:
        first = worker.render(view=view, language="en", seconds=_PATIENCE)
        with pytest.raises(DocumentFailed, match="PNG"):
            worker.render(view=make_document(seller=replace(SELLER, logo=b"no")), language="en", seconds=_PATIENCE)
        with pytest.raises(DocumentFailed, match="Klingon"):
            worker.render(view=view, language="Klingon", seconds=_PATIENCE)

        assert worker.render(view=view, language="en", seconds=_PATIENCE) == first


def test_what_takes_too_long_is_ended_and_says_why_and_the_next_one_is_rendered() -> None:
    with PdfWorker() as worker:
        worker.render(view=make_document(), language="en", seconds=_PATIENCE)
        with pytest.raises(
            RenderTimedOut, match=r"DE-2026-000042 with 2000 lines was not rendered within 0\.2 seconds"
        ):
            worker.render(view=make_long_document(2000), language="en", seconds=0.2)

        assert worker.render(view=make_document(), language="en", seconds=_PATIENCE).startswith(b"%PDF")


def test_a_process_that_was_killed_is_replaced() -> None:
    with PdfWorker() as worker:
        worker.render(view=make_document(), language="en", seconds=_PATIENCE)
        assert worker.process_id is not None
        os.kill(worker.process_id, 9)
        try:
            worker.render(view=make_document(), language="en", seconds=_PATIENCE)
        except RenderProcessLost as lost:
            assert "DE-2026-000042" in str(lost)

        assert worker.render(view=make_document(), language="en", seconds=_PATIENCE).startswith(b"%PDF")


def test_the_process_ends_with_its_user() -> None:
    with PdfWorker() as worker:
        worker.render(view=make_document(), language="en", seconds=_PATIENCE)
        process_id = worker.process_id
    assert process_id is not None

    with pytest.raises(ProcessLookupError):
        os.kill(process_id, 0)
    assert worker.process_id is None
