"""Send unused money back: asked for by a person, set apart at once, settled or failed by what the provider tells.

The caller that talks to the provider does so between `request_refund` and `settle_refund`, with the refund's own row as
the key of the call. A refund never uses money that pays an invoice: take the allocation back, or credit the invoice,
first.
"""

from __future__ import annotations

from decimal import Decimal

from connector.domain.money import Money
from connector.domain.payments import (
    SPENDABLE,
    PaymentRefused,
    RefundEvent,
    RefundState,
    refund,
    refund_settled,
    refuse_amount,
)
from connector.domain.review import Actor, refuse_unless_person
from connector.store import ledger, refunds
from connector.store.ledger import NewPosting, load_postings
from connector.store.payments import lock_payment
from connector.store.refunds import StoredRefund
from connector.usecases.allocate_payment import take_back
from connector.usecases.cash_desk import PAYMENT, CashDesk, record
from connector.usecases.review_desk import clean_text


def request_refund(
    *, desk: CashDesk, payment_id: int, amount: Decimal, reason: str, actor: str, role: str, request_key: str
) -> StoredRefund:
    """Set money of a payment apart to be sent back. The same request again answers the same refund.

    Raises NotFound, PaymentRefused, DecisionRefused, TextRefused.
    """
    decides, said = Actor(actor.strip(), role), clean_text(reason, name="reason")
    refuse_unless_person(decides)
    with desk.database.unit_of_work() as work:
        payment = lock_payment(work=work, payment_id=payment_id)
        money = Money(amount, payment.amount.currency)
        if known := refunds.find_refund(connection=work.connection, request_key=request_key):
            _refuse_another(known, payment_id, money)
            return known
        refuse_amount(money)
        left = ledger.payment_balance(connection=work.connection, payment_id=payment_id).left
        if left < money or payment.state not in SPENDABLE:
            raise PaymentRefused(
                f"{money} cannot be sent back: {left} of {payment.name} ({payment.state}) is not used.",
                code="TOO_MUCH",
                fix="Take an allocation back or credit the invoice first.",
            )
        made = refunds.insert_refund(work=work, request_key=request_key, payment_id=payment_id, amount=money,
                                     reason=said, actor=decides.name, now=desk.clock.now())  # fmt: skip
        posting = refund(payment_id=payment_id, amount=money)
        on = desk.today(payment.arrived.legal_entity)
        added = ledger.post(work=work, new=[NewPosting(f"refund/{made.id}", posting, on, decides.name, said)],
                            now=desk.clock.now())  # fmt: skip
        refunds.save_posting(work=work, refund_id=made.id, posting_id=added[f"refund/{made.id}"])
        record(work=work, desk=desk, legal_entity=payment.arrived.legal_entity, subject=PAYMENT, subject_id=payment_id,
               actor=decides, event="refund", reason=said,
               data={"refund": made.id, "amount": money.amount, "currency": money.currency})  # fmt: skip
        made = refunds.load_refund(connection=work.connection, refund_id=made.id)
        work.commit()
    return made


def _refuse_another(known: StoredRefund, payment_id: int, amount: Money) -> None:
    if (known.payment_id, known.amount) != (payment_id, amount):
        raise PaymentRefused(
            f"This request was made before, for {known.amount} of payment {known.payment_id}; nothing was done now.",
            code="REQUEST_DIFFERS",
            fix="Load the page again and ask for the refund from there.",
        )


def settle_refund(*, desk: CashDesk, refund_id: int, actor: str, provider_ref: str = "") -> RefundState:
    """The money of a refund has left. Told again, nothing happens. Raises NotFound, IllegalTransition."""
    with desk.database.unit_of_work() as work:
        payment_id = refunds.load_refund(connection=work.connection, refund_id=refund_id).payment_id
        payment = lock_payment(work=work, payment_id=payment_id)
        known = refunds.load_refund(connection=work.connection, refund_id=refund_id)
        if known.state is RefundState.SETTLED:
            return known.state
        state = refunds.move_refund(work=work, refund=known, event=RefundEvent.SETTLE, now=desk.clock.now(),
                                    actor=actor, provider_ref=provider_ref)  # fmt: skip
        posting = refund_settled(payment_id=known.payment_id, amount=known.amount)
        on = desk.today(payment.arrived.legal_entity)
        ledger.post(work=work, new=[NewPosting(f"refund-settled/{known.id}", posting, on, actor)],
                    now=desk.clock.now())  # fmt: skip
        work.commit()
    return state


def fail_refund(*, desk: CashDesk, refund_id: int, actor: str, message: str) -> RefundState:
    """A refund did not arrive: its money is the customer's credit again. Told again, nothing happens.

    Raises NotFound, IllegalTransition.
    """
    with desk.database.unit_of_work() as work:
        payment_id = refunds.load_refund(connection=work.connection, refund_id=refund_id).payment_id
        payment = lock_payment(work=work, payment_id=payment_id)
        known = refunds.load_refund(connection=work.connection, refund_id=refund_id)
        if known.state is RefundState.FAILED:
            return known.state
        state = refunds.move_refund(work=work, refund=known, event=RefundEvent.FAIL, now=desk.clock.now(),
                                    actor=actor, message=message)  # fmt: skip
        keys = {f"refund/{known.id}", f"refund-settled/{known.id}"}
        found = load_postings(connection=work.connection, payment_id=payment.id)
        take_back(work=work, postings=[one for one in found if one.key in keys],
                  on=desk.today(payment.arrived.legal_entity), now=desk.clock.now(), actor=actor,
                  reason=message)  # fmt: skip
        work.commit()
    return state
