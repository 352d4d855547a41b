"""What people decide about one document: each form is one use case, then the next document or the same page.

A decision that cannot be made is told on the document's page, where the way on is, and changes nothing.
"""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from typing import Any

from flask import Blueprint, flash, g, redirect, request, url_for
from werkzeug.wrappers import Response

from connector.errors import ConnectorError, NotFound, Refused
from connector.services import current_services
from connector.store import queries_queue
from connector.usecases import review_invoice
from connector.usecases.approve_invoice import approve_invoice
from connector.usecases.assess_drafts import assess
from connector.usecases.credit_invoice import credit_invoice
from connector.usecases.review_desk import Decision, ReviewDesk
from connector.usecases.void_invoice import void_invoice
from connector.web.queue_asked import FROM_QUEUE, queue_view
from connector.web.sessions import MAY_ACT, needs_role, require_login

decisions = Blueprint("decisions", __name__, url_prefix="/review/invoices/<int:invoice_id>")
decisions.before_request(require_login)

_AMOUNT = re.compile(r"[0-9]{1,15}([.][0-9]{1,6})?")
_AMOUNT_OF_LINE = re.compile(r"amount-([1-9][0-9]{0,5})")
_ADDRESSES = re.compile(r"[\s,;]+")
_LARGEST_ID = 2**63 - 1


class FormRefused(Refused):
    """Something in the form cannot be read."""

    code = "FORM_REFUSED"
    owner = "finance"


@decisions.post("/approve")
@needs_role(MAY_ACT)
def approve(invoice_id: int) -> Response:
    """Approve what the page showed."""
    decision = approve_invoice(
        desk=_desk(),
        invoice_id=_row(invoice_id),
        looked_at=_text("content_hash"),
        comment=_text("comment"),
        **_person(),
    )
    if decision.number:
        return _decided(decision, f"Approved and issued as {decision.number}.")
    return _decided(decision, "Approved. It waits for a second person.")


@decisions.post("/hold")
@needs_role(MAY_ACT)
def hold(invoice_id: int) -> Response:
    """Keep it, for a reason."""
    decision = review_invoice.hold_invoice(
        desk=_desk(), invoice_id=_row(invoice_id), reason=_text("reason"), until=_day("until"), **_person()
    )
    return _decided(decision, "On hold. It stays until somebody releases it.")


@decisions.post("/release")
@needs_role(MAY_ACT)
def release(invoice_id: int) -> Response:
    """Take a hold away."""
    decision = review_invoice.release_invoice(desk=_desk(), invoice_id=_row(invoice_id), **_person())
    return _stay(decision.invoice_id, "Released. It can be decided on again.")


@decisions.post("/withdraw")
@needs_role(MAY_ACT)
def withdraw(invoice_id: int) -> Response:
    """Take the first of two approvals back."""
    decision = review_invoice.withdraw_approval(desk=_desk(), invoice_id=_row(invoice_id), **_person())
    return _stay(decision.invoice_id, "The approval is taken back.")


@decisions.post("/send-back")
@needs_role(MAY_ACT)
def send_back(invoice_id: int) -> Response:
    """Give it back to whoever must change the deal."""
    decision = review_invoice.send_back_invoice(
        desk=_desk(), invoice_id=_row(invoice_id), reason=_text("reason"), owner=_text("owner"), **_person()
    )
    return _decided(decision, f"Sent back to {_text('owner').strip()[:80]}; the record in Salesforce says why.")


@decisions.post("/return")
@needs_role(MAY_ACT)
def give_back(invoice_id: int) -> Response:
    """Put what was sent back into the queue again."""
    decision = review_invoice.return_invoice(
        desk=_desk(), invoice_id=_row(invoice_id), reason=_text("reason"), **_person()
    )  # fmt: skip
    return _stay(decision.invoice_id, "It is in the queue again.")


@decisions.post("/edit")
@needs_role(MAY_ACT)
def edit(invoice_id: int) -> Response:
    """Change memo, PO number and recipients."""
    desk = _desk()
    decision = review_invoice.edit_invoice(
        desk=desk,
        invoice_id=_row(invoice_id),
        looked_at=_text("content_hash"),
        memo=_text("memo").replace("\r\n", "\n"),
        po_number=_text("po_number"),
        recipients=_recipients(),
        **_person(),
    )
    return _stay(decision.invoice_id, "Saved. Approvals given before hold no more.")


