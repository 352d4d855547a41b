"""Commands that prove what is taken for granted: check, map lint."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import click

from connector.commands.deals import map_group
from connector.commands.setting import FINDINGS, GOOD, Setting, settings_options
from connector.domain.assumptions import Finding, FindingState
from connector.errors import Fault
from connector.usecases.check_assumptions import Progress, check_assumptions, check_mapping

_MARKS = {FindingState.GOOD: "ok     ", FindingState.BAD: "BAD    ", FindingState.UNKNOWN: "look at"}
_ONLY_BAD = "Show only what is not good."


@click.command("check")
@click.option("--quiet", is_flag=True, help=_ONLY_BAD)
@settings_options
def check(setting: Setting, *, quiet: bool) -> int:
    """Prove every outside assumption: database, logins, permissions, fields, clocks, secrets, plans.

    Nothing is written to Salesforce. Ends with 0 when all is good, 1 when something is bad, 2 when the settings are.
    """
    parts = setting.services
    with _progress(setting) as on_progress:
        found = check_assumptions(
            orgs=parts.orgs,
            platform=parts.platform,
            database=parts.database,
            clock=parts.clock,
            assumed=parts.assumed,
            payments=parts.payments,
            signing=parts.signing,
            on_progress=on_progress,
        )
    return _tell(setting, found, quiet=quiet)


@map_group.command("lint")
@click.option("--offline", is_flag=True, help="Judge the settings alone; do not ask Salesforce.")
@click.option("--quiet", is_flag=True, help=_ONLY_BAD)
@settings_options
def lint(setting: Setting, *, offline: bool, quiet: bool) -> int:
    """Judge [mapping] and [[signed]], and hold them against the org: fields, permissions, values, plans.

    Ends with 0 when all is good, 1 when something is bad, 2 when the settings cannot be used at all.
    """
    parts = setting.services
    with _progress(setting) as on_progress:
        found = check_mapping(
            orgs={} if offline else parts.orgs,
            platform=parts.platform,
            assumed=parts.assumed,
            on_progress=on_progress,
        )
    compiled = [
        Finding("settings", FindingState.GOOD, f"{mapping.object} is mapped (version {mapping.version}).")
        for mapping in _mappings(setting)
    ]
    warnings = [_warning(fault) for mapping in _mappings(setting) for fault in mapping.warnings]
    return _tell(setting, (*compiled, *warnings, *found), quiet=quiet)


def _mappings(setting: Setting) -> Sequence[Any]:
    """The compiled mappings, each object once: all orgs share them."""
    return list(
        {
            mapping.object: mapping for org in setting.services.orgs.values() for mapping in org.mappings.values()
        }.values()
    )


def _warning(fault: Fault) -> Finding:
    return Finding("settings", FindingState.UNKNOWN, fault.message, fault.fix, fault.owner)


@contextmanager
def _progress(setting: Setting) -> Iterator[Progress]:
    """A bar on a terminal, nothing for machines."""
    if setting.is_json or not sys.stderr.isatty():
        yield lambda _done, _all, _area: None
        return
    with click.progressbar(length=1, label="Checking", file=sys.stderr, item_show_func=lambda area: area) as bar:

        def moved(done: int, number: int, area: str) -> None:
            bar.length = number
            bar.update(done - bar.pos, area)

        yield moved


def _tell(setting: Setting, found: Sequence[Finding], *, quiet: bool) -> int:
    counts = {state.value: sum(finding.state is state for finding in found) for state in FindingState}
    shown = [finding for finding in found if not (quiet and finding.state is FindingState.GOOD)]
    answer = {"counts": counts, "findings": [dataclasses.asdict(finding) for finding in shown]}
    lines = [line for finding in shown for line in _lines(finding)]
    lines.append(f"{counts['good']} good, {counts['bad']} bad, {counts['unknown']} to look at.")
    setting.tell(answer, lines=lines)
    return FINDINGS if counts["bad"] else GOOD


def _lines(finding: Finding) -> Iterator[str]:
    yield f"{_MARKS[finding.state]}  {finding.area}: {finding.message}"
    if finding.fix:
        yield f"         {finding.fix}{f' Who: {finding.owner}.' if finding.owner else ''}"
