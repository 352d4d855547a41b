"""Provisioned orders a minute on Stigg, against a stand-in that enforces 250 changes a minute and 30 of one entity.

Two workers share the turns through the database. An order of a new customer costs two changes (the customer; the
contract with its subscription), so that the limit itself allows 125 orders a minute.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable
from typing import Any

from benchmarks.parts import FULFILLED, Bench, show
from tests.postgresql import PostgresqlServer
from tests.stigg_server import API_KEY, StiggServer
from tests.stigg_server.catalogue import Catalogue, Entitled, SoldPlan

_LIMIT = 250
_CHANGES_PER_ORDER = 2


class _TimedServer(StiggServer):
    """A stand-in that writes down when each change was accepted or refused."""

    def __init__(self) -> None:
        plan = SoldPlan("plan-platform", "product-core", (Entitled("feature-seats", is_custom=True),))
        super().__init__(Catalogue((plan,)))
        self.accepted: list[float] = []
        self.answers: Counter[int] = Counter()

    def _note(self, method: str, raw: str, status: int, body: Any, key: str, answer: bytes) -> tuple[int, bytes]:
        if method != "GET":
            self.answers[status] += 1
            self.accepted += [self.now().timestamp()] if status < 400 else []
        return super()._note(method, raw, status, body, key, answer)


def provisioning(url: str, *, orders: int, workers: int) -> dict[str, Any]:
    """What a burst of orders came to; it lasts about a minute for every 120 orders."""
    server = _TimedServer()
    server.start()
    bench = Bench(database_url=url, deals=orders, accounts=orders, stigg=(server.base_url, API_KEY))
    try:
        with bench.workers(workers):
            bench.receive(bench.quotes)
            bench.wait_for(FULFILLED, orders, seconds=orders / 2 + 120)
        minutes = (server.accepted[-1] - server.accepted[0]) / 60
        made = len(server.accepted) - 1
        return {
            "orders a minute": f"{made / minutes / _CHANGES_PER_ORDER:.1f}",
            "changes a minute": f"{made / minutes:.1f}",
            "of the limit": f"{made / minutes / _LIMIT:.3f}",
            "most in any 60 s": server.limits.most_in_all,
            "answers 429": server.answers[429],
            "customers, contracts, subscriptions": _counts(server),
            "waited outside": bench.count("select count(*) from records where attempts > 0"),
        }
    finally:
        bench.close()
        server.stop()


def _counts(server: StiggServer) -> str:
    held = server.subscriptions
    return f"{len(held.customers)}, {len(server.contracts.agreed)}, {len(held.held)}"


def main(new_postgresql: Callable[[], str], *, orders: int = 240) -> None:
    """Print the table."""
    found = provisioning(new_postgresql(), orders=orders, workers=2)
    heads = ("database", "workers", "orders", *found)
    show("Provisioned orders on Stigg at 250 changes a minute", heads, [("PostgreSQL", 2, orders, *found.values())])


if __name__ == "__main__":
    server = PostgresqlServer(is_durable=True)
    try:
        main(server.new_database, orders=int(sys.argv[1]) if len(sys.argv) > 1 else 240)
    finally:
        server.stop()
