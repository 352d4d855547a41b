"""One deal from its signature to its end, told by date: every invoice as finance sees it.

The deals are signed in the sandbox org and read over HTTP; the billing runs are those of the product.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from connector.bootstrap import make_biller
from connector.store.unit_of_work import Database
from connector.usecases.show_contract import show_contract
from tests.billing import Books, same
from tests.domain.making import day
from tests.selling import Line, SignedDeal
from tests.world import World


class Deal:
    """One customer's contract, as the sales team and finance live with it."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.books = Books(world.database, world.clock)
        self.books.biller = make_biller(world.services, executor_id="here")
        self.first: SignedDeal | None = None
        self.frequency = "Annual"

    def sign(self, *lines: Line, account: str = "", **header: Any) -> SignedDeal:
        """The initial deal."""
        self.frequency = header.get("Billing_Frequency__c", self.frequency)
        self.first = self._signed(lines, account or self.world.seller.account(), header)
        return self.first

    def change(self, deal_type: str, *lines: Line, **header: Any) -> SignedDeal:
        """A deal that changes, renews or cancels the contract."""
        assert self.first is not None
        amends = {"Deal_Type__c": deal_type, "Amends_Record_Id__c": self.first.id}
        amends |= {"Billing_Frequency__c": self.frequency}
        return self._signed(lines, self.first.account, amends | header)

    def bill(self, as_of: str) -> dict[str, int]:
        """The run of a day."""
        return self.books.bill(as_of)

    def _signed(self, lines: tuple[Line, ...], account: str, header: dict[str, Any]) -> SignedDeal:
        total = {"Total_Contract_Value__c": None}
        deal = self.world.seller.quote(lines, account=account, **(total | header))
        self.world.look_at(deal)
        assert self.world.order(deal).state == "FULFILLED", self.world.order(deal).faults
        return deal

    @property
    def table(self) -> str:
        """All documents so far."""
        return self.books.table().replace("Halyard Platform", "Platform").replace("Seat ", "Seats ")

    @property
    def value(self) -> Decimal:
        """What the contract is worth."""
        assert self.first is not None
        value = self.world.contract(self.first).value
        assert isinstance(value, Decimal)
        return value


@pytest.fixture
def deal(world: World) -> Deal:
    return Deal(world)


PLATFORM: Line = ("PLATFORM", "1", "1000")
SEATS_50: Line = ("SEAT", "50", "24")


def seats(quantity: str, prior: str, price: str = "24") -> Line:
    """Seats of a change: the new total and the one before."""
    return ("SEAT", quantity, price, {"Prior_Quantity__c": Decimal(prior)})


def test_sign_bill_upsell_bill_renew_cancel_with_credit(deal: Deal) -> None:
    # 1 April 2026: 1,000 for the platform and 50 seats at 24, a year in advance.
    deal.sign(PLATFORM, SEATS_50)
    deal.bill("2026-04-01")

    # 1 October: ten more seats, half a year of 240: 182/365.
    deal.change("Upsell", seats("60", "50"), Contract_Start__c=day("2026-10-01"))
    deal.bill("2026-10-01")

    # 1 April 2027: a second year with 60 seats.
    deal.change(
        "Renewal",
        PLATFORM,
        ("SEAT", "60", "24"),
        Contract_Start__c=day("2027-04-01"),
        Contract_End__c=day("2028-03-31"),
    )
    deal.bill("2027-04-01")

    # 1 January 2028: cancelled, 91 of 366 days come back.
    deal.change("Cancellation", Cancel_From__c=day("2028-01-01"), Credit_Unused__c=True)
    deal.bill("2028-01-01")

    assert same(
        deal.table,
        """
        2026-04-01  invoice      Platform  2026-04-01  2027-03-31  1000.00 USD
        2026-04-01  invoice      Seats     2026-04-01  2027-03-31  1200.00 USD
        2026-10-01  invoice      Seats     2026-10-01  2027-03-31   119.67 USD
        2027-04-01  invoice      Platform  2027-04-01  2028-03-31  1000.00 USD
        2027-04-01  invoice      Seats     2027-04-01  2028-03-31  1440.00 USD
        2028-01-01  credit_note  Platform  2028-01-01  2028-03-31  -248.63 USD
        2028-01-01  credit_note  Seats     2028-01-01  2028-03-31  -358.03 USD
        """,
    )
    invoices = [row.draft_key for row in deal.books.drafts()]
    assert deal.books.drafts()[-1].lowers == [invoices[2]]
    assert deal.value == Decimal("4153.01") == sum(row.net for row in deal.books.drafts())
    assert deal.bill("2029-01-01") == {}


def test_nothing_depends_on_the_day_a_run_is_made(deal: Deal) -> None:
    deal.sign(PLATFORM, SEATS_50, Billing_Frequency__c="Quarterly")
    deal.change("Upsell", seats("60", "50"), Contract_Start__c=day("2026-08-15"))

    deal.bill("2027-12-31")

    assert same(
        deal.table,
        """
        2026-04-01  invoice  Platform  2026-04-01  2026-06-30  250.00 USD
        2026-04-01  invoice  Seats     2026-04-01  2026-06-30  300.00 USD
        2026-07-01  invoice  Platform  2026-07-01  2026-09-30  250.00 USD
        2026-07-01  invoice  Seats     2026-07-01  2026-09-30  300.00 USD
        2026-08-15  invoice  Seats     2026-08-15  2026-09-30   30.90 USD
        2026-10-01  invoice  Platform  2026-10-01  2026-12-31  250.00 USD
        2026-10-01  invoice  Seats     2026-10-01  2026-12-31  300.00 USD
        2026-10-01  invoice  Seats     2026-10-01  2026-12-31   60.00 USD
        2027-01-01  invoice  Platform  2027-01-01  2027-03-31  250.00 USD
        2027-01-01  invoice  Seats     2027-01-01  2027-03-31  300.00 USD
        2027-01-01  invoice  Seats     2027-01-01  2027-03-31   60.00 USD
        """,
    )


