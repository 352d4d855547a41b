"""Charges due minus charges billed: which documents are owed on a day, and nothing twice.

Exists so that a billing run may be repeated, split, resumed or made up for months later and always gives the same
documents. Nothing issued is edited: when what is owed for a billed charge has changed, the difference is a new item
with its reason, and a negative sum is a credit note. It must not number, tax or store anything.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import NamedTuple

from connector.domain.charges import UsageReadings, next_bill_day, served_parts
from connector.domain.contract_terms import COMMITTED_KINDS, Charge, ChargeKind, Contract, ContractLine
from connector.domain.invoice_drafts import (
    Billed,
    DocumentKind,
    InvoiceDraft,
    InvoiceItem,
    ItemGroups,
    item_of,
    with_lowered,
)
from connector.domain.money import Money
from connector.domain.periods import BillingPeriod
from connector.domain.schedule import committed_value, due_charges, schedule

__all__ = [
    "Billed",
    "BillingRun",
    "DocumentKind",
    "InvoiceDraft",
    "InvoiceItem",
    "Position",
    "billed_items",
    "draft_invoices",
    "due_charges",
    "next_bill_date",
    "position",
    "preview_invoices",
]


@dataclass(frozen=True, slots=True)
class BillingRun:
    """The drafts of a run by bill date, and the usage charges that are due but have no reading yet."""

    drafts: tuple[InvoiceDraft, ...]
    waiting: tuple[Charge, ...]


@dataclass(frozen=True, slots=True)
class Position:
    """Where a contract stands: committed value, what documents hold of it, and what is still to come."""

    value: Money
    billed: Money
    remaining: Money


def next_bill_date(*, contract: Contract, after: date) -> date | None:
    """The first bill date after a day, None when nothing is left: a run with nothing due can pass over the contract."""
    if contract.cancellation is None and contract.before is None:
        days = [next_bill_day(line=line, after=after) for line in contract.lines]
        return min((day for day in days if day is not None), default=None)
    return next((charge.bill_on for charge in schedule(contract=contract) if charge.bill_on > after), None)


def draft_invoices(
    *,
    contracts: Sequence[Contract],
    as_of: date,
    billed: Sequence[Billed] = (),
    usage: UsageReadings | None = None,
    since: Mapping[str, date] | None = None,
) -> BillingRun:
    """The documents owed by one or more contracts up to `as_of`, beyond what `billed` holds.

    All contracts of a customer belong in one call, so that they share documents. `billed` must hold every item of these
    contracts that any document has (drafts too, voided ones not). For a contract (by its ref) in `since`, only those
    after that day, and then differences to charges before it are not looked for. Usage without a reading waits and is
    told apart. What was billed by a document dated after `as_of` is left to the run for that day.
    """
    known = _billed_sums(billed)
    groups = ItemGroups()
    waiting: list[Charge] = []
    for contract in contracts:
        after = since.get(contract.ref) if since else None
        for charge in due_charges(contract=contract, as_of=as_of, since=after, usage=usage):
            key = charge.key
            if key in known:
                _add_difference(groups, contract, charge, known[key], as_of)
            elif charge.is_estimate:
                waiting.append(charge)
            else:
                groups.add(charge, item_of(contract_ref=contract.ref, charge=charge), bill_on=charge.bill_on)
        if after is None and known:
            owed = {charge.key for charge in schedule(contract=contract, usage=usage)}
            past = {key: entry for key, entry in known.items() if entry.first_on <= as_of}
            _add_taken_back(groups, contract, owed, past, as_of)
    drafts = with_lowered(drafts=groups.drafts(), contracts=contracts, billed=billed)
    return BillingRun(drafts, tuple(waiting))


def preview_invoices(*, contracts: Sequence[Contract], usage: UsageReadings | None = None) -> tuple[InvoiceDraft, ...]:
    """Every document of the contracts' whole life, as if nothing were billed; unread usage is an estimate."""
    groups = ItemGroups()
    for contract in contracts:
        for charge in schedule(contract=contract, usage=usage):
            groups.add(charge, item_of(contract_ref=contract.ref, charge=charge), bill_on=charge.bill_on)
    return with_lowered(drafts=groups.drafts(), contracts=contracts, billed=())


