"""Keep what a bank or provider tells of a payment: announced, received, failed, disputed, won back, returned.

Each call may come twice, late or in another order: what is known already changes nothing. Money that is received is in
the ledger in the same transaction in which we learn of it; what it pays is decided afterwards, by matching.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from connector.domain.money import Money
from connector.domain.payments import PaymentEvent, PaymentRefused, PaymentState, fee, receive, returned
from connector.errors import Conflict
from connector.store import ledger
from connector.store.issued import lock_all
from connector.store.ledger import NewPosting
from connector.store.payment_queue import wait_again
from connector.store.payments import (
    ArrivedPayment,
    MatchState,
    Recorded,
    StoredPayment,
    lock_payment,
    move_payment,
    record_payment,
    save_match,
)
from connector.store.unit_of_work import UnitOfWork
from connector.usecases.allocate_payment import invoices_of, take_back
from connector.usecases.cash_desk import CashDesk, allocations_of, charge_prefix


def receive_payment(*, desk: CashDesk, arrived: ArrivedPayment, actor: str, charged: Money | None = None) -> Recorded:
    """Keep a payment as its source tells of it now; `charged` is a fee that was kept of it.

    One that was announced before and is received now brings its money, with the amount that is told now. Raises
    PaymentRefused for an amount that is not above zero or differs in currency.
    """
    with desk.database.unit_of_work() as work:
        recorded = record_payment(work=work, arrived=arrived, now=desk.clock.now(), actor=actor)
        if not recorded.is_new and arrived.state is PaymentState.RECEIVED:
            _bring_money(work, desk, recorded.payment_id, arrived, actor)
        if charged is not None and charged and arrived.state is PaymentState.RECEIVED:
            posting = fee(payment_id=recorded.payment_id, amount=charged)
            new = NewPosting(f"fee/{recorded.payment_id}", posting, arrived.received_on, actor)
            ledger.post(work=work, new=[new], now=desk.clock.now())
        work.commit()
    return recorded


def move(*, desk: CashDesk, payment_id: int, event: PaymentEvent, actor: str, reason: str) -> PaymentState:
    """A payment failed, is disputed, or a dispute was won. What has happened already does nothing.

    Raises NotFound, IllegalTransition; money that comes or goes is told by `receive_payment` and `return_payment`.
    """
    with desk.database.unit_of_work() as work:
        payment = lock_payment(work=work, payment_id=payment_id)
        if payment.state is _REACHED.get(event):
            return payment.state
        state = move_payment(work=work, payment=payment, event=event, now=desk.clock.now(), actor=actor, reason=reason)
        work.commit()
    return state


def return_payment(
    *, desk: CashDesk, payment_id: int, on: date, actor: str, reason: str, key: str, amount: Money | None = None
) -> tuple[int, ...]:
    """The bank took a payment back, whole or in part: what it paid is open again. Answers the invoices concerned.

    `key` is what the bank calls the return: the same return again does nothing. A part is taken from what is unused
    first, then the newest allocation is taken back. Raises NotFound, PaymentRefused, IllegalTransition.
    """
    with desk.database.unit_of_work() as work:
        reopened = return_locked(
            work=work, desk=desk, payment_id=payment_id, on=on, actor=actor, reason=reason, key=key, amount=amount
        )
        work.commit()
    return reopened


def return_locked(
    *,
    work: UnitOfWork,
    desk: CashDesk,
    payment_id: int,
    on: date,
    actor: str,
    reason: str,
    key: str,
    amount: Money | None = None,
) -> tuple[int, ...]:
    """The same inside a transaction that is open already; takes the locks itself."""
    invoice_ids = invoices_of(work=work, payment_id=payment_id)
    lock_all(work=work, invoice_ids=invoice_ids)
    payment = lock_payment(work=work, payment_id=payment_id)
    if invoices_of(work=work, payment_id=payment_id) != invoice_ids:
        raise Conflict(f"{payment.name} was allocated meanwhile.")
    balance = ledger.payment_balance(connection=work.connection, payment_id=payment_id)
    back = amount or balance.received - balance.returned
    posting_key = f"return/{payment_id}/{key}"
    known = {one.key for one in ledger.load_postings(connection=work.connection, payment_id=payment_id)}
    if posting_key in known or payment.state is PaymentState.RETURNED:
        return ()
    _refuse_return(payment, back, balance.received - balance.returned)
    reopened = _free(work, desk, payment, back, on, actor, reason)
    _undo_charges(work, desk, payment_id, invoice_ids, on, actor, reason)
    new = NewPosting(posting_key, returned(payment_id=payment_id, amount=back), on, actor, reason)
    ledger.post(work=work, new=[new], now=desk.clock.now())
    if back == balance.received - balance.returned:
        move_payment(work=work, payment=payment, event=PaymentEvent.RETURN, now=desk.clock.now(), actor=actor,
                     reason=reason)  # fmt: skip
    save_match(work=work, payment_id=payment_id, state=MatchState.REVIEW, now=desk.clock.now(), code="RETURNED",
               reason=reason)  # fmt: skip
    # What other payments of these customers brought too much may pay what is open again.
    wait_again(work=work, invoice_ids=reopened, now=desk.clock.now())
    return reopened


_REACHED = {
    PaymentEvent.FAIL: PaymentState.FAILED,
    PaymentEvent.DISPUTE: PaymentState.DISPUTED,
    PaymentEvent.WIN: PaymentState.RECEIVED,
}


def _bring_money(work: UnitOfWork, desk: CashDesk, payment_id: int, arrived: ArrivedPayment, actor: str) -> None:
    payment = lock_payment(work=work, payment_id=payment_id)
    if payment.state not in (PaymentState.PENDING, PaymentState.FAILED):
        return
    if arrived.amount.currency != payment.amount.currency:
        raise PaymentRefused(
            f"{payment.name} was told of in {payment.amount.currency} and came in {arrived.amount.currency}.",
            code="CURRENCY_DIFFERS",
        )
    move_payment(work=work, payment=payment, event=PaymentEvent.RECEIVE, now=desk.clock.now(), actor=actor)
    posting = receive(payment_id=payment_id, amount=arrived.amount)
    new = NewPosting(f"receive/{payment_id}", posting, arrived.received_on, actor)
    ledger.post(work=work, new=[new], now=desk.clock.now())
    save_match(work=work, payment_id=payment_id, state=MatchState.WAITING, now=desk.clock.now())


def _undo_charges(
    work: UnitOfWork, desk: CashDesk, payment_id: int, invoice_ids: Sequence[int], on: date, actor: str, reason: str
) -> None:
    """A charge that a bank kept of the payment was none: it is owed again with what the payment had paid."""
    for invoice_id in invoice_ids:
        found = ledger.load_postings(connection=work.connection, invoice_id=invoice_id)
        own = [one for one in found if one.key.startswith(charge_prefix(payment_id))]
        take_back(work=work, postings=own, on=on, now=desk.clock.now(), actor=actor, reason=reason)


def _refuse_return(payment: StoredPayment, back: Money, there: Money) -> None:
    if back.currency != there.currency or there < back or back.amount <= 0:
        raise PaymentRefused(
            f"{back} cannot be taken back: {there} of {payment.name} is there.",
            code="RETURN_DIFFERS",
            fix="Look at the bank's statement: the return may belong to another payment.",
        )


def _free(
    work: UnitOfWork, desk: CashDesk, payment: StoredPayment, back: Money, on: date, actor: str, reason: str
) -> tuple[int, ...]:
    """Take back as many allocations, the newest first, as the return needs."""
    left = ledger.payment_balance(connection=work.connection, payment_id=payment.id).left
    reopened: list[int] = []
    for one in reversed(allocations_of(work=work, payment_id=payment.id)):
        if not left < back:
            break
        take_back(work=work, postings=[one], on=on, now=desk.clock.now(), actor=actor, reason=reason)
        left = left + one.posting.amount
        reopened += [line.invoice_id for line in one.posting.lines[:1] if line.invoice_id is not None]
    return tuple(reopened)
