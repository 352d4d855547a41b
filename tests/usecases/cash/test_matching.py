"""Matching books by itself only what reference and currency leave no doubt about; everything else says why it waits."""

from __future__ import annotations

import random
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connector.adapters.clock import FixedClock
from connector.domain.matching import MatchRules
from connector.domain.payment_reference import creditor_reference
from connector.store import ledger
from connector.store.unit_of_work import Database
from connector.usecases.cash_desk import CashDesk
from connector.usecases.match_payments import match_payments
from connector.usecases.receive_payment import receive_payment, return_payment
from tests.cashing import Till
from tests.domain.vectors import billing_cases
from tests.reviewing import ENTITIES


def matched(till: Till, payment: int) -> str:
    """Match everything; what was decided on this payment."""
    match_payments(desk=till.desk)
    found = till.payment(payment)
    return f"{found.match_state} {found.match_code}"


@pytest.mark.parametrize("where", ["references", "text", "end_to_end"])
def test_a_reference_pays_its_invoice_wherever_it_stands(till: Till, where: str) -> None:
    till.invoice("1190.00", customer="001B")
    invoice = till.invoice("1190.00")
    reference = till.reference(invoice)
    payment = till.paid("1190.00", **{where: (reference,) if where == "references" else f"Invoice {reference} thanks"})

    assert matched(till, payment) == "matched exact"
    assert till.open(invoice) == "0.00 EUR paid"
    assert till.payment(payment).arrived.customer_ref == "001A"


def test_a_part_and_the_rest_and_more(till: Till) -> None:
    invoice = till.invoice("1190.00")
    reference = till.reference(invoice)

    words = [matched(till, till.paid(amount, text=reference)) for amount in ("1000.00", "200.00", "5.00")]

    assert words == ["matched partial", "matched over", "unapplied already_paid"]
    assert till.open(invoice) == "0.00 EUR paid"
    assert [till.left(one) for one in till.payment_ids()] == ["0.00", "10.00", "5.00"]


def test_several_references_that_add_up(till: Till) -> None:
    first, second = till.invoice("1190.00"), till.invoice("2380.00")
    text = f"{till.reference(first)} / {till.reference(second)}"

    assert matched(till, till.paid("3570.00", text=text)) == "matched several"
    assert [till.open(one) for one in (first, second)] == ["0.00 EUR paid", "0.00 EUR paid"]


def test_several_references_that_do_not_add_up_are_left_to_a_person(till: Till) -> None:
    first, second = till.invoice("1190.00"), till.invoice("2380.00")
    payment = till.paid("3000.00", text=f"{till.reference(first)} {till.reference(second)}")

    assert matched(till, payment) == "review sum_differs"
    assert till.left(payment) == "3000.00"


def test_another_currency_is_left_to_a_person(till: Till) -> None:
    payment = till.paid("1190.00", "USD", text=till.reference(till.invoice("1190.00", "EUR")))

    assert matched(till, payment) == "review currency_mismatch"


def test_one_wrong_digit_books_nothing(till: Till) -> None:
    invoice = till.invoice("1190.00")
    reference = till.reference(invoice)
    wrong = reference[:-1] + ("1" if reference[-1] != "1" else "2")
    payment = till.paid("1190.00", text=wrong)

    assert matched(till, payment) == "review wrong_check_digits"
    assert wrong in till.payment(payment).match_reason


def test_two_digits_in_the_wrong_order_book_nothing_to_the_other_invoice(till: Till) -> None:
    first, second = till.invoice(number="DE-2026-000012"), till.invoice(number="DE-2026-000021")
    swapped = till.reference(first)[:4] + "DE2026000021"

    assert matched(till, till.paid("1190.00", text=swapped)) == "review wrong_check_digits"
    assert till.open(second) == "1190.00 EUR open"


def test_the_bare_number_pays_only_the_exact_amount(till: Till) -> None:
    invoice = till.invoice("1190.00", number="DE-2026-000077")

    exact = till.paid("1190.00", text="Rechnung DE 2026/000077 vom 1.3.")
    other = till.paid("1100.00", text="DE2026000077")

    assert matched(till, other) == "unapplied already_paid"
    assert matched(till, exact) == "matched exact"
    another = till.invoice("500.00", number="DE-2026-000078")
    short = till.paid("100.00", text="DE-2026-000078")
    assert matched(till, short) == "suggested number_only"
    assert (till.open(invoice), till.open(another)) == ("0.00 EUR paid", "500.00 EUR open")


def test_a_fee_within_the_stated_tolerance_closes_the_invoice(till: Till) -> None:
    till.desk = CashDesk(till.database, till.clock, ENTITIES, MatchRules(fee_tolerance={"EUR": Decimal("20.00")}))
    near, far = till.invoice("1190.00"), till.invoice("1190.00")

    words = [matched(till, till.paid(amount, text=till.reference(one)))
             for one, amount in ((near, "1175.00"), (far, "1169.99"))]  # fmt: skip

    assert words == ["matched bank_charges", "matched partial"]
    assert [till.open(one) for one in (near, far)] == ["0.00 EUR paid", "20.01 EUR part_paid"]
    assert till.lost() == {}


def test_a_fee_of_a_returned_payment_is_owed_again(till: Till) -> None:
    till.desk = CashDesk(till.database, till.clock, ENTITIES, MatchRules(fee_tolerance={"EUR": Decimal("20.00")}))
    invoice = till.invoice("1190.00")
    payment = till.paid("1175.00", text=till.reference(invoice))
    matched(till, payment)

    return_payment(desk=till.desk, payment_id=payment, on=date(2026, 3, 5), actor="bank", reason="AC04", key="r")

    assert (till.open(invoice), till.lost()) == ("1190.00 EUR open", {})


