"""What a person should look at although it stops nothing: gaps between terms, prior quantities that do not fit, money
that a cancellation leaves unbilled.

Exists because these are allowed by the billing conventions and still often mean a mistake in the record.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from itertools import pairwise

from connector.domain.charges import line_charges
from connector.domain.contract_terms import Cancellation, ContractLine, Term
from connector.domain.money import Money
from connector.domain.terms import ChargeType, DealType, Order
from connector.errors import Fault


def contract_warnings(
    *,
    orders: Sequence[Order],
    terms: Sequence[Term],
    lines: Sequence[ContractLine],
    cancellation: Cancellation | None,
) -> tuple[Fault, ...]:
    """Everything worth a look in a contract that is otherwise in order; `orders` in the sequence of their effect."""
    if len(orders) == 1:
        return ()
    found = [*_gaps(terms, orders), *_prior_quantities(orders, lines)]
    return (*found, *_left_unbilled(lines, cancellation)) if cancellation is not None else tuple(found)


def _gaps(terms: Sequence[Term], orders: Sequence[Order]) -> list[Fault]:
    names = {order.source.record_id: order.name for order in orders}
    found = []
    for before, after in pairwise(terms):
        if before.ends_on < after.starts_on:
            message = (
                f"{names[after.order_ref]} renews from {after.starts_on}; the term before ended on {before.ends_on}."
            )
            fix = "Check that the days between are meant to be without service."
            found.append(_warning("RENEWAL_GAP", after.order_ref, "starts_on", str(after.starts_on), message, fix))
    return found


def _prior_quantities(orders: Sequence[Order], lines: Sequence[ContractLine]) -> list[Fault]:
    found = []
    for order in orders:
        if order.deal_type not in (DealType.UPSELL, DealType.DOWNSELL):
            continue
        for item in order.line_items:
            if item.prior_quantity is None or item.charge_type is not ChargeType.RECURRING:
                continue
            running = _running_quantity(lines, order, item.product_code)
            if running != item.prior_quantity:
                message = (
                    f"{order.name} changes {item.product_name} from {item.prior_quantity}, "
                    f"but the contract has {running} on {order.starts_on}."
                )
                fix = "Check the prior quantity, or whether a change in between is missing."
                value = str(item.prior_quantity)
                record = order.source.record_id
                found.append(_warning("PRIOR_QUANTITY_DIFFERS", record, "prior_quantity", value, message, fix))
    return found


def _running_quantity(lines: Sequence[ContractLine], order: Order, product_code: str) -> Decimal:
    """The quantity before this order; lines come in the sequence of orders, so its own and later ones do not count."""
    quantity = Decimal(0)
    for line in lines:
        if line.order_ref == order.source.record_id:
            break
        is_over = line.cut is not None and line.cut.on <= order.starts_on
        is_running = line.starts_on <= order.starts_on < line.ends_on and not is_over
        if line.item.product_code == product_code and is_running and line.item.charge_type is ChargeType.RECURRING:
            quantity += line.quantity - line.prior_quantity
    return quantity


def _left_unbilled(lines: Sequence[ContractLine], cancellation: Cancellation) -> list[Fault]:
    """Service before the cancellation that is billed in arrears after it, and so never."""
    cancel_from = cancellation.cancel_from
    found = []
    for line in lines:
        lost = [
            charge
            for charge in line_charges(line=line)
            if charge.period.start < cancel_from <= charge.bill_on and charge.bill_on >= charge.period.end
        ]
        for charge in lost:
            amount = Money(charge.amount.amount, charge.amount.currency)
            what = "usage" if line.item.charge_type is ChargeType.USAGE else f"{amount}"
            message = (
                f"{charge.description}: service from {charge.period.start} is billed on {charge.bill_on}, and the "
                f"contract is cancelled from {cancel_from}: {what} stays unbilled."
            )
            fix = "If it is owed, bill it by hand or agree on a later cancellation date."
            record = cancellation.order_ref
            found.append(_warning("ARREARS_NOT_BILLED", record, "cancel_from", str(cancel_from), message, fix))
    return found


def _warning(code: str, record: str, field: str, value: str, message: str, fix: str) -> Fault:
    return Fault(code=code, message=message, fix=fix, owner="finance", record=record, field=field, value=value)
