"""How fast are the review pages with ten thousand held drafts, and how long do a thousand approvals together take?

Drafts of ten lines, each of a customer of its own, made by a billing run; of four fifths of them every second one has
no address to go to, which is a warning; the others are quiet. The pages are asked for in this process, without network.
`python -m benchmarks.bench_review [quick]` prints a table for SQLite and PostgreSQL.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal

import sqlalchemy as sa

from benchmarks.bench_billing import _MONTH, _biller, fill
from benchmarks.parts import percentiles, show, sqlite_url
from connector.adapters.clock import FixedClock
from connector.domain.review import ReviewRules
from connector.engine import migrate_engine
from connector.store import audit, users
from connector.store.queries_queue import QueueAsked
from connector.store.tables_billing import invoices
from connector.store.tables_review import invoice_reviews
from connector.store.unit_of_work import Database
from connector.usecases.approve_in_bulk import carry_out, choose_quiet, load_progress, start_bulk
from connector.usecases.assess_drafts import assess_due
from tests.postgresql import PostgresqlServer
from tests.recording import RecordingStarter
from tests.web.reviewed import Team, make_team

DRAFTS, QUICK = 10_000, 1_000
_TIMES = 40
_NOW = datetime(2027, 3, 5, 9, tzinfo=UTC)
_PAGES = {
    "the queue, oldest first": "/review",
    "by risk": "/review?sort=risk",
    "largest first, warned of": "/review?sort=amount&risk=warned",
    "a text that few have": "/review?q=0042",
    "one document with its evidence": "/review/invoices/77",
    "the document in its frame": "/review/invoices/77/document",
    "floor: the sign-in page": "/login",
}


def _team(url: str, count: int) -> Team:
    database = Database(url)
    fill(database, count=count, is_whole=True)
    migrate_engine(database_url=url)
    biller = _biller(database, "bench")
    run_id = biller.open_run(as_of=_MONTH, actor="bench")
    while biller.bill_next_chunk(run_id=run_id):
        pass
    most = {"EUR": Decimal(10**9), "USD": Decimal(10**9)}
    team = make_team(database, FixedClock(_NOW), rules=ReviewRules(quiet_up_to=most, is_first_quiet=True))
    _take_addresses(database, beyond=count // 5)
    return team


def _take_addresses(database: Database, *, beyond: int) -> None:
    """Nobody gets every second draft beyond the first ones."""
    with database.unit_of_work() as work:
        ids = (
            work.execute(sa.select(invoices.c.id).where(invoices.c.id % 2 == 0, invoices.c.id > beyond)).scalars().all()
        )
        rows = [{"invoice_id": one, "recipients": [], "changed_at": _NOW} for one in ids]
        work.execute(invoice_reviews.insert(), rows)
        work.commit()


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _pages(team: Team) -> Iterator[tuple[str, str]]:
    browser = team.browser("anna")
    for name, path in _PAGES.items():
        client = team.app.test_client() if path == "/login" else browser
        assert client.get(path).status_code == 200
        yield name, percentiles([_seconds(lambda: client.get(path)) for _ in range(_TIMES)])  # noqa: B023


def _bulk(team: Team, count: int) -> tuple[int, float]:
    """How many were approved together, and how long it took."""
    desk, database = team.services.desk, team.services.database
    with database.reading() as connection:
        found = users.load_credentials(connection=connection, name="anna")
    assert found is not None
    # A thousand customers have numbers that begin like this, and all of their drafts are quiet.
    asked = QueueAsked(text="Customer 000") if count < DRAFTS else QueueAsked(text="Customer 001")
    digest = choose_quiet(database=database, asked=asked).digest
    bulk_id = start_bulk(
        desk=desk, starter=RecordingStarter(), asked=asked, digest=digest, user=found[0], request_key="bench"
    )
    seconds = _seconds(lambda: carry_out(desk=desk, bulk_id=bulk_id))
    return load_progress(database=database, bulk_id=bulk_id).approved, seconds


def _entries(database: Database, count: int) -> None:
    """The floor of an approval: a transaction with two rows of the audit log."""
    for number in range(count):
        with database.unit_of_work() as work:
            for event in ("approve", "issue"):
                audit.append(work=work, chain="bench", at=_NOW, actor="anna", subject_id=number, event=event)
            work.commit()


def main(new_postgresql: Callable[[], str], *, count: int = DRAFTS) -> None:
    """Print the tables for SQLite and PostgreSQL."""
    pages: dict[str, list[str]] = {name: [] for name in _PAGES}
    rest: list[list[str]] = []
    for name, new_url in (("SQLite", sqlite_url), ("PostgreSQL", new_postgresql)):
        team = _team(new_url(), count)
        judged = _seconds(lambda: assess_due(desk=team.services.desk, limit=count))  # noqa: B023
        for page, found in _pages(team):
            pages[page].append(found)
        approved, seconds = _bulk(team, count)
        floor = _seconds(lambda: _entries(team.services.database, 200)) / 200  # noqa: B023
        each = seconds / max(1, approved)
        rest.append(
            [name, f"{count / judged:.0f}", f"{approved:,}", f"{seconds:.1f}", f"{each * 1000:.1f}",
             f"{floor * 1000:.1f}", f"{each / floor:.1f}"]
        )  # fmt: skip
        team.services.database.dispose()
    show(
        f"Review pages with {count:,} drafts, ms: p50/p95/p99",
        ("page", "SQLite", "PostgreSQL"),
        [[name, *found] for name, found in pages.items()],
    )
    heads = ("database", "drafts judged/s", "approved together", "seconds", "ms each", "floor ms", "to the floor")
    show("Approving together", heads, rest)


if __name__ == "__main__":
    server = PostgresqlServer(is_durable=True)
    try:
        main(server.new_database, count=QUICK if "quick" in sys.argv[1:] else DRAFTS)
    finally:
        server.stop()
