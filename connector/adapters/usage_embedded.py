"""What the customers of the embedded platform used and have left, and the door by which usage is reported to it.

Decides what may be reported (whose, which feature, how late), what an event draws of credits, and what a customer may
use now. It keeps nothing itself and knows no orders; days and hours are UTC.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Protocol

from connector.domain.credits import CreditBalance, LedgerPage
from connector.domain.entitlements import (
    AccessGranted,
    CustomPlan,
    EntitlementState,
    Grant,
    PlanEntitlement,
    ResetPeriod,
)
from connector.domain.periods import Anchor, boundary, period_number
from connector.domain.terms import ProvisionKind
from connector.domain.usage import Draw, Reach, UsageEvent, UsageQuestion, UsageReport
from connector.errors import Fault, NotFound, Refused
from connector.ports import Clock

# The clocks of those who report may run a little ahead of ours.
_AHEAD = timedelta(minutes=5)
# No row of the ledger has a longer number.
_MOST_DIGITS = 18


class EventsRefused(Refused):
    """Usage was reported that cannot be counted; nothing of the request was kept."""

    code = "EVENTS_REFUSED"
    owner = "caller"
    fix = "Correct the events named and send all of them again: what was counted is not counted twice."

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__(f"{len(faults)} of the events cannot be counted. {faults[0].message}")
        self.faults = tuple(faults)


class SubscriptionRows(Protocol):
    """Who has what; see `store/platform.py`."""

    def subscriptions_of(self, *, customer_ref: str, today: date) -> tuple[AccessGranted, ...]:
        """The subscriptions of a customer, ended ones included."""

    def has_customer(self, *, ref: str) -> bool:
        """Whether the platform knows the customer."""


class UsageRows(Protocol):
    """What was used; see `store/platform_usage.py`."""

    def report(self, *, events: Sequence[tuple[UsageEvent, Draw | None]], reach: Reach, now: datetime) -> int:
        """Keep events; answers how many were new."""

    def answer(self, *, questions: Sequence[UsageQuestion]) -> tuple[UsageReport, ...]:
        """The answers to questions, in their order."""

    def used_between(self, *, customer_ref: str, feature_ref: str, starts_at: datetime, ends_at: datetime) -> Decimal:
        """Units of full hours."""

    def balances(self, *, customer_ref: str, now: datetime) -> tuple[CreditBalance, ...]:
        """What is left of credits."""

    def ledger(self, *, customer_ref: str, credit_ref: str, before: int | None, limit: int) -> LedgerPage:
        """Movements, newest first."""


@dataclass(frozen=True, slots=True)
class EmbeddedUsage:
    """A UsageBook over the embedded platform. `late` is how old an event may be when it is reported."""

    subscriptions: SubscriptionRows
    rows: UsageRows
    plan: Callable[[str, int | None], CustomPlan | None]
    clock: Clock
    late: timedelta

    def report(self, *, events: Sequence[UsageEvent], reach: Reach) -> int:
        """Count the events, all or none; answers how many were new. Raises EventsRefused with every fault."""
        now = self.clock.now()
        faults = [fault for place, event in enumerate(events) for fault in self._time_faults(place, event, now)]
        faults += _reach_faults(reach, now)
        known = {ref: self._given_to(ref, now) for ref in sorted({event.customer_ref for event in events})}
        drawn: list[tuple[UsageEvent, Draw | None]] = []
        for place, event in enumerate(events):
            given = known[event.customer_ref]
            if given is None:
                faults.append(
                    _fault(place, "customer", event.customer_ref, "UNKNOWN_CUSTOMER", "There is no such customer.")
                )
            elif event.feature_ref not in given:
                what = "No subscription of this customer gives this feature or credit."
                faults.append(_fault(place, "feature", event.feature_ref, "UNKNOWN_FEATURE", what))
            else:
                drawn.append((event, _draw(event, *given[event.feature_ref])))
        if faults:
            raise EventsRefused(faults)
        return self.rows.report(events=drawn, reach=reach, now=now)

    def fetch_usage(self, *, questions: Sequence[UsageQuestion]) -> tuple[UsageReport, ...]:
        """The answers in the order of the questions, in one look. Raises NotFound for an unknown customer."""
        for ref in sorted({question.customer_ref for question in questions}):
            self._refuse_unknown(ref)
        return self.rows.answer(questions=questions)

    def fetch_entitlements(self, *, customer_ref: str) -> tuple[EntitlementState, ...]:
        """What the customer may use now; the most generous of several subscriptions wins. Raises NotFound."""
        self._refuse_unknown(customer_ref)
        now = self.clock.now()
        balances = {one.credit_ref: one for one in self.rows.balances(customer_ref=customer_ref, now=now)}
        found: dict[str, EntitlementState] = {}
        for access in self._running(customer_ref, now):
            named = self._entitlements_of(access)
            for grant in access.grants:
                state = (
                    _credit_state(access, grant, balances.get(grant.ref))
                    if grant.kind is ProvisionKind.CREDIT
                    else self._feature_state(customer_ref, access, grant, named.get(grant.ref), now)
                )
                known = found.get(grant.ref)
                found[grant.ref] = state if known is None else max(known, state, key=_generosity)
        return tuple(found[ref] for ref in sorted(found))

    def fetch_credit_balances(self, *, customer_ref: str) -> tuple[CreditBalance, ...]:
        """What is left of each credit of the customer, with everything due booked. Raises NotFound."""
        self._refuse_unknown(customer_ref)
        return self.rows.balances(customer_ref=customer_ref, now=self.clock.now())

    def fetch_credit_ledger(
        self, *, customer_ref: str, credit_ref: str, after: str = "", limit: int = 100
    ) -> LedgerPage:
        """The movements of one credit, newest first. Raises NotFound."""
        self._refuse_unknown(customer_ref)
        is_row = after.isascii() and after.isdigit() and len(after) <= _MOST_DIGITS
        before = int(after) if is_row else None
        return self.rows.ledger(customer_ref=customer_ref, credit_ref=credit_ref, before=before, limit=limit)

    def _refuse_unknown(self, customer_ref: str) -> None:
        if not self.subscriptions.has_customer(ref=customer_ref):
            raise NotFound(f"The entitlement platform has no customer {customer_ref}.")

    def _time_faults(self, place: int, event: UsageEvent, now: datetime) -> Iterable[Fault]:
        if event.at > now + _AHEAD:
            what = "The event lies in the future; at most five minutes are allowed."
            yield _fault(place, "at", event.at.isoformat(), "EVENT_IN_FUTURE", what)
        if event.at < now - self.late:
            what = f"The event is older than {self.late.days} days, so it may belong to a period that was billed."
            yield _fault(place, "at", event.at.isoformat(), "EVENT_TOO_LATE", what)

    def _given_to(self, customer_ref: str, now: datetime) -> dict[str, tuple[Grant, PlanEntitlement | None]] | None:
        """What the customer's subscriptions give or gave, running ones first; None for an unknown customer."""
        if not self.subscriptions.has_customer(ref=customer_ref):
            return None
        today = now.date()
        all_of_them = self.subscriptions.subscriptions_of(customer_ref=customer_ref, today=today)
        found: dict[str, tuple[Grant, PlanEntitlement | None]] = {}
        for access in sorted(all_of_them, key=lambda access: not _is_running(access, today)):
            named = self._entitlements_of(access)
            for grant in access.grants:
                found.setdefault(grant.ref, (grant, named.get(grant.ref)))
        return found

    def _running(self, customer_ref: str, now: datetime) -> list[AccessGranted]:
        today = now.date()
        found = self.subscriptions.subscriptions_of(customer_ref=customer_ref, today=today)
        return [access for access in found if _is_running(access, today)]

    def _entitlements_of(self, access: AccessGranted) -> dict[str, PlanEntitlement]:
        plan = self.plan(access.plan_ref, access.plan_version or None)
        return {} if plan is None else {entitlement.ref: entitlement for entitlement in plan.entitlements}

    def _feature_state(
        self, customer_ref: str, access: AccessGranted, grant: Grant, entitlement: PlanEntitlement | None, now: datetime
    ) -> EntitlementState:
        starts_at, ends_at = _counted(access, grant, entitlement, now)
        used = self.rows.used_between(
            customer_ref=customer_ref, feature_ref=grant.ref, starts_at=starts_at, ends_at=ends_at or now + _AHEAD
        )
        is_used_up = not grant.is_unlimited and not grant.has_soft_limit and used >= (grant.value or 0)
        return EntitlementState(
            ref=grant.ref,
            kind=grant.kind,
            is_granted=grant.is_unlimited or bool(grant.value),
            limit=None if grant.is_unlimited else grant.value,
            is_unlimited=grant.is_unlimited,
            has_soft_limit=grant.has_soft_limit,
            used=used,
            reset_period=grant.reset_period,
            period_ends_at=ends_at,
            plan_ref=access.plan_ref,
            reason="The limit is used up."
            if is_used_up and used
            else ""
            if grant.value or grant.is_unlimited
            else "The limit is 0.",
        )


