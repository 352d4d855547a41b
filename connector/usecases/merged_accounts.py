"""A customer whose account was merged in Salesforce stays the same customer here.

Exists so that a merge never makes a second customer, contract or subscription. What else the winner brings, a name or
an address, is told as a change like any other. It must not decide what is true when both accounts had bought: that is a
person's matter.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from connector.domain.terms import Order
from connector.ports import Record, RecordMapping
from connector.store import account_merges
from connector.store.unit_of_work import Database


def following_merges(*, mapping: RecordMapping, database: Database) -> RecordMapping:
    """The mapping with every order's customer under the account by which we know it."""
    return dataclasses.replace(mapping, to_order=_following(mapping.to_order, database))


def _following(to_order: Callable[[Record], Order], database: Database) -> Callable[[Record], Order]:
    def read(record: Record) -> Order:
        order = to_order(record)
        with database.looking() as work:
            known = account_merges.known_as(work=work, org_id=record.ref.org_id, account_id=order.customer.ref)
        if known == order.customer.ref:
            return order
        return dataclasses.replace(order, customer=dataclasses.replace(order.customer, ref=known))

    return read
