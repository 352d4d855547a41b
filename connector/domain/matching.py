"""What a payment pays: decided by itself only where reference and currency leave no doubt, else suggested to a person.

Exists so that no amount alone ever books money (two customers owe the same 1190.00 every month). Pure: values in, a
verdict out. It must not look anything up or book anything.

Rules (the number is the order of the table in the reference for finance, docs/cash.md): an invoice that is named by a
valid reference in the payment's currency is paid in full, in part, or with a rest that stays the customer's credit;
several named ones only when their open amounts add up; a shortfall within the stated fee is a bank charge.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from itertools import combinations

from connector.domain.money import Money, round_amount, total

# More open invoices than these are not searched for sums: too many would fit by chance.
MOST_SEARCHED = 12
MOST_CANDIDATES = 3


class MatchDecision(StrEnum):
    """Who decides: we, a person who is shown one likely answer, or a person who must find out."""

    APPLY = "auto_apply"
    SUGGEST = "suggest"
    REVIEW = "review"


@dataclass(frozen=True, slots=True)
class MatchRules:
    """The settings of matching, amounts by currency.

    `fee_tolerance`: a bank may have kept so much of a transfer; `is_fee_automatic`: such a shortfall is booked as a
    charge by itself, else suggested. `withholding_percents`: agreed rates of tax that customers hold back.
    """

    fee_tolerance: Mapping[str, Decimal] = field(default_factory=dict)
    is_fee_automatic: bool = True
    withholding_percents: tuple[Decimal, ...] = ()


@dataclass(frozen=True, slots=True)
class OpenItem:
    """An issued invoice that may be paid. `why_not` says in words why it cannot be, empty when it can.

    `is_proved`: check digits prove that it was meant; else only its number stands in the text.
    """

    id: int
    name: str
    open: Money
    gross: Money
    is_proved: bool = True
    why_not: str = ""


@dataclass(frozen=True, slots=True)
class Candidate:
    """Invoices that a payment may pay, with what each would get."""

    amounts: Mapping[int, Money]
    write_off: Money | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is to be done with a payment.

    `amounts` are what each invoice gets; with APPLY they are booked as they are. `write_off` is a bank charge on the
    one invoice named. `rest` stays as credit. `candidates` are shown to a person, the likeliest first.
    """

    decision: MatchDecision
    code: str
    reason: str
    amounts: Mapping[int, Money] = field(default_factory=dict)
    write_off: Money | None = None
    rest: Money | None = None
    candidates: tuple[Candidate, ...] = ()


def match_payment(
    *, amount: Money, named: Sequence[OpenItem], known: Sequence[OpenItem] = (), rules: MatchRules | None = None
) -> Verdict:
    """The verdict about a payment of this amount.

    `named` are the invoices whose references it quotes, each once; `known` the open ones of the customer that its
    account belongs to, where that is known. Nothing is applied without a reference.
    """
    used = rules or MatchRules()
    if not named:
        return _unnamed(amount, [one for one in known if one.open.currency == amount.currency])
    if foreign := [one for one in named if one.open.currency != amount.currency]:
        return _review(
            "currency_mismatch",
            f"{_names(foreign)} is in {foreign[0].open.currency}, the payment in {amount.currency}. Nothing is "
            "converted by itself.",
        )
    if refused := [one for one in named if one.why_not]:
        return _review("not_payable", " ".join(one.why_not for one in refused))
    payable = [one for one in named if one.open]
    if not payable:
        return _review("already_paid", f"Nothing is open on {_names(named)}: paid twice, or paid before a credit.")
    is_one = len(named) == 1 or (len(payable) == 1 and payable[0].open == amount)
    verdict = _one(amount, payable[0], used) if is_one else _several(amount, payable)
    if verdict.code in ("exact", "several") or all(one.is_proved for one in payable):
        return verdict
    return _doubtful(verdict)


def wrong_digits(texts: Sequence[str]) -> Verdict:
    """The verdict where the only references quoted have wrong check digits."""
    return _review("wrong_check_digits", f"The check digits of {', '.join(texts)} do not hold: a digit is wrong.")


def fee_within(*, short: Money, rules: MatchRules) -> bool:
    """Whether a shortfall is small enough to be a charge of a bank."""
    return Decimal(0) < short.amount <= rules.fee_tolerance.get(short.currency, Decimal(0))


