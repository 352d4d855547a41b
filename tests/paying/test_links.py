"""Payment links: one for the open amount of each issued invoice, withdrawn and made anew as it changes."""

from __future__ import annotations

from datetime import timedelta

import pytest

from connector.adapters.clock import FixedClock
from connector.domain.collecting import LinkState
from connector.usecases.collect_payment import retry_link
from tests.paying.airwallex import StrictAirwallex
from tests.paying.conftest import MakeAirwallex
from tests.paying.counter import Counter


def offered(server: StrictAirwallex) -> list[str]:
    """The amounts of the links that a customer could pay by at the provider."""
    return [f"{row['amount']}" for row in server.rows["payment_links"].values() if row["active"]]


def test_an_issued_invoice_gets_one_link_for_what_is_open(counter: Counter, server: StrictAirwallex) -> None:
    invoice = counter.till.invoice("1190.00")

    counts = counter.collect()

    link = counter.live(invoice)
    assert (counts["planned"], counts["opened"]) == (1, 1)
    assert (str(link.amount), link.state, link.url) == ("1190.00 EUR", LinkState.OPEN, link.url)
    assert link.url.startswith("https://pay.example/plink_")
    assert server.rows["payment_links"][link.provider_ref]["reference"] == "DE-2026-000001"


def test_collecting_again_does_nothing(counter: Counter, server: StrictAirwallex) -> None:
    invoice = counter.till.invoice()
    counter.collect()
    calls = len(server.calls)

    assert counter.collect() == {"planned": 0, "opened": 0, "withdrawn": 0, "failed": 0}
    assert counter.collect(is_full=True)["planned"] == 0
    assert len(server.calls) == calls
    assert counter.told(invoice) == ["1190.00 EUR open"]


@pytest.mark.parametrize(
    "changes", [{"state": "draft"}, {"state": "void"}, {"kind": "credit_note", "gross": "-50.00"}, {"gross": "0.00"}]
)
def test_what_nobody_owes_gets_no_link(sqlite_counter: Counter, changes: dict[str, str]) -> None:
    invoice = sqlite_counter.till.invoice(**changes)  # type: ignore[arg-type]

    sqlite_counter.collect(is_full=True)

    assert sqlite_counter.told(invoice) == []


def test_only_the_currencies_of_the_settings_get_a_link(sqlite_counter: Counter) -> None:
    sqlite_counter.currencies = ("EUR",)
    euro, dollar = sqlite_counter.till.invoice("10.00"), sqlite_counter.till.invoice("10.00", "USD")

    sqlite_counter.collect()

    assert [len(sqlite_counter.links(one)) for one in (euro, dollar)] == [1, 0]


def test_a_part_payment_by_bank_replaces_the_link(counter: Counter, server: StrictAirwallex) -> None:
    invoice = counter.till.invoice("1190.00")
    counter.collect()

    counter.till.allocate(counter.till.paid("190.00"), {invoice: "190.00"})
    counter.collect()
    counter.collect()

    assert counter.told(invoice) == ["1190.00 EUR withdrawn", "1000.00 EUR open"]
    assert offered(server) == ["1000.00"]


def test_a_credit_note_replaces_the_link_and_a_full_one_removes_it(
    sqlite_counter: Counter, server: StrictAirwallex
) -> None:
    invoice = sqlite_counter.till.invoice("1190.00")
    sqlite_counter.collect()
    sqlite_counter.till.credit(invoice, "190.00")
    sqlite_counter.collect()
    sqlite_counter.collect()
    between = offered(server)

    sqlite_counter.till.credit(invoice, "1000.00")
    sqlite_counter.collect()

    assert (between, offered(server)) == (["1000.00"], [])
    assert sqlite_counter.told(invoice) == ["1190.00 EUR withdrawn", "1000.00 EUR withdrawn"]


