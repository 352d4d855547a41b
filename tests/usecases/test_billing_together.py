"""Bad contracts, changes meanwhile, other processes, the scheduled job: nobody holds up or doubles anything."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa

from connector.adapters.clock import FixedClock
from connector.store import billing, billing_runs
from connector.store.tables import contracts, orders
from connector.store.tables_billing import invoices
from connector.store.unit_of_work import Database
from connector.usecases.bill_contracts import start_billing
from tests.billing import Books, for_customer
from tests.domain.making import day, make_item, make_order
from tests.domain.seat_orders import NEW as YEARLY_SEATS
from tests.domain.seat_orders import NEW_MONTHLY as MONTHLY_SEATS
from tests.domain.seat_orders import seats, upsell


@pytest.fixture
def books(database: Database, clock: FixedClock) -> Books:
    return Books(database, clock)


# Contracts that cannot be billed


def test_one_bad_contract_holds_up_no_other_and_says_why(books: Books) -> None:
    books.sign(YEARLY_SEATS)
    bad = books.sign(make_order(make_item("Support", price="500"), record="BAD"))
    books.sign(for_customer(make_order(seats(), record="OTHER"), "001B"))
    _spoil(books, bad, lambda terms: terms | {"line_items": [_unpriced(terms["line_items"][0])]})

    counts = books.bill("2026-01-01")

    assert counts == {"customers": 2, "failed": 1, "drafts": 2, "items": 2}
    row = books.contract(bad)
    assert row.billing_problem.startswith("ABOVE_LAST_TIER: No price tier of line line-Support")
    assert row.next_bill_on == day("2026-01-01")
    assert row.billed_until is None


def test_a_contract_whose_terms_cannot_even_be_read_holds_up_no_other(books: Books) -> None:
    bad = books.sign(make_order(seats(), record="BAD"))
    books.sign(YEARLY_SEATS)
    _spoil(books, bad, lambda _terms: {"nothing": "of it"})

    assert books.bill("2026-01-01") == {"customers": 1, "failed": 1, "drafts": 1, "items": 1}
    problem = books.contract(bad).billing_problem
    assert problem.startswith("UNEXPECTED: ")
    assert "nothing" not in problem


def test_a_mended_contract_is_billed_and_its_problem_goes(books: Books) -> None:
    number = books.sign(YEARLY_SEATS)
    good = _spoil(books, number, lambda _terms: {})
    books.bill("2026-01-01")
    _spoil(books, number, lambda _terms: good)

    books.bill("2026-01-01")

    assert books.contract(number).billing_problem == ""
    assert books.totals() == [("2026-01-01", "invoice", "12000.00")]


def test_drafts_that_the_database_refuses_hold_up_no_other_customer(books: Books) -> None:
    for number in range(3):
        books.sign(for_customer(make_order(seats(), record=f"R{number}"), f"00{number}"))
    # The draft of one of them is there already, although no contract knows of it.
    (taken,) = [one for one in books.preview("2026-01-01") if one.contracts[0].customer_ref == "001"]
    _store_unknown_draft(books, taken.drafts[0].document.draft.key)

    counts = books.bill("2026-01-01")

    assert counts == {"customers": 2, "failed": 1, "drafts": 2, "items": 2}
    assert books.contract("C-000002").billing_problem.startswith("UNEXPECTED: IntegrityError")
    assert "Acme" not in books.contract("C-000002").billing_problem


# Others at the same time


def test_an_order_between_reading_and_storing_has_the_customer_drafted_again(
    books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    books.sign(YEARLY_SEATS)
    arriving = [upsell("60", "50", "2026-01-01")]
    take = type(books.biller)._store

    def storing(*positional: object) -> set[int]:
        # Read and drafted, not yet stored: now another process applies an order.
        while arriving:
            books.sign(arriving.pop())
        return take(*positional)  # type: ignore[arg-type]

    monkeypatch.setattr(type(books.biller), "_store", storing)

    counts = books.bill("2026-01-01")

    assert counts == {"customers": 1, "drafts": 1, "items": 2}
    assert books.totals() == [("2026-01-01", "invoice", "14400.00")]


def test_a_customer_that_never_rests_is_left_to_the_next_run_and_counted(
    books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = books.sign(YEARLY_SEATS)
    take = type(books.biller)._store

    def storing(*positional: object) -> set[int]:
        with books.database.unit_of_work() as work:
            billing.look_again(work=work, contract_ids=[1], since=day("2026-01-01"))
            work.commit()
        return take(*positional)  # type: ignore[arg-type]

    monkeypatch.setattr(type(books.biller), "_store", storing)

    assert books.bill("2026-01-01") == {"postponed": 1}
    monkeypatch.undo()
    assert books.contract(number).next_bill_on == day("2026-01-01")
    assert books.bill("2026-01-01")["drafts"] == 1


def test_a_voided_draft_is_owed_again(books: Books) -> None:
    books.sign(MONTHLY_SEATS)
    books.bill("2026-03-01")
    before = books.table()
    with books.database.unit_of_work() as work:
        work.execute(invoices.update().where(invoices.c.bill_on == day("2026-02-01")).values(state="void"))
        billing.look_again(work=work, contract_ids=[1], since=day("2026-02-01"))
        work.commit()

    assert books.bill("2026-03-01") == {"customers": 1, "drafts": 1, "items": 1}
    lines = books.table().splitlines()
    assert len(lines) == 4
    assert sorted(set(lines)) == sorted(set(before.splitlines()))


def test_a_chunk_is_taken_by_one_process_only(books: Books, database: Database, clock: FixedClock) -> None:
    other = Books(database, clock, executor_id="there")
    for number in range(4):
        books.sign(for_customer(make_order(seats(), record=f"R{number}"), f"00{number}"))
    run_id = books.open_run("2026-01-01", chunk_size=2)

    assert books.biller.bill_next_chunk(run_id=run_id)
    assert other.biller.bill_next_chunk(run_id=run_id)

    assert not books.biller.bill_next_chunk(run_id=run_id)
    assert books.counts(run_id) == {"customers": 4, "drafts": 4, "items": 4}


def test_a_chunk_of_a_process_that_went_silent_is_taken_again(books: Books, clock: FixedClock) -> None:
    books.sign(YEARLY_SEATS)
    run_id = books.open_run("2026-01-01")
    with books.database.unit_of_work() as work:
        assert billing_runs.take_chunk(work=work, run_id=run_id, claimed_by="dead", now=clock.now())
        work.commit()

    clock.advance(timedelta(minutes=9))
    assert not books.biller.bill_next_chunk(run_id=run_id)
    clock.advance(timedelta(minutes=2))
    assert books.biller.bill_next_chunk(run_id=run_id)

    assert books.counts(run_id) == {"customers": 1, "drafts": 1, "items": 1}


# The scheduled job


class _Starter:
    def __init__(self) -> None:
        self.started: list[tuple[str, str]] = []

    def start(self, *, connection: Any, name: str, run_id: str, argument: str) -> None:
        """Remember it."""
        del connection, name
        self.started.append((run_id, argument))


def test_the_scheduled_job_starts_sharers_and_those_of_runs_left_open(books: Books) -> None:
    starter = _Starter()
    books.sign(YEARLY_SEATS)
    left_open = books.open_run("2026-01-01")

    told = start_billing(
        biller=books.biller, database=books.database, starter=starter, as_of=day("2026-01-01"), actor="job", sharers=2
    )

    assert told == {"chunks": 1}
    assert [argument for _run, argument in starter.started] == [str(left_open)] * 2 + [str(left_open + 1)] * 2
    assert len({run_id for run_id, _argument in starter.started}) == 4


def test_the_scheduled_job_leaves_no_trace_when_nothing_is_due(books: Books) -> None:
    starter = _Starter()
    books.sign(YEARLY_SEATS)
    books.bill("2026-01-01")

    told = start_billing(
        biller=books.biller, database=books.database, starter=starter, as_of=day("2026-02-01"), actor="job"
    )

    assert (told, starter.started) == ({"chunks": 0}, [])


def test_empty_runs_are_forgotten_and_those_that_explain_drafts_are_kept(books: Books, clock: FixedClock) -> None:
    books.sign(YEARLY_SEATS)
    books.bill("2025-01-01")
    books.bill("2026-01-01")
    with books.database.unit_of_work() as work:
        assert billing_runs.forget_before(work=work, moment=clock.now() + timedelta(days=1)) == 1
        work.commit()

    assert books.counts(2) == {"customers": 1, "drafts": 1, "items": 1}


def _store_unknown_draft(books: Books, key: str) -> None:
    nothing = {"kind": "invoice", "state": "draft", "org_id": "", "currency": "EUR", "payment_terms_days": 30}
    dates = {"bill_on": day("2026-01-01"), "due_on": day("2026-01-31"), "created_at": books.clock.now()}
    amounts = dict.fromkeys(("net", "tax", "gross"), Decimal(0)) | {"tax_rows": [], "lowers": []}
    with books.database.unit_of_work() as work:
        work.execute(invoices.insert().values(draft_key=key, **nothing, **dates, **amounts))
        work.commit()


def _spoil(books: Books, number: str, change: object) -> object:
    """Change the stored terms of a contract's order behind the product's back; answers what they were."""
    with books.database.unit_of_work() as work:
        query = sa.select(orders.c.id, orders.c.terms).join(contracts, contracts.c.id == orders.c.contract_id)
        row = work.execute(query.where(contracts.c.number == number)).one()
        work.execute(orders.update().where(orders.c.id == row.id).values(terms=change(row.terms)))  # type: ignore[operator]
        work.commit()
    return row.terms


def _unpriced(item: dict[str, object]) -> dict[str, object]:
    return item | {"price_model": "tiered", "tiers": []}
