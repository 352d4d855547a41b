"""The real renderer behind the job: PDF with the XML inside, XML, page; what cannot exist says why."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from dataclasses import replace

import pytest
from pypdf import PdfReader

from connector.adapters.clock import FixedClock
from connector.domain.terms import Address
from connector.store.artifacts import ArtifactKind
from connector.store.issued import load_issued
from connector.usecases.open_file import FileNotReady, FileRefused, list_files, open_file
from connector.usecases.render_artifacts import Rendered, render_artifacts
from connector.usecases.renderer import Renderer
from tests.reviewing import ACME, Finance, sold


@pytest.fixture
def renderer() -> Iterator[Renderer]:
    found = Renderer()
    yield found
    found.close()


def run(finance: Finance, renderer: Renderer) -> Rendered:
    return render_artifacts(database=finance.books.database, clock=finance.desk.clock, render=renderer)


def test_an_issued_invoice_gets_a_pdf_with_its_xml_inside_an_xml_and_a_page(
    finance: Finance, renderer: Renderer
) -> None:
    invoice_id = finance.issued(sold())

    assert run(finance, renderer) == Rendered(made=3)

    pdf, xml, html = (
        open_file(database=finance.books.database, invoice_id=invoice_id, kind=kind)
        for kind in (ArtifactKind.PDF, ArtifactKind.XML, ArtifactKind.HTML)
    )
    reader = PdfReader(io.BytesIO(pdf.content))
    text = "\n".join(page.extract_text() for page in reader.pages)
    assert (pdf.name, pdf.media) == ("DE-2026-000001.pdf", "application/pdf")
    assert "DE-2026-000001" in text
    assert "14.280,00" in text, "in the customer's language"
    assert reader.attachments["factur-x.xml"] == [xml.content]
    assert b"<ram:DuePayableAmount>14280.00</ram:DuePayableAmount>" in xml.content
    assert "14.280,00" in html.content.decode()
    assert pdf.sha256 == hashlib.sha256(pdf.content).hexdigest()


def test_a_document_that_can_have_no_xml_has_a_plain_pdf_and_says_why(finance: Finance, renderer: Renderer) -> None:
    nowhere = replace(ACME, billing_address=Address("Hauptstr. 1", "Atlantis"))
    invoice_id = finance.draft(sold(customer=nowhere, legal_entity="US"))
    finance.approve(invoice_id)

    run(finance, renderer)

    states = {file.kind.value: (file.state.value, file.next_try_at) for file in list_files(
        database=finance.books.database, invoice_id=invoice_id
    )}  # fmt: skip
    assert states == {"pdf": ("made", None), "xml": ("refused", None), "html": ("made", None)}
    with pytest.raises(FileRefused, match=r"has no XML: .*country"):
        open_file(database=finance.books.database, invoice_id=invoice_id, kind=ArtifactKind.XML)
    pdf = open_file(database=finance.books.database, invoice_id=invoice_id, kind=ArtifactKind.PDF)
    assert not PdfReader(io.BytesIO(pdf.content)).attachments


def test_two_renderers_give_equal_bytes(sqlite_finance: Finance, renderer: Renderer) -> None:
    invoice_id = sqlite_finance.issued(sold())
    with sqlite_finance.books.database.reading() as connection:
        frozen = load_issued(connection=connection, invoice_id=invoice_id)
    other = Renderer()
    try:
        for kind in ArtifactKind:
            assert renderer(kind, frozen) == other(kind, frozen)
    finally:
        other.close()


def test_a_document_that_takes_too_long_is_tried_again_and_says_so(sqlite_finance: Finance, clock: FixedClock) -> None:
    invoice_id = sqlite_finance.issued(sold())
    hurried = Renderer(seconds=0.001)
    try:
        run(sqlite_finance, hurried)
    finally:
        hurried.close()

    pdf = list_files(database=sqlite_finance.books.database, invoice_id=invoice_id)[0]
    assert (pdf.state.value, pdf.code) == ("failed", "DOCUMENT_TOO_SLOW")
    assert "was not rendered within 0.001 seconds" in pdf.message
    assert pdf.next_try_at is not None
    assert pdf.next_try_at > clock.now()
    with pytest.raises(FileNotReady, match="The PDF of DE-2026-000001 is being prepared"):
        open_file(database=sqlite_finance.books.database, invoice_id=invoice_id, kind=ArtifactKind.PDF)
