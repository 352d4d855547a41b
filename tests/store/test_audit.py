"""The audit log notices every edit, every missing row and every other order."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa

from connector.adapters.clock import FixedClock
from connector.store import audit
from connector.store.audit import AuditFault
from connector.store.tables_review import audit_chains, audit_log, issued_documents
from connector.store.unit_of_work import Database, UnitOfWork
from tests.reviewing import make_finance, sold

CHAIN = "invoices/DE"


def write(database: Database, clock: FixedClock, count: int, chain: str = CHAIN) -> None:
    for number in range(count):
        with database.unit_of_work() as work:
            audit.append(
                work=work,
                chain=chain,
                at=clock.advance(seconds=1),
                actor=f"person {number}",
                role="finance",
                subject_id=number,
                event="comment",
                reason="Straße — 請求書 \u202e",
                data={"number": number},
            )
            work.commit()


def faults(database: Database, chain: str = CHAIN) -> list[AuditFault]:
    with database.reading() as connection:
        return audit.verify(connection=connection, chain=chain)


def tamper(database: Database, change: Callable[[UnitOfWork], Any]) -> None:
    """Somebody with the password of the database takes the triggers away and changes rows."""
    with database.unit_of_work() as work:
        for name in ("tr_audit_log_update", "tr_audit_log_delete"):
            on = "" if database.is_sqlite else " ON audit_log"
            work.execute(sa.text(f"DROP TRIGGER {name}{on}"))
        change(work)
        work.commit()


def at(position: int) -> Any:
    return audit_log.c.position == position


def test_a_chain_as_it_was_written_has_no_fault(database: Database, clock: FixedClock) -> None:
    write(database, clock, 5)
    write(database, clock, 2, "invoices/US")

    assert (faults(database), faults(database, "invoices/US")) == ([], [])
    with database.reading() as connection:
        assert audit.chains(connection=connection) == [CHAIN, "invoices/US"]
        assert [row.position for row in audit.load_chain(connection=connection, chain=CHAIN, first=2, last=4)] == [
            2,
            3,
            4,
        ]


@pytest.mark.parametrize(
    "values",
    [
        {"actor": "Somebody else"},
        {"role": "admin"},
        {"reason": ""},
        {"event": "approve"},
        {"before": "draft"},
        {"after": "issued"},
        {"data": {"number": 99}},
        {"data": None},
        {"subject_id": 99},
        {"subject": "order"},
        {"at": sa.text("(SELECT max(at) FROM audit_log)")},
        {"hash": "0" * 64},
    ],
    ids=lambda values: next(iter(values)),
)
def test_an_edited_row_is_noticed(database: Database, clock: FixedClock, values: dict[str, Any]) -> None:
    write(database, clock, 5)

    tamper(database, lambda work: work.execute(audit_log.update().where(at(3)).values(**values)))

    assert faults(database)[0].position == 3


def test_a_row_that_was_edited_and_hashed_anew_does_not_fit_the_next(database: Database, clock: FixedClock) -> None:
    write(database, clock, 5)

    def forge(work: UnitOfWork) -> None:
        row = next(iter(audit.load_chain(connection=work.connection, chain=CHAIN, first=3, last=3)))
        changed = {name: getattr(row, name) for name in row.__dataclass_fields__} | {"actor": "Mallory"}
        digest = audit._hash(audit.body_of(audit.AuditRow(**changed)))
        work.execute(audit_log.update().where(at(3)).values(actor="Mallory", hash=digest))

    tamper(database, forge)

    assert [(fault.position, fault.message) for fault in faults(database)] == [
        (4, "The row does not follow the one before it.")
    ]


@pytest.mark.parametrize("position", [1, 3, 5])
def test_a_deleted_row_is_noticed(database: Database, clock: FixedClock, position: int) -> None:
    write(database, clock, 5)

    tamper(database, lambda work: work.execute(audit_log.delete().where(at(position))))

    assert faults(database)


def test_a_chain_that_was_emptied_is_noticed(database: Database, clock: FixedClock) -> None:
    write(database, clock, 3)

    tamper(database, lambda work: work.execute(audit_log.delete()))

    assert len(faults(database)) == 1


def test_a_chain_whose_head_was_deleted_too_is_noticed(database: Database, clock: FixedClock) -> None:
    write(database, clock, 3)

    def turn_back(work: UnitOfWork) -> None:
        work.execute(audit_log.delete().where(at(3)))
        work.execute(audit_chains.update().values(last_position=2))

    tamper(database, turn_back)

    assert len(faults(database)) == 1


def test_two_rows_in_another_order_are_noticed(database: Database, clock: FixedClock) -> None:
    write(database, clock, 5)

    def swap(work: UnitOfWork) -> None:
        for before, after in ((2, 99), (3, 2), (99, 3)):
            work.execute(audit_log.update().where(at(before)).values(position=after))

    tamper(database, swap)

    assert faults(database)[0].position == 2


@pytest.mark.parametrize("statement", ["UPDATE {} SET {}", "DELETE FROM {}"])
@pytest.mark.parametrize(
    ("table", "change"), [("audit_log", "actor = 'Mallory'"), ("issued_documents", "number = 'DE-0'")]
)
def test_the_database_itself_refuses_to_change_what_is_for_ever(
    database: Database, clock: FixedClock, statement: str, table: str, change: str
) -> None:
    make_finance(database, clock).issued(sold())
    before = rows(database)

    with pytest.raises(sa.exc.DBAPIError, match="never changed or deleted"), database.unit_of_work() as work:
        work.execute(sa.text(statement.format(table, change)))

    assert rows(database) == before


def rows(database: Database) -> list[Any]:
    with database.reading() as connection:
        return [connection.execute(sa.select(table)).all() for table in (audit_log, issued_documents)]


def test_what_is_rolled_back_leaves_no_hole(database: Database, clock: FixedClock) -> None:
    write(database, clock, 2)
    with database.unit_of_work() as work:
        audit.append(work=work, chain=CHAIN, at=clock.now(), actor="x", subject_id=1, event="comment")

    write(database, clock, 2)

    assert faults(database) == []
