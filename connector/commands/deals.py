"""Commands about deals: resync, replay, reconcile, map preview."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from connector.bootstrap import make_sweeper, refuse_wrong_org
from connector.commands.access import reconcile_access_now
from connector.commands.money import control_report
from connector.commands.setting import FINDINGS, GOOD, Setting, actor, settings_options, table
from connector.errors import Refused
from connector.usecases.preview_record import Previewer, faults_of
from connector.usecases.replay_message import replay as replay_messages
from connector.usecases.resync import ResyncAsked, resync


class Instant(click.ParamType):  # type: ignore[type-arg]
    """An ISO 8601 date or instant; without a zone it is UTC."""

    name = "instant"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """The aware instant."""
        try:
            moment = value if isinstance(value, datetime) else datetime.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is not a date or an instant such as 2026-03-01T09:30Z", param, ctx)
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


@click.command("resync")
@click.argument("names", nargs=-1)
@click.option("--since", type=Instant(), help="With --until: all records seen in this time.")
@click.option("--until", type=Instant())
@click.option("--parked", is_flag=True, help="Everything that is parked, blocked or failed.")
@click.option("--dry-run", is_flag=True, help="Say what would be looked at; change nothing.")
@settings_options
def resync_command(
    setting: Setting,
    *,
    names: tuple[str, ...],
    since: datetime | None,
    until: datetime | None,
    parked: bool,
    dry_run: bool,
) -> int:
    """Look again now at Salesforce records or orders (NAMES: Salesforce ids or order numbers)."""
    asked = [_asked(name) for name in names]
    if since or until or parked:
        asked.append(ResyncAsked(since=since, until=until, parked=parked))
    if not asked:
        raise click.UsageError("Name a record or an order, or give --since and --until, or --parked.")
    found, refused = [], []
    for one in asked:
        try:
            found += _resync(setting, one, dry_run)
        except Refused as error:
            refused.append({"asked": one.salesforce_id or one.order, "code": error.code, "message": str(error)})
    rows = [(item["object"], item["salesforce_id"], item["order"] or "-", item["state"]) for item in found]
    lines = table(rows, heads=("object", "record", "order", "state before")) if rows else ["Nothing was found."]
    verb = "would be looked at" if dry_run else "will be looked at by the worker"
    lines += [f"{len(rows)} record(s) {verb}.", *(item["message"] for item in refused)]
    setting.tell({"dry_run": dry_run, "found": found, "refused": refused}, lines=lines)
    return FINDINGS if refused else GOOD


def _asked(name: str) -> ResyncAsked:
    return ResyncAsked(order=name) if name.startswith("O-") else ResyncAsked(salesforce_id=name)


def _resync(setting: Setting, asked: ResyncAsked, dry_run: bool) -> list[dict[str, Any]]:
    parts = setting.migrated
    answer = resync(
        database=parts.database,
        starter=parts.starter,
        clock=parts.clock,
        orgs=parts.orgs,
        asked=asked,
        actor=actor(),
        is_dry_run=dry_run,
    )
    return list(answer.found)


@click.command("replay")
@click.argument("inbox_ids", type=int, nargs=-1)
@click.option("--dry-run", is_flag=True, help="Say how many; change nothing.")
@settings_options
def replay_command(setting: Setting, *, inbox_ids: tuple[int, ...], dry_run: bool) -> int:
    """Work on parked messages again: those with the given ids, or all."""
    parts = setting.migrated
    count = replay_messages(
        database=parts.database,
        starter=parts.starter,
        clock=parts.clock,
        actor=actor(),
        inbox_ids=inbox_ids or None,
        dry_run=dry_run,
    )
    verb = "would be" if dry_run else "are"
    setting.tell({"dry_run": dry_run, "replayed": count}, lines=[f"{count} parked message(s) {verb} replayed."])
    return GOOD


@click.command("reconcile")
@click.argument("room", type=click.Choice(["intake", "access"]), default="intake")
@click.option(
    "--report", "is_report", is_flag=True, help="The control report instead: signed to open, every difference."
)
@click.option("--as-of", type=click.DateTime(["%Y-%m-%d"]), help="With --report: the day; today if not given.")
@click.option(
    "--csv", "csv_file", type=click.Path(path_type=Path, dir_okay=False), help="With --report: write it as CSV."
)
@settings_options
def reconcile_command(
    setting: Setting, *, room: str, is_report: bool, as_of: datetime | None, csv_file: Path | None
) -> int:
    """Compare two sides now.

    ROOM intake: signed records in Salesforce against orders here. ROOM access: access sold against access granted.
    """
    if is_report:
        return control_report(setting, as_of=as_of.date() if as_of else None, csv_file=csv_file)
    if room == "access":
        return reconcile_access_now(setting)
    refuse_wrong_org(setting.migrated)
    sweeper = make_sweeper(setting.migrated)
    swept, unsynced = sweeper.sweep(), sweeper.ask_unsynced()
    answer = {"room": room, "sweep": swept, "unsynced": unsynced}
    lines = [
        f"Changed since the last sweep and not known: {swept['found']}.",
        f"Signed and not finished: {unsynced['found']}.",
        _outlook(swept, unsynced),
    ]
    failed, held = swept["failed"] + unsynced["failed"], swept["held"] + unsynced["held"]
    if failed:
        lines.append("Some objects could not be asked; see the log.")
    if held:
        lines.append("Some objects were not asked: the org's calls of the day run short. Ask again later.")
    setting.tell(answer, lines=lines)
    return FINDINGS if failed + held else GOOD


def _outlook(*answers: dict[str, int]) -> str:
    """What the counts come to; nothing is called complete that was not asked."""
    if any(answer["found"] for answer in answers):
        return "The worker looks at them now."
    is_whole = not any(answer["failed"] + answer["held"] for answer in answers)
    return "Nothing is missing." if is_whole else "Nothing is missing among the objects that could be asked."


@click.group("map")
def map_group() -> None:
    """The mapping from Salesforce records to orders."""


@map_group.command("preview")
@click.argument("record")
@settings_options
def preview_command(setting: Setting, *, record: str) -> int:
    """Show what a RECORD would become; nothing is written."""
    parts = setting.migrated
    previewer = Previewer(parts.orgs, parts.platform, parts.clock, parts.database, parts.taxes)
    answer = previewer.preview_record(salesforce_id=record)
    faults = faults_of(answer)
    lines = [f"{answer['object']} {answer['salesforce_id']}: {answer['reason']}", *_told(answer)]
    lines += [f"- {fault.sentence()} Who: {fault.owner}." for fault in faults]
    setting.tell(answer, lines=lines)
    return FINDINGS if faults else GOOD


def _told(answer: dict[str, Any]) -> list[str]:
    order, contract = answer["order"], answer["contract"]
    lines = []
    if order:
        lines.append(
            f"Order: {order['deal_type']} for {order['customer']['name']}, {order['starts_on']} to {order['ends_on']}"
        )
        rows = [(i["position"], i["product_name"], i["quantity"], i["unit_price"]) for i in order["line_items"]]
        lines += table(rows, heads=("line", "product", "quantity", "unit price"))
    if contract:
        lines.append(f"Contract value: {contract['value']} {contract['currency']}")
        rows = [(c["bill_on"], c["starts_on"], c["ends_on"], c["amount"]) for c in answer["charges"]]
        lines += table(rows, heads=("bill on", "from", "to", "amount"))
    for access in answer["entitlements"]:
        grants = ", ".join(f"{grant['ref']} {_value(grant)}" for grant in access["grants"]) or "no entitlements"
        lines.append(f"Access: {access['plan_ref']} with {grants}")
    return lines


def _value(grant: dict[str, Any]) -> str:
    value = "unlimited" if grant["is_unlimited"] else f"{grant['value']}"
    return f"{value} each {grant['cadence']}" if grant["cadence"] else value
