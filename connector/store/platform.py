"""The embedded entitlement platform's own tables: its customers and subscriptions.

They belong to the platform, not to the core: only `adapters/entitlements_embedded.py` uses this module, each call in a
transaction of its own, as if it were somebody else's database. Whatever changes a subscription first books the credits
that fell due before the change.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Protocol, TypeVar

import sqlalchemy as sa
from pydantic import TypeAdapter

from connector.domain.entitlements import AccessGranted, AccessWanted, Grant
from connector.errors import Refused
from connector.store.inserting import insert
from connector.store.platform_credits import bring_up_to_date, due_subscriptions
from connector.store.tables_platform import platform_customers, platform_subscriptions
from connector.store.unit_of_work import Database, UnitOfWork

Made = TypeVar("Made")
_GRANTS = TypeAdapter(tuple[Grant, ...])
_ADD_ONS = TypeAdapter(tuple[tuple[str, Decimal], ...])


class Subscribing(Protocol):
    """What is asked for one subscription; the port's SubscriptionRequest is one."""

    @property
    def key(self) -> str:
        """Ours, the same on every retry."""

    @property
    def customer_ref(self) -> str:
        """Whose it is."""

    @property
    def contract_ref(self) -> str:
        """Under which contract it runs."""

    @property
    def wanted(self) -> AccessWanted:
        """What it gives."""


class KeyTaken(Refused):
    """The key belongs to another customer or subscription."""

    code = "KEY_TAKEN"
    fix = "Report it: two different things must never have one key."


class UnknownCustomer(Refused):
    """The platform has no such customer."""

    code = "UNKNOWN_CUSTOMER"
    fix = "Press Resync: the customer is made first."


class PlatformStore:
    """Rows of the embedded platform. A create with a known key answers with what exists."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def upsert_customer(self, *, key: str, ref: str, name: str, email: str) -> str:
        """The customer's ref; name and e-mail are brought up to date."""

        def upsert(work: UnitOfWork) -> str:
            statement = insert(work, platform_customers).values(ref=ref, key=key, name=name, email=email)
            kept = statement.on_conflict_do_update(
                index_elements=[platform_customers.c.key],
                set_={"name": statement.excluded.name, "email": statement.excluded.email},
            )
            return str(work.execute(kept.returning(platform_customers.c.ref)).scalar_one())

        return self._upserted(upsert)

    def grant(self, *, rows: Sequence[tuple[str, Subscribing]], now: datetime) -> tuple[str, ...]:
        """Make the subscriptions, or change the running ones of their contracts and products; answers their refs.

        All or none. Raises UnknownCustomer, and KeyTaken when a key belongs to another contract or product.
        """

        def upsert_all(work: UnitOfWork) -> tuple[str, ...]:
            return tuple(_made(work, ref, asked, now) for ref, asked in rows)

        try:
            return self._upserted(upsert_all)
        except KeyTaken:
            for _ref, asked in rows:
                if not self._has_customer(asked.customer_ref):
                    raise UnknownCustomer(f"The platform has no customer {asked.customer_ref}.") from None
            raise

    def load(self, *, ref: str, today: date) -> AccessGranted | None:
        """The subscription as it stands on that day."""
        with self._database.reading() as connection:
            query = sa.select(platform_subscriptions).where(platform_subscriptions.c.ref == ref)
            row = connection.execute(query).one_or_none()
        return None if row is None else _granted(row, today)

    def revoke(self, *, ref: str, ends_on: date, now: datetime) -> bool:
        """End the subscription on that day; False when there is none."""
        table = platform_subscriptions
        with self._database.unit_of_work() as work:
            if work.execute(sa.select(table.c.ref).where(table.c.ref == ref)).one_or_none() is None:
                return False
            bring_up_to_date(work=work, subscription_ref=ref, now=now)
            work.execute(table.update().where(table.c.ref == ref).values(ends_on=ends_on, is_revoked=True))
            bring_up_to_date(work=work, subscription_ref=ref, now=now)
            work.commit()
        return True

    def subscriptions_of(self, *, customer_ref: str, today: date) -> tuple[AccessGranted, ...]:
        """The subscriptions of a customer, ended ones included, in the order of their refs."""
        table = platform_subscriptions
        query = sa.select(table).where(table.c.customer_ref == customer_ref).order_by(table.c.ref)
        with self._database.reading() as connection:
            return tuple(_granted(row, today) for row in connection.execute(query))

    def has_customer(self, *, ref: str) -> bool:
        """Whether the platform knows the customer."""
        return self._has_customer(ref)

    def grant_due_credits(self, *, subscription_ref: str, now: datetime) -> int:
        """Book what is due of one subscription's credits; answers how many entries that made."""
        with self._database.unit_of_work() as work:
            made = bring_up_to_date(work=work, subscription_ref=subscription_ref, now=now)
            work.commit()
        return made

    def due_subscriptions(self, *, today: date, limit: int) -> list[str]:
        """The subscriptions whose credits are due."""
        with self._database.reading() as connection:
            return due_subscriptions(connection=connection, today=today, limit=limit)

    def _has_customer(self, ref: str) -> bool:
        with self._database.reading() as connection:
            query = sa.select(platform_customers.c.ref).where(platform_customers.c.ref == ref)
            return connection.execute(query).one_or_none() is not None

    def _upserted(self, upsert: Callable[[UnitOfWork], Made]) -> Made:
        """What the change answers.

        A row that another transaction makes at the same moment can hit a unique index that is not the one asked for;
        once it is there, the second try updates it. Raises KeyTaken when that does not help.
        """
        try:
            return self._run(upsert)
        except sa.exc.IntegrityError:
            pass
        try:
            return self._run(upsert)
        except sa.exc.IntegrityError as error:
            raise KeyTaken from error

    def _run(self, upsert: Callable[[UnitOfWork], Made]) -> Made:
        with self._database.unit_of_work() as work:
            made = upsert(work)
            work.commit()
        return made


