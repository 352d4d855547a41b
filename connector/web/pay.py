"""The pay page of the embedded provider, which exists only while that provider is in use: magic values, no bank.

Reached by a link that nobody can guess, without signing in, as a customer does.
"""

from __future__ import annotations

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from connector.domain.collecting import PayOutcome
from connector.services import current_services
from connector.usecases.pay_embedded import pay_link, show_offer

pay = Blueprint("pay", __name__, url_prefix="/pay")

_WORDS = {
    PayOutcome.PAID: ("Pay", "The money comes at once."),
    PayOutcome.DECLINED: ("Decline", "The bank says no; the invoice stays open."),
    PayOutcome.DELAYED: ("Pay later", "The money is on its way for a minute."),
    PayOutcome.PARTIAL: ("Pay half", "Half of it comes; the rest stays open."),
    PayOutcome.REFUNDED: ("Pay, then refund", "It comes and is given back by hand at the provider."),
    PayOutcome.DISPUTED: ("Pay, then dispute", "It comes, and the payer asks the bank for it back."),
}


@pay.get("/<name:link>")
def show(link: str) -> str:
    """What there is to pay, and what the bank shall say."""
    offer = show_offer(page=current_services().pay_page, link_ref=link)
    choices = [(outcome.value, *words) for outcome, words in _WORDS.items()]
    return render_template("pay.html", offer=offer, choices=choices)


@pay.post("/<name:link>")
def submit(link: str) -> Response:
    """Pay with the chosen magic value."""
    outcome = request.form.get("outcome", "")
    if outcome not in list(PayOutcome):
        abort(400, description="Choose what the bank shall say.")
    services = current_services()
    made = pay_link(
        database=services.database,
        clock=services.clock,
        page=services.pay_page,
        link_ref=link,
        outcome=PayOutcome(outcome),
    )
    told = ("good", "The payment was made.") if made else ("bad", "The payment was declined. Nothing was paid.")
    flash(told[1], told[0])
    return redirect(url_for("pay.show", link=link))
