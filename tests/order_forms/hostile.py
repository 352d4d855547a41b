"""Files that are built to go wrong, each made here from nothing or from an honest document."""

from __future__ import annotations

import io
import zlib
from collections.abc import Sequence

import pypdf
from pypdf.generic import (
    ArrayObject,
    DecodedStreamObject,
    DictionaryObject,
    NameObject,
    NumberObject,
    TextStringObject,
)


def with_catalogue(pdf: bytes, **entries: object) -> bytes:
    """The document with further entries in its root."""
    writer = pypdf.PdfWriter(clone_from=io.BytesIO(pdf))
    for name, entry in entries.items():
        writer.root_object[NameObject(f"/{name}")] = entry  # type: ignore[assignment]
    return written(writer)


def with_javascript(pdf: bytes) -> bytes:
    """The document that runs a script when it is opened."""
    script = {NameObject("/S"): NameObject("/JavaScript"), NameObject("/JS"): TextStringObject("app.alert('hello');")}
    return with_catalogue(pdf, OpenAction=DictionaryObject(script))


def with_launch(pdf: bytes) -> bytes:
    """The document that starts a program when it is opened."""
    action = DictionaryObject(
        {NameObject("/S"): NameObject("/Launch"), NameObject("/F"): TextStringObject("calc.exe")}
    )  # fmt: skip
    return with_catalogue(pdf, OpenAction=action)


def with_launch_on_a_link(pdf: bytes) -> bytes:
    """The document with an invisible link that starts a program."""
    writer = pypdf.PdfWriter(clone_from=io.BytesIO(pdf))
    action = DictionaryObject({NameObject("/S"): NameObject("/Launch"), NameObject("/F"): TextStringObject("sh")})
    link = DictionaryObject(
        {
            NameObject("/Type"): NameObject("/Annot"),
            NameObject("/Subtype"): NameObject("/Link"),
            NameObject("/Rect"): ArrayObject([NumberObject(one) for one in (0, 0, 10, 10)]),
            NameObject("/A"): action,
        }
    )
    writer.pages[0][NameObject("/Annots")] = ArrayObject([link])
    return written(writer)


def with_xfa(pdf: bytes) -> bytes:
    """The document as an XFA form."""
    form = DictionaryObject({NameObject("/XFA"): TextStringObject("<xdp/>"), NameObject("/Fields"): ArrayObject()})
    return with_catalogue(pdf, AcroForm=form)


def encrypted(pdf: bytes, password: str = "") -> bytes:
    """The document behind a password; an empty one is still encryption."""
    writer = pypdf.PdfWriter(clone_from=io.BytesIO(pdf))
    writer.encrypt(password, owner_password="owner", algorithm="RC4-128")
    return written(writer)


def with_pages(pdf: bytes, count: int) -> bytes:
    """The document with so many pages, most of them empty."""
    writer = pypdf.PdfWriter(clone_from=io.BytesIO(pdf))
    for _ in range(count - len(writer.pages)):
        writer.add_blank_page(200, 200)
    return written(writer)


def page_added(pdf: bytes) -> bytes:
    """The document with one more page, added after it was signed."""
    writer = pypdf.PdfWriter(io.BytesIO(pdf), incremental=True)
    writer.add_blank_page(200, 200)
    return written(writer)


def bomb(size: int = 2_000_000_000) -> bytes:
    """A small file whose page unpacks to so many bytes."""
    blank = b" " * 10_000_000
    count = size // len(blank)
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    # The same piece again and again: each begins anew, so it need not be packed again.
    piece = packer.compress(blank) + packer.flush(zlib.Z_FULL_FLUSH)
    check = 1
    for _ in range(count):
        check = zlib.adler32(blank, check)
    packed = b"\x78\xda" + piece * count + b"\x03\x00" + check.to_bytes(4, "big")
    return _file(
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 600 800] /Contents 4 0 R >>",
        b"<< /Length %d /Filter /FlateDecode >>\nstream\n%s\nendstream" % (len(packed), packed),
    )


def endless_pages() -> bytes:
    """A tree of pages that goes round in a circle."""
    return _file(
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Pages /Kids [2 0 R] /Count 1 /Parent 2 0 R >>",
    )


def attached(pdf: bytes, name: str, content: bytes) -> bytes:
    """The document with one attachment."""
    writer = pypdf.PdfWriter(clone_from=io.BytesIO(pdf))
    writer.add_attachment(name, content)
    return written(writer)


def with_fields(pdf: bytes, fields: Sequence[tuple[str, str]]) -> bytes:
    """The document with filled-in text fields on its first page."""
    writer = pypdf.PdfWriter(clone_from=io.BytesIO(pdf))
    widgets = ArrayObject()
    for at, (name, value) in enumerate(fields):
        box = ArrayObject([NumberObject(one) for one in (300, 700 - 20 * at, 500, 715 - 20 * at)])
        field = DictionaryObject(
            {
                NameObject("/Type"): NameObject("/Annot"),
                NameObject("/Subtype"): NameObject("/Widget"),
                NameObject("/FT"): NameObject("/Tx"),
                NameObject("/T"): TextStringObject(name),
                NameObject("/V"): TextStringObject(value),
                NameObject("/Rect"): box,
            }
        )
        widgets.append(writer._add_object(field))
    writer.pages[0][NameObject("/Annots")] = widgets
    writer.root_object[NameObject("/AcroForm")] = DictionaryObject({NameObject("/Fields"): widgets})
    return written(writer)


def written(writer: pypdf.PdfWriter) -> bytes:
    """The writer's document as bytes."""
    target = io.BytesIO()
    writer.write(target)
    return target.getvalue()


def stream(content: bytes) -> DecodedStreamObject:
    """A stream with that content."""
    found = DecodedStreamObject()
    found.set_data(content)
    return found


def _file(*objects: bytes) -> bytes:
    parts, places = [b"%PDF-1.7\n"], []
    for number, body in enumerate(objects, start=1):
        places.append(sum(map(len, parts)))
        parts.append(b"%d 0 obj\n%s\nendobj\n" % (number, body))
    start = sum(map(len, parts))
    rows = b"".join(b"%010d 00000 n \n" % place for place in places)
    size = len(objects) + 1
    tail = b"xref\n0 %d\n0000000000 65535 f \n%strailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n"
    return b"".join(parts) + tail % (size, rows, size, start)
