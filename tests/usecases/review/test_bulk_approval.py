"""Approving many together: what was shown is what is approved, each judged again; stops and goes on; fails closed."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from connector.domain.review import DecisionRefused
from connector.errors import Unavailable
from connector.store import users as user_rows
from connector.store.bulk_approvals import load_refused
from connector.store.queries_queue import QueueAsked
from connector.store.tables import users
from connector.store.users import User
from connector.usecases import approve_in_bulk
from connector.usecases.approve_in_bulk import (
    ChoiceChanged,
    carry_out,
    choose_quiet,
    load_progress,
    resume_bulks,
    start_bulk,
)
from connector.usecases.assess_drafts import assess_due
from connector.usecases.review_invoice import edit_invoice
from tests.builders import make_user
from tests.recording import RecordingStarter
from tests.reviewing import Finance
from tests.web.queued import deal

EVERYTHING = QueueAsked()


class Runs:
    """An engine that knows which runs are alive."""

    def __init__(self, *alive: str) -> None:
        self._alive = set(alive)

    def unfinished(self, *, run_ids: list[str]) -> set[str]:
        """Those that are alive."""
        return self._alive & set(run_ids)


def person(finance: Finance, name: str = "anna", role: str = "approver") -> User:
    """Somebody who may sign in."""
    user_id = make_user(finance.books.database, finance.books.clock, name=name, role=role)
    with finance.books.database.reading() as connection:
        found = user_rows.load_user(connection=connection, user_id=user_id)
    assert found is not None
    return found


def quiet_drafts(finance: Finance, count: int) -> list[int]:
    """So many quiet drafts, judged."""
    for number in range(1, count + 1):
        finance.books.sign(deal(number, f"Customer {number}"))
    finance.books.bill("2026-01-10")
    assess_due(desk=finance.desk)
    return [row.id for row in finance.books.drafts()]


def start(finance: Finance, user: User, **changes: Any) -> int:
    """Press the button of the page that shows everything."""
    digest = choose_quiet(database=finance.books.database, asked=EVERYTHING).digest
    values = {"asked": EVERYTHING, "digest": digest, "user": user, "request_key": "k1", "starter": RecordingStarter()}
    return start_bulk(desk=finance.desk, **{**values, **changes})


def progress(finance: Finance, bulk_id: int) -> tuple[int, int, int, bool]:
    """(approved, refused, waiting, finished)."""
    found = load_progress(database=finance.books.database, bulk_id=bulk_id)
    return found.approved, found.refused, found.waiting, found.finished_at is not None


def reasons(finance: Finance, bulk_id: int) -> list[str]:
    """Why something was not approved."""
    with finance.books.database.reading() as connection:
        return [item.code for item in load_refused(connection=connection, bulk_id=bulk_id)]


def test_all_quiet_ones_are_approved_by_a_worker_for_the_person(finance: Finance) -> None:
    ids = quiet_drafts(finance, 3)
    starter = RecordingStarter()
    bulk_id = start(finance, person(finance), starter=starter)
    assert progress(finance, bulk_id) == (0, 0, 3, False)

    decided = carry_out(desk=finance.desk, bulk_id=bulk_id)

    assert starter.started == [("approve", f"approve:{bulk_id}:1", str(bulk_id))]
    assert decided == 3
    assert progress(finance, bulk_id) == (3, 0, 0, True)
    assert [finance.state(one) for one in ids] == ["issued"] * 3
    entry = finance.log(ids[0])[0]
    assert (entry.actor, entry.data["is_bulk"], entry.data["via"]) == ("anna", True, f"bulk approval {bulk_id}")


def test_only_quiet_ones_are_chosen(finance: Finance) -> None:
    finance.books.sign(deal(1, "Quiet"))
    finance.books.sign(deal(2, "Warned", customer={"email": ""}))
    finance.books.sign(deal(3, "Blocked", legal_entity="Elsewhere"))
    finance.books.bill("2026-01-10")
    before = choose_quiet(database=finance.books.database, asked=EVERYTHING)
    assess_due(desk=finance.desk)

    choice = choose_quiet(database=finance.books.database, asked=EVERYTHING)

    assert before.looked_at == ()
    assert [str(amount) for amount in choice.sums] == ["2142.00 EUR"]
    assert len(choice.looked_at) == 1


def test_a_list_that_changed_since_it_was_shown_approves_nothing(finance: Finance) -> None:
    quiet_drafts(finance, 2)
    digest = choose_quiet(database=finance.books.database, asked=EVERYTHING).digest
    finance.books.sign(deal(9, "Late"))
    finance.books.bill("2026-01-10")
    assess_due(desk=finance.desk)

    with pytest.raises(ChoiceChanged):
        start(finance, person(finance), digest=digest)

    assert finance.numbers() == []


def test_one_that_changed_before_its_turn_stays_and_says_why(finance: Finance) -> None:
    ids = quiet_drafts(finance, 2)
    bulk_id = start(finance, person(finance))
    edit_invoice(
        desk=finance.desk, invoice_id=ids[0], looked_at=finance.hash(ids[0]), actor="finn", role="finance", memo="New."
    )

    carry_out(desk=finance.desk, bulk_id=bulk_id)

    assert progress(finance, bulk_id) == (1, 1, 0, True)
    assert reasons(finance, bulk_id) == ["CONTENT_CHANGED"]
    assert [finance.state(one) for one in ids] == ["draft", "issued"]


def test_a_double_click_is_one_approval(finance: Finance) -> None:
    quiet_drafts(finance, 2)
    user, starter = person(finance), RecordingStarter()
    digest = choose_quiet(database=finance.books.database, asked=EVERYTHING).digest
    first = start(finance, user, starter=starter, digest=digest)
    carry_out(desk=finance.desk, bulk_id=first)

    second = start(finance, user, starter=starter, digest=digest)

    assert first == second
    assert len(starter.started) == 1


def test_who_may_not_decide_starts_nothing(finance: Finance) -> None:
    quiet_drafts(finance, 1)

    with pytest.raises(DecisionRefused):
        start(finance, person(finance, "vera", "viewer"))


@pytest.mark.parametrize("change", [{"is_disabled": True}, {"role": "viewer"}])
def test_nothing_is_carried_out_for_who_may_not_decide_any_more(finance: Finance, change: dict[str, Any]) -> None:
    quiet_drafts(finance, 2)
    bulk_id = start(finance, person(finance))
    with finance.books.database.unit_of_work() as work:
        work.execute(users.update().values(**change))
        work.commit()

    carry_out(desk=finance.desk, bulk_id=bulk_id)

    assert reasons(finance, bulk_id) == ["NO_PERSON"] * 2
    assert finance.numbers() == []


def test_after_an_hour_nothing_more_is_approved(finance: Finance) -> None:
    quiet_drafts(finance, 2)
    bulk_id = start(finance, person(finance))
    finance.books.clock.advance(timedelta(hours=1))  # type: ignore[attr-defined]

    carry_out(desk=finance.desk, bulk_id=bulk_id)

    assert progress(finance, bulk_id) == (0, 2, 0, True)
    assert reasons(finance, bulk_id) == ["TOO_LATE"] * 2


def test_a_run_that_died_is_followed_by_another_which_repeats_nothing(
    finance: Finance, monkeypatch: pytest.MonkeyPatch
) -> None:
    quiet_drafts(finance, 3)
    bulk_id = start(finance, person(finance))
    _dies_after(monkeypatch, 2)
    with pytest.raises(KeyboardInterrupt):
        carry_out(desk=finance.desk, bulk_id=bulk_id)
    monkeypatch.undo()
    starter = RecordingStarter()

    alive = resume_bulks(
        database=finance.books.database, starter=starter, engine=Runs(f"approve:{bulk_id}:1")
    )  # fmt: skip
    resumed = resume_bulks(database=finance.books.database, starter=starter, engine=Runs())
    carry_out(desk=finance.desk, bulk_id=bulk_id)

    assert (alive, resumed) == (0, 1)
    assert starter.run_ids == [f"approve:{bulk_id}:2"]
    assert progress(finance, bulk_id) == (3, 0, 0, True)
    assert len(finance.numbers()) == 3
    assert resume_bulks(database=finance.books.database, starter=starter, engine=Runs()) == 0


def _dies_after(monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    """The process ends after so many approvals were made, before the last of them is written down."""
    real, left = approve_in_bulk.approve_many, [count]

    def dying(**asked: Any) -> Any:
        found = list(real(**asked))
        left[0] -= 1
        if not left[0]:
            raise KeyboardInterrupt
        return found

    monkeypatch.setattr(approve_in_bulk, "approve_many", dying)


def test_a_fault_that_nobody_expected_holds_up_no_other(finance: Finance, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = quiet_drafts(finance, 3)
    bulk_id = start(finance, person(finance))
    real = approve_in_bulk.approve_many

    def failing(*, looked_at: Any, **asked: Any) -> Any:
        if looked_at[0][0] == ids[1]:
            raise RuntimeError("a bug")
        return real(looked_at=looked_at, **asked)

    monkeypatch.setattr(approve_in_bulk, "approve_many", failing)
    carry_out(desk=finance.desk, bulk_id=bulk_id)

    assert progress(finance, bulk_id) == (2, 1, 0, True)
    assert reasons(finance, bulk_id) == ["UNEXPECTED"]


def test_a_passing_fault_decides_nothing_and_leaves_it_to_the_next_run(
    finance: Finance, monkeypatch: pytest.MonkeyPatch
) -> None:
    quiet_drafts(finance, 2)
    bulk_id = start(finance, person(finance))

    def away(**_asked: Any) -> Any:
        yield approve_in_bulk.BulkOutcome(1, None, "DATABASE", "The database did not answer.", is_passing=True)

    monkeypatch.setattr(approve_in_bulk, "approve_many", away)
    with pytest.raises(Unavailable):
        carry_out(desk=finance.desk, bulk_id=bulk_id)

    assert progress(finance, bulk_id) == (0, 0, 2, False)


def test_two_runs_at_once_number_each_document_once(finance: Finance) -> None:
    quiet_drafts(finance, 12)
    bulk_id = start(finance, person(finance))
    runs = [threading.Thread(target=carry_out, kwargs={"desk": finance.desk, "bulk_id": bulk_id}) for _ in range(2)]

    for run in runs:
        run.start()
    for run in runs:
        run.join()

    assert progress(finance, bulk_id) == (12, 0, 0, True)
    assert finance.numbers() == [f"DE-2026-{number:06d}" for number in range(1, 13)]
    assert finance.faults() == []


def test_the_list_of_what_may_be_approved_names_users_that_exist(finance: Finance) -> None:
    quiet_drafts(finance, 1)
    bulk_id = start(finance, person(finance))

    with finance.books.database.reading() as connection:
        names = connection.execute(
            sa.text("select u.name from bulk_approvals b join users u on u.id = b.user_id where b.id = :id"),
            {"id": bulk_id},
        ).scalars()
        assert list(names) == ["anna"]