def test_a_wire_that_pays_everything_removes_the_link(sqlite_counter: Counter, server: StrictAirwallex) -> None:
    invoice = sqlite_counter.till.invoice("1190.00")
    sqlite_counter.collect()

    sqlite_counter.till.allocate(sqlite_counter.till.paid("1190.00"), {invoice: "1190.00"})
    sqlite_counter.collect()

    assert (offered(server), sqlite_counter.told(invoice)) == ([], ["1190.00 EUR withdrawn"])


def test_a_new_link_waits_until_the_old_one_is_off(
    sqlite_counter: Counter, server: StrictAirwallex, clock: FixedClock
) -> None:
    invoice = sqlite_counter.till.invoice("1190.00")
    sqlite_counter.collect()
    sqlite_counter.till.credit(invoice, "190.00")
    server.fail("500", "/deactivate", times=5)

    sqlite_counter.collect()
    sqlite_counter.collect()
    while_away = (sqlite_counter.told(invoice), offered(server))
    clock.advance(timedelta(minutes=1))
    sqlite_counter.collect()
    sqlite_counter.collect()

    assert while_away == (["1190.00 EUR withdrawing"], ["1190.00"])
    assert (sqlite_counter.told(invoice)[1:], offered(server)) == (["1000.00 EUR open"], ["1000.00"])


def test_a_lost_answer_is_asked_for_again_under_the_same_request_id(
    counter: Counter, server: StrictAirwallex, clock: FixedClock
) -> None:
    invoice = counter.till.invoice()
    server.fail("cut_after", "/create", times=5)

    failed = counter.collect()
    before = counter.live(invoice)
    clock.advance(timedelta(minutes=1))
    counter.collect()

    after = counter.live(invoice)
    assert (failed["failed"], before.state, before.code) == (1, LinkState.WANTED, "UNCERTAIN")
    assert (after.state, after.request_id) == (LinkState.OPEN, before.request_id)
    assert len(server.rows["payment_links"]) == 1


def test_an_amount_that_changes_while_the_answer_is_lost_leaves_no_link_behind(
    sqlite_counter: Counter, server: StrictAirwallex, clock: FixedClock
) -> None:
    invoice = sqlite_counter.till.invoice("1190.00")
    server.fail("cut_after", "/create", times=5)
    sqlite_counter.collect()

    sqlite_counter.till.credit(invoice, "190.00")
    for _ in range(3):
        clock.advance(timedelta(minutes=1))
        sqlite_counter.collect()

    assert offered(server) == ["1000.00"]
    assert sqlite_counter.told(invoice) == ["1190.00 EUR withdrawn", "1000.00 EUR open"]


def test_what_the_provider_refuses_waits_for_a_person_and_says_why(
    sqlite_counter: Counter, make_airwallex: MakeAirwallex
) -> None:
    invoice = sqlite_counter.till.invoice("1190.00", number="x" * 40)
    sqlite_counter.provider = make_airwallex(
        paths={"login": "/api/v1/authentication/login", "links": "/api/v1/pa/refunds"}  # type: ignore[arg-type]
    )
    sqlite_counter.collect()
    link = sqlite_counter.live(invoice)

    retry_link(database=sqlite_counter.till.database, clock=sqlite_counter.clock, link_id=link.id)

    assert (link.state, link.code) == (LinkState.REFUSED, "VALIDATION_ERROR")
    assert "unknown field" in link.message
    assert sqlite_counter.live(invoice).state is LinkState.WANTED


def test_a_link_of_another_provider_is_left_behind_visibly(sqlite_counter: Counter, embedded_counter: Counter) -> None:
    invoice = sqlite_counter.till.invoice()
    sqlite_counter.collect()

    embedded_counter.collect(is_full=True)
    embedded_counter.collect(is_full=True)

    old, new = sqlite_counter.links(invoice)
    assert (old.state, old.code) == (LinkState.WITHDRAWN, "LEFT_BEHIND")
    assert (new.state, new.provider) == (LinkState.OPEN, "embedded")
