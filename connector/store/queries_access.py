"""Rows about a customer's access for pages and the API; read only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from connector.domain.entitlements import AccessWanted
from connector.store.tables import contracts, customers, order_lines, subscriptions
from connector.store.tables_access import scheduled_access, usage_snapshots, usage_states
from connector.store.terms import load_access

_ID18 = 18


@dataclass(frozen=True, slots=True)
class CustomerAccess:
    """Whose access it is."""

    org_id: str
    salesforce_id: str
    name: str
    platform_ref: str


@dataclass(frozen=True, slots=True)
class SubscriptionKept:
    """A subscription as kept here, with its contract."""

    number: str
    state: str
    wanted: AccessWanted


@dataclass(frozen=True, slots=True)
class ChangeKept:
    """A change of access by date, with its contract; `problem` says why it could not be granted so far."""

    number: str
    starts_on: date
    state: str
    problem: str
    wanted: AccessWanted


@dataclass(frozen=True, slots=True)
class UsageRow:
    """Usage of one charge as last read: its period, units (None: unknown), what is included, whether it is whole."""

    contract_number: str
    charge_key: str
    product_name: str
    feature_ref: str
    starts_on: date
    ends_on: date
    units: Decimal | None
    included: Decimal
    is_complete: bool
    reason: str
    source: str
    read_at: datetime
    accepted_by: str


@dataclass(frozen=True, slots=True)
class KeptAccess:
    """Everything kept here about one customer's access."""

    subscriptions: tuple[SubscriptionKept, ...]
    changes: tuple[ChangeKept, ...]
    usage: tuple[UsageRow, ...]


def find_customers(*, connection: Connection, customer_id: str) -> tuple[CustomerAccess, ...]:
    """The customers with that account id (15 or 18 characters) or platform ref."""
    columns = customers.c
    query = sa.select(customers).where(
        sa.or_(
            columns.salesforce_id == customer_id,
            columns.platform_ref == customer_id,
            sa.func.substr(columns.salesforce_id, 1, 15) == customer_id,
        )
    )
    rows = connection.execute(query.order_by(columns.id))
    return tuple(CustomerAccess(row.org_id, row.salesforce_id, row.name, row.platform_ref) for row in rows)


def load_kept(*, connection: Connection, customer: CustomerAccess) -> KeptAccess:
    """Subscriptions, changes to come and usage of all contracts of the customer."""
    is_theirs = (contracts.c.org_id == customer.org_id) & (contracts.c.customer_ref == customer.salesforce_id)
    sold = connection.execute(
        sa.select(contracts.c.number, subscriptions.c.state, subscriptions.c.wanted)
        .join(contracts, contracts.c.id == subscriptions.c.contract_id)
        .where(is_theirs)
        .order_by(subscriptions.c.id)
    )
    return KeptAccess(
        tuple(SubscriptionKept(row.number, row.state, load_access(row.wanted)) for row in sold),
        load_changes(connection=connection, condition=is_theirs),
        _usage(connection, is_theirs),
    )


def load_changes(*, connection: Connection, condition: sa.ColumnElement[bool]) -> tuple[ChangeKept, ...]:
    """Changes of access of contracts that meet the condition, by date; superseded ones are left out."""
    columns = scheduled_access.c
    rows = connection.execute(
        sa.select(contracts.c.number, columns.starts_on, columns.state, columns.problem, columns.wanted)
        .join(contracts, contracts.c.id == columns.contract_id)
        .where(condition, columns.state != "superseded")
        .order_by(columns.starts_on, columns.id)
    )
    return tuple(ChangeKept(row.number, row.starts_on, row.state, row.problem, load_access(row.wanted)) for row in rows)


def changes_of_contract(*, connection: Connection, number: str) -> tuple[ChangeKept, ...]:
    """The changes of one contract's access, by date."""
    return load_changes(connection=connection, condition=contracts.c.number == number)


def usage_of_contracts(*, connection: Connection, contract_ids: Sequence[int], today: date) -> tuple[UsageRow, ...]:
    """Usage of these contracts in the period that runs, each charge as last read."""
    runs = (usage_snapshots.c.starts_on <= today) & (usage_snapshots.c.ends_on > today)
    return _usage(connection, usage_states.c.contract_id.in_(contract_ids) & runs)


def _usage(connection: Connection, condition: sa.ColumnElement[bool]) -> tuple[UsageRow, ...]:
    query = (
        sa.select(usage_states, usage_snapshots, contracts.c.number)
        .join(usage_snapshots, usage_snapshots.c.id == usage_states.c.snapshot_id)
        .join(contracts, contracts.c.id == usage_states.c.contract_id)
        .where(condition)
        .order_by(usage_snapshots.c.starts_on, usage_states.c.charge_key)
    )
    rows = connection.execute(query.set_label_style(sa.LABEL_STYLE_TABLENAME_PLUS_COL)).all()
    lines = _lines(connection, {_line_ref(row.usage_states_charge_key) for row in rows})
    return tuple(_usage_row(row, lines) for row in rows)


def _usage_row(row: Any, lines: dict[str, tuple[str, Decimal]]) -> UsageRow:
    name, included = lines.get(_line_ref(row.usage_states_charge_key), ("", Decimal(0)))
    return UsageRow(
        contract_number=row.contracts_number,
        charge_key=row.usage_states_charge_key,
        product_name=name,
        feature_ref=row.usage_snapshots_feature_ref,
        starts_on=row.usage_snapshots_starts_on,
        ends_on=row.usage_snapshots_ends_on,
        units=row.usage_snapshots_units,
        included=included,
        is_complete=row.usage_snapshots_is_complete,
        reason=row.usage_snapshots_reason,
        source=row.usage_snapshots_source,
        read_at=row.usage_snapshots_read_at,
        accepted_by=row.usage_states_accepted_by,
    )


def _line_ref(charge_key: str) -> str:
    """The Salesforce line id in the key of a charge: `record:line/first day/kind`."""
    return charge_key.partition("/")[0].rpartition(":")[2]


def _lines(connection: Connection, refs: set[str]) -> dict[str, tuple[str, Decimal]]:
    columns = order_lines.c
    rows = connection.execute(
        sa.select(columns.salesforce_line_id, columns.product_name, columns.terms).where(
            columns.salesforce_line_id.in_(sorted(refs))
        )
    )
    return {row.salesforce_line_id: (row.product_name, Decimal(row.terms.get("included_units") or 0)) for row in rows}
