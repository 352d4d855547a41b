"""`countersign evidence ORDER` writes a folder that verifies itself, and says by its exit code how it went."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa
from click.testing import CliRunner, Result

from connector.__main__ import main
from connector.adapters.clock import FixedClock
from connector.store.tables_review import audit_log
from connector.store.unit_of_work import Database
from connector.usecases.evidence_verifier import verify
from tests.reviewing import make_finance, sold
from tests.test_config_example import EXAMPLE, SECRETS


@pytest.fixture
def countersign(tmp_path: Path) -> Callable[..., Result]:
    file = tmp_path / "config.toml"
    file.write_text(EXAMPLE.read_text(encoding="utf-8").replace("sqlite:///var/", f"sqlite:///{tmp_path}/"))

    def run(*words: str) -> Result:
        return CliRunner().invoke(main, [*words, "--config", str(file)], env={**SECRETS, "USER": "anna"})

    assert run("migrate").exit_code == 0
    return run


def test_the_folder_is_written_and_its_hash_told(
    countersign: Callable[..., Result], tmp_path: Path, clock: FixedClock
) -> None:
    database = Database(f"sqlite:///{tmp_path}/countersign.db")
    make_finance(database, clock).issued(sold())
    folder = tmp_path / "out"

    done = countersign("evidence", "O-000001", "--folder", str(folder), "--json")

    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert (told["documents"], told["folder"], len(told["manifest_sha256"])) == (1, str(folder), 64)
    assert verify(folder) == []
    again = countersign("evidence", "O-000001", "--folder", str(folder))
    assert again.exit_code != 0
    database.dispose()


def test_an_audit_log_that_was_changed_is_a_finding(
    countersign: Callable[..., Result], tmp_path: Path, clock: FixedClock
) -> None:
    database = Database(f"sqlite:///{tmp_path}/countersign.db")
    make_finance(database, clock).issued(sold())
    with database.unit_of_work() as work:
        work.execute(sa.text("DROP TRIGGER tr_audit_log_update"))
        work.execute(audit_log.update().where(audit_log.c.position == 1).values(actor="Mallory"))
        work.commit()

    done = countersign("evidence", "O-000001", "--folder", str(tmp_path / "out"))

    assert done.exit_code == 1
    assert "invoices/DE, row 1: The row was changed after it was written." in done.output
    assert verify(tmp_path / "out")
    database.dispose()


def test_an_unknown_order_is_told(countersign: Callable[..., Result], tmp_path: Path) -> None:
    done = countersign("evidence", "O-999999", "--folder", str(tmp_path / "out"))

    assert done.exit_code == 1
    assert "There is no order O-999999." in done.output + done.stderr
