"""The control report of a day: every customer from signed to open, every difference with its cause and owner.

Read only. Counted by the database; only what is due and not drafted is worked out by the billing itself, for the few
contracts where something is due.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from datetime import date
from decimal import Decimal
from typing import Any

from connector.domain.control_report import SHOWN, ControlRow, Figures, gaps, safe_cell, with_total
from connector.store.control_figures import Counted, count_figures
from connector.store.ledger import account_sums
from connector.store.unit_of_work import Database
from connector.usecases.bill_contracts import Biller

_NAMES = frozenset(one.name for one in fields(Figures))


@dataclass(frozen=True, slots=True)
class ControlReport:
    """The report of one day. `totals` by currency; `lost` is what the ledger does not sum to zero by, by currency.

    `problems` are contracts that cannot be billed, in words: what they owe is not in the figures.
    """

    as_of: date
    rows: tuple[ControlRow, ...]
    totals: tuple[ControlRow, ...]
    lost: dict[str, Decimal]
    problems: tuple[str, ...] = ()

    @property
    def adds_up(self) -> bool:
        """Whether everything is explained."""
        return not self.lost and all(row.adds_up for row in self.rows)


def report_control(*, database: Database, biller: Biller, as_of: date) -> ControlReport:
    """The report as of that day."""
    with database.reading() as connection:
        counted = count_figures(connection=connection, as_of=as_of)
        sums = account_sums(connection=connection)
    problems = tuple(_add_due(counted, biller, as_of))
    rows = [
        _row(key, counted.names.get(key[:2], ""), amounts) for key, amounts in sorted(counted.sums.items())
    ]  # fmt: skip
    rows = [row for row in rows if any(getattr(row.figures, one.name) for one in fields(Figures))]
    currencies = sorted({row.currency for row in rows})
    totals = [_total(currency, [row for row in rows if row.currency == currency]) for currency in currencies]
    lost = {currency: sum(accounts.values(), Decimal(0)) for currency, accounts in sums.items()}
    return ControlReport(as_of, tuple(rows), tuple(totals), {one: amount for one, amount in lost.items() if amount},
                         problems)  # fmt: skip


def as_csv(report: ControlReport) -> str:
    """The report as CSV: one line per customer and currency, then one per difference; no cell is a formula."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(["day", "org", "customer", "name", "currency", *SHOWN, "tax", "adds up", "differences"])
    for row in report.rows:
        told = "; ".join(f"{gap.between}: {row.text(gap.amount)} {gap.cause} ({gap.owner})" for gap in row.gaps)
        texts = (safe_cell(text) for text in (row.org_id, row.customer_ref, row.customer_name))
        amounts = (row.text(getattr(row.figures, name)) for name in (*SHOWN, "tax"))
        is_whole = "yes" if row.adds_up else "no"
        writer.writerow([report.as_of, *texts, row.currency, *amounts, is_whole, safe_cell(told)])
    return out.getvalue()


def as_json(report: ControlReport) -> dict[str, Any]:
    """The report as a document."""
    return {
        "as_of": report.as_of.isoformat(),
        "adds_up": report.adds_up,
        "ledger_off_by": {currency: format(amount, "f") for currency, amount in report.lost.items()},
        "problems": list(report.problems),
        "totals": [_document(row) for row in report.totals],
        "rows": [_document(row) for row in report.rows],
    }


def _document(row: ControlRow) -> dict[str, Any]:
    return {
        "org_id": row.org_id,
        "customer": row.customer_ref,
        "name": row.customer_name,
        "currency": row.currency,
        **{name: row.text(getattr(row.figures, name)) for name in (*SHOWN, "tax")},
        "adds_up": row.adds_up,
        "differences": [
            {
                "between": gap.between,
                "amount": row.text(gap.amount),
                "cause": gap.cause,
                "owner": gap.owner,
            }
            for gap in row.gaps
        ],
    }


def _add_due(counted: Counted, biller: Biller, as_of: date) -> Iterator[str]:
    """What is due and not drafted, as the next billing run would draft it."""
    for one in biller.dry_run(as_of=as_of):
        if one.problem:
            yield f"{one.contracts[0].customer_ref}: {one.problem}"
        for taxed in one.drafts:
            draft, org_id = taxed.document.draft, one.contracts[0].org_id
            key = (org_id, draft.bill_to.customer_ref, draft.net.currency)
            counted.add(key, "not_drafted", draft.net.amount)
            counted.names.setdefault(key[:2], taxed.customer_name)


def _row(key: tuple[str, str, str], name: str, amounts: dict[str, Decimal]) -> ControlRow:
    values = {one: amount for one, amount in amounts.items() if one in _NAMES}
    values["paid_for_others"] = amounts.get("paid_for_others", Decimal(0)) - amounts.get("paid_by_others", Decimal(0))
    due = (amounts.get(one, Decimal(0)) for one in ("billed", "not_drafted", "sent_back"))
    figures = Figures(**{**values, "scheduled": sum(due, Decimal(0))})
    org_id, customer_ref, currency = key
    return ControlRow(org_id, customer_ref, name, currency, figures, gaps(figures))


def _total(currency: str, rows: Sequence[ControlRow]) -> ControlRow:
    figures = with_total(rows=[row.figures for row in rows])
    return ControlRow("", "", "", currency, figures, gaps(figures))
