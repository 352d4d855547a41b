"""How long does reading the usage of many contracts take, in how many calls and how much memory?

Contracts on the embedded platform with one metered line billed monthly and a month of daily events, read twice: the
first time everything is news, the second nothing is. The floor is one page of the same questions without keeping
anything. `python -m benchmarks.bench_usage [quick]` prints one small table.
"""

from __future__ import annotations

import dataclasses
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from connector.adapters.clock import FixedClock
from connector.domain.periods import BillingPeriod
from connector.domain.terms import ChargeType, Customer, DealType, LineItem, Order, Provision, ProvisionKind, RecordRef
from connector.domain.usage import UsageQuestion
from connector.granting_embedded import embedded_platform, embedded_usage
from connector.store.inserting import insert_many
from connector.store.tables import (
    contracts,
    customers,
    metadata,
    metered_features,
    order_lines,
    orders,
    records,
)
from connector.store.tables_platform import platform_customers, platform_reporting, platform_usage_hours
from connector.store.terms import order_document
from connector.store.unit_of_work import Database
from connector.usecases.sync_usage import UsageSync

CONTRACTS, QUICK = 10_000, 500
_NOW = datetime(2026, 5, 2, tzinfo=UTC)
_ORG = "00D5g000001AbCdEAK"
_START, _END = date(2026, 4, 1), date(2027, 4, 1)
_DAYS = 30


def main(new_database: Callable[[], str] | None = None, *, count: int = CONTRACTS) -> None:
    """Print the table for SQLite, and for PostgreSQL when it is at hand."""
    print(f"\n## Usage of {count:,} contracts, one metered line each, {_DAYS} hours with events\n")
    print("| database | run | minutes | calls/contract | questions/contract | peak memory MB | to the floor |")
    print("|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        _measure("SQLite", f"sqlite:///{Path(folder) / 'usage.db'}", count)
    if new_database is not None:
        _measure("PostgreSQL", new_database(), count)


def _measure(name: str, url: str, count: int) -> None:
    database = Database(url)
    metadata.create_all(database.writer)
    _fill(database, count)
    clock = FixedClock(_NOW)
    platform = embedded_platform(database=database, clock=clock, plans=())
    usage = embedded_usage(database=database, clock=clock, platform=platform)
    sync = UsageSync(database, clock, usage, "embedded", timedelta(days=7))
    period = BillingPeriod(_START, date(2026, 5, 1))
    began = time.perf_counter()
    for start in range(0, count, 200):
        usage.fetch_usage(
            questions=[
                UsageQuestion(f"c-{number}", "calls", period) for number in range(start, min(start + 200, count))
            ]
        )
    floor = time.perf_counter() - began
    for run in ("all news", "nothing new"):
        began = time.perf_counter()
        done = sync.sync()
        took = time.perf_counter() - began
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        assert done.failed == 0
        print(
            f"| {name} | {run} | {took / 60:.2f} | {done.calls / count:.4f} | {done.questions / count:.2f} "
            f"| {peak:.0f} | {took / floor:.1f} |"
        )
    database.dispose()


def _fill(database: Database, count: int) -> None:
    """The rows that fulfilment would leave, written at once."""
    hours = [datetime(2026, 4, 1, 12, tzinfo=UTC) + timedelta(days=day) for day in range(_DAYS)]
    for start in range(0, count, 1000):
        numbers = range(start + 1, min(start + 1000, count) + 1)
        with database.unit_of_work() as work:
            refs = [f"c-{n - 1}" for n in numbers]
            insert_many(work, platform_customers, [{"ref": ref, "key": ref, "name": "", "email": ""} for ref in refs])
            for hour in hours:
                insert_many(
                    work,
                    platform_usage_hours,
                    [
                        {"customer_ref": f"c-{n - 1}", "feature_ref": "calls", "hour": hour, "units": Decimal(n),
                         "events": 1, "last_at": hour}
                        for n in numbers
                    ],
                )  # fmt: skip
            for number in numbers:
                _contract(work, number)
            work.commit()
    with database.unit_of_work() as work:
        work.execute(platform_reporting.insert().values(feature_ref="calls", complete_until=_NOW, changed_at=_NOW))
        work.commit()


def _contract(work, number: int) -> None:  # type: ignore[no-untyped-def]
    order = _order(number)
    record = order.source.record_id
    work.execute(customers.insert().values(
        org_id=_ORG, salesforce_id=f"001{number:015d}", name="Acme", platform_ref=f"c-{number - 1}", created_at=_NOW,
    ))  # fmt: skip
    work.execute(records.insert().values(id=number, org_id=_ORG, object="Quote", record_id=record, first_seen_at=_NOW))
    work.execute(orders.insert().values(
        id=number, number=f"O-{number:06d}", record_row_id=number, state="FULFILLED", terms=order_document(order),
        created_at=_NOW, changed_at=_NOW,
    ))  # fmt: skip
    work.execute(contracts.insert().values(
        id=number, number=f"C-{number:06d}", opened_by_order_id=number, org_id=_ORG, customer_ref=f"001{number:015d}",
        customer_name="Acme", currency="USD", legal_entity="US", starts_on=_START, ends_on=_END, value=Decimal(0),
        version=1, created_at=_NOW, changed_at=_NOW,
    ))  # fmt: skip
    work.execute(orders.update().where(orders.c.id == number).values(contract_id=number))
    line = order.line_items[0]
    work.execute(order_lines.insert().values(
        id=number, order_id=number, position=1, salesforce_line_id=line.ref, product_code="API", product_name="Calls",
        charge_type="usage", quantity=Decimal(1), terms=dataclasses.asdict(line),
    ))  # fmt: skip
    work.execute(metered_features.insert().values(contract_id=number, order_line_id=number, feature_ref="calls"))


def _order(number: int) -> Order:
    line = LineItem(
        ref=f"0QL{number:015d}", position=1, product_code="API", product_name="Calls", starts_on=_START, ends_on=_END,
        quantity=Decimal(1), unit_price=Decimal("0.01"), charge_type=ChargeType.USAGE, billing_period_months=1,
        provision=Provision(ProvisionKind.ENTITLEMENT, "calls"),
    )  # fmt: skip
    return Order(
        source=RecordRef(_ORG, "Quote", f"0Q0{number:015d}"), name=f"Q-{number}", deal_type=DealType.NEW,
        customer=Customer(ref=f"001{number:015d}", name="Acme"), currency="USD", starts_on=_START, ends_on=_END,
        payment_terms_days=30, legal_entity="US", line_items=(line,),
    )  # fmt: skip


if __name__ == "__main__":
    main(count=QUICK if "quick" in sys.argv[1:] else CONTRACTS)
