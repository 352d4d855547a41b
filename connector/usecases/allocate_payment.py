"""Have a payment pay invoices, take that back, or release what was paid too much after a credit.

Each is one transaction over locked rows, so that two people, two jobs or a double click never allocate the same money
twice. Every allocation is judged against what is left and open at that moment.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from connector.domain.money import Money
from connector.domain.payments import (
    SPENDABLE,
    InvoiceBalance,
    PaymentRefused,
    PostingKind,
    allocation,
    refuse_allocation,
    refuse_amount,
    write_off,
)
from connector.domain.review import Actor, refuse_unless_person
from connector.errors import NotFound
from connector.store import ledger
from connector.store.issued import lock_all
from connector.store.ledger import NewPosting, StoredPosting, load_postings
from connector.store.open_items import IssuedInvoice
from connector.store.payments import MatchState, StoredPayment, lock_payments, save_customer, save_match
from connector.store.unit_of_work import UnitOfWork
from connector.usecases.cash_desk import PAYMENT, CashDesk, allocations_of, charge_prefix, open_money, record
from connector.usecases.review_desk import clean_text


@dataclass(frozen=True, slots=True)
class Allocated:
    """What came of it: postings made, and what is left of the payment. `is_repeated`: it had been done before."""

    payment_id: int
    postings: tuple[int, ...]
    left: Money
    is_repeated: bool = False


def allocate_payment(
    *,
    desk: CashDesk,
    payment_id: int,
    amounts: Mapping[int, Decimal],
    actor: str,
    role: str,
    request_key: str,
    reason: str = "",
    charge: Decimal | None = None,
) -> Allocated:
    """A person has a payment pay these invoices (amounts by invoice). The same request again does nothing.

    `charge` is what a bank kept of it: given up on the one invoice named, in the same transaction, and owed again when
    the payment goes back. Raises NotFound, PaymentRefused, DecisionRefused, TextRefused.
    """
    decides, said = Actor(actor.strip(), role), clean_text(reason, name="reason", is_needed=False)
    refuse_unless_person(decides)
    with desk.database.unit_of_work() as work:
        payment, invoices = open_money(work=work, payment_id=payment_id, invoice_ids=sorted(amounts))
        money = {one: Money(amount, payment.amount.currency) for one, amount in amounts.items()}
        keys = {one: f"allocate/{payment_id}/{one}/{request_key}" for one in amounts}
        if _asked_before(work, payment, keys, money):
            balance = ledger.payment_balance(connection=work.connection, payment_id=payment_id)
            return Allocated(payment_id, (), balance.left, is_repeated=True)
        done = allocate(work=work, desk=desk, payment=payment, invoices=invoices, amounts=money,
                        actor=decides.name, reason=said, keys=keys)  # fmt: skip
        kept = _keep_charge(work, desk, payment, invoices, charge, request_key, decides.name)
        save_match(work=work, payment_id=payment_id, state=MatchState.MATCHED, now=desk.clock.now(),
                   code="BY_PERSON", reason=f"Allocated by {decides.name}.")  # fmt: skip
        data: dict[str, object] = {invoices[one].name: amount.amount for one, amount in money.items()} | kept
        record(work=work, desk=desk, legal_entity=next(iter(invoices.values())).legal_entity, subject=PAYMENT,
               subject_id=payment_id, actor=decides, event="allocate", reason=said, data=data)  # fmt: skip
        work.commit()
    return done


def allocate(
    *,
    work: UnitOfWork,
    desk: CashDesk,
    payment: StoredPayment,
    invoices: Mapping[int, IssuedInvoice],
    amounts: Mapping[int, Money],
    actor: str,
    reason: str = "",
    keys: Mapping[int, str] | None = None,
) -> Allocated:
    """The same inside a transaction that locked invoices and payment. Raises PaymentRefused."""
    if payment.state not in SPENDABLE:
        raise PaymentRefused(f"{payment.name} is {payment.state}, so it cannot pay anything.", code="NOT_RECEIVED")
    if not amounts:
        raise PaymentRefused("No invoice was named.", code="NOTHING", fix="Name at least one invoice and an amount.")
    balance = ledger.payment_balance(connection=work.connection, payment_id=payment.id)
    count = len(load_postings(connection=work.connection, payment_id=payment.id))
    new: list[NewPosting] = []
    left = balance.left
    for number, (invoice_id, amount) in enumerate(sorted(amounts.items()), start=count):
        invoice = invoices[invoice_id]
        refuse_allocation(payment=balance, invoice=invoice.balance, amount=amount)
        if left < amount:
            raise PaymentRefused(f"{left} of {payment.name} is left, not {amount}.", code="TOO_MUCH")
        left = left - amount
        posting = allocation(payment_id=payment.id, invoice_id=invoice_id, amount=amount)
        key = keys[invoice_id] if keys else f"allocate/{payment.id}/{invoice_id}/{number}"
        new.append(NewPosting(key, posting, desk.today(invoice.legal_entity), actor, reason))
    first = invoices[min(amounts)]
    save_customer(work=work, payment_id=payment.id, org_id=first.org_id, customer_ref=first.customer_ref,
                  legal_entity=first.legal_entity)  # fmt: skip
    added = ledger.post(work=work, new=new, now=desk.clock.now())
    return Allocated(payment.id, tuple(added.values()), left)


def undo_allocation(*, desk: CashDesk, posting_id: int, payment_id: int, reason: str, actor: str, role: str) -> Money:
    """Take an allocation back; answers what is left of the payment then. Taking it back again does nothing.

    Raises NotFound, DecisionRefused, TextRefused.
    """
    decides, said = Actor(actor.strip(), role), clean_text(reason, name="reason")
    refuse_unless_person(decides)
    with desk.database.unit_of_work() as work:
        found = load_postings(connection=work.connection, payment_id=payment_id)
        wanted = [one for one in found if one.id == posting_id and one.posting.kind is PostingKind.ALLOCATE]
        if not wanted:
            raise NotFound(f"Payment {payment_id} has no allocation {posting_id}.")
        lock_all(work=work, invoice_ids=_invoice_ids(wanted))
        (payment,) = lock_payments(work=work, payment_ids=[payment_id])
        if take_back(work=work, postings=wanted, on=desk.today(payment.arrived.legal_entity), now=desk.clock.now(),
                     actor=decides.name, reason=said):  # fmt: skip
            save_match(work=work, payment_id=payment_id, state=MatchState.REVIEW, now=desk.clock.now(),
                       code="TAKEN_BACK", reason=f"An allocation was taken back: {said}")  # fmt: skip
            record(work=work, desk=desk, legal_entity=payment.arrived.legal_entity, subject=PAYMENT,
                   subject_id=payment_id, actor=decides, event="undo_allocation", reason=said,
                   data={"posting": posting_id})  # fmt: skip
        left = ledger.payment_balance(connection=work.connection, payment_id=payment_id).left
        work.commit()
    return left


def take_back(
    *, work: UnitOfWork, postings: Sequence[StoredPosting], on: date, now: datetime, actor: str, reason: str
) -> int:
    """Post the opposite of each posting that still holds, under locks; answers how many."""
    new = [
        NewPosting(f"undo/{one.id}", one.posting.undone(), on, actor, reason, one.id) for one in postings if one.holds
    ]
    return len(ledger.post(work=work, new=new, now=now))


def release_surplus(*, work: UnitOfWork, invoice_ids: Sequence[int], on: date, now: datetime, reason: str) -> int:
    """Where a credit made an invoice smaller than what was paid, the surplus becomes credit of the customer again.

    The invoices are locked. What was written off is taken back first, then the newest allocation. Answers how many
    invoices had a surplus.
    """
    balances = ledger.invoice_balances(connection=work.connection, invoice_ids=invoice_ids)
    found = [balance for balance in balances.values() if balance.surplus]
    for balance in found:
        _release(work, balance, on, now, reason)
    return len(found)


def _release(work: UnitOfWork, balance: InvoiceBalance, on: date, now: datetime, reason: str) -> None:
    held = [one for one in load_postings(connection=work.connection, invoice_id=balance.invoice_id) if one.holds]
    lock_payments(work=work, payment_ids=_payment_ids(held))
    surplus = balance.surplus
    newest_first = sorted(held, key=lambda one: (one.posting.kind is PostingKind.WRITE_OFF, one.id), reverse=True)
    for one in newest_first:
        if not surplus:
            break
        take_back(work=work, postings=[one], on=on, now=now, actor=_SYSTEM, reason=reason)
        if surplus < one.posting.amount:
            _keep_part(work, one, one.posting.amount - surplus, on, now, reason)
        surplus = surplus - min(surplus, one.posting.amount)
    for payment_id in _payment_ids(held):
        save_match(work=work, payment_id=payment_id, state=MatchState.UNAPPLIED, now=now, code="CREDITED",
                   reason=reason)  # fmt: skip


def _keep_part(work: UnitOfWork, whole: StoredPosting, part: Money, on: date, now: datetime, reason: str) -> None:
    line = whole.posting.lines[1]
    assert line.invoice_id is not None
    posting = (
        write_off(invoice_id=line.invoice_id, amount=part)
        if line.payment_id is None
        else allocation(payment_id=line.payment_id, invoice_id=line.invoice_id, amount=part)
    )
    ledger.post(work=work, new=[NewPosting(f"part/{whole.id}", posting, on, _SYSTEM, reason)], now=now)


_SYSTEM = "countersign"


def _asked_before(
    work: UnitOfWork, payment: StoredPayment, keys: Mapping[int, str], money: Mapping[int, Money]
) -> bool:
    """Whether this very request was carried out. Raises PaymentRefused for another one under the same key."""
    made = {one.key: one.posting.amount for one in load_postings(connection=work.connection, payment_id=payment.id)}
    known = {one for one, key in keys.items() if key in made}
    if not known:
        return False
    if known == set(keys) and all(made[keys[one]] == money[one] for one in known):
        return True
    raise PaymentRefused(
        f"{payment.name} was allocated from the same page meanwhile, with other amounts; nothing was done now.",
        code="REQUEST_DIFFERS",
        fix="Load the page again, look at what is left, and allocate that.",
    )


def _keep_charge(
    work: UnitOfWork,
    desk: CashDesk,
    payment: StoredPayment,
    invoices: Mapping[int, IssuedInvoice],
    charge: Decimal | None,
    request_key: str,
    actor: str,
) -> dict[str, object]:
    """Give up what a bank kept, after the payment was allocated; what the audit log says of it."""
    if charge is None:
        return {}
    if len(invoices) != 1:
        raise PaymentRefused(
            "A charge of a bank belongs to one invoice.",
            code="CHARGE",
            fix="Name one invoice, or leave the charge out.",
        )
    (invoice,) = invoices.values()
    money = Money(charge, payment.amount.currency)
    refuse_amount(money)
    left_open = ledger.invoice_balance(connection=work.connection, invoice_id=invoice.id).open
    if left_open < money:
        raise PaymentRefused(f"{money} cannot be given up: {left_open} is open on {invoice.name}.", code="TOO_MUCH")
    posting = write_off(invoice_id=invoice.id, amount=money)
    # By this key the charge is owed again when the payment is taken back.
    key = f"{charge_prefix(payment.id)}{request_key}"
    on = desk.today(invoice.legal_entity)
    ledger.post(work=work, new=[NewPosting(key, posting, on, actor, "Bank charge.")], now=desk.clock.now())
    return {"bank_charge": charge}


def _invoice_ids(postings: Sequence[StoredPosting]) -> list[int]:
    return sorted({line.invoice_id for one in postings for line in one.posting.lines if line.invoice_id is not None})


def _payment_ids(postings: Sequence[StoredPosting]) -> list[int]:
    return sorted({line.payment_id for one in postings for line in one.posting.lines if line.payment_id is not None})


def invoices_of(*, work: UnitOfWork, payment_id: int) -> list[int]:
    """The invoices that a payment pays now."""
    return _invoice_ids(allocations_of(work=work, payment_id=payment_id))
