"""What Salesforce shows for an order in each state: one word, one sentence, the numbers."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa

from connector.adapters.clock import FixedClock
from connector.domain.fulfilment import OrderState
from connector.domain.status import StatusWord
from connector.errors import Fault
from connector.store import tables
from connector.store.unit_of_work import Database
from connector.usecases.show_status import StatusBoard
from mappings.writeback import status_fields
from tests.builders import MadeOrder, a_fault, make_order_rows

_FIELDS = status_fields(objects=("Quote",), prefix="Sync_", renamed={})
_BOARD = StatusBoard(fields=_FIELDS, base_url="https://countersign.example")


def _shown(database: Database, clock: FixedClock, order: MadeOrder, **told: Any) -> dict[str, Any]:
    with database.unit_of_work() as work:
        work.execute(tables.writebacks.delete())
        _BOARD.show_order(work=work, order_id=order.id, now=clock.now(), **told)
        wanted = work.execute(sa.select(tables.writebacks.c.wanted)).scalar_one()
    return {name.removeprefix("Sync_").removesuffix("__c"): value for name, value in wanted.items()}


@pytest.mark.parametrize(
    ("state", "word"),
    [
        (OrderState.NEW, "In Progress"),
        (OrderState.FULFILLING, "In Progress"),
        (OrderState.WAITING, "Blocked"),
        (OrderState.RETRYING, "Pending"),
        (OrderState.BLOCKED, "Blocked"),
        (OrderState.FAILED, "Failed"),
        (OrderState.FULFILLED, "Synced"),
    ],
)
def test_each_state_has_its_word(sqlite_database: Database, clock: FixedClock, state: OrderState, word: str) -> None:
    order = make_order_rows(sqlite_database, clock, state=state)

    assert _shown(sqlite_database, clock, order)["Status"] == word


def test_a_fulfilled_order_shows_its_numbers_and_no_error(sqlite_database: Database, clock: FixedClock) -> None:
    order = make_order_rows(sqlite_database, clock)

    shown = _shown(sqlite_database, clock, order)

    assert (shown["Step"], shown["Error"], shown["Error_Code"]) == ("fulfilled", None, None)
    assert (shown["Order_Number"], shown["Contract_Number"]) == (order.number, order.contract_number)
    assert shown["Contract_Value"] == Decimal("17900.00")
    assert shown["Link"] == f"https://countersign.example/review/orders/{order.number}"
    assert shown["Last_Attempt"] == "2026-03-02T09:30:00Z"


def test_a_question_about_a_fulfilled_order_is_a_warning(sqlite_database: Database, clock: FixedClock) -> None:
    order = make_order_rows(sqlite_database, clock, question="The record was changed after signing.")

    shown = _shown(sqlite_database, clock, order)

    assert (shown["Status"], shown["Error"]) == ("Warning", "The record was changed after signing.")


def test_several_faults_are_a_numbered_list(sqlite_database: Database, clock: FixedClock) -> None:
    faults = [a_fault(), a_fault(code="OTHER", message="The total differs.", fix="Correct it.", owner="sales rep")]
    order = make_order_rows(sqlite_database, clock, state=OrderState.BLOCKED, faults=faults)

    shown = _shown(sqlite_database, clock, order)

    first, second = shown["Error"].splitlines()
    assert first.startswith("1. Line 3, AI credits:")
    assert first.endswith("Who: RevOps.")
    assert second == "2. The total differs. Correct it. Who: sales rep."
    assert shown["Error_Code"] == "UNKNOWN_PRODUCT"


def test_a_retry_tells_when_the_next_one_is(sqlite_database: Database, clock: FixedClock) -> None:
    fault = a_fault(code="UNAVAILABLE", message="The platform is down.", fix="Nothing to do.", owner="operator")
    order = make_order_rows(sqlite_database, clock, state=OrderState.RETRYING, step_fault=fault, faults=[fault])

    shown = _shown(sqlite_database, clock, order)

    assert shown["Step"] == "subscriptions"
    assert shown["Attempts"] >= 1
    assert shown["Error"].startswith("The platform is down. Nothing to do. Who: operator. Next try: 2026-03-02 09:3")


def test_a_deal_that_stopped_before_any_step_tells_its_attempts_and_next_try(
    sqlite_database: Database, clock: FixedClock
) -> None:
    fault = Fault("UNAVAILABLE", "Salesforce is down.", "Nothing to do.", "operator")
    order = make_order_rows(sqlite_database, clock, state=OrderState.RETRYING, faults=[fault], done_steps=0)
    with sqlite_database.unit_of_work() as work:
        work.execute(tables.fulfilment_steps.update().values(attempts=0, not_before=None, state="waiting"))
        work.commit()

    shown = _shown(sqlite_database, clock, order, attempts=3, not_before=clock.now() + timedelta(minutes=1))

    assert shown["Attempts"] == 3
    assert shown["Error"].endswith("Next try: 2026-03-02 09:31 UTC.")


def test_a_record_that_is_passed_over_says_why(sqlite_database: Database, clock: FixedClock) -> None:
    fault = Fault("NOT_SIGNED", "The status is Draft.", "Nothing to do.", "sales rep")
    order = make_order_rows(sqlite_database, clock)
    with sqlite_database.unit_of_work() as work:
        work.execute(tables.writebacks.delete())
        _BOARD.show_passed_over(
            work=work, ref=order.ref, account_id="a", fault=fault, word=StatusWord.SKIPPED, now=clock.now()
        )
        wanted = work.execute(sa.select(tables.writebacks.c.wanted)).scalar_one()

    assert wanted["Sync_Status__c"] == "Skipped"
    assert wanted["Sync_Error__c"] == "The status is Draft. Nothing to do. Who: sales rep."
    assert wanted["Sync_Order_Number__c"] is None


def test_nothing_is_shown_on_an_object_that_is_not_configured(sqlite_database: Database, clock: FixedClock) -> None:
    order = make_order_rows(sqlite_database, clock, object_name="Opportunity")

    with sqlite_database.unit_of_work() as work:
        work.execute(tables.writebacks.delete())
        _BOARD.show_order(work=work, order_id=order.id, now=clock.now())
        assert work.execute(sa.select(tables.writebacks)).all() == []


def test_looking_again_without_news_is_nothing_to_write(sqlite_database: Database, clock: FixedClock) -> None:
    order = make_order_rows(sqlite_database, clock)
    with sqlite_database.unit_of_work() as work:
        work.execute(tables.writebacks.delete())
        _BOARD.show_order(work=work, order_id=order.id, now=clock.now())
        work.execute(tables.writebacks.update().values(written=tables.writebacks.c.wanted, is_owed=False))
        _BOARD.show_order(work=work, order_id=order.id, now=clock.advance(seconds=60))
        owed = work.execute(sa.select(tables.writebacks.c.is_owed)).scalar_one()

    assert owed is False
