"""What makes each file of an issued document: the PDF in a process of its own, the XML and the page here.

Exists so that the job that renders knows kinds and not libraries. The PDF carries the XML inside where the document can
have one; a document that cannot is a plain PDF, and its XML says why it is missing. One renderer belongs to one thread
at a time.
"""

from __future__ import annotations

from connector.documents.apart import PdfWorker
from connector.documents.cii import cii_xml
from connector.documents.cii_writing import UnfitForXml
from connector.documents.facturx import with_xml
from connector.documents.html import render_html
from connector.domain.languages import language_of
from connector.store.artifacts import ArtifactKind
from connector.store.issued import FrozenDocument

DEFAULT_SECONDS = 120.0


class Renderer:
    """Renders the files of documents; starts its process when first needed, `close` ends it.

    `seconds` is the most that one PDF may take.
    """

    def __init__(self, *, seconds: float = DEFAULT_SECONDS) -> None:
        self._seconds = seconds
        self._worker = PdfWorker()

    def __call__(self, kind: ArtifactKind, frozen: FrozenDocument) -> bytes:
        """The bytes of the file, the same for the same document. Raises UnfitForXml for an XML that cannot exist, and
        what `PdfWorker.render` raises.
        """
        language = language_of(frozen.view.buyer.address.country)
        if kind is ArtifactKind.XML:
            return cii_xml(view=frozen.view, language=language)
        if kind is ArtifactKind.HTML:
            return render_html(view=frozen.view, language=language).encode()
        return self._pdf(frozen, language)

    def close(self) -> None:
        """End the process that renders, if there is one."""
        self._worker.close()

    def _pdf(self, frozen: FrozenDocument, language: str) -> bytes:
        pdf = self._worker.render(view=frozen.view, language=language, seconds=self._seconds)
        try:
            xml = cii_xml(view=frozen.view, language=language)
        except UnfitForXml:
            # The wish for the XML itself is refused for the same reason, visibly.
            return pdf
        return with_xml(pdf=pdf, xml=xml, made_on=frozen.view.issued_on)
