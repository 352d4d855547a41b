"""May these orders form one contract? The sequence they take effect in, and every rule they break together.

Exists so that a contract never depends on the order in which its orders arrive. What a single order says wrongly by
itself is found in `checks`; here it is always about orders side by side.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from connector.domain.terms import DealType, Order
from connector.errors import Fault, Refused, Retryable

# Two orders that take effect on one day: the contract must exist before it is changed, and be changed before it ends.
_RANK = {
    DealType.NEW: 0,
    DealType.RENEWAL: 1,
    DealType.AMENDMENT: 2,
    DealType.UPSELL: 3,
    DealType.DOWNSELL: 4,
    DealType.CANCELLATION: 5,
}
# The first 15 characters of a Salesforce id name the record; the last three only repeat its upper and lower case.
_SHORT_ID = 15

Effect = tuple[date, int, date, str]


class ContractRefused(Refused):
    """These orders cannot form one contract."""

    code = "CONTRACT_REFUSED"
    owner = "RevOps"
    fix = "Correct the order named in the message and resync it."

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__(" ".join(fault.sentence() for fault in faults), code=faults[0].code, owner=faults[0].owner)
        self.faults = tuple(faults)


class ContractWaits(Retryable):
    """The order that this one changes is not here yet; `missing` names the records (Salesforce ids) to wait for."""

    code = "FIRST_ORDER_MISSING"
    fix = "Nothing to do: it goes on by itself as soon as the order that it changes is signed and here."

    def __init__(self, missing: Sequence[str]) -> None:
        super().__init__(
            f"Waiting for the order of record {', '.join(missing) or '(not named)'}, which is changed here."
        )
        self.missing = tuple(missing)


def effective_on(*, order: Order) -> date:
    """The day from which the order changes the contract."""
    if order.deal_type is DealType.CANCELLATION and order.cancel_from is not None:
        return order.cancel_from
    return order.starts_on


def effect(*, order: Order) -> Effect:
    """What sorts the orders of a contract: day of effect, kind, day of signature, record id."""
    signed_on = order.signed_on or order.starts_on
    return effective_on(order=order), _RANK[order.deal_type], signed_on, order.source.record_id


def in_sequence(*, orders: Sequence[Order]) -> tuple[Order, ...]:
    """The orders as they take effect; the same order given twice counts once."""
    unique = {order.source.record_id: order for order in orders}
    return tuple(sorted(unique.values(), key=lambda order: effect(order=order)))


def missing_records(*, orders: Sequence[Order]) -> tuple[str, ...]:
    """The records that these orders change and that are not among them."""
    ids = {order.source.record_id[:_SHORT_ID] for order in orders}
    return tuple(dict.fromkeys(o.amends_ref for o in orders if o.amends_ref and o.amends_ref[:_SHORT_ID] not in ids))


def family_faults(*, orders: Sequence[Order]) -> tuple[Fault, ...]:
    """Every rule that these orders break together; `orders` in sequence, the initial one among them."""
    first = next(order for order in orders if order.deal_type is DealType.NEW)
    others = [order for order in orders if order is not first]
    faults: list[Fault] = []
    for order in others:
        faults.extend(_against_first(first, order))
    faults.extend(_term_faults(orders))
    faults.extend(_change_faults(first, orders))
    faults.extend(_cancellation_faults(orders))
    return tuple(faults)


def _against_first(first: Order, order: Order) -> list[Fault]:
    faults = []
    if order.deal_type is DealType.NEW:
        message = f"{order.name} is a second initial order; the contract began with {first.name} on {first.starts_on}."
        fix = "Set the deal type to Upsell, Amendment or Renewal, or sign it without a reference to this contract."
        faults.append(_fault("SECOND_INITIAL_ORDER", order, "deal_type", "new", message, fix))
    if order.currency != first.currency:
        message = f"{order.name} is in {order.currency}, the contract of {first.name} is in {first.currency}."
        fix = "Sign the change in the contract's currency, or make a new contract in the other one."
        faults.append(_fault("MIXED_CURRENCIES", order, "currency", order.currency, message, fix))
    if order.customer.ref != first.customer.ref:
        message = f"{order.name} is signed by {order.customer.name}, the contract belongs to {first.customer.name}."
        fix = "Correct the reference to the amended record, or the account."
        faults.append(_fault("OTHER_CUSTOMER", order, "customer", order.customer.ref, message, fix))
    if effective_on(order=order) < first.starts_on and order.deal_type is not DealType.NEW:
        message = f"{order.name} takes effect on {effective_on(order=order)}; the contract starts on {first.starts_on}."
        fix = "Move the start of the change to the contract's first day or later."
        value = str(effective_on(order=order))
        faults.append(_fault("CHANGE_BEFORE_START", order, "starts_on", value, message, fix))
    return faults


def _term_faults(orders: Sequence[Order]) -> list[Fault]:
    faults = []
    terms = [order for order in orders if order.deal_type in (DealType.NEW, DealType.RENEWAL)]
    for index, later in enumerate(terms):
        for earlier in terms[:index]:
            if later.deal_type is DealType.RENEWAL and later.starts_on < earlier.ends_on:
                message = (
                    f"{later.name} renews from {later.starts_on}, but {earlier.name} runs until {earlier.ends_on}."
                )
                fix = f"Start the renewal on {earlier.ends_on}, or sign an amendment for the running term."
                value = str(later.starts_on)
                faults.append(_fault("RENEWAL_OVERLAPS", later, "starts_on", value, message, fix))
    return faults


def _change_faults(first: Order, orders: Sequence[Order]) -> list[Fault]:
    terms = [order for order in orders if order.deal_type in (DealType.NEW, DealType.RENEWAL)]
    faults = []
    for order in orders:
        if order in terms or order.deal_type is DealType.CANCELLATION or order.starts_on < first.starts_on:
            continue
        if not any(term.starts_on <= order.starts_on < term.ends_on for term in terms):
            message = f"{order.name} changes the contract from {order.starts_on}, when no term of it is running."
            fix = "Correct the start of the change, or sign the renewal that it belongs to."
            faults.append(_fault("CHANGE_AFTER_END", order, "starts_on", str(order.starts_on), message, fix))
    return faults


def _cancellation_faults(orders: Sequence[Order]) -> list[Fault]:
    cancellations = [order for order in orders if order.deal_type is DealType.CANCELLATION]
    if not cancellations:
        return []
    faults = []
    ended = cancellations[0]
    cancel_from = effective_on(order=ended)
    for order in cancellations[1:]:
        message = f"{order.name} cancels a contract that {ended.name} cancelled from {cancel_from}."
        fix = "Undo the first cancellation, or delete the second."
        faults.append(_fault("SECOND_CANCELLATION", order, "deal_type", "cancellation", message, fix))
    ends_on = max(order.ends_on for order in orders if order.deal_type in (DealType.NEW, DealType.RENEWAL))
    if cancel_from > ends_on:
        message = f"{ended.name} cancels from {cancel_from}, but {ends_on} is without service already."
        fix = "Correct the first day without service."
        faults.append(_fault("CHANGE_AFTER_END", ended, "cancel_from", str(cancel_from), message, fix))
    for order in orders:
        if _is_after(order, ended):
            message = f"{order.name} starts on {order.starts_on}; the contract is cancelled from {cancel_from}."
            fix = "Sign a new initial order, or undo the cancellation first."
            value = str(order.starts_on)
            faults.append(_fault("CHANGE_AFTER_CANCELLATION", order, "starts_on", value, message, fix))
    return faults


def _is_after(order: Order, ended: Order) -> bool:
    """Whether an order was signed for a contract that had been cancelled; one signed before is cancelled with it."""
    if order.deal_type is DealType.CANCELLATION or order.starts_on < effective_on(order=ended):
        return False
    return order.signed_on is not None and ended.signed_on is not None and order.signed_on > ended.signed_on


def _fault(code: str, order: Order, field: str, value: str, message: str, fix: str) -> Fault:
    record = order.source.record_id
    return Fault(code=code, message=message, fix=fix, owner="sales rep", record=record, field=field, value=value)
