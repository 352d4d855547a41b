"""Which order stands for a sale: of several signed quotes of one opportunity, the first that could be read has it.

Exists so that one sale is not billed twice because two quotes of it were accepted. The key of the table decides between
two that come at once. What a record says, and who decides, is not known here.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from connector.store.inserting import insert_ignore
from connector.store.tables import orders, records
from connector.store.tables_delivery import sale_claims
from connector.store.unit_of_work import UnitOfWork

# A record in these states is no longer signed, or not there any more.
_UNSIGNED = ("skipped", "gone")


@dataclass(frozen=True, slots=True)
class SaleHolder:
    """The order that stands for the sale, with its record; `is_given_up` when it has no contract and is unsigned."""

    order_id: int
    number: str
    object: str
    record_id: str
    is_given_up: bool


def hold_sale(*, work: UnitOfWork, org_id: str, sale_ref: str, order_id: int, now: datetime) -> SaleHolder:
    """The order that stands for the sale: this one, when no other did before."""
    row = {"org_id": org_id, "sale_ref": sale_ref, "order_id": order_id, "claimed_at": now}
    work.execute(insert_ignore(work, sale_claims).values(row))
    query = (
        sa.select(orders.c.id, orders.c.number, orders.c.contract_id, records.c.object, records.c.record_id)
        .add_columns(records.c.state)
        .select_from(sale_claims.join(orders, orders.c.id == sale_claims.c.order_id))
        .join(records, records.c.id == orders.c.record_row_id)
        .where(sale_claims.c.org_id == org_id, sale_claims.c.sale_ref == sale_ref)
        .with_for_update(of=sale_claims)
    )
    found = work.execute(query).one()
    is_given_up = found.contract_id is None and found.state in _UNSIGNED
    return SaleHolder(found.id, found.number, found.object, found.record_id, is_given_up)


def take_over_sale(*, work: UnitOfWork, org_id: str, sale_ref: str, order_id: int, now: datetime) -> None:
    """From now on that order stands for the sale."""
    work.execute(
        sale_claims.update()
        .where(sale_claims.c.org_id == org_id, sale_claims.c.sale_ref == sale_ref)
        .values(order_id=order_id, claimed_at=now)
    )