def position(*, contract: Contract, billed: Iterable[Billed]) -> Position:
    """Committed value, billed and remaining amount of a contract; usage counts in neither."""
    charges = schedule(contract=contract)
    open_ended = {charge.key for charge in charges if charge.kind not in COMMITTED_KINDS}
    lines = _all_lines(contract)
    value = committed_value(charges=charges, currency=contract.currency)
    amounts = (
        entry.amount.amount
        for entry in billed
        if entry.charge_key.split("/", 1)[0] in lines and entry.charge_key not in open_ended
    )
    done = Money(sum(amounts, Decimal(0)), contract.currency)
    return Position(value, done, value - done)


def billed_items(*, draft: InvoiceDraft, document: str) -> tuple[Billed, ...]:
    """What the ledger must remember of a draft that was stored under this id."""
    return tuple(Billed(item.charge_key, item.amount, document, draft.bill_on) for item in draft.items)


class _Known(NamedTuple):
    """What documents hold for one charge: the sum, the date of the first of them, and how many rows there are."""

    amount: Decimal
    first_on: date
    rows: int


def _billed_sums(billed: Iterable[Billed]) -> dict[str, _Known]:
    sums: dict[str, _Known] = {}
    for entry in billed:
        known = sums.get(entry.charge_key)
        if known is None:
            sums[entry.charge_key] = _Known(entry.amount.amount, entry.bill_on, 1)
        else:
            amount = known.amount + entry.amount.amount
            sums[entry.charge_key] = _Known(amount, min(known.first_on, entry.bill_on), known.rows + 1)
    return sums


def _add_difference(groups: ItemGroups, contract: Contract, charge: Charge, known: _Known, as_of: date) -> None:
    """A billed charge that is owed otherwise now, say because usage came late: the difference, dated by this run."""
    if charge.amount.amount == known.amount or charge.is_estimate:
        return
    difference = Money(charge.amount.amount - known.amount, charge.amount.currency)
    days = f"{charge.period.start} to {charge.period.last_day}"
    reason = f"{known.amount} was billed, {charge.amount.amount} is owed for {days}."
    item = item_of(contract_ref=contract.ref, charge=charge, amount=difference, reason=reason, reverses=charge.key)
    groups.add(charge, replace(item, correction=known.rows), bill_on=as_of)


def _add_taken_back(
    groups: ItemGroups, contract: Contract, owed: Set[str], known: Mapping[str, _Known], as_of: date
) -> None:
    """Billed charges that are owed no more, say because a cancellation arrived late, are credited by this run."""
    lines = _all_lines(contract)
    for key, entry in known.items():
        line = lines.get(key.split("/", 1)[0])
        if line is None or key in owed or not entry.amount:
            continue
        charge = _billed_charge(line, key, Money(-entry.amount, contract.currency), as_of)
        reason = f"{entry.amount} was billed and is not owed any more."
        item = item_of(contract_ref=contract.ref, charge=charge, reason=reason, reverses=key)
        groups.add(charge, replace(item, charge_key=key, correction=entry.rows), bill_on=as_of)


def _billed_charge(line: ContractLine, key: str, amount: Money, as_of: date) -> Charge:
    _, first_day, kind, *_ = key.split("/")
    start = date.fromisoformat(first_day)
    served = (part.period for part in served_parts(line=line) if part.period.start == start)
    period = next(served, BillingPeriod(start, start + timedelta(days=1)))
    return Charge(line, period, as_of, amount, line.quantity - line.prior_quantity, ChargeKind(kind))


def _all_lines(contract: Contract) -> dict[str, ContractLine]:
    """The contract's lines, those of undone orders included."""
    earlier = _all_lines(contract.before) if contract.before is not None else {}
    return {**earlier, **{line.key: line for line in contract.lines}}
