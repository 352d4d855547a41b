"""The credits of the embedded platform: due grants booked once, unused ones ended, use drawn, a ledger that only grows.

Wanted minus granted: whoever touches a subscription first brings its credits up to the day, however long nobody did.
Every movement locks the balance of its customer and credit, so two processes book one after the other; the key of an
entry says what happened, so nothing is booked twice. It belongs to the platform and knows no orders.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from pydantic import TypeAdapter
from sqlalchemy.engine import Connection

from connector.domain.credit_grants import RunningCredit, period_from
from connector.domain.credits import CreditBalance, LedgerEntry, LedgerKind, LedgerPage
from connector.domain.entitlements import Grant
from connector.domain.terms import Cadence, ProvisionKind
from connector.store.inserting import insert_ignore
from connector.store.tables_platform import (
    platform_balances,
    platform_credits,
    platform_ledger,
    platform_subscriptions,
)
from connector.store.unit_of_work import UnitOfWork

_GRANTS = TypeAdapter(tuple[Grant, ...])


@dataclass(frozen=True, slots=True)
class _Holder:
    """The subscription whose credits are brought up to date, and the moment at which that happens."""

    ref: str
    customer_ref: str
    starts_on: date
    ends_on: date
    now: datetime

    @property
    def today(self) -> date:
        return self.now.date()


def bring_up_to_date(*, work: UnitOfWork, subscription_ref: str, now: datetime) -> int:
    """Book every grant and expiry of the subscription that is due by now; answers how many entries that made.

    Locks the subscription, so that two processes come one after the other.
    """
    query = sa.select(platform_subscriptions).where(platform_subscriptions.c.ref == subscription_ref)
    row = work.execute(query.with_for_update()).one()
    holder = _Holder(row.ref, row.customer_ref, row.starts_on, row.ends_on, now)
    granted = {grant.ref: grant for grant in _credits_of(row)}
    running = {one.credit_ref: one for one in _running(work, subscription_ref)}
    made = 0
    due: list[date] = []
    for ref in sorted({*granted, *running}):
        entries, next_on = _bring_one(work, holder, ref, granted.get(ref), running.get(ref))
        made += entries
        due += [next_on] if next_on else []
    work.execute(
        platform_subscriptions.update()
        .where(platform_subscriptions.c.ref == subscription_ref)
        .values(credits_due_on=min(due, default=None))
    )
    return made


def due_subscriptions(*, connection: Connection, today: date, limit: int) -> list[str]:
    """The subscriptions whose credits move on that day or should have moved before, oldest first."""
    query = (
        sa.select(platform_subscriptions.c.ref)
        .where(platform_subscriptions.c.credits_due_on <= today)
        .order_by(platform_subscriptions.c.credits_due_on, platform_subscriptions.c.ref)
        .limit(limit)
    )
    return list(connection.execute(query).scalars())


def draw(
    *, work: UnitOfWork, customer_ref: str, credit_ref: str, amount: Decimal, at: datetime, event_key: str,
    now: datetime,
) -> None:  # fmt: skip
    """Take an amount from the customer's credits, those that end first before the others; what is short is owed.

    The caller has brought the subscriptions up to date. An event draws once.
    """
    _lock(work, customer_ref, credit_ref)
    blocks = _drawable(work, customer_ref, credit_ref)
    if not blocks:
        _book(
            work, customer_ref, credit_ref, kind=LedgerKind.CONSUMED, amount=-amount, effective_at=at, now=now,
            key=f"use/{customer_ref}/{event_key}/{credit_ref}", subscription_ref="",
        )  # fmt: skip
    for block, share in _shares(blocks, amount):
        is_new = _book(
            work, customer_ref, credit_ref, kind=LedgerKind.CONSUMED, amount=-share, effective_at=at, now=now,
            key=f"use/{customer_ref}/{event_key}/{credit_ref}/{block.subscription_ref}",
            subscription_ref=block.subscription_ref,
        )  # fmt: skip
        if is_new:
            _change(work, block.subscription_ref, credit_ref, consumed=block.consumed + share, left=block.left - share)


def load_balances(*, connection: Connection, customer_ref: str, today: date) -> tuple[CreditBalance, ...]:
    """What the customer has of each credit as last booked; the caller has brought it up to date."""
    balances = connection.execute(sa.select(platform_balances).where(platform_balances.c.customer_ref == customer_ref))
    blocks = list(connection.execute(_blocks(customer_ref)))
    found = []
    for row in sorted(balances, key=lambda row: row.credit_ref):
        own = [block for block in blocks if block.credit_ref == row.credit_ref and _ends_on(block) > today]
        coming = [block.ends_on for block in own if block.ends_on < block.subscription_ends_on and _goes_on(block)]
        found.append(
            CreditBalance(
                credit_ref=row.credit_ref,
                balance=row.balance,
                granted=sum((block.granted for block in own), Decimal(0)),
                consumed=sum((block.consumed for block in own), Decimal(0)),
                next_grant_at=_midnight(min(coming)) if coming else None,
            )
        )
    return tuple(found)


def load_ledger(
    *, connection: Connection, customer_ref: str, credit_ref: str, before: int | None, limit: int
) -> LedgerPage:
    """The movements of one credit, newest first; `before` is the position of the last one of the page before."""
    table = platform_ledger.c
    query = sa.select(platform_ledger).where(table.customer_ref == customer_ref, table.credit_ref == credit_ref)
    if before is not None:
        query = query.where(table.position < before)
    rows = list(connection.execute(query.order_by(table.position.desc()).limit(limit + 1)))
    entries = tuple(
        LedgerEntry(
            entry_ref=str(row.position), credit_ref=row.credit_ref, kind=LedgerKind(row.kind), amount=row.amount,
            effective_at=row.effective_at, balance=row.balance, subscription_ref=row.subscription_ref, note=row.note,
        )
        for row in rows[:limit]
    )  # fmt: skip
    return LedgerPage(entries, str(entries[-1].entry_ref) if len(rows) > limit else "")


# Bringing one credit up to date.


def _credits_of(row: Any) -> list[Grant]:
    return [grant for grant in _GRANTS.validate_python(row.grants) if grant.kind is ProvisionKind.CREDIT]


def _running(work: UnitOfWork, subscription_ref: str) -> Sequence[Any]:
    return work.execute(
        sa.select(platform_credits).where(platform_credits.c.subscription_ref == subscription_ref)
    ).all()


def _bring_one(
    work: UnitOfWork, holder: _Holder, ref: str, grant: Grant | None, row: Any | None
) -> tuple[int, date | None]:
    """Book what is due of one credit; answers how many entries, and on which day the next are due."""
    _lock(work, holder.customer_ref, ref)
    if row is None:
        assert grant is not None
        return _begin(work, holder, grant)
    running = _as_running(row)
    made = 0
    while running.ends_on <= holder.today and running.ends_on < holder.ends_on and grant is not None:
        made += _expire(work, holder, ref, running, running.ends_on)
        running = _next(running, grant)
        made += _grant(work, holder, ref, running, grant)
        amount = grant.value or Decimal(0)
        running = replace(running, granted=amount, left=running.left + amount)
    ends_on = min(running.ends_on, holder.ends_on)
    if ends_on <= holder.today:
        made += _expire(work, holder, ref, running, ends_on)
        return made, None
    if grant is not None and (grant.value or Decimal(0)) > running.granted:
        made += _top_up(work, holder, ref, running, grant)
    return made, ends_on


def _as_running(row: Any) -> RunningCredit:
    return RunningCredit(Cadence(row.cadence), row.anchor_on, row.starts_on, row.ends_on, row.granted, row.left)


def _begin(work: UnitOfWork, holder: _Holder, grant: Grant) -> tuple[int, date | None]:
    """The first period, and from there on to the present one."""
    assert grant.cadence is not None
    anchor = max(holder.starts_on, grant.begins_on or holder.starts_on)
    if anchor > holder.today or anchor >= holder.ends_on:
        return 0, anchor if anchor < holder.ends_on else None
    first = period_from(anchor_on=anchor, cadence=grant.cadence, day=anchor)
    running = RunningCredit(grant.cadence, anchor, first.start, first.end, Decimal(0), Decimal(0))
    work.execute(
        insert_ignore(work, platform_credits).values(
            subscription_ref=holder.ref, credit_ref=grant.ref, customer_ref=holder.customer_ref,
            cadence=running.cadence.value, anchor_on=anchor, starts_on=first.start, ends_on=first.end,
            granted=Decimal(0), consumed=Decimal(0), left=Decimal(0),
        )
    )  # fmt: skip
    made = _grant(work, holder, grant.ref, running, grant)
    (row,) = [row for row in _running(work, holder.ref) if row.credit_ref == grant.ref]
    more, next_on = _bring_one(work, holder, grant.ref, grant, row)
    return made + more, next_on


def _next(running: RunningCredit, grant: Grant) -> RunningCredit:
    """The period after; what was owed stays owed, what was unused has ended. Another cadence counts from here."""
    assert grant.cadence is not None
    anchor = running.anchor_on if grant.cadence is running.cadence else running.ends_on
    period = period_from(anchor_on=anchor, cadence=grant.cadence, day=running.ends_on)
    owed = min(running.left, Decimal(0))
    return RunningCredit(grant.cadence, anchor, period.start, period.end, Decimal(0), owed)


def _grant(work: UnitOfWork, holder: _Holder, ref: str, running: RunningCredit, grant: Grant) -> int:
    """Book the grant of a period at its beginning."""
    amount = grant.value or Decimal(0)
    is_new = _book(
        work, holder.customer_ref, ref, kind=LedgerKind.GRANTED, amount=amount, now=holder.now,
        effective_at=_midnight(running.starts_on), key=f"grant/{holder.ref}/{ref}/{running.starts_on}",
        subscription_ref=holder.ref, note=f"{running.starts_on} to {running.ends_on}",
    )  # fmt: skip
    _change(
        work, holder.ref, ref, cadence=running.cadence.value, anchor_on=running.anchor_on,
        starts_on=running.starts_on, ends_on=running.ends_on, granted=amount, consumed=Decimal(0),
        left=running.left + amount,
    )  # fmt: skip
    return int(is_new)


def _top_up(work: UnitOfWork, holder: _Holder, ref: str, running: RunningCredit, grant: Grant) -> int:
    """More was sold within the period: the difference is granted at once. Less counts from the next period."""
    amount = grant.value or Decimal(0)
    more = amount - running.granted
    is_new = _book(
        work, holder.customer_ref, ref, kind=LedgerKind.GRANTED, amount=more, effective_at=holder.now, now=holder.now,
        key=f"grant/{holder.ref}/{ref}/{running.starts_on}/{amount}", subscription_ref=holder.ref,
        note=f"raised from {running.granted} to {amount}",
    )  # fmt: skip
    (row,) = [row for row in _running(work, holder.ref) if row.credit_ref == ref]
    _change(work, holder.ref, ref, granted=amount, left=row.left + more)
    return int(is_new)


def _expire(work: UnitOfWork, holder: _Holder, ref: str, running: RunningCredit, on: date) -> int:
    """End what is unused of a period on the day its next grant, or the subscription's end, has come."""
    if running.left <= 0:
        return 0
    is_new = _book(
        work, holder.customer_ref, ref, kind=LedgerKind.EXPIRED, amount=-running.left, now=holder.now,
        effective_at=_midnight(on), key=f"expire/{holder.ref}/{ref}/{running.starts_on}/{on}",
        subscription_ref=holder.ref, note=f"unused of {running.starts_on} to {on}",
    )  # fmt: skip
    _change(work, holder.ref, ref, left=Decimal(0))
    return int(is_new)


