"""Quotes of Salesforce CPQ: totals for a line's own dates, lines that are only offered, quotes in calculation."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.domain.contracts import build_contract, contract_value
from connector.domain.money import Money
from connector.errors import Retryable
from mappings import MappingRefused
from mappings.dates import months_after
from mappings.faults import RecordNotReady
from tests.mappings.making import make_cpq_quote, model_mappings

PLAN = {"SBQQ__Product__r.Stigg_Type__c": "Plan", "SBQQ__Product__r.Stigg_ID__c": "plan-platform"}


def value_of(*, starts_on: date, ends_on: date, total: Decimal, billing: str) -> Money:
    """What all charges of a quote with one line add up to; `ends_on` is exclusive."""
    last_day = (ends_on - timedelta(days=1)).isoformat()
    dates = {"EffectiveStartDate": starts_on.isoformat(), "EffectiveEndDate": last_day}
    record = make_cpq_quote(
        lines=[PLAN | dates | {"NetTotal": total}],
        StartDate=starts_on.isoformat(),
        EndDate=last_day,
        SubscriptionTerm=None,
        BillingFrequency=billing,
    )
    order = model_mappings()["SBQQ__Quote__c"].to_order(record)
    return contract_value(contract=build_contract(orders=[order]))


@settings(max_examples=60, deadline=None)
@given(
    start=st.dates(date(2020, 1, 1), date(2030, 12, 31)),
    periods=st.integers(1, 20),
    total=st.decimals(0, 10**7, places=2),
    frequency=st.sampled_from((("Monthly", 1), ("Quarterly", 3), ("Semiannual", 6), ("Annual", 12), ("Upfront", 1))),
)
def test_charges_of_whole_billing_periods_add_up_to_the_net_total(
    start: date, periods: int, total: Decimal, frequency: tuple[str, int]
) -> None:
    billing, months = frequency
    end = months_after(start, months=months * periods)

    assert value_of(starts_on=start, ends_on=end, total=total, billing=billing).amount == total


@settings(max_examples=60, deadline=None)
@given(
    start=st.dates(date(2020, 1, 1), date(2030, 12, 31)),
    days=st.integers(1, 364),
    total=st.decimals(0, 10**7, places=2),
)
def test_one_charge_for_broken_dates_is_the_net_total(start: date, days: int, total: Decimal) -> None:
    for billing in ("Annual", "Upfront"):
        value = value_of(starts_on=start, ends_on=start + timedelta(days=days), total=total, billing=billing)
        assert value.amount == total


def test_dates_in_the_wrong_order_are_left_to_the_commercial_checks() -> None:
    record = make_cpq_quote(lines=[{"EffectiveStartDate": "2026-02-01", "EffectiveEndDate": "2026-01-01"}])

    (item,) = to_order(record).line_items

    assert (item.starts_on, item.ends_on) == (date(2026, 2, 1), date(2026, 1, 2))


def test_a_quote_in_calculation_is_read_later_by_itself() -> None:
    with pytest.raises(RecordNotReady, match="Uncalculated") as caught:
        to_order(make_cpq_quote(Uncalculated=True))

    assert isinstance(caught.value, Retryable)


def test_a_mark_that_cannot_be_read_is_a_fault_and_not_a_sale() -> None:
    record = make_cpq_quote(lines=[{}])
    del record.lines[0]["SBQQ__Optional__c"]  # type: ignore[attr-defined]

    with pytest.raises(MappingRefused, match="mark of lines that are not bought is not known"):
        to_order(record)


def test_shared_rules_of_other_objects_are_not_read() -> None:
    selection = model_mappings()["SBQQ__Quote__c"].selection

    assert not [name for name in selection.fields if name.startswith(("Account.", "Contract_"))]
    assert not [name for name in selection.line_fields if name.startswith("Product2.")]


def to_order(record: Any) -> Any:
    return model_mappings()["SBQQ__Quote__c"].to_order(record)
