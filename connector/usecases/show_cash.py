"""Have Salesforce show what is paid, open and overdue, for every customer of whom something moved.

Only written down here; the write-back sends what differs from what was written last. Does nothing where the settings
show no balances.
"""

from __future__ import annotations

from connector.ports import Clock
from connector.store import cash_status
from connector.store.unit_of_work import Database, UnitOfWork
from connector.usecases.show_status import ACCOUNT, StatusBoard

_AT_ONCE = 100


def show_cash(*, database: Database, clock: Clock, board: StatusBoard) -> dict[str, int]:
    """Write down what is owed to Salesforce; answers how many customers that were."""
    shown = 0
    now = clock.now()
    with database.unit_of_work() as work:
        cash_status.mark_day(work=work, today=now.date())
        work.commit()
    while True:
        with database.unit_of_work() as work:
            customers = cash_status.take_due(work=work, limit=_AT_ONCE)
            for org_id, customer_ref in customers:
                board.show_account(work=work, org_id=org_id, customer_ref=customer_ref, now=now)
                # Orders show balances only where one of their objects does.
                for order_id in _orders(work, board, customer_ref):
                    board.show_order(work=work, order_id=order_id, now=now)
            cash_status.save_shown(work=work, customers=customers, today=now.date())
            work.commit()
        shown += len(customers)
        if len(customers) < _AT_ONCE:
            return {"customers": shown}


def _orders(work: UnitOfWork, board: StatusBoard, customer_ref: str) -> list[int]:
    return cash_status.fulfilled_orders(work=work, customer_ref=customer_ref) if board.money - {ACCOUNT} else []
