"""Every row of the billing cases, run through the product's own functions.

Three tables say what happens to a row: `RUN` has a function for its kind or name; `OTHERWISE` lists the rows that the
billing conventions decide in another way, with the reason and what we compute instead; `ELSEWHERE` names the kinds
that belong to payments, documents and receivers, outside the billing core.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.domain.vectors import Case, billing_cases, cash, otherwise, periods, rounding, usage

Check = Callable[[dict[str, Any], dict[str, Any]], None]

RUN: dict[str, Check] = {
    "period_anchor": periods.anchors,
    "time_zone": periods.time_zones,
    "lago_upgrade_arrears": periods.changed_in_arrears,
    "midmonth_start_30day": periods.served_in_a_month,
    "midmonth_start_feb": periods.served_in_a_month,
    "midmonth_start_feb_leap": periods.served_in_a_month,
    "jan10_three_conventions": periods.actual_days,
    "zuora_ratio_2021-01-27_2021-01-31": periods.actual_days,
    "zuora_ratio_2021-02-27_2021-02-28": periods.actual_days,
    "zuora_ratio_2020-02-01_2020-02-29": periods.actual_days,
    "zuora_ratio_2021-04-21_2021-04-29": periods.actual_days,
    "stripe_half_period_upgrade": periods.half_a_period,
    "stripe_backdate_17_31": periods.backdated,
    "stripe_backdate_half_feb": periods.backdated,
    "dst_second_vs_day": periods.days_not_seconds,
    "annual_partial_daily": periods.year_in_part,
    "upsell_leap_term": periods.upsold_over_a_leap_day,
    "coterm": periods.co_termed,
    "coterm_seat_downsell_credit": usage.downsell_credit,
    "upgrade_two_lines": periods.twelve_of_thirty_days,
    "chargebee_extend_term": periods.extended,
    "chargebee_reduce_term": periods.reduced,
    "cancel_day_inclusive": periods.cancel_day,
    "split_period_sums": periods.over_days,
    "allocate_three_ways": periods.in_shares,
    "instalments_10000_3": periods.in_shares,
    "fixed_discount_prorata": periods.in_shares,
    "annual_fee_monthly_billing": periods.year_in_months,
    "net30_plain": periods.net_days,
    "net60_year_end": periods.net_days,
    "tax_line_vs_document": rounding.line_or_document,
    "tax_inclusive": rounding.inclusive,
    "tax_inclusive_line_vs_doc": rounding.inclusive_line_or_document,
    "tax_category": rounding.reverse_charge,
    "mixed_rates_doc_discount": rounding.discounted_document,
    "gst_split_vs_igst": rounding.split_heads,
    "en16931_totals": rounding.document_sums,
    "fx_vat_in_accounting_currency": rounding.accounting_currency,
    "round_mode_2_665": rounding.half_up,
    "round_mode_2_675": rounding.half_up,
    "round_mode_neg2_665": rounding.half_up,
    "float_trap_2_675": rounding.no_float,
    "jpy_tax_modes": rounding.whole_yen,
    "kwd_three_decimals": rounding.three_places,
    "to_minor_units": rounding.minor_units,
    "chargebee_multidecimal": rounding.many_decimals,
    "tier_graduated": usage.tiered,
    "tier_volume_cliff": usage.volume,
    "tier_package": usage.packaged,
    "overage": usage.over_the_included,
    "tiny_unit_price": usage.tiny_price,
    "min_commit_below": usage.minimum,
    "min_commit_above": usage.minimum,
    "annual_commit_true_up": usage.yearly_minimum,
    "prorated_commit_short_period": usage.minimum_of_a_short_period,
    "prepaid_drawdown": usage.draw_down,
    "uplift_5pct": usage.uplift,
    "credit_partial_with_tax": usage.credit_with_tax,
    "credit_before_full_payment": usage.credit_and_payment,
    "credit_after_payment": usage.credit_and_payment,
    "credit_cap": usage.credit_up_to_the_line,
    "consolidation": usage.consolidated,
    "withholding_tax_short_pay": cash.withheld,
    "awx_dedicated_account_500": cash.oldest_first,
    "awx_dedicated_account_510": cash.oldest_first,
    "matching": cash.matched,
    "rf_reference": cash.reference,
    "iban": cash.iban,
    "epc_qr": cash.code,
    "dunning": cash.reminder_days,
    "late_interest_simple_365": cash.interest,
    "uk_fixed_compensation": cash.fixed_sums,
}

OTHERWISE: dict[str, tuple[str, Check]] = {
    "stripe_second_2017": ("Days, not seconds, are the unit of proration (conventions 2.4).", otherwise.seconds),
    "annual_partial_months_plus_days": (
        "A broken yearly price counts actual days of the year, not whole months plus days (conventions 2.4).",
        otherwise.whole_months_plus_days,
    ),
    "uk_total_vat_round_down": (
        "Tax is rounded half up once per rate on the document; rounding down is allowed, not required.",
        otherwise.half_up_on_the_document,
    ),
    "chf_cash_rounding": (
        "Invoices are paid by card or transfer; cash rounding never applies.",
        otherwise.no_cash_rounding,
    ),
    "net30_eom_two_readings": (
        "Payment terms are net days from the bill date (conventions 3.3); month-end terms are not offered.",
        otherwise.net_days_only,
    ),
    "mfi_15": (
        "Payment terms are net days from the bill date (conventions 3.3); a day of the next month is not offered.",
        otherwise.net_days_only,
    ),
    "be_ogm_vcs": (
        "Payment references are ISO 11649, which every bank of the single euro area carries; national forms are not.",
        otherwise.one_form_of_reference,
    ),
    "business_day_roll": ("Due dates are calendar days (conventions 3.3); nothing is rolled.", otherwise.net_days_only),
    "business_day_modified_following": (
        "Due dates are calendar days (conventions 3.3); nothing is rolled.",
        otherwise.net_days_only,
    ),
}

ELSEWHERE = {
    "match_duplicate_event": "the ledger, run on both databases in tests/usecases/cash/test_matching.py",
    "buyer_reference": "documents",
    "hosted_link": "documents",
    "numbering": "store",
    "webhook_signature": "webhooks",
    "fx_realised_loss": "the ledger of the customer, no part of this product",
}

CASES = billing_cases()


def check_of(case: Case) -> Check | None:
    if case.name in ELSEWHERE:
        return None
    if case.name in OTHERWISE:
        return OTHERWISE[case.name][1]
    return RUN.get(case.name) or RUN.get(case.kind)


@pytest.mark.parametrize("case", [case for case in CASES if check_of(case)], ids=lambda case: case.name)
def test_a_billing_case_gives_its_figures(case: Case) -> None:
    check = check_of(case)
    assert check is not None
    check(case.given, case.expected)


def test_every_case_is_run_here_or_named_as_the_work_of_another_part() -> None:
    left = [case for case in CASES if check_of(case) is None]

    assert len(CASES) == 111
    assert {case.name for case in left if not {case.kind, case.name} & ELSEWHERE.keys()} == set()
    assert not {case.name for case in CASES if check_of(case) and case.kind in ELSEWHERE}


def test_no_table_names_a_case_that_does_not_exist() -> None:
    known = {case.name for case in CASES} | {case.kind for case in CASES}

    assert {*RUN, *OTHERWISE, *ELSEWHERE} <= known
