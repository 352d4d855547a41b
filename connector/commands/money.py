"""Commands of cash: statement import FILE."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from connector.commands.setting import FINDINGS, GOOD, Setting, actor, settings_options
from connector.usecases.import_statement import Imported, import_statement
from connector.usecases.match_payments import match_payments
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
