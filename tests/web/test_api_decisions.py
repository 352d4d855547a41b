"""Decisions over the API: what they take and answer, for whom a token decides, and what is refused."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa

from connector.adapters.clock import FixedClock
from connector.domain.review import ReviewRules
from connector.errors import Refused
from connector.store.tables import users, writebacks
from connector.store.unit_of_work import Database
from connector.usecases.issue_tokens import create_token
from connector.usecases.review_invoice import edit_invoice
from tests.domain.making import make_item
from tests.reviewing import sold
from tests.web.conftest import Machine
from tests.web.reviewed import Team, make_team

REASON = {"reason": "The customer asked."}


@pytest.fixture
def team(sqlite_database: Database, clock: FixedClock) -> Team:
    return make_team(sqlite_database, clock)


def hash_of(machine: Machine, invoice_id: int) -> str:
    """What a script looked at."""
    answer = machine.get(f"/invoices/{invoice_id}")
    assert answer.status_code == 200, answer.text
    return str(answer.json["content_hash"])


def problem(answer: Any) -> tuple[int, str]:
    """Status and code of a refusal, which must be a problem document."""
    assert answer.content_type == "application/problem+json", answer.text
    assert answer.json["fix"]
    return answer.status_code, answer.json["code"]


def test_what_was_looked_at_is_approved_and_issued_for_the_person_of_the_token(team: Team) -> None:
    invoice_id = team.finance.draft(sold())
    script = team.machine("anna")

    looked_at = hash_of(script, invoice_id)

    answer = script.post(f"/invoices/{invoice_id}/approve", {"content_hash": looked_at})

    assert answer.status_code == 200
    assert (answer.json["state"], answer.json["number"]) == ("issued", "DE-2026-000001")
    entry = next(entry for entry in team.finance.log(invoice_id) if entry.event == "approve")
    assert (entry.actor, entry.role) == ("anna", "approver")
    assert entry.data["via"].startswith("token test")
    shown = script.get(f"/invoices/{invoice_id}").json
    assert entry.data["content_hash"] == looked_at
    assert (shown["number"], shown["findings"]) == ("DE-2026-000001", [])


def test_the_same_approval_again_answers_the_same_and_takes_no_second_number(team: Team) -> None:
    invoice_id = team.finance.draft(sold())
    script = team.machine("anna")
    body = {"content_hash": hash_of(script, invoice_id)}

    first, second = (script.post(f"/invoices/{invoice_id}/approve", body) for _ in range(2))

    assert (first.json["is_repeated"], second.json["is_repeated"]) == (False, True)
    assert first.json["number"] == second.json["number"]
    assert team.finance.numbers() == ["DE-2026-000001"]


def test_a_draft_that_changed_since_it_was_looked_at_is_not_approved(team: Team) -> None:
    invoice_id = team.finance.draft(sold())
    script = team.machine("anna")
    looked_at = hash_of(script, invoice_id)
    edit_invoice(
        desk=team.finance.desk, invoice_id=invoice_id, looked_at=looked_at, actor="finn", role="finance", memo="New."
    )

    answer = script.post(f"/invoices/{invoice_id}/approve", {"content_hash": looked_at})

    assert problem(answer) == (422, "CONTENT_CHANGED")
    assert team.finance.state(invoice_id) == "draft"


def test_a_token_is_never_a_second_person_beside_its_own(team: Team) -> None:
    invoice_id = team.finance.draft(sold(make_item(price="60000")))
    own, other = team.machine("anna"), team.machine("alex")
    body = {"content_hash": hash_of(own, invoice_id)}
    team.finance.approve(invoice_id, "anna")

    refused = own.post(f"/invoices/{invoice_id}/approve", body)
    second = other.post(f"/invoices/{invoice_id}/approve", body)

    assert problem(refused) == (422, "SAME_PERSON")
    assert second.json["state"] == "issued"


@pytest.mark.parametrize("path", ["approve", "hold", "reject", "void", "credit"])
def test_a_token_of_nobody_decides_nothing(team: Team, path: str) -> None:
    invoice_id = team.finance.draft(sold())
    bodies: dict[str, Any] = {"approve": {"content_hash": "0" * 64}, "reject": {**REASON, "owner": "rosa"}}

    answer = team.machine("").post(f"/invoices/{invoice_id}/{path}", bodies.get(path, REASON))

    assert problem(answer) == (403, "NO_PERSON")
    assert team.finance.log(invoice_id) == []


def test_a_token_of_somebody_who_may_not_sign_in_decides_nothing(team: Team, sqlite_database: Database) -> None:
    invoice_id = team.finance.draft(sold())
    script = team.machine("anna")
    with sqlite_database.unit_of_work() as work:
        work.execute(users.update().where(users.c.name == "anna").values(is_disabled=True))
        work.commit()

    assert problem(script.post(f"/invoices/{invoice_id}/hold", REASON)) == (403, "NO_PERSON")


def test_a_token_decides_with_the_role_that_its_person_has_now(team: Team) -> None:
    invoice_id = team.finance.draft(sold())

    assert problem(team.machine("vera").post(f"/invoices/{invoice_id}/hold", REASON)) == (422, "ROLE_TOO_LOW")


def test_a_token_without_the_scope_is_refused(team: Team) -> None:
    assert problem(team.machine("anna", "read", "orders:write").post("/invoices/1/hold", REASON)) == (
        403,
        "MISSING_SCOPE",
    )


def test_a_token_can_only_be_made_for_somebody_who_may_sign_in(sqlite_database: Database, clock: FixedClock) -> None:
    with pytest.raises(Refused, match="nobody"):
        create_token(
            database=sqlite_database, clock=clock, name="ci", scopes=["finance"], actor="test", person="nobody"
        )  # fmt: skip


def test_hold_reject_and_void_move_the_draft_and_say_why(team: Team, sqlite_database: Database) -> None:
    invoice_id = team.finance.draft(sold())
    script = team.machine("finn")

    held = script.post(f"/invoices/{invoice_id}/hold", {**REASON, "until": "2026-04-01"})
    rejected = script.post(f"/invoices/{invoice_id}/reject", {"reason": "Wrong price.", "owner": "rosa"})
    voided = script.post(f"/invoices/{invoice_id}/void", {"reason": "Drafted anew."})

    assert [answer.json["state"] for answer in (held, rejected, voided)] == ["held", "sent_back", "void"]
    reasons = [(entry.event, entry.reason) for entry in team.finance.log(invoice_id)]
    assert reasons == [("hold", "The customer asked."), ("send_back", "Wrong price."), ("void", "Drafted anew.")]
    with sqlite_database.reading() as connection:
        assert connection.execute(sa.select(writebacks)).all()


def test_a_credit_by_line_and_in_full_each_once(team: Team) -> None:
    invoice_id = team.finance.issued(sold(make_item(price="1000")))
    script = team.machine("anna")
    lines = [{"position": 1, "amount": "250.00"}]

    part = script.post(f"/invoices/{invoice_id}/credit", {**REASON, "lines": lines, "request_key": "case-17"})
    again = script.post(f"/invoices/{invoice_id}/credit", {**REASON, "lines": lines, "request_key": "case-17"})
    rest = script.post(f"/invoices/{invoice_id}/credit", REASON)

    assert (part.json["state"], part.json["number"]) == ("issued", "DE-CN-2026-000001")
    assert again.json["number"] == "DE-CN-2026-000001"
    assert again.json["is_repeated"] is True
    assert rest.json["number"] == "DE-CN-2026-000002"
    amounts = [script.get(f"/invoices/{answer.json['invoice']}").json["net"]["amount"] for answer in (part, rest)]
    assert amounts == ["-250.00", "-750.00"]
    assert problem(script.post(f"/invoices/{invoice_id}/credit", REASON))[0] == 422


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("approve", {}, "content_hash"),
        ("approve", {"content_hash": "abc"}, "content_hash"),
        ("hold", {"reason": 7}, "reason"),
        ("hold", {"reason": "x" * 5001}, "reason"),
        ("hold", {"reason": "nul \x00"}, "reason"),
        ("hold", {"reason": "x", "until": "soon"}, "until"),
        ("reject", {"reason": "x"}, "owner"),
        ("credit", {"reason": "x", "lines": []}, "body"),
        ("credit", {"reason": "x", "lines": [{"position": 0, "amount": "1"}]}, "lines.0.position"),
        ("credit", {"reason": "x", "lines": [{"position": 1, "amount": "1e9"}]}, "lines.0.amount"),
        ("credit", {"reason": "x", "lines": [{"position": 1, "amount": "1"}] * 2}, "body"),
        ("void", {"reason": "x", "why": "y"}, "why"),
    ],
)  # fmt: skip
def test_a_body_that_cannot_be_is_refused_with_the_field(
    team: Team, path: str, body: dict[str, Any], field: str
) -> None:
    answer = team.machine("anna").post(f"/invoices/1/{path}", body)

    assert problem(answer) == (400, "BAD_BODY")
    assert [fault["field"] for fault in answer.json["faults"]] == [field]


@pytest.mark.parametrize("text", ["  ", "\u200b", "\ud83d"])
def test_a_reason_without_words_is_refused(team: Team, text: str) -> None:
    invoice_id = team.finance.draft(sold())
    script = team.machine("anna")

    answer = script.send(f"/invoices/{invoice_id}/hold", b'{"reason": "%s"}' % text.encode("unicode_escape"))

    assert answer.status_code in (400, 422)
    assert team.finance.state(invoice_id) == "draft"


@pytest.mark.parametrize("invoice_id", ["99", "0", "-1", "x", "9" * 19])
def test_a_document_that_is_not_there_is_a_404(team: Team, invoice_id: str) -> None:
    assert problem(team.machine("anna").post(f"/invoices/{invoice_id}/hold", REASON)) == (404, "NOT_FOUND")


def test_an_issued_document_can_only_be_credited(team: Team) -> None:
    invoice_id = team.finance.issued(sold())
    script = team.machine("anna")

    assert problem(script.post(f"/invoices/{invoice_id}/void", REASON)) == (422, "ISSUED")
    assert script.post(f"/invoices/{invoice_id}/hold", REASON).status_code == 422


def test_above_the_threshold_one_of_two_must_be_an_approver(sqlite_database: Database, clock: FixedClock) -> None:
    rules = ReviewRules(second_approver_above={"EUR": Decimal(1)})
    team = make_team(sqlite_database, clock, rules=rules)
    invoice_id = team.finance.draft(sold())
    first, second = team.machine("finn"), team.machine("fred")
    body = {"content_hash": hash_of(first, invoice_id)}

    assert first.post(f"/invoices/{invoice_id}/approve", body).json["state"] == "approved"
    assert problem(second.post(f"/invoices/{invoice_id}/approve", body)) == (422, "ROLE_TOO_LOW")
    assert team.machine("anna").post(f"/invoices/{invoice_id}/approve", body).json["state"] == "issued"
