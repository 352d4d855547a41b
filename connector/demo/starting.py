"""Start the two servers of the demo, each ready before the next thing happens, and make a user and a token."""

from __future__ import annotations

import secrets
import sys
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from connector.bootstrap import make_services, migrate_all
from connector.config import load_config
from connector.demo import configuration
from connector.demo.calling import LocalServer
from connector.demo.children import Children
from connector.demo.deals import DemoOrg
from connector.demo.ports import HOST
from connector.services import Services
from connector.store.queries_operations import list_jobs
from connector.usecases.change_users import add_user
from connector.usecases.issue_tokens import create_token

USER = "demo"
# A machine that is busy with other things may take long to load the programs.
_READY_SECONDS = 60.0
_ACTOR = "demo"


@dataclass(frozen=True, slots=True)
class Door:
    """How to get in: what the demo prints at its end."""

    web_url: str
    password: str
    token: str
    today: date


def start_sandbox(*, folder: Path, children: Children, port: int) -> DemoOrg:
    """The stand-in org with its unsigned deals, serving. Raises ChildFailed."""
    server = LocalServer(f"http://{HOST}:{port}")
    child = children.start(
        name="The sandbox Salesforce",
        command=[sys.executable, "-m", "connector.sandbox", "--port", str(port), "--first-retry-seconds", "1"],
        environment=configuration.plain_environment(),
        log=folder / "sandbox.log",
    )
    child.await_ready(lambda: server.is_up("/sandbox/health"), seconds=_READY_SECONDS)
    return DemoOrg(server)


def start_service(
    *, folder: Path, children: Children, settings: Path, environment: dict[str, str], web_url: str
) -> Door:
    """The web server with its worker, over a new database with a user and a token. Raises ChildFailed."""
    services = make_services(load_config(path=settings, environment=environment))
    migrate_all(services)
    door = _make_door(services, web_url)
    server = LocalServer(web_url)
    child = children.start(
        name="The web server",
        command=[sys.executable, "-m", "connector", "serve", "--with-worker"],
        environment=environment,
        log=folder / "serve.log",
    )
    child.await_ready(lambda: server.is_up("/health/ready") and _has_asked(services), seconds=_READY_SECONDS)
    services.database.dispose()
    return door


def _has_asked(services: Services) -> bool:
    """Whether the worker is over its first hourly check; the deal whose message gets lost is for the sweep to find."""
    with services.database.reading() as connection:
        return any(run.job == "unsynced" and run.finished_at for run in list_jobs(connection=connection))


def _make_door(services: Services, web_url: str) -> Door:
    """A user with a password for this run, and a token for the API."""
    database, clock = services.database, services.clock
    password = secrets.token_urlsafe(12)
    add_user(database=database, clock=clock, name=USER, password=password, role="admin", actor=_ACTOR)
    scopes = ("read", "orders:write", "finance")
    token = create_token(database=database, clock=clock, name="demo", scopes=scopes, actor=_ACTOR, person=USER)
    return Door(web_url=web_url, password=password, token=token, today=clock.now().date())
