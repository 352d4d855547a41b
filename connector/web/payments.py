"""Payments for finance: the list, one payment with its movements and refunds, payment links, and providers' events.

What a payment pays is decided elsewhere; from here a refund is asked for, and what was given up is tried again.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from flask import Blueprint, abort, flash, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from connector.services import current_services
from connector.store import queries_payments
from connector.store.queries_payments import EVENT_STATES, LINK_STATES, PAYMENT_STATES
from connector.usecases.apply_payment_event import look_again
from connector.usecases.collect_payment import retry_link
from connector.usecases.refund_payment import request_refund
from connector.web.lists import ListAsked, choices, encode_cursor, list_asked
from connector.web.sessions import MAY_ACT, needs_role, require_login
from connector.web.words import EVENT_WORDS, LINK_WORDS, PAYMENT_WORDS, Words

payments = Blueprint("payments", __name__, url_prefix="/review/payments")
payments.before_request(require_login)

_KEY = re.compile(r"[A-Za-z0-9_-]{1,60}")
_AMOUNT = re.compile(r"[0-9]{1,15}([.][0-9]{1,4})?")
_LARGEST_ID = 2**63 - 1


@payments.get("")
def index() -> str:
    """All payments, newest first, by state and text."""
    asked = list_asked(states=PAYMENT_STATES)
    with current_services().database.reading() as connection:
        page = queries_payments.list_payments(
            connection=connection, page=asked.page, state=asked.state, text=asked.text
        )
        counts = queries_payments.count_payments(connection=connection)
    return render_template(
        "review/payments.html",
        **_shown("payments.index", asked, counts, PAYMENT_WORDS, page.rows, page.next_after),
        provider=current_services().payments,
    )


@payments.get("/<int:payment_id>")
def show(payment_id: int) -> str:
    """Everything about one payment."""
    with current_services().database.reading() as connection:
        found = queries_payments.load_payment_detail(connection=connection, payment_id=min(payment_id, _LARGEST_ID))
    if found is None:
        abort(404, description=f"There is no payment {payment_id}.")
    # Made with the form, so that the same form sent twice is one refund.
    return render_template("review/payment.html", payment=found, request_key=secrets.token_urlsafe(16))


@payments.post("/<int:payment_id>/refund")
@needs_role(MAY_ACT)
def refund(payment_id: int) -> Response:
    """Ask for a refund; the provider that took the money sends it."""
    made = request_refund(
        desk=current_services().cash,
        payment_id=min(payment_id, _LARGEST_ID),
        amount=_amount(request.form.get("amount", "")),
        reason=request.form.get("reason", ""),
        actor=g.user.name,
        role=g.user.role,
        request_key=f"page/{_request_key()}",
    )
    flash(f"A refund of {made.amount} was asked for.", "info")
    return redirect(url_for("payments.show", payment_id=payment_id))


@payments.get("/links")
def links() -> str:
    """All payment links, newest first."""
    asked = list_asked(states=LINK_STATES)
    with current_services().database.reading() as connection:
        page = queries_payments.list_payment_links(connection=connection, page=asked.page, state=asked.state)
        counts = queries_payments.count_payment_links(connection=connection)
    shown = _shown("payments.links", asked, counts, LINK_WORDS, page.rows, page.next_after)
    return render_template("review/payment_links.html", **shown)


@payments.post("/links/<int:link_id>/again")
@needs_role(MAY_ACT)
def open_again(link_id: int) -> Response:
    """Try a link again that the provider refused."""
    services = current_services()
    retry_link(database=services.database, clock=services.clock, link_id=min(link_id, _LARGEST_ID))
    flash("The link is being tried again.", "info")
    return redirect(url_for("payments.links"))


@payments.get("/events")
def events() -> str:
    """What providers told us, newest first."""
    asked = list_asked(states=EVENT_STATES)
    with current_services().database.reading() as connection:
        page = queries_payments.list_provider_events(connection=connection, page=asked.page, state=asked.state)
        counts = queries_payments.count_provider_events(connection=connection)
    shown = _shown("payments.events", asked, counts, EVENT_WORDS, page.rows, page.next_after)
    return render_template("review/payment_events.html", **shown)


@payments.post("/events/<int:event_id>/again")
@needs_role(MAY_ACT)
def look_at_again(event_id: int) -> Response:
    """Try an event again that was given up."""
    if not look_again(database=current_services().database, event_id=min(event_id, _LARGEST_ID)):
        abort(404, description=f"There is no event {event_id} that was given up.")
    flash("The event is being looked at again.", "info")
    return redirect(url_for("payments.events"))


def _shown(
    endpoint: str, asked: ListAsked, counts: Mapping[str, int], words: Mapping[str, Words], rows: Any, after: int | None
) -> dict[str, Any]:
    """What every list here shows."""
    kept: dict[str, Any] = {"state": asked.state or None, "q": asked.text or None}
    labels = {state: (words[state].label, words[state].tone) for state in counts}
    return {
        "asked": asked,
        "rows": rows,
        "choices": choices(endpoint=endpoint, asked=asked, counts=counts, labels=labels),
        "first_url": url_for(endpoint, **kept),
        "next_url": url_for(endpoint, **kept, after=encode_cursor(after)) if after else "",
    }


def _request_key() -> str:
    """What the page gave its form, so that a double click is one request."""
    key = request.form.get("request_key", "")
    if not _KEY.fullmatch(key):
        abort(400, description="The form is not complete: load the page again.")
    return key


def _amount(text: str) -> Decimal:
    """An amount as people type it, with a point; anything else is a 400 that says so."""
    if not _AMOUNT.fullmatch(text.strip()):
        abort(400, description="An amount is written like 1190.00.")
    return Decimal(text.strip())
