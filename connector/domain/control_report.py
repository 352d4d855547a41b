"""From what was signed to what is open, in one line per customer and currency, and why neighbours differ.

Exists so that finance can prove on any day that no money fell between two steps: each figure is counted from its own
rows, each difference between two neighbours has a cause and an owner, and what no cause explains is said. Pure; it must
not read anything.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, fields
from decimal import Decimal

from connector.domain.money import round_amount

NOBODY, FINANCE, OPERATOR, SALES = "nobody", "finance", "operator", "sales"
_ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Figures:
    """What was counted for one customer in one currency, each from its own rows.

    Signed, contract, scheduled and billed are net (credit notes taken off); from `tax` on everything is gross. The
    figures behind the differences follow below the line.
    """

    signed: Decimal = _ZERO
    contract: Decimal = _ZERO
    scheduled: Decimal = _ZERO
    billed: Decimal = _ZERO
    tax: Decimal = _ZERO
    held: Decimal = _ZERO
    issued: Decimal = _ZERO
    credited: Decimal = _ZERO
    received: Decimal = _ZERO
    matched: Decimal = _ZERO
    open: Decimal = _ZERO
    # Behind the differences.
    unfulfilled: Decimal = _ZERO
    changes: Decimal = _ZERO
    usage: Decimal = _ZERO
    goodwill: Decimal = _ZERO
    not_drafted: Decimal = _ZERO
    sent_back: Decimal = _ZERO
    credits_applied: Decimal = _ZERO
    written_off: Decimal = _ZERO
    surplus: Decimal = _ZERO
    refunded: Decimal = _ZERO
    returned: Decimal = _ZERO
    unused: Decimal = _ZERO
    paid_for_others: Decimal = _ZERO


SHOWN = ("signed", "contract", "scheduled", "billed", "held", "issued", "credited", "received", "matched", "open")


@dataclass(frozen=True, slots=True)
class Gap:
    """Why two neighbours differ: `amount` leads from the first to the second."""

    between: str
    amount: Decimal
    cause: str
    owner: str

    @property
    def is_unexplained(self) -> bool:
        """Whether nothing that we know of explains it."""
        return self.cause.startswith("UNEXPLAINED")


@dataclass(frozen=True, slots=True)
class ControlRow:
    """One customer in one currency. An empty customer: money of which nobody knows whose it is."""

    org_id: str
    customer_ref: str
    customer_name: str
    currency: str
    figures: Figures
    gaps: tuple[Gap, ...] = field(default=())

    def text(self, amount: Decimal) -> str:
        """An amount with the places of the row's currency."""
        return format(round_amount(amount, currency=self.currency), "f")

    @property
    def adds_up(self) -> bool:
        """Whether every difference has a cause."""
        return not any(gap.is_unexplained for gap in self.gaps)


def with_total(*, rows: Sequence[Figures]) -> Figures:
    """The sum of figures, one by one."""
    sums = {one.name: sum((getattr(row, one.name) for row in rows), _ZERO) for one in fields(Figures)}
    return Figures(**sums)


def gaps(figures: Figures) -> tuple[Gap, ...]:
    """Every difference between two neighbours that is not zero, with its cause and who acts."""
    return tuple(gap for gap in _all(figures) if gap.amount)


def _all(f: Figures) -> Iterator[Gap]:
    step = "signed to contract"
    yield Gap(step, -f.unfulfilled, "Signed, and not fulfilled yet: see the page of orders.", SALES)
    yield Gap(step, f.changes, "Changes, cancellations and undone orders.", NOBODY)
    yield _rest(step, f.contract - f.signed - (f.changes - f.unfulfilled))
    step = "contract to scheduled"
    committed = f.scheduled - f.usage + f.goodwill
    later = f.contract - committed
    yield Gap(step, -later if later > 0 else _ZERO, "Due on a later day.", NOBODY)
    yield Gap(step, f.usage, "Usage, which no contract value holds.", NOBODY)
    yield Gap(step, -f.goodwill, "Credited by decision of a person, without a change of the contract.", NOBODY)
    yield _rest(step, -later if later < 0 else _ZERO)
    step = "scheduled to billed"
    yield Gap(
        step, -f.not_drafted, "Due and not drafted: the next billing run, or a problem of the contract.", OPERATOR
    )
    yield Gap(step, -f.sent_back, "Sent back to the owner of the deal, waits for an answer.", SALES)
    yield _rest(step, f.billed - f.scheduled + f.not_drafted + f.sent_back)
    step = "billed to held and issued"
    yield Gap(step, f.tax, "Tax.", NOBODY)
    yield _rest(step, f.held + f.issued - f.credited - f.billed - f.tax)
    step = "issued to open"
    unapplied = f.credited - f.credits_applied
    yield Gap(step, unapplied, "Credit notes beyond what their invoices came to: credit of the customer.", FINANCE)
    yield Gap(step, -f.written_off, "Written off.", NOBODY)
    yield Gap(step, f.surplus, "Paid and credited beyond the invoice; the surplus is not released.", FINANCE)
    yield _rest(step, f.open - (f.issued - f.credits_applied - f.matched - f.written_off + f.surplus))
    step = "received to matched"
    yield Gap(step, -f.returned, "Taken back by the bank.", NOBODY)
    yield Gap(step, -f.refunded, "Sent back to the customer, or on its way.", NOBODY)
    yield Gap(step, -f.unused, "Not applied: credit of the customer, or waits to be matched.", FINANCE)
    yield Gap(step, -f.paid_for_others, "Paid for another customer (below zero: another customer paid).", NOBODY)
    yield _rest(step, f.matched - (f.received - f.returned - f.refunded - f.unused - f.paid_for_others))


def _rest(step: str, amount: Decimal) -> Gap:
    return Gap(step, amount, f"UNEXPLAINED: the rows of {step} do not add up.", OPERATOR)


def safe_cell(text: str) -> str:
    """A text that no spreadsheet takes for a formula."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r", "\n") else text
