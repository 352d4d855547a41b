"""What one thing of a payment provider means for the ledger, booked in the transaction that keeps what was told.

The same word again books nothing, an older word than the one we know changes nothing, and every difference between what
came and what was expected is written down for people, while the money is booked all the same. A link says for certain
which invoice is meant; everything else is left to matching. Nothing outside is called.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date

from connector.domain.collecting import LinkEvent, LinkState, ObjectKind, ObjectState, ProviderObject
from connector.domain.legal_entities import plain_entity
from connector.domain.money import Money
from connector.domain.payments import PaymentEvent, PaymentRefused, PaymentState, fee
from connector.ports import Clock
from connector.store import ledger, payment_links, provider_objects
from connector.store.issued import lock_all
from connector.store.ledger import NewPosting
from connector.store.open_items import IssuedInvoice, load_issued_invoices
from connector.store.payment_links import StoredLink
from connector.store.payments import (
    ArrivedPayment,
    MatchState,
    StoredPayment,
    find_payment,
    load_payments,
    lock_payment,
    move_payment,
    record_payment,
    save_match,
)
from connector.store.unit_of_work import UnitOfWork
from connector.usecases.allocate_payment import allocate
from connector.usecases.cash_desk import CashDesk, refuse_unpayable
from connector.usecases.receive_payment import return_locked


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a thing means for us; `code` and `message` say what differs from what was expected."""

    link_id: int | None = None
    invoice_id: int | None = None
    payment_id: int | None = None
    code: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True)
class Source:
    """Who tells: a provider in one of its worlds."""

    name: str
    environment: str


def book(
    *, work: UnitOfWork, desk: CashDesk, source: Source, found: ProviderObject, is_our_refund: bool = False
) -> Meaning:
    """Keep what was told and book what follows from it; a refund of ours was booked by whoever asked for it.

    Raises PaymentRefused, CurrencyError, IllegalTransition.
    """
    now = desk.clock.now()
    stored = provider_objects.lock_object(
        work=work, provider=source.name, environment=source.environment, found=found, now=now
    )
    known = Meaning(stored.link_id, stored.invoice_id, stored.payment_id, stored.code, stored.message)
    if stored.updated_at > found.updated_at:
        return replace(known, message="A newer word about it is known already.")
    booking = _keep_our_refund if is_our_refund else _BOOKINGS[found.kind]
    meaning = booking(work, desk, source, known, found)
    provider_objects.save_told(work=work, object_id=stored.id, found=found, now=now)
    provider_objects.save_meaning(
        work=work,
        object_id=stored.id,
        link_id=meaning.link_id,
        invoice_id=meaning.invoice_id,
        payment_id=meaning.payment_id,
        code=meaning.code,
        message=meaning.message,
    )
    return meaning


# Money in.


def _book_payment(work: UnitOfWork, desk: CashDesk, source: Source, known: Meaning, found: ProviderObject) -> Meaning:
    link = _link_of(work, source, found)
    meaning = replace(known, link_id=link.id if link else None, invoice_id=link.invoice_id if link else None)
    if found.state is ObjectState.FAILED and link is not None:
        _remake(work, link, desk.clock)
    if found.state is not ObjectState.SETTLED:
        return _not_booked(meaning, found)
    if found.amount <= 0:
        return replace(
            meaning,
            code="AMOUNT_NOT_POSITIVE",
            message=f"It is told as paid with {found.amount} {found.currency}: nothing was booked.",
        )
    issued = _lock_invoice(work, link)
    arrived = _arrived(desk, source, found, issued)
    recorded = record_payment(work=work, arrived=arrived, now=desk.clock.now(), actor=source.name)
    meaning = replace(meaning, payment_id=recorded.payment_id)
    if not recorded.is_new:
        return _grown(work, desk, source, meaning, found, arrived, issued, link)
    payment = lock_payment(work=work, payment_id=recorded.payment_id)
    _book_fee(work, desk, payment, found, arrived.received_on, source)
    if link is None or issued is None:
        return replace(
            meaning,
            code="NO_LINK",
            message="It belongs to no link of ours; matching decides by its reference, else finance.",
        )
    _mark_paid(work, link, desk.clock)
    code, message = _pay_invoice(work, desk, source, payment, issued, link)
    return replace(meaning, code=code, message=message)