def _is_running(access: AccessGranted, today: date) -> bool:
    return access.starts_on <= today and (access.ends_on is None or today < access.ends_on)


def _draw(event: UsageEvent, grant: Grant, entitlement: PlanEntitlement | None) -> Draw | None:
    """What the event takes of credits: itself when it is reported on a credit, else what the plan says."""
    if grant.kind is ProvisionKind.CREDIT:
        return Draw(grant.ref, event.units)
    if entitlement is None or not entitlement.draws_ref:
        return None
    return Draw(entitlement.draws_ref, event.units * entitlement.draws_per_unit)


def _credit_state(access: AccessGranted, grant: Grant, balance: CreditBalance | None) -> EntitlementState:
    """A credit allows what its balance has left; used is what the running period has consumed."""
    left = Decimal(0) if balance is None else balance.balance
    used = Decimal(0) if balance is None else balance.consumed
    return EntitlementState(
        ref=grant.ref,
        kind=grant.kind,
        is_granted=left > 0 or grant.has_soft_limit,
        limit=left + used,
        has_soft_limit=grant.has_soft_limit,
        used=used,
        period_ends_at=None if balance is None else balance.next_grant_at,
        plan_ref=access.plan_ref,
        reason="" if left > 0 else "No credits are left.",
    )


def _counted(
    access: AccessGranted, grant: Grant, entitlement: PlanEntitlement | None, now: datetime
) -> tuple[datetime, datetime | None]:
    """The stretch whose usage counts against the limit now: from the last reset to the next one, None for no reset."""
    moment = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    begin = _midnight(access.starts_on)
    reset = grant.reset_period
    if reset is None:
        return begin, None
    if reset is ResetPeriod.HOUR:
        return moment, moment + timedelta(hours=1)
    if reset is ResetPeriod.DAY:
        return _midnight(now.date()), _midnight(now.date() + timedelta(days=1))
    by_calendar = entitlement is not None and entitlement.resets_with_calendar
    if reset is ResetPeriod.WEEK:
        first = date(2024, 1, 1) if by_calendar else access.starts_on
        start = now.date() - timedelta(days=(now.date() - first).days % 7)
        return _midnight(start), _midnight(start + timedelta(days=7))
    months = 1 if reset is ResetPeriod.MONTH else 12
    anchor = Anchor.of(date(2024, 1, 1) if by_calendar else access.starts_on)
    number = period_number(anchor=anchor, day=now.date(), months=months)
    return (
        _midnight(boundary(anchor=anchor, months=number * months)),
        _midnight(boundary(anchor=anchor, months=(number + 1) * months)),
    )


