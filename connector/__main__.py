"""`countersign COMMAND`: the entry of the command line; the commands themselves are in `connector/commands/`."""

from __future__ import annotations

import click

from connector import __version__
from connector.commands import (
    access,
    billing,
    checks,
    deals,
    evidence,
    mail,
    mapping,
    money,
    order_forms,
    people,
    running,
)
from connector.demo.command import demo


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="countersign")
def main() -> None:
    """Countersign: a signed Salesforce deal becomes an order, a contract, access, invoices and cash."""


for _command in (
    running.serve,
    running.work,
    demo,
    running.migrate,
    running.run,
    running.transitions,
    checks.check,
    deals.resync_command,
    deals.replay_command,
    deals.reconcile_command,
    *mapping.MAP_COMMANDS,
    billing.bill,
    billing.undo,
    access.usage,
    evidence.evidence,
    order_forms.order_form,
    money.statement_group,
    mail.mail,
    people.user,
    people.token,
):
    main.add_command(_command)


if __name__ == "__main__":
    main()
