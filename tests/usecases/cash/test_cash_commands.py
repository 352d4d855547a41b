"""`countersign statement import` and `countersign reconcile --report` as they are typed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from connector.__main__ import main
from connector.adapters.clock import FixedClock
from connector.demo.configuration import write_settings
from connector.store.unit_of_work import Database
from tests.cashing import Till
from tests.settings import ENVIRONMENT
from tests.statements.reading import SAMPLES


class Typed(Till):
    """A cashier at the command line."""

    file: Path

    def type(self, *words: str) -> Result:
        """Give a command."""
        environment = {**ENVIRONMENT, "COUNTERSIGN_CONFIG": str(self.file), "USER": "finn"}
        return CliRunner().invoke(main, words, env=environment)


@pytest.fixture
def typed(tmp_path: Path, clock: FixedClock) -> Iterator[Typed]:
    file = write_settings(
        folder=tmp_path, org_id="00D000000000000AAA", sandbox_url="http://127.0.0.1:9", web_port=8900, custom_plans={}
    )
    database = Database(f"sqlite:///{tmp_path / 'countersign.db'}")
    found = Typed(database, clock)
    found.file = file
    migrated = found.type("migrate")
    assert migrated.exit_code == 0, migrated.stderr
    yield found
    database.dispose()


def test_a_statement_is_imported_and_matched_and_told_again(typed: Typed) -> None:
    invoice = typed.invoice("1190.00", number="DE-2026-000042")
    file = str(SAMPLES / "camt053_v2_batch.xml")

    first, again = typed.type("statement", "import", file), typed.type("statement", "import", file, "--json")

    # Two payments and a return of the sample name nothing that we know: findings.
    assert (first.exit_code, "4 new, 3 payments in, 1 returns, 1 pending left out" in first.stdout) == (1, True)
    assert json.loads(again.stdout)["files"][0]["is_known"] is True
    assert typed.open(invoice) == "0.00 EUR paid"


def test_a_bad_statement_is_refused_in_words(typed: Typed, tmp_path: Path) -> None:
    cut = tmp_path / "cut.sta"
    cut.write_bytes((SAMPLES / "mt940_german.sta").read_bytes()[:200])

    done = typed.type("statement", "import", str(cut))

    assert (done.exit_code, "cut off" in done.stderr) == (1, True)
    assert typed.type("statement", "import", str(tmp_path / "none")).exit_code == 2


def test_the_control_report_is_told_and_written_as_csv(typed: Typed, tmp_path: Path) -> None:
    typed.invoice("100.00")
    csv_file = tmp_path / "report.csv"

    done = typed.type("reconcile", "--report", "--as-of", "2026-03-02", "--csv", str(csv_file))

    assert "issued" in done.stdout
    assert "100.00" in csv_file.read_text(encoding="utf-8-sig")
