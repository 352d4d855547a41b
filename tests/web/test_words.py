"""How values read: exact, in words, the same on every page."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from connector.domain.money import Money
from connector.domain.review import InvoiceState
from connector.store.order_rows import OrderLineRow
from connector.usecases.show_schedule import PLANNED, UNREAD
from connector.web import words

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("ago", "said"),
    [
        ({"seconds": 0}, "just now"), ({"seconds": 4}, "just now"), ({"seconds": 5}, "5 seconds ago"),
        ({"seconds": 59}, "59 seconds ago"), ({"seconds": 60}, "1 minute ago"),
        ({"minutes": 59, "seconds": 59}, "59 minutes ago"),
        ({"hours": 1}, "1 hour ago"), ({"hours": 47}, "1 day ago"), ({"days": 29}, "29 days ago"),
        ({"days": 45}, "1 month ago"),
        ({"days": 800}, "2 years ago"), ({"seconds": -3}, "in a moment"), ({"seconds": -90}, "in 1 minute"),
        ({"hours": -5}, "in 5 hours"),
    ],
)  # fmt: skip
def test_an_instant_is_told_from_now(ago: dict[str, int], said: str) -> None:
    assert words.relative_words(NOW - timedelta(**ago), NOW) == said


def test_an_instant_carries_its_exact_utc_time() -> None:
    elsewhere = datetime.fromisoformat("2026-03-02T10:29:00+01:00")

    assert words.instant_words(elsewhere, NOW) == (
        '<time datetime="2026-03-02T09:29:00Z" title="2 Mar 2026, 09:29:00 UTC">1 minute ago</time>'
    )


def test_a_period_is_told_by_its_last_day() -> None:
    assert words.period_words(date(2026, 1, 1), date(2027, 1, 1)) == "1 Jan 2026 to 31 Dec 2026"
    assert words.period_words(date(2024, 2, 1), date(2024, 3, 1)) == "1 Feb 2024 to 29 Feb 2024"
    assert words.period_words(date(2026, 4, 1), date(2026, 4, 2)) == "1 Apr 2026"
    assert words.period_words(None, date(2027, 1, 1)) == "–"


@pytest.mark.parametrize(
    ("amount", "currency", "said"),
    [
        ("1234567.5", "EUR", "1,234,567.50 EUR"),
        ("0", "JPY", "0 JPY"),
        ("1.2345", "KWD", "1.235 KWD"),
        ("-5", "USD", "-5.00 USD"),
    ],
)
def test_money_has_the_places_of_its_currency(amount: str, currency: str, said: str) -> None:
    assert words.money_words(Money(Decimal(amount), currency).rounded()) == said


def test_a_change_of_value_has_its_sign() -> None:
    assert words.signed_money_words(Money(Decimal("12.50"), "EUR")) == "+12.50 EUR"
    assert words.signed_money_words(Money(Decimal("-12.50"), "EUR")) == "−12.50 EUR"


@pytest.mark.parametrize(
    ("changes", "currency", "said"),
    [
        ({"unit_price": Decimal("1200")}, "EUR", "1,200.00 per year"),
        ({"unit_price": Decimal("0.00014500")}, "EUR", "0.000145 per year"),
        ({"unit_price": Decimal("0.14")}, "JPY", "0.14 per year"),
        ({"unit_price": Decimal("12.50"), "price_period_months": 1}, "USD", "12.50 per month"),
        ({"unit_price": Decimal("12.50"), "price_period_months": 6}, "USD", "12.50 per 6 months"),
        ({"unit_price": Decimal("1500"), "charge_type": "one_time"}, "", "1,500"),
        ({"price_model": "tiered"}, "EUR", "by tier"),
        ({"price_model": "percent_of", "unit_price": Decimal("7.50")}, "EUR", "7.5 %"),
        ({"unit_price": None}, "EUR", "–"),
    ],
)
def test_a_unit_price_keeps_all_its_digits(changes: dict[str, Any], currency: str, said: str) -> None:
    assert words.price_words(_line(**changes), currency) == said


@pytest.mark.parametrize(
    ("months", "timing", "charge_type", "said"),
    [
        (1, "in_arrears", "recurring", "Monthly, in arrears"), (3, "in_advance", "recurring", "Quarterly, in advance"),
        (5, "in_advance", "recurring", "Every 5 months, in advance"),
        (None, "in_advance", "recurring", "Upfront, in advance"),
        (12, "in_advance", "one_time", "Once"),
    ],
)  # fmt: skip
def test_billing_is_told_in_words(months: int | None, timing: str, charge_type: str, said: str) -> None:
    assert words.billing_words(months, timing, charge_type) == said


def test_discounts_are_told_together() -> None:
    assert words.discount_words(Decimal("10.00"), Decimal("50")) == "10 %, 50 off"
    assert words.discount_words(Decimal(0), Decimal(0)) == "–"


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (None, "–"),
        ("", "–"),
        (True, "yes"),
        (False, "no"),
        (Decimal("1000.50"), "1,000.5"),
        (0, "0"),
        ("Synced", "Synced"),
    ],
)
def test_a_salesforce_value_is_shown_as_text(value: object, said: str) -> None:
    assert words.value_words(value) == said


@pytest.mark.parametrize("kind", ["order", "step", "record", "message", "subscription"])
def test_a_state_that_a_page_does_not_know_is_shown_and_not_hidden(kind: str) -> None:
    assert words.state_words("half_way", kind).label == "Half way"


def test_every_state_of_the_machines_has_words() -> None:
    from connector.domain.fulfilment import OrderState, StepName, StepState

    assert set(words.ORDER_WORDS) == set(OrderState)
    assert set(words.STEP_WORDS) == set(StepState)
    assert set(words.STEP_TITLES) == set(StepName)


@pytest.mark.parametrize(
    ("source", "said"),
    [("salesforce-outbound:00D5g00000ABCDEEA2", "Outbound message"), ("sweep", "Sweep"), ("new-thing", "New thing")],
)
def test_a_source_is_told_in_words(source: str, said: str) -> None:
    assert words.source_words(source) == said


def test_session_ids_are_hidden_whatever_their_prefix() -> None:
    body = b"<sf:SessionId>00D!abc</sf:SessionId><SessionId>def</SessionId><SessionIdea>kept</SessionIdea>"

    assert words.body_words(body) == (
        "<sf:SessionId>(hidden)</sf:SessionId><SessionId>(hidden)</SessionId><SessionIdea>kept</SessionIdea>"
    )


def test_what_stands_between_ticks_is_code_and_escaped() -> None:
    assert words.ticked_words("use `limit` & `<b>`") == "use <code>limit</code> &amp; <code>&lt;b&gt;</code>"


def _line(**changes: Any) -> OrderLineRow:
    values: dict[str, Any] = {
        "position": 1, "salesforce_line_id": "", "product_code": "", "product_name": "", "description": "",
        "charge_type": "recurring", "price_model": "per_unit", "quantity": Decimal(1), "unit_price": Decimal(1),
        "price_period_months": 12, "billing_period_months": 12, "billing_timing": "in_advance",
        "discount_percent": None, "discount_amount": None, "starts_on": None, "ends_on": None,
    }  # fmt: skip
    return OrderLineRow(**values | changes)


def test_every_state_of_a_document_has_words() -> None:
    assert {state.value for state in InvoiceState} | {PLANNED, UNREAD} == set(words.INVOICE_WORDS)
