"""Commands about the mapping and its versions: map backtest, map diff."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from connector.bootstrap import mapping_settings_of
from connector.commands.deals import Instant, map_group
from connector.commands.setting import FINDINGS, GOOD, Setting, settings_options, table
from connector.domain.comparing import Change, changes
from connector.errors import NotFound
from connector.store.mapping_versions import list_versions, load_settings
from connector.usecases.backtest_mapping import QUIET, Backtester, BacktestReport, BacktestRow
from connector.validation import read_settings

_CURRENT = "current"
_SHOWN_CHANGES = 12
# The group with all its commands: those of this module are in it once the module is read.
MAP_COMMANDS = (map_group,)


@map_group.command("backtest")
@click.option("--since", type=Instant(), required=True, help="Signed records that changed from then on.")
@click.option("--until", type=Instant(), help="And before then; now unless given.")
@click.option("--all", "is_all", is_flag=True, help="Show the deals that come out the same as well.")
@settings_options
def backtest(setting: Setting, *, since: datetime, until: datetime | None, is_all: bool) -> int:
    """Read signed deals through this mapping and print what would have differed from what was done.

    Nothing is written. To try another mapping give its file by --config. Ends with 1 when a deal would differ.
    """
    parts = setting.services
    tester = Backtester(parts.orgs, parts.platform, parts.clock, parts.database)
    report = tester.run(since=since, until=until, on_progress=_progress(setting))
    shown = [row for row in report.rows if is_all or row.outcome not in QUIET]
    answer = {
        "mapping_version": report.version,
        "counts": dict(report.counts),
        "rows": [dataclasses.asdict(row) for row in shown],
    }
    setting.tell(answer, lines=[*(line for row in shown for line in _row_lines(row)), *_summary(report)])
    return FINDINGS if any(row.outcome not in QUIET for row in report.rows) else GOOD


@map_group.command("diff")
@click.argument("one", required=False)
@click.argument("other", required=False, default=_CURRENT)
@settings_options
def diff(setting: Setting, *, one: str | None, other: str) -> int:
    """Show what differs between two mappings: versions, files, or "current". Without any: the versions used so far."""
    if one is None:
        return _tell_versions(setting)
    found = changes(was=_settings(setting, one), would_be=_settings(setting, other))
    lines = [_change_line(change) for change in found] or ["The two mappings are the same."]
    setting.tell({"changes": [dataclasses.asdict(change) for change in found]}, lines=lines)
    return FINDINGS if found else GOOD


def _tell_versions(setting: Setting) -> int:
    with setting.services.database.reading() as connection:
        versions = list_versions(connection=connection)
    rows = [(one.version, f"{one.first_used_at:%Y-%m-%d %H:%M}", one.release, one.orders) for one in versions]
    heads = ("version", "first used (UTC)", "release", "orders")
    answer = {"versions": [dataclasses.asdict(one) for one in versions]}
    setting.tell(answer, lines=table(rows, heads=heads) if rows else ["No mapping was used yet."])
    return GOOD


def _settings(setting: Setting, name: str) -> Any:
    """The settings that a name stands for. Raises NotFound for an unknown version."""
    if name == _CURRENT:
        return mapping_settings_of(setting.services.config)
    if Path(name).suffix == ".toml":
        return mapping_settings_of(read_settings(path=Path(name)))
    with setting.services.database.reading() as connection:
        found = load_settings(connection=connection, version=name)
    if found is None:
        raise NotFound(f'No mapping of the version {name} was used here. "countersign map diff" lists the versions.')
    return found


def _progress(setting: Setting) -> Any:
    """A count on a terminal, nothing for machines."""
    if setting.is_json or not sys.stderr.isatty():
        return lambda _count: None
    return lambda count: click.echo(f"\r{count} signed records read", nl=False, err=True)


def _row_lines(row: BacktestRow) -> Sequence[str]:
    lines = [f"{row.ref.object} {row.ref.record_id} {row.order}: {row.outcome.value}"]
    lines += [f"    {_change_line(change)}" for change in row.changes[:_SHOWN_CHANGES]]
    if len(row.changes) > _SHOWN_CHANGES:
        lines.append(f"    and {len(row.changes) - _SHOWN_CHANGES} more places (--json shows all)")
    return [*lines, *(f"    {fault.sentence()} Who: {fault.owner}." for fault in row.faults)]


def _change_line(change: Change) -> str:
    return f"{change.place}: {_words(change.was)} -> {_words(change.would_be)}"


def _words(value: Any) -> str:
    return "nothing" if value is None or value == "" else str(value)


def _summary(report: BacktestReport) -> Sequence[str]:
    rows = sorted(report.counts.items())
    return [*table(rows, heads=("outcome", "deals")), f"{len(report.rows)} signed deals, mapping {report.version}."]