def _generosity(state: EntitlementState) -> tuple[bool, bool, Decimal, bool]:
    return state.is_granted, state.is_unlimited, state.limit or Decimal(0), state.has_soft_limit


def _reach_faults(reach: Reach, now: datetime) -> list[Fault]:
    """Nobody can vouch for what has not happened; a gap has a beginning before its end."""
    faults = [
        _reach_fault("complete", feature_ref, until.isoformat(), "Usage cannot be complete beyond the present moment.")
        for feature_ref, until in reach.complete
        if until > now
    ]
    for name, rows in (("gaps", reach.gaps), ("filled", reach.filled)):
        for feature_ref, gap in rows:
            if gap.starts_at >= gap.ends_at:
                value = f"{gap.starts_at.isoformat()} to {gap.ends_at.isoformat()}"
                faults.append(_reach_fault(name, feature_ref, value, "The stretch ends before it begins."))
    return faults


def _reach_fault(field: str, feature_ref: str, value: str, message: str) -> Fault:
    return Fault("REPORTING", f"{feature_ref}: {message}", "Correct the instant.", "caller", field=field, value=value)


def _fault(place: int, field: str, value: str, code: str, message: str) -> Fault:
    fix = "Correct the event and send the request again."
    return Fault(code, message, fix, "caller", field=f"events.{place}.{field}", value=value, line=str(place))


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), tzinfo=UTC)
