"""Turns to change something on a platform, shared by every thread, process and host that uses this database.

Exists because the platform counts the changes of us all together. Who asks first goes first: somebody who must wait
long is told when to come back and keeps the place until then. It must not wait itself, and knows no platform.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from connector.domain.pacing import Pace, Turn, earliest_turn
from connector.store.inserting import insert_ignore
from connector.store.tables_pacing import paced_changes, paced_platforms
from connector.store.unit_of_work import Database, UnitOfWork

# A place that nobody came back for is given up after this long.
_PLACE_KEPT = timedelta(minutes=10)


class PacedChanges:
    """The changes of one platform; `name` tells platforms and environments apart."""

    def __init__(self, database: Database, *, name: str, pace: Pace | None = None) -> None:
        self._database = database
        self._name = name
        self._pace = pace or Pace()

    def take(self, *, key: str, entity: str, now: datetime, patience: timedelta) -> Turn:
        """A turn for one change of that entity; `key` names the change, so that it finds its place again.

        Granted when the turn is at most `patience` away. One short transaction.
        """
        with self._database.unit_of_work() as work:
            turn_at = self._lock(work, now)
            place = self._place(work, key) or self._queue(work, key, entity, max(turn_at or now, now))
            at = earliest_turn(
                pace=self._pace,
                due=max(place.due_at, now),
                made_in_all=self._made(work, now, self._pace.in_all),
                made_of_one=self._made(work, now, self._pace.of_one, entity),
            )
            is_granted = at - now <= patience
            values = {"due_at": at, "made_at": at if is_granted else None}
            work.execute(paced_changes.update().where(paced_changes.c.id == place.id).values(values))
            work.commit()
        return Turn(at, is_granted)

    def _lock(self, work: UnitOfWork, now: datetime) -> datetime | None:
        """One asks at a time; answers the next free turn. Rows that say nothing any more are dropped on the way."""
        table = paced_platforms
        work.execute(insert_ignore(work, table).values(name=self._name, next_turn_at=None))
        query = sa.select(table.c.next_turn_at).where(table.c.name == self._name).with_for_update()
        found: datetime | None = work.execute(query).scalar_one()
        old = (paced_changes.c.name == self._name) & (paced_changes.c.due_at < now - _PLACE_KEPT)
        work.execute(paced_changes.delete().where(old))
        return found

    def _place(self, work: UnitOfWork, key: str) -> Any:
        """The place of a change that was told to come back."""
        table = paced_changes
        mine = (table.c.name == self._name) & (table.c.key == key) & table.c.made_at.is_(None)
        return work.execute(sa.select(table.c.id, table.c.due_at).where(mine).limit(1)).one_or_none()

    def _queue(self, work: UnitOfWork, key: str, entity: str, due: datetime) -> Any:
        """A new place, behind everybody who asked before."""
        following = paced_platforms.update().where(paced_platforms.c.name == self._name)
        work.execute(following.values(next_turn_at=due + self._pace.spacing))
        values = {"name": self._name, "key": key, "entity": entity, "due_at": due}
        new = paced_changes.insert().values(values).returning(paced_changes.c.id, paced_changes.c.due_at)
        return work.execute(new).one()

    def _made(self, work: UnitOfWork, now: datetime, most: int, entity: str = "") -> Sequence[datetime]:
        """The newest changes that still count, at most as many as matter."""
        table = paced_changes
        counted = (table.c.name == self._name) & (table.c.made_at > now - self._pace.window)
        if entity:
            counted &= table.c.entity == entity
        query = sa.select(table.c.made_at).where(counted).order_by(table.c.made_at.desc()).limit(most)
        return list(work.execute(query).scalars())
