"""Make the files of issued documents: outside of every transaction and of every web request, until each is there.

Wanted files are taken in small batches, rendered from the frozen content alone, and kept with their hash. A render that
fails is tried again, later and later, for ever: a link must not stay empty. What the renderer refuses, such as an XML
for a currency that its standard does not know, is told and not tried again. A process that dies leaves its files to the
next one. What renders is handed in.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from connector.domain.fulfilment import MOST_ATTEMPTS, retry_wait
from connector.domain.review import Actor
from connector.errors import ConnectorError, Refused
from connector.logs import log
from connector.ports import Clock
from connector.store import artifacts, audit
from connector.store.artifacts import ArtifactKind, WantedArtifact
from connector.store.invoices import load_document
from connector.store.issued import FrozenDocument, load_issued
from connector.store.unit_of_work import Database

Render = Callable[[ArtifactKind, FrozenDocument], bytes]
"""(which file, the document as it was frozen) -> its bytes; equal input gives equal bytes.

Raises Refused when this document can never have that file; anything else is tried again.
"""

# Longer than any render may take; a renderer that died holds its files up for so long.
_CLAIM = timedelta(minutes=10)
_EVENT = "file"
_SYSTEM = Actor("countersign", "")


@dataclass(frozen=True, slots=True)
class Rendered:
    """How many files were made, and how many could not be made yet."""

    made: int = 0
    failed: int = 0


def render_artifacts(*, database: Database, clock: Clock, render: Render, limit: int = 20) -> Rendered:
    """Make up to so many wanted files now; answers what came of it. Any number of processes may do this at once."""
    made = failed = 0
    for _ in range(limit):
        # One by one, so that a claim never outlasts the file before it.
        now = clock.now()
        with database.unit_of_work() as work:
            claimed = artifacts.claim(work=work, limit=1, now=now, until=now + _CLAIM)
            work.commit()
        if not claimed:
            break
        is_made = _make(database, clock, render, claimed[0])
        made, failed = made + is_made, failed + (not is_made)
    return Rendered(made, failed)


def _make(database: Database, clock: Clock, render: Render, wanted: WantedArtifact) -> bool:
    with database.reading() as connection:
        frozen = load_issued(connection=connection, invoice_id=wanted.invoice_id)
    try:
        content = render(wanted.kind, frozen)
        if not content:
            raise ValueError("the file is empty")
    except Exception as error:  # noqa: BLE001 - one document that cannot be rendered holds up no other; it says why
        _fail(database, clock, wanted, error)
        return False
    _keep(database, clock, wanted, frozen, content)
    return True


def _keep(database: Database, clock: Clock, wanted: WantedArtifact, frozen: FrozenDocument, content: bytes) -> None:
    """Keep the file, and its hash in the audit log: what the customer gets can be proven later."""
    now = clock.now()
    with database.unit_of_work() as work:
        digest = artifacts.save_made(work=work, artifact_id=wanted.id, content=content, now=now)
        if digest:
            document = load_document(connection=work.connection, invoice_id=wanted.invoice_id)
            audit.append(
                work=work,
                chain=audit.chain_of(document.legal_entity),
                at=now,
                actor=_SYSTEM.name,
                subject_id=wanted.invoice_id,
                event=_EVENT,
                data={"kind": wanted.kind.value, "sha256": digest, "content_hash": frozen.content_hash},
            )
        work.commit()


def _fail(database: Database, clock: Clock, wanted: WantedArtifact, error: Exception) -> None:
    if isinstance(error, ConnectorError):
        code, message = error.code, f"{error} {error.fix}".strip()
        log.warning("file_not_made", invoice_id=wanted.invoice_id, kind=wanted.kind, code=code)
    else:
        code, message = "RENDER_FAILED", f"{type(error).__name__} while rendering; the log has the details."
        log.exception("file_not_made", invoice_id=wanted.invoice_id, kind=wanted.kind)
    # What is refused is so because of the frozen document, which never changes.
    again = None if isinstance(error, Refused) else clock.now() + _wait(wanted.attempts)
    with database.unit_of_work() as work:
        artifacts.save_failed(work=work, artifact_id=wanted.id, code=code, message=message, not_before=again)
        work.commit()


def _wait(attempts: int) -> timedelta:
    """Never given up: after the longest wait it is tried that often for ever."""
    return timedelta(seconds=retry_wait(attempt=min(attempts, MOST_ATTEMPTS - 1)) or 0)