def _book_deposit(work: UnitOfWork, desk: CashDesk, source: Source, known: Meaning, found: ProviderObject) -> Meaning:
    """Money on our global account: booked, and matched by its reference like any bank transfer."""
    if found.state not in (ObjectState.SETTLED, ObjectState.REVERSED):
        return _not_booked(known, found)
    if found.amount <= 0:
        return replace(known, code="AMOUNT_NOT_POSITIVE", message="A deposit of nothing was not booked.")
    arrived = _arrived(desk, source, found, None)
    recorded = record_payment(work=work, arrived=arrived, now=desk.clock.now(), actor=source.name)
    meaning = replace(known, payment_id=recorded.payment_id, code="", message="")
    if recorded.is_new:
        payment = lock_payment(work=work, payment_id=recorded.payment_id)
        _book_fee(work, desk, payment, found, arrived.received_on, source)
    if found.state is ObjectState.REVERSED:
        _take_back(work, desk, source, found, recorded.payment_id, "The deposit was reversed.", "reversed")
        return replace(meaning, code="REVERSED", message=f"It was reversed: {found.detail or found.told}.")
    return meaning


def _arrived(desk: CashDesk, source: Source, found: ProviderObject, issued: IssuedInvoice | None) -> ArrivedPayment:
    entity = desk.entities.get(issued.legal_entity) if issued else None
    on = (entity or plain_entity(code="", country="")).today(found.happened_at)
    return ArrivedPayment(
        source=source.name,
        source_ref=found.ref,
        amount=Money(found.amount, found.currency),
        received_on=on,
        references=(found.reference,) if found.reference else (),
        payer_name=found.payer,
        end_to_end=found.ref,
        legal_entity=issued.legal_entity if issued else "",
        org_id=issued.org_id if issued else "",
        customer_ref=issued.customer_ref if issued else "",
        environment=source.environment,
    )


def _pay_invoice(
    work: UnitOfWork, desk: CashDesk, source: Source, payment: StoredPayment, issued: IssuedInvoice, link: StoredLink
) -> tuple[str, str]:
    """Allocate what came to the invoice of the link, at most what is open; says what differs."""
    came, owed = payment.amount, issued.balance.open
    try:
        refuse_unpayable(issued)
    except PaymentRefused as refused:
        return _unapplied(work, desk, payment, refused.code, f"{refused} The money is kept as credit.")
    if came.currency != issued.currency:
        said = f"{came} came for {issued.name}, which is in {issued.currency}; nothing was converted."
        return _unapplied(work, desk, payment, "CURRENCY_DIFFERS", said, state=MatchState.REVIEW)
    if not owed:
        said = f"Nothing is open on {issued.name}; the money is kept as credit."
        return _unapplied(work, desk, payment, "NOTHING_OPEN", said)
    part = min(came, owed)
    said = f"Paid by payment link {link.id}."
    allocate(work=work, desk=desk, payment=payment, invoices={issued.id: issued}, amounts={issued.id: part},
             actor=source.name, reason=said)  # fmt: skip
    code, message = _difference(came, owed, issued)
    save_match(work=work, payment_id=payment.id, state=MatchState.MATCHED, now=desk.clock.now(), code=code or "LINK",
               reason=message or said)  # fmt: skip
    return code, message


def _difference(came: Money, owed: Money, issued: IssuedInvoice) -> tuple[str, str]:
    if owed < came:
        return "PAID_TOO_MUCH", f"{came} came, {owed} was open on {issued.name}; the rest is credit of the customer."
    if came < owed:
        return "PAID_TOO_LITTLE", f"{came} came, {owed} was open on {issued.name}; {owed - came} stays open."
    return "", ""


def _unapplied(
    work: UnitOfWork,
    desk: CashDesk,
    payment: StoredPayment,
    code: str,
    message: str,
    *,
    state: MatchState = MatchState.UNAPPLIED,
) -> tuple[str, str]:
    save_match(work=work, payment_id=payment.id, state=state, now=desk.clock.now(), code=code, reason=message)
    return code, message


