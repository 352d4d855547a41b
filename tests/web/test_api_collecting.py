"""Dispute, promise and pause over the API: what they stop, for whom, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from connector.adapters.clock import FixedClock
from connector.store.reminders import load_debt
from connector.store.unit_of_work import Database
from tests.reviewing import sold
from tests.web.reviewed import Team, make_team

DISPUTED = {"kind": "dispute", "reason": "The price is wrong."}


@pytest.fixture
def team(sqlite_database: Database, clock: FixedClock) -> Team:
    return make_team(sqlite_database, clock)


def stops(team: Team, invoice_id: int) -> list[str]:
    """What stops reminders of an invoice."""
    with team.finance.desk.database.reading() as connection:
        debt = load_debt(connection=connection, invoice_ids=[invoice_id])[invoice_id]
    return [f"{stop.kind} {stop.until}" for stop in debt.stops]


def test_a_script_stops_reminders_for_its_person_and_ends_that(team: Team) -> None:
    invoice_id = team.finance.issued(sold())
    script = team.machine("finn")

    disputed = script.post("/invoices/DE-2026-000001/stop", DISPUTED)
    promised = script.post(f"/invoices/{invoice_id}/stop",
                           {"kind": "promise", "reason": "By Monday.", "until": "2026-03-09"})  # fmt: skip
    held = stops(team, invoice_id)
    resumed = script.send(f"/invoices/{invoice_id}/resume", b"")

    assert disputed.json == {"invoice": invoice_id, "kind": "dispute", "until": None}
    assert (promised.json["until"], held) == ("2026-03-09", ["promise 2026-03-09"])
    assert (resumed.json["kind"], stops(team, invoice_id)) == ("", [])
    told = [(entry.actor, entry.event) for entry in team.finance.log(invoice_id)][-3:]
    assert told == [("finn", "reminders_dispute"), ("finn", "reminders_promise"), ("finn", "reminders_resumed")]


BAD = (
    {},
    {"kind": "anger", "reason": "x"},
    {"kind": "dispute"},
    {"kind": "pause", "reason": ""},
    {"kind": "pause", "reason": "x", "until": "soon"},
)


@pytest.mark.parametrize("body", BAD)
def test_a_stop_without_kind_reason_or_day_is_refused(team: Team, body: dict[str, Any]) -> None:
    invoice_id = team.finance.issued(sold())

    answer = team.machine("finn").post(f"/invoices/{invoice_id}/stop", body)

    assert (answer.status_code, stops(team, invoice_id)) == (400, [])


def test_viewers_tokens_of_nobody_and_unknown_invoices_are_refused(team: Team) -> None:
    invoice_id = team.finance.issued(sold())
    assert team.machine("").post(f"/invoices/{invoice_id}/stop", DISPUTED).json["code"] == "NO_PERSON"
    assert team.machine("vera").post(f"/invoices/{invoice_id}/stop", DISPUTED).status_code in (403, 422)
    assert team.machine("finn").post("/invoices/DE-2026-999999/stop", DISPUTED).status_code == 404
    assert stops(team, invoice_id) == []
