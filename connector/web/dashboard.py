"""The overview: where work waits and where the money is, each picture with the table that it is drawn from.

The tables are the page; a script draws the pictures from them, so nothing is missing without it. Counting is the
query's; here figures only get their words.
"""

from __future__ import annotations

from flask import Blueprint, render_template

from connector.services import current_services
from connector.store.queries_dashboard import load_overview
from connector.web.sessions import require_login

dashboard = Blueprint("dashboard", __name__, url_prefix="/review/overview")
dashboard.before_request(require_login)


@dashboard.get("")
def show() -> str:
    """What is held, overdue, stopped and done, and value signed against billed against paid, by currency."""
    services = current_services()
    now = services.clock.now()
    with services.database.reading() as connection:
        overview = load_overview(connection=connection, now=now)
    return render_template("review/overview.html", overview=overview, today=now.date())