# Balance and ledger.


def _lock(work: UnitOfWork, customer_ref: str, credit_ref: str) -> Any:
    """The balance row, made when there is none, locked until the end of the transaction."""
    table = platform_balances
    work.execute(
        insert_ignore(work, table).values(customer_ref=customer_ref, credit_ref=credit_ref, balance=Decimal(0))
    )
    query = sa.select(table).where(table.c.customer_ref == customer_ref, table.c.credit_ref == credit_ref)
    return work.execute(query.with_for_update()).one()


def _book(
    work: UnitOfWork, customer_ref: str, credit_ref: str, *, kind: LedgerKind, amount: Decimal, effective_at: datetime,
    now: datetime, key: str, subscription_ref: str, note: str = "",
) -> bool:  # fmt: skip
    """One entry with the balance it leaves; False when it is booked already. Zero is no movement."""
    known = sa.select(platform_ledger.c.id).where(platform_ledger.c.entry_key == key)
    if not amount or work.execute(known).first() is not None:
        return False
    held = _lock(work, customer_ref, credit_ref)
    balance, position = held.balance + amount, held.entries + 1
    work.execute(
        platform_ledger.insert().values(
            customer_ref=customer_ref, credit_ref=credit_ref, position=position, entry_key=key, kind=kind.value,
            amount=amount, balance=balance, effective_at=effective_at, recorded_at=now,
            subscription_ref=subscription_ref, note=note,
        )
    )  # fmt: skip
    work.execute(
        platform_balances.update()
        .where(platform_balances.c.customer_ref == customer_ref, platform_balances.c.credit_ref == credit_ref)
        .values(balance=balance, entries=position)
    )
    return True


