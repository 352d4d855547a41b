"""The adapter over real HTTP on bad days: tokens, lost answers, limits, error pages; and exact amounts both ways."""

from __future__ import annotations

import json
from datetime import timedelta
from decimal import Decimal

import pytest

from connector.adapters.call_pace import CallPace
from connector.adapters.clock import FixedClock
from connector.adapters.payments_airwallex import AirwallexPayments
from connector.adapters.payments_airwallex_errors import LoginRefused, ProviderRefused
from connector.domain.collecting import AmountRefused, ObjectKind, ObjectState
from connector.domain.money import Money
from connector.errors import ConnectorError, Misconfigured, RateLimited, Refused, Unavailable, Uncertain
from connector.ports_payments import LinkRequest, RefundRequest
from tests.paying.airwallex import API_KEY, StrictAirwallex
from tests.paying.conftest import MakeAirwallex

REQUEST = LinkRequest("key-1", Money(Decimal("1190.00"), "EUR"), "DE-2026-000042", "Invoice DE-2026-000042")


def links(server: StrictAirwallex) -> int:
    """How many links the account has."""
    return len(server.rows["payment_links"])


def test_one_login_serves_many_calls_and_is_renewed_before_it_ends(
    airwallex: AirwallexPayments, server: StrictAirwallex, clock: FixedClock
) -> None:
    airwallex.account()
    airwallex.account()
    before = server.logins
    clock.advance(timedelta(minutes=28))

    airwallex.account()

    assert (before, server.logins) == (1, 2)


def test_a_token_that_is_refused_is_renewed_once(airwallex: AirwallexPayments, server: StrictAirwallex) -> None:
    airwallex.account()
    server.forget_tokens()

    assert airwallex.account().name == "Example GmbH"
    assert server.logins == 2


def test_an_account_that_always_says_unauthorized_is_a_matter_of_settings(
    airwallex: AirwallexPayments, server: StrictAirwallex
) -> None:
    server.fail("401", "/api/v1/account", times=3)

    with pytest.raises(Misconfigured) as refused:
        airwallex.account()

    assert refused.value.code == "UNAUTHORIZED"
    assert (len(server.faults), server.logins) == (1, 2)


def test_a_wrong_key_stops_and_is_never_told(make_airwallex: MakeAirwallex, server: StrictAirwallex) -> None:
    provider = make_airwallex(api_key="wrong-key-that-nobody-must-see")

    with pytest.raises(LoginRefused) as refused:
        provider.account()

    assert "wrong-key" not in f"{refused.value!r} {refused.value.fix} {provider._door._settings!r}"
    assert API_KEY not in repr(server.calls)


@pytest.mark.parametrize("fault", ["cut_before", "cut_after", "500", "502", "html", "429", "409", "503"])
def test_a_create_that_fails_once_makes_one_link(
    airwallex: AirwallexPayments, server: StrictAirwallex, fault: str
) -> None:
    server.fail(fault, "/create")

    link = airwallex.open_link(request=REQUEST)

    assert links(server) == 1
    assert (link.amount, link.currency, link.is_active) == (Decimal("1190.00"), "EUR", True)


def test_an_answer_that_never_comes_makes_one_link(make_airwallex: MakeAirwallex, server: StrictAirwallex) -> None:
    provider = make_airwallex(read_seconds=0.2)
    provider.account()
    server.fail("slow", "/create")

    provider.open_link(request=REQUEST)

    assert links(server) == 1


def test_a_create_whose_every_answer_is_lost_is_uncertain_and_the_next_try_finds_it(
    airwallex: AirwallexPayments, server: StrictAirwallex
) -> None:
    server.fail("cut_after", "/create", times=5)
    with pytest.raises(Uncertain):
        airwallex.open_link(request=REQUEST)

    found = airwallex.find_link(request=REQUEST)
    again = airwallex.open_link(request=REQUEST)

    assert found == again
    assert links(server) == 1


def test_a_request_id_that_was_seen_and_cannot_be_found_is_never_replaced(
    airwallex: AirwallexPayments, server: StrictAirwallex
) -> None:
    airwallex.open_link(request=REQUEST)
    server.rows["payment_links"].clear()

    with pytest.raises(Uncertain) as uncertain:
        airwallex.open_link(request=REQUEST)

    assert uncertain.value.code == "DUPLICATE_NOT_FOUND"
    assert links(server) == 0


def test_a_limit_that_lasts_is_told_with_its_pause(airwallex: AirwallexPayments, server: StrictAirwallex) -> None:
    server.fail("429", "/create", times=6)

    with pytest.raises(RateLimited) as limited:
        airwallex.open_link(request=REQUEST)

    assert limited.value.retry_after == 30
    assert len(server.faults) == 1


@pytest.mark.parametrize(("fault", "kind"), [("html", Unavailable), ("cut_before", Unavailable), ("500", Unavailable)])
def test_a_read_that_fails_for_long_is_later_and_not_uncertain(
    airwallex: AirwallexPayments, server: StrictAirwallex, fault: str, kind: type[ConnectorError]
) -> None:
    airwallex.account()
    server.fail(fault, "/deposits", times=5)

    with pytest.raises(kind):
        airwallex.fetch(kind=ObjectKind.DEPOSIT, ref="dep_1")


