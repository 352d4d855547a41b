"""The orders list and one order's timeline: how far each deal is, what is wrong, and the Resync button."""

from __future__ import annotations

import re
from datetime import datetime

from flask import Blueprint, abort, flash, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from connector.services import current_services
from connector.store import queries_access, queries_order_forms, queries_orders
from connector.usecases.resync import ResyncAsked, resync
from connector.web.form_rows import FORM_WORDS
from connector.web.lists import choices, list_asked, next_url
from connector.web.sessions import MAY_ACT, needs_role, require_login
from connector.web.words import ORDER_WORDS

orders = Blueprint("orders", __name__, url_prefix="/review/orders")
orders.before_request(require_login)

_SECONDS = re.compile(r"[0-9]{1,12}")
_LABELS = {state: (words.label, words.tone) for state, words in ORDER_WORDS.items()}


@orders.get("")
def index() -> str:
    """All orders, newest first, by state and text."""
    asked = list_asked(states=queries_orders.ORDER_STATES)
    with current_services().database.reading() as connection:
        page = queries_orders.list_orders(
            connection=connection, page=asked.page, state=asked.state, text=asked.text
        )  # fmt: skip
        counts = queries_orders.count_orders(connection=connection, text=asked.text)
    return render_template(
        "review/orders.html",
        asked=asked,
        rows=page.rows,
        choices=choices(endpoint="orders.index", asked=asked, counts=counts, labels=_LABELS),
        next_url=next_url(endpoint="orders.index", asked=asked, next_after=page.next_after),
    )


@orders.get("/<name:number>")
def show(number: str) -> str:
    """Everything about one order."""
    services = current_services()
    with services.database.reading() as connection:
        order = queries_orders.load_order(connection=connection, number=number)
        contract_number = order.row.contract_number if order else ""
        changes = queries_access.changes_of_contract(connection=connection, number=contract_number)
        if order is None:
            abort(404, description=f"There is no order {number}.")
        forms = queries_order_forms.forms_of_record(
            connection=connection, org_id=order.row.org_id, record_id=order.row.record_id
        )
    return render_template(
        "review/order.html",
        order=order,
        forms=forms,
        form_words=FORM_WORDS,
        changes=changes,
        is_watched=not order.row.is_at_rest or _is_look_awaited(order.record_looked_at),
    )


@orders.post("/<name:number>/resync")
@needs_role(MAY_ACT)
def look_again(number: str) -> Response:
    """Look at the order's record again now, and go on at the step that stopped."""
    services = current_services()
    resync(
        database=services.database,
        starter=services.starter,
        clock=services.clock,
        orgs=services.orgs,
        asked=ResyncAsked(order=number),
        actor=g.user.name,
        is_dry_run=False,
    )
    flash("Looking again at the record in Salesforce. This page follows along.", "info")
    return redirect(url_for("orders.show", number=number, watch=int(services.clock.now().timestamp())))


def _is_look_awaited(looked_at: datetime | None) -> bool:
    """Whether the address says since when somebody waits for a look, and none has happened since."""
    since = request.args.get("watch", "")
    if not _SECONDS.fullmatch(since):
        return False
    return looked_at is None or looked_at.timestamp() < int(since)
