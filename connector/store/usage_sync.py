"""What a usage run needs of the database and leaves in it: metered contracts page by page, snapshots, states, readings.

Snapshots only grow: each says what the platform answered, when, and whether that was complete. The state of a charge is
the newest of them. A figure becomes a reading, and so is billed, when it is complete or a person took it as it is; once
it is on an issued document it is locked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from connector.domain.review import InvoiceState
from connector.store.contract_orders import ContractOrders, load_orders_of
from connector.store.inserting import insert
from connector.store.tables import contracts, customers, metered_features, order_lines
from connector.store.tables_access import usage_snapshots, usage_states
from connector.store.tables_billing import invoice_items, invoices, usage_readings
from connector.store.unit_of_work import UnitOfWork
from connector.store.usage import save_reading


@dataclass(frozen=True, slots=True)
class MeteredContract:
    """A contract with usage to be read: its orders, whose it is on the platform, the feature of each line by its ref.

    `settled` are the keys of usage charges on issued documents.
    """

    id: int
    number: str
    customer_name: str
    platform_customer: str
    orders: ContractOrders
    features: Mapping[str, str]
    settled: frozenset[str]


@dataclass(frozen=True, slots=True)
class UsageFigure:
    """What the platform said of one usage charge, judged: `reason` is empty when the figure is complete."""

    contract_id: int
    charge_key: str
    feature_ref: str
    starts_on: date
    ends_on: date
    units: Decimal | None
    covered_until: datetime | None
    last_event_at: datetime | None
    reason: str


@dataclass(frozen=True, slots=True)
class Kept:
    """What keeping a figure did: a new snapshot, a new reading, or a billed figure that differs now (both sides)."""

    is_news: bool = False
    is_priced: bool = False
    billed: Decimal | None = None


def metered_page(
    *, connection: Connection, after: int, limit: int, number: str = ""
) -> tuple[tuple[MeteredContract, ...], int]:
    """The next contracts with metered lines, by id, and the id to go on after; 0 when there are no more."""
    is_metered = sa.exists().where(metered_features.c.contract_id == contracts.c.id)
    query = (
        sa.select(contracts.c.id, contracts.c.number, contracts.c.customer_name, customers.c.platform_ref)
        .join(
            customers,
            (customers.c.org_id == contracts.c.org_id) & (customers.c.salesforce_id == contracts.c.customer_ref),
        )
        .where(contracts.c.id > after, is_metered)
        .order_by(contracts.c.id)
        .limit(limit)
    )
    rows = connection.execute(query.where(contracts.c.number == number) if number else query).all()
    ids = [row.id for row in rows]
    orders = load_orders_of(connection=connection, contract_ids=ids)
    features, settled = _features(connection, ids), _locked(connection, ids)
    found = tuple(
        MeteredContract(
            row.id, row.number, row.customer_name, row.platform_ref, orders[row.id], features.get(row.id, {}),
            frozenset(settled.get(row.id, ())),
        )
        for row in rows
    )  # fmt: skip
    return found, ids[-1] if len(ids) == limit else 0


def keep_figure(*, work: UnitOfWork, figure: UsageFigure, source: str, now: datetime) -> Kept:
    """Keep what the platform said and, when it may be billed, price it.

    The same answer again is no new snapshot. A charge on an issued document keeps its reading, whatever is said now.
    """
    known = _state(work, figure.contract_id, figure.charge_key)
    is_news = known is None or not _is_same(known, figure)
    if is_news:
        snapshot_id = _snapshot(work, figure, source, now)
        _save_state(work, figure, snapshot_id, now)
    billed = _billed_units(work, figure)
    if billed is not None:
        is_other = not figure.reason and figure.units is not None and figure.units != billed
        return Kept(is_news, billed=billed if is_other else None)
    is_taken = known is not None and bool(known.accepted_by)
    if figure.units is None or (figure.reason and not is_taken):
        return Kept(is_news)
    return Kept(
        is_news, is_priced=_price(work, figure.contract_id, figure.charge_key, figure.units, figure.ends_on, now)
    )


def accept(
    *, work: UnitOfWork, contract_id: int, charge_key: str, actor: str, reason: str, now: datetime
) -> Decimal | None:
    """A person takes the newest figure as it is; answers its units, None when there is nothing to take."""
    known = _state(work, contract_id, charge_key)
    if known is None or known.units is None:
        return None
    columns = usage_states.c
    work.execute(
        usage_states.update()
        .where(columns.contract_id == contract_id, columns.charge_key == charge_key)
        .values(accepted_by=actor, accepted_reason=reason, accepted_at=now)
    )
    _price(work, contract_id, charge_key, known.units, known.bill_on, now)
    units: Decimal = known.units
    return units


def incomplete_reasons(*, connection: Connection, contract_ids: Sequence[int]) -> dict[int, list[Any]]:
    """Bill date, charge key and reason of every figure that waits for complete data, by contract."""
    columns = usage_states.c
    query = (
        _states()
        .where(columns.contract_id.in_(contract_ids), columns.is_complete.is_(False), columns.accepted_by == "")
        .order_by(columns.bill_on)
    )
    found: dict[int, list[Any]] = {}
    for row in connection.execute(query):
        found.setdefault(row.contract_id, []).append(row)
    return found


def figures_of(*, connection: Connection, contract_ids: Sequence[int]) -> list[Any]:
    """The newest figure of every usage charge of these contracts, by period."""
    query = _states().where(usage_states.c.contract_id.in_(contract_ids))
    return list(connection.execute(query.order_by(usage_snapshots.c.starts_on, usage_states.c.charge_key)))


def _features(connection: Connection, ids: Sequence[int]) -> dict[int, dict[str, str]]:
    query = (
        sa.select(metered_features.c.contract_id, metered_features.c.feature_ref, order_lines.c.salesforce_line_id)
        .join(order_lines, order_lines.c.id == metered_features.c.order_line_id)
        .where(metered_features.c.contract_id.in_(ids))
    )
    found: dict[int, dict[str, str]] = {}
    for row in connection.execute(query):
        found.setdefault(row.contract_id, {})[row.salesforce_line_id] = row.feature_ref
    return found


def _locked(connection: Connection, ids: Sequence[int]) -> dict[int, set[str]]:
    """The usage charges that are on an issued document."""
    query = (
        sa.select(invoice_items.c.contract_id, invoice_items.c.charge_key)
        .join(invoices, invoices.c.id == invoice_items.c.invoice_id)
        .where(invoice_items.c.contract_id.in_(ids), invoices.c.state == InvoiceState.ISSUED.value)
        .where(invoice_items.c.kind == "usage")
    )
    found: dict[int, set[str]] = {}
    for row in connection.execute(query):
        found.setdefault(row.contract_id, set()).add(row.charge_key)
    return found


def _states() -> sa.Select[Any]:
    return sa.select(
        usage_states, usage_snapshots.c.units, usage_snapshots.c.reason, usage_snapshots.c.starts_on,
        usage_snapshots.c.ends_on, usage_snapshots.c.feature_ref, usage_snapshots.c.source,
        usage_snapshots.c.covered_until, usage_snapshots.c.read_at.label("snapshot_at"),
    ).join(usage_snapshots, usage_snapshots.c.id == usage_states.c.snapshot_id)  # fmt: skip


def _state(work: UnitOfWork, contract_id: int, charge_key: str) -> Any | None:
    columns = usage_states.c
    query = _states().where(columns.contract_id == contract_id, columns.charge_key == charge_key)
    return work.execute(query).one_or_none()


def _is_same(known: Any, figure: UsageFigure) -> bool:
    return (known.units, known.reason, known.ends_on) == (figure.units, figure.reason, figure.ends_on)


def _snapshot(work: UnitOfWork, figure: UsageFigure, source: str, now: datetime) -> int:
    made = work.execute(
        usage_snapshots.insert()
        .values(
            contract_id=figure.contract_id, charge_key=figure.charge_key, feature_ref=figure.feature_ref,
            starts_on=figure.starts_on, ends_on=figure.ends_on, units=figure.units,
            covered_until=figure.covered_until, last_event_at=figure.last_event_at,
            is_complete=not figure.reason, reason=figure.reason, source=source, read_at=now,
        )
        .returning(usage_snapshots.c.id)
    )  # fmt: skip
    return int(made.scalar_one())


def _save_state(work: UnitOfWork, figure: UsageFigure, snapshot_id: int, now: datetime) -> None:
    changes = {
        "snapshot_id": snapshot_id, "bill_on": figure.ends_on, "is_complete": not figure.reason, "read_at": now,
    }  # fmt: skip
    statement = insert(work, usage_states).values(
        contract_id=figure.contract_id, charge_key=figure.charge_key, **changes
    )
    work.execute(
        statement.on_conflict_do_update(
            index_elements=[usage_states.c.contract_id, usage_states.c.charge_key],
            set_={name: statement.excluded[name] for name in changes},
        )
    )


def _billed_units(work: UnitOfWork, figure: UsageFigure) -> Decimal | None:
    """The units that an issued document bills of the charge; None while there is none."""
    locked = _locked(work.connection, [figure.contract_id])
    if figure.charge_key not in locked.get(figure.contract_id, ()):
        return None
    columns = usage_readings.c
    query = sa.select(columns.units).where(
        columns.contract_id == figure.contract_id, columns.charge_key == figure.charge_key
    )
    return Decimal(work.execute(query).scalar_one_or_none() or 0)


def _price(work: UnitOfWork, contract_id: int, charge_key: str, units: Decimal, bill_on: date, now: datetime) -> bool:
    return save_reading(
        work=work, contract_id=contract_id, charge_key=charge_key, units=units, bill_on=bill_on, now=now
    )
