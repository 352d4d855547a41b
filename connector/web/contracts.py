"""The contracts list and one contract: where it stands, what each order changed, its documents, and its charges."""

from __future__ import annotations

from datetime import date

from flask import Blueprint, abort, render_template

from connector.services import current_services
from connector.store import queries_contracts
from connector.usecases.show_schedule import by_bill_date, schedule_or_problem, show_schedule
from connector.web.contract_charts import documents_chart, legend, value_chart
from connector.web.contract_rows import change_rows
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
    """Everything about one contract; what cannot be calculated is said, and what is stored is shown."""
    services = current_services()
    with services.database.reading() as connection:
        contract = queries_contracts.load_contract(connection=connection, number=number)
    if contract is None:
        abort(404, description=f"There is no contract {number}.")
    schedule, problem = schedule_or_problem(
        database=services.database, taxes=services.taxes, number=number, today=_today()
    )
    return render_template(
        "review/contract.html",
        contract=contract,
        schedule=schedule,
        problem=problem,
        changes=schedule and change_rows(schedule=schedule, orders=contract.orders),
        value_chart=schedule and value_chart(schedule=schedule, changes=schedule.shown.changes, today=_today()),
        documents_chart=schedule and documents_chart(schedule=schedule),
        legend=schedule and legend(schedule=schedule),
    )


@contracts.get("/<name:number>/schedule")
def show_charges(number: str) -> str:
    """All charges of one contract, day by day."""
    services = current_services()
    found = show_schedule(database=services.database, taxes=services.taxes, number=number, today=_today())
    return render_template("review/schedule.html", number=number, days=by_bill_date(charges=found.charges))


def _today() -> date:
    return current_services().clock.now().date()