@pytest.mark.parametrize("amount", ["0.00", "-5.00", "1190.001"])
def test_an_impossible_amount_is_not_even_sent(
    airwallex: AirwallexPayments, server: StrictAirwallex, amount: str
) -> None:
    with pytest.raises(AmountRefused):
        airwallex.open_link(request=LinkRequest("key-1", Money(Decimal(amount), "EUR"), "DE-1", "Invoice"))

    assert server.calls == []


@pytest.mark.parametrize(
    ("amount", "currency"), [("1190.00", "EUR"), ("119000", "JPY"), ("10.500", "KWD"), ("12345678901234.56", "USD")]
)
def test_an_amount_travels_with_exactly_its_digits(
    airwallex: AirwallexPayments, server: StrictAirwallex, amount: str, currency: str
) -> None:
    link = airwallex.open_link(request=LinkRequest("key-1", Money(Decimal(amount), currency), "DE-1", "Invoice"))

    assert f'"amount":{amount}' in server.bodies[-1]
    assert format(link.amount, "f") == amount


def test_what_airwallex_refuses_is_told_in_its_words_with_field_and_trace(
    make_airwallex: MakeAirwallex, server: StrictAirwallex
) -> None:
    server.rows["payment_intents"]["int_1"] = {"id": "int_1", "captured_amount": Decimal(10), "currency": "EUR"}

    with pytest.raises(ProviderRefused) as refused:
        make_airwallex().refund(request=RefundRequest("key-2", "int_1", Money(Decimal(11), "EUR"), "too much"))

    assert refused.value.code == "AMOUNT_ABOVE_LIMIT"
    assert "field amount" in str(refused.value)
    assert "trace-1" in str(refused.value)


def test_a_wrong_version_and_a_wrong_path_are_matters_of_settings(make_airwallex: MakeAirwallex) -> None:
    with pytest.raises(Misconfigured):
        make_airwallex(api_version="2017-01-01").account()
    with pytest.raises(Misconfigured) as wrong_path:
        make_airwallex(paths={"login": "/api/v1/authentication/login", "account": "/api/v2/account"}).account()

    assert "[airwallex.paths]" in wrong_path.value.fix


def test_a_status_that_nobody_knows_is_unknown_and_no_guess(
    airwallex: AirwallexPayments, server: StrictAirwallex
) -> None:
    deposit = server.deposit(amount="5.00")
    server.move("deposits", deposit["id"], status="ON_THE_MOON")

    found = airwallex.fetch(kind=ObjectKind.DEPOSIT, ref=deposit["id"])

    assert found is not None
    assert (found.state, found.told) == (ObjectState.UNKNOWN, "ON_THE_MOON")


@pytest.mark.parametrize("written", [12.5, "12.50", 12, "1e3", True, None, "", "12,50", [1]])
def test_an_amount_is_read_exactly_or_not_at_all(
    airwallex: AirwallexPayments, server: StrictAirwallex, written: object
) -> None:
    deposit = server.deposit(amount="1.00")
    server.rows["deposits"][deposit["id"]]["amount"] = Decimal(str(written)) if isinstance(written, float) else written

    if written in (12.5, "12.50", 12) and written is not True:
        found = airwallex.fetch(kind=ObjectKind.DEPOSIT, ref=deposit["id"])
        assert found is not None
        assert found.amount == Decimal(str(written))
    else:
        with pytest.raises(Refused):
            airwallex.fetch(kind=ObjectKind.DEPOSIT, ref=deposit["id"])


def test_an_instant_is_read_in_both_forms(airwallex: AirwallexPayments, server: StrictAirwallex) -> None:
    deposit = server.deposit(amount="1.00")
    before = airwallex.fetch(kind=ObjectKind.DEPOSIT, ref=deposit["id"])
    server.rows["deposits"][deposit["id"]]["updated_at"] = deposit["updated_at"].replace("+0000", "+00:00")

    assert airwallex.fetch(kind=ObjectKind.DEPOSIT, ref=deposit["id"]) == before


def test_a_ref_that_would_lead_elsewhere_is_no_ref(airwallex: AirwallexPayments, server: StrictAirwallex) -> None:
    assert airwallex.fetch(kind=ObjectKind.PAYMENT, ref="../balances/current") is None
    assert server.calls == []


def test_a_list_is_read_page_by_page_and_one_broken_row_hides_no_other(
    airwallex: AirwallexPayments, server: StrictAirwallex, clock: FixedClock
) -> None:
    server.page_size = 2
    made = [server.deposit(amount=f"{number}.00")["id"] for number in range(1, 6)]
    server.rows["deposits"][made[2]]["currency"] = ""

    found = [one.ref for one in airwallex.list_since(since=clock.now() - timedelta(days=1))]

    assert found == [made[0], made[1], made[3], made[4]]


def test_calls_begin_no_faster_than_agreed() -> None:
    naps: list[float] = []
    at = [100.0]
    pace = CallPace(per_second=8, at_once=2, sleep=naps.append, monotonic=lambda: at[0])

    for _ in range(5):
        with pace.turn():
            pass

    assert naps == [0.125, 0.25, 0.375]


def test_bodies_hold_what_leads_back_to_us(airwallex: AirwallexPayments, server: StrictAirwallex) -> None:
    airwallex.open_link(request=REQUEST)

    body = json.loads(server.bodies[-1])

    assert body["reusable"] is False
    assert body["reference"] == "DE-2026-000042"
    assert body["metadata"] == {"countersign_key": "key-1", "invoice": "DE-2026-000042"}
