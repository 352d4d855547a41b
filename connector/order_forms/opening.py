"""Is this a PDF that we take at all? Not encrypted, not too long, nothing in it that runs.

Exists so that every other part here may assume an ordinary document. Raises what a person should send instead; reads
the structure only and draws nothing. Runs in the child process.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pypdf
from pypdf.errors import PyPdfError
from pypdf.generic import ArrayObject, DictionaryObject, IndirectObject, NullObject

from connector.order_forms.limits import FormLimits
from connector.order_forms.refusals import (
    BrokenPdf,
    EncryptedPdf,
    FormTooHard,
    FormTooLarge,
    HasActiveContent,
    HasXfa,
    NotAPdf,
    TooManyPages,
)

# Readers look for the header in the first kilobyte.
_HEAD = 1024
# Actions that run or start something, or send something away; links to pages and addresses are not among them.
_ACTIVE = {"/JavaScript", "/Launch", "/SubmitForm", "/ImportData", "/Rendition", "/GoToE", "/RichMediaExecute"}
# An order form has some thousand objects; a walk over more is somebody's attempt.
_MOST_OBJECTS = 200_000

#: What the libraries raise on files that are broken or built to break them.
LIBRARY_FAULTS = (
    PyPdfError, ValueError, TypeError, KeyError, IndexError, AttributeError, AssertionError, ArithmeticError, OSError,
    RuntimeError, NotImplementedError,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class OpenedForm:
    """A document that we take: its bytes, its pages, and the reader of its structure."""

    content: bytes
    pages: int
    reader: pypdf.PdfReader


def open_form(*, content: bytes, limits: FormLimits) -> OpenedForm:
    """The document, looked through. Raises one of the FormRefused errors."""
    if len(content) > limits.largest_file:
        raise FormTooLarge(f"The file has {len(content):,} bytes; at most {limits.largest_file:,} are taken.")
    if b"%PDF-" not in content[:_HEAD]:
        raise NotAPdf("The file does not begin as a PDF does.")
    reader = _reader(content)
    try:
        pages = len(reader.pages)
        if pages > limits.most_pages:
            raise TooManyPages(f"The file has {pages:,} pages; at most {limits.most_pages:,} are taken.")
        if not pages:
            raise BrokenPdf("The file has no pages.")
        _refuse_xfa(reader)
        _refuse_active(reader)
    except MemoryError as error:
        raise FormTooHard("Its structure needs more memory than any order form.") from error
    except RecursionError as error:
        raise FormTooHard("Its structure is nested without end.") from error
    except LIBRARY_FAULTS as error:
        raise BrokenPdf(f"Its structure cannot be read ({type(error).__name__}).") from error
    return OpenedForm(content, pages, reader)


def _reader(content: bytes) -> pypdf.PdfReader:
    try:
        reader = pypdf.PdfReader(io.BytesIO(content), strict=False)
        is_encrypted = reader.is_encrypted
    except (MemoryError, RecursionError) as error:
        raise FormTooHard("Its structure needs more than any order form.") from error
    except LIBRARY_FAULTS as error:
        raise BrokenPdf(f"Its structure cannot be read ({type(error).__name__}).") from error
    if is_encrypted:
        raise EncryptedPdf("The file is encrypted.")
    return reader


def _refuse_xfa(reader: pypdf.PdfReader) -> None:
    form = _get(reader.trailer["/Root"], "/AcroForm")
    if isinstance(form, DictionaryObject) and "/XFA" in form:
        raise HasXfa("The file is an XFA form.")


def _refuse_active(reader: pypdf.PdfReader) -> None:
    names = _get(reader.trailer["/Root"], "/Names")
    if isinstance(names, DictionaryObject) and "/JavaScript" in names:
        raise HasActiveContent("The file holds JavaScript.")
    for action in _actions(reader):
        kind = str(action.get("/S", ""))
        if kind in _ACTIVE or "/JS" in action:
            raise HasActiveContent(f"The file holds an action of the kind {kind.strip('/') or 'JavaScript'}.")


def _actions(reader: pypdf.PdfReader) -> Iterator[DictionaryObject]:
    """Every dictionary that can be reached from the document's root and looks like an action."""
    seen: set[int] = set()
    waiting: list[Any] = [reader.trailer["/Root"]]
    count = 0
    while waiting:
        found = waiting.pop()
        if isinstance(found, IndirectObject):
            if found.idnum in seen:
                continue
            seen.add(found.idnum)
            found = found.get_object()
        count += 1
        if count > _MOST_OBJECTS:
            raise FormTooHard(f"It has more than {_MOST_OBJECTS:,} objects.")
        if isinstance(found, DictionaryObject):
            if "/S" in found or "/JS" in found:
                yield found
            waiting.extend(dict.values(found))
        elif isinstance(found, ArrayObject):
            waiting.extend(list.__iter__(found))


def _get(holder: Any, name: str) -> Any:
    """An entry behind all indirections, None when there is none."""
    found = holder.get_object() if isinstance(holder, IndirectObject) else holder
    entry = found.get(name) if isinstance(found, DictionaryObject) else None
    entry = entry.get_object() if isinstance(entry, IndirectObject) else entry
    return None if isinstance(entry, NullObject) else entry
