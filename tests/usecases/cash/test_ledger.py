"""The ledger: what is open always follows from postings, nothing is overwritten, nothing is allocated twice."""

from __future__ import annotations

import threading
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa

from connector.domain.fulfilment import IllegalTransition
from connector.domain.money import Money
from connector.domain.payments import PaymentEvent, PaymentRefused, PaymentState
from connector.domain.review import DecisionRefused
from connector.errors import NotFound
from connector.store import audit
from connector.store.ledger import load_postings
from connector.store.tables_cash import ledger_lines, postings
from connector.usecases.allocate_payment import undo_allocation
from connector.usecases.receive_payment import move, receive_payment, return_payment
from connector.usecases.refund_payment import fail_refund, request_refund, settle_refund
from connector.usecases.write_off_invoice import undo_write_off, write_off_invoice
from tests.cashing import Till

_BY = {"actor": "finn", "role": "finance"}


def test_an_invoice_is_paid_in_two_parts(till: Till) -> None:
    invoice = till.invoice("1190.00")

    till.allocate(till.paid("1000.00"), {invoice: "1000.00"})
    after_first = till.open(invoice)
    till.allocate(till.paid("190.00"), {invoice: "190.00"})

    assert (after_first, till.open(invoice)) == ("190.00 EUR part_paid", "0.00 EUR paid")
    assert till.lost() == {}


def test_one_payment_pays_many_invoices_and_the_rest_is_credit(till: Till) -> None:
    invoices = [till.invoice(amount) for amount in ("100.00", "250.00")]
    payment = till.paid("400.00")

    till.allocate(payment, dict(zip(invoices, ("100.00", "250.00"), strict=True)))

    assert [till.open(one) for one in invoices] == ["0.00 EUR paid", "0.00 EUR paid"]
    assert till.left(payment) == "50.00"


def test_money_that_is_told_of_twice_is_there_once(till: Till) -> None:
    arrived = till.arrived("1190.00", ref="dep_1")

    first = receive_payment(desk=till.desk, arrived=arrived, actor="poll")
    second = receive_payment(desk=till.desk, arrived=arrived, actor="webhook")

    assert (first.is_new, second.is_new, first.payment_id) == (True, False, second.payment_id)
    assert till.left(first.payment_id) == "1190.00"


def test_an_announced_payment_is_no_money_until_it_is_received_with_what_really_came(till: Till) -> None:
    announced = till.arrived("1190.00", ref="int_1", state=PaymentState.PENDING)
    payment = receive_payment(desk=till.desk, arrived=announced, actor="provider").payment_id
    before = till.left(payment)

    came = till.arrived("1180.00", ref="int_1")
    for _ in range(2):
        receive_payment(desk=till.desk, arrived=came, actor="provider", charged=Money(Decimal("2.50"), "EUR"))

    assert (before, till.left(payment), till.payment(payment).state) == ("0.00", "1180.00", "received")
    assert till.lost() == {}


@pytest.mark.parametrize("amount", ["0", "-1.00", "1.001"])
def test_an_amount_that_cannot_be_is_refused(sqlite_till: Till, amount: str) -> None:
    with pytest.raises(PaymentRefused, match="no amount that can move"):
        sqlite_till.paid(amount)

    assert sqlite_till.payment_ids() == []


def test_more_than_is_left_or_open_is_refused(till: Till) -> None:
    small, large = till.invoice("100.00"), till.invoice("900.00")
    payment = till.paid("500.00")

    with pytest.raises(PaymentRefused, match=r"100\.00 EUR is open"):
        till.allocate(payment, {small: "100.01"})
    with pytest.raises(PaymentRefused, match="is left"):
        till.allocate(payment, {small: "100.00", large: "400.01"})

    assert (till.left(payment), till.open(small)) == ("500.00", "100.00 EUR open")


def test_another_currency_is_refused(sqlite_till: Till) -> None:
    invoice, payment = sqlite_till.invoice("100.00", "EUR"), sqlite_till.paid("100.00", "USD")

    with pytest.raises(PaymentRefused, match="the payment is in USD, the invoice in EUR") as refused:
        sqlite_till.allocate(payment, {invoice: "100.00"})

    assert refused.value.code == "CURRENCY_DIFFERS"


@pytest.mark.parametrize(("kind", "state"), [("invoice", "draft"), ("invoice", "void"), ("credit_note", "issued")])
def test_only_an_issued_invoice_can_be_paid(sqlite_till: Till, kind: str, state: str) -> None:
    document = sqlite_till.invoice("100.00", kind=kind, state=state)

    with pytest.raises(PaymentRefused):
        sqlite_till.allocate(sqlite_till.paid("100.00"), {document: "100.00"})


