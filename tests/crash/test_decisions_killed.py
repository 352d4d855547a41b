"""A decision that is killed anywhere was made or was not; the same click again brings it to its one end.

Between approving and issuing there is no point at which a document is one without the other, no number is lost or given
twice, and the audit log stays whole.
"""

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
        [sys.executable, "-m", "tests.crash.deciding", url, what], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    told: dict[str, Any] = json.loads(done.stdout)
    assert told["faults"] == []
    assert told["issued"] == len(told["numbers"])
    return told


@pytest.mark.parametrize("what", ["approve", "second"])
def test_approving_and_issuing_are_one(database: Database, what: str) -> None:
    told = _died_everywhere(database, what)

    count = told["documents"]
    # Every statement and the commit; the wanted files go in as one statement.
    assert told["points"] >= 14
    assert told["again"] == ["done"]
    assert told["states"] == ["invoice issued"]
    assert told["numbers"] == [f"DE-2026-{number:06}" for number in range(1, count + 1)]
    assert told["events"] == [["approve"] * (1 if what == "approve" else 2) + ["issue"]]
    assert (told["files"], told["files_each"]) == (["wanted"], [3])


def test_a_credit_is_given_once(database: Database) -> None:
    told = _died_everywhere(database, "credit")

    count = told["documents"] // 2
    assert told["points"] >= 20
    # Done after a kill before the commit, refused after one behind it: nothing is left to credit.
    assert told["again"] == ["CREDIT_REFUSED", "done"]
    assert told["states"] == ["credit_note issued", "invoice issued"]
    assert told["numbers"] == [
        *(f"DE-2026-{number:06}" for number in range(1, count + 1)),
        *(f"DE-CN-2026-{number:06}" for number in range(1, count + 1)),
    ]
    assert told["credits"] == ["1428.00"]


def test_what_is_sent_back_is_sent_back_once(database: Database) -> None:
    told = _died_everywhere(database, "send_back")

    assert told["points"] >= 8
    assert told["again"] == ["ILLEGAL_TRANSITION", "done"]
    assert (told["states"], told["events"]) == (["invoice sent_back"], [["send_back"]])


def test_files_are_made_in_the_end_and_each_once(database: Database) -> None:
    told = _died_everywhere(database, "render")

    assert told["points"] >= 15
    assert (told["files"], told["files_each"], told["again"]) == (["made"], [3], ["done"])
    assert told["events"] == [["approve", "issue", "file", "file", "file"]]
