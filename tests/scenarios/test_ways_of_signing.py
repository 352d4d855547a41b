"""Every kind of record that can be signed, from its push to its status."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from connector.store import tables
from connector.store.unit_of_work import Database
from tests.cpq_selling import PACKAGES, CpqSeller, segment
from tests.selling import SignedDeal
from tests.settings import ROOT
from tests.world import World


def _example(*names: str) -> dict[str, Any]:
    """The settings of example files that are read as one."""
    text = "".join((ROOT / "docs/examples" / name).read_text(encoding="utf-8") for name in names)
    return tomllib.loads(text)


@pytest.fixture
def cpq_world(make_world: Callable[..., World], sqlite_database: Database) -> World:
    """An org with Salesforce CPQ whose quotes or contracts are signed."""
    return make_world(sqlite_database, sandbox_options=PACKAGES, **_example("model-org.toml", "cpq.toml"))


@pytest.fixture
def order_world(make_world: Callable[..., World], sqlite_database: Database) -> World:
    """An org with Salesforce CPQ whose orders are signed."""
    return make_world(sqlite_database, sandbox_options=PACKAGES, **_example("cpq-orders.toml"))


def _is_done(world: World, deal: SignedDeal, value: str) -> None:
    order = world.order(deal)
    assert order is not None, world.record(deal)
    assert (order.state, order.value) == ("FULFILLED", Decimal(value)), world.shown(deal)["Error"]
    assert world.shown(deal)["Status"] == "Synced"


def test_an_activated_order_is_fulfilled_and_shown_on_the_order(world: World) -> None:
    deal = world.seller.order(PoNumber="PO-1")

    world.look_at(deal)

    _is_done(world, deal, "2200.00")
    assert world.grants(deal) == {"feature-seats": Decimal(50)}


def test_an_order_that_is_not_activated_waits_for_its_activation(world: World) -> None:
    deal = world.seller.order(signed=False)
    world.look_at(deal)
    assert (world.order(deal), world.shown(deal)["Status"]) == (None, "Skipped")

    world.seller.sign(deal)
    world.look_at(deal)

    _is_done(world, deal, "2200.00")


def test_an_order_made_from_an_accepted_quote_is_the_same_sale(world: World) -> None:
    quote = world.seller.quote()
    opportunity = world.sandbox.get("Quote", quote.id)["OpportunityId"]
    order = world.seller.order(account=quote.account, QuoteId=quote.id, OpportunityId=opportunity)

    world.look_at(quote)
    world.look_at(order)

    _is_done(world, quote, "2200.00")
    shown = world.shown(order)
    assert (shown["Status"], shown["Error_Code"]) == ("Blocked", "SOLD_ALREADY")
    assert quote.id in shown["Error"]
    assert len(world.rows(tables.contracts)) == 1


def test_an_activated_contract_signs_the_quote_that_it_names(
    make_world: Callable[..., World], sqlite_database: Database
) -> None:
    raw = _example("model-org.toml")
    pointer = {"object": "Contract", "field": "StatusCode", "values": ["Activated"], "record_field": "Name"}
    world = make_world(sqlite_database, **raw | {"signed": [*raw["signed"], pointer]})
    quote = world.seller.quote(signed=False)
    contract = world.sandbox.insert("Contract", {"AccountId": quote.account, "Status": "Activated", "Name": quote.id})

    world.look_at(SignedDeal("Contract", contract, quote.account))

    _is_done(world, quote, "2200.00")
    assert world.record(SignedDeal("Contract", contract, "")).code == "POINTS_ELSEWHERE"


def test_an_activated_contract_with_subscriptions_is_a_deal_of_its_own(cpq_world: World) -> None:
    world = cpq_world
    cpq = CpqSeller(world.seller)
    contract = cpq.contract_of(cpq.quote(signed=False))

    world.look_at(contract)

    _is_done(world, contract, "2200.00")
    assert world.grants(contract) == {"feature-seats": Decimal(50)}


def test_a_contract_of_a_quote_that_is_an_order_already_is_the_same_sale(cpq_world: World) -> None:
    world = cpq_world
    cpq = CpqSeller(world.seller)
    quote = cpq.quote()
    contract = cpq.contract_of(quote)

    world.look_at(quote)
    world.look_at(contract)

    _is_done(world, quote, "2200.00")
    assert world.shown(contract)["Error_Code"] == "SOLD_ALREADY"


def test_a_quote_of_the_package_is_fulfilled_without_what_was_only_offered(cpq_world: World) -> None:
    world = cpq_world
    cpq = CpqSeller(world.seller)
    bundle = {"Bundle": True, "SubscriptionPricing": None}
    deal = cpq.quote(
        [
            ("PLATFORM", "1", "1000", bundle),
            ("SEAT", "50", "0", {"Bundled": True}),
            ("API", "9000", "5000", {"Optional": True}),
            ("ONBOARD", "1", "300", {"ChargeType": "One-Time", "SubscriptionPricing": None}),
        ]
    )

    world.look_at(deal)

    _is_done(world, deal, "1300.00")
    assert world.grants(deal) == {"feature-seats": Decimal(50)}


def test_segments_of_a_ramp_are_granted_each_on_its_day(cpq_world: World) -> None:
    world = cpq_world
    cpq = CpqSeller(world.seller)
    first = segment("k-1", 1, date(2026, 4, 1), date(2027, 3, 31))
    second = segment("k-1", 2, date(2027, 4, 1), date(2028, 3, 31))
    lines = [
        ("PLATFORM", "1", "2000"),
        ("SEAT", "40", "960.50", first),
        ("SEAT", "80", "1921.00", second),
    ]
    deal = cpq.quote(lines, EndDate=date(2028, 3, 31))

    world.look_at(deal)
    _is_done(world, deal, "4881.50")
    assert world.grants(deal) == {"feature-seats": Decimal(40)}
    world.come(date(2027, 4, 1))

    assert world.grants(deal) == {"feature-seats": Decimal(80)}


def test_a_quote_in_calculation_waits_goes_on_by_itself_and_its_new_totals_count(cpq_world: World) -> None:
    world = cpq_world
    cpq = CpqSeller(world.seller)
    deal = cpq.quote(Uncalculated=True)
    world.look_at(deal)
    shown = world.shown(deal)
    assert (shown["Status"], shown["Error_Code"]) == ("Pending", "RECORD_NOT_READY")
    assert "Uncalculated" in shown["Error"]

    world.sandbox.update("SBQQ__Quote__c", deal.id, {"SBQQ__Uncalculated__c": False})
    world.pass_time(minutes=2)
    world.settle()

    _is_done(world, deal, "2200.00")


def test_a_quote_that_is_never_calculated_is_given_up_in_words(cpq_world: World) -> None:
    world = cpq_world
    deal = CpqSeller(world.seller).quote(Uncalculated=True)
    world.look_at(deal)

    for _ in range(40):
        world.pass_time(hours=12)
        world.settle()

    shown = world.shown(deal)
    assert shown["Status"] == "Failed"
    assert "Uncalculated" in shown["Error"] and "press Resync" in shown["Error"]


def _amended(cpq: CpqSeller, first: SignedDeal, contract: SignedDeal) -> SignedDeal:
    """From October on there are 60 seats in place of 50; the platform is repeated as it is."""
    start = date(2026, 10, 1)
    repeated = {"Existing": True, "PriorQuantity": "1", "EffectiveQuantity": "0"}
    more = {"Existing": True, "PriorQuantity": "50", "EffectiveQuantity": "10", "NetPrice": "12"}
    return cpq.quote(
        [("PLATFORM", "1", "0", repeated), ("SEAT", "60", "120", more)],
        account=first.account, Type="Amendment", MasterContract=contract.id, StartDate=start,
    )  # fmt: skip


def test_an_amendment_bills_the_difference_and_grants_the_whole_quantity(cpq_world: World) -> None:
    world = cpq_world
    cpq = CpqSeller(world.seller)
    first = cpq.quote()
    contract = cpq.contract_of(first, signed=False)
    world.look_at(first)

    amendment = _amended(cpq, first, contract)
    world.look_at(amendment)

    assert world.order(amendment).contract_id == world.order(first).contract_id
    assert world.contract(first).value == Decimal("2320.00")
    assert world.shown(amendment)["Status"] == "Synced"
    world.come(date(2026, 10, 1))
    assert world.grants(first) == {"feature-seats": Decimal(60)}


def test_an_order_of_the_package_bills_what_it_names_and_its_amendment_the_difference(order_world: World) -> None:
    world = order_world
    cpq = CpqSeller(world.seller)
    first = cpq.quote()
    order = cpq.order_of(first)
    world.look_at(order)
    _is_done(world, order, "2200.00")

    contract = cpq.contract_of(first, signed=False, SBQQ__Order__c=order.id)
    amendment = cpq.order_of(_amended(cpq, first, contract))
    world.look_at(amendment)

    assert world.order(amendment).contract_id == world.order(order).contract_id
    assert world.contract(order).value == Decimal("2320.00")
    world.come(date(2026, 10, 1))
    assert world.grants(order) == {"feature-seats": Decimal(60)}


def test_a_renewal_of_the_package_is_the_same_customer_and_contract(cpq_world: World) -> None:
    world = cpq_world
    cpq = CpqSeller(world.seller)
    first = cpq.quote()
    contract = cpq.contract_of(first, signed=False)
    world.look_at(first)

    renewal = cpq.quote(
        account=first.account, Type="Renewal", MasterContract=contract.id,
        StartDate=date(2027, 4, 1), EndDate=date(2028, 3, 31),
    )  # fmt: skip
    world.look_at(renewal)

    assert world.shown(renewal)["Status"] == "Synced", world.shown(renewal)["Error"]
    assert world.order(renewal).contract_id == world.order(first).contract_id
    assert len(world.rows(tables.customers)) == 1


def test_a_reduction_order_is_no_deal_of_its_own(order_world: World) -> None:
    world = order_world
    cpq = CpqSeller(world.seller)
    order = cpq.order_of(cpq.quote(), IsReductionOrder=True)

    world.look_at(order)

    assert world.order(order) is None
    assert world.shown(order)["Status"] == "Skipped"
    assert "IsReductionOrder" in world.shown(order)["Error"]


@pytest.mark.parametrize("is_person", [True, False])
def test_people_and_companies_are_customers_with_their_own_names(world: World, is_person: bool) -> None:
    person = {"FirstName": "Ada", "LastName": "Berg", "PersonEmail": "ada@berg.example"}
    account = world.sandbox.insert("Account", person) if is_person else world.seller.account("Berg AS")
    deal = world.seller.quote(account=account)

    world.look_at(deal)

    _is_done(world, deal, "2200.00")
    assert world.order(deal).customer_name == ("Ada Berg" if is_person else "Berg AS")


_PLAIN = {"multicurrency": False, "person_accounts": False}


def test_an_org_of_one_currency_without_person_accounts_is_told_the_one_setting_it_needs(
    make_world: Callable[..., World], sqlite_database: Database
) -> None:
    world = make_world(sqlite_database, sandbox_options=_PLAIN)
    deal = world.seller.quote()

    world.look_at(deal)

    shown = world.shown(deal)
    assert shown["Status"] == "Blocked"
    assert 'currency = { constant = "USD" }' in shown["Error"]


def test_an_org_of_one_currency_bills_in_the_currency_of_the_settings(
    make_world: Callable[..., World], sqlite_database: Database
) -> None:
    raw = _example("model-org.toml")
    raw["mapping"]["defaults"]["header"]["currency"] = {"constant": "EUR"}
    world = make_world(sqlite_database, sandbox_options=_PLAIN, **raw)
    deal = world.seller.quote()

    world.look_at(deal)

    _is_done(world, deal, "2200.00")
    assert world.order(deal).currency == "EUR"


def test_an_org_of_several_currencies_bills_each_deal_in_its_own(world: World) -> None:
    deal = world.seller.quote([("PLATFORM", "1", "1000", {"CurrencyIsoCode": "EUR"})], CurrencyIsoCode="EUR")

    world.look_at(deal)

    assert world.order(deal).currency == "EUR", world.shown(deal)["Error"]
