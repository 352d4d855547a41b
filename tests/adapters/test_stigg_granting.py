"""Granting on Stigg: one contract in one call, running subscriptions changed, nothing replaced, archived or doubled."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest

from connector.adapters.clock import FixedClock
from connector.adapters.entitlements_stigg import StiggPlatform
from connector.adapters.exact_json import exact_json
from connector.adapters.stigg_subscriptions import TwoContracts
from connector.domain.entitlements import AccessWanted, Grant, access_differences
from connector.domain.pacing import Turn
from connector.domain.terms import Cadence
from connector.errors import RateLimited, Refused, Uncertain
from tests.adapters.stigg_selling import (
    CALLS,
    CORE,
    CREDITS,
    CUSTOMER,
    SEATS,
    SSO,
    SUPPORT,
    ask,
    counts,
    more_seats,
    paths,
    platform,
    server,
)
from tests.contracts.stigg_subject import stigg_platform
from tests.stigg_server import StiggServer

__all__ = ["platform", "server"]

BOTH = [ask(), ask(SUPPORT, key="subscription-2")]


def _differences(platform: StiggPlatform, ref: str, wanted: AccessWanted) -> tuple[object, ...]:
    return access_differences(wanted=wanted, granted=platform.fetch_subscription(subscription_ref=ref))


def test_a_contract_and_its_subscriptions_are_one_call(server: StiggServer, platform: StiggPlatform) -> None:
    refs = platform.grant(requests=BOTH)

    assert paths(server) == ["POST /contracts"]
    assert refs == ("subscription-1", "subscription-2")
    body = server.changes()[0].body
    assert (body["contractId"], body["setupBilling"]) == ("contract-1", False)
    sold = body["subscriptions"][0]["newSubscription"]
    assert sold["salesforceId"] == "0Q05g000000ABCDEA2"
    assert (sold["startDate"], sold["cancellationDate"]) == ("2026-03-01T00:00:00+00:00", "2027-03-01T00:00:00+00:00")
    assert sold["trialOverrideConfiguration"] == {"isTrial": False}
    assert sold["entitlements"] == [
        {"id": "feature-seats", "type": "FEATURE", "hasSoftLimit": False, "usageLimit": 40},
        {
            "id": "feature-calls", "type": "FEATURE", "hasSoftLimit": True, "usageLimit": 250_000,
            "resetPeriod": "MONTH", "monthlyResetPeriodConfiguration": {"accordingTo": "SubscriptionStart"},
        },
        {"id": "cred-type-ai", "type": "CREDIT", "amount": 90_000, "cadence": "YEAR", "hasSoftLimit": False},
    ]  # fmt: skip
    assert [_differences(platform, ref, one.wanted) for ref, one in zip(refs, BOTH, strict=True)] == [(), ()]


def test_a_refused_subscription_leaves_nothing_of_the_contract(server: StiggServer, platform: StiggPlatform) -> None:
    unknown = replace(SUPPORT, add_ons=(("addon-priority", Decimal(1)),))
    server.catalogue.add_ons.clear()

    with pytest.raises(Refused, match="addon-priority"):
        platform.grant(requests=[ask(), ask(unknown, key="subscription-2")])

    assert counts(server) == (1, 0, 0)


def test_granting_the_same_again_changes_nothing(server: StiggServer, platform: StiggPlatform) -> None:
    first = platform.grant(requests=BOTH)
    server.calls.clear()

    assert platform.grant(requests=BOTH) == first
    assert paths(server) == []


def test_a_second_order_for_the_product_changes_the_running_subscription(
    server: StiggServer, platform: StiggPlatform
) -> None:
    (first,) = platform.grant(requests=[ask()])
    server.calls.clear()

    (again,) = platform.grant(requests=[ask(more_seats())])

    assert again == first
    assert paths(server) == ["PATCH /subscriptions/subscription-1"]
    assert _differences(platform, first, more_seats()) == ()
    assert len(server.changes()[0].body["entitlements"]) == 3, "the list is replaced, so it must be whole"


def test_another_product_joins_the_contract_by_attaching(server: StiggServer, platform: StiggPlatform) -> None:
    platform.grant(requests=[ask()])
    server.calls.clear()

    refs = platform.grant(requests=BOTH)

    assert paths(server) == ["POST /contracts/contract-1/subscriptions"]
    assert set(server.contracts.agreed["contract-1"].members) == set(refs)


def test_another_plan_takes_over_in_the_contract(server: StiggServer, platform: StiggPlatform) -> None:
    platform.grant(requests=[ask()])
    maximum = AccessWanted("plan-max", "product-core", CORE.starts_on, CORE.ends_on, (SEATS,))

    (ref,) = platform.grant(requests=[ask(maximum)])

    assert _differences(platform, ref, maximum) == ()
    assert server.contracts.agreed["contract-1"].members == [ref]
    assert [one.id for one in server.subscriptions.held.values() if one.is_open(server.now())] == [ref]


@pytest.mark.parametrize("lost", ["POST /subscriptions", "DELETE /contracts", "POST /contracts/contract-1/subs"])
def test_a_change_of_plan_that_is_cut_anywhere_ends_the_same(
    lost: str, server: StiggServer, platform: StiggPlatform
) -> None:
    platform.grant(requests=[ask()])
    maximum = AccessWanted("plan-max", "product-core", CORE.starts_on, CORE.ends_on, (SEATS,))
    method, _, path = lost.partition(" ")
    for kind in ("cut before", "cut after"):
        server.fail(kind, method, path)
        with pytest.raises(Uncertain):
            platform.grant(requests=[ask(maximum)])
        if kind == "cut after" or method == "DELETE":
            break

    (ref,) = platform.grant(requests=[ask(maximum)])

    assert server.contracts.agreed["contract-1"].members == [ref]
    assert [one.id for one in server.subscriptions.held.values() if one.is_open(server.now())] == [ref]
    assert _differences(platform, ref, maximum) == ()


def test_a_contract_is_never_archived_and_its_list_never_replaced(
    server: StiggServer, platform: StiggPlatform, clock: FixedClock
) -> None:
    platform.grant(requests=BOTH)
    platform.grant(requests=[ask(more_seats()), BOTH[1]])
    platform.revoke_subscription(key="revoke-2", subscription_ref="subscription-2", ends_on=date(2026, 6, 1))
    platform.revoke_subscription(key="revoke-2b", subscription_ref="subscription-2", ends_on=date(2026, 3, 1))
    clock.advance(timedelta(days=1))
    platform.grant(requests=BOTH)

    assert not [path for path in paths(server) if path.endswith("/archive") or path.startswith("PATCH /contracts")]
    assert all(call.key for call in server.calls if call.method == "POST"), "every POST carries a key"


def test_what_was_ended_and_is_sold_again_runs_again_in_the_contract(
    server: StiggServer, platform: StiggPlatform
) -> None:
    platform.grant(requests=BOTH)
    platform.revoke_subscription(key="revoke-2", subscription_ref="subscription-2", ends_on=date(2026, 3, 1))

    refs = platform.grant(requests=BOTH)

    assert refs == ("subscription-1", "subscription-2-2")
    assert set(server.contracts.agreed["contract-1"].members) == set(refs)
    assert _differences(platform, refs[1], SUPPORT) == ()


def test_without_contracts_subscriptions_are_made_one_by_one(server: StiggServer, platform: StiggPlatform) -> None:
    server.contracts.is_enabled = False

    refs = platform.grant(requests=BOTH)
    platform.grant(requests=[ask(more_seats()), BOTH[1]])

    made = [path for path in paths(server) if "contracts" not in path]
    assert made == ["POST /subscriptions", "POST /subscriptions", "PATCH /subscriptions/subscription-1"]
    assert _differences(platform, refs[0], more_seats()) == ()


@pytest.mark.parametrize("kind", ["cut before", "cut after", "half"])
def test_a_single_subscription_whose_creation_is_in_doubt_is_one(
    kind: str, server: StiggServer, platform: StiggPlatform
) -> None:
    server.contracts.is_enabled = False
    server.fail(kind, "POST", "/subscriptions")

    with pytest.raises(Uncertain):
        platform.grant(requests=[ask()])
    platform.grant(requests=[ask()])

    assert counts(server) == (1, 0, 1)


def test_a_second_contract_for_the_product_would_end_the_first_and_is_refused(
    server: StiggServer, platform: StiggPlatform
) -> None:
    platform.grant(requests=[ask()])

    with pytest.raises(TwoContracts, match="subscription-1"):
        platform.grant(requests=[ask(key="subscription-9", contract="contract-9")])

    assert counts(server) == (1, 1, 1)


def test_a_product_that_allows_several_has_one_for_each_contract(server: StiggServer, platform: StiggPlatform) -> None:
    server.catalogue.multiple.add("product-core")

    (first,) = platform.grant(requests=[ask()])
    (other,) = platform.grant(requests=[ask(more_seats(), key="subscription-9", contract="contract-9")])

    assert (_differences(platform, first, CORE), _differences(platform, other, more_seats())) == ((), ())


def test_a_subscription_that_was_made_by_hand_becomes_part_of_the_contract(
    server: StiggServer, platform: StiggPlatform
) -> None:
    server.subscriptions.provision(
        {
            "id": "by-hand",
            "customerId": "customer-1",
            "planId": "plan-core",
            "startDate": "2026-03-01T00:00:00Z",
            "metadata": {"owner": "support"},
        }
    )

    (ref,) = platform.grant(requests=[ask()])

    assert ref == "by-hand"
    assert server.contracts.agreed["contract-1"].members == ["by-hand"]
    assert server.subscriptions.held["by-hand"].fields["metadata"]["owner"] == "support"
    assert _differences(platform, ref, CORE) == ()


def test_an_empty_list_of_subscriptions_is_not_believed(server: StiggServer, platform: StiggPlatform) -> None:
    server.subscriptions.provision({"id": "by-hand", "customerId": "customer-1", "planId": "plan-core"})
    (ref,) = platform.grant(requests=[replace(ask(replace(CORE, starts_on=date(2026, 3, 2))), subscription_ref="")])
    empty = '{"data":[],"pagination":{"next":null,"prev":null}}'
    server.fail("text", "GET", "/api/v1/subscriptions", status=200, body=empty)
    wanted = replace(more_seats(), starts_on=date(2026, 3, 2))

    refs = platform.grant(requests=[replace(ask(wanted), subscription_ref=ref)])

    assert refs == ("by-hand",)
    assert list(server.subscriptions.held) == ["by-hand"]
    assert _differences(platform, "by-hand", wanted) == ()


def test_what_left_the_contract_by_hand_comes_back(server: StiggServer, platform: StiggPlatform) -> None:
    platform.grant(requests=[ask()])
    platform.grant(requests=BOTH)
    for _ in range(2):
        server.contracts.detach("contract-1", "subscription-2")
        platform.grant(requests=BOTH)
        assert "subscription-2" in server.contracts.agreed["contract-1"].members


def test_notes_of_others_survive_and_ours_follow_the_grants(server: StiggServer, platform: StiggPlatform) -> None:
    platform.grant(requests=[ask()])
    server.subscriptions.held["subscription-1"].fields["metadata"]["theirs"] = "kept"
    fewer = replace(CORE, grants=(SEATS, SSO))

    platform.grant(requests=[ask(fewer)])

    noted = server.subscriptions.held["subscription-1"].fields["metadata"]
    assert {name for name in noted if name.startswith("countersign_grant_")} == {"countersign_grant_feature-seats"}
    assert noted["theirs"] == "kept"
    assert _differences(platform, "subscription-1", fewer) == ()


def test_before_the_start_what_was_accepted_is_shown_and_after_it_what_is_in_force(
    server: StiggServer, platform: StiggPlatform, clock: FixedClock
) -> None:
    later = replace(CORE, starts_on=date(2026, 4, 1))
    platform.grant(requests=[ask(later)])
    before = _differences(platform, "subscription-1", later)
    clock.advance(timedelta(days=60))
    started = _differences(platform, "subscription-1", later)
    server.subscriptions.held["subscription-1"].entitlements[0]["usageLimit"] = 7

    (drift,) = _differences(platform, "subscription-1", later)

    assert (before, started) == ((), ())
    assert (drift.what, drift.sold, drift.granted) == ("feature-seats", "40", "7")  # type: ignore[attr-defined]


def test_values_that_follow_a_change_late_are_waited_for(server: StiggServer, platform: StiggPlatform) -> None:
    platform.grant(requests=[ask()])
    before = exact_json({"data": {"entitlements": server.subscriptions.effective("customer-1", None)}})
    platform.grant(requests=[ask(more_seats())])
    server.fail("text", "GET", "/customers/customer-1/entitlements", status=200, body=before, times=2)

    assert _differences(platform, "subscription-1", more_seats()) == ()


@pytest.mark.parametrize(
    ("grants", "says"),
    [
        ((replace(SEATS, value=Decimal("2.5")), SSO), "whole numbers"),
        ((SEATS, SSO, replace(CREDITS, value=Decimal(0))), "above 0"),
        ((SEATS, SSO, replace(CREDITS, cadence=None)), "neither month nor year"),
        ((SEATS, SSO, replace(CREDITS, value=None, is_unlimited=True)), "unlimited"),
        ((SEATS, replace(SSO, value=Decimal(0))), "on or off"),
        ((SEATS, SSO, Grant("feature-x", SEATS.kind, Decimal(1))), "feature-x"),
    ],
    ids=["fraction", "zero credit", "no cadence", "unlimited credit", "switched off", "surplus"],
)
def test_what_stigg_cannot_grant_is_refused_before_anything_is_made(
    grants: tuple[Grant, ...], says: str, server: StiggServer, platform: StiggPlatform
) -> None:
    with pytest.raises(Refused, match=says):
        platform.grant(requests=[ask(replace(CORE, grants=grants))])

    assert paths(server) == []


def test_a_cadence_that_the_plan_does_not_offer_is_refused(server: StiggServer, platform: StiggPlatform) -> None:
    plan = server.catalogue.plans["plan-core"]
    rows = tuple(replace(one, cadence="MONTH") if one.type == "CREDIT" else one for one in plan.entitlements)
    server.catalogue.plans["plan-core"] = replace(plan, entitlements=rows)

    with pytest.raises(Refused, match="each month, not each year"):
        platform.grant(requests=[ask()])

    monthly = replace(CORE, grants=(SEATS, CALLS, SSO, replace(CREDITS, cadence=Cadence.MONTH)))
    platform.grant(requests=[ask(monthly)])
    assert paths(server) == ["POST /contracts"]


def test_an_account_with_two_customers_is_a_question_for_people(server: StiggServer, platform: StiggPlatform) -> None:
    for ref in ("by-hand-1", "by-hand-2"):
        body = {"id": ref, "name": CUSTOMER.name, "metadata": {"sf_account_id": CUSTOMER.ref}}
        server.subscriptions.add_customer(body)

    with pytest.raises(Refused, match="by-hand-1, by-hand-2"):
        platform.upsert_customer(key="customer-of-another-key", customer=CUSTOMER)


def test_a_customer_that_was_marked_by_hand_is_taken_over(server: StiggServer, platform: StiggPlatform) -> None:
    body = {"id": "by-hand", "name": CUSTOMER.name, "metadata": {"sf_account_id": CUSTOMER.ref[:15], "theirs": "kept"}}
    server.subscriptions.add_customer(body)

    refs = [platform.upsert_customer(key="customer-2", customer=CUSTOMER) for _ in range(2)]

    assert refs == ["by-hand", "by-hand"]
    assert server.subscriptions.customers["by-hand"]["metadata"]["theirs"] == "kept"


def test_a_turn_that_is_far_away_is_told_and_nothing_is_sent(server: StiggServer, clock: FixedClock) -> None:
    class FarAway:
        def take(self, **_asked: object) -> Turn:
            return Turn(clock.now() + timedelta(seconds=42), is_granted=False)

    platform = stigg_platform(server, clock, turns=FarAway())

    with pytest.raises(RateLimited, match="09:30:42") as raised:
        platform.upsert_customer(key="customer-1", customer=CUSTOMER)

    assert raised.value.retry_after == 42
    assert paths(server) == []
    platform.close()
