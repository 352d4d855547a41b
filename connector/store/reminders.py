"""Reminders as rows: what is owed and may be reminded of, what stops it, letters with their state."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from connector.domain.invoice_drafts import DocumentKind
from connector.domain.money import Money
from connector.domain.reminders import Debt, DueLetter, LetterEvent, LetterState, Stop, StopKind, letter_after
from connector.domain.review import InvoiceState
from connector.errors import NotFound
from connector.store import history
from connector.store.inserting import insert_ignore
from connector.store.ledger import invoice_balances
from connector.store.tables_billing import invoices
from connector.store.tables_cash import bank_statements, collection_stops, reminder_letters, reminders
from connector.store.tables_review import issued_documents
from connector.store.unit_of_work import UnitOfWork

_AT_ONCE = 500
SUBJECT = "reminder"


@dataclass(frozen=True, slots=True)
class LetterLine:
    """One invoice of a letter: what was open when the letter was made."""

    invoice_id: int
    number: str
    step: str
    due_on: date
    open: Money


@dataclass(frozen=True, slots=True)
class Letter:
    """One letter to one customer."""

    id: int
    org_id: str
    customer_ref: str
    customer_name: str
    legal_entity: str
    currency: str
    step: str
    tone: str
    state: LetterState
    made_on: date
    made_at: datetime
    reason: str
    lines: tuple[LetterLine, ...] = ()


def load_debts(*, connection: Connection, due_by: date) -> Iterator[Debt]:
    """Every issued invoice that is due by that day and still open, with what stops it and what was reminded of."""
    after = 0
    while True:
        query = _DEBTS.where(invoices.c.id > after, invoices.c.due_on <= due_by).limit(_AT_ONCE)
        rows = connection.execute(query).all()
        if not rows:
            return
        yield from _debts(connection, rows)
        after = rows[-1].id


def load_debt(*, connection: Connection, invoice_ids: Sequence[int]) -> dict[int, Debt]:
    """These invoices as they stand, by id; those that are not issued or not open any more are left out."""
    rows = connection.execute(_DEBTS.where(invoices.c.id.in_(invoice_ids))).all()
    return {debt.invoice_id: debt for debt in _debts(connection, rows)}


def insert_letter(*, work: UnitOfWork, due: DueLetter, today: date, now: datetime) -> int:
    """Keep a letter with those of its invoices that no other process took meanwhile; 0 when none is left."""
    state = LetterState.HELD if due.is_held else LetterState.READY
    row = {
        "org_id": due.org_id,
        "customer_ref": due.customer_ref,
        "legal_entity": due.legal_entity,
        "currency": due.currency,
        "step": due.step.name,
        "tone": due.step.tone,
        "state": state.value,
        "made_on": today,
        "made_at": now,
    }
    letter_id: int = work.execute(reminder_letters.insert().returning(reminder_letters.c.id), row).scalar_one()
    lines = [
        {"invoice_id": debt.invoice_id, "step": step.name, "letter_id": letter_id, "open_amount": debt.open.amount}
        for debt, step in due.invoices
    ]
    added = work.execute(insert_ignore(work, reminders).returning(reminders.c.invoice_id), lines).all()
    if not added:
        work.execute(reminder_letters.delete().where(reminder_letters.c.id == letter_id))
    return letter_id if added else 0


def load_letters(*, connection: Connection, states: Sequence[LetterState], limit: int = 200) -> list[Letter]:
    """Letters in these states, oldest first, with their invoices."""
    wanted = reminder_letters.c.state.in_([state.value for state in states])
    return _letters(connection, sa.select(reminder_letters).where(wanted).order_by(reminder_letters.c.id).limit(limit))


def load_ended_letters(*, connection: Connection, limit: int = 50) -> list[Letter]:
    """Letters that were sent or cancelled, newest first, with their invoices."""
    ended = reminder_letters.c.state.in_([LetterState.SENT.value, LetterState.CANCELLED.value])
    query = sa.select(reminder_letters).where(ended).order_by(reminder_letters.c.id.desc()).limit(limit)
    return _letters(connection, query)


def lock_letter(*, work: UnitOfWork, letter_id: int) -> Letter:
    """One letter that nobody else decides on. Raises NotFound."""
    this = reminder_letters.c.id == letter_id
    work.execute(sa.select(reminder_letters.c.id).where(this).with_for_update()).all()
    found = _letters(work.connection, sa.select(reminder_letters).where(this))
    if not found:
        raise NotFound(f"There is no reminder {letter_id}.")
    return found[0]


def move_letter(
    *, work: UnitOfWork, letter: Letter, event: LetterEvent, now: datetime, actor: str, reason: str = ""
) -> LetterState:
    """Move a locked letter along its table. Raises IllegalTransition."""
    after = letter_after(letter.state, event)
    values: dict[str, Any] = {"state": after.value, "reason": reason, "decided_by": actor}
    if after is LetterState.SENT:
        values["sent_at"] = now
    work.execute(reminder_letters.update().where(reminder_letters.c.id == letter.id).values(**values))
    history.append(
        work=work,
        at=now,
        subject=SUBJECT,
        subject_id=letter.id,
        event=event.value,
        before=letter.state.value,
        after=after.value,
        reason=reason,
        actor=actor,
    )
    return after


def insert_stop(
    *, work: UnitOfWork, invoice_id: int, kind: StopKind, until: date | None, reason: str, actor: str, now: datetime
) -> None:
    """Keep that an invoice must not be reminded of."""
    row = {"invoice_id": invoice_id, "kind": kind.value, "until": until, "reason": reason, "set_by": actor}
    work.execute(collection_stops.insert(), {**row, "set_at": now})


def end_stops(*, work: UnitOfWork, invoice_id: int, actor: str, now: datetime) -> int:
    """End what stops reminders of an invoice; answers how many stops that were."""
    open_ones = (collection_stops.c.invoice_id == invoice_id) & collection_stops.c.ended_at.is_(None)
    return work.execute(collection_stops.update().where(open_ones).values(ended_at=now, ended_by=actor)).rowcount


def newest_statements(*, connection: Connection) -> dict[str, date]:
    """The last day that statements tell of, by account."""
    query = sa.select(bank_statements.c.account, sa.func.max(bank_statements.c.closes_on).label("day"))
    return {row.account: row.day for row in connection.execute(query.group_by(bank_statements.c.account))}


_DEBTS = (
    sa.select(invoices)
    .where(invoices.c.state == InvoiceState.ISSUED.value, invoices.c.kind == DocumentKind.INVOICE.value)
    .order_by(invoices.c.id)
)


def _debts(connection: Connection, rows: Sequence[Any]) -> Iterator[Debt]:
    ids = [row.id for row in rows]
    balances = invoice_balances(connection=connection, invoice_ids=ids)
    ids = [one for one in ids if balances[one].open]
    stops: dict[int, list[Stop]] = {}
    held = sa.select(collection_stops).where(
        collection_stops.c.invoice_id.in_(ids), collection_stops.c.ended_at.is_(None)
    )
    for row in connection.execute(held):
        stops.setdefault(row.invoice_id, []).append(Stop(StopKind(row.kind), row.until))
    done: dict[int, set[str]] = {}
    for row in connection.execute(sa.select(reminders).where(reminders.c.invoice_id.in_(ids))):
        done.setdefault(row.invoice_id, set()).add(row.step)
    for row in rows:
        if balances[row.id].open:
            yield Debt(
                invoice_id=row.id,
                org_id=row.org_id,
                customer_ref=row.customer_ref,
                legal_entity=row.legal_entity,
                due_on=row.due_on,
                open=balances[row.id].open,
                stops=tuple(stops.get(row.id, ())),
                reminded=frozenset(done.get(row.id, ())),
            )


def _letters(connection: Connection, query: sa.Select[Any]) -> list[Letter]:
    rows = connection.execute(query).all()
    named = (
        sa.select(reminders, invoices.c.due_on, invoices.c.customer_name, issued_documents.c.number)
        .join(invoices, invoices.c.id == reminders.c.invoice_id)
        .outerjoin(issued_documents, issued_documents.c.invoice_id == invoices.c.id)
        .where(reminders.c.letter_id.in_([row.id for row in rows]))
        .order_by(reminders.c.letter_id, invoices.c.due_on, invoices.c.id)
    )
    lines: dict[int, list[Any]] = {}
    for line in connection.execute(named):
        lines.setdefault(line.letter_id, []).append(line)
    return [_letter(row, lines.get(row.id, [])) for row in rows]


def _letter(row: Any, lines: Sequence[Any]) -> Letter:
    return Letter(
        id=row.id,
        org_id=row.org_id,
        customer_ref=row.customer_ref,
        customer_name=lines[0].customer_name if lines else "",
        legal_entity=row.legal_entity,
        currency=row.currency,
        step=row.step,
        tone=row.tone,
        state=LetterState(row.state),
        made_on=row.made_on,
        made_at=row.made_at,
        reason=row.reason,
        lines=tuple(
            LetterLine(one.invoice_id, one.number or "", one.step, one.due_on, Money(one.open_amount, row.currency))
            for one in lines
        ),
    )
