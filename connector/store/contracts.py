"""Contracts, their versions and lines, and what belongs to them: customers, subscriptions, metered features.

Each row has a unique key made of the rows that caused it, so that a step that runs twice finds what it made before.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from connector.domain.entitlements import AccessWanted
from connector.domain.terms import Customer, LineItem, Order
from connector.errors import Fault
from connector.store import history
from connector.store.inserting import insert, insert_ignore
from connector.store.sent_back import first_sent_back
from connector.store.tables import (
    contract_lines,
    contract_versions,
    contracts,
    customers,
    metered_features,
    orders,
    subscriptions,
)
from connector.store.terms import access_document, load_access
from connector.store.unit_of_work import UnitOfWork

REVOKED = "revoked"


@dataclass(frozen=True, slots=True)
class StoredContract:
    """A contract as kept."""

    id: int
    number: str
    value: Decimal
    version: int
    starts_on: date
    ends_on: date
    next_bill_on: date | None


@dataclass(frozen=True, slots=True)
class StoredSubscription:
    """One running product of a contract: wanted as sold, and the platform's ref once it is granted."""

    id: int
    product_ref: str
    plan_ref: str
    platform_ref: str
    wanted: AccessWanted
    state: str


def save_customer(*, work: UnitOfWork, org_id: str, customer: Customer, platform_ref: str, now: datetime) -> None:
    """Our row of the customer, with what the platform calls them; made or brought up to date."""
    statement = insert(work, customers).values(
        org_id=org_id, salesforce_id=customer.ref, name=customer.name, platform_ref=platform_ref, created_at=now
    )
    work.execute(
        statement.on_conflict_do_update(
            index_elements=[customers.c.org_id, customers.c.salesforce_id],
            set_={"name": statement.excluded.name, "platform_ref": statement.excluded.platform_ref},
        )
    )


def platform_ref(*, work: UnitOfWork, org_id: str, customer_ref: str) -> str:
    """What the platform calls the customer; the customer step has run before anyone asks."""
    query = sa.select(customers.c.platform_ref).where(
        customers.c.org_id == org_id, customers.c.salesforce_id == customer_ref
    )
    return str(work.execute(query).scalar_one())


def lock(*, work: UnitOfWork, contract_id: int) -> StoredContract:
    """The contract, locked for this transaction, so that two orders never recalculate it at once."""
    row = work.execute(sa.select(contracts).where(contracts.c.id == contract_id).with_for_update()).one()
    return StoredContract(row.id, row.number, row.value, row.version, row.starts_on, row.ends_on, row.next_bill_on)


def open_contract(*, work: UnitOfWork, order_id: int, order: Order, value: Decimal, now: datetime) -> StoredContract:
    """The contract that this order opens, at version 0 until its version is saved; found again when run twice."""
    made = work.execute(
        insert_ignore(work, contracts)
        .values(
            number=f"new-{order_id}",
            opened_by_order_id=order_id,
            org_id=order.source.org_id,
            customer_ref=order.customer.ref,
            customer_name=order.customer.name,
            currency=order.currency,
            legal_entity=order.legal_entity,
            starts_on=order.starts_on,
            ends_on=order.ends_on,
            value=value,
            version=0,
            created_at=now,
            changed_at=now,
        )
        .returning(contracts.c.id)
    ).scalar_one_or_none()
    if made is None:
        query = sa.select(contracts.c.id).where(contracts.c.opened_by_order_id == order_id)
        return lock(work=work, contract_id=work.execute(query).scalar_one())
    return StoredContract(made, f"C-{made:06d}", value, 0, order.starts_on, order.ends_on, None)


def save_version(
    *,
    work: UnitOfWork,
    contract: StoredContract,
    order_id: int,
    value: Decimal,
    starts_on: date,
    ends_on: date,
    bill_from: date | None,
    warnings: Sequence[Fault],
    reason: str,
    now: datetime,
    actor: str = history.SYSTEM,
    is_undo: bool = False,
) -> None:
    """The contract as this order, or taking it back, leaves it: its new value and term, once each.

    `bill_from` is the first day on which that changes what is billed; the next billing run looks from there, or from
    what finance sent back before: the change answers it.
    """
    version = contract.version + 1
    since = _earlier(bill_from, first_sent_back(work=work, contract_id=contract.id))
    work.execute(
        contract_versions.insert().values(
            contract_id=contract.id,
            version=version,
            order_id=order_id,
            value=value,
            made_at=now,
            reason=reason,
            is_undo=is_undo,
        )
    )
    work.execute(
        contracts.update()
        .where(contracts.c.id == contract.id)
        .values(
            number=contract.number,
            version=version,
            value=value,
            starts_on=starts_on,
            ends_on=ends_on,
            next_bill_on=_earlier(contract.next_bill_on, since),
            warnings=[dataclasses.asdict(warning) for warning in warnings] or None,
            changed_at=now,
        )
    )
    work.execute(orders.update().where(orders.c.id == order_id).values(contract_id=contract.id))
    history.append(
        work=work,
        at=now,
        subject="contract",
        subject_id=contract.id,
        event="undo" if is_undo else "recalculate",
        before=str(contract.value) if contract.version else "",
        after=str(value),
        reason=reason,
        actor=actor,
    )


