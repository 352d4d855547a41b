"""Running access keeps what it was made on: its version of a plan, and the one customer of its account."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from connector.domain.entitlements import CustomPlan, PlanEntitlement
from connector.domain.terms import ProvisionKind
from connector.store import tables
from connector.store.tables_platform import platform_customers, platform_subscriptions
from connector.store.unit_of_work import Database
from connector.usecases.change_plans import Catalogue
from connector.usecases.reconcile_access import AccessReconciled, reconcile_access
from tests.selling import SignedDeal, plan_settings
from tests.stigg_place import served_catalogue, stigg_sections
from tests.stigg_server import StiggServer
from tests.world import World

_SOLD = (("PLATFORM", "1", "1000"), ("SEAT", "50", "24"))
_SEATS = PlanEntitlement("feature-seats", ProvisionKind.ENTITLEMENT, is_variable=True)
_FIRST = CustomPlan("plan-platform", "product-platform", (_SEATS,), add_on_refs=())
# The second version asks every new order for storage as well.
_SECOND = replace(
    _FIRST, entitlements=(_SEATS, PlanEntitlement("feature-storage-gb", ProvisionKind.ENTITLEMENT, is_variable=True))
)


# A plan in two versions.


@pytest.fixture
def world(make_world: Callable[..., World], sqlite_database: Database) -> World:
    """A world whose platform plan is kept by the API, so that it has versions."""
    others = [plan for plan in plan_settings() if plan["ref"] != _FIRST.ref]
    return make_world(sqlite_database, entitlements={"plans": others})


def _publish(world: World, plan: CustomPlan) -> int:
    catalogue = Catalogue(world.database, world.clock, {})
    catalogue.save_draft(plan=plan, actor="rosa")
    return catalogue.publish(ref=plan.ref, actor="rosa").plan.version


def _upsell(world: World, first: SignedDeal, seats: str) -> SignedDeal:
    return world.seller.quote(
        (("SEAT", seats, "24", {"Prior_Quantity__c": 50}),),
        account=first.account,
        Deal_Type__c="Upsell",
        Amends_Record_Id__c=first.id,
        Contract_Start__c=date(2026, 10, 1),
        Total_Contract_Value__c=None,
    )


def test_a_running_contract_stays_on_its_version_of_a_plan(world: World) -> None:
    assert _publish(world, _FIRST) == 1
    running = world.seller.quote(_SOLD)
    world.look_at(running)
    assert world.order(running).state == "FULFILLED", world.shown(running)["Error"]
    assert _publish(world, _SECOND) == 2

    more = _upsell(world, running, "80")
    world.look_at(more)
    world.come(date(2026, 10, 1))

    assert world.order(more).state == "FULFILLED", world.shown(more)["Error"]
    assert world.grants(more) == {"feature-seats": Decimal(80)}
    assert [row.plan_version for row in world.rows(platform_subscriptions)] == [1]
    compared = reconcile_access(database=world.database, clock=world.clock, platform=world.platform)
    assert compared == AccessReconciled(contracts=1)


def test_a_new_contract_takes_the_newest_version_of_a_plan(world: World) -> None:
    _publish(world, _FIRST)
    _publish(world, _SECOND)
    without, with_storage = world.seller.quote(_SOLD), world.seller.quote((*_SOLD, ("STORAGE", "500", "0")))

    world.look_at(without, with_storage)

    assert world.shown(without)["Error_Code"] == "MISSING_ENTITLEMENT_VALUE"
    assert world.order(with_storage).state == "FULFILLED", world.shown(with_storage)["Error"]
    assert [row.plan_version for row in world.rows(platform_subscriptions)] == [2]


# Two customers for one account.


def test_two_deals_of_one_account_have_one_customer_and_two_contracts(
    make_world: Callable[..., World], sqlite_database: Database
) -> None:
    world = make_world(sqlite_database)
    first = world.seller.quote(_SOLD)
    second = world.seller.quote((("SUPPORT", "1", "500"),), account=first.account)

    world.look_at(first, second)

    assert [world.order(deal).state for deal in (first, second)] == ["FULFILLED", "FULFILLED"]
    assert len(world.rows(platform_customers)) == len(world.rows(tables.customers)) == 1
    assert len({row.contract_ref for row in world.rows(platform_subscriptions)}) == 2


@pytest.fixture
def stigg(clock: Any) -> Iterator[StiggServer]:
    server = served_catalogue(now=clock.now)
    server.start()
    yield server
    server.stop()


def test_two_customers_for_one_account_block_the_order_until_one_is_left(
    make_world: Callable[..., World], sqlite_database: Database, stigg: StiggServer
) -> None:
    world = make_world(sqlite_database, **stigg_sections(stigg))
    deal = world.seller.quote(_SOLD)
    name = world.sandbox.get("Account", deal.account)["Name"]
    for ref in ("by-hand-1", "by-hand-2"):
        body = {"id": ref, "name": name, "metadata": {"sf_account_id": deal.account}}
        stigg.subscriptions.add_customer(body)

    world.look_at(deal)

    shown = world.shown(deal)
    assert (world.order(deal).state, shown["Error_Code"]) == ("BLOCKED", "TWO_CUSTOMERS")
    assert "by-hand-1, by-hand-2" in shown["Error"]
    assert (len(stigg.subscriptions.held), len(stigg.contracts.agreed)) == (0, 0)

    stigg.subscriptions.customers["by-hand-2"]["metadata"].clear()
    world.resync(order=world.order(deal).number)
    world.settle()

    assert world.order(deal).state == "FULFILLED", world.shown(deal)["Error"]
    assert {held.customer for held in stigg.subscriptions.held.values()} == {"by-hand-1"}
    assert len(stigg.subscriptions.customers) == 2
