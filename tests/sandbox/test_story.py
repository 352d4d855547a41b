"""The demo story adds up, can be signed, and holds exactly the faults it promises."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
import requests

from connector.sandbox import Sandbox, story
from connector.sandbox.derived import LINES
from connector.sandbox.story_deals import Term
from tests.sandbox.conftest import NOW, Receiver

MONTHS = {"Month": 1, "Year": 12}


@pytest.fixture
def org() -> Iterator[Sandbox]:
    sandbox = Sandbox(now=NOW, auto_push=False)
    story.seed(sandbox)
    yield sandbox
    sandbox.stop()


def _lines(org: Sandbox, deal: story.SeededDeal) -> list[dict[str, Any]]:
    for line, (lookup, header) in LINES.items():
        if header == deal.object_name:
            return [row for row in org.all(line) if row[lookup] == deal.record_id]
    raise AssertionError(deal.object_name)


def _value(header: dict[str, Any], line: dict[str, Any]) -> Decimal:
    """What a line adds to the contract value, for whole periods only."""
    once = line["Quantity"] * line["UnitPrice"] * (1 - Decimal(line.get("Discount") or 0) / 100)
    if line["Charge_Type__c"] == "Usage":
        return Decimal(0)
    if line["Charge_Type__c"] == "One-Time":
        return once
    months = 12 if line["Line_Start__c"] else int(header["Term_Months__c"])
    periods, rest = divmod(months, MONTHS[line["Price_Period__c"]])
    assert rest == 0
    return once * periods


def test_every_contract_value_is_right_to_the_cent_except_the_wrong_one(org: Sandbox) -> None:
    for deal in org.story:
        header = org.get(deal.object_name, deal.record_id)
        total = sum((_value(header, line) for line in _lines(org, deal)), Decimal(0))

        assert total == Decimal(deal.contract_value), deal.key
        assert (header["Total_Contract_Value__c"] == total) is (deal.expected_code != "TOTAL"), deal.key
        assert header["CurrencyIsoCode"] == deal.currency


def test_only_one_deal_misses_a_value_and_only_one_has_an_unknown_product(org: Sandbox) -> None:
    for deal in org.story:
        products = [org.get("Product2", line["Product2Id"]) for line in _lines(org, deal)]
        sold = {product["Stigg_ID__c"] for product in products}
        needed = {one for plan in sold & set(story.CUSTOM_PLANS) for one in story.CUSTOM_PLANS[plan]["required"]}

        assert bool(needed - sold) is (deal.expected_code == "MISSING_ENTITLEMENT"), deal.key
        unknown = [product for product in products if product["Stigg_Type__c"] is None]
        assert bool(unknown) is (deal.expected_code == "UNKNOWN_PRODUCT"), deal.key


def test_nothing_is_signed_by_the_seed_and_the_story_is_always_about_this_month(org: Sandbox) -> None:
    assert org.pending_pushes() == []
    for deal in org.story:
        header = org.get(deal.object_name, deal.record_id)
        assert header[deal.sign_field] != deal.sign_value
        assert header["Contract_Start__c"] == date(2026, 3, 1)
    assert len({deal.key for deal in org.story}) == len(org.story) >= 8


def test_ids_are_the_same_in_every_run(org: Sandbox) -> None:
    other = Sandbox(now=NOW, auto_push=False)

    assert story.seed(other) == org.story


def test_signing_everything_pushes_once_five_times_or_never(org: Sandbox, receiver: Receiver) -> None:
    org.pushes.settings.push_url = receiver.url

    for deal in org.story:
        story.sign(org, deal)
    org.flush_pushes()

    arrived = b"".join(receiver.bodies).decode()
    for deal in org.story:
        assert arrived.count(f"<sf:Id>{deal.record_id}</sf:Id>") == deal.deliveries, deal.key
    assert {deal.deliveries for deal in org.story} == {0, 1, 5}


def test_the_opportunity_deal_has_no_quote_and_the_others_sync_theirs(org: Sandbox) -> None:
    quoted = {quote["OpportunityId"] for quote in org.all("Quote")}

    for deal in org.story:
        if deal.object_name == "Opportunity":
            assert deal.record_id not in quoted
        elif deal.object_name == "Quote":
            assert org.get("Quote", deal.record_id)["IsSyncing"], deal.key


def test_the_story_is_told_and_signed_over_http(org: Sandbox) -> None:
    url = f"{org.start()}/sandbox/story"

    told = requests.get(url, timeout=5).json()
    signed = requests.post(f"{url}/german/sign", json={}, timeout=5)

    assert told["custom_plans"]["plan-platform"] == {"required": ["feature-seats"], "optional": ["cred-type-ai"]}
    german = next(deal for deal in told["deals"] if deal["key"] == "german")
    assert signed.json() == {"id": german["record_id"]}
    assert org.get("Quote", german["record_id"])["Signed_On__c"] == date(2026, 3, 2)
    assert requests.post(f"{url}/nothing/sign", json={}, timeout=5).status_code == 400


def test_a_term_ends_on_its_last_day_of_service() -> None:
    assert Term(date(2026, 1, 1), 12).end == date(2026, 12, 31)
    assert Term(date(2026, 1, 31), 1).end == date(2026, 2, 27)
    assert Term(date(2026, 3, 1), 36).year(3) == {
        "Line_Start__c": date(2028, 3, 1),
        "Line_End__c": date(2029, 2, 28),
    }