def test_a_double_click_allocates_once(till: Till) -> None:
    invoice, payment = till.invoice("1000.00"), till.paid("500.00")

    first = till.allocate(payment, {invoice: "200.00"}, key="same")
    second = till.allocate(payment, {invoice: "200.00"}, key="same")

    assert (first.is_repeated, second.is_repeated, till.left(payment)) == (False, True, "300.00")


def test_a_viewer_allocates_nothing(sqlite_till: Till) -> None:
    with pytest.raises(DecisionRefused, match="viewer"):
        sqlite_till.allocate(sqlite_till.paid("1.00"), {sqlite_till.invoice("1.00"): "1.00"}, who="vera")


def test_what_does_not_exist_is_said(sqlite_till: Till) -> None:
    with pytest.raises(NotFound, match="no invoice 99"):
        sqlite_till.allocate(sqlite_till.paid("1.00"), {99: "1.00"})
    with pytest.raises(NotFound, match="no payment 99"):
        sqlite_till.allocate(99, {sqlite_till.invoice("1.00"): "1.00"})


def test_taking_an_allocation_back_reopens_the_invoice_and_is_a_posting_of_its_own(till: Till) -> None:
    invoice, payment = till.invoice("100.00"), till.paid("100.00")
    (posting,) = till.allocate(payment, {invoice: "100.00"}).postings

    for _ in range(2):
        undo_allocation(desk=till.desk, posting_id=posting, payment_id=payment, reason="Wrong customer.", **_BY)

    assert (till.open(invoice), till.left(payment)) == ("100.00 EUR open", "100.00")
    with till.database.reading() as connection:
        kinds = [one.posting.kind.value for one in load_postings(connection=connection, payment_id=payment)]
    assert kinds == ["receive", "allocate", "undo"]
    again = till.allocate(payment, {invoice: "60.00"})
    assert str(again.left) == "40.00 EUR"


def test_a_returned_payment_reopens_what_it_paid(till: Till) -> None:
    first, second = till.invoice("100.00"), till.invoice("50.00")
    payment = till.paid("170.00")
    till.allocate(payment, {first: "100.00", second: "50.00"})

    for _ in range(2):
        return_payment(
            desk=till.desk, payment_id=payment, on=date(2026, 3, 5), actor="bank", reason="AC04", key="return-1"
        )

    assert [till.open(one) for one in (first, second)] == ["100.00 EUR open", "50.00 EUR open"]
    assert (till.left(payment), till.payment(payment).state, till.payment(payment).match_code) == (
        "0.00",
        "returned",
        "RETURNED",
    )
    assert till.lost() == {}
    with pytest.raises(PaymentRefused, match="returned"):
        till.allocate(payment, {first: "1.00"})


def test_a_return_of_a_part_takes_unused_money_first(till: Till) -> None:
    invoice, payment = till.invoice("100.00"), till.paid("130.00")
    till.allocate(payment, {invoice: "100.00"})

    reopened = return_payment(desk=till.desk, payment_id=payment, on=date(2026, 3, 5), actor="bank", reason="Part.",
                              key="r", amount=Money(Decimal("30.00"), "EUR"))  # fmt: skip

    assert (reopened, till.open(invoice), till.left(payment)) == ((), "0.00 EUR paid", "0.00")


def test_a_dispute_that_is_lost_takes_the_money_back(till: Till) -> None:
    invoice, payment = till.invoice("100.00"), till.paid("100.00")
    till.allocate(payment, {invoice: "100.00"})

    for event in (PaymentEvent.DISPUTE, PaymentEvent.DISPUTE, PaymentEvent.WIN, PaymentEvent.DISPUTE):
        move(desk=till.desk, payment_id=payment, event=event, actor="provider", reason="fraudulent")
    return_payment(desk=till.desk, payment_id=payment, on=date(2026, 3, 5), actor="provider", reason="Lost.", key="d")

    assert (till.open(invoice), till.payment(payment).state) == ("100.00 EUR open", "returned")
    with pytest.raises(IllegalTransition):
        move(desk=till.desk, payment_id=payment, event=PaymentEvent.WIN, actor="provider", reason="Late.")


def test_a_credit_after_the_payment_is_credit_of_the_customer(till: Till) -> None:
    invoice, payment = till.invoice("1190.00"), till.paid("1190.00")
    till.allocate(payment, {invoice: "1190.00"})

    till.credit(invoice, "297.50")

    assert (till.open(invoice), till.left(payment)) == ("0.00 EUR paid", "297.50")
    assert till.lost() == {}


