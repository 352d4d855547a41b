"""An order is taken back: contract, access, Salesforce and the next billing run follow; nothing is deleted."""

from __future__ import annotations

from decimal import Decimal

import pytest

from connector.bootstrap import make_biller, make_undoer
from connector.domain.contracts import ContractRefused
from connector.errors import NotFound, Unavailable
from connector.store import tables
from connector.store.tables_access import scheduled_access
from connector.store.tables_billing import contract_undos
from connector.usecases.undo_order import AlreadyUndone, UndoneOrder, UndoRefused
from tests.billing import Books, same
from tests.domain.making import day
from tests.selling import SignedDeal
from tests.world import World


def _contract_and_upsell(world: World) -> tuple[SignedDeal, SignedDeal]:
    """1,000 a year for the platform and 24 for each of 50 seats from April; 60 seats from October."""
    first = world.seller.quote()
    world.look_at(first)
    return first, _upsell(world, first)


def _upsell(
    world: World, first: SignedDeal, *, seats: str = "60", prior: str = "50", total: str | None = None
) -> SignedDeal:
    deal = world.seller.quote(
        [("SEAT", seats, "24", {"Prior_Quantity__c": Decimal(prior)})],
        account=first.account,
        Deal_Type__c="Upsell",
        Amends_Record_Id__c=first.id,
        Contract_Start__c=day("2026-10-01"),
        Total_Contract_Value__c=Decimal(total) if total else None,
    )
    world.look_at(deal)
    return deal


def _undo(world: World, deal: SignedDeal, *, on: str = "2026-12-01", reason: str = "Signed by mistake.") -> UndoneOrder:
    undoer = make_undoer(world.services)
    undone = undoer.undo(number=world.order(deal).number, on=day(on), reason=reason, actor="rosa")
    world.settle()
    return undone


def test_undoing_an_upsell_gives_the_contract_its_value_back(world: World) -> None:
    first, upsell = _contract_and_upsell(world)
    before = world.contract(first)

    undone = _undo(world, upsell)

    contract = world.contract(first)
    assert (before.value, contract.value) == (Decimal("2319.67"), Decimal("2200.00"))
    assert (undone.value_before.amount, undone.value_after.amount) == (before.value, contract.value)
    assert (contract.version, contract.next_bill_on) == (3, day("2026-04-01"))
    assert [row.is_undo for row in world.rows(tables.contract_versions)] == [False, False, True]


def test_the_order_stays_and_its_history_says_who_undid_it_and_why(world: World) -> None:
    _first, upsell = _contract_and_upsell(world)

    _undo(world, upsell)

    assert world.order(upsell).state == "FULFILLED"
    assert "undo:  -> 2026-12-01" in world.events(upsell)
    (row,) = world.rows(contract_undos)
    assert (row.reason, row.actor, row.on) == ("Signed by mistake.", "rosa", day("2026-12-01"))


def test_salesforce_shows_the_undone_order_and_the_new_value_on_all_records(world: World) -> None:
    first, upsell = _contract_and_upsell(world)

    _undo(world, upsell)

    shown = world.shown(upsell)
    assert (shown["Status"], shown["Error_Code"]) == ("Warning", "ORDER_UNDONE")
    assert shown["Error"] == "This order was undone from 2026-12-01: Signed by mistake."
    assert world.shown(first)["Status"] == "Synced"
    assert world.shown(first)["Contract_Value"] == shown["Contract_Value"] == Decimal("2200.00")


def test_access_goes_back_to_what_the_orders_left_sell(world: World) -> None:
    first, upsell = _contract_and_upsell(world)
    world.come(day("2026-10-01"))
    assert world.grants(first) == {"feature-seats": Decimal(60)}

    _undo(world, upsell, on="2026-10-01")

    assert world.grants(first) == {"feature-seats": Decimal(50)}


def test_access_of_an_order_that_is_undone_from_a_later_day_stays_until_then(world: World) -> None:
    first, upsell = _contract_and_upsell(world)

    _undo(world, upsell, on="2026-12-01")

    seats = []
    for on in ("2026-10-01", "2026-11-30", "2026-12-01"):
        world.come(day(on))
        seats.append(world.grants(first)["feature-seats"])
    assert seats == [60, 60, 50]
    assert {row.state for row in world.rows(scheduled_access)} == {"granted"}


def test_what_was_billed_is_reversed_on_the_day_and_nothing_is_deleted(world: World) -> None:
    _first, upsell = _contract_and_upsell(world)
    books = Books(world.database, world.clock)
    books.biller = make_biller(world.services, executor_id="here")
    books.bill("2026-10-31")

    _undo(world, upsell)
    books.bill("2026-12-31")

    assert same(
        books.table(),
        """
        2026-04-01  invoice      Halyard Analytics Platform  2026-04-01  2027-03-31  1000.00 USD
        2026-04-01  invoice      Seats                       2026-04-01  2027-03-31  1200.00 USD
        2026-10-01  invoice      Seats                       2026-10-01  2027-03-31   119.67 USD
        2026-12-01  credit_note  Seats                       2026-10-01  2027-03-31  -119.67 USD
        """.replace("Halyard Analytics Platform", books.items()[0].description).replace(
            "Seats", books.items()[1].description
        ),
    )
    upsold, note = books.drafts()[-2:]
    assert note.lowers == [upsold.draft_key]
    assert books.bill("2027-12-31") == {}


