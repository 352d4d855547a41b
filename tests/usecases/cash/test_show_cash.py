"""Salesforce shows what is paid, open and overdue, on the account and on signed records, and only what changed."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from connector.adapters.clock import FixedClock
from connector.store.tables import writebacks
from connector.store.unit_of_work import Database
from connector.usecases.match_payments import match_payments
from connector.usecases.show_cash import show_cash
from connector.usecases.show_status import StatusBoard
from mappings.writeback import status_fields
from tests.cashing import Till


def board(*money: str) -> StatusBoard:
    fields = status_fields(objects=("Quote",), prefix="Sync_", renamed={}, money=money)
    return StatusBoard(fields, "http://here", frozenset(money))


def shown(database: Database, record_id: str = "001A") -> dict[str, Any]:
    with database.reading() as connection:
        query = sa.select(writebacks.c.wanted).where(writebacks.c.record_id == record_id)
        found = connection.execute(query).scalar_one_or_none() or {}
    return {name.removeprefix("Sync_").removesuffix("__c"): str(value) for name, value in found.items()}


def test_an_account_shows_how_its_balance_moves(till: Till, clock: FixedClock) -> None:
    invoice = till.invoice("100.00", due="2026-03-10")
    words = []
    for amount in ("", "40.00", "60.00"):
        if amount:
            till.paid(amount, text=till.reference(invoice))
        else:
            till.allocate(till.paid("1.00"), {till.invoice("1.00"): "1.00"})
        match_payments(desk=till.desk)
        show_cash(database=till.database, clock=clock, board=board("Account"))
        found = shown(till.database)
        words.append((found["Payment_State"], found["Open_Balance"], found["Overdue_Balance"]))

    assert words == [("Part-paid", "100.00", "0.00"), ("Part-paid", "60.00", "0.00"), ("Paid", "0.00", "0.00")]
    assert shown(till.database)["Last_Payment_On"] == "2026-03-02"


def test_what_falls_due_is_overdue_the_next_day_although_nothing_moved(till: Till, clock: FixedClock) -> None:
    invoice = till.invoice("100.00", due="2026-03-02")
    till.paid("40.00", text=till.reference(invoice))
    match_payments(desk=till.desk)

    words = []
    for _ in range(2):
        show_cash(database=till.database, clock=clock, board=board("Account"))
        words.append((shown(till.database)["Payment_State"], shown(till.database)["Overdue_Balance"]))
        clock.advance(timedelta(days=1))

    assert words == [("Part-paid", "0.00"), ("Overdue", "60.00")]


def test_where_the_settings_show_no_balances_nothing_is_written(till: Till, clock: FixedClock) -> None:
    till.allocate(till.paid("1.00"), {till.invoice("1.00"): "1.00"})

    counts = show_cash(database=till.database, clock=clock, board=board())

    assert (counts, shown(till.database)) == ({"customers": 1}, {})
    assert show_cash(database=till.database, clock=clock, board=board())["customers"] == 0
