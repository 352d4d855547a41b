"""Have Salesforce show what is paid, open, used and billed next, for every customer of whom something moved.

Only written down here; the write-back sends what differs from what was written last. Everybody is compared once a day,
so that nothing is missed for good. Does nothing where the settings show no balances and keep no invoices.
"""

from __future__ import annotations

from connector.ports import Clock
from connector.store import cash_status, money_status
from connector.store.unit_of_work import Database, UnitOfWork
from connector.usecases.show_status import ACCOUNT, StatusBoard

# A writer of SQLite waits for the whole of it.
_AT_ONCE = 20


def show_cash(*, database: Database, clock: Clock, board: StatusBoard) -> dict[str, int]:
    """Write down what is owed to Salesforce; answers how many customers that were."""
    shown = 0
    now = clock.now()
    with database.unit_of_work() as work:
        cash_status.mark_day(work=work, today=now.date())
        if board.money or board.invoices:
            money_status.mark_moved(work=work, now=now)
            money_status.mark_all_daily(work=work, today=now.date())
        work.commit()
    while True:
        with database.unit_of_work() as work:
            customers = cash_status.take_due(work=work, limit=_AT_ONCE)
            for org_id, customer_ref in customers:
                board.show_account(work=work, org_id=org_id, customer_ref=customer_ref, now=now)
                board.mirror_invoices(work=work, org_id=org_id, customer_ref=customer_ref, now=now)
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
