"""Where one contract stands: what it is worth, what is billed, what comes next, and which order changed what.

Reads only. Every figure is calculated from the signed orders and the documents that exist, by the functions that bill.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from connector.domain.contract_terms import Change, Contract
from connector.domain.contracts import annual_value, build_contract, contract_value, history, recurring_value
from connector.domain.invoicing import draft_invoices, position
from connector.domain.money import Money, total
from connector.errors import Fault, NotFound
from connector.store import billing
from connector.store.billing_rows import DueContract, Ledger
from connector.store.unit_of_work import Database


@dataclass(frozen=True, slots=True)
class NextInvoice:
    """The next document that a billing run will make of this contract alone; usage not read yet is not in it."""

    bill_on: date
    amount: Money
    has_estimates: bool


@dataclass(frozen=True, slots=True)
class ContractShown:
    """One contract in figures. `recurring` is the part of `total` that recurs; `annual` what a year costs today.

    `billed` is what documents hold of `total`, `remaining` what is still to come of it; usage is in neither.
    """

    number: str
    total: Money
    recurring: Money
    annual: Money
    billed: Money
    remaining: Money
    next_invoice: NextInvoice | None
    billed_until: date | None
    billing_problem: str
    warnings: tuple[Fault, ...]
    changes: tuple[Change, ...]


def show_contract(*, database: Database, number: str, today: date) -> ContractShown:
    """The contract as it stands. Raises NotFound, and what `build_contract` raises when it cannot be read."""
    with database.reading() as connection:
        stored = billing.load_one(connection=connection, number=number)
        if stored is None:
            raise NotFound(f"There is no contract {number}.")
        ledger = billing.load_ledger(connection=connection, due=[stored])
    contract = build_contract(orders=stored.orders.terms, undone=stored.orders.undone)
    stands = position(contract=contract, billed=ledger.billed)
    return ContractShown(
        number=number,
        total=contract_value(contract=contract),
        recurring=recurring_value(contract=contract),
        annual=annual_value(contract=contract, on=today),
        billed=stands.billed,
        remaining=stands.remaining,
        next_invoice=next_invoice(contract=contract, stored=stored, ledger=ledger, today=today),
        billed_until=stored.billed_until,
        billing_problem=stored.problem,
        warnings=contract.warnings,
        changes=history(contract=contract),
    )


def next_invoice(*, contract: Contract, stored: DueContract, ledger: Ledger, today: date) -> NextInvoice | None:
    """What the run makes first that has something to make, today or on a later bill date of the schedule."""
    if stored.next_bill_on is None:
        return None
    as_of = max(today, stored.next_bill_on)
    run = draft_invoices(contracts=[contract], as_of=as_of, billed=ledger.billed, usage=ledger.units)
    days = [draft.bill_on for draft in run.drafts] + [charge.bill_on for charge in run.waiting]
    if not days:
        return None
    first = min(days)
    drafts = [draft for draft in run.drafts if draft.bill_on == first]
    amount = total((draft.net for draft in drafts), currency=contract.currency)
    return NextInvoice(first, amount, any(charge.bill_on == first for charge in run.waiting))
