"""Who may decide about a document, and what may follow what."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from connector.domain.fulfilment import IllegalTransition
from connector.domain.money import Money
from connector.domain.review import (
    INVOICE_TRANSITIONS,
    Actor,
    Approval,
    DecisionRefused,
    InvoiceEvent,
    InvoiceState,
    ReviewRules,
    invoice_after,
    judge_approval,
    needs_second,
    refuse_changed,
)

RULES = ReviewRules(second_approver_above={"EUR": Decimal(1000), "JPY": Decimal(0)})
FINN, FRED = Actor("Finn", "finance"), Actor("Fred", "finance")
ANNA, ALEX = Actor("Anna", "approver"), Actor("Alex", "approver")


def euro(amount: str) -> Money:
    return Money(Decimal(amount), "EUR")


def given(actor: Actor) -> Approval:
    return Approval(actor, "hash", datetime(2026, 3, 2, tzinfo=UTC))


def judge(actor: Actor, *before: Actor, gross: str = "1000.01", rules: ReviewRules = RULES) -> InvoiceEvent:
    return judge_approval(rules=rules, gross=euro(gross), actor=actor, approvals=[given(one) for one in before])


def test_every_state_can_be_reached_and_only_issued_and_void_are_ends() -> None:
    reached = {InvoiceState.DRAFT, *INVOICE_TRANSITIONS.values()}
    left = {before for before, _event in INVOICE_TRANSITIONS}

    assert reached == set(InvoiceState)
    assert set(InvoiceState) - left == {InvoiceState.ISSUED, InvoiceState.VOID}


def test_nothing_leads_to_issued_but_the_last_approval() -> None:
    edges = {edge for edge, after in INVOICE_TRANSITIONS.items() if after is InvoiceState.ISSUED}

    assert edges == {(InvoiceState.DRAFT, InvoiceEvent.ISSUE), (InvoiceState.APPROVED, InvoiceEvent.ISSUE)}


@pytest.mark.parametrize("event", list(InvoiceEvent))
@pytest.mark.parametrize("state", [InvoiceState.ISSUED, InvoiceState.VOID])
def test_nothing_follows_an_end(state: InvoiceState, event: InvoiceEvent) -> None:
    with pytest.raises(IllegalTransition, match=f"that is {state} cannot be"):
        invoice_after(state, event)


def test_a_held_document_is_released_before_it_is_approved() -> None:
    with pytest.raises(IllegalTransition) as refused:
        invoice_after(InvoiceState.HELD, InvoiceEvent.ISSUE)

    assert refused.value.fix == "Release it first."


@pytest.mark.parametrize(
    ("amount", "currency", "two"),
    [
        ("1000.00", "EUR", False),
        ("1000.01", "EUR", True),
        ("-1000.00", "EUR", False),
        ("-1000.01", "EUR", True),
        ("0", "JPY", False),
        ("1", "JPY", True),
        ("0.01", "USD", True),
    ],
)
def test_more_than_the_threshold_needs_two_and_a_currency_without_one_always_does(
    amount: str, currency: str, two: bool
) -> None:
    assert needs_second(rules=RULES, gross=Money(Decimal(amount), currency)) is two


def test_without_any_threshold_one_person_is_enough() -> None:
    assert not needs_second(rules=ReviewRules(), gross=euro("1000000000"))


def test_the_last_needed_approval_issues() -> None:
    assert judge(FINN, gross="1000.00") is InvoiceEvent.ISSUE
    assert judge(FINN) is InvoiceEvent.APPROVE
    assert judge(ANNA, FINN) is InvoiceEvent.ISSUE
    assert judge(FINN, ANNA) is InvoiceEvent.ISSUE


@pytest.mark.parametrize("name", ["Anna", " anna ", "ANNA"])
def test_the_same_person_is_never_the_second(name: str) -> None:
    with pytest.raises(DecisionRefused) as refused:
        judge(Actor(name, "admin"), ANNA)

    assert refused.value.code == "SAME_PERSON"


def test_one_of_two_must_have_the_role_for_it() -> None:
    with pytest.raises(DecisionRefused) as refused:
        judge(FRED, FINN)

    assert refused.value.code == "ROLE_TOO_LOW"
    assert judge(ALEX, ANNA) is InvoiceEvent.ISSUE


@pytest.mark.parametrize("name", ["", "  ", "countersign", "schedule", "System"])
def test_the_system_approves_nothing(name: str) -> None:
    with pytest.raises(DecisionRefused) as refused:
        judge(Actor(name, "admin"))

    assert refused.value.code == "NO_PERSON"


@pytest.mark.parametrize("role", ["viewer", "", "owner", "Admin"])
def test_a_role_that_is_too_low_or_unknown_decides_nothing(role: str) -> None:
    with pytest.raises(DecisionRefused) as refused:
        judge(Actor("Vera", role))

    assert refused.value.code == "ROLE_TOO_LOW"


def test_the_last_editor_approves_only_where_the_rules_allow_it() -> None:
    strict = ReviewRules(may_editor_approve=False)
    arguments = {"gross": euro("1"), "actor": FINN, "approvals": (), "last_editor": "finn"}

    assert judge_approval(rules=ReviewRules(), **arguments) is InvoiceEvent.ISSUE  # type: ignore[arg-type]
    with pytest.raises(DecisionRefused) as refused:
        judge_approval(rules=strict, **arguments)  # type: ignore[arg-type]
    assert refused.value.code == "SAME_PERSON"


@pytest.mark.parametrize(("looked_at", "current"), [("a", "b"), ("", "b"), ("", "")])
def test_what_was_not_looked_at_is_refused(looked_at: str, current: str) -> None:
    with pytest.raises(DecisionRefused) as refused:
        refuse_changed(looked_at=looked_at, current=current)

    assert refused.value.code == "CONTENT_CHANGED"
