"""Where each line of a document stands beside what was expected: the contract's schedule, the last document, usage.

Exists so that a reviewer sees what is different at a glance, and why nothing is where nothing is. Pure: schedule, other
documents and readings are collected elsewhere. It decides nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from connector.domain.contract_terms import Charge, ChargeKind
from connector.domain.invoice_drafts import InvoiceItem
from connector.domain.money import Money, total

_USAGE = (ChargeKind.USAGE, ChargeKind.TRUE_UP)


class AgainstSchedule(StrEnum):
    """How a line stands to the contract's schedule."""

    AS_SCHEDULED = "as scheduled"
    # Something of the same charge is on other documents; with them it is what the schedule says.
    COMPLETES = "completes"
    DIFFERS = "differs"
    NOT_SCHEDULED = "not scheduled"
    # The schedule cannot be calculated; the document says why elsewhere.
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Reading:
    """Units that were used, and when that was read."""

    units: Decimal
    read_at: datetime


@dataclass(frozen=True, slots=True)
class LineEvidence:
    """One line. `scheduled` is what the schedule says of its charge, `elsewhere` what other documents hold of it.

    `last` is what the same product line came to on the document before (None: it was not on it); `reading` is told of
    usage alone, None while nobody has read it.
    """

    position: int
    word: AgainstSchedule
    scheduled: Money | None
    elsewhere: Money
    last: Money | None
    is_usage: bool
    reading: Reading | None

    @property
    def is_different(self) -> bool:
        """Whether the schedule says something else."""
        return self.word in (AgainstSchedule.DIFFERS, AgainstSchedule.NOT_SCHEDULED)


@dataclass(frozen=True, slots=True)
class GoneLine:
    """A line of the last document that is not on this one, with what it came to."""

    description: str
    amount: Money


def line_evidence(
    *,
    items: Sequence[InvoiceItem],
    charges: Mapping[str, Mapping[str, Charge] | None],
    elsewhere: Mapping[str, Money],
    last: Sequence[InvoiceItem] | None,
    readings: Mapping[str, Reading],
) -> tuple[LineEvidence, ...]:
    """One entry for each item, in order.

    `charges` are those of each contract by key (None: its schedule cannot be calculated), `elsewhere` what other
    documents hold by charge key, `last` the items of the document before (None: there was none).
    """
    before = _by_product(last or ())
    return tuple(
        _line(
            position,
            item,
            charges.get(item.contract_ref),
            elsewhere.get(item.charge_key, Money.zero(item.amount.currency)),
            before.get(_product(item)),
            readings.get(item.charge_key),
        )
        for position, item in enumerate(items, start=1)
    )


def gone_lines(*, items: Sequence[InvoiceItem], last: Sequence[InvoiceItem]) -> tuple[GoneLine, ...]:
    """The product lines of the document before that this one does not have."""
    now, before = _by_product(items), _by_product(last)
    names = {_product(item): item.description for item in last}
    return tuple(GoneLine(names[key], amount) for key, amount in before.items() if key not in now)


def _line(
    position: int,
    item: InvoiceItem,
    charges: Mapping[str, Charge] | None,
    elsewhere: Money,
    last: Money | None,
    reading: Reading | None,
) -> LineEvidence:
    charge = None if charges is None else charges.get(item.charge_key)
    scheduled = None if charge is None else charge.amount
    word = AgainstSchedule.UNKNOWN if charges is None else _word(item, scheduled, elsewhere)
    return LineEvidence(position, word, scheduled, elsewhere, last, item.kind in _USAGE, reading)


def _word(item: InvoiceItem, scheduled: Money | None, elsewhere: Money) -> AgainstSchedule:
    if scheduled is None:
        return AgainstSchedule.NOT_SCHEDULED
    if item.amount + elsewhere != scheduled:
        return AgainstSchedule.DIFFERS
    return AgainstSchedule.COMPLETES if elsewhere.amount else AgainstSchedule.AS_SCHEDULED


def _product(item: InvoiceItem) -> tuple[str, str, str]:
    return item.contract_ref, item.product_code or item.description, item.kind.value


def _by_product(items: Iterable[InvoiceItem]) -> dict[tuple[str, str, str], Money]:
    found: dict[tuple[str, str, str], list[Money]] = {}
    for item in items:
        found.setdefault(_product(item), []).append(item.amount)
    return {key: total(amounts, currency=amounts[0].currency) for key, amounts in found.items()}