def test_a_price_change_credits_the_old_terms_and_charges_the_new(deal: Deal) -> None:
    deal.sign(PLATFORM, ("SEAT", "10", "36.5"))
    deal.bill("2026-04-01")

    # From 1 October on 73 instead of 36.50 a seat and year: 182 days of both.
    deal.change("Amendment", ("SEAT", "10", "73"), Contract_Start__c=day("2026-10-01"))
    deal.bill("2026-10-01")

    assert same(
        deal.table,
        """
        2026-04-01  invoice  Platform  2026-04-01  2027-03-31  1000.00 USD
        2026-04-01  invoice  Seats     2026-04-01  2027-03-31   365.00 USD
        2026-10-01  invoice  Seats     2026-10-01  2027-03-31  -182.00 USD
        2026-10-01  invoice  Seats     2026-10-01  2027-03-31   364.00 USD
        """,
    )


def test_a_downsell_without_credit_waits_for_the_next_quarter(deal: Deal) -> None:
    deal.sign(PLATFORM, SEATS_50, Billing_Frequency__c="Quarterly")
    deal.bill("2026-07-01")

    deal.change("Downsell", seats("40", "50"), Contract_Start__c=day("2026-08-15"))
    deal.bill("2026-10-01")

    assert [amount for _day, _kind, amount in deal.books.totals()] == ["550.00", "550.00", "490.00"]


def test_a_cancellation_that_arrives_after_the_run_is_a_credit_note(deal: Deal) -> None:
    deal.sign(PLATFORM, SEATS_50, Billing_Frequency__c="Quarterly")
    deal.bill("2026-10-01")

    deal.change("Cancellation", Cancel_From__c=day("2026-07-01"))
    deal.bill("2026-10-05")

    assert same(
        deal.table,
        """
        2026-04-01  invoice      Platform  2026-04-01  2026-06-30   250.00 USD
        2026-04-01  invoice      Seats     2026-04-01  2026-06-30   300.00 USD
        2026-07-01  invoice      Platform  2026-07-01  2026-09-30   250.00 USD
        2026-07-01  invoice      Seats     2026-07-01  2026-09-30   300.00 USD
        2026-10-01  invoice      Platform  2026-10-01  2026-12-31   250.00 USD
        2026-10-01  invoice      Seats     2026-10-01  2026-12-31   300.00 USD
        2026-10-05  credit_note  Platform  2026-07-01  2026-09-30  -250.00 USD
        2026-10-05  credit_note  Seats     2026-07-01  2026-09-30  -300.00 USD
        2026-10-05  credit_note  Platform  2026-10-01  2026-12-31  -250.00 USD
        2026-10-05  credit_note  Seats     2026-10-01  2026-12-31  -300.00 USD
        """,
    )
    assert deal.value == Decimal("550.00")


def test_two_deals_of_one_customer_are_one_invoice_a_day(deal: Deal) -> None:
    first = deal.sign(PLATFORM, SEATS_50, Billing_Frequency__c="Monthly", Payment_Terms__c="Net 30")
    deal.sign(PLATFORM, SEATS_50, account=first.account, Billing_Frequency__c="Quarterly")

    assert deal.bill("2026-06-30")["drafts"] == 3
    assert [(str(row.bill_on), row.net) for row in deal.books.drafts()] == [
        ("2026-04-01", Decimal("733.33")),
        ("2026-05-01", Decimal("183.33")),
        ("2026-06-01", Decimal("183.33")),
    ]


def test_the_figures_of_the_contract_follow_its_invoices(deal: Deal) -> None:
    first = deal.sign(PLATFORM, SEATS_50, Billing_Frequency__c="Quarterly")
    deal.bill("2026-07-01")

    shown = show_contract(
        database=deal.world.database, number=deal.world.contract(first).number, today=day("2026-07-02")
    )

    assert (str(shown.total), str(shown.billed), str(shown.remaining)) == ("2200.00 USD", "1100.00 USD", "1100.00 USD")
    assert shown.next_invoice is not None
    assert (shown.next_invoice.bill_on, str(shown.next_invoice.amount)) == (day("2026-10-01"), "550.00 USD")


def test_the_story_is_the_same_on_postgresql(make_world: Callable[..., World], postgresql_database: Database) -> None:
    deal = Deal(make_world(postgresql_database))
    deal.sign(PLATFORM, SEATS_50)
    deal.bill("2026-04-01")
    deal.change("Cancellation", Cancel_From__c=day("2026-10-01"), Credit_Unused__c=True)

    deal.bill("2026-10-01")

    assert same(
        deal.table,
        """
        2026-04-01  invoice      Platform  2026-04-01  2027-03-31  1000.00 USD
        2026-04-01  invoice      Seats     2026-04-01  2027-03-31  1200.00 USD
        2026-10-01  credit_note  Platform  2026-10-01  2027-03-31  -498.63 USD
        2026-10-01  credit_note  Seats     2026-10-01  2027-03-31  -598.36 USD
        """,
    )
