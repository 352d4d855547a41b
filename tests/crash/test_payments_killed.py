"""Between provider and ledger a process may die anywhere: no two links for an invoice, no money lost or doubled."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from connector.store.unit_of_work import Database
from tests.settings import ROOT

pytestmark = pytest.mark.crash


def _died_everywhere(database: Database, what: str) -> dict[str, Any]:
    url = database.url.render_as_string(hide_password=False)
    done = subprocess.run(
        [sys.executable, "-m", "tests.crash.paying", url, what], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    assert told["lost"] == {}
    # One link each, at the provider too.
    assert told["links_there"] == [1]
    return told


def test_an_invoice_has_one_link_wherever_its_making_died(database: Database) -> None:
    told = _died_everywhere(database, "link")

    assert told["points"] >= 10
    assert told["links"] == ["['1190.00 EUR open']"]
    assert (told["open"], told["payments"]) == (["1190.00 EUR open"], [])


def test_a_payment_is_booked_once_wherever_its_booking_died(database: Database) -> None:
    told = _died_everywhere(database, "payment")

    assert told["points"] >= 8
    assert (told["open"], told["links"]) == (["0.00 EUR paid"], ["['1190.00 EUR paid']"])
    assert (told["payments"], told["payments_each"]) == ([["1290.00 EUR", "received", "100.00"]], True)
    assert told["events"] == ["done PAID_TOO_MUCH"]


def test_a_refund_is_sent_once_wherever_its_sending_died(database: Database) -> None:
    told = _died_everywhere(database, "refund")

    assert told["points"] >= 10
    assert (told["refunds"], told["refunds_there"]) == (["requested"], 0)
    assert (told["payments"], told["payments_each"]) == ([["1290.00 EUR", "received", "0.00"]], True)