def has_version(*, work: UnitOfWork, contract_id: int, order_id: int) -> bool:
    """Whether this order has changed this contract already."""
    query = sa.select(contract_versions.c.version).where(
        contract_versions.c.contract_id == contract_id,
        contract_versions.c.order_id == order_id,
        contract_versions.c.is_undo.is_(False),
    )
    return work.execute(query).first() is not None


def save_lines(
    *,
    work: UnitOfWork,
    contract_id: int,
    line_items: Sequence[LineItem],
    order_line_ids: Mapping[str, int],
    values: Mapping[str, Decimal],
) -> None:
    """The order's line items as lines of the contract, each with its committed value."""
    rows = [
        {
            "contract_id": contract_id,
            "order_line_id": order_line_ids[line.ref],
            "position": line.position,
            "product_code": line.product_code,
            "product_name": line.product_name,
            "starts_on": line.starts_on,
            "ends_on": line.ends_on,
            "quantity": line.quantity,
            "value": values.get(line.ref, Decimal(0)),
        }
        for line in line_items
    ]
    if rows:
        work.execute(insert_ignore(work, contract_lines), rows)


def want_subscription(
    *, work: UnitOfWork, contract_id: int, order_id: int, wanted: AccessWanted, now: datetime
) -> StoredSubscription:
    """Write down the access to be granted; the row's id makes the key of the outside call."""
    changes: dict[str, Any] = {
        "order_id": order_id,
        "plan_ref": wanted.plan_ref,
        "wanted": access_document(wanted),
        "state": "wanted",
        "changed_at": now,
    }
    statement = insert(work, subscriptions).values(contract_id=contract_id, product_ref=wanted.product_ref, **changes)
    upsert = statement.on_conflict_do_update(
        index_elements=[subscriptions.c.contract_id, subscriptions.c.product_ref],
        set_={name: statement.excluded[name] for name in changes},
    )
    return _subscription(work.execute(upsert.returning(subscriptions)).one())


def load_subscriptions(*, work: UnitOfWork, contract_id: int) -> tuple[StoredSubscription, ...]:
    """All subscriptions of a contract."""
    rows = work.execute(
        sa.select(subscriptions).where(subscriptions.c.contract_id == contract_id).order_by(subscriptions.c.id)
    )
    return tuple(_subscription(row) for row in rows)


def find_by_number(*, work: UnitOfWork, number: str) -> int | None:
    """The id of the contract with that number; None when there is none."""
    found: int | None = work.execute(sa.select(contracts.c.id).where(contracts.c.number == number)).scalar_one_or_none()
    return found


def running_page(*, work: UnitOfWork, after: int, today: date, limit: int) -> list[tuple[int, str, str]]:
    """Id, number and customer of the next contracts with access that runs, by id."""
    query = (
        sa.select(contracts.c.id, contracts.c.number, contracts.c.customer_name)
        .where(contracts.c.id > after, contracts.c.ends_on > today)
        .where(sa.exists().where(subscriptions.c.contract_id == contracts.c.id, subscriptions.c.state == "confirmed"))
        .order_by(contracts.c.id)
        .limit(limit)
    )
    return [(row.id, row.number, row.customer_name) for row in work.execute(query)]


def plan_versions(*, work: UnitOfWork, contract_id: int) -> dict[str, int]:
    """The version by plan ref on which the contract's subscriptions run; none of platforms that tell no version."""
    rows = load_subscriptions(work=work, contract_id=contract_id)
    return {row.plan_ref: row.wanted.plan_version for row in rows if row.platform_ref and row.wanted.plan_version}


def save_plan_version(*, work: UnitOfWork, subscription: StoredSubscription, version: int) -> None:
    """The version of its plan that the subscription was found to run on; later orders keep to it."""
    if version and version != subscription.wanted.plan_version:
        wanted = dataclasses.replace(subscription.wanted, plan_version=version)
        work.execute(
            subscriptions.update().where(subscriptions.c.id == subscription.id).values(wanted=access_document(wanted))
        )


def save_subscription(*, work: UnitOfWork, subscription_id: int, platform_ref: str, state: str, now: datetime) -> None:
    """What became of the subscription: granted (with the platform's ref) or confirmed by read-back."""
    work.execute(
        subscriptions.update()
        .where(subscriptions.c.id == subscription_id)
        .values(platform_ref=platform_ref, state=state, changed_at=now)
    )


def save_metered_feature(*, work: UnitOfWork, contract_id: int, order_line_id: int, feature_ref: str) -> None:
    """Map a usage line of the contract to the feature whose usage it bills."""
    work.execute(
        insert_ignore(work, metered_features).values(
            contract_id=contract_id, order_line_id=order_line_id, feature_ref=feature_ref
        )
    )


def _earlier(one: date | None, other: date | None) -> date | None:
    return min((day for day in (one, other) if day is not None), default=None)


def _subscription(row: Any) -> StoredSubscription:
    return StoredSubscription(
        row.id, row.product_ref, row.plan_ref, row.platform_ref, load_access(row.wanted), row.state
    )
