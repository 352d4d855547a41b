"""The documents that billing made: the list, and one document beside the evidence of where each figure comes from.

Read only: the forms on the page lead to `decisions`.
"""

from __future__ import annotations

import re
import secrets
from datetime import date
from typing import Any

from flask import Blueprint, Response, abort, g, render_template, request, url_for

from connector.services import current_services
from connector.store import queries_invoices
from connector.store.queries_invoices import INVOICE_STATES
from connector.store.queries_queue import next_in_queue
from connector.usecases.show_review import render_document, show_review
from connector.web.lists import choices, encode_cursor, list_asked
from connector.web.queue_asked import FROM_QUEUE, queue_view
from connector.web.sessions import require_login
from connector.web.words import INVOICE_WORDS

invoices = Blueprint("invoices", __name__, url_prefix="/review/invoices")
invoices.before_request(require_login)

# The largest id that both databases can hold.
_LARGEST_ID = 2**63 - 1
# Logo and payment code are in the document itself; nothing in it runs, and only we may frame it.
_FRAMED = (
    "default-src 'none'; style-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)
_MONTH = re.compile(r"([0-9]{4})-(0[1-9]|1[0-2])")


@invoices.get("")
def index() -> str:
    """All documents, newest first, by state, customer and month."""
    asked = list_asked(states=INVOICE_STATES)
    month = read_month(request.args.get("month", ""))
    with current_services().database.reading() as connection:
        page = queries_invoices.list_invoices(
            connection=connection, page=asked.page, state=asked.state, text=asked.text, month=month
        )
        counts = queries_invoices.count_invoices(connection=connection, text=asked.text, month=month)
    shown_month = f"{month:%Y-%m}" if month else None
    kept: dict[str, Any] = {"state": asked.state or None, "q": asked.text or None, "month": shown_month}
    after = None if page.next_after is None else encode_cursor(page.next_after)
    return render_template(
        "review/invoices.html",
        asked=asked,
        month=shown_month or "",
        rows=page.rows,
        choices=choices(
            endpoint="invoices.index",
            asked=asked,
            counts={state: counts.get(state, 0) for state in INVOICE_STATES},
            labels={state: (words.label, words.tone) for state, words in INVOICE_WORDS.items()},
            month=shown_month,
        ),
        first_url=url_for("invoices.index", **kept),
        next_url=url_for("invoices.index", **kept, after=after) if after else "",
    )


@invoices.get("/<int:invoice_id>")
def show(invoice_id: int) -> str:
    """One document as the customer will see it, beside the evidence and what can be decided."""
    desk = current_services().desk
    shown = show_review(desk=desk, invoice_id=min(invoice_id, _LARGEST_ID))
    view = queue_view() if request.args.get("from") == FROM_QUEUE else None
    following = None
    if view is not None:
        with desk.database.reading() as connection:
            following = next_in_queue(connection=connection, asked=view.asked, invoice_id=invoice_id)
    return render_template(
        "review/invoice.html",
        shown=shown,
        invoice=shown.detail,
        args={**view.kept, "from": FROM_QUEUE} if view else {},
        queue_args=view.kept if view else {},
        following=following,
        has_approved=any(one.actor.key == g.user.name for one in shown.approvals),
        request_key=secrets.token_urlsafe(16),
    )


@invoices.get("/<int:invoice_id>/document")
def show_document(invoice_id: int) -> Response:
    """The document alone, for the frame of its page."""
    document, language = render_document(desk=current_services().desk, invoice_id=min(invoice_id, _LARGEST_ID))
    answer = Response(render_template("review/document.html", document=document, language=language))
    answer.headers["Content-Security-Policy"] = _FRAMED
    answer.headers["X-Frame-Options"] = "SAMEORIGIN"
    return answer


def read_month(text: str) -> date | None:
    """`2026-03` as its first day, None for nothing; anything else is a 400 that says so."""
    if not text:
        return None
    match = _MONTH.fullmatch(text)
    if match is None or not 1900 <= int(match[1]) <= 2999:
        abort(400, description="A month is written like 2026-03.")
    return date(int(match[1]), int(match[2]), 1)
