"""What is allowed and still often a mistake is shown on the record that caused it; nothing stops."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from connector.store import tables
from tests.domain.making import day
from tests.selling import SignedDeal
from tests.world import World


def _change(world: World, first: SignedDeal, deal_type: str, **header: Any) -> SignedDeal:
    lines = header.pop("lines", [("SEAT", "60", "24", {"Prior_Quantity__c": Decimal(40)})])
    deal = world.seller.quote(
        lines,
        account=first.account,
        Deal_Type__c=deal_type,
        Amends_Record_Id__c=first.id,
        Total_Contract_Value__c=None,
        **header,
    )
    world.look_at(deal)
    return deal


def test_a_prior_quantity_that_does_not_fit_is_a_warning_on_its_deal_alone(world: World) -> None:
    first = world.seller.quote()
    world.look_at(first)

    upsell = _change(world, first, "Upsell", Contract_Start__c=day("2026-10-01"))

    shown = world.shown(upsell)
    assert (world.order(upsell).state, shown["Status"], shown["Error_Code"]) == (
        "FULFILLED",
        "Warning",
        "PRIOR_QUANTITY_DIFFERS",
    )
    assert "from 40" in shown["Error"]
    assert "Who: finance." in shown["Error"]
    assert world.shown(first)["Status"] == "Synced"


def test_service_that_a_cancellation_leaves_unbilled_is_a_warning(world: World) -> None:
    first = world.seller.quote(Billing_Timing__c="In Arrears", Billing_Frequency__c="Monthly")
    world.look_at(first)

    ended = _change(world, first, "Cancellation", lines=[], Cancel_From__c=day("2026-06-01"))

    assert (world.shown(ended)["Status"], world.shown(ended)["Error_Code"]) == ("Warning", "ARREARS_NOT_BILLED")
    (step,) = [row for row in world.step_rows(ended) if row.name == "contract"]
    assert len(step.result["warnings"]) == 2


def test_a_warning_goes_when_its_cause_does(world: World) -> None:
    first = world.seller.quote()
    world.look_at(first)
    upsell = _change(world, first, "Upsell", Contract_Start__c=day("2026-10-01"))
    lines = [("SEAT", "40", "24", {"Prior_Quantity__c": Decimal(50)})]

    _change(world, first, "Downsell", Contract_Start__c=day("2026-08-01"), Credit_Unused__c=True, lines=lines)
    world.write_back()

    assert world.shown(upsell)["Status"] == "Synced"
    assert [row.warnings for row in world.rows(tables.contracts)] == [None]


def test_a_contract_without_anything_to_look_at_has_no_warnings(world: World) -> None:
    deal = world.seller.quote()
    world.look_at(deal)

    assert world.contract(deal).warnings is None
    assert world.shown(deal)["Status"] == "Synced"
