"""From an event to the ledger: fetched before it is believed, compared with what is open, booked once, never lost."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
import sqlalchemy as sa

from connector.adapters.clock import FixedClock
from connector.adapters.payments_embedded import EmbeddedPayments
from connector.domain.collecting import LinkState, ObjectKind, PayOutcome
from connector.store.tables_billing import invoices
from connector.usecases.apply_payment_event import Applied, look_again
from tests.paying.airwallex import StrictAirwallex
from tests.paying.counter import Counter

PAYMENT, DEPOSIT, LINK = ObjectKind.PAYMENT, ObjectKind.DEPOSIT, ObjectKind.LINK


def linked(counter: Counter, gross: str = "1190.00", currency: str = "EUR") -> tuple[int, str]:
    """An issued invoice and the provider's name for its link."""
    invoice = counter.till.invoice(gross, currency)
    counter.collect()
    return invoice, counter.live(invoice).provider_ref


def test_a_payment_by_the_link_pays_the_invoice(counter: Counter, server: StrictAirwallex) -> None:
    invoice, link = linked(counter)
    counter.tell(PAYMENT, server.pay(link)["id"])

    assert counter.apply() == Applied(done=1)

    assert counter.till.open(invoice) == "0.00 EUR paid"
    assert counter.payments() == [("1190.00 EUR", "received", "0.00")]
    assert (counter.live(invoice).state, counter.differences()) == (LinkState.PAID, [])
    assert counter.till.lost() == {}


def test_the_same_word_again_in_every_way_is_one_payment(counter: Counter, server: StrictAirwallex) -> None:
    invoice, link = linked(counter)
    ref = server.pay(link)["id"]
    for kind, name, event_id in ((PAYMENT, ref, "e1"), (PAYMENT, ref, "e1"), (LINK, link, "e2"), (PAYMENT, ref, "e3")):
        counter.tell(kind, name, event_id=event_id)
        counter.apply()
    counter.poll()
    counter.apply()
    counter.collect(is_full=True)

    assert counter.payments() == [("1190.00 EUR", "received", "0.00")]
    assert counter.events() == ["done", "done", "done"]
    assert counter.told(invoice) == ["1190.00 EUR paid"]


def test_an_event_says_only_where_to_look(sqlite_counter: Counter, server: StrictAirwallex) -> None:
    invoice, link = linked(sqlite_counter)
    sqlite_counter.tell(PAYMENT, server.pay(link, status="REQUIRES_PAYMENT_METHOD")["id"])

    sqlite_counter.apply()

    assert sqlite_counter.till.open(invoice) == "1190.00 EUR open"
    assert sqlite_counter.payments() == []


def test_too_little_stays_open_and_gets_a_link_of_its_own(counter: Counter, server: StrictAirwallex) -> None:
    invoice, link = linked(counter)
    counter.tell(PAYMENT, server.pay(link, amount=Decimal("900.00"))["id"])

    counter.apply()
    counter.collect()

    assert counter.till.open(invoice) == "290.00 EUR part_paid"
    assert counter.differences() == ["PAID_TOO_LITTLE"]
    assert counter.told(invoice) == ["1190.00 EUR paid", "290.00 EUR open"]


def test_too_much_is_credit_and_never_over_allocated(sqlite_counter: Counter, server: StrictAirwallex) -> None:
    invoice, link = linked(sqlite_counter)
    sqlite_counter.tell(PAYMENT, server.pay(link, amount=Decimal("1200.00"))["id"])

    sqlite_counter.apply()

    assert sqlite_counter.till.open(invoice) == "0.00 EUR paid"
    assert sqlite_counter.payments() == [("1200.00 EUR", "received", "10.00")]
    assert sqlite_counter.differences() == ["PAID_TOO_MUCH"]


def test_another_currency_is_booked_and_pays_nothing(sqlite_counter: Counter, server: StrictAirwallex) -> None:
    invoice, link = linked(sqlite_counter)
    sqlite_counter.tell(PAYMENT, server.pay(link, amount=Decimal("1300.00"), currency="USD")["id"])

    sqlite_counter.apply()

    (payment,) = sqlite_counter.till.payment_ids()
    assert sqlite_counter.till.open(invoice) == "1190.00 EUR open"
    assert sqlite_counter.payments() == [("1300.00 USD", "received", "1300.00")]
    assert sqlite_counter.till.payment(payment).match_state == "review"
    assert sqlite_counter.differences() == ["CURRENCY_DIFFERS"]


