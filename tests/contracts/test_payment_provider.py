"""What every payment provider promises: keyed creates, links that are used once, exact amounts, refunds once.

Each provider is one way to make a `Subject`; a new one is a further parameter of the fixture. The embedded one runs on
both databases, Airwallex by its real adapter against a strict server on this machine.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal

import pytest

from connector.adapters.clock import FixedClock
from connector.adapters.payments_airwallex import AirwallexPayments
from connector.adapters.payments_embedded import EmbeddedPayments
from connector.domain.collecting import AmountRefused, ObjectKind, ObjectState, PayOutcome, ProviderObject
from connector.domain.money import Money
from connector.errors import NotFound, Refused
from connector.ports_payments import LinkRequest, PaymentLink, PaymentProvider, RefundRequest
from connector.store.embedded_payments import EmbeddedPaymentStore
from connector.store.unit_of_work import Database
from tests.paying.airwallex import StrictAirwallex
from tests.paying.conftest import airwallex, make_airwallex, naps, server

# The fixtures are used by their names.
__all__ = ["airwallex", "make_airwallex", "naps", "server"]

REQUEST = LinkRequest("key-1", Money(Decimal("1190.00"), "EUR"), "DE-2026-000042", "Invoice DE-2026-000042")
KINDS = {PayOutcome.PAID: "SUCCEEDED", PayOutcome.DELAYED: "PENDING"}


@dataclass
class Subject:
    """A provider, what its customers can do, and how many links it has."""

    provider: PaymentProvider
    pay: Callable[[PaymentLink, PayOutcome], str]
    dispute: Callable[[str], str]


@pytest.fixture(params=["embedded-sqlite", "embedded-postgresql", "airwallex"])
def subject(request: pytest.FixtureRequest, clock: FixedClock) -> Subject:
    """Each provider."""
    if request.param == "airwallex":
        return _airwallex(request.getfixturevalue("airwallex"), request.getfixturevalue("server"))
    database = request.getfixturevalue(f"{request.param.removeprefix('embedded-')}_database")
    return _embedded(database, clock)


def _airwallex(provider: AirwallexPayments, account: StrictAirwallex) -> Subject:
    def pay(link: PaymentLink, outcome: PayOutcome) -> str:
        return str(account.pay(link.ref, status=KINDS[outcome])["id"])

    def dispute(payment_ref: str) -> str:
        row = account.dispute(payment_ref, amount=Decimal("1190.00"), currency="EUR", status="REQUIRES_RESPONSE")
        return str(row["id"])

    return Subject(provider, pay, dispute)


def _embedded(database: Database, clock: FixedClock) -> Subject:
    provider = EmbeddedPayments(rows=EmbeddedPaymentStore(database), clock=clock, base_url="http://here")
    disputes: dict[str, str] = {}

    def pay(link: PaymentLink, outcome: PayOutcome) -> str:
        made = provider.pay(link_ref=link.ref, outcome=PayOutcome.DISPUTED if outcome is PayOutcome.PAID else outcome)
        disputes[made[0].ref] = made[-1].ref
        return made[0].ref

    return Subject(provider, pay, disputes.__getitem__)


def payment(subject: Subject, ref: str) -> ProviderObject:
    """The payment as the provider tells it."""
    found = subject.provider.fetch(kind=ObjectKind.PAYMENT, ref=ref)
    assert found is not None
    return found


def test_it_says_who_it_is(subject: Subject) -> None:
    assert subject.provider.name in ("embedded", "airwallex")
    assert subject.provider.environment
    assert subject.provider.account().name


def test_a_link_is_for_exactly_the_amount(subject: Subject) -> None:
    link = subject.provider.open_link(request=REQUEST)

    assert (format(link.amount, "f"), link.currency) == ("1190.00", "EUR")
    assert link.is_active
    assert link.url.startswith("http")
    assert subject.provider.fetch_link(link_ref=link.ref) == link


def test_the_same_key_again_is_the_same_link(subject: Subject) -> None:
    first = subject.provider.open_link(request=REQUEST)

    assert subject.provider.open_link(request=REQUEST) == first
    assert subject.provider.find_link(request=REQUEST) == first


def test_the_same_key_from_many_threads_is_one_link(subject: Subject) -> None:
    with ThreadPoolExecutor(4) as pool:
        links = list(pool.map(lambda _number: subject.provider.open_link(request=REQUEST), range(4)))

    assert len({link.ref for link in links}) == 1


def test_another_key_is_another_link(subject: Subject) -> None:
    first = subject.provider.open_link(request=REQUEST)

    assert subject.provider.open_link(request=replace(REQUEST, key="key-2")).ref != first.ref


def test_a_key_that_was_never_used_finds_nothing(subject: Subject) -> None:
    subject.provider.open_link(request=REQUEST)

    assert subject.provider.find_link(request=replace(REQUEST, key="key-2")) is None


@pytest.mark.parametrize("amount", ["0.00", "-1.00", "0.001"])
def test_an_amount_that_cannot_move_is_refused(subject: Subject, amount: str) -> None:
    with pytest.raises(AmountRefused):
        subject.provider.open_link(request=replace(REQUEST, amount=Money(Decimal(amount), "EUR")))


def test_withdrawing_twice_is_withdrawing_once(subject: Subject) -> None:
    link = subject.provider.open_link(request=REQUEST)

    assert not subject.provider.withdraw_link(link_ref=link.ref).is_active
    assert not subject.provider.withdraw_link(link_ref=link.ref).is_active


def test_withdrawing_a_link_that_was_paid_names_the_payment(subject: Subject) -> None:
    link = subject.provider.open_link(request=REQUEST)
    ref = subject.pay(link, PayOutcome.PAID)

    found = subject.provider.withdraw_link(link_ref=link.ref)

    assert (found.is_active, found.payment_ref) == (False, ref)


def test_what_it_does_not_have_is_nothing_and_no_error(subject: Subject) -> None:
    assert subject.provider.fetch_link(link_ref="nothing-1") is None
    for kind in (ObjectKind.PAYMENT, ObjectKind.REFUND, ObjectKind.DISPUTE):
        assert subject.provider.fetch(kind=kind, ref="nothing-1") is None
    with pytest.raises(NotFound):
        subject.provider.withdraw_link(link_ref="nothing-1")


def test_a_payment_leads_back_to_its_link(subject: Subject) -> None:
    link = subject.provider.open_link(request=REQUEST)
    found = payment(subject, subject.pay(link, PayOutcome.PAID))

    assert found.state is ObjectState.SETTLED
    assert (format(found.amount, "f"), found.currency) == ("1190.00", "EUR")
    assert (found.link_ref, found.reference) == (link.ref, "DE-2026-000042")
    assert found.updated_at.tzinfo is not None


def test_money_on_its_way_has_not_moved(subject: Subject) -> None:
    link = subject.provider.open_link(request=REQUEST)

    found = payment(subject, subject.pay(link, PayOutcome.DELAYED))

    assert (found.state, found.amount) == (ObjectState.PENDING, 0)


def test_a_listing_tells_of_everything_since_then_and_of_nothing_before(subject: Subject, clock: FixedClock) -> None:
    before = subject.pay(subject.provider.open_link(request=REQUEST), PayOutcome.PAID)
    since = clock.advance(timedelta(hours=1))
    after = subject.pay(subject.provider.open_link(request=replace(REQUEST, key="key-2")), PayOutcome.PAID)

    found = {one.ref for one in subject.provider.list_since(since=since) if one.kind is ObjectKind.PAYMENT}

    assert found == {after}
    assert before != after


def test_a_dispute_names_its_payment_and_is_open(subject: Subject) -> None:
    ref = subject.pay(subject.provider.open_link(request=REQUEST), PayOutcome.PAID)

    found = subject.provider.fetch(kind=ObjectKind.DISPUTE, ref=subject.dispute(ref))

    assert found is not None
    assert (found.state, found.payment_ref, found.amount) == (ObjectState.PENDING, ref, Decimal("1190.00"))


def test_the_same_refund_again_is_one_refund(subject: Subject) -> None:
    ref = subject.pay(subject.provider.open_link(request=REQUEST), PayOutcome.PAID)
    request = RefundRequest("key-r", ref, Money(Decimal("190.00"), "EUR"), "Paid too much")

    first, again = (subject.provider.refund(request=request) for _ in range(2))

    assert first.ref == again.ref
    assert (first.amount, first.currency, first.payment_ref) == (Decimal("190.00"), "EUR", ref)
    assert subject.provider.fetch(kind=ObjectKind.REFUND, ref=first.ref) == first


def test_no_more_is_refunded_than_was_paid(subject: Subject) -> None:
    ref = subject.pay(subject.provider.open_link(request=REQUEST), PayOutcome.PAID)
    subject.provider.refund(request=RefundRequest("key-r", ref, Money(Decimal("1000.00"), "EUR"), "Back"))

    with pytest.raises(Refused):
        subject.provider.refund(request=RefundRequest("key-s", ref, Money(Decimal("190.01"), "EUR"), "Back"))
