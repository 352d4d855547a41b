"""Refunds through the provider: set apart when asked for, sent once whatever breaks, settled by the provider's word."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
import sqlalchemy as sa

from connector.adapters.clock import FixedClock
from connector.domain.collecting import ObjectKind
from connector.store.tables_cash import refunds
from connector.store.tables_collecting import provider_refunds
from connector.usecases.refund_payment import request_refund
from tests.paying.airwallex import StrictAirwallex
from tests.paying.counter import Counter


def overpaid(counter: Counter, server: StrictAirwallex) -> int:
    """A payment of 1290 for an invoice of 1190."""
    invoice = counter.till.invoice("1190.00")
    counter.collect()
    intent = server.pay(counter.live(invoice).provider_ref, amount=Decimal("1290.00"))
    counter.tell(ObjectKind.PAYMENT, intent["id"])
    counter.apply()
    return counter.till.payment_ids()[0]


def ask(counter: Counter, payment: int, amount: str = "100.00", key: str = "click-1") -> int:
    """Finance asks for a refund."""
    return request_refund(
        desk=counter.till.desk, payment_id=payment, amount=Decimal(amount), reason="Paid too much", actor="finn",
        role="finance", request_key=key,
    ).id  # fmt: skip


def states(counter: Counter) -> list[tuple[str, str]]:
    """State of each refund here and at the provider."""
    query = sa.select(refunds.c.state, provider_refunds.c.state).outerjoin(
        provider_refunds, provider_refunds.c.refund_id == refunds.c.id
    )
    with counter.till.database.reading() as connection:
        return [(row[0], row[1]) for row in connection.execute(query.order_by(refunds.c.id))]


def test_a_refund_is_sent_once_and_settled_by_the_providers_word(
    counter: Counter, server: StrictAirwallex, clock: FixedClock
) -> None:
    payment = overpaid(counter, server)
    ask(counter, payment)

    counter.send_refunds()
    counter.send_refunds()
    counter.apply()
    on_its_way = states(counter)
    (refund,) = server.rows["refunds"].values()
    clock.advance(timedelta(days=1))
    server.move("refunds", refund["id"], status="SETTLED")
    counter.tell(ObjectKind.REFUND, refund["id"])
    counter.apply()

    assert (refund["amount"], refund["reason"]) == (Decimal("100.00"), "Paid too much")
    assert (on_its_way, states(counter)) == ([("requested", "sent")], [("settled", "sent")])
    assert counter.payments() == [("1290.00 EUR", "received", "0.00")]
    assert counter.till.open(1) == "0.00 EUR paid"
    assert counter.till.lost() == {}


@pytest.mark.parametrize("fault", ["cut_after", "cut_before", "500"])
def test_a_refund_whose_answers_are_lost_is_one_refund(
    sqlite_counter: Counter, server: StrictAirwallex, clock: FixedClock, fault: str
) -> None:
    ask(sqlite_counter, overpaid(sqlite_counter, server))
    server.fail(fault, "/refunds/create", times=5)

    first = sqlite_counter.send_refunds()
    clock.advance(timedelta(minutes=1))
    second = sqlite_counter.send_refunds()

    assert (first["refunds_failed"], second["refunds_sent"]) == (1, 1)
    assert len(server.rows["refunds"]) == 1


def test_the_word_of_a_refund_can_come_before_the_answer_to_the_call(
    sqlite_counter: Counter, server: StrictAirwallex, clock: FixedClock
) -> None:
    ask(sqlite_counter, overpaid(sqlite_counter, server))
    server.fail("cut_after", "/refunds/create", times=5)
    sqlite_counter.send_refunds()
    (refund,) = server.rows["refunds"].values()
    server.move("refunds", refund["id"], status="SETTLED")
    sqlite_counter.tell(ObjectKind.REFUND, refund["id"])

    sqlite_counter.apply()
    clock.advance(timedelta(minutes=1))
    sqlite_counter.send_refunds()
    sqlite_counter.apply()

    assert states(sqlite_counter) == [("settled", "sent")]
    assert len(server.rows["refunds"]) == 1
    assert sqlite_counter.payments() == [("1290.00 EUR", "received", "0.00")]


def test_a_refund_that_the_provider_refuses_frees_the_money_and_says_why(
    sqlite_counter: Counter, server: StrictAirwallex
) -> None:
    payment = overpaid(sqlite_counter, server)
    intent = sqlite_counter.till.payment(payment).arrived.source_ref
    server.move("payment_intents", intent, captured_amount=Decimal("50.00"))
    ask(sqlite_counter, payment)

    sqlite_counter.send_refunds()

    assert states(sqlite_counter) == [("failed", "refused")]
    assert sqlite_counter.payments() == [("1290.00 EUR", "received", "100.00")]


def test_a_refund_that_fails_later_is_credit_again(
    sqlite_counter: Counter, server: StrictAirwallex, clock: FixedClock
) -> None:
    ask(sqlite_counter, overpaid(sqlite_counter, server))
    sqlite_counter.send_refunds()
    sqlite_counter.apply()
    (refund,) = server.rows["refunds"].values()
    clock.advance(timedelta(days=1))
    server.move("refunds", refund["id"], status="FAILED", failure_reason="account closed")
    sqlite_counter.poll()

    sqlite_counter.apply()

    assert states(sqlite_counter) == [("failed", "sent")]
    assert sqlite_counter.payments() == [("1290.00 EUR", "received", "100.00")]
    assert sqlite_counter.differences() == ["PAID_TOO_MUCH", "REFUND_FAILED"]


def test_a_deposit_cannot_go_back_by_the_provider(sqlite_counter: Counter, server: StrictAirwallex) -> None:
    deposit = server.deposit(amount="80.00")
    sqlite_counter.tell(ObjectKind.DEPOSIT, deposit["id"])
    sqlite_counter.apply()
    ask(sqlite_counter, sqlite_counter.till.payment_ids()[0], "80.00")

    sqlite_counter.send_refunds()

    assert states(sqlite_counter) == [("requested", "by_hand")]
    assert server.rows["refunds"] == {}


def test_a_refund_made_in_the_providers_web_app_opens_only_what_went_back(
    sqlite_counter: Counter, server: StrictAirwallex
) -> None:
    invoice = sqlite_counter.till.invoice("1190.00")
    sqlite_counter.collect()
    intent = server.pay(sqlite_counter.live(invoice).provider_ref)
    refund = server._new(
        "refunds", payment_intent_id=intent["id"], amount=Decimal("190.00"), currency="EUR", status="SETTLED"
    )
    # The refund is told of, its payment is not.
    sqlite_counter.tell(ObjectKind.REFUND, refund["id"])

    sqlite_counter.apply()
    sqlite_counter.tell(ObjectKind.REFUND, refund["id"], event_id="again")
    sqlite_counter.apply()

    assert sqlite_counter.till.open(invoice) == "190.00 EUR part_paid"
    assert sqlite_counter.differences() == ["REFUNDED_OUTSIDE"]
    assert sqlite_counter.till.lost() == {}
