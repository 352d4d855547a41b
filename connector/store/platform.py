"""The embedded entitlement platform's own tables: its customers and subscriptions.

They belong to the platform, not to the core: only `adapters/entitlements_embedded.py` uses this module, each call in a
transaction of its own, as if it were somebody else's database.
"""

from __future__ import annotations

import dataclasses
from datetime import date
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from pydantic import TypeAdapter

from connector.domain.entitlements import AccessGranted, AccessWanted, Grant
from connector.store.inserting import insert
from connector.store.tables_platform import platform_customers, platform_subscriptions
from connector.store.unit_of_work import Database, UnitOfWork

_GRANTS = TypeAdapter(tuple[Grant, ...])
_ADD_ONS = TypeAdapter(tuple[tuple[str, Decimal], ...])


class PlatformStore:
    """Rows of the embedded platform. A create with a known key answers with what exists."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def upsert_customer(self, *, key: str, ref: str, name: str, email: str) -> str:
        """The customer's ref; name and e-mail are brought up to date."""
        with self._database.unit_of_work() as work:
            statement = insert(work, platform_customers).values(ref=ref, key=key, name=name, email=email)
            upsert = statement.on_conflict_do_update(
                index_elements=[platform_customers.c.key],
                set_={"name": statement.excluded.name, "email": statement.excluded.email},
            )
            found = work.execute(upsert.returning(platform_customers.c.ref)).scalar_one()
            work.commit()
        return str(found)

    def grant(self, *, key: str, ref: str, customer_ref: str, contract_ref: str, wanted: AccessWanted) -> str:
        """Make the subscription, or change the running one of this contract and product; answers its ref."""
        values = _values(wanted)
        with self._database.unit_of_work() as work:
            statement = insert(work, platform_subscriptions).values(
                ref=ref,
                key=key,
                customer_ref=customer_ref,
                contract_ref=contract_ref,
                product_ref=wanted.product_ref,
                **values,
            )
            upsert = statement.on_conflict_do_update(
                index_elements=[platform_subscriptions.c.contract_ref, platform_subscriptions.c.product_ref],
                set_={name: statement.excluded[name] for name in values},
            )
            found = work.execute(upsert.returning(platform_subscriptions.c.ref)).scalar_one()
            work.commit()
        return str(found)

    def load(self, *, ref: str) -> AccessGranted | None:
        """The subscription as it stands."""
        with self._database.reading() as connection:
            query = sa.select(platform_subscriptions).where(platform_subscriptions.c.ref == ref)
            row = connection.execute(query).one_or_none()
        return None if row is None else _granted(row)

    def revoke(self, *, ref: str, ends_on: date) -> None:
        """End the subscription on that day."""
        with self._database.unit_of_work() as work:
            _end(work, ref, ends_on)
            work.commit()


def _end(work: UnitOfWork, ref: str, ends_on: date) -> None:
    work.execute(
        platform_subscriptions.update()
        .where(platform_subscriptions.c.ref == ref)
        .values(ends_on=ends_on, is_revoked=True)
    )


def _values(wanted: AccessWanted) -> dict[str, Any]:
    return {
        "plan_ref": wanted.plan_ref,
        "starts_on": wanted.starts_on,
        "ends_on": wanted.ends_on,
        "grants": [dataclasses.asdict(grant) for grant in wanted.grants],
        "add_ons": [list(add_on) for add_on in wanted.add_ons],
        "is_revoked": False,
    }


def _granted(row: Any) -> AccessGranted:
    return AccessGranted(
        subscription_ref=row.ref,
        plan_ref=row.plan_ref,
        starts_on=row.starts_on,
        ends_on=row.ends_on,
        grants=_GRANTS.validate_python(row.grants),
        add_ons=_ADD_ONS.validate_python(row.add_ons),
        is_live=not row.is_revoked,
    )
