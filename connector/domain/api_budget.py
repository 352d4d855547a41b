"""How much of the day's Salesforce calls is left for what: the org's limit is shared with everybody else there.

Exists so that we hold back long before the org itself has to refuse, and what people and pushes wait for goes on
longest. Pure: it is told what was used and must not ask or count.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

# Shares of the budget in percent. Whole numbers, so that the border is exact.
SEARCHES_STOP_AT = 80
ESSENTIAL_ONLY_AT = 95


class Allowance(StrEnum):
    """What may still be asked of Salesforce: everything, no searches of our own, or only what cannot wait."""

    EVERYTHING = "everything"
    NO_SEARCHES = "no searches"
    ESSENTIAL = "essential"


@dataclass(frozen=True, slots=True)
class Budget:
    """Calls of the last 24 hours, by everybody in the org, against the most we want to see; `most` 0 is not known."""

    used: int
    most: int

    @property
    def allowance(self) -> Allowance:
        """What may go on; a budget that is not known stops nothing."""
        if not self.most or self.used * 100 < self.most * SEARCHES_STOP_AT:
            return Allowance.EVERYTHING
        if self.used * 100 < self.most * ESSENTIAL_ONLY_AT:
            return Allowance.NO_SEARCHES
        return Allowance.ESSENTIAL

    @property
    def may_search(self) -> bool:
        """Whether sweeps and the question for unsynced deals may run."""
        return self.allowance is Allowance.EVERYTHING

    @property
    def may_ask(self) -> bool:
        """Whether anything but write-backs and fetches for pushes may run."""
        return self.allowance is not Allowance.ESSENTIAL

    @property
    def percent(self) -> int:
        """The used share, rounded down; 0 when the budget is not known."""
        return self.used * 100 // self.most if self.most else 0


def budget_of(*, used: int, limit: int, calls_per_day: int) -> Budget:
    """The budget from what an answer told (`limit` 0 = not told) and our own setting (0 = none): the smaller counts."""
    known = [bound for bound in (limit, calls_per_day) if bound > 0]
    # Without a word from Salesforce `used` is no measurement, so nothing is concluded from our own setting alone.
    return Budget(used=used, most=min(known) if limit > 0 else 0)