def test_a_payment_for_what_was_credited_meanwhile_is_kept_as_credit(
    sqlite_counter: Counter, server: StrictAirwallex
) -> None:
    invoice, link = linked(sqlite_counter)
    sqlite_counter.till.credit(invoice, "1190.00")
    sqlite_counter.tell(PAYMENT, server.pay(link)["id"])

    sqlite_counter.apply()

    (payment,) = sqlite_counter.till.payment_ids()
    assert sqlite_counter.payments() == [("1190.00 EUR", "received", "1190.00")]
    assert sqlite_counter.till.payment(payment).arrived.customer_ref == "001A"
    assert sqlite_counter.differences() == ["NOTHING_OPEN"]


def test_a_payment_for_a_void_invoice_is_kept_as_credit(sqlite_counter: Counter, server: StrictAirwallex) -> None:
    invoice, link = linked(sqlite_counter)
    with sqlite_counter.till.database.unit_of_work() as work:
        work.execute(sa.update(invoices).where(invoices.c.id == invoice).values(state="void"))
        work.commit()
    sqlite_counter.tell(PAYMENT, server.pay(link)["id"])

    sqlite_counter.apply()

    assert sqlite_counter.payments() == [("1190.00 EUR", "received", "1190.00")]
    assert sqlite_counter.differences() == ["NOT_ISSUED"]


@pytest.mark.parametrize("amount", ["0", "-5.00"])
def test_an_amount_that_is_no_money_is_shown_and_not_booked(
    sqlite_counter: Counter, server: StrictAirwallex, amount: str
) -> None:
    invoice, link = linked(sqlite_counter)
    ref = server.pay(link)["id"]
    server.move("payment_intents", ref, captured_amount=Decimal(amount))
    sqlite_counter.tell(PAYMENT, ref)

    sqlite_counter.apply()

    assert (sqlite_counter.payments(), sqlite_counter.differences()) == ([], ["AMOUNT_NOT_POSITIVE"])
    assert sqlite_counter.till.open(invoice) == "1190.00 EUR open"


@pytest.mark.parametrize(
    ("amount", "currency"),
    [
        ("10.001", "EUR"),
        ("10.00", "XYZ"),
        ("10.5", "JPY"),
        ("1000000000000.00", "EUR"),
        ("1e400", "EUR"),
    ],
)
def test_money_that_cannot_exist_is_given_to_a_person(
    sqlite_counter: Counter, server: StrictAirwallex, amount: str, currency: str
) -> None:
    _, link = linked(sqlite_counter)
    ref = server.pay(link)["id"]
    server.move("payment_intents", ref, captured_amount=Decimal(amount), currency=currency)
    sqlite_counter.tell(PAYMENT, ref)

    assert sqlite_counter.apply() == Applied(given_up=1)
    assert sqlite_counter.events()[0].startswith("failed ")


