"""Commands of billing: bill --as-of DATE [--dry-run] [--processes N], undo ORDER --on DATE --reason TEXT."""

from __future__ import annotations

import os
import subprocess
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
from connector.store.billing_runs import RunProgress
from connector.store.unit_of_work import Database
from connector.usecases.bill_contracts import Biller

# More writers than these only wait for each other.
_MOST_ON_SQLITE = 4


@click.command("bill")
@click.option(
    "--as-of", type=click.DateTime(["%Y-%m-%d"]), required=True, help="Everything due up to this day, included."
)
@click.option("--dry-run", is_flag=True, help="Show the drafts; store nothing.")
@click.option("--processes", type=click.IntRange(1, 64), help="How many share a long run; as many as cores by default.")
@click.option("--share", "shared_run", type=int, hidden=True, help="Help with a run that is open.")
@click.option("--named", default="", hidden=True, help="The name under which chunks are taken.")
@settings_options
def bill(
    setting: Setting, *, as_of: datetime, dry_run: bool, processes: int | None, shared_run: int | None, named: str
) -> int:
    """Draft invoices for what is due and not billed yet; they are held for finance."""
    biller = make_biller(setting.migrated, executor_id=named or new_executor_id())
    if dry_run:
        return _show(setting, biller, as_of.date())
    if shared_run is not None:
        while biller.bill_next_chunk(run_id=shared_run):
            pass
        return GOOD
    run_id = biller.open_run(as_of=as_of.date(), actor=actor())
    counts = _run(setting, biller, run_id, processes or _cores(setting))
    lines = [f"{name}: {count}" for name, count in counts.items()]
    setting.tell({"run": run_id, **counts}, lines=lines or ["Nothing is due."])
    return FINDINGS if counts.get("failed") or counts.get("postponed") else GOOD


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


def _cores(setting: Setting) -> int:
    """How many processes a run is worth: on SQLite they soon wait for each other's writing."""
    cores = os.cpu_count() or 1
    return min(cores, _MOST_ON_SQLITE) if setting.services.database.is_sqlite else cores


def _run(setting: Setting, biller: Biller, run_id: int, processes: int) -> dict[str, int]:
    """Do chunks until none is left, with helping processes; workers may help as well. Answers the run's counts."""
    database = setting.services.database
    chunks = _progress(database, run_id).chunks
    helpers = _start_helpers(setting, run_id, min(processes, chunks) - 1)
    is_seen = sys.stderr.isatty() and not setting.is_json
    with click.progressbar(length=chunks, label="Billing", file=sys.stderr, hidden=not is_seen) as bar:
        while biller.bill_next_chunk(run_id=run_id):
            bar.update(_progress(database, run_id).done - bar.pos)
        for name, helper in helpers.items():
            helper.wait()
            _take_over(biller, run_id, name)
    return dict(_progress(database, run_id).counts or {})


def _start_helpers(setting: Setting, run_id: int, count: int) -> dict[str, subprocess.Popen[bytes]]:
    """Processes of this same command that share the run, by the name under which they take chunks."""
    command = [sys.executable, "-m", "connector", "bill", "--config", str(setting.file), "--as-of", "1970-01-01"]
    started = {}
    for _ in range(count):
        name = new_executor_id()
        words = [*command, "--share", str(run_id), "--named", name]
        # This program itself, with words of our own.
        started[name] = subprocess.Popen(words, stdout=subprocess.DEVNULL)  # noqa: S603
    return started


def _take_over(biller: Biller, run_id: int, name: str) -> None:
    """Do what a helper had begun and not finished, should it have died."""
    with biller.database.unit_of_work() as work:
        lost = billing_runs.release_chunks(work=work, run_id=run_id, claimed_by=name)
        work.commit()
    while lost and biller.bill_next_chunk(run_id=run_id):
        pass


def _progress(database: Database, run_id: int) -> RunProgress:
    with database.reading() as connection:
        return billing_runs.load_progress(connection=connection, run_id=run_id)


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
