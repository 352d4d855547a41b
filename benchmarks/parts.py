"""What the benchmarks share: a sandbox full of like deals, settings for it, worker processes, and table printing.

Figures are only compared inside one run; each table has its floor or peer beside it. Run with `make bench`.
"""

from __future__ import annotations

import os
import secrets
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from connector.bootstrap import make_services, migrate_all
from connector.config import parse_config
from connector.sandbox.sandbox import CLIENT_ID, CLIENT_SECRET, Sandbox
from connector.services import Services
from connector.usecases.receive_message import Message, receive

ROOT = Path(__file__).parent.parent
PUSH_TOKEN = "bench-" + secrets.token_urlsafe(32)
_PLAN = {
    "ref": "plan-platform",
    "product": "product-core",
    "entitlements": [{"ref": "feature-seats", "variable": True}],
}


class Bench:
    """One sandbox with `deals` signed quotes, one database, and the settings that join them.

    `stigg` (base URL, API key) grants there instead of on the embedded platform.
    """

    def __init__(
        self,
        *,
        database_url: str,
        deals: int,
        latency_ms: int = 0,
        accounts: int = 20,
        stigg: tuple[str, str] = ("", ""),
    ) -> None:
        self._stigg_url, stigg_key = stigg
        self.folder = Path(tempfile.mkdtemp(prefix="countersign-bench-"))
        self.sandbox = Sandbox(auto_push=False, latency=timedelta(milliseconds=latency_ms))
        self.quotes = list(_quotes(self.sandbox, deals, accounts))
        self.url = self.sandbox.start()
        self.web_port = _free_port()
        self.environment = {
            **os.environ,
            "COUNTERSIGN_CONFIG": str(self.folder / "config.toml"),
            "COUNTERSIGN_SALESFORCE_CLIENT_SECRET": CLIENT_SECRET,
            "COUNTERSIGN_SALESFORCE_PUSH_TOKENS": PUSH_TOKEN,
            "COUNTERSIGN_SESSION_SECRET": "b" * 40,
            "COUNTERSIGN_STIGG_API_KEY": stigg_key,
        }
        raw = self._settings(database_url)
        (self.folder / "config.toml").write_text(_toml(raw), encoding="utf-8")
        self.services: Services = make_services(parse_config(raw=raw, environment=self.environment))
        migrate_all(self.services)

    def _settings(self, database_url: str) -> dict[str, Any]:
        raw = tomllib.loads((ROOT / "docs/examples/model-org.toml").read_text(encoding="utf-8"))
        raw["database"] = {"url": database_url}
        raw["salesforce"] = [
            {
                "instance_url": self.url,
                "client_id": CLIENT_ID,
                "org_id": self.sandbox.org_id,
                "calls_per_day": 5_000_000,
            }
        ]
        raw["entitlements"] = {"platform": "stigg"} if self._stigg_url else {"plans": [_PLAN]}
        raw["stigg"] = {"base_url": self._stigg_url} if self._stigg_url else {}
        raw["web"] = {"port": self.web_port}
        raw["jobs"] = {"silence": 5, "watchdog": 1, "sweep": 3600}
        return raw

    def receive(self, quotes: Sequence[str], *, in_one_body: int = 100) -> None:
        """Sign the quotes and put a message for each into the inbox, as the receiver does."""
        for quote in quotes:
            self.sandbox.update("Quote", quote, {"Status": "Accepted"})
        for start in range(0, len(quotes), in_one_body):
            messages = [
                Message("bench", secrets.token_hex(8), "Quote", self.sandbox.org_id, "Quote", quote)
                for quote in quotes[start : start + in_one_body]
            ]
            receive(
                database=self.services.database,
                starter=self.services.starter,
                clock=self.services.clock,
                messages=messages,
                body=b"bench",
                content_type="text/plain",
            )

    def count(self, query: str) -> int:
        """One number from the database."""
        with self.services.database.reading() as connection:
            return int(connection.execute(sa.text(query)).scalar_one())

    def wait_for(self, query: str, wanted: int, *, seconds: float = 120) -> float:
        """Seconds until the query answers at least `wanted`."""
        started = time.perf_counter()
        while self.count(query) < wanted:
            if time.perf_counter() - started > seconds:
                raise TimeoutError(f"{self.count(query)} of {wanted} after {seconds} s: {query}")
            time.sleep(0.02)
        return time.perf_counter() - started

    @contextmanager
    def workers(self, count: int) -> Iterator[list[subprocess.Popen[bytes]]]:
        """That many worker processes, ready to work."""
        log = (self.folder / "worker.log").open("ab")
        command = [sys.executable, "-m", "connector", "work"]
        started = [subprocess.Popen(command, env=self.environment, stdout=log, stderr=log) for _ in range(count)]
        try:
            self.wait_for("select count(*) from processes where stopped_at is null", count)
            time.sleep(1)
            yield started
        finally:
            for process in started:
                process.terminate()
            for process in started:
                process.wait(timeout=40)
            log.close()

    def close(self) -> None:
        """Stop the sandbox."""
        self.services.database.dispose()
        self.sandbox.stop()


