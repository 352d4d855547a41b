"""All signed orders of a contract and those of them that were taken back: the one place where a contract is read from.

Whatever builds a contract needs both, together; reading them apart would forget an undone order. Terms are kept as
documents until somebody asks for them, so that one document that cannot be read is one contract's trouble.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from connector.domain.contract_terms import Undo
from connector.domain.terms import Order
from connector.store.tables import orders, records
from connector.store.tables_billing import contract_undos
from connector.store.terms import load_order
from connector.store.unit_of_work import UnitOfWork

# SQLite takes a limited number of values in one statement.
_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class ContractOrders:
    """What made one contract: the documents of its orders, oldest first, and its undone orders, first undone first."""

    documents: list[dict[str, Any]] = field(default_factory=list)
    undone: list[Undo] = field(default_factory=list)

    @property
    def terms(self) -> list[Order]:
        """The signed orders, read from their documents."""
        return [load_order(document) for document in self.documents]

    @property
    def undone_refs(self) -> frozenset[str]:
        """The record ids of the orders that were taken back."""
        return frozenset(step.order_ref for step in self.undone)

    def terms_beside(self, order: Order) -> list[Order]:
        """The signed orders without this one."""
        return [other for other in self.terms if other.source != order.source]

    def in_force(self, *, beside: Order | None = None) -> list[Order]:
        """The signed orders that were not taken back; without one of them, if named."""
        left = self.terms if beside is None else self.terms_beside(beside)
        return [order for order in left if order.source.record_id not in self.undone_refs]


def load_orders_of(*, connection: Connection, contract_ids: Sequence[int]) -> dict[int, ContractOrders]:
    """The orders of these contracts, by contract."""
    found = {contract_id: ContractOrders() for contract_id in contract_ids}
    for start in range(0, len(contract_ids), _AT_ONCE):
        some = contract_ids[start : start + _AT_ONCE]
        signed = sa.select(orders.c.contract_id, orders.c.terms).where(orders.c.contract_id.in_(some))
        for contract_id, document in connection.execute(signed.order_by(orders.c.id)):
            found[contract_id].documents.append(document)
        for row in connection.execute(_undone(some)):
            found[row.contract_id].undone.append(Undo(row.record_id, row.on, row.reason))
    return found


def load_orders(*, connection: Connection, contract_id: int) -> ContractOrders:
    """The orders of one contract."""
    return load_orders_of(connection=connection, contract_ids=[contract_id])[contract_id]


def find_contract(*, connection: Connection, order: Order) -> int | None:
    """The contract which this order changes; None when it opens its own, or the one it changes is not there yet."""
    if not order.amends_ref:
        return None
    query = (
        sa.select(orders.c.contract_id)
        .join(records, records.c.id == orders.c.record_row_id)
        .where(records.c.org_id == order.source.org_id, records.c.record_id == order.amends_ref)
    )
    return connection.execute(query).scalar_one_or_none()


def save_undo(
    *, work: UnitOfWork, contract_id: int, order_id: int, on: date, reason: str, actor: str, now: datetime
) -> None:
    """Take an order of the contract back from a day on. An order is taken back once."""
    work.execute(
        contract_undos.insert().values(
            contract_id=contract_id, order_id=order_id, on=on, reason=reason, actor=actor, made_at=now
        )
    )


def _undone(contract_ids: Sequence[int]) -> sa.Select[Any]:
    return (
        sa.select(contract_undos, records.c.record_id)
        .join(orders, orders.c.id == contract_undos.c.order_id)
        .join(records, records.c.id == orders.c.record_row_id)
        .where(contract_undos.c.contract_id.in_(contract_ids))
        .order_by(contract_undos.c.id)
    )
