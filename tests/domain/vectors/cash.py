"""Cash: what a payment pays, references, days of reminders, interest on late payment."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from connector.domain.matching import MatchDecision, MatchRules, OpenItem, Verdict, match_payment
from connector.domain.money import Money
from connector.domain.payment_reference import (
    creditor_reference,
    grouped,
    is_creditor_reference,
    is_iban,
    transfer_code,
)
from connector.domain.payments import spread_oldest_first
from connector.domain.reminders import compensation, late_interest, step_dates
from tests.domain.vectors.making import D


def _items(given: dict[str, Any]) -> list[OpenItem]:
    return [
        OpenItem(number, ref, money := Money(D(one["amount"]), one["ccy"]), money)
        for number, (ref, one) in enumerate(given["open"].items(), start=1)
    ]


def _verdict(given: dict[str, Any], rules: MatchRules | None = None) -> tuple[Verdict, list[OpenItem], Money]:
    items = _items(given)
    payment = given["payment"]
    amount = Money(D(payment["amount"]), payment["ccy"])
    named = [one for one in items if one.name in payment["refs"]]
    return match_payment(amount=amount, named=named, known=[] if named else items, rules=rules), items, amount


def matched(given: dict[str, Any], expected: dict[str, Any]) -> None:
    rules = MatchRules(fee_tolerance={"EUR": D(given.get("fee_tolerance", "0"))}, is_fee_automatic=False)
    verdict, items, amount = _verdict(given, rules)
    first = items[0]
    paid = verdict.amounts.get(first.id, Money.zero(amount.currency))
    found: dict[str, Any] = {
        "decision": verdict.decision.value,
        "status": "paid" if paid == first.open else "partially_paid",
        "open_after": str((first.open - paid).amount) if paid.currency == first.open.currency else "",
        "unapplied_credit": str(verdict.rest.amount) if verdict.rest else "",
        "applied": {one.name: str(verdict.amounts[one.id].amount) for one in items if one.id in verdict.amounts},
        "rest": str((amount - sum_of(verdict, amount)).amount),
        "reason": verdict.code,
        "suggested_writeoff": str(verdict.write_off.amount) if verdict.write_off else "",
        "candidates": [[str(one.amount) for one in candidate.amounts.values()] for candidate in verdict.candidates],
    }

    assert {name: found[name] for name in expected} == expected


def sum_of(verdict: Verdict, amount: Money) -> Money:
    return Money(sum((one.amount for one in verdict.amounts.values()), Decimal(0)), amount.currency).rounded()


def withheld(given: dict[str, Any], expected: dict[str, Any]) -> None:
    whole, received = (Money(D(given[name]), "EUR") for name in ("invoice_total", "received"))
    rules = MatchRules(withholding_percents=(D(given["withholding_pct"]),))
    verdict = match_payment(amount=received, named=[OpenItem(1, "DE-1", whole, whole)], rules=rules)

    assert (verdict.decision, verdict.code) == (MatchDecision.APPLY, "withholding")
    assert str(verdict.amounts[1].amount) == expected["cash_applied"]
    assert str((whole - verdict.amounts[1]).amount) == expected["open_as_withholding_certificate"]


def oldest_first(given: dict[str, Any], expected: dict[str, Any]) -> None:
    transfer = Money(D(given["transfer"]), given["currency"])
    owed = [Money(D(one), given["currency"]) for one in given["open_oldest_first"]]
    for name, is_full_only in (("full_only", True), ("allow_partial", False)):
        parts = spread_oldest_first(amount=transfer, open_amounts=owed, is_full_only=is_full_only)
        assert [str(part.amount) for part in parts] == expected[name]["applied"]
        assert str(transfer.amount - sum(part.amount for part in parts)) == expected[name]["left"]


def reference(given: dict[str, Any], expected: dict[str, Any]) -> None:
    if "valid" in expected:
        assert is_creditor_reference(given["full"]) is expected["valid"]
        return
    full = creditor_reference(given["reference"])

    assert (full, full[2:4], grouped(full)) == (expected["full"], expected["check"], expected["printed"])
    assert int(expected["numeric"]) % 97 == expected["mod97"]


def iban(given: dict[str, Any], expected: dict[str, Any]) -> None:
    found = [one for check in range(2, 99) if is_iban(one := f"{given['country']}{check:02}{given['bban']}")]

    assert found == [expected["iban"]]


def code(given: dict[str, Any], expected: dict[str, Any]) -> None:
    text = transfer_code(name=given["name"], iban=given["iban"], amount=Money(D(given["amount"]), "EUR"),
                         reference=given["reference"])  # fmt: skip

    assert (text, len(text.encode())) == (expected["payload"], expected["bytes"])


def reminder_days(given: dict[str, Any], expected: dict[str, Any]) -> None:
    start = date.fromisoformat(given.get("due") or given["first_failure"])

    assert [str(one) for one in step_dates(due_on=start, offsets=given["offsets_days"])] == expected["dates"]


def interest(given: dict[str, Any], expected: dict[str, Any]) -> None:
    principal = Money(D(given["principal"]), "EUR")
    found = late_interest(principal=principal, percent=D(given["annual_rate_pct"]), days=given["days_overdue"],
                          basis=given["basis"])  # fmt: skip

    assert str(found.amount) == expected["interest"]
    assert str(principal.amount + found.amount + D(given["fixed_compensation"])) == expected["total_claim"]


def fixed_sums(given: dict[str, Any], expected: dict[str, Any]) -> None:
    bands = ((D("0"), D("40.00")), (D("1000"), D("70.00")), (D("10000"), D("100.00")))
    found = [str(compensation(debt=Money(D(one), "GBP"), bands=bands).amount) for one in given["debts"]]

    assert found == expected["compensation_gbp"]
