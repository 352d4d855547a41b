"""Commands of access and usage: usage sync, usage accept; and `reconcile access`."""

from __future__ import annotations

import dataclasses

import click

from connector.commands.setting import FINDINGS, GOOD, Setting, actor, settings_options, table
from connector.store.differences import list_differences
from connector.store.queries import PageAsked
from connector.usecases.reconcile_access import ROOM, reconcile_access

_MOST_SHOWN = 50


@click.group("usage")
def usage() -> None:
    """What customers used: read it from the platform, or take an incomplete figure as it is."""


@usage.command("sync")
@click.option("--contract", "number", default="", help="Only the contract with this number.")
@settings_options
def sync(setting: Setting, *, number: str) -> int:
    """Read usage for every contract period that has begun, and price what is complete."""
    done = setting.migrated.usage_sync.sync(number=number)
    lines = [
        f"{done.contracts} contracts, {done.questions} periods read in {done.calls} calls.",
        f"{done.snapshots} figures are news, {done.priced} were priced, {done.incomplete} wait for complete data.",
    ]
    if done.failed:
        lines.append(f"{done.failed} could not be read; see the log.")
    setting.tell(dataclasses.asdict(done), lines=lines)
    return FINDINGS if done.failed or done.incomplete else GOOD


@usage.command("accept")
@click.argument("number", metavar="CONTRACT")
@click.argument("charge_key", metavar="CHARGE")
@click.option("--reason", required=True, help="Why the figure is right although it is not complete.")
@settings_options
def accept(setting: Setting, *, number: str, charge_key: str, reason: str) -> int:
    """Take the figure of CHARGE (as the contract's page shows it) as it is, so that it is billed."""
    units = setting.migrated.usage_sync.accept(number=number, charge_key=charge_key, actor=actor(), reason=reason)
    setting.tell({"contract": number, "charge": charge_key, "units": units}, lines=[f"{units} units will be billed."])
    return GOOD


def reconcile_access_now(setting: Setting) -> int:
    """Compare access sold with access granted for all running contracts; differences are listed."""
    parts = setting.migrated
    done = reconcile_access(database=parts.database, clock=parts.clock, platform=parts.platform)
    with parts.database.reading() as connection:
        page = list_differences(connection=connection, page=PageAsked(limit=_MOST_SHOWN), room=ROOM)
    rows = [(row.subject_number, row.customer_name, row.what, row.wanted, row.actual) for row in page.rows]
    answer = {
        "room": ROOM,
        **dataclasses.asdict(done),
        "open": [
            {"contract": number, "customer": name, "what": what, "sold": sold, "granted": granted}
            for number, name, what, sold, granted in rows
        ],
    }
    lines = [f"{done.contracts} contracts compared, {done.differences} values differ."]
    lines += table(rows, heads=("Contract", "Customer", "What", "Sold", "Granted")) if rows else []
    if done.failed:
        lines.append(f"{done.failed} contracts could not be compared; see the log.")
    setting.tell(answer, lines=lines)
    return FINDINGS if done.failed or rows else GOOD
