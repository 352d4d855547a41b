"""Which deals a platform's hint may be about, and whether a deal waits to have its access compared because of one.

Reads only. A hint names customers, contracts and subscriptions as the platform calls them; ours know those names.
"""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from connector.domain.fulfilment import OrderState
from connector.domain.terms import RecordRef
from connector.store.inbox import ACCESS_HINT, RECEIVED
from connector.store.tables import contracts, customers, inbox, orders, records, subscriptions
from connector.store.unit_of_work import UnitOfWork

_CONTRACT = "contract-"
_MOST_DEALS = 50


def is_known(*, connection: Connection, source: str, message_id: str) -> bool:
    """Whether a hint of that id was kept before, for whichever deals."""
    ids = inbox.c.message_id
    same = sa.or_(ids == message_id, ids.startswith(f"{message_id}:", autoescape=True))
    query = sa.select(sa.literal(1)).where(inbox.c.source == source, same).limit(1)
    return connection.execute(query).scalar() is not None


def deals_of(*, connection: Connection, refs: Sequence[str]) -> tuple[RecordRef, ...]:
    """The newest fulfilled deal of every contract that one of the platform's refs belongs to."""
    if not refs:
        return ()
    numbers = [ref.removeprefix(_CONTRACT) for ref in refs if ref.startswith(_CONTRACT)]
    ours = [int(number) for number in numbers if number.isascii() and number.isdigit() and len(number) < 18]
    owner = sa.and_(customers.c.org_id == contracts.c.org_id, customers.c.salesforce_id == contracts.c.customer_ref)
    named = (
        sa.select(contracts.c.id)
        .outerjoin(customers, owner)
        .outerjoin(subscriptions, subscriptions.c.contract_id == contracts.c.id)
        .where(
            sa.or_(
                customers.c.platform_ref.in_(refs),
                subscriptions.c.platform_ref.in_(refs),
                contracts.c.id.in_(ours),
            )
        )
    )
    newest = (
        sa.select(sa.func.max(orders.c.id))
        .where(orders.c.contract_id.in_(named), orders.c.state == OrderState.FULFILLED)
        .group_by(orders.c.contract_id)
    )
    query = (
        sa.select(records.c.org_id, records.c.object, records.c.record_id)
        .join(orders, orders.c.record_row_id == records.c.id)
        .where(orders.c.id.in_(newest))
        .order_by(orders.c.id)
        .limit(_MOST_DEALS)
    )
    return tuple(RecordRef(*row) for row in connection.execute(query))


def is_waiting(*, work: UnitOfWork, ref: RecordRef) -> bool:
    """Whether a hint about the access of that deal waits for the look that is going on."""
    hinted = (inbox.c.kind == ACCESS_HINT) & (inbox.c.state == RECEIVED)
    about = (inbox.c.org_id == ref.org_id) & (inbox.c.record_id == ref.record_id)
    return work.execute(sa.select(sa.literal(1)).where(hinted & about).limit(1)).scalar() is not None
