"""Signed deals granted on Stigg: over real HTTP from Salesforce to the strict stand-in, good days and bad ones."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from connector.app import create_app
from connector.bootstrap import make_services
from connector.domain.assumptions import FindingState
from connector.store import tables
from connector.store.paced_changes import PacedChanges
from connector.store.unit_of_work import Database
from connector.usecases.check_assumptions import check_assumptions
from tests.selling import SignedDeal
from tests.stigg_place import WEBHOOK_SECRET, served_catalogue, stigg_sections
from tests.stigg_server import StiggServer
from tests.world import World

_SOLD = (
    ("PLATFORM", "1", "1000"),
    ("SEAT", "50", "24"),
    ("CREDIT-AI", "10000", "0.01", {"Credit_Cadence__c": "Month"}),
)
_SIGNED = {"Stigg-Webhooks-Secret": WEBHOOK_SECRET}


class StiggWorld:
    """A world whose product grants on a stand-in for Stigg."""

    def __init__(self, world: World, server: StiggServer) -> None:
        self.world, self.server = world, server
        self.web = create_app(services=world.services).test_client()

    def counts(self) -> tuple[int, int, int]:
        """Customers, contracts and subscriptions in Stigg."""
        held = self.server.subscriptions
        return len(held.customers), len(self.server.contracts.agreed), len(held.held)

    def upsell(self, first: SignedDeal, seats: str) -> SignedDeal:
        """A second order for more seats of the same contract."""
        return self.world.seller.quote(
            (("SEAT", seats, "24", {"Prior_Quantity__c": 50}),),
            account=first.account,
            Deal_Type__c="Upsell",
            Amends_Record_Id__c=first.id,
            Contract_Start__c=date(2026, 10, 1),
            Total_Contract_Value__c=None,
        )

    def hint(self, *, message_id: str = "m-1", kind: str = "subscription.updated", **entity: Any) -> Any:
        """Stigg tells us of a change."""
        body = json.dumps({"messageId": message_id, "type": kind, "timestamp": "2026-03-02T09:30:00Z", **entity})
        return self.web.post("/webhooks/stigg", data=body, headers=_SIGNED)


@pytest.fixture
def stigg(make_world: Callable[..., World], sqlite_database: Database, clock: Any) -> Iterator[StiggWorld]:
    server = served_catalogue(now=clock.now)
    server.start()
    yield StiggWorld(make_world(sqlite_database, **stigg_sections(server)), server)
    server.stop()


def test_a_signed_deal_is_granted_on_stigg_and_proved(stigg: StiggWorld) -> None:
    world, deal = stigg.world, stigg.world.seller.quote(_SOLD)

    world.look_at(deal)

    assert world.order(deal).state == "FULFILLED"
    assert world.shown(deal)["Status"] == "Synced"
    assert world.grants(deal) == {"feature-seats": Decimal(50), "cred-type-ai": Decimal(10_000)}
    assert stigg.counts() == (1, 1, 1)
    assert [f"{call.method} {call.path}" for call in stigg.server.changes()] == ["POST /customers", "POST /contracts"]
    (customer,) = stigg.server.subscriptions.customers.values()
    assert customer["metadata"]["sf_account_id"] == deal.account
    (contract,) = stigg.server.contracts.agreed
    assert contract == f"contract-{world.contract(deal).id}"


def test_agreed_prices_stand_beside_the_subscription_when_that_is_wanted(
    make_world: Callable[..., World], sqlite_database: Database, stigg: StiggWorld
) -> None:
    sections = stigg_sections(stigg.server)
    sections["stigg"]["prices"] = True
    world = make_world(sqlite_database, **sections)
    deal = world.seller.quote(_SOLD)

    world.look_at(deal)
    world.look_at(deal)

    assert world.order(deal).state == "FULFILLED", world.record(deal).reason
    (held,) = stigg.server.subscriptions.held.values()
    assert held.fields["billingPeriod"] == "ANNUALLY"
    assert held.fields["priceOverrides"] == [
        {"baseCharge": True, "amount": 1000, "currency": "usd"},
        {"featureId": "feature-seats", "amount": 24, "currency": "usd"},
    ]
    assert [call.method for call in stigg.server.changes()] == ["POST", "POST"]


def test_looking_again_changes_nothing_on_stigg(stigg: StiggWorld) -> None:
    deal = stigg.world.seller.quote(_SOLD)
    stigg.world.look_at(deal)
    stigg.server.calls.clear()

    stigg.world.look_at(deal)
    stigg.world.resync(salesforce_id=deal.id)
    stigg.world.settle()

    assert stigg.server.changes() == []


def test_an_upsell_changes_the_running_subscription(stigg: StiggWorld) -> None:
    world = stigg.world
    first = world.seller.quote(_SOLD)
    world.look_at(first)
    upsell = stigg.upsell(first, "80")

    world.look_at(upsell)

    assert world.order(upsell).state == "FULFILLED", world.record(upsell).reason
    assert world.grants(upsell)["feature-seats"] == Decimal(50)
    world.come(date(2026, 10, 1))
    assert stigg.counts() == (1, 1, 1)
    assert world.grants(upsell) == {"feature-seats": Decimal(80), "cred-type-ai": Decimal(10_000)}
    # First whose deal it is now, then, on its day, the value.
    assert [call.method for call in stigg.server.changes()] == ["POST", "POST", "PATCH", "PATCH"]


@pytest.mark.parametrize("kind", ["cut before", "cut after", "html", "half", "empty"])
@pytest.mark.parametrize("path", ["/customers", "/contracts"])
def test_a_lost_create_is_shown_retried_and_made_once(kind: str, path: str, stigg: StiggWorld) -> None:
    world, deal = stigg.world, stigg.world.seller.quote(_SOLD)
    stigg.server.fail(kind, "POST", path)

    world.look_at(deal)
    stopped, waits = world.order(deal).state, world.record(deal).not_before
    shown = world.shown(deal)
    world.pass_time(minutes=1)
    world.settle()

    assert (stopped, shown["Error_Code"]) == ("RETRYING", "STIGG_LOST")
    assert waits is not None
    assert world.order(deal).state == "FULFILLED"
    assert stigg.counts() == (1, 1, 1)


def test_a_key_that_stigg_refuses_names_who_mends_it(stigg: StiggWorld) -> None:
    deal = stigg.world.seller.quote(_SOLD)
    stigg.server.fail("status", status=401, times=20)

    stigg.world.look_at(deal)

    shown = stigg.world.shown(deal)
    assert (stigg.world.order(deal).state, shown["Error_Code"]) == ("RETRYING", "STIGG_KEY")
    assert "COUNTERSIGN_STIGG_API_KEY" in shown["Error"]


@pytest.mark.parametrize(("status", "state"), [(0, FindingState.GOOD), (401, FindingState.BAD)])
def test_check_proves_the_environment(status: int, state: FindingState, stigg: StiggWorld) -> None:
    if status:
        stigg.server.fail("status", status=status, times=50)
    services = make_services(stigg.world.services.config, clock=stigg.world.clock)

    found = check_assumptions(
        orgs={},
        platform=services.platform,
        database=services.database,
        clock=services.clock,
        assumed=services.assumed,
    )

    access = [finding for finding in found if finding.area == "entitlements"]
    services.platform.close()  # type: ignore[attr-defined]
    services.database.dispose()
    assert {finding.state for finding in access} == {state}
    assert any("API key" in finding.message for finding in access)
    assert stigg.server.changes() == []


def test_an_order_whose_turn_is_far_away_shows_when_it_goes_on(stigg: StiggWorld) -> None:
    world, deal = stigg.world, stigg.world.seller.quote(_SOLD)
    others = PacedChanges(world.database, name="stigg")
    for number in range(60):
        others.take(key=f"other-{number}", entity=f"other-{number}", now=world.clock.now(), patience=timedelta(hours=1))

    world.look_at(deal)
    stopped, waits, shown = world.order(deal).state, world.record(deal).not_before, world.shown(deal)
    world.pass_time(minutes=2)
    world.settle()

    assert stopped == "RETRYING"
    assert "our turn is at 09:30:14 UTC" in shown["Error"]
    # Sixty changes, 248 thousandths of a second apart.
    assert timedelta(seconds=14) < waits - (world.clock.now() - timedelta(minutes=2)) < timedelta(seconds=17)
    assert world.order(deal).state == "FULFILLED"


def test_a_value_that_is_missing_blocks_before_anything_is_made(stigg: StiggWorld) -> None:
    deal = stigg.world.seller.quote((("PLATFORM", "1", "1000"),))

    stigg.world.look_at(deal)

    assert stigg.world.shown(deal)["Error_Code"] == "MISSING_ENTITLEMENT_VALUE"
    assert stigg.counts() == (0, 0, 0)


def test_a_hint_of_a_change_leads_to_a_comparison_that_asks_people(stigg: StiggWorld) -> None:
    world, deal = stigg.world, stigg.world.seller.quote(_SOLD)
    world.look_at(deal)
    world.pass_time(days=40)
    (held,) = stigg.server.subscriptions.held.values()
    held.entitlements[0]["usageLimit"] = 7
    calls = len(stigg.server.calls)

    answer = stigg.hint(id=held.id, customer={"id": held.customer})
    asked_while_the_sender_waits = len(stigg.server.calls) - calls
    again = stigg.hint(id=held.id, customer={"id": held.customer})
    world.settle()

    assert (answer.status_code, answer.json) == (200, {"accepted": 1, "known": 0})
    assert again.json == {"accepted": 0, "known": 1}
    assert asked_while_the_sender_waits == 0
    order = world.order(deal)
    assert (order.state, order.question_code) == ("FULFILLED", "ACCESS_DIFFERS")
    assert "sold 50, granted 7" in order.question
    assert [row.state for row in world.rows(tables.inbox) if row.source == "stigg"] == ["done"]


@pytest.mark.parametrize(
    ("kind", "entity", "reason"),
    [
        ("subscription.updated", {"data": {"id": "nobody"}}, "no customer, contract or subscription"),
        ("feature.created", {"id": "feature-seats"}, "tell nothing of granted access"),
    ],
)
def test_a_hint_that_concerns_nobody_is_kept_with_the_reason(
    kind: str, entity: dict[str, Any], reason: str, stigg: StiggWorld
) -> None:
    answer = stigg.hint(kind=kind, **entity)

    (row,) = stigg.world.rows(tables.inbox)
    assert answer.status_code == 200
    assert (row.state, row.kind) == ("ignored", "access hint")
    assert reason in row.reason


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        ({}, b'{"messageId":"m","type":"a.b"}', 401),
        ({"Stigg-Webhooks-Secret": "guessed"}, b'{"messageId":"m","type":"a.b"}', 401),
        (_SIGNED, b"<html>", 400),
        (_SIGNED, b"[]", 400),
        (_SIGNED, b'{"type":"a.b"}', 400),
        (_SIGNED, b'{"messageId":"m"}', 400),
        (_SIGNED, b'{"messageId":"m m","type":"a.b"}', 400),
        (_SIGNED, b"[" * 100_000, 400),
        (_SIGNED, b"{" + b" " * 1_200_000 + b"}", 413),
    ],
    ids=["no secret", "wrong secret", "page", "list", "no id", "no type", "odd id", "nested", "too large"],
)
def test_what_is_no_event_of_stigg_is_refused_and_leaves_nothing(
    headers: dict[str, str], body: bytes, status: int, stigg: StiggWorld
) -> None:
    answer = stigg.web.post("/webhooks/stigg", data=body, headers=headers)

    assert answer.status_code == status
    assert answer.json["fix"]
    assert WEBHOOK_SECRET not in answer.text
    assert stigg.world.rows(tables.inbox) == []
