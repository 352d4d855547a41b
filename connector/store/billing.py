"""What a billing run reads and writes: contracts that are due, what is billed already, and drafts.

A draft is stored only when its contracts are still as they were read: their version and the count of their draftings
are compared in the storing transaction, so that two runs at once, or an order in between, never bill anything twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from connector.domain.invoice_drafts import Billed
from connector.domain.money import Money
from connector.domain.review import NOT_BILLED
from connector.domain.tax import Tax, TaxCategory
from connector.store.billing_rows import Drafted, DueContract, Ledger
from connector.store.billing_runs import Place
from connector.store.contract_orders import ContractOrders, load_orders, load_orders_of
from connector.store.drafts import insert_drafts
from connector.store.sent_back import settle_sent_back
from connector.store.tables import contracts
from connector.store.tables_billing import invoice_items, invoices, usage_readings
from connector.store.unit_of_work import UnitOfWork

# What such documents hold is owed again.
NOT_BILLED_STATES = tuple(state.value for state in NOT_BILLED)
# SQLite takes a limited number of values in one statement.
_AT_ONCE = 500


def load_due(*, connection: Connection, as_of: date, first: Place, end: Place | None) -> list[DueContract]:
    """The contracts of these customers with something due, with all their orders, by customer."""
    place = sa.tuple_(contracts.c.org_id, contracts.c.customer_ref)
    query = _DUE.where(contracts.c.next_bill_on <= as_of, place >= sa.tuple_(*map(sa.literal, first)))
    if end is not None:
        query = query.where(place < sa.tuple_(*map(sa.literal, end)))
    rows = connection.execute(query.order_by(contracts.c.org_id, contracts.c.customer_ref, contracts.c.id)).all()
    orders = load_orders_of(connection=connection, contract_ids=[row.id for row in rows])
    return [_due(row, orders[row.id]) for row in rows]


def load_one(*, connection: Connection, number: str) -> DueContract | None:
    """One contract with all its orders, whether something is due or not; None when there is none of that number."""
    row = connection.execute(_DUE.where(contracts.c.number == number)).one_or_none()
    return None if row is None else _due(row, load_orders(connection=connection, contract_id=row.id))


def is_anything_due(*, connection: Connection, as_of: date) -> bool:
    """Whether any contract has something due up to that day."""
    return (
        connection.execute(sa.select(contracts.c.id).where(contracts.c.next_bill_on <= as_of).limit(1)).first()
        is not None
    )


def stretches(*, connection: Connection, as_of: date, size: int) -> Iterator[tuple[Place, Place | None]]:
    """All customers with something due as stretches of that many, one after the other, from first to end (excluded)."""
    place = sa.tuple_(contracts.c.org_id, contracts.c.customer_ref)
    due = sa.select(contracts.c.org_id, contracts.c.customer_ref).where(contracts.c.next_bill_on <= as_of).distinct()
    first: Place = ("", "")
    while True:
        here = due.where(place >= sa.tuple_(*map(sa.literal, first)))
        after = connection.execute(here.order_by("org_id", "customer_ref").offset(size).limit(1)).one_or_none()
        yield first, tuple(after) if after else None
        if after is None:
            return
        first = (after.org_id, after.customer_ref)


def load_billed(*, connection: Connection, due: Sequence[DueContract]) -> dict[int, list[Billed]]:
    """Every item that a document holds for these contracts, by contract; not of voided or sent back documents."""
    found: dict[int, list[Billed]] = {}
    ids = [one.id for one in due]
    for start in range(0, len(ids), _AT_ONCE):
        query = _BILLED.where(invoice_items.c.contract_id.in_(ids[start : start + _AT_ONCE]))
        _collect(found, connection.execute(query))
    return found


def load_billed_since(*, connection: Connection, due: Sequence[DueContract]) -> dict[int, list[Billed]]:
    """The same, only of documents dated after each contract's `billed_until`."""
    by_since: dict[date, list[str]] = {}
    for one in due:
        if one.billed_until is not None:
            by_since.setdefault(one.billed_until, []).append(one.customer_ref)
    found: dict[int, list[Billed]] = {}
    for since, customers in by_since.items():
        # By customer and date, which have an index; by contract, all their documents ever would be read.
        query = _BILLED.where(invoices.c.bill_on > since)
        for start in range(0, len(customers), _AT_ONCE):
            some = customers[start : start + _AT_ONCE]
            _collect(found, connection.execute(query.where(invoices.c.customer_ref.in_(some))))
    return found


def load_ledger(*, connection: Connection, due: Sequence[DueContract]) -> Ledger:
    """Everything known of these contracts, with the tax of each billed charge."""
    ids = [one.id for one in due]
    query = (
        sa.select(invoice_items.c.charge_key, invoice_items.c.amount, invoice_items.c.tax)
        .join(invoices, invoices.c.id == invoice_items.c.invoice_id)
        .where(invoices.c.state.not_in(NOT_BILLED_STATES), invoice_items.c.contract_id.in_(ids))
        .order_by(invoices.c.id)
    )
    taxes = {row.charge_key: _tax(row.tax) for row in connection.execute(query) if row.amount > 0}
    billed = [item for items in load_billed(connection=connection, due=due).values() for item in items]
    return Ledger(billed, {}, taxes, load_units(connection=connection, due=due))


