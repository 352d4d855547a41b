"""The command `countersign demo`: start everything, watch the story, tell the end, keep running until Ctrl-C."""

from __future__ import annotations

import json
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from io import TextIOWrapper
from pathlib import Path
from types import FrameType

import click

from connector.demo import configuration, display, finance, paying
from connector.demo.calling import LocalServer
from connector.demo.children import Children
from connector.demo.configuration import DemoSecrets
from connector.demo.deals import DemoOrg
from connector.demo.finance import ApprovedInvoice
from connector.demo.folder import fresh_folder
from connector.demo.paying import PaidInvoice
from connector.demo.ports import HOST, free_ports
from connector.demo.starting import USER, Door, start_sandbox, start_service
from connector.demo.watching import Watch
from connector.errors import ConnectorError

_WEB_PORT, _SANDBOX_PORT = 8900, 8901
_STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@click.command()
@click.option("--once", is_flag=True, help="End after the summary: 0 only when every deal reached its expected end.")
@click.option("--json", "is_json", is_flag=True, help="Answer in JSON, without a progress display.")
@click.option(
    "--folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("var/demo"),
    show_default=True,
    help="Where the demo keeps its settings, database and logs; made new each time.",
)
@click.option(
    "--seconds", type=click.IntRange(1, 3600), default=60, show_default=True, help="How long the deals may take."
)
def demo(*, once: bool, is_json: bool, folder: Path, seconds: int) -> None:
    """Show the whole way of a deal on this machine, with a stand-in for Salesforce; needs no account."""
    if isinstance(sys.stdout, TextIOWrapper):
        # Names of customers from everywhere, on a terminal that may know only its own letters.
        sys.stdout.reconfigure(errors="replace")
    try:
        with told_to_stop(), fresh_folder(folder) as fresh, Children() as children:
            is_good = _run(fresh, children, once=once, is_json=is_json, seconds=seconds)
    except ConnectorError as error:
        click.echo(f"{error}\n{error.fix}", err=True)
        sys.exit(1)
    except KeyboardInterrupt:
        click.echo("Stopped.", err=True)
        sys.exit(1)
    sys.exit(0 if is_good else 1)


def _run(folder: Path, children: Children, *, once: bool, is_json: bool, seconds: int) -> bool:
    """One demo in that folder; answers whether every deal reached its expected end."""
    progress = display.Progress(is_live=sys.stdout.isatty())
    tell = (lambda _text: None) if is_json else progress.step
    web_port, sandbox_port = free_ports(preferred=(_WEB_PORT, _SANDBOX_PORT))
    tell("starting the sandbox Salesforce")
    org = start_sandbox(folder=folder, children=children, port=sandbox_port)
    deals, plans = org.story()
    secret = DemoSecrets.random()
    settings = configuration.write_settings(
        folder=folder, org_id=org.org_id(), sandbox_url=org.base_url, web_port=web_port, custom_plans=plans
    )
    tell("starting the web server with the worker")
    environment = configuration.environment_of(secret, settings=settings)
    door = start_service(
        folder=folder,
        children=children,
        settings=settings,
        environment=environment,
        web_url=f"http://{HOST}:{web_port}",
    )
    org.send_messages_to(door.web_url + configuration.PUSH_PATH + secret.push_token)
    api = LocalServer(door.web_url, token=door.token)
    watch = Watch(org=org, api=api, deals=deals)
    tell(f"signing {len(deals)} deals in Salesforce")
    _watch_to_the_end(watch, children, seconds=seconds, progress=None if is_json else progress)
    tell("drafting what is due, and approving one invoice over the API")
    finance.bill(settings=settings, environment=environment, as_of=door.today)
    approved = finance.approve_one(api)
    tell("paying it as its customer")
    paid = paying.pay_invoice(settings=settings, environment=environment, api=api, org=org, invoice_id=approved.id)
    _tell_the_end(watch, org, door, approved, paid, is_json=is_json, once=once)
    is_good = all(standing.is_right for standing in watch.standings)
    if not once:
        _stay(children)
    return is_good


def _watch_to_the_end(watch: Watch, children: Children, *, seconds: int, progress: display.Progress | None) -> None:
    def show() -> None:
        if progress is not None:
            progress.show(watch.standings)

    watch.sign_all(tell=show)
    for _ in watch.until_right(seconds=seconds):
        children.require_alive()
        show()
    watch.look_at_everything()


def _tell_the_end(
    watch: Watch,
    org: DemoOrg,
    door: Door,
    approved: ApprovedInvoice,
    paid: PaidInvoice,
    *,
    is_json: bool,
    once: bool,
) -> None:
    shown = watch.standings[0]
    links = {
        "review": f"{door.web_url}/review",
        "invoice": f"{door.web_url}/review/invoices/{approved.id}",
        "customer": paid.page_url,
        "paid": paid.record_url,
        "orders": f"{door.web_url}/review/orders",
        "order": f"{door.web_url}/review/orders/{shown.number}",
        "salesforce": org.record_url(shown.deal),
        "api": f"{door.web_url}/api/docs",
    }
    if is_json:
        access = {"user": USER, "password": door.password, "token": door.token}
        told = {
            "deals": display.as_json(watch.standings),
            "links": links,
            "approved": asdict(approved),
            "paid": asdict(paid),
        }
        click.echo(json.dumps(told | access, ensure_ascii=False))
        return
    click.echo("\n" + "\n".join(display.summary(watch.standings)) + f"\n\n{display.outcome(watch.standings)}")
    said = f"{approved.customer}: {approved.amount} was approved and issued as {approved.number}"
    click.echo(f"{said}, paid by its customer, and Salesforce shows it as {paid.word.lower()};")
    click.echo(f"{approved.left} drafts wait in the review queue.\n")
    if once:
        return
    click.echo(f"Finance review     {links['review']}   user {USER}, password {door.password}")
    click.echo(f"Approved invoice   {links['invoice']}")
    click.echo(f"As its customer    {links['customer']}")
    click.echo(f"Paid, Salesforce   {links['paid']}")
    click.echo(f"Orders             {links['orders']}")
    click.echo(f"One order's way    {links['order']}")
    click.echo(f"In Salesforce      {links['salesforce']}")
    click.echo(f"API documentation  {links['api']}   token {door.token}")
    click.echo("\nEverything keeps running; press Ctrl-C to stop.")


def _stay(children: Children) -> None:
    """Until told to stop, which is the ordinary end, or until a process is gone."""
    try:
        while True:
            children.require_alive()
            time.sleep(0.5)
    except KeyboardInterrupt:
        click.echo("\nStopping.")


@contextmanager
def told_to_stop() -> Iterator[None]:
    """SIGTERM and a closed terminal end the demo the way Ctrl-C does, so that its processes end with it."""

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        # Once is enough: while the processes are being stopped, nothing may come between.
        for number in _STOPS:
            signal.signal(number, signal.SIG_IGN)
        raise KeyboardInterrupt

    before = [signal.signal(number, interrupt) for number in _STOPS]
    try:
        yield
    finally:
        for number, handler in zip(_STOPS, before, strict=True):
            signal.signal(number, handler)