def test_the_same_amount_of_two_customers_is_never_guessed(till: Till) -> None:
    for customer in ("001A", "001B"):
        till.invoice("1190.00", customer=customer)

    assert matched(till, till.paid("1190.00", text="Thank you")) == "review no_reference"


def test_the_amount_alone_is_a_suggestion_where_the_payer_is_known(till: Till) -> None:
    earlier = till.invoice("10.00")
    matched(till, till.paid("10.00", text=till.reference(earlier), payer_account="DE02120300000000202051"))
    till.invoice("250.00"), till.invoice("100.00")

    payment = till.paid("250.00", payer_account="DE02120300000000202051")

    assert matched(till, payment) == "suggested amount_only"
    assert till.left(payment) == "250.00"


@pytest.mark.parametrize("kind", ["void", "credit_note"])
def test_money_for_a_document_that_nobody_can_pay_stays_the_customers_with_the_reason(till: Till, kind: str) -> None:
    number = "DE-2026-000500"
    document = till.invoice("100.00", number=number, kind="credit_note" if kind == "credit_note" else "invoice")
    if kind == "void":
        till.make_void(document)
    payment = till.paid("100.00", text=creditor_reference(number))

    assert matched(till, payment) == "unapplied not_payable"
    assert number in till.payment(payment).match_reason
    assert till.left(payment) == "100.00"


def test_two_matchers_at_once_book_once(till: Till) -> None:
    invoice = till.invoice("100.00")
    for _ in range(3):
        till.paid("60.00", text=till.reference(invoice))

    till.at_once(lambda: match_payments(desk=till.desk), times=4)

    assert till.open(invoice) == "0.00 EUR paid"
    assert sorted(till.left(one) for one in till.payment_ids()) == ["0.00", "20.00", "60.00"]
    assert till.lost() == {}


def test_what_came_too_much_pays_when_another_payment_is_returned(till: Till) -> None:
    invoice = till.invoice("100.00")
    first, second = (till.paid("60.00", text=till.reference(invoice)) for _ in range(2))
    match_payments(desk=till.desk)

    return_payment(desk=till.desk, payment_id=first, on=date(2026, 3, 5), actor="bank", reason="AC04", key="r")
    match_payments(desk=till.desk)

    assert (till.open(invoice), till.left(second)) == ("40.00 EUR part_paid", "0.00")


def test_the_vector_of_a_deposit_told_of_three_times(till: Till) -> None:
    (case,) = [one for one in billing_cases() if one.name == "match_duplicate_event"]
    recorded = [
        receive_payment(
            desk=till.desk, arrived=till.arrived(one["amount"], ref=one["deposit_id"]), actor=one["event_id"]
        )
        for one in case.given["deliveries"]
    ]

    assert sum(one.is_new for one in recorded) == case.expected["payments_recorded"]
    assert {till.left(one.payment_id) for one in recorded} == {case.expected["amount"]}


_CENTS = st.integers(1, 30000)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    gross=_CENTS,
    paid=st.lists(st.tuples(_CENTS, st.booleans()), min_size=1, max_size=4),
    credit=st.integers(0, 30000),
    seed=st.randoms(use_true_random=False),
)
def test_any_order_of_events_gives_the_same_open_amount(
    sqlite_database: Database,
    clock: FixedClock,
    gross: int,
    paid: list[tuple[int, bool]],
    credit: int,
    seed: random.Random,
) -> None:
    """Payments of one invoice, some of them returned later, a credit note, matching in between: in any order."""
    till = _NUMBERED.setdefault(id(sqlite_database), Till(sqlite_database, clock))
    credited = min(credit, gross)
    kept = sum(amount for amount, is_returned in paid if not is_returned)
    wanted = max(0, gross - credited - kept)

    invoice = till.invoice(_text(gross), customer=f"C{till.count()}")
    events = [("pay", number) for number in range(len(paid))] + ([("credit", 0)] if credited else [])
    seed.shuffle(events)
    for number, (_, is_returned) in enumerate(paid):
        if is_returned:
            at = events.index(("pay", number))
            events.insert(seed.randint(at + 1, len(events)), ("return", number))
    rows: dict[int, int] = {}
    for name, number in events:
        if name == "pay":
            rows[number] = till.paid(_text(paid[number][0]), text=till.reference(invoice))
        elif name == "credit":
            till.credit(invoice, _text(credited))
        else:
            return_payment(desk=till.desk, payment_id=rows[number], on=date(2026, 3, 5), actor="bank", reason="Back.",
                           key="r")  # fmt: skip
        if seed.random() < 0.6:
            match_payments(desk=till.desk)
    match_payments(desk=till.desk)

    assert till.open(invoice).split()[0] == _text(wanted)
    assert till.lost() == {}
    with sqlite_database.reading() as connection:
        balances = ledger.payment_balances(connection=connection, payment_ids=list(rows.values()))
        balance = ledger.invoice_balance(connection=connection, invoice_id=invoice)
    assert all(one.left.amount >= 0 for one in balances.values())
    assert balance.rest.amount >= 0, "never more is allocated than the invoice has"


_NUMBERED: dict[int, Till] = {}


def _text(cents: int) -> str:
    return str((Decimal(cents) / 100).quantize(Decimal("0.01")))
