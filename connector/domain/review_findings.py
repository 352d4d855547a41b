"""What a reviewer should know about a draft before deciding, and which drafts need no second look.

Exists so that queue, page, API and bulk approval warn of the same things. Pure: the facts are collected elsewhere. A
finding that blocks stops the issuing of the document; every other one is for a person to weigh.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import IntEnum

from connector.domain.invoice_drafts import DocumentKind
from connector.domain.money import Money
from connector.domain.review import ReviewRules, needs_second
from connector.domain.tax import TaxCategory
from connector.domain.terms import Customer


class Risk(IntEnum):
    """How much a draft wants to be looked at, in one word, from least to most."""

    QUIET = 0
    # Nothing to warn of, but not as plain as a quiet one: usage, a correction, a first document, a large amount.
    PLAIN = 1
    WARNED = 2
    BLOCKED = 3


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing about a draft: a stable code, what is so, what to do, who does it."""

    code: str
    message: str
    fix: str
    owner: str = "finance"
    is_blocking: bool = False


@dataclass(frozen=True, slots=True)
class BilledContract:
    """A contract behind a draft; `is_unfinished` when something due up to the bill date is not on any document.

    `usage_waits` says why usage due by then is not complete, `usage_doubted` why usage on this very draft no longer is.
    """

    number: str
    currency: str
    legal_entity: str
    is_changed: bool = False
    is_unfinished: bool = False
    problem: str = ""
    usage_waits: str = ""
    usage_doubted: str = ""


@dataclass(frozen=True, slots=True)
class LoweredInvoice:
    """An invoice that a credit note lowers: its number (empty until it is issued) and what is open to be credited."""

    name: str
    number: str
    creditable: Money | None


@dataclass(frozen=True, slots=True)
class DraftFacts:
    """Everything that the rules look at.

    `last_net` is that of the customer's document before this one (None: there is none), `twins` the names of other
    documents that hold a row of the same product, days and amount. `is_corrected`: a row differs from the schedule.
    """

    kind: DocumentKind
    bill_on: date
    legal_entity: str
    net: Money
    gross: Money
    customer: Customer
    recipients: tuple[str, ...]
    po_number: str
    is_po_expected: bool
    tax_categories: frozenset[str]
    is_entity_known: bool = True
    is_seller_complete: bool = True
    problem_code: str = ""
    problem: str = ""
    contracts: tuple[BilledContract, ...] = ()
    last_net: Money | None = None
    twins: tuple[str, ...] = ()
    lowers: tuple[LoweredInvoice, ...] = ()
    unknown_lowers: int = 0
    has_usage: bool = False
    is_corrected: bool = False
    is_edited: bool = False


def review_warnings(*, facts: DraftFacts, rules: ReviewRules) -> tuple[Finding, ...]:
    """Everything a reviewer should know, what blocks first."""
    found = [
        *_of_tax(facts),
        *_of_parties(facts),
        *_of_contracts(facts),
        *_of_amounts(facts, rules),
        *_of_credit(facts),
    ]
    return tuple(sorted(found, key=lambda finding: not finding.is_blocking))


def is_quiet(*, facts: DraftFacts, rules: ReviewRules, findings: tuple[Finding, ...] | None = None) -> bool:
    """Whether the draft may be approved in bulk: as the schedule says, small enough for one person, no warning.

    Usage, corrections, credit notes and what a person edited are never quiet; a customer's first document is only when
    the rules say so.
    """
    known = review_warnings(facts=facts, rules=rules) if findings is None else findings
    most = rules.quiet_up_to.get(facts.gross.currency)
    if known or most is None or not Decimal(0) < facts.gross.amount <= most:
        return False
    if facts.kind is not DocumentKind.INVOICE or needs_second(rules=rules, gross=facts.gross):
        return False
    is_plain = not (facts.has_usage or facts.is_corrected or facts.is_edited)
    return is_plain and (facts.last_net is not None or rules.is_first_quiet)


def risk_of(*, findings: tuple[Finding, ...], is_quiet: bool) -> Risk:
    """The risk of a draft with these findings."""
    if any(finding.is_blocking for finding in findings):
        return Risk.BLOCKED
    if findings:
        return Risk.WARNED
    return Risk.QUIET if is_quiet else Risk.PLAIN


def _of_tax(facts: DraftFacts) -> Iterator[Finding]:
    if facts.problem_code:
        yield Finding(
            facts.problem_code,
            facts.problem,
            "Mend the cause, then void the draft: the next billing run drafts it anew.",
            is_blocking=True,
        )
    if facts.customer.tax_id.strip():
        return
    if TaxCategory.REVERSE_CHARGE in facts.tax_categories:
        yield Finding(
            "TAX_ID_MISSING",
            "Reverse charge needs the tax id of the customer on the document, and none is known.",
            "Fill in the tax id on the account and resync the deal.",
            owner="sales",
            is_blocking=True,
        )
    elif facts.tax_categories - {TaxCategory.NOT_SUBJECT}:
        yield Finding("TAX_ID_MISSING", "The customer has no tax id.", "Ask for it, or approve without.", owner="sales")


