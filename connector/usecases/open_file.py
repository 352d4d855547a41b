"""One file of an issued document as its bytes, exactly as it was made and hashed; reads only.

Exists so that customer page, API and mail give out the same bytes, and say the same while a file is still being made
or cannot exist.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from connector.errors import NotFound, Refused, Retryable
from connector.store.artifacts import Artifact, ArtifactKind, ArtifactState, load_artifacts
from connector.store.issued import find_issued, number_of
from connector.store.unit_of_work import Database

_MEDIA = {
    ArtifactKind.PDF: "application/pdf",
    ArtifactKind.XML: "application/xml",
    ArtifactKind.HTML: "text/html; charset=utf-8",
}
# A number may have blanks and slashes, which are no part of a file's name.
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9._-]+")


class FileNotReady(Retryable):
    """The file is being prepared."""

    code = "FILE_NOT_READY"
    fix = "Nothing to do: it is made by itself, usually within seconds. Ask again."


class FileRefused(Refused):
    """This document cannot have that file."""

    code = "FILE_REFUSED"
    owner = "finance"


@dataclass(frozen=True, slots=True)
class OpenedFile:
    """A file with its name, media type and SHA-256 (hexadecimal)."""

    name: str
    media: str
    content: bytes
    sha256: str


@dataclass(frozen=True, slots=True)
class FileState:
    """How far one file is, for people; `message` says why it is not there."""

    kind: ArtifactKind
    state: ArtifactState
    attempts: int
    next_try_at: datetime | None
    code: str
    message: str
    sha256: str
    size: int


def find_document(*, database: Database, number: str) -> int:
    """The row of the issued document with that number, or with that id. Raises NotFound."""
    with database.reading() as connection:
        found = find_issued(connection=connection, number=number)
    if found is None:
        raise NotFound(f"There is no issued invoice or credit note {number}.")
    return found


def open_file(*, database: Database, invoice_id: int, kind: str) -> OpenedFile:
    """That file (`pdf`, `xml` or `html`) of an issued document.

    Raises NotFound, FileNotReady, and FileRefused with the reason.
    """
    with database.reading() as connection:
        number = number_of(connection=connection, invoice_id=invoice_id)
        found = load_artifacts(connection=connection, invoice_id=invoice_id).get(ArtifactKind(kind))
    if not number or found is None:
        raise NotFound(f"There is no issued invoice or credit note {invoice_id}.")
    if found.state is ArtifactState.REFUSED:
        raise FileRefused(f"{number} has no {kind.upper()}: {found.message}", fix="Use the PDF.")
    if found.state is not ArtifactState.MADE:
        raise FileNotReady(f"The {kind.upper()} of {number} is being prepared.")
    return OpenedFile(file_name(number, found.kind), _MEDIA[found.kind], found.content, found.sha256)


def list_files(*, database: Database, invoice_id: int) -> tuple[FileState, ...]:
    """How far each file of a document is; nothing for one that is not issued."""
    with database.reading() as connection:
        found = load_artifacts(connection=connection, invoice_id=invoice_id)
    return tuple(_state_of(artifact) for artifact in found.values())


def file_name(number: str, kind: ArtifactKind) -> str:
    """The name under which a browser or a mail program keeps the file: `DE-2026-000042.pdf`."""
    return f"{_NOT_IN_NAMES.sub('-', number)}.{kind.value}"


def _state_of(found: Artifact) -> FileState:
    is_waiting = found.state is ArtifactState.FAILED
    return FileState(
        kind=found.kind,
        state=found.state,
        attempts=found.attempts,
        next_try_at=found.not_before if is_waiting else None,
        code=found.code,
        message=found.message,
        sha256=found.sha256,
        size=len(found.content),
    )
