"""The documents still to come: the preview before anything is billed, and what is missing after any part of it was."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from connector.domain.contracts import Contract, build_contract, contract_value
from connector.domain.document_plan import check_schedule, documents_to_come
from connector.domain.invoice_drafts import Billed, InvoiceDraft
from connector.domain.invoicing import billed_items, draft_invoices, preview_invoices
from connector.domain.money import Money
from tests.domain.making import day, make_cancellation, make_order
from tests.domain.seat_orders import monthly_seats
from tests.domain.test_invoicing import upsell as monthly_upsell
from tests.domain.test_invoicing import usage_line


def bill(contract: Contract, as_of: str, billed: list[Billed]) -> list[InvoiceDraft]:
    """A run; `billed` remembers what it made."""
    drafts = draft_invoices(contracts=[contract], as_of=day(as_of), billed=billed).drafts
    for draft in drafts:
        billed += billed_items(draft=draft, document=draft.key)
    return list(drafts)


def agrees(contract: Contract, made: list[InvoiceDraft], billed: list[Billed], today: str) -> bool:
    coming = documents_to_come(contract=contract, as_of=day(today), billed=billed)
    items = [item for draft in (*made, *coming) for item in draft.items]
    return check_schedule(items=items, value=contract_value(contract=contract)).agrees


def test_before_anything_is_billed_it_is_the_preview() -> None:
    contract = build_contract(orders=[make_order(monthly_seats())])

    assert documents_to_come(contract=contract, as_of=date.min) == preview_invoices(contracts=[contract])


def test_usage_has_its_place_although_no_run_makes_it_yet() -> None:
    contract = build_contract(orders=[make_order(usage_line())])

    coming = documents_to_come(contract=contract, as_of=date.min)

    assert preview_invoices(contracts=[contract]) == ()
    assert len(coming) == 12
    assert all(item.is_estimate and not item.amount.amount for draft in coming for item in draft.items)


def test_what_is_billed_does_not_come_again() -> None:
    contract = build_contract(orders=[make_order(monthly_seats())])
    billed: list[Billed] = []
    made = bill(contract, "2026-04-01", billed)

    coming = documents_to_come(contract=contract, as_of=day("2026-04-15"), billed=billed)

    assert [draft.key for draft in (*made, *coming)] == [d.key for d in preview_invoices(contracts=[contract])]


@pytest.mark.parametrize("today", ["2025-01-01", "2026-01-01", "2026-05-17", "2026-12-31", "2028-01-01"])
@pytest.mark.parametrize("billed_to", ["2025-12-31", "2026-03-01", "2026-09-15", "2027-06-01"])
def test_made_and_coming_add_up_to_the_value_whatever_was_billed_when(today: str, billed_to: str) -> None:
    first = make_order(monthly_seats())
    billed: list[Billed] = []
    made = bill(build_contract(orders=[first]), billed_to, billed)
    changed = build_contract(
        orders=[first, monthly_upsell("2026-02-10"), make_cancellation("2026-08-20", credited=True)]
    )

    assert agrees(changed, made, billed, today)


def test_a_difference_is_told_to_the_cent() -> None:
    contract = build_contract(orders=[make_order(monthly_seats())])
    value = contract_value(contract=contract)

    check = check_schedule(items=[], value=value)

    assert not check.agrees
    assert check.difference == Money(-value.amount, value.currency)
    assert check_schedule(items=[], value=Money(Decimal("0.00"), "EUR")).agrees
