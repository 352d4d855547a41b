"""One payment as a person decides on it: what came, where it went, what matching suggests, what else is open.

Nothing is locked or changed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from connector.domain.documents import payment_reference
from connector.domain.matching import Candidate, Verdict
from connector.domain.payment_reference import reference_key
from connector.domain.payments import SPENDABLE, PaymentBalance
from connector.store import ledger
from connector.store.ledger import StoredPosting
from connector.store.open_items import IssuedInvoice, find_by_keys, load_issued_invoices, open_invoices_of
from connector.store.payments import StoredPayment, load_payment
from connector.usecases.cash_desk import CashDesk
from connector.usecases.match_payments import look_for


@dataclass(frozen=True, slots=True)
class PaymentLook:
    """A payment on the page. `invoices` are all that are named by suggestions, postings or as open, by id."""

    payment: StoredPayment
    balance: PaymentBalance
    postings: tuple[StoredPosting, ...]
    verdict: Verdict | None
    suggestions: tuple[Candidate, ...]
    open_invoices: tuple[IssuedInvoice, ...]
    invoices: Mapping[int, IssuedInvoice]


def look_at_payment(*, desk: CashDesk, payment_id: int, number: str = "") -> PaymentLook:
    """The payment with what it may pay; `number` brings one more invoice into view. Raises NotFound."""
    with desk.database.looking() as work:
        connection = work.connection
        payment = load_payment(connection=connection, payment_id=payment_id)
        balance = ledger.payment_balance(connection=connection, payment_id=payment_id)
        postings = ledger.load_postings(connection=connection, payment_id=payment_id)
        is_open = bool(balance.left) and payment.state in SPENDABLE
        verdict = look_for(work=work, desk=desk, payments=[payment])[payment_id] if is_open else None
        arrived = payment.arrived
        found = open_invoices_of(
            connection=connection, org_id=arrived.org_id, customer_ref=arrived.customer_ref,
            currency=payment.amount.currency,
        ) if is_open and arrived.customer_ref else []  # fmt: skip
        if number:
            found += [one for own in find_by_keys(connection=connection, keys=[_key(number)]).values() for one in own]
        suggestions = _suggestions(verdict)
        ids = {one for candidate in suggestions for one in candidate.amounts}
        ids |= {line.invoice_id for one in postings for line in one.posting.lines if line.invoice_id is not None}
        named = load_issued_invoices(connection=connection, invoice_ids=sorted(ids))
    invoices = {**named, **{one.id: one for one in found}}
    return PaymentLook(payment, balance, tuple(postings), verdict, suggestions, tuple(found[:20]), invoices)


def _suggestions(verdict: Verdict | None) -> tuple[Candidate, ...]:
    """The likeliest first; what would be booked by itself is a suggestion as well, until the job has come by."""
    if verdict is None:
        return ()
    own = (Candidate(verdict.amounts, verdict.write_off),) if verdict.amounts else ()
    return own if own and not verdict.candidates else verdict.candidates


def _key(number: str) -> str:
    return reference_key(payment_reference(number.strip()))
