"""The way to pay an issued invoice online: its link, while that is for exactly what is open.

Only reads: the link was made when the invoice was issued or when its open amount changed, never because somebody looks.
"""

from __future__ import annotations

from connector.domain.collecting import LinkState
from connector.domain.hosted import PaymentOption
from connector.store.ledger import invoice_balances
from connector.store.payment_links import live_link
from connector.store.unit_of_work import Database


def payment_options(*, database: Database, invoice_id: int) -> tuple[PaymentOption, ...]:
    """The buttons of the customer's page: one, or none."""
    url = pay_url(database=database, invoice_id=invoice_id)
    return (PaymentOption(url),) if url else ()


def pay_url(*, database: Database, invoice_id: int) -> str:
    """Where the customer can pay what is open now; empty when no link is for exactly that."""
    with database.reading() as connection:
        link = live_link(connection=connection, invoice_id=invoice_id)
        if link is None or link.state is not LinkState.OPEN:
            return ""
        balance = invoice_balances(connection=connection, invoice_ids=[invoice_id])[invoice_id]
    return link.url if balance.open == link.amount else ""
