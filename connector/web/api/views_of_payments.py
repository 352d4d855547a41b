"""The API's views of payments: read only; what a payment pays is decided by matching and by finance."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from connector.domain.money import Money
from connector.errors import NotFound
from connector.services import current_services
from connector.store import queries_payments
from connector.store.queries_payments import PAYMENT_STATES, PaymentDetail, PaymentRow
from connector.web.api import answers, showing
from connector.web.api import answers_of_payments as told
from connector.web.api.requests import SearchParameters

_LARGEST_ID = 2**63 - 1


class PaymentParameters(SearchParameters):
    """Which payments."""

    state: Literal[PAYMENT_STATES] | None = Field(None, description="Only payments in this state.")  # type: ignore[valid-type]


def list_payments(parameters: PaymentParameters) -> answers.PageAnswer[told.PaymentAnswer]:
    """Payments, newest first."""
    with current_services().database.reading() as connection:
        found = queries_payments.list_payments(
            connection=connection, page=parameters.page, state=parameters.state or "", text=parameters.q
        )
    return showing.page(found, _payment)


def show_payment(payment_id: str) -> told.PaymentDetailAnswer:
    """One payment with its movements, what its provider told, and its refunds."""
    number = int(payment_id) if payment_id.isascii() and payment_id.isdigit() and len(payment_id) < 20 else 0
    with current_services().database.reading() as connection:
        found = queries_payments.load_payment_detail(connection=connection, payment_id=min(number, _LARGEST_ID))
    if found is None:
        raise NotFound(f"There is no payment {payment_id}.")
    return _detail(found)


def _payment(row: PaymentRow) -> told.PaymentAnswer:
    return told.PaymentAnswer(**_values(row))


def _detail(found: PaymentDetail) -> told.PaymentDetailAnswer:
    return told.PaymentDetailAnswer(
        **_values(found.row),
        movements=tuple(told.MovementAnswer(**_values(one)) for one in found.movements),
        told=tuple(told.ToldAnswer(**_values(one)) for one in found.told),
        refunds=tuple(told.RefundAnswer(**_values(one)) for one in found.refunds),
    )


def _values(row: Any) -> dict[str, Any]:
    """The fields of a row, money as the API writes it."""
    values = {name: getattr(row, name) for name in row.__dataclass_fields__}
    return {name: showing.money(value) if isinstance(value, Money) else value for name, value in values.items()}
