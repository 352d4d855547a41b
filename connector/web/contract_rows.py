"""What each order did to a contract, row by row, for its page: the order, what it changed, and by how much."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from connector.domain.contract_terms import Change
from connector.domain.money import Money
from connector.domain.terms import DealType, LineItem, Order
from connector.store.order_rows import OrderRow
from connector.usecases.show_schedule import ContractSchedule
from connector.web.words import day_words, number_words, period_words

_MOST_LINES = 6


@dataclass(frozen=True, slots=True)
class ChangeRow:
    """One change in words; `order` is None when the order is not among the latest of the contract.

    `signed` is the total on the signed record, None when it names none or the row takes an order back.
    """

    change: Change
    order: OrderRow | None
    what: tuple[str, ...]
    more_lines: int
    signed: Money | None
    is_signed_value: bool


def change_rows(*, schedule: ContractSchedule, orders: Sequence[OrderRow]) -> tuple[ChangeRow, ...]:
    """The contract's history in the sequence of effect."""
    rows = {row.record_id: row for row in orders}
    signed = {order.source.record_id: order for order in schedule.contract.orders}
    return tuple(
        _row(change, signed[change.order_ref], rows.get(change.order_ref), schedule)
        for change in schedule.shown.changes
    )


def _row(change: Change, order: Order, row: OrderRow | None, schedule: ContractSchedule) -> ChangeRow:
    if change.is_undo:
        reason = next(step.reason for step in schedule.contract.undone if step.order_ref == change.order_ref)
        return ChangeRow(change, row, (f"Taken back: {reason}" if reason else "Taken back",), 0, None, True)
    signed = None if order.signed_total is None else Money(order.signed_total, order.currency).rounded()
    what = _what(order)
    return ChangeRow(
        change=change,
        order=row,
        what=what[:_MOST_LINES],
        more_lines=max(0, len(what) - _MOST_LINES),
        signed=signed,
        is_signed_value=signed is None or _is_value(order, signed, change),
    )


def _is_value(order: Order, signed: Money, change: Change) -> bool:
    """A change may name what it adds or the value after it; a cancellation commits nothing and may name zero."""
    is_nothing = order.deal_type is DealType.CANCELLATION and not signed.amount
    return is_nothing or signed.amount in (change.value.amount, change.total.amount)


def _what(order: Order) -> tuple[str, ...]:
    if order.deal_type is DealType.CANCELLATION:
        credit = "unused days are credited" if order.is_unused_credited else "nothing is credited"
        return (f"Ends on {day_words(order.cancel_from or order.starts_on)}, {credit}",)
    return tuple(_item(item, order) for item in order.line_items)


def _item(item: LineItem, order: Order) -> str:
    before = "" if item.prior_quantity is None else f"{number_words(item.prior_quantity)} → "
    days = period_words(item.starts_on, item.ends_on)
    own = f", {days}" if (item.starts_on, item.ends_on) != (order.starts_on, order.ends_on) else ""
    return f"{item.product_name or item.product_code}: {before}{number_words(item.quantity)}{own}"
