"""Usage as it was reported to the embedded platform: events kept once, sums by hour, how far reporting reaches.

An event is known by its customer and its own key; sent again it changes nothing, sent again with another content it is
refused. Sums by hour are kept in the same transaction, so that a period is read without reading its events.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, time
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from connector.domain.credits import CreditBalance, LedgerPage
from connector.domain.usage import Draw, Reach, UsageEvent, UsageGap, UsageQuestion, UsageReport
from connector.errors import Refused
from connector.store import platform_credits
from connector.store.inserting import insert, insert_ignore
from connector.store.tables_platform import (
    platform_gaps,
    platform_reporting,
    platform_subscriptions,
    platform_usage_events,
    platform_usage_hours,
)
from connector.store.unit_of_work import Database, UnitOfWork

# SQLite takes a limited number of values in one statement.
_AT_ONCE = 300


class EventChanged(Refused):
    """An event was sent before with another content."""

    code = "EVENT_CHANGED"
    owner = "caller"
    fix = "Send a correction as an event with a key of its own; an event never changes."


class PlatformUsageStore:
    """Usage and credits of the platform's customers, each call in a transaction of its own."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def report(self, *, events: Sequence[tuple[UsageEvent, Draw | None]], reach: Reach, now: datetime) -> int:
        """Keep the events with what they draw of credits, and what was told of reporting, all or nothing.

        Answers how many events were new. Raises EventChanged.
        """
        with self._database.unit_of_work() as work:
            self._update_credits(work, {event.customer_ref for event, drawn in events if drawn}, now)
            fresh = [event for event, drawn in events if _save(work, event, drawn, now)]
            _note_newest(work, fresh, now)
            _note_reach(work, reach, now)
            work.commit()
        return len(fresh)

    def answer(self, *, questions: Sequence[UsageQuestion]) -> tuple[UsageReport, ...]:
        """The answers to these questions, in their order, read together."""
        with self._database.reading() as connection:
            return load_reports(connection=connection, questions=questions)

    def used_between(self, *, customer_ref: str, feature_ref: str, starts_at: datetime, ends_at: datetime) -> Decimal:
        """The units of [starts_at, ends_at); both are full hours."""
        with self._database.reading() as connection:
            return used_between(
                connection=connection, customer_ref=customer_ref, feature_ref=feature_ref, starts_at=starts_at,
                ends_at=ends_at,
            )  # fmt: skip

    def balances(self, *, customer_ref: str, now: datetime) -> tuple[CreditBalance, ...]:
        """What the customer has of each credit, with everything that is due by now booked."""
        with self._database.unit_of_work() as work:
            self._update_credits(work, {customer_ref}, now)
            found = platform_credits.load_balances(
                connection=work.connection, customer_ref=customer_ref, today=now.date()
            )
            work.commit()
        return found

    def ledger(self, *, customer_ref: str, credit_ref: str, before: int | None, limit: int) -> LedgerPage:
        """The movements of one credit, newest first."""
        with self._database.reading() as connection:
            return platform_credits.load_ledger(
                connection=connection, customer_ref=customer_ref, credit_ref=credit_ref, before=before, limit=limit
            )

    def _update_credits(self, work: UnitOfWork, customer_refs: set[str], now: datetime) -> None:
        """Book what is due of these customers; most of them have nothing due, and then nothing is locked."""
        table = platform_subscriptions
        query = sa.select(table.c.ref).where(
            table.c.customer_ref.in_(sorted(customer_refs)), table.c.credits_due_on <= now.date()
        )
        for ref in work.execute(query.order_by(table.c.ref)).scalars().all():
            platform_credits.bring_up_to_date(work=work, subscription_ref=ref, now=now)


def _save(work: UnitOfWork, event: UsageEvent, drawn: Draw | None, now: datetime) -> bool:
    """Keep the event, add it to its hour and draw its credits; False when it is there already. Raises EventChanged."""
    table = platform_usage_events
    made = work.execute(
        insert_ignore(work, table)
        .values(
            customer_ref=event.customer_ref, event_key=event.key, feature_ref=event.feature_ref, units=event.units,
            at=event.at, recorded_at=now,
        )
        .returning(table.c.id)
    ).scalar_one_or_none()  # fmt: skip
    if made is None:
        _refuse_changed(work, event)
        return False
    _add_to_hour(work, event)
    if drawn is not None:
        platform_credits.draw(
            work=work, customer_ref=event.customer_ref, credit_ref=drawn.credit_ref, amount=drawn.amount, at=event.at,
            event_key=event.key, now=now,
        )  # fmt: skip
    return True


