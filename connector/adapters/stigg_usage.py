"""What customers used and have left, by Stigg: counters over a range, balances, the ledger of credits.

Stigg tells no watermark. What is reported is counted within seconds, so its data is taken to reach until one hour ago;
a counter without any reading is unknown, not zero. How a counter's readings become units of a period is one function.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from connector.adapters.stigg_calls import StiggCalls, require
from connector.adapters.stigg_errors import StiggRefused
from connector.adapters.stigg_granted import StiggReader
from connector.adapters.stigg_words import instant, midnight
from connector.domain.credits import CreditBalance, LedgerEntry, LedgerKind, LedgerPage
from connector.domain.terms import ProvisionKind
from connector.domain.usage import UsageQuestion, UsageReport

_SETTLED_AFTER = timedelta(hours=1)
# A counter goes on from the period before unless it is reset, so its last reading before the period is its base. The
# longest reset period is a year; without that reading the whole counter would be taken for the period's usage.
_LOOK_BACK = timedelta(days=366)
_KINDS = {
    "CREDITS_GRANTED": LedgerKind.GRANTED,
    "CREDITS_CONSUMED": LedgerKind.CONSUMED,
    "CREDITS_EXPIRED": LedgerKind.EXPIRED,
    "CREDITS_VOIDED": LedgerKind.VOIDED,
}


class StiggUsage:
    """Questions about usage and credits. May be used from many threads."""

    def __init__(self, calls: StiggCalls, reader: StiggReader) -> None:
        self._calls = calls
        self._reader = reader

    def reports(self, questions: Sequence[UsageQuestion]) -> tuple[UsageReport, ...]:
        """The answers in order; one call for each counter, however many periods are asked of it."""
        counters: dict[tuple[str, str, str], list[UsageQuestion]] = {}
        for question in questions:
            counter = (question.customer_ref, question.feature_ref, question.subscription_ref)
            counters.setdefault(counter, []).append(question)
        found: dict[UsageQuestion, UsageReport] = {}
        for asked in counters.values():
            found |= {report.question: report for report in self._of_counter(asked)}
        return tuple(found[question] for question in questions)

    def _of_counter(self, asked: Sequence[UsageQuestion]) -> list[UsageReport]:
        first = asked[0]
        start = midnight(min(question.period.start for question in asked)) - _LOOK_BACK
        end = midnight(max(question.period.end for question in asked))
        points = self._points(first, start, end)
        reached = self._calls.clock.now() - _SETTLED_AFTER
        newest = points[-1][0] if points else None
        return [
            UsageReport(
                question=question,
                units=counted(points, midnight(question.period.start), midnight(question.period.end)),
                covered_until=reached,
                last_event_at=newest,
            )
            for question in asked
        ]

    def _points(self, question: UsageQuestion, start: datetime, end: datetime) -> list[tuple[datetime, Decimal, bool]]:
        customer, feature = question.customer_ref, question.feature_ref
        resource = self._resource(question.subscription_ref)
        query: dict[str, Any] = {"resource_id": resource} if resource else {}
        what = f"read the usage of {feature} by {customer}"
        body = self._calls.read_history(
            what,
            f"{customer}-{feature}-{start:%Y%m%d}",
            lambda client: client.v1.usage.with_raw_response.history(
                feature, customer_id=customer, start_date=start, end_date=end, **query
            ),
        )
        series = require(body, "series", what)
        if len(series) > 1:
            raise StiggRefused(f"Stigg answers with {len(series)} series where one was asked, to: {what}.")
        rows = series[0].get("points") or () if series else ()
        return sorted(_point(row, what) for row in rows)

    def _resource(self, subscription_ref: str) -> str | None:
        row = self._reader.subscription(subscription_ref) if subscription_ref else None
        return row.get("resourceId") if row else None

    def balances(self, customer_ref: str) -> tuple[CreditBalance, ...]:
        """What is left of each credit."""
        return tuple(
            CreditBalance(
                credit_ref=state.ref,
                balance=(state.limit or Decimal(0)) - (state.used or Decimal(0)),
                granted=state.limit or Decimal(0),
                consumed=state.used or Decimal(0),
                next_grant_at=state.period_ends_at,
            )
            for state in self._reader.states(customer_ref)
            if state.kind is ProvisionKind.CREDIT
        )

    def ledger(self, customer_ref: str, credit_ref: str, after: str, limit: int) -> LedgerPage:
        """Some movements, newest first; Stigg tells no running balance."""
        query: dict[str, Any] = {"after": after} if after else {}
        rows, following = self._calls.page(
            f"read the ledger of {credit_ref} of {customer_ref}",
            lambda client: client.v1.credits.with_raw_response.list_ledger(
                customer_id=customer_ref, currency_id=credit_ref, limit=limit, **query
            ),
        )
        return LedgerPage(tuple(_entry(row) for row in rows), following)


def counted(points: Iterable[tuple[datetime, Decimal, bool]], start: datetime, end: datetime) -> Decimal | None:
    """The units of [start, end), from the readings of a counter that only grows between its resets.

    Each reading adds what it is above the one before, or itself after a reset; the last reading before the period is
    its base, zero without one. None when there is no reading up to the end at all.
    """
    units, before, is_known = Decimal(0), Decimal(0), False
    for at, value, is_reset in points:
        if at >= end:
            break
        if at >= start:
            # A counter that is below its last reading was reset, whether the answer marks it or not.
            units += value if is_reset or value < before else value - before
        before, is_known = value, True
    return units if is_known else None


def _point(row: Mapping[str, Any], what: str) -> tuple[datetime, Decimal, bool]:
    at = instant(require(row, "timestamp", what))
    assert at is not None
    return at, Decimal(require(row, "value", what)), bool(row.get("isResetPoint"))


def _entry(row: Mapping[str, Any]) -> LedgerEntry:
    what = "read a movement of credits"
    at = instant(require(row, "timestamp", what))
    assert at is not None
    word = require(row, "eventType", what)
    return LedgerEntry(
        entry_ref=str(row.get("eventId") or f"{row.get('creditGrantId')}-{word}-{row['timestamp']}"),
        credit_ref=require(row, "creditCurrencyId", what),
        kind=_KINDS.get(word, LedgerKind.CHANGED),
        amount=_signed(word, Decimal(require(row, "amount", what))),
        effective_at=at,
        note="" if word in _KINDS else f"Stigg: {word}",
    )


def _signed(word: str, amount: Decimal) -> Decimal:
    """Grants add; consumption, expiry and voiding take, whichever sign the answer gives them."""
    if word == "CREDITS_GRANTED":
        return abs(amount)
    return -abs(amount) if word in _KINDS else amount