def _grown(
    work: UnitOfWork,
    desk: CashDesk,
    source: Source,
    meaning: Meaning,
    found: ProviderObject,
    arrived: ArrivedPayment,
    issued: IssuedInvoice | None,
    link: StoredLink | None,
) -> Meaning:
    """A payment that we know: when the provider captured more of it since, the rest is a further payment."""
    booked = provider_objects.booked_of(connection=work.connection, source=source.name, ref=found.ref)
    if found.amount == booked:
        return meaning
    if found.amount < booked:
        said = f"{booked} {found.currency} was booked, the provider tells {found.amount} now; nothing was taken back."
        return replace(meaning, code="AMOUNT_LOWERED", message=said)
    more = Money(found.amount - booked, found.currency)
    ref = f"{found.ref}/{found.amount:f}"
    recorded = record_payment(
        work=work, arrived=replace(arrived, source_ref=ref, amount=more), now=desk.clock.now(), actor=source.name
    )
    if issued is None or link is None:
        return meaning
    payment = lock_payment(work=work, payment_id=recorded.payment_id)
    code, message = _pay_invoice(work, desk, source, payment, issued, link)
    return replace(meaning, code=code, message=message)


def _book_fee(
    work: UnitOfWork, desk: CashDesk, payment: StoredPayment, found: ProviderObject, on: date, source: Source
) -> None:
    """What the provider kept: the payer paid in full, so it is our cost and not an underpayment."""
    if found.fee is None or found.fee.currency != found.currency or found.fee.amount <= 0:
        return
    posting = fee(payment_id=payment.id, amount=found.fee)
    ledger.post(work=work, new=[NewPosting(f"fee/{payment.id}", posting, on, source.name)], now=desk.clock.now())


# Money back.


def _book_dispute(work: UnitOfWork, desk: CashDesk, source: Source, known: Meaning, found: ProviderObject) -> Meaning:
    payment = find_payment(connection=work.connection, source=source.name, source_ref=found.payment_ref)
    if payment is None:
        return replace(known, code="NO_PAYMENT", message="It disputes a payment that we do not have.")
    meaning = replace(known, payment_id=payment.id)
    what = f"{found.amount} {found.currency}"
    if found.state is ObjectState.SETTLED:
        _take_back(work, desk, source, found, payment.id, f"A dispute of {what} was lost.", f"dispute-{found.ref}")
        _end_dispute(work, desk, source, payment.id)
        return replace(meaning, code="DISPUTE_LOST", message=f"A dispute of {what} was lost; the money went back.")
    locked = lock_payment(work=work, payment_id=payment.id)
    if found.state is ObjectState.FAILED:
        _end_dispute(work, desk, source, payment.id)
        return replace(meaning, code="", message=f"The dispute of {what} was won.")
    if locked.state is PaymentState.RECEIVED:
        move_payment(work=work, payment=locked, event=PaymentEvent.DISPUTE, now=desk.clock.now(), actor=source.name,
                     reason=found.detail)  # fmt: skip
    said = f"The payer's bank asks for {what} back ({found.told or found.state})."
    return replace(meaning, code="DISPUTED", message=f"{said} Answer it in the provider's web app.")


def _book_outside_refund(
    work: UnitOfWork, desk: CashDesk, source: Source, known: Meaning, found: ProviderObject
) -> Meaning:
    """A refund that nobody asked for here: somebody made it in the provider's own web app."""
    payment = find_payment(connection=work.connection, source=source.name, source_ref=found.payment_ref)
    if payment is None:
        return replace(known, code="NO_PAYMENT", message="It refunds a payment that we do not have.")
    meaning = replace(known, payment_id=payment.id)
    if found.state is not ObjectState.SETTLED:
        return _not_booked(meaning, found)
    said = f"{found.amount} {found.currency} was refunded outside, in the provider's web app."
    _take_back(work, desk, source, found, payment.id, said, f"refund-{found.ref}")
    return replace(meaning, code="REFUNDED_OUTSIDE", message=said)


def _keep_our_refund(
    work: UnitOfWork, _desk: CashDesk, source: Source, known: Meaning, found: ProviderObject
) -> Meaning:
    payment = find_payment(connection=work.connection, source=source.name, source_ref=found.payment_ref)
    meaning = replace(known, payment_id=payment.id if payment else None)
    if found.state is ObjectState.FAILED:
        said = f"The refund of {found.amount} {found.currency} failed: {found.detail or found.told}."
        return replace(meaning, code="REFUND_FAILED", message=said)
    return _not_booked(meaning, found)