def _note_newest(work: UnitOfWork, events: Iterable[UsageEvent], now: datetime) -> None:
    newest: dict[str, datetime] = {}
    for event in events:
        newest[event.feature_ref] = max(newest.get(event.feature_ref, event.at), event.at)
    for feature_ref in sorted(newest):
        _raise_mark(work, feature_ref, "newest_event_at", newest[feature_ref], now)


def _note_reach(work: UnitOfWork, reach: Reach, now: datetime) -> None:
    for feature_ref, until in reach.complete:
        _raise_mark(work, feature_ref, "complete_until", until, now)
    for feature_ref, gap in reach.gaps:
        _save_gap(work, feature_ref, gap, now)
    columns = platform_gaps.c
    for feature_ref, gap in reach.filled:
        work.execute(
            platform_gaps.update()
            .where(columns.feature_ref == feature_ref, columns.filled_at.is_(None))
            .where(columns.starts_at >= gap.starts_at, columns.ends_at <= gap.ends_at)
            .values(filled_at=now)
        )


def _save_gap(work: UnitOfWork, feature_ref: str, gap: UsageGap, now: datetime) -> None:
    statement = insert(work, platform_gaps).values(
        feature_ref=feature_ref, starts_at=gap.starts_at, ends_at=gap.ends_at, reason=gap.reason, told_at=now
    )
    columns = platform_gaps.c
    work.execute(
        statement.on_conflict_do_update(
            index_elements=[columns.feature_ref, columns.starts_at, columns.ends_at],
            set_={"reason": statement.excluded.reason, "told_at": statement.excluded.told_at, "filled_at": None},
        )
    )


def load_reports(*, connection: Connection, questions: Sequence[UsageQuestion]) -> tuple[UsageReport, ...]:
    """The answers to these questions, in their order, read together."""
    features = sorted({question.feature_ref for question in questions})
    reach = {
        row.feature_ref: row
        for row in connection.execute(
            sa.select(platform_reporting).where(platform_reporting.c.feature_ref.in_(features))
        )
    }
    gaps = _load_gaps(connection, features)
    sums = _load_sums(connection, questions)
    return tuple(
        _report(question, sums[place], reach.get(question.feature_ref), gaps.get(question.feature_ref, ()))
        for place, question in enumerate(questions)
    )


def used_between(
    *, connection: Connection, customer_ref: str, feature_ref: str, starts_at: datetime, ends_at: datetime
) -> Decimal:
    """The units of [starts_at, ends_at); both are full hours."""
    table = platform_usage_hours.c
    query = sa.select(table.units).where(
        table.customer_ref == customer_ref, table.feature_ref == feature_ref, table.hour >= starts_at,
        table.hour < ends_at,
    )  # fmt: skip
    return sum(connection.execute(query).scalars(), Decimal(0))


def _refuse_changed(work: UnitOfWork, event: UsageEvent) -> None:
    table = platform_usage_events
    query = sa.select(table).where(table.c.customer_ref == event.customer_ref, table.c.event_key == event.key)
    known = work.execute(query).one()
    if (known.feature_ref, known.units, known.at) != (event.feature_ref, event.units, event.at):
        raise EventChanged(
            f"The event {event.key} was sent before: {known.units:f} of {known.feature_ref} at {known.at.isoformat()}."
        )


def _add_to_hour(work: UnitOfWork, event: UsageEvent) -> None:
    """Sums are made here, not by the database: SQLite would count in floating point."""
    table = platform_usage_hours
    hour = event.at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    key = (
        (table.c.customer_ref == event.customer_ref)
        & (table.c.feature_ref == event.feature_ref)
        & (table.c.hour == hour)
    )
    work.execute(
        insert_ignore(work, table).values(
            customer_ref=event.customer_ref, feature_ref=event.feature_ref, hour=hour, units=Decimal(0),
            last_at=event.at,
        )
    )  # fmt: skip
    row = work.execute(sa.select(table).where(key).with_for_update()).one()
    work.execute(
        table.update()
        .where(key)
        .values(units=row.units + event.units, events=row.events + 1, last_at=max(row.last_at, event.at))
    )


