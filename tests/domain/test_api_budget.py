"""What may still be asked of Salesforce as the day's calls run out."""

from __future__ import annotations

import pytest

from connector.domain.api_budget import Allowance, budget_of


@pytest.mark.parametrize(
    ("used", "limit", "calls_per_day", "allowed"),
    [
        (0, 1000, 0, Allowance.EVERYTHING),
        (799, 1000, 0, Allowance.EVERYTHING),
        (800, 1000, 0, Allowance.NO_SEARCHES),
        (949, 1000, 0, Allowance.NO_SEARCHES),
        (950, 1000, 0, Allowance.ESSENTIAL),
        (1200, 1000, 0, Allowance.ESSENTIAL),
        # Our own setting is smaller than the org's limit.
        (399, 1000, 500, Allowance.EVERYTHING),
        (400, 1000, 500, Allowance.NO_SEARCHES),
        (475, 1000, 500, Allowance.ESSENTIAL),
        # Our own setting is larger, so the org's limit counts.
        (800, 1000, 5000, Allowance.NO_SEARCHES),
        # Borders that are not whole calls: 80 % of 7 is 5.6, 95 % is 6.65.
        (5, 7, 0, Allowance.EVERYTHING),
        (6, 7, 0, Allowance.NO_SEARCHES),
        (7, 7, 0, Allowance.ESSENTIAL),
    ],
)
def test_the_smaller_bound_decides_what_may_go_on(
    used: int, limit: int, calls_per_day: int, allowed: Allowance
) -> None:
    budget = budget_of(used=used, limit=limit, calls_per_day=calls_per_day)

    assert budget.allowance is allowed
    assert budget.may_search is (allowed is Allowance.EVERYTHING)
    assert budget.may_ask is (allowed is not Allowance.ESSENTIAL)


@pytest.mark.parametrize("calls_per_day", [0, 100])
def test_an_org_that_told_no_limit_stops_nothing(calls_per_day: int) -> None:
    budget = budget_of(used=0, limit=0, calls_per_day=calls_per_day)

    assert budget.may_search
    assert budget.percent == 0


def test_the_used_share_is_rounded_down() -> None:
    assert budget_of(used=799, limit=1000, calls_per_day=0).percent == 79