FULFILLED = "select count(*) from orders where state = 'FULFILLED'"
OWED = "select count(*) from writebacks where not is_owed"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def sqlite_url() -> str:
    """A new SQLite file."""
    return f"sqlite:///{tempfile.mkdtemp(prefix='countersign-bench-')}/bench.db"


def percentiles(seconds: Sequence[float]) -> str:
    """p50/p95/p99 in milliseconds."""
    cuts = statistics.quantiles(seconds, n=100, method="inclusive")
    return "/".join(f"{cuts[place - 1] * 1000:.1f}" for place in (50, 95, 99))


def show(title: str, heads: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """A Markdown table on standard output."""
    print(f"\n### {title}\n")
    print("| " + " | ".join(heads) + " |")
    print("|" + "---|" * len(heads))
    for row in rows:
        print("| " + " | ".join(str(cell) for cell in row) + " |")
    sys.stdout.flush()


def _quotes(sandbox: Sandbox, deals: int, accounts: int) -> Iterator[str]:
    """Quotes of two lines: a plan and 50 seats, one year, billed at once."""
    plan = sandbox.insert(
        "Product2",
        {"ProductCode": "PLATFORM", "Name": "Platform", "Stigg_Type__c": "Plan", "Stigg_ID__c": "plan-platform"},
    )
    seat = sandbox.insert(
        "Product2",
        {"ProductCode": "SEAT", "Name": "Seat", "Stigg_Type__c": "Entitlement", "Stigg_ID__c": "feature-seats"},
    )
    book = sandbox.insert("Pricebook2", {"Name": "Standard", "IsActive": True})
    entries = [
        sandbox.insert(
            "PricebookEntry",
            {
                "Pricebook2Id": book,
                "Product2Id": product,
                "UnitPrice": "100",
                "CurrencyIsoCode": "USD",
                "IsActive": True,
            },
        )
        for product in (plan, seat)
    ]
    owners = [sandbox.insert("Account", {"Name": f"Customer {n}"}) for n in range(accounts)]
    for number in range(deals):
        yield _quote(sandbox, owners[number % accounts], entries, book, number)


def _quote(sandbox: Sandbox, account: str, entries: Sequence[str], book: str, number: int) -> str:
    opportunity = sandbox.insert(
        "Opportunity",
        {
            "Name": f"Deal {number}",
            "AccountId": account,
            "StageName": "Negotiation/Review",
            "CloseDate": "2026-01-01",
            "Pricebook2Id": book,
            "CurrencyIsoCode": "USD",
        },
    )
    quote = sandbox.insert(
        "Quote",
        {
            "Name": f"Quote {number}",
            "OpportunityId": opportunity,
            "Pricebook2Id": book,
            # Signed only when its message comes, or the sweep at the start would find it first.
            "Status": "Presented",
            "Contract_Start__c": "2026-01-01",
            "Contract_End__c": "2026-12-31",
            "Billing_Frequency__c": "Annual",
            "Billing_Timing__c": "In Advance",
            "Payment_Terms__c": "Net 30",
            "Deal_Type__c": "New",
            "Legal_Entity__c": "US",
            "Total_Contract_Value__c": "5100",
            "CurrencyIsoCode": "USD",
        },
    )
    for position, (entry, quantity) in enumerate(zip(entries, ("1", "50"), strict=True), start=1):
        sandbox.insert(
            "QuoteLineItem",
            {
                "QuoteId": quote,
                "PricebookEntryId": entry,
                "Quantity": quantity,
                "UnitPrice": "100",
                "SortOrder": position,
                "Price_Period__c": "Year",
            },
        )
    return quote


_EMBEDDED = """[[entitlements.plans]]
ref = "plan-platform"
product = "product-core"
[[entitlements.plans.entitlements]]
ref = "feature-seats"
variable = true
"""


def _on_stigg(base_url: str) -> str:
    return f"""[entitlements]
platform = "stigg"
[stigg]
base_url = "{base_url}"
"""


def _toml(raw: dict[str, Any]) -> str:
    """The settings as TOML: the model org's file with our tables in front."""
    org = raw["salesforce"][0]
    jobs = "\n".join(f"{name} = {value}" for name, value in raw["jobs"].items())
    head = f"""[database]
url = "{raw["database"]["url"]}"
[[salesforce]]
instance_url = "{org["instance_url"]}"
client_id = "{org["client_id"]}"
org_id = "{org["org_id"]}"
calls_per_day = {org["calls_per_day"]}
[web]
port = {raw["web"]["port"]}
[jobs]
{jobs}
"""
    head += _on_stigg(raw["stigg"]["base_url"]) if raw["stigg"] else _EMBEDDED
    return head + (ROOT / "docs/examples/model-org.toml").read_text(encoding="utf-8")
