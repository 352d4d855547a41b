"""Stigg's bad answers: each becomes one of our errors with words, no create happens twice, the key is not told."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from connector.adapters.clock import FixedClock
from connector.adapters.entitlements_stigg import StiggPlatform
from connector.domain.entitlements import access_differences
from connector.errors import (
    Conflict,
    ConnectorError,
    Misconfigured,
    RateLimited,
    Refused,
    Unavailable,
    Uncertain,
)
from tests.adapters.stigg_selling import CORE, CUSTOMER, ask, counts, platform, server
from tests.contracts.stigg_subject import stigg_platform
from tests.stigg_server import API_KEY, StiggServer

__all__ = ["platform", "server"]

# Longer than the impatient adapter waits; the patient one waits much longer.
_LATE, _PATIENCE = 1.2, 0.5
_REFUSAL = '{"code":"InvalidArgumentError","message":"currencies differ: KEY"}'.replace("KEY", API_KEY)


@dataclass(frozen=True)
class Case:
    """One bad answer: what the stand-in does, the error of a question, the error of a change, words in both."""

    kind: str
    asked: type[ConnectorError]
    changed: type[ConnectorError]
    says: str
    more: tuple[tuple[str, Any], ...] = ()


CASES = {
    "401": Case("status", Misconfigured, Misconfigured, "API key", (("status", 401),)),
    "403": Case("status", Misconfigured, Misconfigured, "API key may not", (("status", 403),)),
    "404 page": Case("status", Unavailable, Unavailable, "a page", (("status", 404), ("body", "<h1>404</h1>"))),
    "409": Case("status", Conflict, Conflict, "409", (("status", 409), ("body", '{"code":"Busy","message":"busy"}'))),
    "422": Case("status", Refused, Refused, "currencies differ", (("status", 422), ("body", _REFUSAL))),
    "429": Case("status", RateLimited, RateLimited, "slow down", (("status", 429), ("body", "<h1>429</h1>"))),
    "500": Case("status", Unavailable, Uncertain, "500", (("status", 500),)),
    "503 page": Case("status", Unavailable, Uncertain, "503", (("status", 503), ("body", "<h1>away</h1>"))),
    "page": Case("html", Unavailable, Uncertain, "a page instead of data"),
    "nothing": Case("empty", Unavailable, Uncertain, "with nothing"),
    "half": Case("half", Unavailable, Uncertain, "half an answer"),
    "cut before": Case("cut before", Unavailable, Uncertain, "did not answer"),
    "cut after": Case("cut after", Unavailable, Uncertain, "did not answer"),
    "late": Case("late", Unavailable, Uncertain, "in time", (("seconds", _LATE),)),
    "redirect": Case("redirect", Misconfigured, Misconfigured, "redirect"),
}
every_case = pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())


@contextmanager
def _asking(platform: StiggPlatform, server: StiggServer, clock: FixedClock, kind: str) -> Iterator[StiggPlatform]:
    """The adapter to ask; an impatient one for an answer that comes late."""
    if kind != "late":
        yield platform
        return
    impatient = stigg_platform(server, clock, read_seconds=_PATIENCE)
    yield impatient
    impatient.close()


def _told(error: BaseException) -> str:
    """Everything that a log could show of it."""
    return "".join(traceback.format_exception(error)) + repr(error) + getattr(error, "fix", "")


@every_case
def test_a_question_that_is_answered_badly_says_what_and_who(
    case: Case, server: StiggServer, platform: StiggPlatform, clock: FixedClock
) -> None:
    server.fail(case.kind, "GET", "/plans/plan-core", times=3, **dict(case.more))

    with (
        _asking(platform, server, clock, case.kind) as asking,
        pytest.raises(case.asked, match=case.says) as raised,
    ):
        asking.fetch_plan(plan_ref="plan-core")

    assert "read plan plan-core" in str(raised.value) or case.kind == "redirect"
    assert raised.value.owner
    assert raised.value.fix
    assert API_KEY not in _told(raised.value)


@every_case
def test_a_create_that_is_answered_badly_is_made_once_in_the_end(
    case: Case, server: StiggServer, platform: StiggPlatform, clock: FixedClock
) -> None:
    # A conflict is looked at again at once, twice.
    server.fail(case.kind, "POST", "/contracts", times=3 if case.changed is Conflict else 1, **dict(case.more))

    with (
        _asking(platform, server, clock, case.kind) as asking,
        pytest.raises(case.changed, match=case.says) as raised,
    ):
        asking.grant(requests=[ask()])
    refs = platform.grant(requests=[ask()])

    assert API_KEY not in _told(raised.value)
    assert counts(server) == (1, 1, 1)
    granted = platform.fetch_subscription(subscription_ref=refs[0])
    assert access_differences(wanted=CORE, granted=granted) == ()
    keys = {call.key for call in server.calls if call.method == "POST"}
    assert len(keys) <= 1, "the same create must carry the same key"
    assert "" not in keys


@pytest.mark.parametrize("kind", ["cut before", "cut after", "html", "empty", "half", "late"])
def test_a_customer_whose_creation_is_in_doubt_is_one(kind: str, server: StiggServer, clock: FixedClock) -> None:
    platform = stigg_platform(server, clock)
    server.fail(kind, "POST", "/customers", seconds=_LATE)

    with (
        _asking(platform, server, clock, kind) as asking,
        pytest.raises(Uncertain, match="create customer customer-1"),
    ):
        asking.upsert_customer(key="customer-1", customer=CUSTOMER)
    ref = platform.upsert_customer(key="customer-1", customer=CUSTOMER)

    assert list(server.subscriptions.customers) == [ref]
    platform.close()


def test_too_many_without_a_word_means_a_minute_and_a_word_is_obeyed(
    server: StiggServer, platform: StiggPlatform
) -> None:
    waits = []
    for headers in ((), (("Retry-After", "120"),), (("Retry-After", "soon"),)):
        server.fail("status", "GET", "/subscriptions/nobody", status=429, body="", headers=headers)
        with pytest.raises(RateLimited) as raised:
            platform.fetch_subscription(subscription_ref="nobody")
        waits.append(raised.value.retry_after)

    assert waits == [60, 120, 60]


def test_a_question_is_asked_again_within_seconds(server: StiggServer, platform: StiggPlatform) -> None:
    server.fail("cut before", "GET", "/subscriptions/nobody", times=2)

    assert platform.fetch_subscription(subscription_ref="nobody") is None


def test_a_server_that_is_not_there_is_awaited(server: StiggServer, clock: FixedClock) -> None:
    platform = stigg_platform(server, clock)
    server.stop()

    with pytest.raises(Unavailable, match="cannot be reached"):
        platform.upsert_customer(key="customer-1", customer=CUSTOMER)
    platform.close()


def test_a_running_subscription_without_any_right_is_unknown_not_empty(
    server: StiggServer, platform: StiggPlatform
) -> None:
    (ref,) = platform.grant(requests=[ask()])
    empty = '{"data":{"accessDeniedReason":null,"entitlements":[]}}'
    server.fail("text", "GET", "/customers/customer-1/entitlements", status=200, body=empty)

    with pytest.raises(Unavailable, match="no entitlement at all"):
        platform.fetch_subscription(subscription_ref=ref)


@pytest.mark.parametrize("missing", ["status", "customerId", "startDate"])
def test_an_answer_that_lacks_what_it_must_have_is_unknown(
    missing: str, server: StiggServer, platform: StiggPlatform
) -> None:
    fields = {"id": "s", "customerId": "c", "planId": "plan-core", "status": "ACTIVE", "startDate": "2026-03-01T00:00Z"}
    shown = ",".join(f'"{name}":"{value}"' for name, value in fields.items() if name != missing)
    server.fail("text", "GET", "/subscriptions/s", status=200, body=f'{{"data":{{{shown}}}}}')

    with pytest.raises(Unavailable, match=missing):
        platform.fetch_subscription(subscription_ref="s")