def _change(work: UnitOfWork, subscription_ref: str, credit_ref: str, **values: Any) -> None:
    work.execute(
        platform_credits.update()
        .where(platform_credits.c.subscription_ref == subscription_ref, platform_credits.c.credit_ref == credit_ref)
        .values(**values)
    )


def _drawable(work: UnitOfWork, customer_ref: str, credit_ref: str) -> list[Any]:
    """The blocks that can be drawn on: those of running subscriptions, else the last one there was."""
    rows = [row for row in work.execute(_blocks(customer_ref)) if row.credit_ref == credit_ref]
    rows.sort(key=lambda row: (_ends_on(row), row.subscription_ref))
    return [row for row in rows if row.left > 0] + rows[-1:]


def _shares(blocks: Iterable[Any], amount: Decimal) -> list[tuple[Any, Decimal]]:
    """How much each block gives, in order; the last one also gives what it does not have."""
    found: list[tuple[Any, Decimal]] = []
    rest = amount
    ordered = list({block.subscription_ref: block for block in blocks}.values())
    for place, block in enumerate(ordered):
        share = rest if place == len(ordered) - 1 else min(rest, max(block.left, Decimal(0)))
        if share > 0:
            found.append((block, share))
        rest -= share
    return found


def _blocks(customer_ref: str) -> sa.Select[Any]:
    subscriptions = platform_subscriptions
    return (
        sa.select(
            platform_credits,
            subscriptions.c.ends_on.label("subscription_ends_on"),
            subscriptions.c.grants,
        )
        .join(subscriptions, subscriptions.c.ref == platform_credits.c.subscription_ref)
        .where(platform_credits.c.customer_ref == customer_ref)
        .order_by(platform_credits.c.ends_on, platform_credits.c.subscription_ref)
    )


def _ends_on(block: Any) -> date:
    """The day on which what is left of the block ends."""
    found: date = min(block.ends_on, block.subscription_ends_on)
    return found


def _goes_on(block: Any) -> bool:
    """Whether the subscription still gives the credit, so that more will come."""
    return any(grant.ref == block.credit_ref for grant in _credits_of(block))


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), tzinfo=UTC)