def test_an_event_that_nobody_anticipated_waits_visibly_and_holds_up_no_other(
    sqlite_counter: Counter, server: StrictAirwallex, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, link = linked(sqlite_counter)
    ref = server.pay(link)["id"]
    sqlite_counter.tell(PAYMENT, ref, event_id="evt_1")
    sqlite_counter.tell(PAYMENT, ref, event_id="evt_2")

    def break_once(_self: object, **_asked: object) -> None:
        monkeypatch.undo()
        raise RuntimeError("a bug")

    monkeypatch.setattr(type(sqlite_counter.provider), "fetch", break_once)

    assert sqlite_counter.apply() == Applied(done=1, waiting=1)
    assert sqlite_counter.payments() == [("1190.00 EUR", "received", "0.00")]
    assert sorted(sqlite_counter.events())[1] == "waiting UNEXPECTED"


def test_an_event_about_nothing_that_exists_is_kept_and_shown(sqlite_counter: Counter, clock: FixedClock) -> None:
    sqlite_counter.tell(PAYMENT, "int_unknown", event_id="evt_1")
    for _ in range(4):
        assert sqlite_counter.apply().waiting == 1
        clock.advance(timedelta(hours=1))

    assert sqlite_counter.apply() == Applied(given_up=1)
    assert sqlite_counter.events() == ["unknown UNKNOWN_OBJECT"]
    assert look_again(database=sqlite_counter.till.database, event_id=1)
    assert sqlite_counter.apply().waiting == 1


def test_a_payment_of_somebody_elses_link_is_booked_and_left_to_matching(
    sqlite_counter: Counter, server: StrictAirwallex
) -> None:
    _, link = linked(sqlite_counter)
    intent = server.pay(link)
    server.move("payment_intents", intent["id"], payment_link_id="plink_other", metadata={})
    sqlite_counter.tell(PAYMENT, intent["id"])

    sqlite_counter.apply()

    (payment,) = sqlite_counter.till.payment_ids()
    found = sqlite_counter.till.payment(payment)
    assert (found.match_state, found.arrived.references) == ("waiting", ("DE-2026-000001",))
    assert sqlite_counter.differences() == ["NO_LINK"]


def test_a_link_is_found_by_the_key_we_gave_when_the_provider_does_not_name_it(
    sqlite_counter: Counter, server: StrictAirwallex
) -> None:
    invoice, link = linked(sqlite_counter)
    intent = server.pay(link)
    server.move("payment_intents", intent["id"], payment_link_id="")
    sqlite_counter.tell(PAYMENT, intent["id"])

    sqlite_counter.apply()

    assert sqlite_counter.till.open(invoice) == "0.00 EUR paid"


def test_the_customer_who_pays_while_we_withdraw_has_paid(counter: Counter, server: StrictAirwallex) -> None:
    invoice, link = linked(counter)
    counter.till.credit(invoice, "190.00")
    server.pay(link)

    counter.collect()
    counter.apply()

    assert counter.till.open(invoice) == "0.00 EUR paid"
    assert (counter.told(invoice), counter.differences()) == (["1190.00 EUR paid"], ["PAID_TOO_MUCH"])


def test_money_that_no_event_told_of_is_found_by_asking(counter: Counter, server: StrictAirwallex) -> None:
    invoice, link = linked(counter)
    server.pay(link)
    server.deposit(amount="500.00", reference="RF18539007547034", fee={"amount": Decimal("2.50"), "currency": "EUR"})

    assert counter.poll() == {"told": 2, "new": 2, "again": 0}
    counter.apply()
    assert counter.poll()["new"] == 0

    assert counter.till.open(invoice) == "0.00 EUR paid"
    assert [row[0] for row in counter.payments()] == ["1190.00 EUR", "500.00 EUR"]
    assert ("fee", "2.50") in counter.ledger()
    assert counter.till.lost() == {}


def test_a_deposit_waits_for_matching_with_its_reference(sqlite_counter: Counter, server: StrictAirwallex) -> None:
    deposit = server.deposit(amount="1190.00", reference="RF18 5390 0754 7034")
    sqlite_counter.tell(DEPOSIT, deposit["id"])

    sqlite_counter.apply()

    (payment,) = sqlite_counter.till.payment_ids()
    found = sqlite_counter.till.payment(payment)
    assert (found.match_state, found.arrived.references) == ("waiting", ("RF18 5390 0754 7034",))
    assert (found.arrived.payer_name, found.arrived.environment) == ("Payer Ltd", "127.0.0.1")


def test_a_deposit_on_its_way_is_shown_and_booked_when_it_settles(
    sqlite_counter: Counter, server: StrictAirwallex, clock: FixedClock
) -> None:
    deposit = server.deposit(amount="75.00")
    server.move("deposits", deposit["id"], status="PENDING")
    sqlite_counter.tell(DEPOSIT, deposit["id"])
    sqlite_counter.apply()
    before = sqlite_counter.payments()
    clock.advance(timedelta(days=30))
    server.move("deposits", deposit["id"], status="SETTLED")

    # Too old for the listing: it is asked for again because it was on its way.
    assert sqlite_counter.poll()["again"] == 1
    sqlite_counter.apply()

    assert (before, sqlite_counter.payments()) == ([], [("75.00 EUR", "received", "75.00")])


def test_a_reversed_deposit_opens_what_it_paid(sqlite_counter: Counter, server: StrictAirwallex) -> None:
    invoice = sqlite_counter.till.invoice("75.00")
    deposit = server.deposit(amount="75.00")
    sqlite_counter.tell(DEPOSIT, deposit["id"])
    sqlite_counter.apply()
    sqlite_counter.till.allocate(sqlite_counter.till.payment_ids()[0], {invoice: "75.00"})
    server.move("deposits", deposit["id"], status="REVERSED")
    sqlite_counter.tell(DEPOSIT, deposit["id"], event_id="evt_reversed")

    sqlite_counter.apply()

    assert sqlite_counter.till.open(invoice) == "75.00 EUR open"
    assert sqlite_counter.payments() == [("75.00 EUR", "returned", "0.00")]


def test_a_word_that_nobody_knows_is_shown_and_books_nothing(sqlite_counter: Counter, server: StrictAirwallex) -> None:
    deposit = server.deposit(amount="75.00")
    server.move("deposits", deposit["id"], status="TELEPORTED")
    sqlite_counter.tell(DEPOSIT, deposit["id"])

    sqlite_counter.apply()

    assert (sqlite_counter.payments(), sqlite_counter.differences()) == ([], ["UNKNOWN_STATE"])


def test_more_that_is_captured_later_is_a_further_payment(
    sqlite_counter: Counter, server: StrictAirwallex, clock: FixedClock
) -> None:
    invoice, link = linked(sqlite_counter)
    ref = server.pay(link, amount=Decimal("900.00"))["id"]
    sqlite_counter.tell(PAYMENT, ref)
    sqlite_counter.apply()
    clock.advance(timedelta(hours=1))
    server.move("payment_intents", ref, captured_amount=Decimal("1190.00"))
    for event_id in ("evt_2", "evt_3"):
        sqlite_counter.tell(PAYMENT, ref, event_id=event_id)
        sqlite_counter.apply()

    assert sqlite_counter.till.open(invoice) == "0.00 EUR paid"
    assert [row[0] for row in sqlite_counter.payments()] == ["900.00 EUR", "290.00 EUR"]


def test_a_provider_that_is_away_delays_and_loses_nothing(
    sqlite_counter: Counter, server: StrictAirwallex, clock: FixedClock
) -> None:
    invoice, link = linked(sqlite_counter)
    sqlite_counter.tell(PAYMENT, server.pay(link)["id"])
    server.fail("html", "/payment_intents", times=5)

    assert sqlite_counter.apply() == Applied(waiting=1)
    clock.advance(timedelta(minutes=1))
    sqlite_counter.apply()

    assert sqlite_counter.till.open(invoice) == "0.00 EUR paid"


@pytest.mark.parametrize(
    ("outcome", "open_after", "codes"),
    [
        (PayOutcome.PAID, "0.00 EUR paid", []),
        (PayOutcome.DECLINED, "1190.00 EUR open", []),
        (PayOutcome.PARTIAL, "595.00 EUR part_paid", ["PAID_TOO_LITTLE"]),
        (PayOutcome.REFUNDED, "1190.00 EUR open", ["REFUNDED_OUTSIDE"]),
        (PayOutcome.DISPUTED, "0.00 EUR paid", ["DISPUTED"]),
    ],
)
def test_each_magic_value_ends_as_it_says(
    embedded_counter: Counter, embedded: EmbeddedPayments, outcome: PayOutcome, open_after: str, codes: list[str]
) -> None:
    invoice, link = linked(embedded_counter)

    embedded.pay(link_ref=link, outcome=outcome)
    embedded_counter.poll()
    embedded_counter.apply()

    assert (embedded_counter.till.open(invoice), embedded_counter.differences()) == (open_after, codes)
    assert embedded_counter.till.lost() == {}


def test_a_delayed_payment_pays_when_it_settles(
    embedded_counter: Counter, embedded: EmbeddedPayments, clock: FixedClock
) -> None:
    invoice, link = linked(embedded_counter)
    embedded.pay(link_ref=link, outcome=PayOutcome.DELAYED)
    embedded_counter.poll()
    embedded_counter.apply()
    before = embedded_counter.till.open(invoice)
    clock.advance(timedelta(minutes=2))

    embedded_counter.poll()
    embedded_counter.apply()

    assert (before, embedded_counter.till.open(invoice)) == ("1190.00 EUR open", "0.00 EUR paid")


@pytest.mark.parametrize(("is_lost", "open_after"), [(True, "1190.00 EUR open"), (False, "0.00 EUR paid")])
def test_a_dispute_moves_money_only_when_it_is_lost(
    embedded_counter: Counter, embedded: EmbeddedPayments, clock: FixedClock, is_lost: bool, open_after: str
) -> None:
    invoice, link = linked(embedded_counter)
    _, dispute = embedded.pay(link_ref=link, outcome=PayOutcome.DISPUTED)
    embedded_counter.poll()
    embedded_counter.apply()
    disputed = embedded_counter.payments()
    clock.advance(timedelta(days=1))
    embedded.decide_dispute(ref=dispute.ref, is_lost=is_lost)
    for _ in range(2):
        embedded_counter.tell(ObjectKind.DISPUTE, dispute.ref)
        embedded_counter.apply()

    assert disputed == [("1190.00 EUR", "disputed", "0.00")]
    assert embedded_counter.till.open(invoice) == open_after
    assert embedded_counter.payments()[0][1] == ("returned" if is_lost else "received")
    assert embedded_counter.till.lost() == {}
