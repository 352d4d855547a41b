"""The files of an issued document: wanted in the issuing transaction, made later, outside of it.

A wish stays until the file is there, so that a link is never empty for ever. A file that was made is never made again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from connector.store.inserting import insert_ignore
from connector.store.tables_review import artifacts
from connector.store.unit_of_work import UnitOfWork


class ArtifactKind(StrEnum):
    """Which file."""

    PDF = "pdf"
    XML = "xml"
    HTML = "html"


class ArtifactState(StrEnum):
    """How far a file is. A failed one is tried again by itself; a refused one cannot exist for this document."""

    WANTED = "wanted"
    MADE = "made"
    FAILED = "failed"
    REFUSED = "refused"


_TO_MAKE = (ArtifactState.WANTED.value, ArtifactState.FAILED.value)


@dataclass(frozen=True, slots=True)
class WantedArtifact:
    """A file to be made now; `attempts` counts this try."""

    id: int
    invoice_id: int
    kind: ArtifactKind
    attempts: int


@dataclass(frozen=True, slots=True)
class Artifact:
    """A file of a document; `content` and `sha256` are empty until it is made, `message` says why the last try failed.

    `sha256` is that of the content, in hexadecimal.
    """

    kind: ArtifactKind
    state: ArtifactState
    attempts: int
    not_before: datetime | None
    code: str
    message: str
    sha256: str
    content: bytes
    made_at: datetime | None


def want(*, work: UnitOfWork, invoice_id: int, kinds: Sequence[ArtifactKind], now: datetime) -> None:
    """Have these files made."""
    rows = [
        {"invoice_id": invoice_id, "kind": kind.value, "state": ArtifactState.WANTED.value, "wanted_at": now}
        for kind in kinds
    ]
    work.execute(insert_ignore(work, artifacts), rows)


def claim(*, work: UnitOfWork, limit: int, now: datetime, until: datetime) -> list[WantedArtifact]:
    """The next files to make, oldest first, nobody else's until that moment; a renderer that dies leaves them then."""
    c = artifacts.c
    due = sa.or_(c.not_before.is_(None), c.not_before <= now)
    query = (
        sa.select(c.id, c.invoice_id, c.kind, c.attempts)
        .where(c.state.in_(_TO_MAKE), due)
        .order_by(c.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    rows = work.execute(query).all()
    if rows:
        claimed = artifacts.update().where(c.id.in_([row.id for row in rows]))
        work.execute(claimed.values(attempts=c.attempts + 1, not_before=until))
    return [WantedArtifact(row.id, row.invoice_id, ArtifactKind(row.kind), row.attempts + 1) for row in rows]


def save_made(*, work: UnitOfWork, artifact_id: int, content: bytes, now: datetime) -> str:
    """Keep the file; answers its SHA-256, or nothing when another renderer was faster: the first file stays."""
    digest = hashlib.sha256(content).hexdigest()
    made = (
        artifacts.update()
        .where(artifacts.c.id == artifact_id, artifacts.c.state != ArtifactState.MADE.value)
        .values(
            state=ArtifactState.MADE.value,
            content=content,
            sha256=digest,
            made_at=now,
            not_before=None,
            code="",
            message="",
        )
    )
    return digest if work.execute(made).rowcount else ""


def save_failed(*, work: UnitOfWork, artifact_id: int, code: str, message: str, not_before: datetime | None) -> None:
    """Keep why it could not be made and when it is tried again; None: it cannot exist, and is not tried again."""
    state = ArtifactState.REFUSED if not_before is None else ArtifactState.FAILED
    failed = artifacts.update().where(artifacts.c.id == artifact_id, artifacts.c.state != ArtifactState.MADE.value)
    work.execute(failed.values(state=state.value, code=code, message=message, not_before=not_before))


def make_again_now(*, work: UnitOfWork, invoice_id: int) -> int:
    """Have failed and refused files of a document tried again at once; answers how many there are."""
    again = (ArtifactState.FAILED.value, ArtifactState.REFUSED.value)
    failed = (artifacts.c.invoice_id == invoice_id) & artifacts.c.state.in_(again)
    values = {"state": ArtifactState.WANTED.value, "not_before": None}
    return work.execute(artifacts.update().where(failed).values(values)).rowcount


def load_states(*, connection: Connection, invoice_id: int) -> dict[ArtifactKind, ArtifactState]:
    """How far the files of a document are, without their bytes."""
    query = sa.select(artifacts.c.kind, artifacts.c.state).where(artifacts.c.invoice_id == invoice_id)
    return {ArtifactKind(row.kind): ArtifactState(row.state) for row in connection.execute(query)}


def load_artifacts(*, connection: Connection, invoice_id: int) -> dict[ArtifactKind, Artifact]:
    """The files of a document, by kind."""
    query = sa.select(artifacts).where(artifacts.c.invoice_id == invoice_id).order_by(artifacts.c.id)
    return {
        ArtifactKind(row.kind): Artifact(
            kind=ArtifactKind(row.kind),
            state=ArtifactState(row.state),
            attempts=row.attempts,
            not_before=row.not_before,
            code=row.code,
            message=row.message,
            sha256=row.sha256 or "",
            content=row.content or b"",
            made_at=row.made_at,
        )
        for row in connection.execute(query)
    }