def test_an_order_signed_after_an_undone_one_is_valued_without_it(world: World) -> None:
    first, upsell = _contract_and_upsell(world)
    _undo(world, upsell)

    again = _upsell(world, first, seats="70")

    assert world.order(again).state == "FULFILLED"
    assert world.order(again).value == Decimal("239.34")
    assert world.contract(first).value == Decimal("2439.34")
    world.come(day("2026-10-01"))
    assert world.grants(first) == {"feature-seats": Decimal(70)}


def test_the_signed_total_of_a_later_order_is_compared_without_the_undone_one(world: World) -> None:
    first, upsell = _contract_and_upsell(world)
    _undo(world, upsell)

    again = _upsell(world, first, seats="70", total="2439.34")

    assert world.order(again).state == "FULFILLED", world.order(again).faults


def test_orders_are_undone_step_by_step_the_latest_first(world: World) -> None:
    first, upsell = _contract_and_upsell(world)
    later = _upsell(world, first, seats="80", prior="60")

    with pytest.raises(ContractRefused, match="Only the latest order can be undone"):
        _undo(world, upsell)

    _undo(world, later)
    _undo(world, upsell)
    assert world.contract(first).value == Decimal("2200.00")
    assert world.grants(first) == {"feature-seats": Decimal(50)}


def test_an_initial_order_is_not_undone(world: World) -> None:
    deal = world.seller.quote()
    world.look_at(deal)

    with pytest.raises(ContractRefused, match="only the initial order is left"):
        _undo(world, deal)

    assert world.rows(contract_undos) == []


def test_an_order_is_undone_once(world: World) -> None:
    _first, upsell = _contract_and_upsell(world)
    _undo(world, upsell)

    with pytest.raises(UndoRefused, match="was undone already, from 2026-12-01: Signed by mistake"):
        _undo(world, upsell)


def test_undoing_needs_a_reason(world: World) -> None:
    _first, upsell = _contract_and_upsell(world)

    with pytest.raises(UndoRefused, match="reason"):
        _undo(world, upsell, reason="  ")


def test_an_unknown_order_is_not_found(world: World) -> None:
    with pytest.raises(NotFound, match=r"no order O-000999"):
        make_undoer(world.services).undo(number="O-000999", on=day("2026-12-01"), reason="Why not.", actor="rosa")


def test_an_order_without_a_contract_has_nothing_to_undo(world: World) -> None:
    deal = world.seller.quote(Total_Contract_Value__c=Decimal(1))
    world.look_at(deal)

    with pytest.raises(UndoRefused, match="changed no contract yet"):
        _undo(world, deal)


def test_a_platform_that_was_away_is_brought_in_line_by_trying_again(world: World) -> None:
    first, upsell = _contract_and_upsell(world)
    world.platform.fail("grant", Unavailable("The platform did not answer."))

    with pytest.raises(Unavailable):
        _undo(world, upsell)
    assert world.contract(first).value == Decimal("2200.00")
    with pytest.raises(AlreadyUndone):
        _undo(world, upsell)

    assert world.grants(first) == {"feature-seats": Decimal(50)}


def test_looking_at_an_undone_order_again_changes_nothing(world: World) -> None:
    first, upsell = _contract_and_upsell(world)
    _undo(world, upsell)
    before = world.contract(first)

    world.resync(order=world.order(upsell).number)
    world.settle()

    assert world.contract(first) == before
    assert world.shown(upsell)["Error_Code"] == "ORDER_UNDONE"
    assert world.grants(first) == {"feature-seats": Decimal(50)}


def test_an_undone_cancellation_lets_contract_and_access_go_on(world: World) -> None:
    first = world.seller.quote(Billing_Frequency__c="Quarterly")
    world.look_at(first)
    ended = world.seller.quote(
        [],
        account=first.account,
        Deal_Type__c="Cancellation",
        Amends_Record_Id__c=first.id,
        Cancel_From__c=day("2026-10-01"),
        Total_Contract_Value__c=None,
    )
    world.look_at(ended)
    books = Books(world.database, world.clock)
    books.bill("2026-12-31")
    assert world.contract(first).value == Decimal("1100.00")

    _undo(world, ended, on="2026-10-15")
    books.bill("2027-01-31")

    assert world.contract(first).value == Decimal("2200.00")
    assert [(bill_on, net) for bill_on, _kind, net in books.totals()] == [
        ("2026-04-01", "550.00"),
        ("2026-07-01", "550.00"),
        ("2026-10-15", "550.00"),
        ("2027-01-01", "550.00"),
    ]
    (subscription,) = world.rows(tables.subscriptions)
    assert subscription.wanted["ends_on"] == day("2027-04-01")


def test_a_subscription_that_only_an_undone_order_sold_is_ended(world: World) -> None:
    first = world.seller.quote()
    world.look_at(first)
    more = world.seller.quote(
        [("SUPPORT", "1", "365")],
        account=first.account,
        Deal_Type__c="Upsell",
        Amends_Record_Id__c=first.id,
        Contract_Start__c=day("2026-10-01"),
        Total_Contract_Value__c=None,
    )
    world.look_at(more)
    assert world.order(more).state == "FULFILLED", world.order(more).faults

    _undo(world, more)

    states = {row.plan_ref: row.state for row in world.rows(tables.subscriptions)}
    assert states == {"plan-platform": "confirmed", "plan-support": "revoked"}
    later = _upsell(world, first)
    assert world.order(later).state == "FULFILLED"
    world.come(day("2026-10-01"))
    assert world.grants(first) == {"feature-seats": Decimal(60)}
