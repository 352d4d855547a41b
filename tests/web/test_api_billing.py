"""Contracts in figures, schedules and drafts over the API: exact, complete, and the same as the pages."""

from __future__ import annotations

import dataclasses
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from connector.adapters.clock import FixedClock
from connector.app import create_app
from connector.domain.terms import Customer
from connector.store.tables import contracts, orders
from connector.store.unit_of_work import Database
from tests.billing import Books
from tests.builders import account_id, make_token, quote_id
from tests.web.billed import line, order, seats, upsell, usage_line
from tests.web.conftest import Machine
from tests.web.serving import make_services


@pytest.fixture
def client(database: Database, clock: FixedClock) -> FlaskClient:
    return create_app(services=make_services(database, clock)).test_client()


@pytest.fixture
def machine(client: FlaskClient, database: Database, clock: FixedClock) -> Machine:
    """A script that may read, over either database."""
    return Machine(client, make_token(database, clock, "read"))


@pytest.fixture
def books(database: Database, clock: FixedClock) -> Books:
    return Books(database, clock)


def eur(amount: str) -> dict[str, str]:
    return {"amount": amount, "currency": "EUR"}


def test_a_contract_comes_in_figures(machine: Machine, books: Books) -> None:
    books.sign(order(1, seats()), upsell(2, quantity="80", prior="50", on=date(2026, 7, 1)))
    books.bill("2026-03-01")

    found: Any = machine.get("/contracts/C-000001").json

    assert (found["value"], found["recurring_value"]) == (eur("15600.00"), eur("15600.00"))
    assert (found["annual_value"], found["annual_on"]) == (eur("12000.00"), "2026-03-02")
    assert (found["billed"], found["remaining"]) == (eur("3000.00"), eur("12600.00"))
    assert found["next_document"] == {"bill_on": "2026-04-01", "net": eur("1000.00"), "is_estimate": False}
    assert (found["schedule_agrees"], found["problem"], found["warnings"]) == (True, "", [])
    assert [(row["order"], row["change"], row["value"]) for row in found["history"]] == [
        ("O-000001", eur("12000.00"), eur("12000.00")),
        ("O-000002", eur("3600.00"), eur("15600.00")),
    ]
    assert len(found["versions"]) == 2


def test_warnings_come_with_the_contract(machine: Machine, books: Books) -> None:
    books.sign(order(1, seats()), upsell(2, quantity="80", prior="40", on=date(2026, 7, 1)))

    (warning,) = machine.get("/contracts/C-000001").json["warnings"]  # type: ignore[index]

    assert (warning["code"], warning["owner"]) == ("PRIOR_QUANTITY_DIFFERS", "finance")


def test_a_contract_that_cannot_be_calculated_says_so_and_shows_the_rest(
    machine: Machine, books: Books, database: Database
) -> None:
    books.sign(order(1, seats()))
    with database.unit_of_work() as work:
        (document,) = work.execute(sa.select(orders.c.terms)).scalars()
        work.execute(orders.update().values(terms=document | {"deal_type": "upsell", "amends_ref": "0Q0"}))
        work.commit()

    found: Any = machine.get("/contracts/C-000001").json

    assert "Waiting for the order of record 0Q0" in found["problem"]
    assert found["value"] == eur("12000.00")
    assert found["history"] is found["billed"] is found["schedule_agrees"] is None
    assert machine.get("/contracts/C-000001/schedule").status_code in (422, 503)


def test_the_last_run_leaving_a_contract_out_is_told(machine: Machine, books: Books, database: Database) -> None:
    books.sign(order(1, seats()))
    with database.unit_of_work() as work:
        work.execute(contracts.update().values(billing_problem="TIERS: A tier has no price."))
        work.commit()

    found: Any = machine.get("/contracts/C-000001").json

    assert found["problem"] == "TIERS: A tier has no price."
    assert found["billed"] == eur("0.00")