def _upsert(work: UnitOfWork, ref: str, asked: Subscribing) -> Any:
    """The statement that makes the subscription, or changes the one of the same contract and product."""
    values = _values(asked.wanted)
    statement = insert(work, platform_subscriptions).values(
        ref=ref,
        key=asked.key,
        customer_ref=asked.customer_ref,
        contract_ref=asked.contract_ref,
        product_ref=asked.wanted.product_ref,
        **values,
    )
    return statement.on_conflict_do_update(
        index_elements=[platform_subscriptions.c.contract_ref, platform_subscriptions.c.product_ref],
        set_={name: statement.excluded[name] for name in values},
    ).returning(platform_subscriptions.c.ref)


def _made(work: UnitOfWork, ref: str, asked: Subscribing, now: datetime) -> str:
    """Make or change one subscription; credits are booked with the old values first, then with the new ones."""
    table = platform_subscriptions
    running = sa.select(table.c.ref).where(
        table.c.contract_ref == asked.contract_ref, table.c.product_ref == asked.wanted.product_ref
    )
    if (known := work.execute(running).scalar_one_or_none()) is not None:
        bring_up_to_date(work=work, subscription_ref=known, now=now)
    made = str(work.execute(_upsert(work, ref, asked)).scalar_one())
    bring_up_to_date(work=work, subscription_ref=made, now=now)
    return made


def _values(wanted: AccessWanted) -> dict[str, Any]:
    return {
        "plan_ref": wanted.plan_ref,
        "starts_on": wanted.starts_on,
        "ends_on": wanted.ends_on,
        "grants": [dataclasses.asdict(grant) for grant in wanted.grants],
        "add_ons": [list(add_on) for add_on in wanted.add_ons],
        "is_revoked": False,
        "plan_version": wanted.plan_version,
    }


def _granted(row: Any, today: date) -> AccessGranted:
    return AccessGranted(
        subscription_ref=row.ref,
        plan_ref=row.plan_ref,
        starts_on=row.starts_on,
        ends_on=row.ends_on,
        grants=_GRANTS.validate_python(row.grants),
        add_ons=_ADD_ONS.validate_python(row.add_ons),
        is_live=not row.is_revoked or row.ends_on > today,
        plan_version=row.plan_version,
    )
