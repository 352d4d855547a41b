"""The review queue: what waits for a decision, the same as a file, and the quiet ones approved together.

Reads from the address, asks one query or use case, shows the answer. Decisions about one document are in `decisions`.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterator
from typing import Any

from flask import Blueprint, Response, abort, flash, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from connector.services import current_services
from connector.store import queries_queue
from connector.store.queries_queue import OPEN, QUEUE_STATES, QueuePage, QueueRow
from connector.usecases import approve_in_bulk
from connector.usecases.approve_in_bulk import ChoiceChanged
from connector.usecases.show_review import styles
from connector.web.csv_text import Cell, csv_lines
from connector.web.lists import PAGE_SIZE, Choice, encode_cursor
from connector.web.queue_asked import FROM_QUEUE, QueueView, queue_view
from connector.web.review_words import QUEUE_WORDS, RISK_WORDS
from connector.web.sessions import MAY_ACT, has_role, needs_role, require_login

review = Blueprint("review", __name__, url_prefix="/review")
review.before_request(require_login)

_HEADS = (
    *("id", "number", "kind", "state", "customer", "account", "company", "bill date", "net", "gross", "currency"),
    *("lines", "risk", "warnings", "PO number", "reason", "owner", "held until", "made"),
)
_KEY = re.compile(r"[A-Za-z0-9_-]{1,64}")
_LARGEST_ID = 2**63 - 1


@review.get("")
def index() -> str:
    """What waits for a decision, by the filters of the address."""
    view = queue_view()
    with current_services().database.reading() as connection:
        page = queries_queue.list_queue(connection=connection, asked=view.asked, after=view.after, limit=PAGE_SIZE)
        counts = queries_queue.count_states(connection=connection)
        risks = queries_queue.count_risks(connection=connection, asked=view.asked)
        quiet = queries_queue.count_quiet(connection=connection, asked=view.asked) if _may_approve(view) else 0
    kept = view.kept
    next_after = None if page.next_after is None else encode_cursor(page.next_after)
    return render_template(
        "review/queue.html",
        view=view,
        rows=page.rows,
        states=_states(view, counts),
        risks=_risks(view, risks),
        unjudged=risks[""],
        quiet=quiet,
        sorts=queries_queue.SORTS,
        row_args={**kept, "from": FROM_QUEUE},
        first_url=url_for("review.index", **kept),
        next_url=url_for("review.index", **kept, after=next_after) if next_after else "",
    )


@review.get("/document.css")
def document_style() -> Response:
    """The style sheet of documents, for the frame in which one is shown."""
    return Response(styles(), content_type="text/css; charset=utf-8")


@review.get("/queue.csv")
def export() -> Response:
    """The whole view as a file for a spreadsheet, row by row."""
    asked, database = queue_view().asked, current_services().database

    def read(after: int | None) -> QueuePage:
        with database.reading() as connection:
            return queries_queue.list_queue(connection=connection, asked=asked, after=after, limit=500)

    rows = (_cells(row) for row in _all_rows(read))
    answer = Response(csv_lines(heads=_HEADS, rows=rows), content_type="text/csv; charset=utf-8")
    answer.headers["Content-Disposition"] = 'attachment; filename="review.csv"'
    return answer


@review.get("/approve-quiet")
@needs_role(MAY_ACT)
def confirm_quiet() -> str:
    """What would be approved together, before it is."""
    view = queue_view()
    choice = approve_in_bulk.choose_quiet(database=current_services().database, asked=view.asked)
    return render_template(
        "review/approve_quiet.html", view=view, choice=choice, kept=view.kept, request_key=secrets.token_urlsafe(24)
    )


@review.post("/approve-quiet")
@needs_role(MAY_ACT)
def approve_quiet() -> AnyResponse:
    """Have a worker approve what the page before showed."""
    view, services = queue_view(), current_services()
    bulk_id = approve_in_bulk.start_bulk(
        desk=services.desk,
        starter=services.starter,
        asked=view.asked,
        digest=request.form.get("digest", ""),
        user=g.user,
        request_key=_request_key(),
    )
    return redirect(url_for("review.show_bulk", bulk_id=bulk_id), 303)


@review.get("/approvals/<int:bulk_id>")
def show_bulk(bulk_id: int) -> str:
    """How far an approval of many is, and what was not approved and why."""
    database = current_services().database
    progress, refused = approve_in_bulk.load_outcome(database=database, bulk_id=min(bulk_id, _LARGEST_ID))
    return render_template("review/bulk.html", bulk=progress, refused=refused)


@review.errorhandler(ChoiceChanged)
def choice_changed(error: ChoiceChanged) -> AnyResponse:
    """Show the list as it is now, and say so."""
    flash(f"{error} {error.fix}", "warn")
    return redirect(url_for("review.confirm_quiet", **queue_view().kept), 303)


def _request_key() -> str:
    """What the page gave its form, so that a double click is one approval; a form without one is a new one."""
    key = request.form.get("request_key", "")
    if key and not _KEY.fullmatch(key):
        abort(400, description="The form is not complete: load the page again.")
    return key or secrets.token_urlsafe(24)


def _may_approve(view: QueueView) -> bool:
    """Whether approving the quiet ones together fits what is shown and who looks."""
    return has_role(MAY_ACT) and view.asked.state in (OPEN, "draft") and view.asked.risk in ("", "quiet")


def _states(view: QueueView, counts: dict[str, int]) -> tuple[Choice, ...]:
    """The filters by state; what is done is not counted, as there may be any number of it."""
    kept = {**view.kept, "state": None}
    return tuple(
        Choice(
            state,
            QUEUE_WORDS[state].label,
            QUEUE_WORDS[state].tone,
            counts.get(state, -1),
            url_for("review.index", **{**kept, "state": None if state == OPEN else state}),
            view.asked.state == state,
        )
        for state in QUEUE_STATES
    )


def _risks(view: QueueView, counts: dict[str, int]) -> tuple[Choice, ...]:
    every = sum(counts.values())
    rows: list[tuple[str, str, str, int]] = [("", "Any", "idle", every)]
    rows += [(risk, RISK_WORDS[risk].label, RISK_WORDS[risk].tone, counts[risk]) for risk in queries_queue.RISKS]
    return tuple(
        Choice(risk, label, tone, count, url_for("review.index", **{**view.kept, "risk": risk or None}), is_chosen)
        for risk, label, tone, count in rows
        for is_chosen in [view.asked.risk == risk]
    )


def _all_rows(read: Callable[[int | None], QueuePage]) -> Iterator[QueueRow]:
    """The whole view; no connection is held while the caller sends a piece away."""
    after: int | None = None
    while True:
        page = read(after)
        yield from page.rows
        if page.next_after is None:
            return
        after = page.next_after


def _cells(row: QueueRow) -> tuple[Cell, ...]:
    gross: Any = None if row.gross is None else row.gross.amount
    return (
        *(row.id, row.number, row.kind, row.state, row.customer_name, row.customer_ref, row.legal_entity),
        *(row.bill_on.isoformat(), row.net.amount, gross, row.net.currency, row.item_count),
        "" if row.risk is None else row.risk.name.lower(),
        " ".join(finding.code for finding in row.findings),
        *(row.po_number, row.reason, row.owner),
        row.held_until.isoformat() if row.held_until else "",
        row.created_at.isoformat(),
    )
