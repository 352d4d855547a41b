"""Commands of billing: bill --as-of DATE [--dry-run], undo ORDER --on DATE --reason TEXT."""

from __future__ import annotations

import sys
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import click

from connector.bootstrap import make_biller, make_undoer
from connector.commands.setting import FINDINGS, GOOD, Setting, actor, settings_options, table
from connector.engine import new_executor_id
from connector.store import billing_runs
from connector.store.billing_rows import TaxedDraft
from connector.usecases.bill_contracts import Biller


@click.command("bill")
@click.option(
    "--as-of", type=click.DateTime(["%Y-%m-%d"]), required=True, help="Everything due up to this day, included."
)
@click.option("--dry-run", is_flag=True, help="Show the drafts; store nothing.")
@settings_options
def bill(setting: Setting, *, as_of: datetime, dry_run: bool) -> int:
    """Draft invoices for what is due and not billed yet; they are held for finance."""
    biller = make_biller(setting.services, executor_id=new_executor_id())
    if dry_run:
        return _show(setting, biller, as_of.date())
    run_id = biller.open_run(as_of=as_of.date(), actor=actor())
    counts = _run(setting, biller, run_id)
    lines = [f"{name}: {count}" for name, count in counts.items()]
    setting.tell({"run": run_id, **counts}, lines=lines or ["Nothing is due."])
    return FINDINGS if counts.get("failed") else GOOD


@click.command("undo")
@click.argument("number", metavar="ORDER")
@click.option("--on", type=click.DateTime(["%Y-%m-%d"]), required=True, help="The day from which it counts no more.")
@click.option("--reason", required=True, help="Why, for the history and Salesforce.")
@settings_options
def undo(setting: Setting, *, number: str, on: datetime, reason: str) -> int:
    """Take the latest ORDER of a contract back: what it did before that day is reversed on that day."""
    parts = setting.migrated
    undone = make_undoer(parts).undo(number=number, on=on.date(), reason=reason, actor=actor())
    answer = {
        "order": undone.order_number,
        "contract": undone.contract_number,
        "on": undone.on,
        "value_before": undone.value_before.amount,
        "value": undone.value_after.amount,
        "currency": undone.value_after.currency,
    }
    line = (
        f"{undone.order_number} is undone from {undone.on}: {undone.contract_number} is worth {undone.value_after} "
        f"now, it was {undone.value_before}. The next billing run books the difference."
    )
    setting.tell(answer, lines=[line])
    return GOOD


def _run(setting: Setting, biller: Biller, run_id: int) -> dict[str, int]:
    """Do chunks until none is left; workers may help. Answers the run's counts."""
    database = setting.services.database
    with database.reading() as connection:
        chunks = billing_runs.load_progress(connection=connection, run_id=run_id).chunks
    is_seen = sys.stderr.isatty() and not setting.is_json
    with click.progressbar(length=chunks, label="Billing", file=sys.stderr, hidden=not is_seen) as bar:
        while biller.bill_next_chunk(run_id=run_id):
            bar.update(1)
    with database.reading() as connection:
        return dict(billing_runs.load_progress(connection=connection, run_id=run_id).counts or {})


def _show(setting: Setting, biller: Biller, as_of: date) -> int:
    rows: list[dict[str, Any]] = []
    problems: list[dict[str, Any]] = []
    for one in biller.dry_run(as_of=as_of):
        if one.problem:
            problems.append({"customer": one.contracts[0].customer_ref, "problem": one.problem})
        rows += [_row(taxed) for taxed in one.drafts]
    sums: dict[str, Decimal] = {}
    for row in rows:
        sums[row["currency"]] = sums.get(row["currency"], Decimal(0)) + row["net"]
    lines = table(
        [(row["bill_on"], row["kind"], row["customer"], row["net"], row["currency"]) for row in rows],
        heads=("bill on", "kind", "customer", "net", "currency"),
    )
    lines += [f"{total} {currency} net" for currency, total in sums.items()]
    lines += [f"{one['customer']}: {one['problem']}" for one in problems]
    setting.tell({"as_of": as_of, "drafts": rows, "problems": problems, "net": sums}, lines=lines)
    return FINDINGS if problems else GOOD


def _row(taxed: TaxedDraft) -> dict[str, Any]:
    draft, totals = taxed.document.draft, taxed.document.totals
    return {
        "bill_on": draft.bill_on,
        "due_on": draft.due_on,
        "kind": draft.kind,
        "customer": taxed.customer_name,
        "currency": draft.bill_to.currency,
        "net": totals.net.amount,
        "tax": totals.tax.amount,
        "gross": totals.gross.amount,
        "items": len(draft.items),
        "problem": taxed.problem,
    }
