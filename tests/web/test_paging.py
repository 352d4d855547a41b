"""Turning pages while rows are added: every row that was there is shown once, on both databases."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from connector.adapters.clock import FixedClock
from connector.app import create_app
from connector.domain.fulfilment import OrderState
from connector.store import queries, queries_contracts, queries_operations, queries_orders
from connector.store.queries import Page, PageAsked
from connector.store.unit_of_work import Database
from connector.web.lists import PAGE_SIZE, decode_cursor, encode_cursor
from tests.builders import make_message_rows, make_order_rows, make_record_row, make_token
from tests.web.conftest import Machine
from tests.web.serving import make_services

Lister = Callable[..., Page[Any]]


def _turn(database: Database, lister: Lister, between: Callable[[], object], limit: int, **filters: Any) -> list[int]:
    """The ids of all rows, page by page, with something done between two pages."""
    seen: list[int] = []
    after: int | None = None
    while True:
        with database.reading() as connection:
            page = lister(connection=connection, page=PageAsked(limit=limit, after=after), **filters)
        seen += [row.id for row in page.rows]
        if page.next_after is None:
            return seen
        after = page.next_after
        between()


@pytest.mark.parametrize(
    ("lister", "filters"),
    [
        (queries_orders.list_orders, {}),
        (queries_orders.list_orders, {"state": "FULFILLED", "text": "aurora"}),
        (queries_contracts.list_contracts, {}),
        (queries_operations.list_messages, {}),
        (queries_operations.list_records, {}),
    ],
)
def test_pages_lose_and_double_no_row_while_rows_are_added(
    database: Database, clock: FixedClock, lister: Lister, filters: dict[str, Any]
) -> None:
    for _ in range(5):
        make_order_rows(database, clock)

    seen = _turn(database, lister, lambda: make_order_rows(database, clock), 2, **filters)

    assert seen == [5, 4, 3, 2, 1]


def test_a_page_that_is_just_full_has_no_next(database: Database, clock: FixedClock) -> None:
    for _ in range(2):
        make_order_rows(database, clock)

    with database.reading() as connection:
        page = queries_orders.list_orders(connection=connection, page=PageAsked(limit=2))

    assert (len(page.rows), page.next_after) == (2, None)


def test_customers_are_listed_once_each(database: Database, clock: FixedClock) -> None:
    with database.reading() as connection:
        page = queries.list_customers(connection=connection, page=PageAsked())

    assert page == Page((), None)


def test_counts_follow_the_text_and_name_every_state(database: Database, clock: FixedClock) -> None:
    make_order_rows(database, clock, customer="Aurora")
    make_order_rows(database, clock, customer="Kestrel", state=OrderState.RETRYING)

    with database.reading() as connection:
        every = queries_orders.count_orders(connection=connection)
        found = queries_orders.count_orders(connection=connection, text="KESTREL")

    assert set(every) == set(queries_orders.ORDER_STATES)
    assert (every["FULFILLED"], every["RETRYING"], every["BLOCKED"]) == (1, 1, 0)
    assert (found["FULFILLED"], found["RETRYING"]) == (0, 1)


def test_everything_about_an_order_is_read_on_both_databases(database: Database, clock: FixedClock) -> None:
    made = make_order_rows(database, clock, messages=3)

    with database.reading() as connection:
        order = queries_orders.load_order(connection=connection, number=made.number)
        contract = queries_contracts.load_contract(connection=connection, number=made.contract_number)
        message = queries_operations.load_message(connection=connection, message_id=1)
        backlog = queries_operations.load_backlog(connection=connection)

    assert order is not None
    assert [step.state for step in order.steps] == ["done"] * 5
    assert [line.position for line in order.lines] == [1, 2, 3, 4]
    assert len(order.messages) == 3
    assert contract is not None
    assert [row.number for row in contract.orders] == [made.number]
    assert message is not None
    assert message.body.startswith(b"<?xml")
    assert backlog.orders == {"FULFILLED": 1}
    assert backlog.writebacks_owed == 0


def test_the_api_pages_by_the_cursor_that_it_gave(database: Database, clock: FixedClock) -> None:
    for _ in range(3):
        make_order_rows(database, clock)
    machine = _machine(database, clock)

    first = machine.get("/orders", limit=2).json
    make_order_rows(database, clock)
    second = machine.get("/orders", limit=2, after=first["next"]).json

    assert [row["number"] for row in first["data"]] == ["O-000003", "O-000002"]
    assert [row["number"] for row in second["data"]] == ["O-000001"]
    assert second["next"] is None


def test_pages_for_people_lead_to_the_next_and_back(
    person: FlaskClient, sqlite_database: Database, clock: FixedClock
) -> None:
    for number in range(PAGE_SIZE + 1):
        make_record_row(sqlite_database, clock, number=number)

    first = person.get("/review/records?state=skipped").text
    address = f"/review/records?state=skipped&after={encode_cursor(2)}"
    second = person.get(address).text

    assert address.replace("&", "&amp;") in first
    assert "Back to the newest" in second
    assert "Older" not in second


def test_parked_messages_are_paged_too(person: FlaskClient, sqlite_database: Database, clock: FixedClock) -> None:
    ref = make_record_row(sqlite_database, clock, number=1)
    make_message_rows(sqlite_database, clock, ref=ref, count=PAGE_SIZE + 1)

    page = person.get("/review/parked").text

    assert f"Replay all {PAGE_SIZE + 1}" in page
    assert f'rel="next" href="/review/parked?after={encode_cursor(2)}"' in page


@pytest.mark.parametrize(
    "cursor", ["", "x", "aWQ6", "aWQ6MA", "aWQ6LTE", "aWQ6" + "OTk5" * 20, "aWQ6MQ==\n", "é", "\ud800"]
)
def test_a_cursor_that_we_did_not_give_is_none(cursor: str) -> None:
    assert decode_cursor(cursor) is None


@pytest.mark.parametrize("key", [1, 42, 10**17])
def test_a_cursor_comes_back_as_the_key_that_it_was_made_of(key: int) -> None:
    assert decode_cursor(encode_cursor(key)) == key


def _machine(database: Database, clock: FixedClock) -> Machine:
    app = create_app(services=make_services(database, clock))
    return Machine(app.test_client(), make_token(database, clock))
