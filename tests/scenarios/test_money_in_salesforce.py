"""Money as people in Salesforce see it: fields on the account and on the signed record, invoices as rows."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from connector.store import usage_sync
from connector.store.tables_billing import invoices
from connector.store.tables_completeness import mirror_rows
from connector.store.unit_of_work import Database
from connector.store.usage_sync import UsageFigure
from connector.usecases.mirror_rows import flush_rows
from connector.usecases.show_cash import show_cash
from connector.usecases.void_invoice import void_invoice
from tests.billing import Books
from tests.cashing import Till
from tests.reviewing import ROLES, Finance, make_finance
from tests.selling import SignedDeal
from tests.world import World

MONEY: dict[str, Any] = {"writeback": {"money": ["Account", "Quote"], "invoice_object": "Sync_Invoice__c"}}


@pytest.fixture
def money_world(make_world: Callable[..., World], database: Database) -> World:
    return make_world(database, **MONEY)


def _finance(world: World) -> Finance:
    made = make_finance(world.database, world.clock)
    return dataclasses.replace(
        made, books=Books(world.database, world.clock), desk=dataclasses.replace(made.desk, board=world.services.board)
    )


def _tell(world: World) -> None:
    """What the jobs do every minute."""
    show_cash(database=world.database, clock=world.clock, board=world.services.board)
    world.write_back()
    flush_rows(database=world.database, clock=world.clock, orgs=world.services.orgs, batch=200, claimed_by="here")


def _account(world: World, deal: SignedDeal) -> dict[str, Any]:
    return world.seller.shown(SignedDeal("Account", deal.account, deal.account))


def _rows(world: World) -> list[tuple[str, str, Decimal, Any]]:
    return [
        (row["Name"], row["State__c"], row["Total__c"], row["Open__c"]) for row in world.sandbox.all("Sync_Invoice__c")
    ]


def test_the_next_invoice_is_shown_on_record_and_account_before_anything_is_billed(money_world: World) -> None:
    world = money_world
    deal = world.seller.quote()
    world.look_at(deal)

    _tell(world)

    for shown in (world.shown(deal), _account(world, deal)):
        assert shown["Next_Invoice_On"] == date(2026, 4, 1)
        assert shown["Next_Invoice_Amount"] == Decimal("2200")
        assert (shown["Last_Invoice"], shown["Payment_State"], shown["Usage"]) == (None, None, None)


def test_an_invoice_is_a_row_that_follows_its_state_from_held_to_paid(money_world: World) -> None:
    world = money_world
    deal = world.seller.quote()
    world.look_at(deal)
    finance, till = _finance(world), Till(world.database, world.clock)
    invoice_id = finance.draft(as_of="2026-04-01")
    _tell(world)
    assert [(name, state) for name, state, _total, _open in _rows(world)] == [(f"Draft {invoice_id}", "Held")]

    number = finance.approve(invoice_id).number
    _tell(world)
    [(name, state, total, left)] = _rows(world)
    assert (name, state, left) == (number, "Issued", total)
    assert world.shown(deal)["Last_Invoice"] == f"{number} (Issued)"

    payment = till.paid(str(total), "USD")
    till.allocate(payment, {invoice_id: str(total)})
    _tell(world)

    assert _rows(world) == [(number, "Paid", total, Decimal(0))]
    assert (world.shown(deal)["Payment_State"], _account(world, deal)["Open_Balance"]) == ("Paid", Decimal(0))
    [row] = world.sandbox.all("Sync_Invoice__c")
    assert (row["Account__c"], row["Kind__c"], row["Currency__c"]) == (deal.account, "Invoice", "USD")
    assert row["Contract_Number__c"] == world.contract(deal).number
    assert row["Link__c"].endswith(f"/review/invoices/{invoice_id}")


def test_a_row_that_nobody_told_of_is_found_the_next_day(money_world: World) -> None:
    world = money_world
    world.look_at(world.seller.quote())
    finance = _finance(world)
    invoice_id = finance.issued(as_of="2026-04-01")
    _tell(world)
    world.pass_time(hours=1)
    _tell(world)
    with world.database.unit_of_work() as work:
        # As if a process had died between a change and saying so.
        work.execute(invoices.update().where(invoices.c.id == invoice_id).values(state="void"))
        work.commit()
    _tell(world)
    assert _rows(world)[0][1] == "Issued"

    world.pass_time(days=1)
    _tell(world)

    assert _rows(world)[0][1] == "Void"


def test_two_hundred_invoices_are_one_call(make_world: Callable[..., World], sqlite_database: Database) -> None:
    world = make_world(sqlite_database, **MONEY)
    till = Till(world.database, world.clock)
    account = world.seller.account()
    for _ in range(200):
        till.invoice("10.00", "USD", customer=account)
    show_cash(database=world.database, clock=world.clock, board=world.services.board)
    next(iter(world.services.orgs.values())).gateway.organization()
    world.sandbox.calls.reset()

    flush_rows(database=world.database, clock=world.clock, orgs=world.services.orgs, batch=200, claimed_by="here")

    assert len(world.sandbox.all("Sync_Invoice__c")) == 200
    assert world.sandbox.calls.total == 1


def test_a_draft_that_is_voided_says_so(money_world: World) -> None:
    world = money_world
    world.look_at(world.seller.quote())
    finance = _finance(world)
    invoice_id = finance.draft(as_of="2026-04-01")
    _tell(world)

    role = ROLES.get("anna", "finance")
    void_invoice(desk=finance.desk, invoice_id=invoice_id, reason="Not wanted.", actor="anna", role=role)
    _tell(world)

    assert _rows(world)[0][1] == "Void"


def test_nothing_is_kept_or_compared_when_both_are_switched_off(world: World) -> None:
    world.look_at(world.seller.quote())
    _finance(world).issued(as_of="2026-04-01")

    _tell(world)

    assert world.rows(mirror_rows) == []


def test_usage_is_shown_against_what_is_included(money_world: World) -> None:
    world = money_world
    deal = world.seller.quote(
        [("USAGEPLAN", "1", "1000"), ("API", "1", "0.10", {"Charge_Type__c": "Usage", "Included_Units__c": "10000"})],
        Total_Contract_Value__c=None,
    )
    world.look_at(deal)
    assert world.shown(deal)["Status"] == "Synced", world.shown(deal)["Error"]
    figure = UsageFigure(
        contract_id=world.order(deal).contract_id,
        charge_key=f"{deal.id}:{world.seller.lines_of(deal)[1]['Id']}/2026-04-01/usage",
        feature_ref="feature-api-calls",
        starts_on=date(2026, 4, 1),
        ends_on=date(2027, 4, 1),
        units=Decimal(8100),
        covered_until=None,
        last_event_at=None,
        reason="The period runs.",
    )
    world.pass_time(days=40)
    with world.database.unit_of_work() as work:
        usage_sync.keep_figure(work=work, figure=figure, source="test", now=world.clock.now())
        work.commit()

    _tell(world)

    assert world.shown(deal)["Usage"] == "API calls: 8100 of 10000 (81.0 %)"
    assert _account(world, deal)["Usage"] == "API calls: 8100 of 10000 (81.0 %)"
