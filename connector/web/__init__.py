"""Pages for people and the API for machines: parse the request, call one use case or query, render the answer.

Views hold no session, no business decision and no try: `sessions` and `api.guard` say who may ask, `words` how values
read, and the table in `connector.problems` turns errors into answers.
"""

from __future__ import annotations

from flask import Blueprint, redirect, url_for
from werkzeug.wrappers import Response

from connector.web.api import api
from connector.web.api.documentation import documentation
from connector.web.cash import cash
from connector.web.contracts import contracts
from connector.web.customers import customers
from connector.web.dashboard import dashboard
from connector.web.decisions import decisions, tell_refusals_on_the_page
from connector.web.deliveries import deliveries
from connector.web.health import health, operations
from connector.web.hosted import hosted
from connector.web.invoices import invoices
from connector.web.messages import messages
from connector.web.order_forms import order_forms
from connector.web.orders import orders
from connector.web.pay import pay
from connector.web.payments import payments
from connector.web.provider_sign_in import provider_sign_in
from connector.web.records import records
from connector.web.refusals import register_pages_of_refusal
from connector.web.review import review
from connector.web.sessions import sign_in_pages

front_door = Blueprint("front_door", __name__)


@front_door.get("/")
def go_to_orders() -> Response:
    """People who type only the host want the orders."""
    return redirect(url_for("orders.index"))


PAGE_BLUEPRINTS = (
    front_door,
    sign_in_pages,
    provider_sign_in,
    dashboard,
    review,
    decisions,
    orders,
    order_forms,
    contracts,
    customers,
    invoices,
    deliveries,
    messages,
    records,
    health,
    pay,
    payments,
    cash,
)
API_BLUEPRINTS: tuple[Blueprint, ...] = (api, documentation, operations, hosted)

for _blueprint in PAGE_BLUEPRINTS:
    register_pages_of_refusal(_blueprint)
tell_refusals_on_the_page()