def _raise_mark(work: UnitOfWork, feature_ref: str, name: str, instant: datetime, now: datetime) -> None:
    table = platform_reporting
    work.execute(insert_ignore(work, table).values(feature_ref=feature_ref, changed_at=now))
    column = table.c[name]
    work.execute(
        table.update()
        .where(table.c.feature_ref == feature_ref, sa.or_(column.is_(None), column < instant))
        .values({name: instant, "changed_at": now})
    )


def _load_gaps(connection: Connection, features: Sequence[str]) -> dict[str, list[UsageGap]]:
    columns = platform_gaps.c
    query = sa.select(platform_gaps).where(columns.feature_ref.in_(features), columns.filled_at.is_(None))
    found: dict[str, list[UsageGap]] = {}
    for row in connection.execute(query.order_by(columns.starts_at)):
        found.setdefault(row.feature_ref, []).append(UsageGap(row.starts_at, row.ends_at, row.reason))
    return found


def _load_sums(connection: Connection, questions: Sequence[UsageQuestion]) -> list[tuple[Decimal, datetime | None]]:
    """Units and newest event of each question, in as few statements as customers can be named in."""
    asked: dict[tuple[str, str], list[int]] = {}
    for place, question in enumerate(questions):
        asked.setdefault((question.customer_ref, question.feature_ref), []).append(place)
    units = [Decimal(0)] * len(questions)
    newest: list[datetime | None] = [None] * len(questions)
    if not questions:
        return []
    bounds = [(_midnight(one.period.start), _midnight(one.period.end)) for one in questions]
    first, until = min(start for start, _end in bounds), max(end for _start, end in bounds)
    customers = sorted({customer for customer, _feature in asked})
    for row in _hours(connection, customers, first, until):
        for place in asked.get((row.customer_ref, row.feature_ref), ()):
            start, end = bounds[place]
            if start <= row.hour < end:
                units[place] += row.units
    for row in _newest(connection, customers, until):
        for place in asked.get((row.customer_ref, row.feature_ref), ()):
            newest[place] = row.newest
    return list(zip(units, newest, strict=True))


def _hours(connection: Connection, customers: Sequence[str], first: datetime, until: datetime) -> Iterable[Any]:
    table = platform_usage_hours
    for start in range(0, len(customers), _AT_ONCE):
        some = customers[start : start + _AT_ONCE]
        query = sa.select(table).where(table.c.customer_ref.in_(some), table.c.hour >= first, table.c.hour < until)
        yield from connection.execute(query)


def _newest(connection: Connection, customers: Sequence[str], until: datetime) -> Iterable[Any]:
    """The newest event of each customer and feature before an instant."""
    table = platform_usage_hours
    for start in range(0, len(customers), _AT_ONCE):
        some = customers[start : start + _AT_ONCE]
        query = sa.select(table.c.customer_ref, table.c.feature_ref, sa.func.max(table.c.last_at).label("newest"))
        query = query.where(table.c.customer_ref.in_(some), table.c.hour < until)
        yield from connection.execute(query.group_by(table.c.customer_ref, table.c.feature_ref))


def _report(
    question: UsageQuestion, found: tuple[Decimal, datetime | None], reach: Any, gaps: Sequence[UsageGap]
) -> UsageReport:
    units, newest = found
    start, end = _midnight(question.period.start), _midnight(question.period.end)
    declared = None if reach is None else reach.complete_until
    return UsageReport(
        question=question,
        units=units,
        covered_until=declared or (None if reach is None else reach.newest_event_at),
        gaps=tuple(gap for gap in gaps if gap.starts_at < end and gap.ends_at > start),
        last_event_at=newest,
        is_vouched=declared is not None,
    )


def _midnight(day: Any) -> datetime:
    return datetime.combine(day, time(), tzinfo=UTC)
