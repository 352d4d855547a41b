"""The charts of a contract: its value over time beside what is billed by then, and its documents by month."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from decimal import Decimal

from connector.domain.contract_terms import Change
from connector.usecases.show_schedule import ContractSchedule, ScheduledDocument
from connector.web.charts import Chart, Column, Part, Step, bar_chart, step_chart
from connector.web.words import day_words, money_words, month_words

MADE, PLANNED, ESTIMATE, CREDIT = "made", "planned", "estimate", "credit"
_KINDS = (MADE, PLANNED, ESTIMATE, CREDIT)
_LEGEND = {MADE: "On documents", PLANNED: "Planned", ESTIMATE: "Usage, estimated", CREDIT: "Credit"}
# A slot holds this many months, the fewest that keep the columns wide enough to be seen.
_SLOT_MONTHS = (1, 3, 12, 60)
_MOST_SLOTS = 60
_FEWEST_SLOTS = 12


def documents_chart(*, schedule: ContractSchedule) -> Chart | None:
    """The documents by month, longer contracts by quarter or year; None when there are none."""
    documents = schedule.documents
    if not documents:
        return None
    months = [_month(document.bill_on) for document in documents]
    first, last = min(months), max(months)
    size = next((size for size in _SLOT_MONTHS if (last - first) // size < _MOST_SLOTS), _SLOT_MONTHS[-1])
    first -= first % size
    count = max(_FEWEST_SLOTS, (last - first) // size + 1)
    slots: list[list[tuple[int, ScheduledDocument]]] = [[] for _ in range(count)]
    for number, document in enumerate(documents, start=1):
        slots[(_month(document.bill_on) - first) // size].append((number, document))
    return bar_chart(columns=[_column(first + place * size, size, found) for place, found in enumerate(slots)])


def legend(*, schedule: ContractSchedule) -> tuple[tuple[str, str], ...]:
    """The colours of the documents' chart that are in use, with their words."""
    used = {kind for document in schedule.documents for kind, _ in _parts(document)}
    return tuple((kind, _LEGEND[kind]) for kind in _KINDS if kind in used)


def value_chart(*, schedule: ContractSchedule, changes: Sequence[Change], today: date) -> Chart | None:
    """The contract's value from each change on, over what the schedule has billed by then, with a line for today.

    None when the contract was never worth anything.
    """
    if not any(change.total.amount for change in changes):
        return None
    contract, documents = schedule.contract, schedule.documents
    days = [change.effective_on for change in changes] + [document.bill_on for document in documents]
    first, last = min([contract.starts_on, *days]), max([contract.ends_on, *days])
    span = Decimal((last - first).days or 1)

    def at(day: date) -> Decimal:
        return Decimal((day - first).days) / span

    billed, area = Decimal(0), []
    for document in documents:
        billed += sum((item.amount.amount for item in document.items if not item.is_estimate), Decimal(0))
        area.append(Step(at(document.bill_on), billed))
    line = [Step(at(change.effective_on), change.total.amount) for change in _by_day(changes)]
    now = at(today) if first <= today <= last else None
    return step_chart(line=line, area=area, labels=_month_labels(first, last, at), now=now)


def _by_day(changes: Sequence[Change]) -> list[Change]:
    """The changes by day; each total already holds all changes before it in the sequence of their effect."""
    return sorted(changes, key=lambda change: change.effective_on)


def _column(first: int, size: int, found: Sequence[tuple[int, ScheduledDocument]]) -> Column:
    label = month_words(_day(first)) if size < 12 else str(first // 12)
    if not found:
        return Column(label, "", "", ())
    documents = [document for _, document in found]
    sums = {kind: Decimal(0) for kind in _KINDS}
    seen = set()
    for document in documents:
        for kind, amount in _parts(document):
            sums[kind] += amount
            seen.add(kind)
    return Column(
        label=label,
        title=_title(documents),
        href=f"#document-{found[0][0]}",
        parts=[Part(kind, sums[kind]) for kind in _KINDS if kind in seen],
    )


def _parts(document: ScheduledDocument) -> list[tuple[str, Decimal]]:
    """A document's amounts by colour; what depends on usage stands apart."""
    unread = [item.amount.amount for item in document.items if item.is_estimate]
    rest = document.net.amount - sum(unread, Decimal(0))
    kind = MADE if not document.is_planned else PLANNED
    parts = [(CREDIT if rest < 0 else kind, rest)] if rest or not unread else []
    return parts + ([(ESTIMATE, sum(unread, Decimal(0)))] if unread else [])


def _title(documents: Sequence[ScheduledDocument]) -> str:
    shown = [
        f"{day_words(document.bill_on)}: {money_words(document.net.rounded())}"
        + (" and usage" if document.is_estimate else "")
        for document in documents[:6]
    ]
    more = [f"and {len(documents) - 6} more"] if len(documents) > 6 else []
    return "\n".join([*shown, *more])


def _month_labels(first: date, last: date, at: Callable[[date], Decimal]) -> list[tuple[Decimal, str]]:
    months = _month(last) - _month(first)
    size = next((size for size in (1, 3, 6, 12, 24, 60, 120) if months // size <= 8), 240)
    start = _month(first) + (first.day > 1)
    start += -start % size
    days = [_day(month) for month in range(start, _month(last) + 1, size)]
    return [(at(day), month_words(day)) for day in days if first <= day <= last]


def _month(day: date) -> int:
    return day.year * 12 + day.month - 1


def _day(month: int) -> date:
    return date(month // 12, month % 12 + 1, 1)
