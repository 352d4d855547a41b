"""The cash pages: bank files in, payments that wait for a person, reminders, the control report.

Every button is one use case; what cannot be done is told on a page and changes nothing.
"""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from typing import Any

from flask import Blueprint, Response, abort, flash, g, jsonify, redirect, render_template, request, session, url_for
from werkzeug.wrappers import Response as AnyResponse

from connector.domain.control_report import SHOWN
from connector.domain.payments import PostingKind
from connector.domain.reminders import LetterEvent, LetterState, StopKind
from connector.services import current_services
from connector.store import queries_cash
from connector.store.queries_cash import MATCH_STATES
from connector.usecases.allocate_payment import allocate_payment, undo_allocation
from connector.usecases.bill_contracts import Biller
from connector.usecases.import_statement import import_statement
from connector.usecases.look_at_payment import look_at_payment
from connector.usecases.match_payments import match_payments
from connector.usecases.remind import (
    ReminderRules,
    decide_reminder,
    list_ended_letters,
    list_letters,
    list_reminder_mails,
    preview_reminders,
    resume_reminders,
    stop_reminders,
)
from connector.usecases.report_control import ControlReport, as_csv, as_json, report_control
from connector.usecases.settle_returns import answer_return, settle_returns
from connector.web.lists import choices, list_asked, next_url
from connector.web.sessions import MAY_ACT, needs_role, require_login
from connector.web.words import DELIVERY_WORDS

cash = Blueprint("cash", __name__, url_prefix="/review/cash")
cash.before_request(require_login)

_LABELS = {
    "suggested": ("Suggested", "warn"),
    "review": ("To find out", "bad"),
    "unapplied": ("Credit", "idle"),
    "waiting": ("Not looked at", "idle"),
    "matched": ("Matched", "good"),
}
_AMOUNT = re.compile(r"[0-9]{1,15}([.][0-9]{1,4})?")
_KEY = re.compile(r"[A-Za-z0-9_-]{1,60}")
_PART = re.compile(r"amount-([1-9][0-9]{0,17})")
_LARGEST_ID = 2**63 - 1


@cash.url_value_preprocessor
def allow_large_files(endpoint: str | None, _values: dict[str, Any] | None) -> None:
    """A bank file of somebody who is signed in may be larger than any other request; asked before the form is read."""
    if endpoint == "cash.upload" and "user" in session:
        request.max_content_length = current_services().statement_rules.largest + 100_000


@cash.get("")
def index() -> str:
    """Payments by what was decided, files, returns that are questions."""
    asked = list_asked(states=MATCH_STATES)
    with current_services().database.reading() as connection:
        page = queries_cash.list_payments(connection=connection, page=asked.page, state=asked.state, text=asked.text)
        counts = queries_cash.count_payments(connection=connection)
        files = queries_cash.list_files(connection=connection)
        questions = queries_cash.list_questions(connection=connection)
    shown = {state: counts.get(state, 0) for state in MATCH_STATES}
    return render_template(
        "review/cash.html",
        asked=asked,
        rows=page.rows,
        files=files,
        questions=questions,
        labels=_LABELS,
        choices=choices(endpoint="cash.index", asked=asked, counts=shown, labels=_LABELS),
        next_url=next_url(endpoint="cash.index", asked=asked, next_after=page.next_after),
    )


@cash.post("/statements")
@needs_role(MAY_ACT)
def upload() -> AnyResponse:
    """Take a bank file and match what it brings."""
    services = current_services()
    file = request.files.get("file")
    if file is None or not file.filename:
        abort(400, description="Choose a bank file first.")
    with file.stream:
        content = file.read()
    imported = import_statement(
        desk=services.cash,
        rules=services.statement_rules,
        content=content,
        name=file.filename,
        actor=g.user.name,
        is_gap_accepted=request.form.get("gap") == "accepted",
    )
    settle_returns(desk=services.cash)
    match_payments(desk=services.cash)
    words = f"{imported.entries} entries, {imported.new_entries} new, {imported.payments} payments in."
    flash("This file was imported before; nothing was done." if imported.is_known else words, "info")
    return redirect(url_for("cash.index"))


@cash.get("/payments/<int:payment_id>")
def payment(payment_id: int) -> str:
    """One payment with what it may pay."""
    number = request.args.get("number", "").replace("\x00", "")[:60]
    look = look_at_payment(desk=current_services().cash, payment_id=_row(payment_id), number=number)
    return render_template(
        "review/cash_payment.html",
        look=look,
        number=number,
        labels=_LABELS,
        allocations=[one for one in look.postings if one.holds and one.posting.kind is PostingKind.ALLOCATE],
        request_key=f"page-{len(look.postings)}",
    )


