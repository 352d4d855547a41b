"""Our values in Stigg's words, and Stigg's words as our values, one subscription at a time. Pure.

Stigg repeats which entitlements of a subscription are negotiated, but neither a credit's cadence nor a soft limit, and
no value at all before the subscription starts. So what we send is written beside it, in the subscription's metadata, in
the same call; what Stigg itself shows always goes before what we noted.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

from connector.adapters.stigg_errors import StiggRefused
from connector.domain.entitlements import AccessWanted, CustomPlan, Grant, PlanEntitlement, ResetPeriod
from connector.domain.terms import Cadence, ProvisionKind

NOTE = "countersign_grant_"
CONTRACT_NOTE = "countersign_contract"
_SOFT, _UNLIMITED = "soft", "unlimited"
_CADENCES = {Cadence.MONTH: "MONTH", Cadence.YEAR: "YEAR"}
_RESETS = {period: period.value.upper() for period in ResetPeriod}
_CALENDAR = {
    ResetPeriod.WEEK: ("weekly_reset_period_configuration", "EveryMonday"),
    ResetPeriod.MONTH: ("monthly_reset_period_configuration", "StartOfTheMonth"),
}
_FROM_START = {
    ResetPeriod.WEEK: "weekly_reset_period_configuration",
    ResetPeriod.MONTH: "monthly_reset_period_configuration",
    ResetPeriod.YEAR: "yearly_reset_period_configuration",
}
RESETS: Mapping[str, ResetPeriod] = {word: period for period, word in _RESETS.items()}
CADENCES: Mapping[str, Cadence] = {word: cadence for cadence, word in _CADENCES.items()}


class GrantRefused(StiggRefused):
    """What was sold cannot be granted on Stigg."""

    code = "NOT_ON_STIGG"
    fix = "Compare the plan in Stigg with what was sold, correct one of them, then press Resync."


def midnight(day: date) -> datetime:
    """The first instant of a day, as Stigg counts days (UTC)."""
    return datetime.combine(day, time(), tzinfo=UTC)


def day_of(text: Any) -> date | None:
    """The day of an instant that Stigg tells, in UTC; None for none."""
    moment = instant(text)
    return moment.date() if moment else None


def instant(text: Any) -> datetime | None:
    """An instant that Stigg tells; None for none."""
    return datetime.fromisoformat(text).astimezone(UTC) if isinstance(text, str) and text else None


def overrides(wanted: AccessWanted, plan: CustomPlan) -> list[Grant]:
    """The grants that the plan does not give by itself."""
    given = {one.ref: one for one in plan.entitlements}
    return [grant for grant in wanted.grants if grant.ref not in given or not _is_given(grant, given[grant.ref])]


def entitlements(wanted: AccessWanted, plan: CustomPlan) -> list[dict[str, Any]]:
    """The whole list of negotiated entitlements, as the SDK takes it. Raises GrantRefused."""
    given = {one.ref: one for one in plan.entitlements}
    return [
        _credit(grant) if grant.kind is ProvisionKind.CREDIT else _feature(grant, given.get(grant.ref))
        for grant in overrides(wanted, plan)
    ]


def add_ons(wanted: AccessWanted) -> list[dict[str, Any]]:
    """The add-ons, as the SDK takes them. Raises GrantRefused."""
    return [{"id": ref, "quantity": _whole(count, f"add-on {ref}")} for ref, count in wanted.add_ons]


def notes(wanted: AccessWanted, plan: CustomPlan, *, contract_ref: str, salesforce_id: str) -> dict[str, str]:
    """What we write beside the subscription: whose it is, and every negotiated value."""
    kept = {CONTRACT_NOTE: contract_ref, "sf_record_id": salesforce_id}
    return kept | {NOTE + grant.ref: _noted(grant) for grant in overrides(wanted, plan)}


def merged_notes(found: Mapping[str, str], ours: Mapping[str, str]) -> dict[str, str]:
    """Stigg replaces metadata whole: what others wrote stays, notes about grants that are gone go."""
    return {name: value for name, value in found.items() if not name.startswith(NOTE)} | dict(ours)


def noted_grant(ref: str, type_word: str, text: str) -> Grant | None:
    """A grant as we noted it; None when the note is not ours."""
    words = text.split()
    if not words or not (words[0] == _UNLIMITED or words[0].replace(".", "", 1).isdigit()):
        return None
    is_credit = type_word == "CREDIT"
    period = next((word for word in words[1:] if word != _SOFT), "")
    return Grant(
        ref=ref,
        kind=ProvisionKind.CREDIT if is_credit else ProvisionKind.ENTITLEMENT,
        value=None if words[0] == _UNLIMITED else Decimal(words[0]),
        is_unlimited=words[0] == _UNLIMITED,
        cadence=CADENCES.get(period.upper()) if is_credit else None,
        has_soft_limit=_SOFT in words[1:],
        reset_period=None if is_credit else RESETS.get(period.upper()),
    )


def _noted(grant: Grant) -> str:
    words = [_UNLIMITED if grant.is_unlimited else f"{grant.value:f}"]
    words += [period.value for period in (grant.cadence, grant.reset_period) if period is not None]
    return " ".join(words + ([_SOFT] if grant.has_soft_limit else []))


def _is_given(grant: Grant, entitlement: PlanEntitlement) -> bool:
    if entitlement.is_variable:
        return False
    return (grant.value, grant.is_unlimited, grant.cadence, grant.has_soft_limit, grant.reset_period) == (
        entitlement.value,
        entitlement.is_unlimited,
        entitlement.cadence,
        entitlement.has_soft_limit,
        entitlement.reset_period,
    )


def _feature(grant: Grant, entitlement: PlanEntitlement | None) -> dict[str, Any]:
    row: dict[str, Any] = {"id": grant.ref, "type": "FEATURE", "has_soft_limit": grant.has_soft_limit}
    if grant.is_unlimited:
        row["has_unlimited_usage"] = True
    else:
        row["usage_limit"] = _whole(grant.value, grant.ref)
    if grant.reset_period is not None:
        with_calendar = entitlement is not None and entitlement.resets_with_calendar
        row |= {"reset_period": _RESETS[grant.reset_period], **_reset_start(grant.reset_period, with_calendar)}
    return row


def _reset_start(period: ResetPeriod, with_calendar: bool) -> dict[str, Any]:
    if with_calendar and period in _CALENDAR:
        name, word = _CALENDAR[period]
        return {name: {"according_to": word}}
    return {_FROM_START[period]: {"according_to": "SubscriptionStart"}} if period in _FROM_START else {}


def _credit(grant: Grant) -> dict[str, Any]:
    if grant.is_unlimited or grant.value is None:
        raise GrantRefused(f"The credit {grant.ref} is sold as unlimited; Stigg grants credits only by amount.")
    if grant.cadence is None:
        raise GrantRefused(f"The credit {grant.ref} says neither month nor year; Stigg needs one of them.")
    if grant.value <= 0:
        raise GrantRefused(f"The credit {grant.ref} has the amount {grant.value}; it must be above 0.")
    return {
        "id": grant.ref,
        "type": "CREDIT",
        "amount": exact_number(grant.value, grant.ref),
        "cadence": _CADENCES[grant.cadence],
        "has_soft_limit": grant.has_soft_limit,
    }


def _whole(value: Decimal | None, what: str) -> int:
    """Limits are whole numbers on Stigg."""
    if value is None or value != value.to_integral_value():
        raise GrantRefused(f"The value of {what} is {value}; Stigg takes whole numbers only.")
    return int(value)


def exact_number(value: Decimal, what: str) -> int | float:
    """The number as the SDK can send it, when no digit is lost on the way. Raises GrantRefused."""
    if value == value.to_integral_value():
        return int(value)
    sent = float(value)
    if Decimal(repr(sent)) != value:
        raise GrantRefused(f"The value of {what} is {value}; Stigg's library cannot send so many digits.")
    return sent
