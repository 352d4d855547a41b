"""Payments on pages: the pay page of the embedded provider, the finance pages, and who may do what on them."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest
from flask import Flask
from flask.testing import FlaskClient

from connector.adapters.clock import FixedClock
from connector.adapters.payments_embedded import EmbeddedPayments
from connector.app import create_app
from connector.domain.collecting import ObjectKind
from connector.domain.money import Money
from connector.ports_payments import LinkRequest
from connector.store.embedded_payments import EmbeddedPaymentStore
from connector.store.unit_of_work import Database
from connector.usecases.offer_payment import payment_options
from tests.builders import make_user
from tests.cashing import Till
from tests.paying.counter import Counter
from tests.recording import RecordingStarter
from tests.web.conftest import Machine
from tests.web.serving import make_services, send_form, sign_in


@pytest.fixture
def counter(sqlite_database: Database, clock: FixedClock) -> Counter:
    rows = EmbeddedPaymentStore(sqlite_database)
    provider = EmbeddedPayments(rows=rows, clock=clock, base_url="http://127.0.0.1:8900")
    return Counter(Till(sqlite_database, clock), provider, clock)


@pytest.fixture
def app(counter: Counter, sqlite_database: Database, clock: FixedClock, starter: RecordingStarter) -> Flask:
    provider = counter.provider
    assert isinstance(provider, EmbeddedPayments)
    return create_app(
        services=make_services(
            sqlite_database, clock, starter=starter, payments=provider, pay_page=provider,
            payment_options=payment_options,
        )
    )  # fmt: skip


def pay_path(counter: Counter, invoice: int) -> str:
    """Where the customer pays."""
    (option,) = payment_options(database=counter.till.database, invoice_id=invoice)
    return option.url.removeprefix("http://127.0.0.1:8900")


def text_of(html: str) -> str:
    """What a reader sees."""
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


def test_a_customer_pays_by_the_link_of_the_invoice(stranger: FlaskClient, counter: Counter) -> None:
    invoice = counter.till.invoice("1190.00")
    counter.collect()
    path = pay_path(counter, invoice)

    shown = stranger.get(path)
    answer = send_form(stranger, path, page=path, outcome="paid")
    counter.apply()

    assert "1,190.00 EUR" in shown.text
    assert (answer.status_code, answer.location) == (302, path)
    assert "This has been paid" in stranger.get(path).text
    assert counter.till.open(invoice) == "0.00 EUR paid"
    assert payment_options(database=counter.till.database, invoice_id=invoice) == ()


def test_looking_at_the_pay_page_changes_nothing(stranger: FlaskClient, counter: Counter) -> None:
    invoice = counter.till.invoice()
    counter.collect()
    path = pay_path(counter, invoice)

    for _ in range(3):
        assert stranger.get(path).status_code == 200
        assert stranger.head(path).status_code == 200

    assert (counter.apply().done, counter.told(invoice)) == (0, ["1190.00 EUR open"])


def test_a_declined_payment_says_so_and_may_be_tried_again(stranger: FlaskClient, counter: Counter) -> None:
    invoice = counter.till.invoice()
    counter.collect()
    path = pay_path(counter, invoice)

    send_form(stranger, path, page=path, outcome="declined")

    assert "Nothing was paid" in stranger.get(path).text
    assert send_form(stranger, path, page=path, outcome="nonsense").status_code == 400
    assert payment_options(database=counter.till.database, invoice_id=invoice)


def test_the_button_is_gone_as_soon_as_the_amount_is_another(counter: Counter) -> None:
    invoice = counter.till.invoice("1190.00")
    counter.collect()
    before = len(payment_options(database=counter.till.database, invoice_id=invoice))

    counter.till.credit(invoice, "190.00")

    assert (before, payment_options(database=counter.till.database, invoice_id=invoice)) == (1, ())


def test_without_the_embedded_provider_there_is_no_pay_page(sqlite_database: Database, clock: FixedClock) -> None:
    client = create_app(services=make_services(sqlite_database, clock)).test_client()

    assert client.get("/pay/lnk_1").status_code == 404


def unused_money(counter: Counter) -> int:
    """A payment of 10.00 by a link that is not one of ours, so that nothing of it is used."""
    provider = counter.provider
    assert isinstance(provider, EmbeddedPayments)
    link = provider.open_link(
        request=LinkRequest("key-of-the-test", Money(Decimal("10.00"), "EUR"), "DE-2026-000001", "Invoice")
    )
    counter.tell(ObjectKind.PAYMENT, provider.pay(link_ref=link.ref, outcome="paid")[0].ref)  # type: ignore[arg-type]
    counter.apply()
    return counter.till.payment_ids()[0]


def test_finance_sees_a_payment_with_what_differs_and_refunds_it_once(person: FlaskClient, counter: Counter) -> None:
    payment = unused_money(counter)
    page = f"/review/payments/{payment}"
    shown = text_of(person.get(page).text)
    key = re.search(r'name="request_key" value="([^"]+)"', person.get(page).text)
    assert key
    form = {"amount": "10.00", "reason": "Paid twice", "request_key": key[1]}

    answers = [send_form(person, f"{page}/refund", page=page, **form) for _ in range(2)]
    counter.send_refunds()
    counter.apply()

    assert "NO_LINK" in shown
    assert [answer.status_code for answer in answers] == [302, 302]
    assert counter.payments() == [("10.00 EUR", "received", "0.00")]
    after = text_of(person.get(page).text)
    assert "Settled" in after
    assert "Paid twice" in after


def test_the_list_finds_payments_by_state_and_text(person: FlaskClient, counter: Counter) -> None:
    unused_money(counter)

    shown = text_of(person.get("/review/payments?state=received&q=embedded").text)
    assert "10.00 EUR" in shown
    assert "1 Received" in shown
    assert "No payment matches" in person.get("/review/payments?state=returned").text
    assert person.get("/review/payments?state=nonsense").status_code == 400
    assert person.get("/review/payments/999").status_code == 404


def test_what_was_given_up_is_shown_and_tried_again(person: FlaskClient, counter: Counter, clock: FixedClock) -> None:
    counter.tell(ObjectKind.DEPOSIT, "dep_nobody_knows")
    for _ in range(5):
        counter.apply()
        clock.advance(seconds=900)
    shown = person.get("/review/payments/events?state=unknown").text

    answer = send_form(person, "/review/payments/events/1/again", page="/review/payments/events")

    assert "dep_nobody_knows" in shown
    assert (answer.status_code, counter.events()) == (302, ["waiting UNKNOWN_OBJECT"])
    assert send_form(person, "/review/payments/events/1/again", page="/review/payments").status_code == 404


def test_the_api_shows_payments_with_exact_amounts(machine: Machine, person: FlaskClient, counter: Counter) -> None:
    payment = unused_money(counter)

    listed = machine.get("/payments", state="received").json["data"]
    shown = machine.get(f"/payments/{payment}").json

    assert [row["amount"] for row in listed] == [{"amount": "10.00", "currency": "EUR"}]
    assert (shown["left"]["amount"], [one["kind"] for one in shown["movements"]]) == ("10.00", ["receive"])
    assert [(one["kind"], one["code"]) for one in shown["told"]] == [("payment", "NO_LINK")]
    assert machine.get("/payments/999").status_code == 404
    assert machine.get("/payments/x").status_code == 404
    assert machine.get("/payments", state="lost").status_code == 400


def test_links_are_listed_with_their_state(person: FlaskClient, counter: Counter) -> None:
    counter.till.invoice("1190.00")
    counter.collect()

    shown = text_of(person.get("/review/payments/links").text)

    assert "DE-2026-000001" in shown
    assert "1,190.00 EUR" in shown


def test_a_viewer_sees_payments_and_moves_none(app: Flask, counter: Counter, clock: FixedClock) -> None:
    payment = unused_money(counter)
    make_user(counter.till.database, clock, name="vera", role="viewer")
    client = app.test_client()
    sign_in(client, name="vera")
    page = f"/review/payments/{payment}"

    assert "Send money back" not in client.get(page).text
    refused = send_form(client, f"{page}/refund", page="/review/payments", amount="10.00", reason="x", request_key="k")
    assert refused.status_code == 403


@pytest.mark.parametrize("amount", ["", "ten", "1,00", "NaN", "9" * 40, "-1.00", "0", "10.001", "10.01"])
def test_an_amount_that_cannot_be_refunded_is_refused_in_words(
    person: FlaskClient, counter: Counter, amount: str
) -> None:
    payment = unused_money(counter)
    page = f"/review/payments/{payment}"

    answer = send_form(person, f"{page}/refund", page=page, amount=amount, reason="x", request_key="k")

    assert answer.status_code in (400, 422)
    assert counter.payments() == [("10.00 EUR", "received", "10.00")]