def _doubtful(verdict: Verdict) -> Verdict:
    """A number without check digits and another amount: one wrong digit would book to a stranger."""
    if verdict.decision is not MatchDecision.APPLY:
        return verdict
    return Verdict(
        MatchDecision.SUGGEST,
        "number_only",
        f"The number stands in the text without check digits, and the amount differs. {verdict.reason}",
        candidates=(Candidate(verdict.amounts, verdict.write_off),),
    )


def _one(amount: Money, item: OpenItem, rules: MatchRules) -> Verdict:
    if amount == item.open:
        return _apply("exact", f"{item.name} is paid.", {item.id: amount})
    if item.open < amount:
        rest = amount - item.open
        return _apply("over", f"{item.name} is paid; {rest} more came and is credit.", {item.id: item.open}, rest)
    short = item.open - amount
    if fee_within(short=short, rules=rules):
        return _fee(amount, item, short, rules)
    if withheld := _withheld(amount, item, rules):
        return _apply(
            "withholding",
            f"{short} of {item.name} ({withheld} %) is open until the certificate of the withheld tax is here.",
            {item.id: amount},
        )
    return _apply("partial", f"{item.name} is paid in part; {short} stays open.", {item.id: amount})


def _fee(amount: Money, item: OpenItem, short: Money, rules: MatchRules) -> Verdict:
    is_ours = rules.is_fee_automatic
    return Verdict(
        decision=MatchDecision.APPLY if is_ours else MatchDecision.SUGGEST,
        code="bank_charges",
        reason=f"{short} less than {item.name} came: within the stated charge of a bank.",
        amounts={item.id: amount},
        write_off=short,
        candidates=() if is_ours else (Candidate({item.id: amount}, short),),
    )


def _withheld(amount: Money, item: OpenItem, rules: MatchRules) -> Decimal | None:
    """The agreed rate by which exactly the payment is short of the whole invoice."""
    for percent in rules.withholding_percents:
        held = round_amount(item.gross.amount * percent / 100, currency=item.gross.currency)
        if item.open == item.gross and item.open.amount - amount.amount == held:
            return percent
    return None


def _several(amount: Money, items: Sequence[OpenItem]) -> Verdict:
    owed = total((one.open for one in items), currency=amount.currency)
    if owed == amount:
        return _apply("several", f"{_names(items)} are paid.", {one.id: one.open for one in items})
    candidates = subsets(amount=amount, items=items)
    return Verdict(
        MatchDecision.REVIEW,
        "sum_differs",
        f"{_names(items)} are named and come to {owed}; {amount} came. How it is split, only the payer knows.",
        candidates=candidates,
    )


def _unnamed(amount: Money, known: Sequence[OpenItem]) -> Verdict:
    candidates = subsets(amount=amount, items=[one for one in known if one.open and not one.why_not])
    if len(candidates) == 1 and len(candidates[0].amounts) == 1:
        return Verdict(
            MatchDecision.SUGGEST,
            "amount_only",
            "No reference, but one open invoice of the customer has this amount.",
            candidates=candidates,
        )
    if candidates:
        return Verdict(
            MatchDecision.REVIEW,
            "ambiguous",
            "No reference, and open invoices that add up to the amount are more than one guess.",
            candidates=candidates,
        )
    return _review("no_reference", "No invoice of ours is named, and no open one has this amount.")


def subsets(*, amount: Money, items: Sequence[OpenItem]) -> tuple[Candidate, ...]:
    """Sets of open invoices that add up to the amount, smaller sets first; at most a few, none among too many."""
    if len(items) > MOST_SEARCHED:
        items = [one for one in items if one.open == amount]
    found: list[Candidate] = []
    for size in range(1, min(len(items), MOST_SEARCHED) + 1):
        for some in combinations(items, size):
            if sum((one.open.amount for one in some), Decimal(0)) == amount.amount:
                found.append(Candidate({one.id: one.open for one in some}))
                if len(found) == MOST_CANDIDATES:
                    return tuple(found)
    return tuple(found)


def _apply(code: str, reason: str, amounts: Mapping[int, Money], rest: Money | None = None) -> Verdict:
    return Verdict(MatchDecision.APPLY, code, reason, amounts, rest=rest)


def _review(code: str, reason: str) -> Verdict:
    return Verdict(MatchDecision.REVIEW, code, reason)


def _names(items: Iterable[OpenItem]) -> str:
    return ", ".join(one.name for one in items)
