"""Of several signed records of one sale one becomes an order; the others wait for a person who says which.

Exists so that one sale is not billed twice. Only deals that open a contract are asked: a change or a renewal on the
same opportunity is another sale.
"""

from __future__ import annotations

from datetime import datetime

from connector.domain.terms import Order
from connector.errors import Refused
from connector.ports import Sale
from connector.store.orders import StoredOrder
from connector.store.sales import SaleHolder, hold_sale, take_over_sale
from connector.store.unit_of_work import UnitOfWork


class SoldAlready(Refused):
    """Another signed record of the same sale is an order already."""

    code = "SOLD_ALREADY"
    owner = "sales rep"

    def __init__(self, terms: Order, other: SaleHolder) -> None:
        super().__init__(
            f"The opportunity has another signed record, {other.record_id}, which became order {other.number}; both "
            "would be billed.",
            fix="Decide which one counts: of two quotes, sync the opportunity with it. When both were meant to be "
            f"sold, give each its own opportunity. When order {other.number} counts, give this one another status.",
        )
        self.terms = terms


def stand_for_sale(*, work: UnitOfWork, order: StoredOrder, terms: Order, sale: Sale, now: datetime) -> None:
    """Let the order stand for its sale. Raises SoldAlready when another one does and people did not choose this one."""
    if not sale.ref or terms.amends_ref:
        return
    org_id = terms.source.org_id
    holder = hold_sale(work=work, org_id=org_id, sale_ref=sale.ref, order_id=order.id, now=now)
    if holder.order_id == order.id:
        return
    if not sale.is_chosen and not holder.is_given_up:
        raise SoldAlready(terms, holder)
    take_over_sale(work=work, org_id=org_id, sale_ref=sale.ref, order_id=order.id, now=now)
