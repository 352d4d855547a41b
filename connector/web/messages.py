"""Parked messages with replay, and one message's raw body."""

from __future__ import annotations

from flask import Blueprint, abort, flash, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from connector.services import current_services
from connector.store import queries_operations
from connector.usecases.replay_message import replay
from connector.web.lists import list_asked, next_url
from connector.web.sessions import MAY_ACT, needs_role, require_login
from connector.web.words import body_words

messages = Blueprint("messages", __name__, url_prefix="/review")
messages.before_request(require_login)

_MOST_DIGITS = 18


@messages.get("/parked")
def parked() -> str:
    """Messages that were set aside, newest first, each with its reason."""
    asked = list_asked()
    with current_services().database.reading() as connection:
        page = queries_operations.list_messages(connection=connection, page=asked.page, state="parked")
        count = queries_operations.count_parked(connection=connection)
    return render_template(
        "review/parked.html",
        asked=asked,
        rows=page.rows,
        count=count,
        next_url=next_url(endpoint="messages.parked", asked=asked, next_after=page.next_after),
    )


@messages.post("/parked/replay")
@needs_role(MAY_ACT)
def replay_parked() -> Response:
    """Replay the chosen messages, or all of them."""
    services = current_services()
    is_all = request.form.get("which") == "all"
    chosen = _chosen_ids()
    if not is_all and not chosen:
        flash("Choose at least one message to replay.", "warn")
        return redirect(url_for("messages.parked"))
    count = replay(
        database=services.database,
        starter=services.starter,
        clock=services.clock,
        inbox_ids=None if is_all else chosen,
        actor=g.user.name,
    )
    flash(f"{count} message{' is' if count == 1 else 's are'} being tried again.", "info")
    return redirect(url_for("messages.parked"))


@messages.get("/messages/<int:message_id>")
def show(message_id: int) -> str:
    """One message with its raw body as text."""
    message = None
    if len(str(message_id)) <= _MOST_DIGITS:
        with current_services().database.reading() as connection:
            message = queries_operations.load_message(connection=connection, message_id=message_id)
    if message is None:
        abort(404, description="There is no such message.")
    return render_template("review/message.html", message=message, body=body_words(message.body))


def _chosen_ids() -> list[int]:
    """The ids that were ticked. What is not a number is a 400: no form of ours sends it."""
    values = request.form.getlist("id")
    if any(not (value.isascii() and value.isdigit() and len(value) <= _MOST_DIGITS) for value in values):
        abort(400, description="A message to replay is not given by its number.")
    return [int(value) for value in values]
