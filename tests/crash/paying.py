"""A process that takes money by Airwallex and dies at every point of it: python -m tests.crash.paying URL WHAT.

For n = 1, 2, 3, ... it forks a child that does one step for a fresh invoice (opens its link, books its payment, sends a
refund) and is killed with SIGKILL at its n-th point: before and after each commit, and before and after each call of
the provider, which lives on in the parent. Then another process goes on. It ends at the first n that a step does not
reach, and tells as JSON what it all came to.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections import Counter as Counting
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from connector.adapters.clock import FixedClock
from connector.adapters.payments_airwallex import AirwallexPayments
from connector.adapters.payments_airwallex_calls import AirwallexConnection, AirwallexSettings
from connector.domain.collecting import ObjectKind
from connector.store.tables_cash import refunds
from connector.store.unit_of_work import Database, UnitOfWork
from connector.usecases.refund_payment import request_refund
from tests.cashing import Till
from tests.paying.airwallex import API_KEY, CLIENT_ID, StrictAirwallex
from tests.paying.counter import Counter

_MOST_POINTS = 100
_NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)


class DiesAt:
    """Kills this process at the n-th point."""

    def __init__(self, number: int) -> None:
        self._left = number
        UnitOfWork.commit = self._around(UnitOfWork.commit)  # type: ignore[method-assign]
        AirwallexConnection.call = self._around(AirwallexConnection.call)  # type: ignore[method-assign]

    def _reach(self) -> None:
        self._left -= 1
        if not self._left:
            os.kill(os.getpid(), signal.SIGKILL)

    def _around(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(*arguments: Any) -> Any:
            self._reach()
            answer = function(*arguments)
            self._reach()
            return answer

        return wrapped


class Shop:
    """The parent: the provider, the clock, and what each step needs before it."""

    def __init__(self, url: str, what: str) -> None:
        self.url, self.what, self.clock = url, what, FixedClock(_NOW)
        self.server = StrictAirwallex(self.clock)
        self.server.start()
        self._count = 0

    def counter(self) -> Counter:
        """A counter with connections of its own."""
        settings = AirwallexSettings(base_url=self.server.base_url, client_id=CLIENT_ID, api_key=API_KEY)
        provider = AirwallexPayments(settings=settings, clock=self.clock, sleep=lambda _seconds: None)
        till = Till(Database(self.url), self.clock)
        till._count = self._count
        return Counter(till, provider, self.clock)

    def prepare(self) -> str:
        """A fresh invoice, as it is before the step; answers what the event will be about."""
        counter = self.counter()
        invoice = counter.till.invoice("1190.00")
        self._count = counter.till._count
        ref = ""
        if self.what != "link":
            counter.collect()
            paid = self.server.pay(counter.live(invoice).provider_ref, amount=Decimal("1290.00"))
            ref = str(paid["id"])
        if self.what == "refund":
            counter.tell(ObjectKind.PAYMENT, ref)
            counter.apply()
            request_refund(desk=counter.till.desk, payment_id=counter.till.payment_ids()[-1], amount=Decimal(100),
                           reason="Too much", actor="finn", role="finance", request_key=f"click-{ref}")  # fmt: skip
        counter.till.database.dispose()
        return ref

    def step(self, ref: str) -> None:
        """The step itself, with everything that a worker does."""
        counter = self.counter()
        counter.collect()
        if self.what == "payment":
            counter.tell(ObjectKind.PAYMENT, ref, event_id=f"evt-{ref}")
        if self.what == "refund":
            counter.send_refunds()
        counter.apply()
        counter.till.database.dispose()

    def was_killed(self, ref: str, number: int) -> bool:
        """Whether a child that does the step reached its n-th point."""
        pid = os.fork()
        if pid == 0:
            DiesAt(number)
            self.step(ref)
            os._exit(0)
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        assert code in (0, -signal.SIGKILL), code
        return code != 0

    def told(self, points: int) -> dict[str, Any]:
        """What it all came to."""
        counter = self.counter()
        with counter.till.database.reading() as connection:
            sent = list(connection.execute(sa.select(refunds.c.state)).scalars())
        invoices = range(1, self._count + 1)
        told = {
            "points": points,
            "links": sorted({str(counter.told(one)) for one in invoices}),
            "links_there": sorted(
                set(Counting(row["reference"] for row in self.server.rows["payment_links"].values()).values())
            ),
            "open": sorted({counter.till.open(one) for one in invoices}),
            "payments": sorted(set(counter.payments())),
            "payments_each": len(counter.payments()) == self._count,
            "refunds": sorted(set(sent)),
            "refunds_there": len(self.server.rows["refunds"]) - len(sent),
            "events": sorted(set(counter.events())),
            "lost": {currency: str(amount) for currency, amount in counter.till.lost().items()},
        }
        counter.till.database.dispose()
        return told


def main(url: str, what: str) -> dict[str, Any]:
    """Die everywhere; answers what it came to."""
    shop = Shop(url, what)
    try:
        for number in range(1, _MOST_POINTS):
            ref = shop.prepare()
            was_killed = shop.was_killed(ref, number)
            # What a dead process has claimed is free again by then; the sender sends again what was not answered.
            shop.clock.advance(timedelta(hours=1))
            shop.step(ref)
            shop.step(ref)
            if not was_killed:
                break
        return shop.told(number - 1)
    finally:
        shop.server.stop()


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(*sys.argv[1:])))
