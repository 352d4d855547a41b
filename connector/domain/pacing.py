"""How fast we may change things on a platform that counts our changes, and when the next one's turn is.

Exists so that we keep below the other side's limits by arithmetic instead of by being refused. It must not wait, read a
clock or know who keeps the rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class Pace:
    """At most `in_all` changes, and `of_one` of one entity, in any `window`.

    The limits of the platform are per 60 seconds as it sees our calls; two seconds more allow for calls that are on
    their way for longer than others.
    """

    in_all: int = 250
    of_one: int = 30
    window: timedelta = timedelta(seconds=62)

    @property
    def spacing(self) -> timedelta:
        """The time between two turns, so that changes flow evenly instead of in a burst and a long pause."""
        return self.window / self.in_all


@dataclass(frozen=True, slots=True)
class Turn:
    """When a change may be made. Granted: it is counted, and must be made at that instant; else come back then."""

    at: datetime
    is_granted: bool


def earliest_turn(
    *, pace: Pace, due: datetime, made_in_all: Sequence[datetime], made_of_one: Sequence[datetime]
) -> datetime:
    """The first instant from `due` on at which one more change keeps both limits.

    The changes made so far (and those granted for the next seconds) come newest first.
    """
    bounds = [due]
    for made, most in ((made_in_all, pace.in_all), (made_of_one, pace.of_one)):
        if len(made) >= most:
            bounds.append(made[most - 1] + pace.window)
    return max(bounds)
