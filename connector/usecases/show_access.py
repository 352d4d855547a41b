"""What a customer has: plans, values, credits with their ledger, usage against what was committed.

One answer for page and API. The platform is asked outside any transaction; what it cannot answer now is said, and what
is kept here is shown all the same. It changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from connector.domain.credits import CreditBalance, LedgerPage
from connector.domain.entitlements import AccessWanted, EntitlementState
from connector.errors import ConnectorError, NotFound, Refused
from connector.ports import UsageBook
from connector.store import queries_access
from connector.store.queries_access import CustomerAccess, UsageRow
from connector.store.unit_of_work import Database

_LEDGER = 50


@dataclass(frozen=True, slots=True)
class SoldAccess:
    """One subscription as sold: its contract, what it gives now, and its state here."""

    contract_number: str
    state: str
    wanted: AccessWanted


@dataclass(frozen=True, slots=True)
class AccessChange:
    """A change that waits for its day, or was granted on it."""

    contract_number: str
    starts_on: date
    state: str
    problem: str
    wanted: AccessWanted


@dataclass(frozen=True, slots=True)
class ShownAccess:
    """Everything about one customer's access; `problem` says why the platform's part is missing."""

    customer: CustomerAccess
    sold: tuple[SoldAccess, ...]
    changes: tuple[AccessChange, ...]
    usage: tuple[UsageRow, ...]
    entitlements: tuple[EntitlementState, ...] = ()
    balances: tuple[CreditBalance, ...] = ()
    ledgers: tuple[tuple[str, LedgerPage], ...] = ()
    problem: str = ""


def find_customer(*, database: Database, customer_id: str) -> CustomerAccess:
    """The customer by Salesforce account id or by the platform's ref. Raises NotFound, and Refused for two of them."""
    with database.reading() as connection:
        found = queries_access.find_customers(connection=connection, customer_id=customer_id)
    if not found:
        raise NotFound(f"There is no customer {customer_id}.")
    if len(found) > 1:
        refs = ", ".join(one.platform_ref for one in found)
        raise Refused(
            f"Two customers have the account {customer_id}: {refs}.",
            code="TWO_CUSTOMERS",
            owner="caller",
            fix="Ask by the ref of one of them.",
        )
    return found[0]


def show_access(*, database: Database, usage: UsageBook, customer_id: str) -> ShownAccess:
    """What the customer has. Raises NotFound and Refused like `find_customer`."""
    customer = find_customer(database=database, customer_id=customer_id)
    with database.reading() as connection:
        kept = queries_access.load_kept(connection=connection, customer=customer)
    sold = tuple(SoldAccess(row.number, row.state, row.wanted) for row in kept.subscriptions)
    changes = tuple(AccessChange(row.number, row.starts_on, row.state, row.problem, row.wanted) for row in kept.changes)
    asked = _ask(usage, customer.platform_ref)
    return ShownAccess(customer, sold, changes, kept.usage, **asked)


def _ask(usage: UsageBook, customer_ref: str) -> dict[str, Any]:
    try:
        balances = usage.fetch_credit_balances(customer_ref=customer_ref)
        ledgers = tuple(
            (
                one.credit_ref,
                usage.fetch_credit_ledger(customer_ref=customer_ref, credit_ref=one.credit_ref, limit=_LEDGER),
            )
            for one in balances
        )
        entitlements = usage.fetch_entitlements(customer_ref=customer_ref)
    except ConnectorError as error:
        return {"problem": f"The entitlement platform could not tell: {error} {error.fix}".strip()}
    return {"entitlements": entitlements, "balances": balances, "ledgers": ledgers}


def check_entitlement(*, usage: UsageBook, customer_ref: str, ref: str, requested: Decimal) -> EntitlementState:
    """The customer's state of one feature or credit. Raises NotFound when no subscription of theirs gives it."""
    return _state_of(usage.fetch_entitlements(customer_ref=customer_ref), ref, requested)


def _state_of(states: Sequence[EntitlementState], ref: str, requested: Decimal) -> EntitlementState:
    if requested < 0:
        raise Refused(
            "The units asked for must not be negative.", code="REQUESTED", owner="caller", fix="Ask for 0 or more."
        )
    for state in states:
        if state.ref == ref:
            return state
    raise NotFound(f"No running subscription of this customer gives {ref}.")