def test_a_write_off_closes_an_invoice_and_can_be_taken_back(till: Till) -> None:
    invoice = till.invoice("100.00")
    till.allocate(till.paid("99.50"), {invoice: "99.50"})
    for _ in range(2):
        write_off_invoice(desk=till.desk, invoice_id=invoice, amount=Decimal("0.50"), reason="Bank charge.",
                          request_key="k", **_BY)  # fmt: skip
    closed = till.open(invoice)
    with till.database.reading() as connection:
        posting = load_postings(connection=connection, invoice_id=invoice)[-1]
        entries = audit.load_entries(connection=connection, subject_id=invoice)

    undo_write_off(desk=till.desk, invoice_id=invoice, posting_id=posting.id, reason="It came after all.", **_BY)

    assert (closed, till.open(invoice), till.lost()) == ("0.00 EUR paid", "0.50 EUR part_paid", {})
    assert [(entry.event, entry.actor, entry.reason) for entry in entries] == [("write_off", "finn", "Bank charge.")]


def test_a_refund_sets_money_apart_at_once_and_leaves_when_it_settles(till: Till) -> None:
    payment, invoice = till.paid("100.00"), till.invoice("100.00")
    asked: dict[str, Any] = {"payment_id": payment, "reason": "Paid twice.", "request_key": "r1", **_BY}

    refund = request_refund(desk=till.desk, amount=Decimal("80.00"), **asked)
    again = request_refund(desk=till.desk, amount=Decimal("80.00"), **asked)
    with pytest.raises(PaymentRefused):
        till.allocate(payment, {invoice: "20.01"})
    for _ in range(2):
        settle_refund(desk=till.desk, refund_id=refund.id, actor="provider", provider_ref="rfd_1")

    assert (refund.id, till.left(payment), till.lost()) == (again.id, "20.00", {})


@pytest.mark.parametrize("is_settled", [False, True])
def test_a_refund_that_fails_is_credit_again(till: Till, is_settled: bool) -> None:
    payment = till.paid("100.00")
    refund = request_refund(desk=till.desk, payment_id=payment, amount=Decimal("80.00"), reason="Paid twice.",
                            request_key="r1", **_BY)  # fmt: skip
    if is_settled:
        settle_refund(desk=till.desk, refund_id=refund.id, actor="provider")

    for _ in range(2):
        fail_refund(desk=till.desk, refund_id=refund.id, actor="provider", message="The account is closed.")

    assert (till.left(payment), till.lost()) == ("100.00", {})


def test_more_than_is_unused_is_not_refunded(sqlite_till: Till) -> None:
    payment = sqlite_till.paid("100.00")
    sqlite_till.allocate(payment, {sqlite_till.invoice("60.00"): "60.00"})

    with pytest.raises(PaymentRefused, match=r"40\.00 EUR of payment"):
        request_refund(desk=sqlite_till.desk, payment_id=payment, amount=Decimal("40.01"), reason="No.",
                       request_key="r", **_BY)  # fmt: skip


@pytest.mark.parametrize(("of", "amount"), [("other", "10.00"), ("same", "11.00")])
def test_a_request_for_a_refund_is_never_answered_with_another_one(sqlite_till: Till, of: str, amount: str) -> None:
    payments = {"same": sqlite_till.paid("100.00"), "other": sqlite_till.paid("100.00")}
    asked: dict[str, Any] = {"desk": sqlite_till.desk, "reason": "Paid twice.", "request_key": "r1", **_BY}
    request_refund(payment_id=payments["same"], amount=Decimal("10.00"), **asked)

    with pytest.raises(PaymentRefused, match="was made before"):
        request_refund(payment_id=payments[of], amount=Decimal(amount), **asked)


def test_people_at_once_never_allocate_more_than_there_is(till: Till) -> None:
    invoices = [till.invoice("100.00") for _ in range(3)]
    payments = [till.paid("100.00"), till.paid("50.00")]
    gate = threading.Barrier(6)

    def click(payment: int, invoice: int) -> None:
        gate.wait(timeout=30)
        try:
            till.allocate(payment, {invoice: "50.00"}, key=f"{payment}-{invoice}")
        except PaymentRefused:
            return

    threads = [threading.Thread(target=click, args=(p, i)) for p in payments for i in invoices]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)

    assert [till.left(one) for one in payments] == ["0.00", "0.00"]
    assert till.lost() == {}


@pytest.mark.parametrize("table", [postings, ledger_lines])
def test_the_database_refuses_to_change_the_ledger(till: Till, table: sa.Table) -> None:
    till.paid("100.00")

    for statement in (table.delete(), table.update().values(posting_id=1) if table is ledger_lines
                      else table.update().values(kind="fee")):  # fmt: skip
        with pytest.raises(sa.exc.DBAPIError, match="never changed"), till.database.unit_of_work() as work:
            work.execute(statement)
