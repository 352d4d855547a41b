"""Command about order forms: order-form RECORD [--file FILE]."""

from __future__ import annotations

from pathlib import Path

import click

from connector.commands.setting import GOOD, Setting, actor, settings_options
from connector.usecases.make_order_form import OrderFormMaker


@click.command("order-form")
@click.argument("record", metavar="RECORD")
@click.option(
    "--file", type=click.Path(path_type=Path, dir_okay=False), help="The PDF; order-form-RECORD.pdf if not given."
)
@settings_options
def order_form(setting: Setting, *, record: str, file: Path | None) -> int:
    """Make the order form of a Salesforce record as a PDF to be signed, with its terms attached as data."""
    parts = setting.migrated
    maker = OrderFormMaker(parts.database, parts.clock, parts.orgs, parts.platform, parts.form_settings)
    made = maker.make(salesforce_id=record, actor=actor())
    target = file or Path(f"order-form-{record}.pdf")
    target.write_bytes(made.content)
    lines = [f"{target}: {len(made.content):,} bytes. Have it signed digitally and send it back unchanged."]
    setting.tell({"file": str(target), "made_id": made.made_id, "bytes": len(made.content)}, lines=lines)
    return GOOD
