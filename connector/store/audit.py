"""The audit log: every decision about a document, appended only, each row holding the hash of the row before it.

Exists so that an auditor can prove that nothing was edited, left out or put in order later. Rows form chains, one for
each legal entity, so that two companies never wait for each other. Nothing here updates or deletes a row. A row's hash
covers everything it says; `verify` counts it all again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from connector.store.inserting import insert_ignore
from connector.store.tables_review import audit_chains, audit_log
from connector.store.types import dump_exact
from connector.store.unit_of_work import UnitOfWork

INVOICE = "invoice"
# What the first row of a chain holds as the hash before it.
BEGINNING = "0" * 64
_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class AuditRow:
    """One entry: who did what to which subject, when, why, and its place in the chain."""

    chain: str
    position: int
    at: datetime
    actor: str
    role: str
    subject: str
    subject_id: int
    event: str
    before: str
    after: str
    reason: str
    data: Any
    previous_hash: str
    hash: str

    @property
    def body(self) -> str:
        """Everything that the hash covers, as canonical text."""
        return body_of(self)


@dataclass(frozen=True, slots=True)
class AuditFault:
    """A place where a chain is not what was written."""

    chain: str
    position: int
    message: str


def chain_of(legal_entity: str) -> str:
    """The chain in which decisions about documents of that legal entity are kept."""
    return f"invoices/{legal_entity}"


def append(
    *,
    work: UnitOfWork,
    chain: str,
    at: datetime,
    actor: str,
    subject_id: int,
    event: str,
    role: str = "",
    subject: str = INVOICE,
    before: str = "",
    after: str = "",
    reason: str = "",
    data: Any = None,
) -> None:
    """Write down one decision, in the transaction that makes it; whoever appends to the same chain waits."""
    head = _lock_head(work, chain)
    row = {
        "chain": chain,
        "position": head.last_position + 1,
        "at": at,
        "actor": actor,
        "role": role,
        "subject": subject,
        "subject_id": subject_id,
        "event": event,
        "before": before,
        "after": after,
        "reason": reason,
        "data": data,
        "previous_hash": head.last_hash,
    }
    row["hash"] = _hash(dump_exact(row))
    work.execute(audit_log.insert().values(row))
    work.execute(
        audit_chains.update()
        .where(audit_chains.c.name == chain)
        .values(last_position=row["position"], last_hash=row["hash"])
    )


def load_entries(*, connection: Connection, subject_id: int, subject: str = INVOICE) -> list[AuditRow]:
    """Everything that was decided and said about one subject, oldest first."""
    query = _ROWS.where(audit_log.c.subject == subject, audit_log.c.subject_id == subject_id)
    return [AuditRow(*row) for row in connection.execute(query.order_by(audit_log.c.id))]


def load_chain(*, connection: Connection, chain: str, first: int = 1, last: int | None = None) -> Iterator[AuditRow]:
    """The rows of a chain by position, from `first` to `last` (both included; None: to its end)."""
    query = _ROWS.where(audit_log.c.chain == chain, audit_log.c.position >= first)
    if last is not None:
        query = query.where(audit_log.c.position <= last)
    # In pieces, so that a long history is never in memory as a whole.
    position: int | None = first - 1
    while position is not None:
        piece = query.where(audit_log.c.position > position).order_by(audit_log.c.position, audit_log.c.id)
        rows = [AuditRow(*row) for row in connection.execute(piece.limit(_AT_ONCE))]
        yield from rows
        position = rows[-1].position if rows else None


def chains(*, connection: Connection) -> list[str]:
    """The names of all chains."""
    return list(connection.execute(sa.select(audit_chains.c.name).order_by(audit_chains.c.name)).scalars())


def verify(*, connection: Connection, chain: str) -> list[AuditFault]:
    """Every place where the chain was edited, cut or put in another order; empty when it is as it was written."""
    expected, previous, found = 1, BEGINNING, []
    for row in load_chain(connection=connection, chain=chain):
        message = _fault(row, expected, previous)
        if message:
            found.append(AuditFault(chain, row.position, message))
        expected, previous = row.position + 1, row.hash
    head = connection.execute(sa.select(audit_chains).where(audit_chains.c.name == chain)).one_or_none()
    if head is None or (head.last_position, head.last_hash) != (expected - 1, previous):
        found.append(AuditFault(chain, expected, "Rows are missing at the end of the chain, or its end was changed."))
    return found


def body_of(row: AuditRow) -> str:
    """The canonical text whose SHA-256 is the row's hash."""
    return dump_exact({name: getattr(row, name) for name in _COLUMNS if name != "hash"})


_COLUMNS: Sequence[str] = tuple(AuditRow.__dataclass_fields__)
_ROWS = sa.select(*(audit_log.c[name] for name in _COLUMNS))


def _fault(row: AuditRow, expected: int, previous: str) -> str:
    if row.position != expected:
        return f"Row {expected} is missing."
    if row.previous_hash != previous:
        return "The row does not follow the one before it."
    return "" if _hash(row.body) == row.hash else "The row was changed after it was written."


def _lock_head(work: UnitOfWork, chain: str) -> Any:
    query = sa.select(audit_chains).where(audit_chains.c.name == chain).with_for_update()
    head = work.execute(query).one_or_none()
    if head is None:
        beginning = {"name": chain, "last_position": 0, "last_hash": BEGINNING}
        work.execute(insert_ignore(work, audit_chains).values(beginning))
        head = work.execute(query).one()
    return head


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
