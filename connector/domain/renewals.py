"""What a renewal would look like: the running terms for another term, with or without an uplift.

Exists so that "same terms" and "plus five percent" are computed once, from the contract, and not typed. The result is
a proposal: it becomes an order only when it is signed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal, localcontext

from connector.domain.contract_terms import Contract, ContractLine
from connector.domain.periods import add_months
from connector.domain.pricing import EXACT
from connector.domain.terms import ChargeType, LineItem, PriceModel, Tier


def renewed_items(*, contract: Contract, months: int, uplift_percent: Decimal = Decimal(0)) -> tuple[LineItem, ...]:
    """The lines that run to the end of the contract, for `months` more from there, prices raised by a percentage.

    Quantities of one product with the same terms become one line; unit prices are raised exactly and never rounded.
    One-time lines and free months are not repeated.
    """
    start = contract.ends_on
    running = [line for line in contract.lines if _runs_to_the_end(line, contract)]
    merged: dict[tuple[object, ...], list[ContractLine]] = {}
    for line in running:
        merged.setdefault(_terms(line.item), []).append(line)
    proposals = [_renewed(lines, start, months, uplift_percent) for lines in merged.values()]
    kept = [item for item in proposals if item.quantity > 0]
    return tuple(replace(item, position=position) for position, item in enumerate(kept, start=1))


def _runs_to_the_end(line: ContractLine, contract: Contract) -> bool:
    if line.item.charge_type is ChargeType.ONE_TIME or line.cut is not None:
        return False
    return line.ends_on == contract.ends_on and contract.cancellation is None


def _terms(item: LineItem) -> tuple[object, ...]:
    prices = (item.unit_price, item.tiers, item.package_size, item.discount_percent, item.discount_amount)
    rhythm = (item.price_period_months, item.billing_period_months, item.billing_timing)
    return (item.product_code, item.charge_type, item.price_model, *prices, *rhythm)


def _renewed(lines: Sequence[ContractLine], start: date, months: int, uplift: Decimal) -> LineItem:
    quantity = sum((line.quantity - line.prior_quantity for line in lines), Decimal(0))
    item = lines[0].item
    if item.price_model is PriceModel.PERCENT_OF:
        uplift = Decimal(0)  # It follows the price of the other line, which is raised.
    return replace(
        item,
        starts_on=start,
        ends_on=add_months(start, months=months),
        quantity=quantity,
        prior_quantity=None,
        unit_price=_raised(item.unit_price, uplift),
        tiers=tuple(
            Tier(tier.up_to, _raised(tier.unit_price, uplift), _raised(tier.flat_price, uplift)) for tier in item.tiers
        ),
        free_months=0,
        discount_periods=None,
        ramp_key="",
        ramp_step=None,
    )


def _raised(price: Decimal, percent: Decimal) -> Decimal:
    with localcontext(EXACT):
        return price * (100 + percent) / 100
