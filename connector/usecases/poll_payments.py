"""Ask the provider for everything that no event brought, and again for what can still change by itself.

Finds nothing that it would book: each thing that is new or has changed becomes an event like any other. Repeating it,
or overlapping with events that did come, does no harm.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from itertools import islice

from connector.domain.collecting import ObjectKind, ProviderObject
from connector.ports import Clock
from connector.ports_payments import PaymentProvider
from connector.store import provider_events, provider_objects, watermarks
from connector.store.provider_events import NewEvent
from connector.store.unit_of_work import Database

_AT_ONCE = 200
_MOST_OPEN = 5000
_WATERMARK = "payments"


def poll_payments(*, database: Database, clock: Clock, provider: PaymentProvider, reach: timedelta) -> dict[str, int]:
    """Look that far back; answers how many things were told and how many of them are looked at again.

    What was found before the provider stopped answering is kept. Raises Retryable and Misconfigured errors.
    """
    now = clock.now()
    told = new = 0
    for some in _batches(provider.list_since(since=_since(database, provider, now - reach))):
        told += len(some)
        new += _keep_unseen(database, provider, some, now)
    again = _again(database, provider, now)
    with database.unit_of_work() as work:
        watermarks.save(work=work, org_id=_WATERMARK, object_name=_name(provider), swept_until=now)
        work.commit()
    return {"told": told, "new": new, "again": again}


def _since(database: Database, provider: PaymentProvider, usual: datetime) -> datetime:
    """The usual reach, or as far as we have not asked yet, when we stood still for longer."""
    with database.looking() as work:
        last = watermarks.load(work=work, org_id=_WATERMARK, object_name=_name(provider))
    return usual if last is None else min(usual, last)


def _name(provider: PaymentProvider) -> str:
    return f"{provider.name} {provider.environment}"[:80]


def _keep_unseen(database: Database, provider: PaymentProvider, told: Iterable[ProviderObject], now: datetime) -> int:
    stamps = [(one.kind.value, one.ref, one.stamp) for one in told]
    with database.unit_of_work() as work:
        unseen = provider_events.unseen(
            work=work, provider=provider.name, environment=provider.environment, stamps=stamps
        )
        events = [_event(provider, kind, ref, f"poll:{kind}:{ref}:{stamp}") for kind, ref, stamp in unseen]
        new = provider_events.put(work=work, events=events, now=now)
        work.commit()
    return new


def _again(database: Database, provider: PaymentProvider, now: datetime) -> int:
    """Things that are on their way are looked at once a day, also when they began before what we list."""
    with database.reading() as connection:
        found = provider_objects.not_final(
            connection=connection, provider=provider.name, environment=provider.environment, limit=_MOST_OPEN
        )
    events = [_event(provider, one.kind.value, one.ref, f"again:{one.kind}:{one.ref}:{now:%Y-%m-%d}") for one in found]
    with database.unit_of_work() as work:
        new = provider_events.put(work=work, events=events, now=now)
        work.commit()
    return new


def _event(provider: PaymentProvider, kind: str, ref: str, event_id: str) -> NewEvent:
    return NewEvent(
        provider=provider.name,
        environment=provider.environment,
        event_id=event_id,
        name=f"{ObjectKind(kind)} found by asking",
        kind=kind,
        ref=ref,
        source="poll",
    )


def _batches(found: Iterator[ProviderObject]) -> Iterator[list[ProviderObject]]:
    while some := list(islice(found, _AT_ONCE)):
        yield some
