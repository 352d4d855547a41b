"""What every command shares: finding the settings, telling the outcome to people or machines, exit codes.

Exit codes: 0 good, 1 findings or failures, 2 usage or configuration.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar

import click

from connector.bootstrap import make_services
from connector.config import Config
from connector.errors import ConnectorError, Misconfigured, Retryable
from connector.logs import start_logging
from connector.services import Services
from connector.store.queries_operations import database_problem
from connector.validation import read_settings

DEFAULT_FILE = "config.toml"

GOOD, FINDINGS, USAGE = 0, 1, 2


@dataclass
class Setting:
    """The settings file of this call, whether to answer in JSON, and the parts, made on first use."""

    file: Path
    is_json: bool
    _services: list[Services] = field(default_factory=list)

    @property
    def config(self) -> Config:
        """The checked settings. Raises ConfigRefused with every fault."""
        return read_settings(path=self.file)

    @property
    def services(self) -> Services:
        """The parts of this process."""
        if not self._services:
            self._services.append(make_services(self.config))
        return self._services[0]

    @property
    def migrated(self) -> Services:
        """The parts over a database with this release's tables. Raises Misconfigured when it is not there or older."""
        if problem := database_problem(database=self.services.database):
            message, fix = problem
            raise Misconfigured(message, code="DATABASE", fix=fix)
        return self.services

    def tell(self, answer: Mapping[str, Any], *, lines: Sequence[str]) -> None:
        """The answer as one JSON document for machines, or as lines for people."""
        if self.is_json:
            click.echo(json.dumps(answer, default=_plain, ensure_ascii=False, sort_keys=True))
            return
        for line in lines:
            click.echo(line)


Command = TypeVar("Command", bound=Callable[..., Any])


def settings_options(command: Command) -> Command:
    """Adds --config and --json; the command gets a Setting, and its errors become words and exit codes."""

    @click.option(
        "--config", "file", type=click.Path(path_type=Path, dir_okay=False), help="Settings file (COUNTERSIGN_CONFIG)."
    )
    @click.option("--json", "is_json", is_flag=True, help="Answer in JSON.")
    @wraps(command)
    def wrapped(*, file: Path | None, is_json: bool, **arguments: Any) -> None:
        # Standard output is for answers; what goes wrong beside them is told on standard error.
        start_logging(level="WARNING", is_lasting=False)
        setting = Setting(file or Path(os.environ.get("COUNTERSIGN_CONFIG", DEFAULT_FILE)), is_json)
        try:
            code = command(setting=setting, **arguments)
        except ConnectorError as error:
            sys.exit(_told(error, is_json=is_json))
        sys.exit(code or GOOD)

    return wrapped  # type: ignore[return-value]


def actor() -> str:
    """Who gives the command, for the history."""
    return f"command line ({os.environ.get('USER') or os.environ.get('LOGNAME') or 'unknown user'})"


def table(rows: Sequence[Sequence[Any]], *, heads: Sequence[str]) -> list[str]:
    """Rows as aligned text."""
    texts = [[str(cell) for cell in row] for row in (heads, *rows)]
    widths = [max(len(row[column]) for row in texts) for column in range(len(heads))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in texts]
    return [lines[0], "  ".join("-" * width for width in widths), *lines[1:]]


def _told(error: ConnectorError, *, is_json: bool) -> int:
    faults = [getattr(fault, "__slots__", None) and _fields(fault) for fault in getattr(error, "faults", ())]
    if is_json:
        answer = {
            "code": error.code,
            "message": str(error),
            "fix": _fix_of(error),
            "owner": error.owner,
            "faults": faults,
        }
        click.echo(json.dumps(answer, ensure_ascii=False), err=True)
    else:
        click.echo(f"{error}\n{_fix_of(error) if not faults else ''}".rstrip(), err=True)
    return USAGE if isinstance(error, Misconfigured) else FINDINGS


def _fix_of(error: ConnectorError) -> str:
    """What to do; a command is not tried again by itself, as the worker's runs are."""
    return "Try again in a moment; `countersign check` says more." if isinstance(error, Retryable) else error.fix


def _fields(fault: Any) -> dict[str, str]:
    return {name: getattr(fault, name) for name in fault.__slots__}


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, datetime | date):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no JSON form")
