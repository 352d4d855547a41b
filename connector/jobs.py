"""The clockwork: which job runs how often, in this process.

APScheduler keeps the time, in memory; a claim row per job and due time makes each due time run once even when two
schedulers run by mistake. A job holds no logic: it calls one use case and logs its counts. Jobs that many processes may
do at once (they share rows) are not claimed.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from apscheduler.schedulers.background import BackgroundScheduler

from connector.engine import WorkStarter
from connector.errors import ConnectorError
from connector.heartbeat import Heartbeat
from connector.logs import log
from connector.services import Services
from connector.store import processes
from connector.store.platform import PlatformStore
from connector.usecases.align_access import AccessAligner
from connector.usecases.apply_payment_event import apply_payment_events
from connector.usecases.approve_in_bulk import resume_bulks
from connector.usecases.assess_drafts import assess_due
from connector.usecases.bill_contracts import Biller, start_billing
from connector.usecases.collect_payment import Collector, collect_payments
from connector.usecases.compare_intake import IntakeComparer
from connector.usecases.count_calls import CallCounter
from connector.usecases.deliver_mail import Postman, deliver_mail
from connector.usecases.forget_old import forget_old
from connector.usecases.grant_scheduled import grant_due_credits, grant_scheduled
from connector.usecases.match_payments import match_payments
from connector.usecases.mirror_rows import flush_rows
from connector.usecases.poll_payments import poll_payments
from connector.usecases.reconcile_access import reconcile_access
from connector.usecases.remind import ReminderRules, prepare_reminders, send_reminders
from connector.usecases.render_artifacts import render_artifacts
from connector.usecases.renderer import Renderer
from connector.usecases.send_refunds import send_refunds
from connector.usecases.settle_returns import settle_returns
from connector.usecases.show_cash import show_cash
from connector.usecases.sweep_records import Sweeper
from connector.usecases.take_in_forms import FormIntake
from connector.usecases.wake_waiting import wake_waiting
from connector.usecases.watch_processes import watch_processes
from connector.usecases.write_back import write_back

# In the order of the table below; a test holds the two together. For `run --help`, which has no settings yet.
JOB_NAMES = (
    "write_back",
    "wake",
    "watchdog",
    "sweep",
    "unsynced",
    "scheduled_access",
    "credits",
    "usage",
    "compare_access",
    "count_calls",
    "compare_intake",
    "bill",
    "assess",
    "render",
    "deliver",
    "payments",
    "payment_links",
    "payments_poll",
    "match",
    "remind",
    "cash_status",
    "order_forms",
    "retention",
)


@dataclass(frozen=True, slots=True)
class Job:
    """One row of the table: how often it runs (seconds), whether one process at a time, and what it does."""

    name: str
    every: float
    is_claimed: bool
    run: Callable[[], dict[str, Any]]


@dataclass
class Clockwork:
    """The scheduled jobs and the heartbeat of one process."""

    services: Services
    sweeper: Sweeper
    comparer: IntakeComparer
    biller: Biller
    engine: WorkStarter
    executor_id: str
    on_death: Callable[[], None] = lambda: os._exit(70)
    renderer: Renderer = field(init=False)
    forms: FormIntake = field(init=False)
    _calls: CallCounter = field(default_factory=CallCounter)
    _scheduler: BackgroundScheduler | None = None
    _heartbeat: Heartbeat = field(init=False)

    def __post_init__(self) -> None:
        self.renderer = Renderer(seconds=self.services.config.jobs.render_limit)
        self.forms = FormIntake(self.services.forms, providers=self.services.signing)
        self._heartbeat = Heartbeat(
            database=self.services.database,
            clock=self.services.clock,
            executor_id=self.executor_id,
            silence=timedelta(seconds=self.services.config.jobs.silence),
            on_death=lambda: self.on_death(),
        )

    def jobs(self) -> tuple[Job, ...]:
        """The table of jobs."""
        every = self.services.config.jobs
        return (
            Job("write_back", every.write_back, False, self._write_back),
            Job("wake", every.wake, False, self._wake),
            Job("watchdog", every.watchdog, False, self._watch),
            Job("sweep", every.sweep, True, self.sweeper.sweep),
            Job("unsynced", every.unsynced, True, self.sweeper.ask_unsynced),
            Job("scheduled_access", every.scheduled_access, True, self._grant_scheduled),
            Job("credits", every.credits, True, self._grant_credits),
            Job("usage", every.usage, True, self._sync_usage),
            Job("compare_access", every.compare_access, True, self._compare_access),
            Job("count_calls", every.count_calls, False, self._count_calls),
            Job("compare_intake", every.compare_intake, True, self.comparer.compare),
            Job("bill", every.bill, True, self._bill),
            Job("assess", every.assess, True, self._assess),
            Job("render", every.render, False, self._render),
            Job("deliver", every.deliver, False, self._deliver),
            Job("payments", every.payments, False, self._apply_payments),
            Job("payment_links", every.payment_links, True, self._collect),
            Job("payments_poll", every.payments_poll, True, self._poll_payments),
            Job("match", every.match, True, self._match),
            Job("remind", every.remind, True, self._remind),
            Job("cash_status", every.cash_status, True, self._show_cash),
            Job("order_forms", every.order_forms, False, self._order_forms),
            Job("retention", every.retention, True, self._forget),
        )

    def register(self) -> None:
        """Make this process known and begin to beat; must come before it takes any work."""
        self._heartbeat.start()

    def start(self) -> None:
        """Run every job at its times, each once at the start."""
        self._scheduler = BackgroundScheduler(
            timezone=UTC, job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None}
        )
        for job in self.jobs():
            self._scheduler.add_job(
                self.run, "interval", args=[job], seconds=job.every, id=job.name, next_run_time=datetime.now(UTC)
            )
        self._scheduler.start()

    def stop_jobs(self) -> None:
        """Stop the clock; a job that runs is waited for."""
        if self._scheduler is not None:
            self._scheduler.shutdown(wait=True)
        self.renderer.close()
        self.forms.close()

    def stop(self) -> None:
        """Say goodbye, so that nobody waits to take us for dead."""
        self._heartbeat.stop()

    def run(self, job: Job) -> None:
        """Run one job now; an anticipated failure is logged and kept, the next due time tries again."""
        if not self._heartbeat.is_heard():
            log.warning("job_skipped", job=job.name, executor_id=self.executor_id)
            return
        due_at = due_time(now=self.services.clock.now(), every=job.every)
        if job.is_claimed and not self._claim(job, due_at):
            return
        counts: dict[str, Any] | None = None
        error = ""
        try:
            counts = job.run()
        except ConnectorError as failure:
            error = f"{failure.code}: {failure}"
            log.warning("job_failed", job=job.name, code=failure.code)
        except Exception as failure:  # noqa: BLE001 - one broken job must not stop the clock; the log has the traceback
            error = type(failure).__name__
            log.exception("job_broken", job=job.name)
        if job.is_claimed:
            self._finish(job, due_at, counts, error)
        if counts and any(counts.values()):
            log.info("job_done", job=job.name, **counts)

    def _claim(self, job: Job, due_at: datetime) -> bool:
        with self.services.database.unit_of_work() as work:
            is_ours = processes.claim_run(
                work=work, job=job.name, due_at=due_at, claimed_by=self.executor_id, now=self.services.clock.now()
            )
            work.commit()
        return is_ours

    def _finish(self, job: Job, due_at: datetime, counts: dict[str, Any] | None, error: str) -> None:
        with self.services.database.unit_of_work() as work:
            processes.finish_run(
                work=work, job=job.name, due_at=due_at, now=self.services.clock.now(), counts=counts, error=error
            )
            work.commit()

    def _write_back(self) -> dict[str, Any]:
        flushed = write_back(
            database=self.services.database,
            clock=self.services.clock,
            orgs=self.services.orgs,
            batch=self.services.config.writeback.batch,
            claimed_by=self.executor_id,
        )
        rows = flush_rows(
            database=self.services.database,
            clock=self.services.clock,
            orgs=self.services.orgs,
            batch=self.services.config.writeback.batch,
            claimed_by=self.executor_id,
        )
        return {"written": flushed.written, "failed": flushed.failed, **rows}

    def _wake(self) -> dict[str, Any]:
        woken = wake_waiting(database=self.services.database, clock=self.services.clock, starter=self.services.starter)
        return {"woken": woken}

    def _watch(self) -> dict[str, Any]:
        if not self._heartbeat.may_judge():
            return {}
        return watch_processes(
            database=self.services.database,
            clock=self.services.clock,
            starter=self.services.starter,
            engine=self.engine,
            silence=timedelta(seconds=self.services.config.jobs.silence),
        )

    def _grant_scheduled(self) -> dict[str, Any]:
        parts = self.services
        aligner = AccessAligner(parts.database, parts.clock, parts.platform)
        return asdict(grant_scheduled(database=parts.database, clock=parts.clock, aligner=aligner))

    def _grant_credits(self) -> dict[str, Any]:
        if self.services.platform.name != "embedded":
            return {}
        rows = PlatformStore(self.services.database)
        return {"booked": grant_due_credits(rows=rows, clock=self.services.clock)}

    def _sync_usage(self) -> dict[str, Any]:
        return asdict(self.services.usage_sync.sync())

    def _compare_access(self) -> dict[str, Any]:
        parts = self.services
        found = reconcile_access(database=parts.database, clock=parts.clock, platform=parts.platform)
        return asdict(found)

    def _bill(self) -> dict[str, Any]:
        # The billing time zone is UTC.
        as_of = self.services.clock.now().date()
        return start_billing(
            biller=self.biller,
            database=self.services.database,
            starter=self.services.starter,
            as_of=as_of,
            actor="schedule",
        )

    def _render(self) -> dict[str, Any]:
        rendered = render_artifacts(
            database=self.services.database, clock=self.services.clock, render=self.renderer
        )  # fmt: skip
        return {"made": rendered.made, "failed": rendered.failed}

    def _apply_payments(self) -> dict[str, Any]:
        provider = self.services.payments
        if provider is None:
            return {}
        sent = send_refunds(desk=self.services.cash, provider=provider)
        applied = apply_payment_events(desk=self.services.cash, provider=provider)
        return {"applied": applied.done, "waiting": applied.waiting, "given_up": applied.given_up} | sent

    def _collect(self, *, is_full: bool = False) -> dict[str, Any]:
        provider = self.services.payments
        if provider is None:
            return {}
        currencies = self.services.config.payments.currencies
        collector = Collector(self.services.database, self.services.clock, provider, currencies)
        return collect_payments(collector=collector, is_full=is_full)

    def _poll_payments(self) -> dict[str, Any]:
        provider = self.services.payments
        if provider is None:
            return {}
        reach = timedelta(days=self.services.config.jobs.payments_poll_days)
        found = poll_payments(
            database=self.services.database, clock=self.services.clock, provider=provider, reach=reach
        )
        # Once a day every issued invoice is looked at, whatever the watermark says.
        return found | self._collect(is_full=True)

    def _match(self) -> dict[str, Any]:
        """Returns first: what they open again is paid by what is matched then."""
        return {**settle_returns(desk=self.services.cash), **match_payments(desk=self.services.cash)}

    def _remind(self) -> dict[str, Any]:
        rules = ReminderRules(self.services.reminder_plans, self.services.statement_rules.accounts)
        made = prepare_reminders(desk=self.services.cash, rules=rules)
        # Without a way for mail they stay ready, and a person sees them.
        return made | (send_reminders(desk=self.services.cash) if self.services.mail is not None else {})

    def _show_cash(self) -> dict[str, Any]:
        services = self.services
        return dict(show_cash(database=services.database, clock=services.clock, board=services.board))

    def _assess(self) -> dict[str, Any]:
        database, starter = self.services.database, self.services.starter
        resumed = resume_bulks(database=database, starter=starter, engine=self.engine)
        return {"assessed": assess_due(desk=self.services.desk), "resumed": resumed}

    def _deliver(self) -> dict[str, Any]:
        services = self.services
        if services.mail is None:
            return {}
        mail, web = services.config.mail, services.config.web
        postman = Postman(services.database, services.clock, services.mail, web.base_url, mail.largest_attachment)
        done = deliver_mail(postman=postman)
        return {"sent": done.sent, "retrying": done.retrying, "failed": done.failed, "cancelled": done.cancelled}

    def _order_forms(self) -> dict[str, Any]:
        return self.forms.take_in()

    def _count_calls(self) -> dict[str, Any]:
        return self._calls.save(database=self.services.database, clock=self.services.clock, orgs=self.services.orgs)

    def _forget(self) -> dict[str, Any]:
        return forget_old(
            database=self.services.database,
            clock=self.services.clock,
            engine=self.engine,
            keep=timedelta(days=self.services.config.jobs.retention_days),
        )


def due_time(*, now: datetime, every: float) -> datetime:
    """The due time that this moment belongs to: the last multiple of the interval, the same on every host."""
    step = timedelta(seconds=every)
    epoch = datetime(2020, 1, 1, tzinfo=UTC)
    return epoch + ((now - epoch) // step) * step
