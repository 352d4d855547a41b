"""`countersign bill` and `countersign undo` as they are typed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partialmethod
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from connector.__main__ import main
from connector.adapters.clock import FixedClock
from connector.demo.configuration import write_settings
from connector.store.unit_of_work import Database
from connector.usecases.bill_contracts import Biller
from tests.billing import Books, for_customer
from tests.domain.making import make_item, make_order
from tests.domain.seat_orders import seats, upsell
from tests.settings import ENVIRONMENT

ORG_ID = "00D000000000000AAA"


class Till:
    """Books over a database, and the command line with settings that name it."""

    def __init__(self, file: Path, database: Database, clock: FixedClock) -> None:
        self.books = Books(database, clock)
        self._environment = {**ENVIRONMENT, "COUNTERSIGN_CONFIG": str(file), "USER": "anna"}

    def __call__(self, *words: str) -> Result:
        return CliRunner().invoke(main, words, env=self._environment)

    def told(self, *words: str) -> Any:
        """The JSON answer of a command that goes well."""
        done = self(*words, "--json")
        assert done.exit_code == 0, done.output
        return json.loads(done.stdout)


@pytest.fixture
def till(tmp_path: Path, clock: FixedClock) -> Iterator[Till]:
    file = write_settings(
        folder=tmp_path, org_id=ORG_ID, sandbox_url="http://127.0.0.1:9", web_port=8900, custom_plans={}
    )
    database = Database(f"sqlite:///{tmp_path / 'countersign.db'}")
    made = Till(file, database, clock)
    assert made("migrate").exit_code == 0
    yield made
    database.dispose()


def test_bill_stores_drafts_and_tells_how_many(till: Till) -> None:
    till.books.sign(make_order(seats()))

    told = till.told("bill", "--as-of", "2026-01-01")

    assert (told["run"], told["customers"], told["drafts"], told["items"]) == (1, 1, 1, 1)
    assert till.books.totals() == [("2026-01-01", "invoice", "12000.00")]


def test_bill_with_nothing_due_says_so(till: Till) -> None:
    done = till("bill", "--as-of", "2026-01-01")

    assert (done.exit_code, done.stdout) == (0, "Nothing is due.\n")


def test_a_dry_run_shows_the_drafts_and_stores_nothing(till: Till) -> None:
    till.books.sign(make_order(seats()))

    told = till.told("bill", "--as-of", "2026-01-01", "--dry-run")
    done = till("bill", "--as-of", "2026-01-01", "--dry-run")

    assert [(row["customer"], row["net"]) for row in told["drafts"]] == [("Acme Analytics", "12000.00")]
    assert "12000.00 EUR net" in done.stdout
    assert till.books.drafts() == []


def test_a_contract_that_cannot_be_billed_is_an_exit_code(till: Till) -> None:
    till.books.sign(make_order(make_item(quantity="7", tiers=(), price="1")))
    with till.books.database.unit_of_work() as work:
        work.connection.exec_driver_sql("UPDATE orders SET terms = '{}'")
        work.commit()

    assert till("bill", "--as-of", "2026-01-01").exit_code == 1
    shown = till("bill", "--as-of", "2026-01-01", "--dry-run")
    assert shown.exit_code == 1
    assert "001A: UNEXPECTED" in shown.stdout


def test_processes_share_a_run(till: Till, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(6):
        till.books.sign(for_customer(make_order(seats(), record=f"R{number}"), f"00{number}"))
    monkeypatch.setattr(Biller, "open_run", partialmethod(Biller.open_run, chunk_size=1))

    told = till.told("bill", "--as-of", "2026-01-01", "--processes", "2")

    assert (told["customers"], told["drafts"]) == (6, 6)
    assert len(till.books.drafts()) == 6


def test_undo_of_an_initial_order_is_refused_in_words(till: Till) -> None:
    till.books.sign(make_order(seats()), upsell("60", "50", "2026-05-20"))

    done = till("undo", "O-000001", "--on", "2026-06-01", "--reason", "Wrong customer.")

    assert done.exit_code == 1
    assert "Only the latest order can be undone" in done.stderr


def test_undo_of_an_unknown_order_says_so(till: Till) -> None:
    done = till("undo", "O-000009", "--on", "2026-06-01", "--reason", "Wrong customer.")

    assert (done.exit_code, "There is no order O-000009." in done.stderr) == (1, True)


def test_undo_without_a_reason_is_a_mistake_of_usage(till: Till) -> None:
    assert till("undo", "O-000001", "--on", "2026-06-01").exit_code == 2
