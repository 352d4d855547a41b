"""Delivery for finance: all mails, and for one document its files, mails and links, with what a person can do.

A new link is shown once, on the answer that made it; its token is kept nowhere.
"""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, flash, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from connector.domain.hosted import LinkScope
from connector.domain.review import Actor
from connector.services import current_services
from connector.store import queries_delivery
from connector.store.queries import PageAsked
from connector.store.queries_delivery import DELIVERY_STATES
from connector.usecases.open_file import list_files
from connector.usecases.send_document import make_files_again, send_again
from connector.usecases.share_invoice import list_shared, revoke_link, share_invoice
from connector.web.lists import choices, list_asked, next_url
from connector.web.sessions import MAY_ACT, needs_role, require_login
from connector.web.words import DELIVERY_WORDS, FILE_WORDS

deliveries = Blueprint("deliveries", __name__, url_prefix="/review/deliveries")
deliveries.before_request(require_login)

# The largest id that both databases can hold.
_LARGEST_ID = 2**63 - 1
_MOST_MAILS = 100


@deliveries.get("")
def index() -> str:
    """All mails, newest first, by state."""
    asked = list_asked(states=DELIVERY_STATES)
    with current_services().database.reading() as connection:
        page = queries_delivery.list_deliveries(connection=connection, page=asked.page, state=asked.state)
        counts = queries_delivery.count_deliveries(connection=connection)
    return render_template(
        "review/deliveries.html",
        asked=asked,
        rows=[(row, DELIVERY_WORDS[row.state]) for row in page.rows],
        choices=choices(
            endpoint="deliveries.index",
            asked=asked,
            counts={state: counts.get(state, 0) for state in DELIVERY_STATES},
            labels={state: (words.label, words.tone) for state, words in DELIVERY_WORDS.items()},
        ),
        next_url=next_url(endpoint="deliveries.index", asked=asked, next_after=page.next_after),
    )


@deliveries.get("/<int:invoice_id>")
def show(invoice_id: int) -> str:
    """The delivery of one document."""
    return _page(invoice_id)


@deliveries.post("/<int:invoice_id>/send")
@needs_role(MAY_ACT)
def send(invoice_id: int) -> Response:
    """Send the document to an address, again or for the first time."""
    wanted = send_again(**_asked(invoice_id), recipient=request.form.get("recipient", ""))
    flash("The mail goes out in a moment." if wanted.is_new else "That mail is on its way already.", "info")
    return _back(invoice_id)


@deliveries.post("/<int:invoice_id>/share")
@needs_role(MAY_ACT)
def share(invoice_id: int) -> str:
    """Make a link and show it, once."""
    scope = LinkScope.DOCUMENT if request.form.get("scope") == LinkScope.DOCUMENT else LinkScope.ACCOUNT
    label = " ".join(request.form.get("label", "").split())[:200]
    token = share_invoice(**_asked(invoice_id), label=label, scope=scope)
    return _page(invoice_id, url=f"{current_services().config.web.base_url}/invoice/{token}")


@deliveries.post("/<int:invoice_id>/links/<int:link_id>/revoke")
@needs_role(MAY_ACT)
def revoke(invoice_id: int, link_id: int) -> Response:
    """End a link at once."""
    asked = _asked(invoice_id)
    del asked["invoice_id"]
    revoke_link(**asked, link_id=min(link_id, _LARGEST_ID))
    flash("The link opens nothing any more.", "info")
    return _back(invoice_id)


@deliveries.post("/<int:invoice_id>/files")
@needs_role(MAY_ACT)
def make_files(invoice_id: int) -> Response:
    """Have files that failed made again now."""
    count = make_files_again(**_asked(invoice_id))
    flash("The files are being made again." if count else "No file has failed.", "info")
    return _back(invoice_id)


def _page(invoice_id: int, *, url: str = "") -> str:
    services = current_services()
    wanted = min(invoice_id, _LARGEST_ID)
    with services.database.reading() as connection:
        named = queries_delivery.name_of_document(connection=connection, invoice_id=wanted)
        asked = PageAsked(limit=_MOST_MAILS)
        mails = queries_delivery.list_deliveries(connection=connection, page=asked, invoice_id=wanted)
    if named is None:
        abort(404, description=f"There is no issued document {invoice_id}.")
    files = list_files(database=services.database, invoice_id=wanted)
    return render_template(
        "review/delivery.html",
        invoice_id=wanted,
        number=named[0],
        customer=named[1],
        url=url,
        files=[(file, FILE_WORDS[file.state]) for file in files],
        has_failed=any(file.code for file in files),
        mails=[(row, DELIVERY_WORDS[row.state]) for row in mails.rows],
        links=list_shared(database=services.database, invoice_id=wanted)[::-1],
    )


def _asked(invoice_id: int) -> dict[str, Any]:
    """What every action here is told."""
    services = current_services()
    return {
        "database": services.database,
        "clock": services.clock,
        "invoice_id": min(invoice_id, _LARGEST_ID),
        "actor": Actor(g.user.name, g.user.role),
    }


def _back(invoice_id: int) -> Response:
    return redirect(url_for("deliveries.show", invoice_id=invoice_id))