@decisions.post("/comment")
@needs_role(MAY_ACT)
def comment(invoice_id: int) -> Response:
    """Say something about it."""
    review_invoice.comment_invoice(desk=_desk(), invoice_id=_row(invoice_id), text=_text("text"), **_person())
    return _stay(invoice_id, "Your comment is in its history.")


@decisions.post("/void")
@needs_role(MAY_ACT)
def void(invoice_id: int) -> Response:
    """Void what is not issued."""
    decision = void_invoice(desk=_desk(), invoice_id=_row(invoice_id), reason=_text("reason"), **_person())
    return _decided(decision, "Voided. The next billing run drafts what is owed.")


@decisions.post("/credit")
@needs_role(MAY_ACT)
def credit(invoice_id: int) -> Response:
    """Make a credit note, in full or by line."""
    decision = credit_invoice(
        desk=_desk(),
        invoice_id=_row(invoice_id),
        reason=_text("reason"),
        amounts=None if _text("scope") == "all" else _amounts(),
        is_owed_again=_text("owed_again") == "yes",
        request_key=_text("request_key")[:64],
        **_person(),
    )
    _assess(decision.invoice_id)
    said = f"Credit note {decision.number} is issued." if decision.number else "It waits for a second person."
    return _stay(decision.invoice_id, said)


def tell_refusals_on_the_page() -> None:
    """Have refused decisions told where they were made, and not on a page of their own."""
    decisions.register_error_handler(ConnectorError, not_decided)


def not_decided(error: ConnectorError) -> Response:
    """Say on the document's page why the decision was not made."""
    invoice_id = (request.view_args or {}).get("invoice_id", 0)
    flash(f"{error} {error.fix}".strip(), "bad")
    if isinstance(error, NotFound):
        return redirect(url_for("review.index"), 303)
    return redirect(url_for("invoices.show", invoice_id=invoice_id, **_way_back()), 303)


def _decided(decision: Decision, said: str) -> Response:
    """On to the next document of the queue when the person works through it, else stay."""
    _assess(decision.invoice_id)
    if request.args.get("from") != FROM_QUEUE:
        return _stay(decision.invoice_id, said)
    view = queue_view()
    with current_services().database.reading() as connection:
        following = queries_queue.next_in_queue(
            connection=connection, asked=view.asked, invoice_id=decision.invoice_id
        )  # fmt: skip
    flash(said, "good")
    if following is None:
        return redirect(url_for("review.index", **view.kept), 303)
    return redirect(url_for("invoices.show", invoice_id=following, **_way_back()), 303)


def _stay(invoice_id: int, said: str) -> Response:
    _assess(invoice_id)
    flash(said, "good")
    return redirect(url_for("invoices.show", invoice_id=invoice_id, **_way_back()), 303)


def _assess(invoice_id: int) -> None:
    """Have the queue show at once what the rules say now."""
    assess(desk=current_services().desk, invoice_ids=[invoice_id])


def _way_back() -> dict[str, Any]:
    """The view of the queue from which the document was opened."""
    return {**queue_view().kept, "from": FROM_QUEUE} if request.args.get("from") == FROM_QUEUE else {}


def _desk() -> ReviewDesk:
    return current_services().desk


def _row(invoice_id: int) -> int:
    return min(invoice_id, _LARGEST_ID)


def _person() -> dict[str, str]:
    return {"actor": g.user.name, "role": g.user.role}


def _text(name: str) -> str:
    return request.form.get(name, "").replace("\x00", "")


def _day(name: str) -> date | None:
    text = _text(name).strip()
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise FormRefused(f"{text[:20]!r} is no date.", fix="Write it like 2026-04-01.") from None


def _recipients() -> list[str]:
    return [address for address in _ADDRESSES.split(_text("recipients")) if address]


def _amounts() -> dict[int, Decimal]:
    """Amounts by position of the line; fields left empty are left out."""
    found: dict[int, Decimal] = {}
    for name, text in request.form.items():
        match = _AMOUNT_OF_LINE.fullmatch(name)
        if match is None or not text.strip():
            continue
        if not _AMOUNT.fullmatch(text.strip()):
            raise FormRefused(f"{text[:20]!r} is no amount.", fix="Write it like 1500 or 99.50.")
        found[int(match[1])] = Decimal(text.strip())
    if not found:
        raise FormRefused("No amount is given.", fix="Write an amount beside a line, or credit all that is left.")
    return found
