"""A process that is killed between the bank's file and the ledger loses no payment and books none twice."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from connector.adapters.clock import FixedClock
from connector.store.unit_of_work import Database
from connector.usecases.match_payments import match_payments
from connector.usecases.settle_returns import settle_returns
from tests.cashing import Till
from tests.settings import ROOT
from tests.usecases.cash.test_import import RULES, sample, take

pytestmark = pytest.mark.crash

_DIE = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
# Each place is a function of the product at whose call the process dies.
_PLACES = {
    "in the middle of the import": "connector.usecases.import_statement.bank.save_payments",
    "between import and matching": "connector.usecases.match_payments.payment_queue.waiting",
    "in the middle of matching": "connector.usecases.match_payments.payment_queue.save_decisions",
}


@pytest.mark.parametrize(
    ("place", "kind"),
    [("in the middle of the import", "sqlite"), ("between import and matching", "sqlite"),
     ("in the middle of matching", "postgresql")],
)  # fmt: skip
def test_no_payment_is_lost_or_doubled(
    request: pytest.FixtureRequest, clock: FixedClock, place: str, kind: str
) -> None:  # fmt: skip
    database: Database = request.getfixturevalue(f"{kind}_database")
    till = Till(database, clock)
    invoice = till.invoice("1190.00", number="DE-2026-000042")

    killed = subprocess.run(
        [sys.executable, "-m", "tests.crash.test_cash_killed", _PLACES[place],
         database.url.render_as_string(hide_password=False)],
        cwd=ROOT, capture_output=True, timeout=60, check=False,
    )  # fmt: skip
    again = take(till, sample("camt053_v2_batch.xml"))
    settle_returns(desk=till.desk)
    match_payments(desk=till.desk)

    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
    assert again.is_known is (place != "in the middle of the import")
    assert till.open(invoice) == "0.00 EUR paid"
    assert (len(till.payment_ids()), till.lost()) == (3, {})


def _die_at(path: str, url: str) -> None:
    """Import and match in this process, and die at that function."""
    from unittest.mock import patch

    from tests.conftest import NOW

    till = Till(Database(url), FixedClock(NOW))
    with patch(path, side_effect=lambda *_args, **_kwargs: exec(_DIE)):
        take(till, sample("camt053_v2_batch.xml"))
        match_payments(desk=till.desk)


if __name__ == "__main__":
    assert RULES.accounts
    _die_at(sys.argv[1], sys.argv[2])