def _of_parties(facts: DraftFacts) -> Iterator[Finding]:
    address = facts.customer.billing_address
    lacking = [name for name in ("street", "city", "country") if not getattr(address, name).strip()]
    if not facts.customer.name.strip():
        lacking.insert(0, "name")
    if lacking:
        yield Finding(
            "ADDRESS_INCOMPLETE",
            f"The customer's billing address lacks: {', '.join(lacking)}.",
            "Complete the account in Salesforce and resync the deal.",
            owner="sales",
        )
    if not facts.recipients:
        yield Finding(
            "EMAIL_MISSING",
            "Nobody would get this document: no e-mail address is known.",
            "Add a recipient here, or the billing e-mail on the account.",
        )
    if facts.is_po_expected and not facts.po_number.strip():
        yield Finding(
            "PO_NUMBER_MISSING",
            "This customer wants a purchase order number, and there is none.",
            "Ask for it and add it here, or send the draft back.",
            owner="sales",
        )
    if not facts.is_seller_complete:
        yield Finding(
            "SELLER_INCOMPLETE",
            f"The legal entity {facts.legal_entity} has no full name and address in the settings.",
            "Complete [[billing.entities]]; a document without its seller is no invoice in most countries.",
            owner="operator",
        )


def _of_contracts(facts: DraftFacts) -> Iterator[Finding]:
    if not facts.is_entity_known:
        yield Finding(
            "ENTITY_UNKNOWN",
            f"The legal entity {facts.legal_entity!r} is not in the settings, so there is no number series for it.",
            "Add it to [[billing.entities]].",
            owner="operator",
            is_blocking=True,
        )
    for contract in facts.contracts:
        yield from _of_contract(contract, facts)


def _of_contract(contract: BilledContract, facts: DraftFacts) -> Iterator[Finding]:
    if contract.currency != facts.gross.currency:
        yield Finding(
            "CURRENCY_MISMATCH",
            f"{contract.number} is in {contract.currency}, this document in {facts.gross.currency}.",
            "Void the draft and report it: one document has one currency.",
            owner="operator",
            is_blocking=True,
        )
    if contract.legal_entity != facts.legal_entity:
        yield Finding(
            "ENTITY_MISMATCH",
            f"{contract.number} was sold by {contract.legal_entity}, this document is from {facts.legal_entity}.",
            "Check that the line really belongs to another entity.",
        )
    if contract.problem:
        yield Finding(
            "CONTRACT_NOT_BILLED", f"{contract.number}: {contract.problem}", "Look at the contract first.", "operator"
        )
    elif contract.is_changed:
        yield Finding(
            "CONTRACT_CHANGED",
            f"{contract.number} has changed since this draft was made.",
            "Wait for the next billing run, which drafts the difference.",
        )
    elif contract.is_unfinished:
        why = f": {contract.usage_waits}" if contract.usage_waits else " that was not read yet."
        yield Finding(
            "USAGE_INCOMPLETE",
            f"{contract.number} has usage due up to {facts.bill_on}{why}",
            "Wait for the reading, or approve: it comes with a later document.",
        )
    if contract.usage_doubted:
        yield Finding(
            "USAGE_DOUBTED",
            f"The usage of {contract.number} on this document is not complete: {contract.usage_doubted}",
            "Wait until the platform has all of it, or take the figure as it is (countersign usage accept).",
            is_blocking=True,
        )


def _of_amounts(facts: DraftFacts, rules: ReviewRules) -> Iterator[Finding]:
    if not facts.gross.amount:
        yield Finding("TOTAL_ZERO", "The total is zero.", "Void the draft unless the customer wants to see it.")
    if facts.twins:
        yield Finding(
            "DUPLICATE",
            f"The same product, days and amount are on {', '.join(facts.twins)} too.",
            "Compare the documents; void or credit what is there twice.",
        )
    last = facts.last_net
    if last is None or facts.kind is not DocumentKind.INVOICE or last.currency != facts.net.currency or not last.amount:
        return
    change = (facts.net.amount - last.amount) * 100 / last.amount
    if abs(change) > rules.jump_percent:
        yield Finding(
            "JUMP",
            f"{facts.net} is {change:+.0f} % against the last document ({last}).",
            "Look at what was added or has ended.",
        )


def _of_credit(facts: DraftFacts) -> Iterator[Finding]:
    if facts.kind is not DocumentKind.CREDIT_NOTE:
        return
    waiting = [lowered.name for lowered in facts.lowers if not lowered.number]
    if waiting or facts.unknown_lowers:
        yield Finding(
            "LOWERS_UNISSUED",
            f"It lowers {', '.join(waiting) or 'a document'} that is not issued.",
            "Decide on that document first; if it is voided or sent back, void this one too.",
            is_blocking=True,
        )
    if not facts.lowers and not facts.unknown_lowers:
        yield Finding("LOWERS_NOTHING", "It names no invoice that it lowers.", "Check that the customer is owed this.")
    left = [lowered.creditable for lowered in facts.lowers if lowered.creditable is not None]
    if left and not waiting and sum((money.amount for money in left), Decimal(0)) < -facts.gross.amount:
        yield Finding(
            "OVER_CREDIT",
            "It gives back more than is left to be credited of the invoices that it lowers.",
            "Void it, and credit what is left instead.",
            is_blocking=True,
        )
