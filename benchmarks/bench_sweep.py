"""What it costs to find the few signed records that nobody told of among very many, and to tell Salesforce of many.

The org is the sandbox, spoken to over HTTP in the same process: its own time is in the seconds, and an orgs is not.
Calls are what a real org counts.
"""

from __future__ import annotations

import dataclasses
import resource
import sys
import time
from collections.abc import Callable
from typing import Any

from benchmarks.parts import show
from connector.adapters.clock import SystemClock
from connector.bootstrap import make_services, make_sweeper, migrate_all
from connector.domain.terms import RecordRef
from connector.sandbox import Sandbox
from connector.services import Services
from connector.store import writebacks
from connector.usecases.write_back import write_back
from tests.postgresql import PostgresqlServer
from tests.selling import Seller
from tests.settings import settings_for
from tests.world import RunList

SIGNED, QUICK = 100_000, 5_000
CHANGED = 10_000
_UNSYNCED = 100


def main(new_postgresql: Callable[[], str], *, signed: int = SIGNED) -> None:
    """Print both tables."""
    sandbox = Sandbox(auto_push=False)
    sandbox.start()
    try:
        ids = _signed_quotes(sandbox, signed)
        rows = [_measured(sandbox, new_postgresql(), ids)]
    finally:
        sandbox.stop()
    heads = ("database", "signed", "unsynced", "question: calls", "s", "MB", "changed", "write-back: calls", "s")
    show("Records that nobody told of, and what Salesforce is told", heads, rows)


def _signed_quotes(sandbox: Sandbox, count: int) -> list[str]:
    """Accepted quotes; one in a hundred says nothing of its status."""
    account = Seller(sandbox).account()
    made = []
    for number in range(count):
        values: dict[str, Any] = {"Name": f"Deal {number}", "AccountId": account, "Status": "Accepted"}
        if number % _UNSYNCED:
            values["Sync_Status__c"] = "Synced"
        made.append(sandbox.insert("Quote", values))
    return made


def _measured(sandbox: Sandbox, url: str, ids: list[str]) -> tuple[Any, ...]:
    config = settings_for(sandbox=sandbox, database_url=url)
    services = make_services(config, clock=SystemClock())
    migrate_all(services)
    try:
        asked = _ask(sandbox, services)
        told = _tell(sandbox, services, ids[: min(CHANGED, len(ids))])
    finally:
        for org in services.orgs.values():
            org.gateway.close()  # type: ignore[attr-defined]
        services.database.dispose()
    return ("PostgreSQL", f"{len(ids):,}", *asked, *told)


def _ask(sandbox: Sandbox, services: Services) -> tuple[Any, ...]:
    """The hourly question, over every object that can be signed."""
    sweeper = make_sweeper(dataclasses.replace(services, starter=RunList()))
    next(iter(services.orgs.values())).gateway.organization()
    sandbox.calls.reset()
    before, started = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.perf_counter()
    counts = sweeper.ask_unsynced()
    seconds = time.perf_counter() - started
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    return f"{counts['found']:,}", sandbox.calls.total, f"{seconds:.1f}", f"{grown:.0f}"


def _tell(sandbox: Sandbox, services: Services, ids: list[str]) -> tuple[Any, ...]:
    """Three changed fields on each record."""
    now = services.clock.now()
    with services.database.unit_of_work() as work:
        for record_id in ids:
            ref = RecordRef(sandbox.org_id, "Quote", record_id)
            fields = {"Sync_Status__c": "Synced", "Sync_Step__c": "fulfilled", "Sync_Order_Number__c": record_id}
            writebacks.want(work=work, ref=ref, account_id="001", fields=fields, now=now)
        work.commit()
    sandbox.calls.reset()
    started = time.perf_counter()
    flushed = write_back(
        database=services.database, clock=services.clock, orgs=services.orgs, batch=200, claimed_by="bench"
    )
    seconds = time.perf_counter() - started
    assert flushed.written == len(ids), flushed
    return f"{flushed.written:,}", sandbox.calls.total, f"{seconds:.1f}"


if __name__ == "__main__":
    server = PostgresqlServer(is_durable=True)
    try:
        main(server.new_database, signed=int(sys.argv[1]) if len(sys.argv) > 1 else SIGNED)
    finally:
        server.stop()
