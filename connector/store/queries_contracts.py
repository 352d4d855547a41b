"""Contracts as people see them: the list, and one contract with its lines, versions, subscriptions and orders.

Nothing here may change data.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from connector.domain.money import Money
from connector.store import queries
from connector.store.order_rows import OrderRow
from connector.store.queries import Page, PageAsked
from connector.store.queries_orders import list_orders
from connector.store.tables import contract_lines, contract_versions, contracts, order_lines, orders, subscriptions

# More orders than this change no single contract in practice; the page says when there are more.
_MOST_ORDERS = 200


@dataclass(frozen=True, slots=True)
class ContractRow:
    """One contract of the list; `ends_on` is exclusive, `billing_problem` why the last billing run left it out."""

    id: int
    number: str
    org_id: str
    customer_ref: str
    customer_name: str
    legal_entity: str
    value: Money
    starts_on: date
    ends_on: date
    version: int
    billing_problem: str
    created_at: datetime
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class ContractLineRow:
    """One line of a contract with the order it came from."""

    position: int
    order_number: str
    product_code: str
    product_name: str
    quantity: Decimal
    value: Money
    starts_on: date
    ends_on: date


@dataclass(frozen=True, slots=True)
class ContractVersionRow:
    """One value the contract had; `change` is against the version before, the whole value for the first."""

    version: int
    order_number: str
    deal_type: str
    value: Money
    change: Money
    made_at: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class SubscriptionRow:
    """One subscription as wanted, with the platform's ref once it is there."""

    product_ref: str
    plan_ref: str
    platform_ref: str
    state: str
    changed_at: datetime
    starts_on: date | None
    ends_on: date | None
    grants: tuple[dict[str, Any], ...]


@dataclass(frozen=True, slots=True)
class ContractDetail:
    """Everything about one contract."""

    row: ContractRow
    lines: tuple[ContractLineRow, ...]
    versions: tuple[ContractVersionRow, ...]
    subscriptions: tuple[SubscriptionRow, ...]
    orders: tuple[OrderRow, ...]


def list_contracts(*, connection: Connection, page: PageAsked, text: str = "") -> Page[ContractRow]:
    """Contracts, newest first; `text` is looked for in number and customer."""
    query = sa.select(contracts)
    if text:
        columns = (contracts.c.number, contracts.c.customer_name, contracts.c.customer_ref)
        query = query.where(queries.contains(text, *columns))
    return queries.read_page(connection=connection, query=query, key=contracts.c.id, page=page, row=_contract)


def load_contract(*, connection: Connection, number: str) -> ContractDetail | None:
    """One contract with all that belongs to it, or None."""
    row = connection.execute(sa.select(contracts).where(contracts.c.number == number)).one_or_none()
    if row is None:
        return None
    page = list_orders(connection=connection, page=PageAsked(limit=_MOST_ORDERS), contract_id=row.id)
    return ContractDetail(
        row=_contract(row),
        lines=_lines(connection, row),
        versions=_versions(connection, row),
        subscriptions=_subscriptions(connection, row.id),
        orders=page.rows,
    )


def find_contract(*, connection: Connection, number: str) -> int | None:
    """The row of the contract with that number, None when there is none."""
    return connection.execute(sa.select(contracts.c.id).where(contracts.c.number == number)).scalar_one_or_none()


def _contract(row: Any) -> ContractRow:
    return ContractRow(
        id=row.id,
        number=row.number,
        org_id=row.org_id,
        customer_ref=row.customer_ref,
        customer_name=row.customer_name,
        legal_entity=row.legal_entity,
        value=Money(row.value, row.currency).rounded(),
        starts_on=row.starts_on,
        ends_on=row.ends_on,
        version=row.version,
        billing_problem=row.billing_problem,
        created_at=row.created_at,
        changed_at=row.changed_at,
    )


def _lines(connection: Connection, contract: Any) -> tuple[ContractLineRow, ...]:
    query = (
        sa.select(contract_lines, orders.c.number.label("order_number"))
        .join_from(contract_lines, order_lines)
        .join(orders, orders.c.id == order_lines.c.order_id)
        .where(contract_lines.c.contract_id == contract.id)
        .order_by(contract_lines.c.position, contract_lines.c.id)
    )
    return tuple(
        ContractLineRow(
            position=row.position,
            order_number=row.order_number,
            product_code=row.product_code,
            product_name=row.product_name,
            quantity=row.quantity,
            value=Money(row.value, contract.currency).rounded(),
            starts_on=row.starts_on,
            ends_on=row.ends_on,
        )
        for row in connection.execute(query)
    )


def _versions(connection: Connection, contract: Any) -> tuple[ContractVersionRow, ...]:
    """All versions, newest first, each with what it changed."""
    query = (
        sa.select(contract_versions, orders.c.number.label("order_number"), orders.c.deal_type)
        .join_from(contract_versions, orders, orders.c.id == contract_versions.c.order_id)
        .where(contract_versions.c.contract_id == contract.id)
        .order_by(contract_versions.c.version)
    )
    before = Money.zero(contract.currency)
    found = []
    for row in connection.execute(query):
        value = Money(row.value, contract.currency).rounded()
        change = value - before
        found.append(
            ContractVersionRow(row.version, row.order_number, row.deal_type, value, change, row.made_at, row.reason)
        )
        before = value
    return tuple(reversed(found))


def _subscriptions(connection: Connection, contract_id: int) -> tuple[SubscriptionRow, ...]:
    query = sa.select(subscriptions).where(subscriptions.c.contract_id == contract_id).order_by(subscriptions.c.id)
    return tuple(
        SubscriptionRow(
            product_ref=row.product_ref,
            plan_ref=row.plan_ref,
            platform_ref=row.platform_ref,
            state=row.state,
            changed_at=row.changed_at,
            starts_on=row.wanted.get("starts_on"),
            ends_on=row.wanted.get("ends_on"),
            grants=tuple(row.wanted.get("grants", ())),
        )
        for row in connection.execute(query)
    )
