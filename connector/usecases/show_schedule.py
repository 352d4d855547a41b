"""The charges of one contract as its orders make it now: a schedule to look at; nothing is drafted or stored."""

from __future__ import annotations

from connector.domain.contract_terms import Charge
from connector.domain.contracts import build_contract
from connector.domain.schedule import schedule
from connector.errors import NotFound
from connector.store import queries_contracts
from connector.store.terms import load_order
from connector.store.unit_of_work import Database


def show_schedule(*, database: Database, number: str) -> tuple[Charge, ...]:
    """All charges by bill date, usage estimated as zero. Raises NotFound, and what `build_contract` raises."""
    with database.reading() as connection:
        documents = queries_contracts.load_terms(connection=connection, number=number)
    if documents is None:
        raise NotFound(f"There is no contract {number}.")
    return schedule(contract=build_contract(orders=[load_order(document) for document in documents]))
