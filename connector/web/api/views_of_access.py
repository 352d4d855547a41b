"""What the addresses about access do: ask one query or use case, show the answer."""

from __future__ import annotations

import dataclasses

from flask import g

from connector.domain.credits import CreditBalance
from connector.domain.entitlements import EntitlementState, PlanEntitlement
from connector.services import current_services
from connector.store.differences import DifferenceRow, list_differences
from connector.store.platform_plans import PlanVersion
from connector.usecases import show_access
from connector.usecases.report_usage import report_usage
from connector.web.api import answers, answers_of_access, showing
from connector.web.api.access_body import (
    CheckParameters,
    DifferenceParameters,
    LedgerParameters,
    PlanBody,
    UsageBody,
)


def show_entitlements(customer: str) -> answers_of_access.EntitlementsAnswer:
    """What a customer may use now, with the credits that are left."""
    services = current_services()
    found = show_access.find_customer(database=services.database, customer_id=customer)
    states = services.usage.fetch_entitlements(customer_ref=found.platform_ref)
    balances = services.usage.fetch_credit_balances(customer_ref=found.platform_ref)
    return answers_of_access.EntitlementsAnswer(
        customer=found.platform_ref,
        salesforce_id=found.salesforce_id,
        name=found.name,
        entitlements=tuple(_entitlement(state) for state in states),
        credits=tuple(_credit(balance) for balance in balances),
    )


def check_entitlement(customer: str, ref: str, parameters: CheckParameters) -> answers_of_access.CheckAnswer:
    """Whether a customer may use so many more units of a feature or credit."""
    services = current_services()
    found = show_access.find_customer(database=services.database, customer_id=customer)
    state = show_access.check_entitlement(
        usage=services.usage, customer_ref=found.platform_ref, ref=ref, requested=parameters.requested
    )
    return answers_of_access.CheckAnswer(
        is_allowed=state.allows(parameters.requested), requested=parameters.requested, entitlement=_entitlement(state)
    )


def show_ledger(customer: str, ref: str, parameters: LedgerParameters) -> answers_of_access.LedgerAnswer:
    """The movements of one credit of a customer, newest first."""
    services = current_services()
    found = show_access.find_customer(database=services.database, customer_id=customer)
    page = services.usage.fetch_credit_ledger(
        customer_ref=found.platform_ref, credit_ref=ref, after=parameters.after, limit=100
    )
    entries = tuple(
        answers_of_access.LedgerEntryAnswer(
            entry=one.entry_ref, kind=one.kind.value, amount=one.amount, balance=one.balance,
            effective_at=one.effective_at, subscription=one.subscription_ref, note=one.note,
        )
        for one in page.entries
    )  # fmt: skip
    return answers_of_access.LedgerAnswer(data=entries, next=page.next_after or None)


def count_usage(body: UsageBody) -> answers_of_access.UsageCountedAnswer:
    """Count usage events, and take how far reporting reaches. An event is counted once, whoever sends it again."""
    services = current_services()
    counted = report_usage(database=services.database, door=services.usage_door, body=body.events, reach=body.reach())
    return answers_of_access.UsageCountedAnswer(counted=counted, repeated=len(body.events) - counted)


def list_plans() -> answers_of_access.PlansAnswer:
    """Every plan in its newest version."""
    return answers_of_access.PlansAnswer(data=tuple(_plan(one) for one in current_services().catalogue.plans()))


def show_plan(plan: str) -> answers_of_access.PlansAnswer:
    """All versions of one plan, oldest first."""
    return answers_of_access.PlansAnswer(
        data=tuple(_plan(one) for one in current_services().catalogue.versions(ref=plan))
    )


def save_plan(plan: str, body: PlanBody) -> answers_of_access.PlanAnswer:
    """Make the next version of a plan as a draft, or change its draft."""
    found = current_services().catalogue.save_draft(plan=body.plan(plan), actor=g.token.name)
    return _plan(found)


def publish_plan(plan: str) -> answers_of_access.PlanAnswer:
    """Publish the draft of a plan: new orders use it, running subscriptions stay on their version."""
    return _plan(current_services().catalogue.publish(ref=plan, actor=g.token.name))


def show_differences(parameters: DifferenceParameters) -> answers.PageAnswer[answers_of_access.DifferenceAnswer]:
    """Values in which two sides differ, newest first."""
    with current_services().database.reading() as connection:
        found = list_differences(
            connection=connection, page=parameters.page, room=parameters.room, is_open=parameters.state == "open"
        )
    return showing.page(found, _difference)


def _entitlement(state: EntitlementState) -> answers_of_access.EntitlementAnswer:
    return answers_of_access.EntitlementAnswer(
        ref=state.ref, kind=state.kind.value, is_granted=state.is_granted, is_unlimited=state.is_unlimited,
        has_soft_limit=state.has_soft_limit, limit=state.limit, used=state.used, left=state.left,
        reset_period=state.reset_period.value if state.reset_period else None, period_ends_at=state.period_ends_at,
        plan=state.plan_ref, reason=state.reason,
    )  # fmt: skip


def _credit(balance: CreditBalance) -> answers_of_access.CreditAnswer:
    return answers_of_access.CreditAnswer(
        credit=balance.credit_ref, balance=balance.balance, granted=balance.granted, consumed=balance.consumed,
        next_grant_at=balance.next_grant_at,
    )  # fmt: skip


def _plan(found: PlanVersion) -> answers_of_access.PlanAnswer:
    plan = found.plan
    return answers_of_access.PlanAnswer(
        ref=plan.ref, product=plan.product_ref, name=plan.name, version=plan.version, state=found.state,
        made_at=found.made_at, published_at=found.published_at, actor=found.actor, add_ons=plan.add_on_refs,
        entitlements=tuple(_plan_entitlement(one) for one in plan.entitlements),
    )  # fmt: skip


def _plan_entitlement(one: PlanEntitlement) -> answers_of_access.PlanEntitlementAnswer:
    return answers_of_access.PlanEntitlementAnswer(
        ref=one.ref, kind=one.kind.value, name=one.name, variable=one.is_variable, optional=one.is_optional,
        value="unlimited" if one.is_unlimited else None if one.value is None else f"{one.value:f}",
        cadence=one.cadence.value if one.cadence else None, feature=one.feature_kind.value,
        soft_limit=one.has_soft_limit, reset=one.reset_period.value if one.reset_period else None,
        resets_with_calendar=one.resets_with_calendar, draws=one.draws_ref or None,
        draws_per_unit=one.draws_per_unit if one.draws_ref else None,
    )  # fmt: skip


def _difference(row: DifferenceRow) -> answers_of_access.DifferenceAnswer:
    values = dataclasses.asdict(row)
    del values["id"]
    return answers_of_access.DifferenceAnswer(**values)