@cash.post("/payments/<int:payment_id>/allocate")
@needs_role(MAY_ACT)
def allocate(payment_id: int) -> AnyResponse:
    """Have it pay the invoices of the form; a bank charge closes the one that it names."""
    amounts = {int(match[1]): _amount(text) for name, text in request.form.items()
               if (match := _PART.fullmatch(name)) and text.strip()}  # fmt: skip
    charge = request.form.get("write_off", "").strip()
    done = allocate_payment(
        desk=current_services().cash,
        payment_id=_row(payment_id),
        amounts=amounts,
        charge=_amount(charge) if charge else None,
        request_key=_request_key(),
        **_person(),
    )
    flash(f"Allocated. {done.left} of the payment is left.", "info")
    return redirect(url_for("cash.payment", payment_id=payment_id))


@cash.post("/payments/<int:payment_id>/undo/<int:posting_id>")
@needs_role(MAY_ACT)
def undo(payment_id: int, posting_id: int) -> AnyResponse:
    """Take an allocation back."""
    reason = request.form.get("reason", "")
    undo_allocation(desk=current_services().cash, posting_id=_row(posting_id), payment_id=_row(payment_id),
                    reason=reason, **_person())  # fmt: skip
    flash("Taken back. The invoice is open again.", "info")
    return redirect(url_for("cash.payment", payment_id=payment_id))


@cash.post("/returns/<int:entry_id>")
@needs_role(MAY_ACT)
def answer(entry_id: int) -> AnyResponse:
    """Say which payment a return takes back."""
    text = request.form.get("payment", "").strip()
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        abort(400, description="Name the payment by its number.")
    answer_return(desk=current_services().cash, entry_id=_row(entry_id), payment_id=int(text),
                  reason=request.form.get("reason", ""), **_person())  # fmt: skip
    flash("Undone. What it had paid is open again.", "info")
    return redirect(url_for("cash.index"))


@cash.get("/reminders")
def reminders() -> str:
    """Letters that wait, and those that the next run would make."""
    services = current_services()
    rules = ReminderRules(services.reminder_plans, services.statement_rules.accounts)
    letters, ended = list_letters(desk=services.cash), list_ended_letters(desk=services.cash)
    return render_template(
        "review/reminders.html",
        letters=letters,
        ended=ended,
        mails=list_reminder_mails(desk=services.cash, letters=[*letters, *ended]),
        mail_words=DELIVERY_WORDS,
        due=preview_reminders(desk=services.cash, rules=rules),
        has_plans=bool(services.reminder_plans),
        states=LetterState,
    )


@cash.post("/reminders/<int:letter_id>/<any(release, hold, cancel):event>")
@needs_role(MAY_ACT)
def decide(letter_id: int, event: str) -> AnyResponse:
    """Release, hold or cancel a letter."""
    decide_reminder(desk=current_services().cash, letter_id=_row(letter_id), event=LetterEvent(event), **_person())
    return redirect(url_for("cash.reminders"))


@cash.post("/invoices/<int:invoice_id>/stop")
@needs_role(MAY_ACT)
def stop(invoice_id: int) -> AnyResponse:
    """No reminders: disputed, promised, paused; or that has ended."""
    desk, kind = current_services().cash, request.form.get("kind", "")
    if kind == "resume":
        resume_reminders(desk=desk, invoice_id=_row(invoice_id), **_person())
    elif kind in tuple(StopKind):
        stop_reminders(desk=desk, invoice_id=_row(invoice_id), kind=StopKind(kind), until=_day("until"),
                       reason=request.form.get("reason", ""), **_person())  # fmt: skip
    else:
        abort(400, description="Say dispute, promise, pause or resume.")
    flash("Noted.", "info")
    return redirect(url_for("cash.reminders"))


@cash.get("/report")
def report() -> str:
    """From signed to open, with every difference."""
    return render_template("review/control_report.html", report=_report(), shown=SHOWN)


@cash.get("/report.csv")
def report_csv() -> Response:
    """The same for a spreadsheet."""
    found = _report()
    headers = {"Content-Disposition": f'attachment; filename="control-{found.as_of}.csv"'}
    return Response("\ufeff" + as_csv(found), content_type="text/csv; charset=utf-8", headers=headers)


@cash.get("/report.json")
def report_json() -> Response:
    """The same for machines."""
    return jsonify(as_json(_report()))


def _report() -> ControlReport:
    services = current_services()
    day = _day("as_of", request.args) or services.clock.now().date()
    biller = Biller(services.database, services.clock, services.taxes, "")
    return report_control(database=services.database, biller=biller, as_of=day)


def _person() -> dict[str, str]:
    return {"actor": g.user.name, "role": g.user.role}


def _row(number: int) -> int:
    return min(number, _LARGEST_ID)


def _request_key() -> str:
    """What the page gave its form, so that a double click is one request."""
    key = request.form.get("request_key", "")
    if not _KEY.fullmatch(key):
        abort(400, description="The form is not complete: load the page again.")
    return key


def _amount(text: str) -> Decimal:
    if not _AMOUNT.fullmatch(text.strip()):
        abort(400, description="An amount is written like 1190.00.")
    return Decimal(text.strip())


def _day(name: str, values: Any = None) -> date | None:
    text = (request.form if values is None else values).get(name, "").strip()
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        abort(400, description="A day is written like 2026-03-31.")
