"""Payments on their way through matching: which wait, whose they may be, and what was decided, many at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from connector.domain.payments import SPENDABLE
from connector.store.payments import MatchState, StoredPayment, load_payments
from connector.store.tables_billing import invoices
from connector.store.tables_cash import payments
from connector.store.unit_of_work import UnitOfWork

_AT_ONCE = 500
_SPENDABLE = tuple(state.value for state in SPENDABLE)
# Nothing but matching put these aside, so matching may look again when an invoice opens.
_LOOK_AGAIN = ("over", "already_paid", "CREDITED", "used")


@dataclass(frozen=True, slots=True)
class Decision:
    """What matching decided on a payment."""

    payment_id: int
    state: MatchState
    code: str
    reason: str


def waiting(*, connection: Connection, after: int, limit: int) -> list[int]:
    """Received payments that wait for a decision, by id, from one on."""
    query = (
        sa.select(payments.c.id)
        .where(payments.c.match_state == MatchState.WAITING.value, payments.c.id > after)
        .where(payments.c.state.in_(_SPENDABLE))
        .order_by(payments.c.id)
        .limit(limit)
    )
    return list(connection.execute(query).scalars())


def load(*, work: UnitOfWork, payment_ids: Sequence[int]) -> list[StoredPayment]:
    """These payments as they stand, without a lock."""
    return load_payments(connection=work.connection, payment_ids=payment_ids)


def customers_of_accounts(*, work: UnitOfWork, payments: Sequence[StoredPayment]) -> dict[int, tuple[str, str]]:
    """Whose each payment may be (org id, account id), by the payer's account or as its source said.

    Only where one customer alone has paid from that account before.
    """
    found = {
        one.id: (one.arrived.org_id, one.arrived.customer_ref) for one in payments if one.arrived.customer_ref
    }  # fmt: skip
    accounts = sorted({one.arrived.payer_account for one in payments if one.arrived.payer_account} - {""})
    owners: dict[str, set[tuple[str, str]]] = {}
    for start in range(0, len(accounts), _AT_ONCE):
        for row in work.execute(_OWNERS.where(_TABLE.c.payer_account.in_(accounts[start : start + _AT_ONCE]))):
            owners.setdefault(row.payer_account, set()).add((row.org_id, row.customer_ref))
    for one in payments:
        own = owners.get(one.arrived.payer_account, set())
        if one.id not in found and len(own) == 1:
            found[one.id] = next(iter(own))
    return found


def save_owners(*, work: UnitOfWork, owners: Mapping[int, tuple[str, str, str]]) -> None:
    """Say whose payments these are (org id, account id, legal entity), where nobody knew."""
    rows = [
        {"row_id": one, "new_org": org, "new_customer": customer, "new_entity": entity}
        for one, (org, customer, entity) in owners.items()
    ]
    if rows:
        statement = payments.update().where(payments.c.id == sa.bindparam("row_id"), payments.c.customer_ref == "")
        values: dict[str, Any] = {"org_id": sa.bindparam("new_org"), "customer_ref": sa.bindparam("new_customer")}
        work.execute(statement.values(**values, legal_entity=sa.bindparam("new_entity")), rows)


def save_decisions(*, work: UnitOfWork, decisions: Sequence[Decision], now: datetime) -> None:
    """Write down what was decided; each decision is another version of its payment."""
    rows = [
        {"row_id": one.payment_id, "new_state": one.state.value, "new_code": one.code, "new_reason": one.reason}
        for one in decisions
    ]
    if rows:
        statement = payments.update().where(payments.c.id == sa.bindparam("row_id"))
        values: dict[str, Any] = {"match_state": sa.bindparam("new_state"), "match_code": sa.bindparam("new_code")}
        more = {"match_reason": sa.bindparam("new_reason"), "version": payments.c.version + 1, "changed_at": now}
        work.execute(statement.values(**values, **more), rows)


def wait_again(*, work: UnitOfWork, invoice_ids: Sequence[int], now: datetime) -> None:
    """Invoices are open again: credit of their customers that matching had put aside is looked at once more."""
    if not invoice_ids:
        return
    of_these = sa.select(invoices.c.org_id, invoices.c.customer_ref).where(invoices.c.id.in_(invoice_ids)).distinct()
    for row in work.execute(of_these).all():
        same = (payments.c.org_id == row.org_id) & (payments.c.customer_ref == row.customer_ref)
        aside = payments.c.match_code.in_(_LOOK_AGAIN) & payments.c.state.in_(_SPENDABLE)
        values = {"match_state": MatchState.WAITING.value, "changed_at": now}
        work.execute(payments.update().where(same, aside).values(**values))


_TABLE = payments
_OWNERS = (
    sa.select(payments.c.payer_account, payments.c.org_id, payments.c.customer_ref)
    .where(payments.c.customer_ref != "")
    .distinct()
)
