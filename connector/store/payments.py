"""Payments as rows: recorded once however often they are told of, moved along their table, locked while money moves.

The content of a payment is what was told first; what it is worth and where it went is the ledger's. Never calls
anything outside.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from connector.domain.money import Money
from connector.domain.payments import PaymentEvent, PaymentState, payment_after, receive, refuse_amount
from connector.errors import Conflict, NotFound
from connector.store import history
from connector.store.inserting import insert_ignore
from connector.store.ledger import NewPosting, post
from connector.store.tables_cash import payments
from connector.store.unit_of_work import UnitOfWork

_AT_ONCE = 500
SUBJECT = "payment"


class MatchState(StrEnum):
    """How far the question is answered what a payment pays."""

    # Not looked at yet.
    WAITING = "waiting"
    # Everything of it pays invoices, or its rest is the customer's credit.
    MATCHED = "matched"
    # There is one likely answer; a person confirms it.
    SUGGESTED = "suggested"
    # A person must find out.
    REVIEW = "review"
    # Known to pay nothing now: it stays the customer's, or nobody's, money.
    UNAPPLIED = "unapplied"


@dataclass(frozen=True, slots=True)
class ArrivedPayment:
    """A payment as a bank or provider tells of it.

    `source` and `source_ref` make it single. `account` is ours, by its name in the settings. `references` are texts
    that were given as references; `text` is everything else that the payer wrote. The customer is filled in only where
    it is certain, such as by a payment link.
    """

    source: str
    source_ref: str
    amount: Money
    received_on: date
    state: PaymentState = PaymentState.RECEIVED
    references: tuple[str, ...] = ()
    text: str = ""
    payer_name: str = ""
    payer_account: str = ""
    end_to_end: str = ""
    account: str = ""
    legal_entity: str = ""
    org_id: str = ""
    customer_ref: str = ""
    environment: str = ""


@dataclass(frozen=True, slots=True)
class StoredPayment:
    """A payment as kept; `amount` is as told first."""

    id: int
    state: PaymentState
    arrived: ArrivedPayment
    version: int
    match_state: MatchState
    match_code: str
    match_reason: str
    created_at: datetime

    @property
    def amount(self) -> Money:
        """What it was told to be."""
        return self.arrived.amount

    @property
    def name(self) -> str:
        """What people call it."""
        return f"payment {self.id}"


@dataclass(frozen=True, slots=True)
class Recorded:
    """The row of a payment that was told of, and whether it was new."""

    payment_id: int
    is_new: bool


def record_payments(
    *, work: UnitOfWork, arrived: Sequence[ArrivedPayment], now: datetime, actor: str
) -> list[Recorded]:
    """Keep payments and, of those that are received, post the money; in the order given.

    A payment that is known already stays as it is. Raises PaymentRefused for an amount that is not above zero, before
    anything is kept.
    """
    for one in arrived:
        refuse_amount(one.amount)
    found: list[Recorded] = []
    for start in range(0, len(arrived), _AT_ONCE):
        some = arrived[start : start + _AT_ONCE]
        rows = [_row(one, now) for one in {(one.source, one.source_ref): one for one in some}.values()]
        statement = insert_ignore(work, payments).returning(payments.c.id, payments.c.source, payments.c.source_ref)
        added = {(row.source, row.source_ref): row.id for row in work.execute(statement, rows)}
        known = _known(work, [one for one in some if (one.source, one.source_ref) not in added])
        by_key = {(one.source, one.source_ref): one for one in some}
        post(work=work, new=[_received(added[key], by_key[key], actor) for key in sorted(added)
                             if by_key[key].state is PaymentState.RECEIVED], now=now)  # fmt: skip
        for one in some:
            key = (one.source, one.source_ref)
            found.append(Recorded(added[key] if key in added else known[key], key in added))
    return found


def record_payment(*, work: UnitOfWork, arrived: ArrivedPayment, now: datetime, actor: str) -> Recorded:
    """Keep one payment and post its money if it is received. Raises PaymentRefused."""
    return record_payments(work=work, arrived=[arrived], now=now, actor=actor)[0]


def load_payment(*, connection: Connection, payment_id: int) -> StoredPayment:
    """One payment. Raises NotFound."""
    found = load_payments(connection=connection, payment_ids=[payment_id])
    if not found:
        raise NotFound(f"There is no payment {payment_id}.")
    return found[0]


def load_payments(*, connection: Connection, payment_ids: Sequence[int]) -> list[StoredPayment]:
    """These payments by id; those that do not exist are left out."""
    found: list[StoredPayment] = []
    for start in range(0, len(payment_ids), _AT_ONCE):
        some = sa.select(payments).where(payments.c.id.in_(payment_ids[start : start + _AT_ONCE]))
        found += [_stored(row) for row in connection.execute(some.order_by(payments.c.id))]
    return found


def find_payment(*, connection: Connection, source: str, source_ref: str) -> StoredPayment | None:
    """The payment that its source calls so, None when we do not know it."""
    query = sa.select(payments).where(payments.c.source == source, payments.c.source_ref == source_ref)
    row = connection.execute(query).one_or_none()
    return None if row is None else _stored(row)


def payments_like(*, connection: Connection, account: str, amount: Money, until: date) -> list[StoredPayment]:
    """Payments of exactly this amount that came to this account up to a day."""
    query = sa.select(payments).where(
        payments.c.account == account,
        payments.c.currency == amount.currency,
        payments.c.amount == amount.amount,
        payments.c.received_on <= until,
    )
    return [_stored(row) for row in connection.execute(query.order_by(payments.c.id))]


def lock_payments(*, work: UnitOfWork, payment_ids: Sequence[int]) -> list[StoredPayment]:
    """Payments that nobody else moves or spends until this transaction ends. Lock invoices before, never after."""
    ids = sorted(set(payment_ids))
    for start in range(0, len(ids), _AT_ONCE):
        some = sa.select(payments.c.id).where(payments.c.id.in_(ids[start : start + _AT_ONCE]))
        work.execute(some.order_by(payments.c.id).with_for_update()).all()
    return load_payments(connection=work.connection, payment_ids=ids)


def lock_payment(*, work: UnitOfWork, payment_id: int) -> StoredPayment:
    """One payment that nobody else moves or spends. Raises NotFound."""
    found = lock_payments(work=work, payment_ids=[payment_id])
    if not found:
        raise NotFound(f"There is no payment {payment_id}.")
    return found[0]


def move_payment(
    *, work: UnitOfWork, payment: StoredPayment, event: PaymentEvent, now: datetime, actor: str, reason: str = ""
) -> PaymentState:
    """Move a locked payment along its table, with a row of history. Raises IllegalTransition, Conflict."""
    after = payment_after(payment.state, event)
    same = (payments.c.id == payment.id) & (payments.c.version == payment.version)
    values = {"state": after.value, "version": payment.version + 1, "changed_at": now}
    if work.execute(payments.update().where(same).values(**values)).rowcount != 1:
        raise Conflict(f"{payment.name} was changed by somebody else.")
    history.append(
        work=work,
        at=now,
        subject=SUBJECT,
        subject_id=payment.id,
        event=event.value,
        before=payment.state.value,
        after=after.value,
        reason=reason,
        actor=actor,
    )
    return after


def save_match(
    *, work: UnitOfWork, payment_id: int, state: MatchState, now: datetime, code: str = "", reason: str = ""
) -> None:
    """Write down what matching found."""
    values = {"match_state": state.value, "match_code": code, "match_reason": reason, "changed_at": now}
    work.execute(payments.update().where(payments.c.id == payment_id).values(**values))


def save_customer(*, work: UnitOfWork, payment_id: int, org_id: str, customer_ref: str, legal_entity: str) -> None:
    """Say whose payment it is, where nobody knew."""
    unknown = (payments.c.id == payment_id) & (payments.c.customer_ref == "")
    values = {"org_id": org_id, "customer_ref": customer_ref, "legal_entity": legal_entity}
    work.execute(payments.update().where(unknown).values(**values))


def _received(payment_id: int, arrived: ArrivedPayment, actor: str) -> NewPosting:
    posting = receive(payment_id=payment_id, amount=arrived.amount)
    return NewPosting(f"receive/{payment_id}", posting, arrived.received_on, actor)


def _known(work: UnitOfWork, arrived: Sequence[ArrivedPayment]) -> dict[tuple[str, str], int]:
    found: dict[tuple[str, str], int] = {}
    for source in {one.source for one in arrived}:
        refs = [one.source_ref for one in arrived if one.source == source]
        query = sa.select(payments.c.id, payments.c.source_ref).where(
            payments.c.source == source, payments.c.source_ref.in_(refs)
        )
        found |= {(source, row.source_ref): row.id for row in work.execute(query)}
    return found


def _row(one: ArrivedPayment, now: datetime) -> dict[str, Any]:
    return {
        "source": one.source,
        "source_ref": one.source_ref,
        "environment": one.environment,
        "account": one.account,
        "legal_entity": one.legal_entity,
        "org_id": one.org_id,
        "customer_ref": one.customer_ref,
        "currency": one.amount.currency,
        "amount": one.amount.amount,
        "state": one.state.value,
        "received_on": one.received_on,
        "references": list(one.references),
        "text": one.text,
        "payer_name": one.payer_name,
        "payer_account": one.payer_account,
        "end_to_end": one.end_to_end,
        "match_state": MatchState.WAITING.value,
        "created_at": now,
        "changed_at": now,
    }


def _stored(row: Any) -> StoredPayment:
    arrived = ArrivedPayment(
        source=row.source,
        source_ref=row.source_ref,
        amount=Money(row.amount, row.currency).rounded(),
        received_on=row.received_on,
        state=PaymentState(row.state),
        references=tuple(row.references),
        text=row.text,
        payer_name=row.payer_name,
        payer_account=row.payer_account,
        end_to_end=row.end_to_end,
        account=row.account,
        legal_entity=row.legal_entity,
        org_id=row.org_id,
        customer_ref=row.customer_ref,
        environment=row.environment,
    )
    return StoredPayment(
        id=row.id,
        state=PaymentState(row.state),
        arrived=arrived,
        version=row.version,
        match_state=MatchState(row.match_state),
        match_code=row.match_code,
        match_reason=row.match_reason,
        created_at=row.created_at,
    )
