"""Gapless document numbers: a counter row per legal entity, kind and year, raised in the issuing transaction.

Exists because a database sequence leaves holes when a transaction rolls back. The row lock makes issuers of one series
wait for each other, so nothing slow may happen between taking a number and the commit. A number that was taken belongs
to its document for ever.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import sqlalchemy as sa

from connector.domain.invoice_drafts import DocumentKind
from connector.domain.legal_entities import LegalEntity
from connector.errors import Refused
from connector.store.inserting import insert
from connector.store.tables_review import number_series
from connector.store.unit_of_work import UnitOfWork

# Two hosts may disagree about the day around midnight, never by more.
_MOST_BEHIND = timedelta(days=1)


class NumberRefused(Refused):
    """No number can be given."""

    code = "NUMBER_REFUSED"
    owner = "operator"


@dataclass(frozen=True, slots=True)
class TakenNumber:
    """The next number of a series and the day it is dated: dates never run backwards against numbers."""

    series_id: int
    sequence: int
    number: str
    issued_on: date


def take_number(*, work: UnitOfWork, entity: LegalEntity, kind: DocumentKind, on: date) -> TakenNumber:
    """The next number for a document issued on that day. Lock the document before the series, never after.

    Raises NumberRefused when the series holds a number of a later day, which means that a clock is wrong.
    """
    form = entity.number_format(kind)
    statement = insert(work, number_series).values(
        legal_entity=entity.code, kind=kind.value, period=form.period(on), last=1, last_issued_on=on
    )
    known, given = number_series.c.last_issued_on, statement.excluded.last_issued_on
    raised = statement.on_conflict_do_update(
        index_elements=["legal_entity", "kind", "period"],
        set_={"last": number_series.c.last + 1, "last_issued_on": sa.case((known > given, known), else_=given)},
    ).returning(number_series.c.id, number_series.c.last, number_series.c.last_issued_on)
    row = work.execute(raised).one()
    if row.last_issued_on - on > _MOST_BEHIND:
        raise NumberRefused(
            f"A document of {entity.code} is dated {row.last_issued_on} already, so none can be dated {on}.",
            fix="Set the clock of this machine right; if it was wrong before, wait for that day.",
        )
    number = form.number(entity=entity.code, on=row.last_issued_on, sequence=row.last)
    return TakenNumber(row.id, row.last, number, row.last_issued_on)
