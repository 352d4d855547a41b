"""When recurring credits fall due: each month or year from an anchor day, for as long as the subscription runs.

Exists so that "each grant exactly once" is counting, not remembering: grant n belongs to boundary n, counted from the
anchor and clamped to the month's end (31 January, 28 February, 31 March). Unused credits end with their period; nothing
rolls over. It must not know what was granted already.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from connector.domain.periods import Anchor, BillingPeriod, boundary, period_number
from connector.domain.terms import Cadence

MONTHS = {Cadence.MONTH: 1, Cadence.YEAR: 12}


@dataclass(frozen=True, slots=True)
class RunningCredit:
    """A credit in its running period [starts_on, ends_on); `granted` in it so far, `left` of all that (below 0: owed).

    `anchor_on` is the first day of its first period.
    """

    cadence: Cadence
    anchor_on: date
    starts_on: date
    ends_on: date
    granted: Decimal
    left: Decimal


def period_from(*, anchor_on: date, cadence: Cadence, day: date) -> BillingPeriod:
    """The credit period that contains the day; `day` must not be before the anchor."""
    months, anchor = MONTHS[cadence], Anchor.of(anchor_on)
    number = period_number(anchor=anchor, day=day, months=months)
    return BillingPeriod(
        boundary(anchor=anchor, months=number * months), boundary(anchor=anchor, months=(number + 1) * months)
    )


def granted_in_all(*, amount: Decimal, anchor_on: date, ends_on: date, cadence: Cadence, on: date) -> Decimal:
    """The closed form: what was granted from the anchor up to and including a day, at an amount that never changed.

    `ends_on` is the first day without service; a boundary on it grants nothing.
    """
    last = min(on.toordinal(), ends_on.toordinal() - 1)
    if last < anchor_on.toordinal():
        return Decimal(0)
    number = period_number(anchor=Anchor.of(anchor_on), day=date.fromordinal(last), months=MONTHS[cadence])
    return amount * (number + 1)
