"""The contracts list and one contract: its lines, what each order changed, and what is granted under it."""

from __future__ import annotations

from flask import Blueprint, abort, render_template

from connector.services import current_services
from connector.store import queries_contracts
from connector.usecases.show_schedule import by_bill_date, show_schedule
from connector.web.lists import list_asked, next_url
from connector.web.sessions import require_login

contracts = Blueprint("contracts", __name__, url_prefix="/review/contracts")
contracts.before_request(require_login)


@contracts.get("")
def index() -> str:
    """All contracts, newest first, by text."""
    asked = list_asked()
    with current_services().database.reading() as connection:
        page = queries_contracts.list_contracts(connection=connection, page=asked.page, text=asked.text)
    return render_template(
        "review/contracts.html",
        asked=asked,
        rows=page.rows,
        next_url=next_url(endpoint="contracts.index", asked=asked, next_after=page.next_after),
    )


@contracts.get("/<name:number>")
def show(number: str) -> str:
    """Everything about one contract."""
    with current_services().database.reading() as connection:
        contract = queries_contracts.load_contract(connection=connection, number=number)
    if contract is None:
        abort(404, description=f"There is no contract {number}.")
    return render_template("review/contract.html", contract=contract)


@contracts.get("/<name:number>/schedule")
def show_charges(number: str) -> str:
    """All charges of one contract, day by day."""
    charges = show_schedule(database=current_services().database, number=number)
    return render_template("review/schedule.html", number=number, days=by_bill_date(charges=charges))
