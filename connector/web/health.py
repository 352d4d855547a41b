"""How the product itself is doing: the health page, the answers for load balancers, and the metrics.

Live says that this process answers; ready says that it can take messages. A missing worker does not make the web
processes unready: they must go on receiving, so it is a warning in the findings.
"""

from __future__ import annotations

from datetime import timedelta

from flask import Blueprint, Response, abort, jsonify, render_template

from connector.services import Services, current_services
from connector.store import queries_calls, queries_operations
from connector.store.queries_operations import ProcessRow
from connector.web.sessions import require_login
from connector.web.words import Words

health = Blueprint("health", __name__, url_prefix="/review/health")
health.before_request(require_login)
operations = Blueprint("operations", __name__)

_SHOWN_FOR = timedelta(days=1)
# What our calls are for, as people call it.
PURPOSES = {
    "fetch": "Reading deals",
    "sweep": "Searching for what no message told",
    "write_back": "Writing status",
    "describe": "Looking at the org",
    "login": "Signing in",
}
_CALLS_SHOWN_FOR = timedelta(days=6)
_MEASURED_FOR = timedelta(hours=1)


@health.get("")
def show() -> str:
    """Processes, jobs, waiting work, and what the orgs allow us."""
    services = current_services()
    now = services.clock.now()
    with services.database.reading() as connection:
        processes = queries_operations.list_processes(connection=connection, seen_since=now - _SHOWN_FOR)
        jobs = queries_operations.list_jobs(connection=connection)
        backlog = queries_operations.load_backlog(connection=connection)
        budgets = {row.org_id: row for row in queries_calls.list_budgets(connection=connection)}
        calls = queries_calls.days_of_calls(connection=connection, since=(now - _CALLS_SHOWN_FOR).date())
    return render_template(
        "review/health.html",
        processes=[(row, _process_words(row, services)) for row in processes],
        jobs=jobs,
        backlog=backlog,
        orgs=[(org, budgets.get(org.org_id)) for org in services.orgs.values()],
        calls=calls,
        purposes=PURPOSES,
        org_names={org.org_id: org.name for org in services.orgs.values()},
        findings=_findings(services),
    )


@operations.get("/health/live")
def live() -> Response:
    """This process answers."""
    return jsonify(status="live")


@operations.get("/health/ready")
def ready() -> tuple[Response, int]:
    """Whether this process can take messages; 503 with findings when it cannot."""
    findings = _findings(current_services())
    is_ready = all(finding["level"] != "error" for finding in findings)
    return jsonify(status="ready" if is_ready else "not ready", findings=findings), 200 if is_ready else 503


@operations.get("/metrics")
def metrics() -> Response:
    """Counts for Prometheus, read from the database now, and what the receivers counted."""
    # Not before the web server has started; see there.
    from connector.web.metrics import metrics_text

    services = current_services()
    if not services.config.web.metrics:
        abort(404)
    now = services.clock.now()
    with services.database.reading() as connection:
        backlog = queries_operations.load_backlog(connection=connection)
        processes = queries_operations.list_processes(connection=connection, seen_since=now - _MEASURED_FOR)
    text = metrics_text(backlog=backlog, processes=processes, now=now)
    return Response(text, content_type="text/plain; version=0.0.4; charset=utf-8")


def _findings(services: Services) -> list[dict[str, str]]:
    """What keeps us from working, as sentences with a fix."""
    if problem := queries_operations.database_problem(database=services.database):
        return [_finding("error", *problem)]
    since = services.clock.now() - timedelta(seconds=services.config.jobs.silence)
    with services.database.reading() as connection:
        processes = queries_operations.list_processes(connection=connection, seen_since=since)
    if any(row.kind != "web" and row.stopped_at is None for row in processes):
        return []
    silence = f"{services.config.jobs.silence:g}"
    return [
        _finding(
            "warning",
            f"No worker gave a sign of life in the last {silence} seconds; messages are kept and wait.",
            "Start `countersign work`.",
        )
    ]


def _finding(level: str, message: str, fix: str) -> dict[str, str]:
    return {"level": level, "message": message, "fix": fix}


def _process_words(row: ProcessRow, services: Services) -> Words:
    if row.stopped_at is not None:
        return Words("Stopped", "idle", "skip")
    if services.clock.now() - row.beat_at > timedelta(seconds=services.config.jobs.silence):
        return Words("Silent", "bad", "stop", "Taken for dead; another process goes on with its work.")
    return Words("Running", "good", "check")
