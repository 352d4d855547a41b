"""The XML inside the PDF: one file for people and machines, as Factur-X and ZUGFeRD readers look for it.

Exists so that a customer gets one attachment. The file is embedded under its prescribed name, related as the
alternative of the page, and announced in the metadata. It does not claim PDF/A-3: the PDF library cannot make one, and
a claim that nobody validated would be false; where a receiver demands PDF/A-3, send the XML beside the PDF.
"""

from __future__ import annotations

import hashlib
import io
from datetime import date
from xml.sax.saxutils import escape

from pypdf import PdfReader, PdfWriter
from pypdf.generic import (
    ArrayObject,
    ByteStringObject,
    DecodedStreamObject,
    DictionaryObject,
    NameObject,
    NumberObject,
    TextStringObject,
)

FILE_NAME = "factur-x.xml"
_METADATA = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/">
<dc:title><rdf:Alt><rdf:li xml:lang="x-default">{title}</rdf:li></rdf:Alt></dc:title></rdf:Description>
<rdf:Description rdf:about="" xmlns:fx="urn:factur-x:pdfa:CrossIndustryDocument:invoice:1p0#">
<fx:DocumentType>INVOICE</fx:DocumentType><fx:DocumentFileName>{name}</fx:DocumentFileName>
<fx:Version>1.0</fx:Version><fx:ConformanceLevel>EN 16931</fx:ConformanceLevel></rdf:Description>
</rdf:RDF></x:xmpmeta>
<?xpacket end="w"?>"""


def with_xml(*, pdf: bytes, xml: bytes, made_on: date) -> bytes:
    """The PDF with the XML embedded; equal input gives equal bytes. Raises pypdf's errors for what is no PDF."""
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(pdf)))
    file = writer._add_object(_specification(writer, xml, made_on))
    names = DictionaryObject({NameObject("/Names"): ArrayObject([TextStringObject(FILE_NAME), file])})
    catalog = writer._root_object
    catalog[NameObject("/Names")] = DictionaryObject({NameObject("/EmbeddedFiles"): writer._add_object(names)})
    catalog[NameObject("/AF")] = ArrayObject([file])
    information = writer.metadata
    title = (information.title if information is not None else None) or ""
    catalog[NameObject("/Metadata")] = writer._add_object(_metadata(title))
    digest = ByteStringObject(hashlib.sha256(pdf + xml).digest()[:16])
    writer._ID = ArrayObject([digest, digest])
    target = io.BytesIO()
    writer.write(target)
    return target.getvalue()


def _specification(writer: PdfWriter, xml: bytes, made_on: date) -> DictionaryObject:
    stream = DecodedStreamObject()
    stream.set_data(xml)
    stream.update(
        {
            NameObject("/Type"): NameObject("/EmbeddedFile"),
            NameObject("/Subtype"): NameObject("/text/xml"),
            NameObject("/Params"): DictionaryObject(
                {
                    NameObject("/ModDate"): TextStringObject(f"D:{made_on:%Y%m%d}000000+00'00'"),
                    NameObject("/Size"): NumberObject(len(xml)),
                }
            ),
        }
    )
    file = writer._add_object(stream.flate_encode())
    return DictionaryObject(
        {
            NameObject("/Type"): NameObject("/Filespec"),
            NameObject("/F"): TextStringObject(FILE_NAME),
            NameObject("/UF"): TextStringObject(FILE_NAME),
            NameObject("/Desc"): TextStringObject("EN 16931 invoice data"),
            NameObject("/AFRelationship"): NameObject("/Alternative"),
            NameObject("/EF"): DictionaryObject({NameObject("/F"): file, NameObject("/UF"): file}),
        }
    )


def _metadata(title: str) -> DecodedStreamObject:
    stream = DecodedStreamObject()
    stream.set_data(_METADATA.format(title=escape(title), name=FILE_NAME).encode())
    stream.update({NameObject("/Type"): NameObject("/Metadata"), NameObject("/Subtype"): NameObject("/XML")})
    return stream
