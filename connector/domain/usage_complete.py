"""Is a figure of usage complete, so that it may be billed? And if not, why, in words.

Exists so that no customer is billed for half a period: the data must reach the period's end, without a hole, and
reporting must not have stopped. It must not know any platform, or what was billed.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

from connector.domain.usage import UsageReport


def incomplete_because(*, report: UsageReport, now: datetime, silence: timedelta) -> str:
    """Why the figure is not complete, as one sentence; empty when it is.

    `silence` is how long a customer who used something may use nothing at the end of a period before it counts as
    reporting that has stopped; what the reporter vouches for is never a stop.
    """
    feature, period = report.question.feature_ref, report.question.period
    start, end = _midnight(period.start), _midnight(period.end)
    if report.units is None:
        return f"The platform cannot say how much of {feature} was used."
    if now < end:
        return f"The period runs until {period.last_day}."
    if report.covered_until is None:
        return f"Nothing was ever reported of {feature}, and nobody declared the period complete."
    if report.covered_until < end:
        return f"The data of {feature} reach until {_told(report.covered_until)}, the period ends on {period.last_day}."
    if report.gaps:
        gap = report.gaps[0]
        said = f": {gap.reason}" if gap.reason else ""
        return f"Usage of {feature} is missing from {_told(gap.starts_at)} to {_told(gap.ends_at)}{said}."
    last = report.last_event_at
    is_usual = last is not None and last >= start - (end - start)
    if not report.is_vouched and is_usual and last is not None and last < end - silence:
        return f"Nothing was reported of {feature} since {_told(last)}; reporting may have stopped."
    return ""


def share_used(*, units: Decimal, commitment: Decimal) -> Decimal | None:
    """Which part of the commitment was used, in percent with one place; None without a commitment."""
    return (units * 100 / commitment).quantize(Decimal("0.1")) if commitment else None


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), tzinfo=UTC)


def _told(instant: datetime) -> str:
    return f"{instant.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
