"""Stigg as a subject of the contract tests: the adapter over HTTP on the strict stand-in, with the suite's plans."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from connector.adapters.clock import FixedClock
from connector.adapters.entitlements_stigg import StiggPlatform
from connector.adapters.stigg_calls import StiggAccount, StiggCalls, Turns
from connector.domain.entitlements import CustomPlan, PlanEntitlement
from connector.domain.pacing import Turn
from connector.domain.terms import ProvisionKind
from tests.stigg_server import API_KEY, StiggServer
from tests.stigg_server.catalogue import Catalogue, Entitled, SoldPlan


class NoWaiting:
    """Every change has its turn at once."""

    def take(self, *, key: str, entity: str, now: datetime, patience: timedelta) -> Turn:
        """See `Turns`."""
        del key, entity, patience
        return Turn(now, is_granted=True)


def stigg_server(
    plans: Iterable[CustomPlan], clock: FixedClock, *, add_ons: Mapping[str, str] | None = None
) -> StiggServer:
    """A stand-in that sells these plans and stands at the clock's time; it must be started and stopped.

    `add_ons` gives a plan the one add-on that goes with it.
    """
    fitting = add_ons or {}
    sold = tuple(_sold(plan, fitting.get(plan.ref, "")) for plan in plans)
    extra = tuple(SoldPlan(fitting[plan.ref], plan.product) for plan in sold if plan.ref in fitting)
    return StiggServer(Catalogue(sold, add_ons=extra), now=clock.now, is_limited=False)


def stigg_platform(
    server: StiggServer,
    clock: FixedClock,
    *,
    turns: Turns | None = None,
    read_seconds: float = 5,
    writes_prices: bool = False,
) -> StiggPlatform:
    """The adapter on that stand-in; it waits for nothing."""
    account = StiggAccount(base_url=server.base_url, api_key=API_KEY, read_seconds=read_seconds)
    paced = turns or NoWaiting()
    calls = StiggCalls(
        account=account, turns=paced, history_turns=NoWaiting(), clock=clock, sleep=lambda _seconds: None
    )
    return StiggPlatform(calls, writes_prices=writes_prices)


def _sold(plan: CustomPlan, add_on: str) -> SoldPlan:
    optional = " ".join(one.ref for one in plan.entitlements if one.is_optional)
    return SoldPlan(
        ref=plan.ref,
        product=plan.product_ref,
        entitlements=tuple(_entitled(one) for one in plan.entitlements),
        status="PUBLISHED" if plan.is_published else "DRAFT",
        metadata={"countersign_optional": optional} if optional else {},
        add_ons=(add_on,) if add_on else (),
        name=plan.name,
    )


def _entitled(entitlement: PlanEntitlement) -> Entitled:
    return Entitled(
        ref=entitlement.ref,
        type="CREDIT" if entitlement.kind is ProvisionKind.CREDIT else "FEATURE",
        amount=None if entitlement.value is None else int(entitlement.value),
        is_custom=entitlement.is_variable,
        is_unlimited=entitlement.is_unlimited,
        has_soft_limit=entitlement.has_soft_limit,
        reset_period=entitlement.reset_period.value.upper() if entitlement.reset_period else None,
        cadence=entitlement.cadence.value.upper() if entitlement.cadence else None,
    )