def test_the_schedule_has_documents_that_add_up(machine: Machine, books: Books) -> None:
    books.sign(order(1, line(1, "Platform", price="1000"), seats(), usage_line()))
    books.bill("2026-02-01")

    found: Any = machine.get("/contracts/C-000001/schedule").json

    assert found["check"] == {
        "agrees": True, "scheduled": eur("24000.00"), "value": eur("24000.00"), "difference": eur("0.00"),
    }  # fmt: skip
    first, second, unread, third = found["documents"][:4]
    assert (first["state"], first["invoice"], first["bill_on"], first["due_on"]) == (
        "draft", 1, "2026-01-01", "2026-01-31",
    )  # fmt: skip
    assert (first["net"], first["tax"], first["gross"]) == (eur("2000.00"), eur("380.00"), eur("2380.00"))
    assert (second["state"], second["invoice"]) == ("draft", 2)
    assert (unread["state"], unread["is_estimate"], unread["bill_on"]) == ("unread", True, "2026-02-01")
    assert (third["state"], third["invoice"], third["is_estimate"]) == ("planned", None, False)
    assert found["documents"][-1]["bill_on"] == "2027-01-01"
    assert found["documents"][-1]["is_estimate"] is True
    committed = [
        Decimal(item["amount"]["amount"])
        for document in found["documents"]
        for item in document["items"]
        if item["kind"] != "usage"
    ]
    assert sum(committed) == Decimal("24000.00")
    assert sum(Decimal(charge["amount"]["amount"]) for charge in found["charges"]) == Decimal("24000.00")


def test_a_contract_on_a_shared_document_sees_only_its_own_lines(machine: Machine, books: Books) -> None:
    books.sign(order(1, seats()))
    books.sign(order(2, line(1, "Archive", price="10", ref="0QL5g00000ARCHIVE")))
    books.bill("2026-01-01")

    found: Any = machine.get("/contracts/C-000002/schedule").json
    (invoice,) = machine.get("/invoices").json["data"]  # type: ignore[index]

    assert found["documents"][0]["net"] == eur("10.00")
    assert found["documents"][0]["gross"] is None
    assert (invoice["net"], invoice["item_count"]) == (eur("1010.00"), 2)
    assert found["check"]["agrees"] is True


def test_drafts_are_listed_by_state_customer_contract_and_month(machine: Machine, books: Books) -> None:
    books.sign(order(1, seats()))
    books.sign(dataclasses.replace(order(2, seats()), customer=Customer(account_id(2), "Kestrel")))
    books.bill("2026-03-01")

    def found(**asked: str) -> int:
        return len(machine.get("/invoices", **asked).json["data"])  # type: ignore[index]

    assert found() == 6
    assert found(state="void") == 0
    assert found(customer=account_id(2)) == 3
    assert found(contract="C-000001") == 3
    assert found(month="2026-02") == 2
    assert found(q="kestrel", month="2026-02", state="draft") == 1


def test_drafts_are_paged_by_cursor(machine: Machine, books: Books) -> None:
    books.sign(order(1, seats()))
    books.bill("2026-12-31")

    seen: list[int] = []
    page: Any = machine.get("/invoices", limit=5).json
    while True:
        seen += [row["id"] for row in page["data"]]
        if page["next"] is None:
            break
        page = machine.get("/invoices", limit=5, after=page["next"]).json

    assert seen == list(range(12, 0, -1))


@pytest.mark.parametrize(
    "asked",
    [
        {"state": "nix"},
        {"month": "2026"},
        {"month": "2026-13"},
        {"customer": "a b"},
        {"contract": "../x"},
        {"x": "1"},
    ],
)
def test_a_parameter_that_cannot_be_is_refused(machine: Machine, asked: dict[str, str]) -> None:
    answer: Any = machine.get("/invoices", **asked)

    assert answer.status_code == 400
    assert answer.json["faults"][0]["field"] in asked


def test_one_draft_leads_back_to_contract_order_and_record(machine: Machine, books: Books) -> None:
    books.sign(order(1, seats()))
    books.bill("2026-01-01")

    found: Any = machine.get("/invoices/1").json

    (item,) = found["items"]
    assert (item["contract"], item["order"], item["order_record"]) == ("C-000001", "O-000001", quote_id(1))
    assert (item["quantity"], item["unit_price"], item["amount"]) == ("50", "20", eur("1000.00"))
    assert found["taxes"] == [
        {"rate": "19", "category": "S", "mention": "", "net": eur("1000.00"), "tax": eur("190.00")}
    ]
    assert (found["run_as_of"], found["lowers"], found["state"]) == ("2026-01-01", [], "draft")


def test_an_undecided_tax_is_null_and_explained(machine: Machine, books: Books) -> None:
    books.sign(order(1, seats(), legal_entity="Elsewhere GmbH"))
    books.bill("2026-01-01")

    found: Any = machine.get("/invoices/1").json

    assert found["tax"] is found["gross"] is found["items"][0]["tax_rate"] is None
    assert found["problem_code"] == "TAX_UNDECIDED"


@pytest.mark.parametrize("name", ["2", "x", "99999999999999999999", "1.0", "-1", "١"])
def test_a_draft_that_is_not_there_is_not_found(machine: Machine, books: Books, name: str) -> None:
    books.sign(order(1, seats()))
    books.bill("2026-01-01")

    assert machine.get(f"/invoices/{name}").status_code == 404
