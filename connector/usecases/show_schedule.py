"""The charges of one contract as its orders make it now: a schedule to look at; nothing is drafted or stored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from operator import attrgetter

from connector.domain.contract_terms import Charge
from connector.domain.contracts import build_contract
from connector.domain.money import Money, total
from connector.domain.schedule import schedule
from connector.errors import NotFound
from connector.store import queries_contracts
from connector.store.terms import load_order
from connector.store.unit_of_work import Database


@dataclass(frozen=True, slots=True)
class BillDate:
    """What is charged on one day, and its sum."""

    bill_on: date
    charges: tuple[Charge, ...]
    total: Money


def show_schedule(*, database: Database, number: str) -> tuple[Charge, ...]:
    """All charges by bill date, usage estimated as zero. Raises NotFound, and what `build_contract` raises."""
    with database.reading() as connection:
        documents = queries_contracts.load_terms(connection=connection, number=number)
    if documents is None:
        raise NotFound(f"There is no contract {number}.")
    return schedule(contract=build_contract(orders=[load_order(document) for document in documents]))


def by_bill_date(*, charges: Sequence[Charge]) -> tuple[BillDate, ...]:
    """The charges, which are in the order of their bill dates, day by day."""
    return tuple(_bill_date(day, tuple(found)) for day, found in groupby(charges, key=attrgetter("bill_on")))


def _bill_date(day: date, charges: tuple[Charge, ...]) -> BillDate:
    amounts = (charge.amount for charge in charges)
    return BillDate(day, charges, total(amounts, currency=charges[0].amount.currency).rounded())
