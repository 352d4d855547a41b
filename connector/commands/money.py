"""Commands of cash: statement import FILE, and the control report of `reconcile --report`."""

from __future__ import annotations

import sys
from datetime import date
from pathlib import Path
from typing import Any

import click

from connector.bootstrap import make_biller
from connector.commands.setting import FINDINGS, GOOD, Setting, actor, settings_options, table
from connector.domain.control_report import SHOWN
from connector.usecases.import_statement import Imported, import_statement
from connector.usecases.match_payments import match_payments
from connector.usecases.report_control import as_csv, as_json, report_control
from connector.usecases.settle_returns import settle_returns


@click.group("statement")
def statement_group() -> None:
    """Bank statements."""


@statement_group.command("import")
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=click.Path(path_type=Path, dir_okay=False))
@click.option("--accept-gap", is_flag=True, help="Take a statement although the one before it is missing.")
@click.option("--no-match", is_flag=True, help="Leave matching to the worker.")
@settings_options
def statement_import(setting: Setting, *, files: tuple[Path, ...], accept_gap: bool, no_match: bool) -> int:
    """Import bank files (camt.053, MT940, BAI2, described CSV) and match what they bring.

    Each file is taken whole or not at all; the same file or entry again does nothing.
    """
    parts = setting.migrated
    found: list[dict[str, Any]] = []
    lines: list[str] = []
    is_seen = sys.stderr.isatty() and not setting.is_json
    for file in files:
        content = _read(file)
        with click.progressbar(label=file.name, file=sys.stderr, hidden=not is_seen, length=1) as bar:
            imported = import_statement(
                desk=parts.cash,
                rules=parts.statement_rules,
                content=content,
                name=file.name,
                actor=actor(),
                is_gap_accepted=accept_gap,
            )
            bar.update(1)
        found.append({"file": str(file), **_figures(imported)})
        lines.append(_line(file.name, imported))
    counts = {} if no_match else {**settle_returns(desk=parts.cash), **match_payments(desk=parts.cash)}
    lines += [f"{name}: {count}" for name, count in counts.items() if count]
    setting.tell({"files": found, "matching": counts}, lines=lines)
    return FINDINGS if counts.get("questions") or counts.get("review") or counts.get("suggested") else GOOD


def control_report(setting: Setting, *, as_of: date | None, csv_file: Path | None) -> int:
    """From signed to open, by customer and currency, with every difference, its cause and its owner."""
    parts = setting.migrated
    day = as_of or parts.clock.now().date()
    biller = make_biller(parts, executor_id="")
    report = report_control(database=parts.database, biller=biller, as_of=day)
    if csv_file is not None:
        csv_file.write_text(as_csv(report), encoding="utf-8-sig", newline="")
    heads = ("currency", *SHOWN)
    lines = table(
        [(row.currency, *(row.text(getattr(row.figures, name)) for name in SHOWN)) for row in report.totals],
        heads=heads,
    )
    lines += [f"{gap.between}: {row.text(gap.amount)} {row.currency}. {gap.cause} Who: {gap.owner}."
              for row in report.totals for gap in row.gaps]  # fmt: skip
    lines += [f"{row.customer_name or row.customer_ref or '?'}, {row.currency}: {row.text(gap.amount)} {gap.cause}"
              for row in report.rows for gap in row.gaps if gap.is_unexplained]  # fmt: skip
    lines += [f"Cannot be billed: {problem}" for problem in report.problems]
    lines += [f"The ledger is off by {amount} {currency}." for currency, amount in report.lost.items()]
    lines.append(f"{day}: " + ("everything adds up." if report.adds_up else "NOT everything adds up, see above."))
    setting.tell(as_json(report), lines=lines)
    return GOOD if report.adds_up else FINDINGS


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise click.UsageError(f"{file} cannot be read: {error.strerror}.") from error


def _figures(imported: Imported) -> dict[str, Any]:
    return {name: getattr(imported, name) for name in Imported.__slots__}


def _line(name: str, imported: Imported) -> str:
    if imported.is_known:
        return f"{name}: was imported before; nothing was done."
    pending = f", {imported.pending} pending left out" if imported.pending else ""
    return (
        f"{name} ({imported.format}): {imported.statements} statement(s), {imported.entries} entries, "
        f"{imported.new_entries} new, {imported.payments} payments in, {imported.returns} returns{pending}."
    )
