"""What one customer has: plans and values, credits with their ledger, usage; and the list of differences."""

from __future__ import annotations

from flask import Blueprint, render_template

from connector.services import current_services
from connector.store.differences import list_differences
from connector.usecases.show_access import show_access
from connector.web.lists import list_asked, next_url
from connector.web.sessions import require_login
from connector.web.usage_charts import usage_pictures

customers = Blueprint("customers", __name__, url_prefix="/review")
customers.before_request(require_login)


@customers.get("/customers/<name:customer>")
def show(customer: str) -> str:
    """Everything about a customer's access; what the platform cannot tell now is said."""
    services = current_services()
    found = show_access(database=services.database, usage=services.usage, customer_id=customer)
    return render_template("review/customer.html", found=found, pictures=usage_pictures(rows=found.usage))


@customers.get("/differences")
def differences() -> str:
    """Values in which two sides differ, newest first."""
    asked = list_asked()
    with current_services().database.reading() as connection:
        page = list_differences(connection=connection, page=asked.page)
    return render_template(
        "review/differences.html",
        rows=page.rows,
        next_url=next_url(endpoint="customers.differences", asked=asked, next_after=page.next_after),
    )
