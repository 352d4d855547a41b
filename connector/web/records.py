"""Records that were looked at in Salesforce and what came of each, skipped ones with the reason included."""

from __future__ import annotations

from flask import Blueprint, render_template

from connector.services import current_services
from connector.store import queries_operations
from connector.web.lists import choices, list_asked, next_url
from connector.web.sessions import require_login
from connector.web.words import RECORD_WORDS, state_words

records = Blueprint("records", __name__, url_prefix="/review/records")
records.before_request(require_login)


@records.get("")
def index() -> str:
    """All records, newest first, by state and text."""
    with current_services().database.reading() as connection:
        counts = queries_operations.count_records(connection=connection)
        asked = list_asked(states=(*RECORD_WORDS, *counts))
        page = queries_operations.list_records(
            connection=connection, page=asked.page, state=asked.state, text=asked.text
        )  # fmt: skip
    labels = {state: (state_words(state, "record").label, state_words(state, "record").tone) for state in counts}
    return render_template(
        "review/records.html",
        asked=asked,
        rows=page.rows,
        choices=choices(endpoint="records.index", asked=asked, counts=counts, labels=labels),
        next_url=next_url(endpoint="records.index", asked=asked, next_after=page.next_after),
    )
