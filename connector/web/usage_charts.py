"""The charts of a customer's usage: units by period against what is included, one chart for each feature."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from connector.domain.usage_complete import share_used
from connector.store.queries_access import UsageRow
from connector.web.charts import Chart, Column, Part, bar_chart
from connector.web.words import day_words, month_words

INCLUDED, BEYOND, OPEN = "made", "planned", "estimate"
LEGEND = ((INCLUDED, "Within what is included"), (BEYOND, "Beyond it"), (OPEN, "Not complete yet"))
_FEWEST_SLOTS = 12


@dataclass(frozen=True, slots=True)
class UsageLine:
    """One period with the part of the commitment that was used, in percent."""

    row: UsageRow
    share: Decimal | None


@dataclass(frozen=True, slots=True)
class UsagePicture:
    """One feature: its chart and the rows of the table beneath, by period."""

    feature_ref: str
    product_name: str
    chart: Chart
    legend: tuple[tuple[str, str], ...]
    lines: tuple[UsageLine, ...]


def usage_pictures(*, rows: Sequence[UsageRow]) -> tuple[UsagePicture, ...]:
    """A chart with its table for each feature of each contract that was read."""
    groups: dict[tuple[str, str], list[UsageRow]] = {}
    for row in rows:
        groups.setdefault((row.contract_number, row.feature_ref), []).append(row)
    return tuple(_picture(found) for _key, found in sorted(groups.items()))


def _picture(rows: Sequence[UsageRow]) -> UsagePicture:
    columns = [_column(row) for row in rows]
    columns += [Column("", "", "", ())] * (_FEWEST_SLOTS - len(columns))
    used = {part.kind for column in columns for part in column.parts}
    lines = tuple(UsageLine(row, share_used(units=row.units or Decimal(0), commitment=row.included)) for row in rows)
    return UsagePicture(
        rows[0].feature_ref,
        rows[0].product_name,
        bar_chart(columns=columns),
        tuple((kind, words) for kind, words in LEGEND if kind in used),
        lines,
    )


def _column(row: UsageRow) -> Column:
    units = row.units or Decimal(0)
    within = min(units, row.included) if row.included else units
    is_whole = row.is_complete or bool(row.accepted_by)
    parts = [Part(INCLUDED, within), Part(BEYOND, units - within)] if is_whole else [Part(OPEN, units)]
    title = f"{day_words(row.starts_on)}: {units.normalize():f} used" + ("" if is_whole else f". {row.reason}")
    return Column(
        label=month_words(row.starts_on),
        title=title,
        href=f"#{anchor_of(row)}",
        parts=[part for part in parts if part.amount or part is parts[0]],
    )


def anchor_of(row: UsageRow) -> str:
    """Where the row stands in the table."""
    return f"usage-{row.contract_number}-{row.feature_ref}-{row.starts_on.isoformat()}"
