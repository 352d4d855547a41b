"""From signed orders to a contract and what it is worth: build, value, tie-out, history, undo.

Exists so that a contract is always the result of all its orders, calculated anew, whatever order they arrived in; and
so that the signed total of an order is compared with the schedule to the cent (conventions 4). It must not know what
was billed or what day it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal, localcontext

from connector.domain.contract_lines import with_order
from connector.domain.contract_rules import (
    ContractRefused,
    ContractWaits,
    effect,
    effective_on,
    family_faults,
    in_sequence,
    missing_records,
)
from connector.domain.contract_terms import Cancellation, Change, ChargeKind, Contract, ContractLine, Term, Undo
from connector.domain.contract_warnings import contract_warnings
from connector.domain.money import Money
from connector.domain.pricing import EXACT
from connector.domain.rates import Rate, discounted, signed_price
from connector.domain.schedule import committed_value, recurring_amount, schedule
from connector.domain.terms import ChargeType, DealType, Order
from connector.errors import Fault

__all__ = [
    "Contract",
    "ContractRefused",
    "ContractWaits",
    "annual_value",
    "build_contract",
    "contract_value",
    "history",
    "order_value",
    "recurring_value",
    "tie_out",
    "undo",
]

_TERM_MAKERS = (DealType.NEW, DealType.RENEWAL)


def build_contract(*, orders: Sequence[Order], undone: Sequence[Undo] = ()) -> Contract:
    """The contract that all these orders make together, in any order of arrival; `undone` takes some of them back.

    Raises ContractWaits when an order changes a record that is not among them, ContractRefused with every broken rule.
    """
    taken_back = {step.order_ref for step in undone}
    sequence = in_sequence(orders=orders)
    kept = tuple(order for order in sequence if order.source.record_id not in taken_back)
    _check(sequence, kept)
    return _build(sequence, kept, tuple(undone))


def contract_value(*, contract: Contract) -> Money:
    """The sum of all rounded recurring and one-time charges and credits over the whole life; usage is not in it."""
    return committed_value(charges=schedule(contract=contract), currency=contract.currency)


def recurring_value(*, contract: Contract) -> Money:
    """The part of the contract value that recurs, credits for unused days included."""
    return recurring_amount(charges=schedule(contract=contract), currency=contract.currency)


def annual_value(*, contract: Contract, on: date) -> Money:
    """What the recurring lines in service on that day cost per year at that rate; months without charge count."""
    ended = contract.cancellation
    if ended is not None and on >= ended.cancel_from:
        return Money.zero(contract.currency)
    with localcontext(EXACT):
        amount = sum((_per_year(line) for line in contract.lines if _is_served(line, on)), Decimal(0))
    return Money(amount, contract.currency).rounded()


def order_value(*, order: Order, base: Contract | None) -> Money:
    """By how much this order moves the contract value: what its signed total must equal to the cent.

    `base` is the contract with or without the order; only what takes effect before the order counts, so the answer does
    not depend on the order of arrival. Raises like `build_contract`.
    """
    earlier = _earlier_orders(order, base)
    with_it = contract_value(contract=build_contract(orders=[*earlier, order]))
    return with_it - contract_value(contract=build_contract(orders=earlier)) if earlier else with_it


def tie_out(*, order: Order, base: Contract | None) -> tuple[Fault, ...]:
    """The difference between the signed total and ours, as one fault (TOTAL_MISMATCH); none when they are equal.

    A record without a total is not compared. A change may name its own value or the contract's value after it; a
    cancellation commits nothing and may name zero.
    """
    if order.signed_total is None:
        return ()
    earlier = _earlier_orders(order, base)
    after = build_contract(orders=[*earlier, order])
    total = contract_value(contract=after)
    ours = total - contract_value(contract=build_contract(orders=earlier)) if earlier else total
    accepted = {ours.amount} if not earlier else {ours.amount, total.amount}
    if order.deal_type is DealType.CANCELLATION:
        accepted.add(Decimal(0))
    if order.signed_total in accepted:
        return ()
    return (_mismatch(order, Money(order.signed_total, order.currency), ours, _line_sums(order, after)),)


def history(*, contract: Contract) -> tuple[Change, ...]:
    """Which order changed what, in the sequence of their effect, then the undone ones; each with the value it moved."""
    changes: list[Change] = []
    value = Money.zero(contract.currency)
    for count, order in enumerate(contract.orders, start=1):
        total = contract_value(contract=build_contract(orders=contract.orders[:count]))
        changes.append(_change(order, value=total - value, total=total))
        value = total
    for count, step in enumerate(contract.undone, start=1):
        total = contract_value(contract=build_contract(orders=contract.orders, undone=contract.undone[:count]))
        order = next(order for order in contract.orders if order.source.record_id == step.order_ref)
        changes.append(_change(order, value=total - value, total=total, undone_on=step.on))
        value = total
    return tuple(changes)


def undo(*, contract: Contract, order_ref: str, on: date, reason: str) -> Contract:
    """The contract with its latest order taken back from `on`: what was due before that day is reversed on that day.

    Raises ContractRefused when the order is unknown, not the latest one left, or the initial one.
    """
    taken_back = {step.order_ref for step in contract.undone}
    left = [order for order in contract.orders if order.source.record_id not in taken_back]
    if len(left) < 2 or left[-1].source.record_id != order_ref:
        latest = left[-1].name if len(left) > 1 else "none: only the initial order is left"
        message = f"Only the latest order can be undone, step by step; that is {latest}."
        fix = "Undo the later orders first; end an initial order by a cancellation from its first day."
        raise ContractRefused([Fault("UNDO_REFUSED", message, fix, "finance", record=order_ref)])
    return build_contract(orders=contract.orders, undone=(*contract.undone, Undo(order_ref, on, reason)))


def _check(sequence: tuple[Order, ...], kept: tuple[Order, ...]) -> None:
    missing = missing_records(orders=sequence)
    if missing or not any(order.deal_type is DealType.NEW for order in sequence):
        raise ContractWaits(missing)
    faults = family_faults(orders=kept)
    if faults:
        raise ContractRefused(faults)


def _build(sequence: tuple[Order, ...], kept: tuple[Order, ...], undone: tuple[Undo, ...]) -> Contract:
    first = next(order for order in kept if order.deal_type is DealType.NEW)
    terms = tuple(Term(o.source.record_id, o.starts_on, o.ends_on) for o in kept if o.deal_type in _TERM_MAKERS)
    lines: tuple[ContractLine, ...] = ()
    for order in kept:
        if order.deal_type is not DealType.CANCELLATION:
            lines = with_order(lines=lines, order=order, term=_term_of(order, terms))
    ended = _cancellation(kept)
    return Contract(
        ref=first.source.record_id,
        customer=first.customer,
        currency=first.currency,
        starts_on=first.starts_on,
        ends_on=max(term.ends_on for term in terms),
        orders=sequence,
        terms=terms,
        lines=lines,
        cancellation=ended,
        undone=undone,
        before=build_contract(orders=sequence, undone=undone[:-1]) if undone else None,
        warnings=contract_warnings(orders=kept, terms=terms, lines=lines, cancellation=ended),
    )


def _term_of(order: Order, terms: tuple[Term, ...]) -> Term:
    return next(term for term in reversed(terms) if term.starts_on <= order.starts_on)


def _cancellation(kept: tuple[Order, ...]) -> Cancellation | None:
    for order in kept:
        if order.deal_type is DealType.CANCELLATION:
            return Cancellation(order.source.record_id, effective_on(order=order), order.is_unused_credited)
    return None


def _earlier_orders(order: Order, base: Contract | None) -> tuple[Order, ...]:
    if base is None:
        return ()
    here = effect(order=order)
    # An order that was taken back leaves nothing behind in the value.
    taken_back = {step.order_ref for step in base.undone}
    left = (other for other in base.orders if other.source.record_id not in taken_back)
    return tuple(other for other in left if effect(order=other) < here)


def _line_sums(order: Order, contract: Contract) -> dict[str, Decimal]:
    sums: dict[str, Decimal] = {}
    record = order.source.record_id
    for charge in schedule(contract=contract):
        is_own = charge.line.order_ref == record or charge.cause == record
        if is_own and charge.kind not in (ChargeKind.USAGE, ChargeKind.TRUE_UP):
            sums[charge.description] = sums.get(charge.description, Decimal(0)) + charge.amount.amount
    return sums


def _mismatch(order: Order, signed: Money, ours: Money, sums: dict[str, Decimal]) -> Fault:
    difference = signed - ours
    lines = ", ".join(f"{name} {amount:,}" for name, amount in sums.items()) or "no committed line"
    message = (
        f"The signed total is {signed.amount:,} {order.currency}, the lines add up to {ours.amount:,} "
        f"{order.currency}: a difference of {difference.amount:,} {order.currency}. Ours: {lines}."
    )
    fix = "Correct the total, or the line whose price, quantity, discount or dates differ from what was signed."
    return Fault(
        code="TOTAL_MISMATCH",
        message=message,
        fix=fix,
        owner="sales rep",
        record=order.source.record_id,
        field="signed_total",
        value=str(order.signed_total),
    )


def _change(order: Order, *, value: Money, total: Money, undone_on: date | None = None) -> Change:
    return Change(
        order_ref=order.source.record_id,
        order_name=order.name,
        deal_type=order.deal_type,
        effective_on=undone_on or effective_on(order=order),
        value=value,
        total=total,
        lines=tuple(item.description or item.product_name for item in order.line_items),
        is_undo=undone_on is not None,
    )


def _is_served(line: ContractLine, on: date) -> bool:
    is_cut = line.cut is not None and on >= line.cut.on
    return line.item.charge_type is ChargeType.RECURRING and line.starts_on <= on < line.ends_on and not is_cut


def _per_year(line: ContractLine) -> Decimal:
    rate = discounted(item=line.item, rate=Rate(signed_price(line=line), Decimal(0)))
    months = line.item.billing_period_months
    off = rate.off * 12 / months if months else Decimal(0)
    return rate.amount * 12 / line.item.price_period_months - off
