"""From a hint to the ledger: fetch the thing that an event is about, then book what it is now.

Events are taken one by one; the thing is fetched outside of any transaction; what follows is one transaction, which
also ends the event. A process that dies leaves the event to the next one, and the same thing again books nothing, so
that in whatever order and however often events come, the ledger ends the same. A look that fails is tried again, and
after days is a person's to see.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from connector.domain.collecting import ObjectKind, ProviderObject
from connector.domain.fulfilment import retry_wait
from connector.domain.money import Money
from connector.domain.payments import PaymentRefused
from connector.errors import Conflict, ConnectorError, Misconfigured, RateLimited, Refused
from connector.logs import log
from connector.ports_payments import PaymentProvider
from connector.store import provider_events, provider_refunds
from connector.store.payments import find_payment
from connector.store.provider_events import ClaimedEvent, EventState
from connector.store.unit_of_work import Database
from connector.usecases.book_provider_object import Meaning, Source, book
from connector.usecases.cash_desk import CashDesk
from connector.usecases.send_refunds import settle_by_provider

# Longer than the calls for one event may take; a process that died holds it up for so long.
_CLAIM = timedelta(minutes=10)
# A thing may be told of before it can be read; after so many looks it is unknown.
_MOST_LOOKS_FOR_UNKNOWN = 5


@dataclass(frozen=True, slots=True)
class Applied:
    """How many events were worked off, how many wait for another try, and how many a person must see."""

    done: int = 0
    waiting: int = 0
    given_up: int = 0


def apply_payment_events(*, desk: CashDesk, provider: PaymentProvider, limit: int = 100) -> Applied:
    """Work on up to so many events now; any number of processes may do this at once."""
    states: list[EventState] = []
    for _ in range(limit):
        event = _claim_one(desk)
        if event is None:
            break
        states.append(_apply(desk, provider, event))
    done, waiting = states.count(EventState.DONE), states.count(EventState.WAITING)
    return Applied(done, waiting, len(states) - done - waiting)


def look_again(*, database: Database, event_id: int) -> bool:
    """A person has an event that was given up tried again; False when there is none."""
    with database.unit_of_work() as work:
        is_there = provider_events.look_again(work=work, event_id=event_id)
        work.commit()
    return is_there


def _claim_one(desk: CashDesk) -> ClaimedEvent | None:
    now = desk.clock.now()
    with desk.database.unit_of_work() as work:
        found = provider_events.claim(work=work, limit=1, now=now, until=now + _CLAIM)
        if found:
            work.commit()
    return found[0] if found else None


def _apply(desk: CashDesk, provider: PaymentProvider, event: ClaimedEvent) -> EventState:
    if (event.provider, event.environment) != (provider.name, provider.environment):
        said = f"It came from {event.provider} ({event.environment}), which is not in the settings any more."
        return _give_up(desk, event, EventState.FAILED, "OTHER_PROVIDER", said)
    try:
        found = _fetch(provider, event)
        if found is None:
            return _unknown(desk, event)
        return _book(desk, provider, event, found)
    except ConnectorError as error:
        return _keep_failure(desk, event, error)
    except Exception as error:  # noqa: BLE001 - one event that nobody anticipated holds up no other; it says why
        log.exception("payment_event_broken", event_id=event.id)
        said = (
            f"Countersign met an error of its own ({type(error).__name__}). Tell the operator the number of the event."
        )
        return _later(desk, event, "UNEXPECTED", said, asked=0)


def _fetch(provider: PaymentProvider, event: ClaimedEvent) -> ProviderObject | str | None:
    """The thing as it is now; text says why there is nothing to book."""
    if event.kind is not ObjectKind.LINK:
        return provider.fetch(kind=event.kind, ref=event.ref)
    link = provider.fetch_link(link_ref=event.ref)
    if link is None:
        return None
    if not link.payment_ref:
        return "Nobody has paid by the link."
    return provider.fetch(kind=ObjectKind.PAYMENT, ref=link.payment_ref)


def _book(desk: CashDesk, provider: PaymentProvider, event: ClaimedEvent, found: ProviderObject | str) -> EventState:
    if isinstance(found, str):
        return _finish(desk, event, Meaning(message=found))
    source = Source(provider.name, provider.environment)
    if found.payment_ref:
        _book_its_payment(desk, provider, source, found)
    refund_id = _our_refund(desk, source, found) if found.kind is ObjectKind.REFUND else None
    if refund_id is not None:
        settle_by_provider(desk=desk, refund_id=refund_id, found=found, actor=source.name)
    with desk.database.unit_of_work() as work:
        meaning = book(work=work, desk=desk, source=source, found=found, is_our_refund=refund_id is not None)
        provider_events.save_done(
            work=work, event_id=event.id, now=desk.clock.now(), code=meaning.code, message=meaning.message
        )
        work.commit()
    if meaning.code:
        log.warning("payment_differs", event_id=event.id, kind=found.kind.value, code=meaning.code)
    return EventState.DONE


def _book_its_payment(desk: CashDesk, provider: PaymentProvider, source: Source, found: ProviderObject) -> None:
    """A refund or dispute that came before its payment: the payment is booked first, from its own word."""
    with desk.database.reading() as connection:
        if find_payment(connection=connection, source=source.name, source_ref=found.payment_ref) is not None:
            return
    paid = provider.fetch(kind=ObjectKind.PAYMENT, ref=found.payment_ref)
    if paid is None:
        return
    with desk.database.unit_of_work() as work:
        book(work=work, desk=desk, source=source, found=paid)
        work.commit()


def _our_refund(desk: CashDesk, source: Source, found: ProviderObject) -> int | None:
    """The refund of ours that this is. Raises Conflict while a like one of ours is on its way without an answer."""
    with desk.database.reading() as connection:
        known = provider_refunds.find(connection=connection, provider=source.name, ref=found.ref, request_id=found.key)
        if known is not None:
            return known
        amount = Money(found.amount, found.currency)
        if provider_refunds.is_one_on_its_way(connection=connection, payment_ref=found.payment_ref, amount=amount):
            raise Conflict("A refund of the same amount is on its way; which one this is will be known in a moment.")
    return None


# What came of an event.


def _finish(desk: CashDesk, event: ClaimedEvent, meaning: Meaning) -> EventState:
    with desk.database.unit_of_work() as work:
        provider_events.save_done(
            work=work, event_id=event.id, now=desk.clock.now(), code=meaning.code, message=meaning.message
        )
        work.commit()
    return EventState.DONE


def _unknown(desk: CashDesk, event: ClaimedEvent) -> EventState:
    said = f"The provider has no {event.kind} {event.ref}."
    if event.attempts < _MOST_LOOKS_FOR_UNKNOWN:
        return _later(desk, event, "UNKNOWN_OBJECT", said, asked=0)
    return _give_up(desk, event, EventState.UNKNOWN, "UNKNOWN_OBJECT", said)


def _keep_failure(desk: CashDesk, event: ClaimedEvent, error: ConnectorError) -> EventState:
    message = f"{error} {error.fix}".strip()
    log.warning("payment_event_not_applied", event_id=event.id, code=error.code)
    is_final = isinstance(error, Refused | PaymentRefused) and not isinstance(error, Misconfigured)
    if is_final:
        return _give_up(desk, event, EventState.FAILED, error.code, message)
    return _later(desk, event, error.code, message, asked=error.retry_after if isinstance(error, RateLimited) else 0)


def _later(desk: CashDesk, event: ClaimedEvent, code: str, message: str, *, asked: int) -> EventState:
    wait = retry_wait(attempt=event.attempts, asked=asked)
    if wait is None:
        return _give_up(desk, event, EventState.FAILED, code, message)
    with desk.database.unit_of_work() as work:
        not_before = desk.clock.now() + timedelta(seconds=wait)
        provider_events.save_waiting(work=work, event_id=event.id, not_before=not_before, code=code, message=message)
        work.commit()
    return EventState.WAITING


def _give_up(desk: CashDesk, event: ClaimedEvent, state: EventState, code: str, message: str) -> EventState:
    with desk.database.unit_of_work() as work:
        provider_events.save_given_up(
            work=work, event_id=event.id, state=state, now=desk.clock.now(), code=code, message=message
        )
        work.commit()
    return state
