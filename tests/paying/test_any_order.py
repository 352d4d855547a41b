"""Whatever order events come in, however often, and whatever the jobs do between them: the ledger ends the same."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connector.adapters.clock import FixedClock
from connector.adapters.payments_airwallex import AirwallexPayments
from connector.adapters.payments_airwallex_calls import AirwallexSettings
from connector.domain.collecting import ObjectKind
from connector.store.tables import metadata
from connector.store.unit_of_work import Database
from tests.cashing import Till
from tests.paying.airwallex import API_KEY, CLIENT_ID, StrictAirwallex
from tests.paying.counter import Counter

_P, _D, _R, _X = ObjectKind.PAYMENT, ObjectKind.DEPOSIT, ObjectKind.REFUND, ObjectKind.DISPUTE


@contextmanager
def story() -> Iterator[tuple[Counter, list[tuple[ObjectKind, str]]]]:
    """Three invoices, one paid and partly refunded outside, one paid and lost in a dispute, a deposit reversed."""
    clock = FixedClock(datetime(2026, 3, 2, 9, 30, tzinfo=UTC))
    server = StrictAirwallex(clock)
    server.start()
    with tempfile.TemporaryDirectory() as folder:
        database = Database(f"sqlite:///{Path(folder) / 'story.db'}")
        metadata.create_all(database.writer)
        values = AirwallexSettings(base_url=server.base_url, client_id=CLIENT_ID, api_key=API_KEY)
        provider = AirwallexPayments(settings=values, clock=clock, sleep=lambda _seconds: None)
        counter = Counter(Till(database, clock), provider, clock)
        try:
            yield counter, happened(counter, server, clock)
        finally:
            provider.close()
            database.dispose()
            server.stop()


def happened(counter: Counter, server: StrictAirwallex, clock: FixedClock) -> list[tuple[ObjectKind, str]]:
    """What the provider has, and the things that its events are about."""
    first, second, third = (counter.till.invoice(gross) for gross in ("1190.00", "250.00", "99.00"))
    counter.collect()
    refs = {one: counter.live(one).provider_ref for one in (first, second, third)}
    paid, disputed = server.pay(refs[first])["id"], server.pay(refs[second], amount=Decimal("300.00"))["id"]
    partial = server.pay(refs[third], amount=Decimal("90.00"))["id"]
    back = server._new("refunds", payment_intent_id=paid, amount=Decimal("190.00"), currency="EUR", status="SETTLED")
    lost = server.dispute(disputed, amount=Decimal("300.00"), currency="EUR", status="LOST")
    kept = server.dispute(partial, amount=Decimal("90.00"), currency="EUR", status="REQUIRES_RESPONSE")
    reversed_ = server.deposit(amount="40.00")
    server.move("deposits", reversed_["id"], status="REVERSED")
    clock.advance(timedelta(hours=1))
    return [(_P, paid), (_P, disputed), (_P, partial), (_R, back["id"]), (_X, lost["id"]), (_X, kept["id"]),
            (_D, reversed_["id"])]  # fmt: skip


def ended(counter: Counter) -> tuple[object, ...]:
    """Everything that the ledger says in the end."""
    return (
        counter.ledger(),
        sorted(counter.payments()),
        sorted(counter.differences()),
        [counter.till.open(one) for one in (1, 2, 3)],
        counter.till.lost(),
    )


@pytest.fixture(scope="module")
def expected() -> tuple[object, ...]:
    """The end when everything comes once, in its order."""
    with story() as (counter, things):
        for kind, ref in things:
            counter.tell(kind, ref)
            counter.apply()
        return ended(counter)


def test_the_story_ends_as_a_person_would_say(expected: tuple[object, ...]) -> None:
    _, payments, differences, opened, lost = expected

    assert opened == ["190.00 EUR part_paid", "250.00 EUR open", "9.00 EUR part_paid"]
    assert payments == [
        ("1190.00 EUR", "received", "0.00"),
        ("300.00 EUR", "returned", "0.00"),
        ("40.00 EUR", "returned", "0.00"),
        ("90.00 EUR", "disputed", "0.00"),
    ]
    assert differences == [
        "DISPUTED", "DISPUTE_LOST", "PAID_TOO_LITTLE", "PAID_TOO_MUCH", "REFUNDED_OUTSIDE", "REVERSED",
    ]  # fmt: skip
    assert lost == {}


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_order_any_repetition_and_any_pause_end_the_same(data: st.DataObject, expected: tuple[object, ...]) -> None:
    with story() as (counter, things):
        extra = data.draw(st.lists(st.sampled_from(range(len(things))), max_size=5))
        order: Sequence[int] = data.draw(st.permutations([*range(len(things)), *extra]))
        for number, index in enumerate(order):
            counter.tell(*things[index], event_id=f"evt-{number}")
            if data.draw(st.booleans()):
                counter.apply()
            if data.draw(st.integers(0, 5)) == 0:
                counter.poll()
        counter.apply()
        counter.poll()
        counter.apply()

        assert ended(counter) == expected
