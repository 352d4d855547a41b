"""Commands about mail: what is on its way, and reports of mail that came back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from connector.commands.setting import FINDINGS, GOOD, Setting, actor, settings_options, table
from connector.domain.bounces import ReportRefused
from connector.domain.fulfilment import IllegalTransition
from connector.domain.review import Actor
from connector.errors import NotFound
from connector.store import queries_delivery
from connector.store.queries import PageAsked
from connector.store.queries_delivery import DELIVERY_STATES
from connector.usecases.send_document import receive_report

_MOST_ROWS = 200


@click.group("mail")
def mail() -> None:
    """Mail of issued documents."""


@mail.command("list")
@click.option("--state", type=click.Choice(DELIVERY_STATES), default=None, help="Only mails in this state.")
@settings_options
def list_mails(setting: Setting, *, state: str | None) -> int:
    """List mails, newest first."""
    with setting.migrated.database.reading() as connection:
        page = queries_delivery.list_deliveries(
            connection=connection, page=PageAsked(limit=_MOST_ROWS), state=state or ""
        )
    rows = [(row.id, row.number, row.recipient or "-", row.state, row.attempts, row.message) for row in page.rows]
    names = ("mail", "document", "recipient", "state", "attempts", "message")
    setting.tell({"mails": [dict(zip(names, row, strict=True)) for row in rows]}, lines=table(rows, heads=names))
    return FINDINGS if any(row.state in ("failed", "bounced") for row in page.rows) else GOOD


@mail.command("bounce")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True, dir_okay=False))
@settings_options
def bounce(setting: Setting, *, files: tuple[Path, ...]) -> int:
    """Read reports of mail that came back (FILES, .eml) and write down what they say."""
    reports = [_read(setting, file) for file in files]
    lines = [f"{row['file']}: {row['outcome']}{': ' + row['told'] if row['told'] else ''}" for row in reports]
    setting.tell({"reports": reports}, lines=lines)
    return FINDINGS if any(row["outcome"] == "refused" for row in reports) else GOOD


def _read(setting: Setting, file: Path) -> dict[str, Any]:
    services = setting.migrated
    try:
        report, is_final = receive_report(
            database=services.database,
            clock=services.clock,
            content=file.read_bytes(),
            actor=Actor(actor(), ""),
        )
    except (ReportRefused, NotFound, IllegalTransition) as error:
        return {"file": file.name, "mail": None, "outcome": "refused", "told": f"{error} {error.fix}"}
    outcome = "bounced" if is_final else "delayed"
    return {"file": file.name, "mail": report.delivery_id, "outcome": outcome, "told": report.reason}
