"""The prices that a deal agreed for what it grants, for platforms that can show a negotiated price beside the access.

Exists so that such a platform shows what was signed. Nobody is billed by it: charges come from the contract. What one
price of a unit and a period cannot say (tiers, packages, allowances, free months) is told as such, never rounded to it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from connector.domain.terms import ChargeType, LineItem, PriceModel, ProvisionKind

_PLAIN = (PriceModel.FLAT, PriceModel.PER_UNIT)


@dataclass(frozen=True, slots=True)
class SoldPrice:
    """One price: of the plan as a whole, of a unit of a feature, or of an add-on, for `months` months, in full units.

    `minimum` is the least that is paid in that time, 0 for none. `unsaid` names what the price does not say.
    """

    kind: ProvisionKind
    ref: str
    amount: Decimal
    months: int
    minimum: Decimal = Decimal(0)
    unsaid: str = ""


def sold_prices(*, line_items: Sequence[LineItem]) -> tuple[SoldPrice, ...]:
    """One price for each ref that these lines give; two different ones of a ref are unsaid."""
    found: dict[tuple[ProvisionKind, str], SoldPrice] = {}
    for line in line_items:
        price = _price(line)
        key = price.kind, price.ref
        if key in found and found[key] != price:
            price = SoldPrice(*key, price.amount, price.months, price.minimum, "two prices of one thing")
        found[key] = price
    return tuple(found.values())


def _price(line: LineItem) -> SoldPrice:
    is_plan = line.provision.kind is ProvisionKind.PLAN
    # A plan has one charge; its line may be sold as several units of it.
    units = line.quantity if is_plan and line.price_model is PriceModel.PER_UNIT else Decimal(1)
    return SoldPrice(
        kind=line.provision.kind,
        ref=line.provision.ref,
        amount=line.unit_price * units * (100 - line.discount_percent) / 100,
        months=line.price_period_months,
        minimum=line.minimum_amount,
        unsaid=_unsaid(line),
    )


def _unsaid(line: LineItem) -> str:
    """The first thing about the line that one price of a unit and a period cannot say, in words."""
    reasons = (
        (line.price_model not in _PLAIN or bool(line.tiers), f"the price model {line.price_model}"),
        (line.charge_type is ChargeType.ONE_TIME or bool(line.milestones), "a price that is paid once"),
        (line.included_units > 0 or line.prepaid_amount > 0, "an allowance"),
        (line.discount_amount > 0 or line.discount_periods is not None, "a discount by amount or for some time"),
        (line.free_months > 0, "free months"),
        (line.is_total_priced, "a total price"),
        (line.minimum_amount > 0 and line.minimum_period_months not in (None, line.price_period_months), "a minimum"),
    )
    return next((reason for is_so, reason in reasons if is_so), "")
