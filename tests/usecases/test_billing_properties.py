"""Whatever the days of the runs and whenever orders arrive: the same documents, and in the end exactly the value."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connector.adapters.clock import FixedClock
from connector.domain.contracts import ContractRefused
from connector.domain.terms import BillingTiming, ChargeType, DealType, Order
from connector.store.unit_of_work import Database
from connector.usecases.undo_order import Undoer
from tests.billing import Books, for_customer
from tests.domain.making import MONTHLY, QUARTERLY, UPFRONT, YEARLY, make_item, make_order

_FIRST, _LAST = date(2026, 1, 1), date(2027, 2, 1)
_END = "2027-12-31"
_MODEST = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

days = st.dates(_FIRST, _LAST)
runs = st.lists(days, max_size=6)


@st.composite
def _items(draw: st.DrawFn, name: str, start: date, last: date) -> Any:
    return make_item(
        name,
        start=start.isoformat(),
        last=last.isoformat(),
        quantity=str(draw(st.integers(1, 50))),
        price=str(draw(st.decimals("0.01", "9999.99", places=2))),
        price_period_months=draw(st.sampled_from([MONTHLY, YEARLY])),
        billing_period_months=draw(st.sampled_from([MONTHLY, QUARTERLY, YEARLY, UPFRONT])),
        billing_timing=draw(st.sampled_from(list(BillingTiming))),
        charge_type=draw(st.sampled_from([ChargeType.RECURRING] * 3 + [ChargeType.ONE_TIME])),
        is_separate_invoice=draw(st.sampled_from([False, False, True])),
    )


@st.composite
def _contracts(draw: st.DrawFn) -> list[list[Order]]:
    """One to three contracts of two customers, each with up to two later orders."""
    found = []
    for number in range(draw(st.integers(1, 3))):
        customer = draw(st.sampled_from(["001A", "001B"]))
        currency = draw(st.sampled_from(["EUR", "JPY", "KWD"]))
        start = draw(st.dates(date(2026, 1, 1), date(2026, 3, 31)))
        last = start + timedelta(days=draw(st.integers(60, 330)))
        own: dict[str, Any] = {"currency": currency, "start": start.isoformat(), "last": last.isoformat()}
        lines = [draw(_items(name, start, last)) for name in ("Seats", "Support")[: draw(st.integers(1, 2))]]
        orders = [make_order(*lines, record=f"R{number}", **own)]
        seats = lines[0]
        if draw(st.booleans()) and seats.charge_type is ChargeType.RECURRING:
            orders.append(_changed(draw, f"U{number}", orders[0], last))
        if draw(st.booleans()):
            orders.append(_cancelled(draw, f"C{number}", orders[0], last))
        found.append([for_customer(order, customer) for order in orders])
    return found


def _changed(draw: st.DrawFn, record: str, first: Order, last: date) -> Order:
    seats = first.line_items[0]
    start = draw(st.dates(first.starts_on, last))
    quantity = seats.quantity + draw(st.integers(-int(seats.quantity), 20))
    item = replace(seats, starts_on=start, quantity=quantity, prior_quantity=seats.quantity)
    deal = DealType.UPSELL if quantity >= seats.quantity else DealType.DOWNSELL
    return replace(
        first,
        source=replace(first.source, record_id=record),
        deal_type=deal,
        starts_on=start,
        line_items=(item,),
        amends_ref=first.source.record_id,
        is_unused_credited=draw(st.booleans()),
    )


def _cancelled(draw: st.DrawFn, record: str, first: Order, last: date) -> Order:
    return replace(
        first,
        source=replace(first.source, record_id=record),
        deal_type=DealType.CANCELLATION,
        line_items=(),
        amends_ref=first.source.record_id,
        cancel_from=draw(st.dates(first.starts_on, last)),
        is_unused_credited=draw(st.booleans()),
    )


@contextmanager
def _books(template: Path) -> Iterator[Books]:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "billing.db"
        shutil.copyfile(template, file)
        database = Database(f"sqlite:///{file}")
        yield Books(database, FixedClock(datetime(2026, 3, 2, tzinfo=UTC)))
        database.dispose()


@_MODEST
@given(signed=_contracts(), days=runs, chunk_size=st.integers(1, 2))
def test_any_split_of_a_run_gives_the_documents_of_one_run(
    _sqlite_template: Path, signed: list[list[Order]], days: list[date], chunk_size: int
) -> None:
    orders = [order for contract in signed for order in contract]
    with _books(_sqlite_template) as whole, _books(_sqlite_template) as pieces:
        whole.sign(*orders)
        pieces.sign(*orders)

        whole.bill(_END)
        for day in (*map(str, days), _END):
            pieces.bill(day, chunk_size=chunk_size)

        assert pieces.content() == whole.content()


@_MODEST
@given(signed=_contracts(), days=st.lists(days, min_size=3, max_size=3))
def test_whenever_orders_arrive_what_is_billed_in_the_end_is_the_value(
    _sqlite_template: Path, signed: list[list[Order]], days: list[date]
) -> None:
    with _books(_sqlite_template) as books:
        for step, day in enumerate(days):
            books.sign(*(contract[step] for contract in signed if step < len(contract)))
            books.bill(str(day))
        books.bill(_END)
        books.bill(_END)

        _assert_billed_is_value(books, contracts=len(signed))


@_MODEST
@given(signed=_contracts(), days=st.lists(days, min_size=3, max_size=3), on=days)
def test_an_undone_order_leaves_exactly_the_value_of_the_others(
    _sqlite_template: Path, signed: list[list[Order]], days: list[date], on: date
) -> None:
    with _books(_sqlite_template) as books:
        books.sign(*(order for contract in signed for order in contract))
        books.bill(str(days[0]))
        undoer = _Undoer(books.database, books.clock, None, _NoBoard())  # type: ignore[arg-type]
        for number in range(1, sum(map(len, signed)) + 1):
            undoer.undo_if_latest(f"O-{number:06d}", on)
        books.bill(str(days[1]))
        books.bill(_END)

        _assert_billed_is_value(books, contracts=len(signed))


class _NoBoard:
    def show_order(self, **_named: Any) -> None:
        """Nobody looks."""


class _Undoer(Undoer):
    __slots__ = ()

    def restore_access(self, *, number: str) -> None:
        """Nothing was granted."""

    def undo_if_latest(self, number: str, on: date) -> None:
        """Undo it when it may be; refusals have tests of their own."""
        try:
            self.undo(number=number, on=on, reason="Signed by mistake.", actor="rosa")
        except ContractRefused as refused:
            assert [fault.code for fault in refused.faults] == ["UNDO_REFUSED"]


def _assert_billed_is_value(books: Books, *, contracts: int) -> None:
    sums: dict[int, Decimal] = {}
    for item in books.items():
        sums[item.contract_id] = sums.get(item.contract_id, Decimal(0)) + item.amount
    for number in range(1, contracts + 1):
        row = books.contract(f"C-{number:06d}")
        assert row.billing_problem == ""
        assert row.next_bill_on is None
        assert sums.get(row.id, Decimal(0)) == row.value
