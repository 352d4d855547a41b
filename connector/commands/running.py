"""Commands that run the product: serve, work, migrate, run, transitions."""

from __future__ import annotations

from typing import Any

import click

from connector.bootstrap import make_clockwork, migrate_all, refuse_wrong_org
from connector.commands.setting import FINDINGS, GOOD, Setting, settings_options
from connector.domain.drawings import drawing
from connector.engine import new_executor_id
from connector.jobs import JOB_NAMES
from connector.logs import start_logging
from connector.server import serve as run_server
from connector.server import work_until_told


@click.command()
@click.option("--with-worker", is_flag=True, help="Run the worker and its clockwork in the same process.")
@settings_options
def serve(setting: Setting, *, with_worker: bool) -> int:
    """Run the web server: receivers, pages and API."""
    start_logging()
    migrate_all(setting.services)
    setting.services.database.dispose()
    run_server(setting.config, with_worker=with_worker)
    return GOOD


@click.command()
@settings_options
def work(setting: Setting) -> int:
    """Run a worker with its clockwork. Start as many as you like, on any host (PostgreSQL)."""
    start_logging()
    migrate_all(setting.services)
    setting.services.database.dispose()
    return work_until_told(setting.config)


@click.command()
@settings_options
def migrate(setting: Setting) -> int:
    """Bring the database to this release's tables."""
    before, after = migrate_all(setting.services)
    said = (
        f"The database is at {after}." if before == after else f"The database went from {before or 'empty'} to {after}."
    )
    setting.tell({"before": before, "after": after}, lines=[said])
    return GOOD


class _NamesJobs(click.Command):
    """A command whose help names the jobs as the table of jobs has them."""

    def format_epilog(self, _ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Jobs"):
            formatter.write_text(", ".join(JOB_NAMES))


@click.command(cls=_NamesJobs)
@click.argument("job")
@settings_options
def run(setting: Setting, *, job: str) -> int:
    """Run one scheduled JOB now."""
    clockwork = make_clockwork(setting.migrated, executor_id=new_executor_id())
    jobs = {known.name: known for known in clockwork.jobs()}
    if job not in jobs:
        raise click.UsageError(f"There is no job {job!r}. Known: {', '.join(jobs)}.")
    refuse_wrong_org(setting.services)
    counts: dict[str, Any] = jobs[job].run()
    clockwork.stop_jobs()
    setting.tell(counts, lines=[f"{name}: {count}" for name, count in counts.items()])
    return FINDINGS if counts.get("failed") else GOOD


@click.command()
def transitions() -> None:
    """Draw the state machines (Mermaid)."""
    click.echo(drawing(), nl=False)