def load_units(*, connection: Connection, due: Sequence[DueContract]) -> dict[str, Decimal]:
    """Units used under these contracts, by the key of the usage charge."""
    found: dict[str, Decimal] = {}
    ids = [one.id for one in due]
    for start in range(0, len(ids), _AT_ONCE):
        some = usage_readings.c.contract_id.in_(ids[start : start + _AT_ONCE])
        query = sa.select(usage_readings.c.charge_key, usage_readings.c.units).where(some)
        found.update({row.charge_key: row.units for row in connection.execute(query)})
    return found


def save_drafted(*, work: UnitOfWork, drafted: Sequence[Drafted], run_id: int, now: datetime) -> list[Drafted]:
    """Store what is still true; answers those whose contracts were changed meanwhile and must be drafted again."""
    moved = _moved(work, drafted)
    kept = [one for one in drafted if not any(contract.id in moved for contract in one.contracts)]
    fresh = settle_sent_back(work=work, drafted=kept, now=now)
    insert_drafts(work=work, drafted=fresh, run_id=run_id, now=now)
    rows = [_progress(one, contract) for one in kept for contract in one.contracts]
    if rows:
        work.execute(_SAVE_PROGRESS, rows)
    return [one for one in drafted if any(contract.id in moved for contract in one.contracts)]


def look_again(*, work: UnitOfWork, contract_ids: Iterable[int], since: date) -> None:
    """Have the next run compare these contracts with all that was billed, because something before changed.

    For usage that was read late, and for a draft that was voided: what it held is owed again. `since` is the earliest
    bill date concerned. A run that is drafting them right now drafts them again.
    """
    first = sa.case((contracts.c.next_bill_on < since, contracts.c.next_bill_on), else_=since)
    work.execute(
        contracts.update()
        .where(contracts.c.id.in_(list(contract_ids)))
        .values(next_bill_on=first, billed_version=0, billing_count=contracts.c.billing_count + 1)
    )


_DUE = sa.select(
    contracts.c.id,
    contracts.c.number,
    contracts.c.org_id,
    contracts.c.customer_ref,
    contracts.c.version,
    contracts.c.billed_version,
    contracts.c.billed_until,
    contracts.c.billing_count,
    contracts.c.next_bill_on,
    contracts.c.billing_problem.label("problem"),
)

_BILLED = (
    sa.select(
        invoice_items.c.contract_id,
        invoice_items.c.charge_key,
        invoice_items.c.amount,
        invoices.c.currency,
        invoices.c.draft_key,
        invoices.c.bill_on,
    )
    .join(invoices, invoices.c.id == invoice_items.c.invoice_id)
    .where(invoices.c.state.not_in(NOT_BILLED_STATES))
    .order_by(invoices.c.id, invoice_items.c.position)
)

_SAVE_PROGRESS = (
    contracts.update()
    .where(contracts.c.id == sa.bindparam("contract_id"))
    .values(
        next_bill_on=sa.bindparam("next_day"),
        billed_until=sa.bindparam("until"),
        billed_version=sa.bindparam("seen_version"),
        billing_problem=sa.bindparam("problem"),
        billing_count=contracts.c.billing_count + 1,
    )
)


def _due(row: Any, orders: ContractOrders) -> DueContract:
    return DueContract(**row._mapping, orders=orders)


def _collect(found: dict[int, list[Billed]], rows: Iterable[Any]) -> None:
    for row in rows:
        item = Billed(row.charge_key, Money(row.amount, row.currency), row.draft_key, row.bill_on)
        found.setdefault(row.contract_id, []).append(item)


def _moved(work: UnitOfWork, drafted: Sequence[Drafted]) -> set[int]:
    read = {contract.id: contract for one in drafted for contract in one.contracts}
    query = (
        sa.select(contracts.c.id, contracts.c.version, contracts.c.billing_count)
        .where(contracts.c.id.in_(list(read)))
        .order_by(contracts.c.id)
        .with_for_update()
    )
    return {
        row.id
        for row in work.execute(query)
        if (row.version, row.billing_count) != (read[row.id].version, read[row.id].billing_count)
    }


def _progress(one: Drafted, contract: DueContract) -> dict[str, Any]:
    progress = one.progress[contract.id]
    return {
        "contract_id": contract.id,
        "next_day": progress.next_bill_on,
        "until": progress.billed_until,
        "seen_version": contract.version if progress.is_compared else contract.billed_version,
        "problem": one.problem,
    }


def _tax(document: dict[str, Any]) -> Tax:
    return Tax(document["rate"], TaxCategory(document["category"]), document["mention"], document["exemption_code"])
