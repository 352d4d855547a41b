"""How many contracts can one core schedule in a second?

Contracts of 36 months with 10 lines billed monthly: per unit, tiered, discounted, a yearly price billed monthly, one
line with a broken end. Beside it the drafts of one month (contracts built anew, all before the month known to be
billed), and the floor: only making the date boundaries of the same lines. `python -m benchmarks.bench_schedule` prints
one small table.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from decimal import Decimal

from connector.domain.contracts import build_contract
from connector.domain.invoicing import draft_invoices
from connector.domain.periods import boundaries, cut_periods
from connector.domain.schedule import schedule
from connector.domain.terms import Customer, DealType, LineItem, Order, PriceModel, RecordRef, Tier

MONTHS, LINES, CONTRACTS = 36, 10, 1000
_MONTH = (date(2027, 2, 28), date(2027, 3, 31))
_TIERS = (Tier(Decimal(50), Decimal(30)), Tier(None, Decimal(25)))


def make_orders(count: int = CONTRACTS) -> list[Order]:
    """Signed orders that differ in start, prices and quantities."""
    return [_order(number) for number in range(count)]


def _order(number: int) -> Order:
    start = date(2026, 1, 1) + timedelta(days=number % 365)
    end = boundaries(anchor=start, months=MONTHS, count=1)[1]
    return Order(
        source=RecordRef("00D000000000000AAA", "Quote", f"{number:018d}"),
        name=f"Q-{number}",
        deal_type=DealType.NEW,
        customer=Customer(ref=f"001{number}", name="Acme"),
        currency="EUR",
        starts_on=start,
        ends_on=end,
        payment_terms_days=30,
        legal_entity="DE",
        line_items=tuple(_item(number, position, start, end) for position in range(LINES)),
    )


def _item(number: int, position: int, start: date, end: date) -> LineItem:
    return LineItem(
        ref=f"{number}-{position}",
        position=position,
        product_code=f"P{position}",
        product_name=f"Product {position}",
        starts_on=start,
        ends_on=end - timedelta(days=5 * (position == 9)),
        quantity=Decimal(10 + position),
        unit_price=Decimal("29.99") + number,
        price_model=PriceModel.TIERED if position == 3 else PriceModel.PER_UNIT,
        price_period_months=12 if position % 4 == 0 else 1,
        billing_period_months=1,
        discount_percent=Decimal("12.5") if position % 2 else Decimal(0),
        tiers=_TIERS if position == 3 else (),
    )


def _schedule_all(orders: Sequence[Order]) -> int:
    return sum(len(schedule(contract=build_contract(orders=[order]))) for order in orders)


def _draft_month(orders: Sequence[Order]) -> int:
    contracts = (build_contract(orders=[order]) for order in orders)
    runs = (draft_invoices(contracts=[one], as_of=_MONTH[1], since={one.ref: _MONTH[0]}) for one in contracts)
    return sum(len(draft.items) for run in runs for draft in run.drafts)


def _boundaries_only(orders: Sequence[Order]) -> int:
    return sum(
        len(boundaries(anchor=item.starts_on, months=1, count=MONTHS)) for order in orders for item in order.line_items
    )


def _rate(work: Callable[[Sequence[Order]], int], orders: Sequence[Order]) -> tuple[float, int]:
    cut_periods.cache_clear()
    started = time.perf_counter()
    made = work(orders)
    return len(orders) / (time.perf_counter() - started), made


_WORK: dict[str, Callable[[Sequence[Order]], int]] = {
    "schedule, to the cent": _schedule_all,
    "drafts of one month": _draft_month,
    "floor: date boundaries only": _boundaries_only,
}


def main() -> None:
    """Print contracts per second for the schedule, a month of drafts and the floor."""
    orders = make_orders()
    print(f"{CONTRACTS} contracts, {MONTHS} months, {LINES} lines, monthly, one core")
    print(f"{'what':<34}{'contracts/s':>12}{'rows':>10}")
    for what, work in _WORK.items():
        rate, made = max(_rate(work, orders) for _ in range(3))
        print(f"{what:<34}{rate:>12,.0f}{made:>10,}")


if __name__ == "__main__":
    main()
