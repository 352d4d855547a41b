"""`make bench`: every table of docs/benchmarks.md, one after the other, on this machine."""

from __future__ import annotations

import sys

from benchmarks import (
    bench_billing,
    bench_cash,
    bench_documents,
    bench_order_forms,
    bench_orders,
    bench_overview,
    bench_provisioning,
    bench_receiver,
    bench_review,
    bench_schedule,
    bench_sweep,
    bench_usage,
)
from tests.postgresql import PostgresqlServer


def main() -> None:
    """Run them all; `quick` makes each shorter."""
    is_quick = "quick" in sys.argv[1:]
    server = PostgresqlServer(is_durable=True)
    try:
        bench_receiver.main(server.new_database, seconds=2 if is_quick else 5)
        bench_orders.main(server.new_database, deals=60 if is_quick else 200)
        bench_provisioning.main(server.new_database, orders=60 if is_quick else 240)
        bench_schedule.main()
        bench_overview.main(server.new_database, count=bench_overview.QUICK if is_quick else bench_overview.INVOICES)
        bench_documents.main(times=5 if is_quick else 15)
        entries, invoiced = (2_000, 5_000) if is_quick else (bench_cash.ENTRIES, bench_cash.INVOICES)
        bench_cash.main(server.new_database, entries=entries, invoiced=invoiced)
        bench_order_forms.main()
        bench_review.main(server.new_database, count=1_000 if is_quick else bench_review.DRAFTS)
        bench_sweep.main(server.new_database, signed=bench_sweep.QUICK if is_quick else bench_sweep.SIGNED)
        bench_usage.main(server.new_database, count=bench_usage.QUICK if is_quick else bench_usage.CONTRACTS)
        bench_billing.main(server.new_database, count=bench_billing.QUICK if is_quick else bench_billing.CONTRACTS)
    finally:
        server.stop()


if __name__ == "__main__":
    main()