def _take_back(
    work: UnitOfWork, desk: CashDesk, source: Source, found: ProviderObject, payment_id: int, why: str, key: str
) -> None:
    """Money that left us: what it paid is open again, but for what is left of the payment."""
    (known,) = load_payments(connection=work.connection, payment_ids=[payment_id])
    reopened = return_locked(
        work=work,
        desk=desk,
        payment_id=payment_id,
        on=desk.today(known.arrived.legal_entity),
        actor=source.name,
        reason=why,
        key=key,
        amount=Money(found.amount, found.currency),
    )
    payment = lock_payment(work=work, payment_id=payment_id)
    if payment.state is not PaymentState.RECEIVED:
        return
    issued = load_issued_invoices(connection=work.connection, invoice_ids=reopened)
    for one in issued.values():
        left = ledger.payment_balance(connection=work.connection, payment_id=payment_id).left
        part = min(left, one.balance.open)
        if part:
            allocate(work=work, desk=desk, payment=payment, invoices={one.id: one}, amounts={one.id: part},
                     actor=source.name, reason=f"{why} The rest still pays.")  # fmt: skip


def _end_dispute(work: UnitOfWork, desk: CashDesk, source: Source, payment_id: int) -> None:
    locked = lock_payment(work=work, payment_id=payment_id)
    if locked.state is PaymentState.DISPUTED:
        move_payment(work=work, payment=locked, event=PaymentEvent.WIN, now=desk.clock.now(), actor=source.name,
                     reason="The dispute is over.")  # fmt: skip


# Between a thing and our rows.


def _link_of(work: UnitOfWork, source: Source, found: ProviderObject) -> StoredLink | None:
    """Our link that a payment was made by: by the provider's name for it, else by the key that we gave it."""

    def find(*, provider_ref: str = "", request_id: str = "") -> StoredLink | None:
        return payment_links.find_link(
            connection=work.connection,
            provider=source.name,
            environment=source.environment,
            provider_ref=provider_ref,
            request_id=request_id,
        )

    by_ref = find(provider_ref=found.link_ref) if found.link_ref else None
    return find(request_id=found.key) if by_ref is None and found.key else by_ref


def _lock_invoice(work: UnitOfWork, link: StoredLink | None) -> IssuedInvoice | None:
    if link is None:
        return None
    lock_all(work=work, invoice_ids=[link.invoice_id])
    return load_issued_invoices(connection=work.connection, invoice_ids=[link.invoice_id]).get(link.invoice_id)


def _mark_paid(work: UnitOfWork, link: StoredLink, clock: Clock) -> None:
    current = payment_links.load_link(connection=work.connection, link_id=link.id)
    if current.state is not LinkState.PAID:
        payment_links.move_link(work=work, link=current, event=LinkEvent.PAID, now=clock.now())


def _remake(work: UnitOfWork, link: StoredLink, clock: Clock) -> None:
    """A payment by the link was cancelled: whether it can be used again is not promised, so a new one is made."""
    if link.state is LinkState.OPEN:
        said = "A payment by it was cancelled; a new link is made."
        payment_links.move_link(work=work, link=link, event=LinkEvent.OUTDATE, now=clock.now(), message=said)


def _not_booked(meaning: Meaning, found: ProviderObject) -> Meaning:
    """Nothing has moved (yet); a word that we do not know is for people to read."""
    if found.state is ObjectState.UNKNOWN:
        said = f"The provider says {found.told!r}, which we do not know; nothing was booked."
        return replace(meaning, code="UNKNOWN_STATE", message=said)
    return replace(meaning, code="", message=found.detail)


_Booking = Callable[[UnitOfWork, CashDesk, Source, Meaning, ProviderObject], Meaning]
_BOOKINGS: Mapping[ObjectKind, _Booking] = {
    ObjectKind.PAYMENT: _book_payment,
    ObjectKind.DEPOSIT: _book_deposit,
    ObjectKind.REFUND: _book_outside_refund,
    ObjectKind.DISPUTE: _book_dispute,
}
