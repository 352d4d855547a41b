"""From the settings to the embedded entitlement platform: its plans, its rows, its usage book.

Used by the composition root and by tests; nothing is called.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from decimal import Decimal

from connector.adapters.entitlements_embedded import EmbeddedPlatform
from connector.adapters.usage_embedded import EmbeddedUsage
from connector.config import EntitlementSettings, PlanEntitlementSettings, PlanSettings
from connector.domain.entitlements import CustomPlan, FeatureKind, PlanEntitlement, ResetPeriod
from connector.domain.terms import Cadence, ProvisionKind
from connector.ports import Clock
from connector.store.platform import PlatformStore
from connector.store.platform_plans import PlanStore
from connector.store.platform_usage import PlatformUsageStore
from connector.store.unit_of_work import Database


def embedded_platform(*, database: Database, clock: Clock, plans: Iterable[CustomPlan]) -> EmbeddedPlatform:
    """The embedded entitlement platform over a database."""
    return EmbeddedPlatform(plans=plans, rows=PlatformStore(database), catalogue=PlanStore(database), clock=clock)


def embedded_usage(
    *, database: Database, clock: Clock, platform: EmbeddedPlatform, late: timedelta = timedelta(days=35)
) -> EmbeddedUsage:
    """The usage book of the embedded platform. `late` is how old an event may be when it is reported."""
    return EmbeddedUsage(
        subscriptions=PlatformStore(database),
        rows=PlatformUsageStore(database),
        plan=lambda ref, version: platform.fetch_plan(plan_ref=ref, version=version),
        clock=clock,
        late=late,
    )


def configured_plans(settings: EntitlementSettings) -> tuple[CustomPlan, ...]:
    """The plans of the configuration."""
    return tuple(_plan(plan) for plan in settings.plans)


def _plan(settings: PlanSettings) -> CustomPlan:
    return CustomPlan(
        ref=settings.ref,
        product_ref=settings.product,
        is_published=settings.published,
        name=settings.name,
        add_on_refs=settings.add_ons,
        entitlements=tuple(_entitlement(entitlement) for entitlement in settings.entitlements),
    )


def _entitlement(settings: PlanEntitlementSettings) -> PlanEntitlement:
    is_unlimited = settings.value == "unlimited"
    return PlanEntitlement(
        ref=settings.ref,
        kind=ProvisionKind(settings.kind),
        is_variable=settings.variable,
        value=None if settings.value is None or is_unlimited else Decimal(settings.value),
        is_unlimited=is_unlimited,
        cadence=Cadence(settings.cadence) if settings.cadence else None,
        is_optional=settings.optional,
        name=settings.name,
        feature_kind=FeatureKind(settings.feature),
        has_soft_limit=settings.soft_limit,
        reset_period=ResetPeriod(settings.reset) if settings.reset else None,
        resets_with_calendar=settings.resets_with_calendar,
        draws_ref=settings.draws,
        draws_per_unit=settings.draws_per_unit if settings.draws else Decimal(0),
    )
