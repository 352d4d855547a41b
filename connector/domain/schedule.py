"""When is how much billed? All charges of a contract, by bill date, before and after anything was billed.

Exists so that a preview and a billing run read the same list. Pure: the same contract always gives the same schedule.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from operator import itemgetter

from connector.domain.charges import BillDates, UsageReadings, line_charges, unused_credit
from connector.domain.contract_terms import (
    COMMITTED_KINDS,
    Cancellation,
    Charge,
    ChargeKind,
    Contract,
    ContractLine,
    Undo,
)
from connector.domain.money import Money
from connector.domain.terms import BillingTiming

# Marks an entry that an undo booked; it counts against the charge it reverses.
_UNDO = "undo "
_bill_date = itemgetter(Charge._fields.index("bill_on"))


def schedule(*, contract: Contract, usage: UsageReadings | None = None) -> tuple[Charge, ...]:
    """All charges by bill date, then by line; usage without a reading is estimated as zero and marked.

    `usage` gives units used by charge key. Raises Refused when a line cannot be priced.
    """
    return _schedule(contract, usage, None)


def due_charges(
    *, contract: Contract, as_of: date, since: date | None = None, usage: UsageReadings | None = None
) -> tuple[Charge, ...]:
    """The charges with a bill date up to `as_of`; only those after `since`, when all before it are billed."""
    due = BillDates(since or date.min, as_of)
    # What ends or takes back charges must see all of them; otherwise the others need not even be computed.
    is_plain = contract.cancellation is None and contract.before is None
    charges = _schedule(contract, usage, due if is_plain else None)
    return tuple(charge for charge in charges if due.after < charge.bill_on <= due.until)


def _schedule(contract: Contract, usage: UsageReadings | None, due: BillDates | None) -> tuple[Charge, ...]:
    charges = [charge for line in contract.lines for charge in _charges(line, contract.cancellation, usage, due)]
    if contract.before is not None:
        step = contract.undone[-1]
        charges = _after_undo(schedule(contract=contract.before, usage=usage), charges, step)
    charges.sort(key=_bill_date)
    return tuple(charges)


def committed_value(*, charges: tuple[Charge, ...], currency: str) -> Money:
    """The sum of everything committed among the charges: usage and true-ups depend on use and are left out."""
    amounts = (charge.amount.amount for charge in charges if charge.kind in COMMITTED_KINDS)
    return Money(sum(amounts, Money.zero(currency).amount), currency)


def recurring_amount(*, charges: tuple[Charge, ...], currency: str) -> Money:
    """The sum of what recurs, credits for unused days included."""
    kinds = (ChargeKind.RECURRING, ChargeKind.CREDIT)
    return Money(sum((charge.amount.amount for charge in charges if charge.kind in kinds), Decimal(0)), currency)


def _charges(
    line: ContractLine, ended: Cancellation | None, usage: UsageReadings | None, due: BillDates | None
) -> tuple[Charge, ...]:
    charges = line_charges(line=line, usage=usage, due=due)
    if ended is None:
        return charges
    kept = tuple(charge for charge in charges if charge.bill_on < ended.cancel_from)
    return kept + _cancellation_credits(kept, line, ended)


def _after_undo(before: Sequence[Charge], target: Sequence[Charge], step: Undo) -> list[Charge]:
    """What was due before the undo stays; its day books the difference to the target, which then goes on."""
    past = [charge for charge in before if charge.bill_on < step.on]
    booked, wanted = _sums(past), _sums([charge for charge in target if charge.bill_on < step.on])
    last = {_base_key(charge): charge for charge in (*target, *past)}
    entries = []
    for key in dict.fromkeys((*booked, *wanted)):
        difference = wanted.get(key, Decimal(0)) - booked.get(key, Decimal(0))
        if difference:
            entries.append(_reversal(last[key], key, difference, step))
    return [*past, *entries, *(charge for charge in target if charge.bill_on >= step.on)]


def _reversal(charge: Charge, key: str, difference: Decimal, step: Undo) -> Charge:
    amount = Money(difference, charge.amount.currency)
    cause = f"{_UNDO}{step.order_ref}"
    return charge._replace(bill_on=step.on, amount=amount, cause=cause, reverses=key)


def _sums(charges: Sequence[Charge]) -> dict[str, Decimal]:
    sums: dict[str, Decimal] = {}
    for charge in charges:
        key = _base_key(charge)
        sums[key] = sums.get(key, Decimal(0)) + charge.amount.amount
    return sums


def _base_key(charge: Charge) -> str:
    return charge.reverses if charge.cause.startswith(_UNDO) else charge.key


def _cancellation_credits(kept: tuple[Charge, ...], line: ContractLine, ended: Cancellation) -> tuple[Charge, ...]:
    is_replaced = line.cut is not None and line.cut.on <= ended.cancel_from
    if not ended.is_unused_credited or is_replaced or line.item.billing_timing is BillingTiming.IN_ARREARS:
        return ()
    credits = (unused_credit(charge=charge, since=ended.cancel_from, cause=ended.order_ref) for charge in kept)
    return tuple(credit for credit in credits if credit is not None)
