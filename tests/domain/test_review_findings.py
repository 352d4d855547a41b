"""What a reviewer is warned of, and which drafts are quiet."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from connector.domain.invoice_drafts import DocumentKind
from connector.domain.money import Money
from connector.domain.review import ReviewRules
from connector.domain.review_findings import BilledContract, DraftFacts, LoweredInvoice, is_quiet, review_warnings
from connector.domain.terms import Address, Customer
from tests.domain.making import day

RULES = ReviewRules(quiet_up_to={"EUR": Decimal(5000)}, jump_percent=Decimal(20))
CUSTOMER = Customer("001A", "Acme", "a@acme.example", "DE1", Address("Street 1", "Berlin", "", "10115", "DE"))
CONTRACT = BilledContract("C-1", "EUR", "DE")


def euro(amount: str) -> Money:
    return Money(Decimal(amount), "EUR")


FACTS = DraftFacts(
    kind=DocumentKind.INVOICE,
    bill_on=day("2026-02-01"),
    legal_entity="DE",
    net=euro("1000.00"),
    gross=euro("1190.00"),
    customer=CUSTOMER,
    recipients=("a@acme.example",),
    po_number="PO-1",
    is_po_expected=True,
    tax_categories=frozenset({"S"}),
    contracts=(CONTRACT,),
    last_net=euro("1000.00"),
)


def codes(**changes: Any) -> list[str]:
    return [finding.code for finding in review_warnings(facts=replace(FACTS, **changes), rules=RULES)]


def lacking(**changes: Any) -> Customer:
    return replace(CUSTOMER, **changes)


def test_a_draft_in_order_has_no_finding_and_is_quiet() -> None:
    assert codes() == []
    assert is_quiet(facts=FACTS, rules=RULES)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"po_number": " "}, "PO_NUMBER_MISSING"),
        ({"customer": lacking(tax_id="")}, "TAX_ID_MISSING"),
        ({"customer": lacking(billing_address=Address(country="DE"))}, "ADDRESS_INCOMPLETE"),
        ({"customer": lacking(name="")}, "ADDRESS_INCOMPLETE"),
        ({"recipients": ()}, "EMAIL_MISSING"),
        ({"is_seller_complete": False}, "SELLER_INCOMPLETE"),
        ({"gross": euro("0.00"), "net": euro("0.00"), "last_net": None}, "TOTAL_ZERO"),
        ({"contracts": (replace(CONTRACT, is_unfinished=True),)}, "USAGE_INCOMPLETE"),
        ({"contracts": (replace(CONTRACT, problem="No price."),)}, "CONTRACT_NOT_BILLED"),
        ({"contracts": (replace(CONTRACT, is_changed=True),)}, "CONTRACT_CHANGED"),
        ({"contracts": (replace(CONTRACT, legal_entity="US"),)}, "ENTITY_MISMATCH"),
        ({"twins": ("DE-2026-000001",)}, "DUPLICATE"),
        ({"last_net": euro("833.33")}, "JUMP"),
        ({"last_net": euro("1250.00")}, None),
        ({"last_net": euro("833.34")}, None),
        ({"last_net": euro("1300.00")}, "JUMP"),
    ],
)
def test_each_warning_is_told_stops_nothing_and_is_not_quiet(changes: dict[str, Any], code: str | None) -> None:
    facts = replace(FACTS, **changes)
    found = review_warnings(facts=facts, rules=RULES)

    assert [finding.code for finding in found] == ([code] if code else [])
    assert not any(finding.is_blocking for finding in found)
    assert is_quiet(facts=facts, rules=RULES) is (code is None)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"problem_code": "TAX_UNDECIDED", "problem": "No rule."}, "TAX_UNDECIDED"),
        ({"tax_categories": frozenset({"AE"}), "customer": lacking(tax_id=" ")}, "TAX_ID_MISSING"),
        ({"is_entity_known": False}, "ENTITY_UNKNOWN"),
        ({"contracts": (replace(CONTRACT, currency="USD"),)}, "CURRENCY_MISMATCH"),
    ],
)
def test_what_blocks_is_told_first(changes: dict[str, Any], code: str) -> None:
    first = review_warnings(facts=replace(FACTS, po_number="", **changes), rules=RULES)[0]

    assert (first.code, first.is_blocking) == (code, True)


def test_a_po_number_is_missed_only_where_the_customer_wants_one() -> None:
    assert codes(po_number="", is_po_expected=False) == []


def test_a_customer_outside_of_tax_needs_no_tax_id() -> None:
    assert codes(customer=lacking(tax_id=""), tax_categories=frozenset({"O"})) == []


def credit(*lowers: LoweredInvoice, unknown: int = 0) -> list[str]:
    return codes(
        kind=DocumentKind.CREDIT_NOTE, net=euro("-100.00"), gross=euro("-119.00"), lowers=lowers, unknown_lowers=unknown
    )


def test_a_credit_note_waits_for_the_invoice_that_it_lowers() -> None:
    assert credit(LoweredInvoice("invoice 1", "", euro("500.00"))) == ["LOWERS_UNISSUED"]
    assert credit(unknown=1) == ["LOWERS_UNISSUED"]
    assert credit() == ["LOWERS_NOTHING"]


def test_a_credit_note_gives_back_at_most_what_is_left() -> None:
    assert credit(LoweredInvoice("DE-1", "DE-1", euro("119.00"))) == []
    assert credit(LoweredInvoice("DE-1", "DE-1", euro("118.99"))) == ["OVER_CREDIT"]
    both = LoweredInvoice("DE-1", "DE-1", euro("100.00")), LoweredInvoice("DE-2", "DE-2", euro("19.00"))
    assert credit(*both) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"gross": euro("5000.01")},
        {"gross": Money(Decimal("10"), "USD"), "last_net": None, "contracts": ()},
        {"has_usage": True},
        {"is_corrected": True},
        {"is_edited": True},
        {"last_net": None},
        {"kind": DocumentKind.CREDIT_NOTE, "lowers": (LoweredInvoice("DE-1", "DE-1", euro("9")),)},
    ],
)
def test_bulk_is_for_small_documents_that_say_what_the_schedule_says(changes: dict[str, Any]) -> None:
    assert not is_quiet(facts=replace(FACTS, **changes), rules=RULES)


def test_quiet_ends_at_its_limit_with_the_limit_included_and_below_the_second_approver() -> None:
    facts = replace(FACTS, gross=euro("5000.00"))

    assert is_quiet(facts=facts, rules=RULES)
    assert not is_quiet(facts=facts, rules=replace(RULES, second_approver_above={"EUR": Decimal("4999.99")}))


def test_a_first_document_is_quiet_only_where_the_rules_say_so() -> None:
    facts = replace(FACTS, last_net=None)

    assert is_quiet(facts=facts, rules=replace(RULES, is_first_quiet=True))
