"""What each fulfilment step does: prepare rows, call the outside with a key made from them, record the answer.

One entry per step in STEP_WORK. `prepare` and `record` run inside a transaction and touch only our rows; `call` runs
outside any transaction. A step without a `call` of its own is done wholly in `record`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from connector.domain.access_timeline import AccessTimeline
from connector.domain.contract_rules import effective_on
from connector.domain.contract_terms import COMMITTED_KINDS, Contract
from connector.domain.contracts import build_contract, contract_value
from connector.domain.entitlements import access_differences
from connector.domain.fulfilment import StepName
from connector.domain.invoicing import next_bill_date
from connector.domain.metering import metering_faults
from connector.domain.schedule import schedule
from connector.domain.terms import ChargeType, Order
from connector.errors import Conflict, Fault, Refused
from connector.ports import EntitlementPlatform, SubscriptionRequest
from connector.store import contract_orders, contracts, orders, records, scheduled_access
from connector.store.contracts import StoredContract, StoredSubscription
from connector.store.metering import metered_beside
from connector.store.unit_of_work import UnitOfWork
from connector.usecases.access_in_force import Plans, access_in_force, plan_refs


class AccessDiffers(Refused):
    """The access granted is not the access sold."""

    code = "ACCESS_DIFFERS"
    owner = "RevOps"
    fix = "Correct the subscription on the entitlement platform, or the plan, then press Resync."


class TermsRefused(Refused):
    """The signed terms cannot be fulfilled as they stand."""

    code = "TERMS"
    owner = "sales rep"

    def __init__(self, faults: tuple[Fault, ...], *, terms: Order | None = None) -> None:
        super().__init__(faults[0].message, code=faults[0].code, owner=faults[0].owner, fix=faults[0].fix)
        self.faults = faults
        self.terms = terms


@dataclass(frozen=True, slots=True)
class StepContext:
    """What every step needs: the order's terms, the plans that its contract sells, and the outside."""

    platform: EntitlementPlatform
    order_id: int
    terms: Order
    plans: Plans


@dataclass(frozen=True, slots=True)
class StepWork:
    """The three phases of one step; what `prepare` answers goes to `call`, what `call` answers goes to `record`."""

    prepare: Callable[[UnitOfWork, StepContext, datetime], Any]
    call: Callable[[StepContext, Any], Any]
    record: Callable[[UnitOfWork, StepContext, Any, datetime], Any]
    is_outside: bool


def line_values(*, contract: Contract) -> dict[str, Decimal]:
    """Committed value by the Salesforce id of the line item."""
    values: dict[str, Decimal] = {}
    for charge in schedule(contract=contract):
        if charge.kind in COMMITTED_KINDS:
            ref = charge.line.item.ref
            values[ref] = values.get(ref, Decimal(0)) + charge.amount.amount
    return values


def _nothing_to_prepare(work: UnitOfWork, context: StepContext, now: datetime) -> None:
    del work, context, now


def _no_call(context: StepContext, material: Any) -> None:
    del context, material


# The customer: the account is the key, so two orders of one account, also at once, are one customer.


def _call_customer(context: StepContext, _material: Any) -> str:
    key = f"customer-{context.terms.source.org_id}-{context.terms.customer.ref}"
    return context.platform.upsert_customer(key=key, customer=context.terms.customer)


def _record_customer(work: UnitOfWork, context: StepContext, platform_ref: Any, now: datetime) -> Any:
    org_id, customer = context.terms.source.org_id, context.terms.customer
    contracts.save_customer(work=work, org_id=org_id, customer=customer, platform_ref=platform_ref, now=now)
    return {"customer": platform_ref}


# The contract: all its orders together make its value anew.


def _record_contract(work: UnitOfWork, context: StepContext, _answer: Any, now: datetime) -> Any:
    stored, contract = _contract_with(work, context, now)
    value = contract_value(contract=contract)
    is_new = stored.version == 0
    if is_new or not contracts.has_version(work=work, contract_id=stored.id, order_id=context.order_id):
        contracts.save_version(
            work=work,
            contract=stored,
            order_id=context.order_id,
            value=value.amount,
            starts_on=contract.starts_on,
            ends_on=contract.ends_on,
            bill_from=_bill_from(context.terms, contract, is_new=is_new),
            warnings=contract.warnings,
            reason=f"{context.terms.deal_type}: {context.terms.name}",
            now=now,
        )
        _save_lines(work, context, stored.id, contract)
    _wake_waiting(work, context, now)
    warnings = [warning.sentence() for warning in contract.warnings]
    return {"contract": stored.number, "value": value.amount, "currency": value.currency, "warnings": warnings}


def _bill_from(terms: Order, contract: Contract, *, is_new: bool) -> date | None:
    """The first day on which the order changes what is billed."""
    return next_bill_date(contract=contract, after=date.min) if is_new else effective_on(order=terms)


def _contract_with(work: UnitOfWork, context: StepContext, now: datetime) -> tuple[StoredContract, Contract]:
    """The stored contract, locked, and what it is with this order. Raises ContractRefused."""
    contract_id = contract_orders.find_contract(connection=work.connection, order=context.terms)
    if contract_id is None:
        contract = build_contract(orders=[context.terms])
        value = contract_value(contract=contract).amount
        order_id, terms = context.order_id, context.terms
        return contracts.open_contract(work=work, order_id=order_id, order=terms, value=value, now=now), contract
    stored = contracts.lock(work=work, contract_id=contract_id)
    # Read under the lock: another order of this contract may have come first.
    signed = contract_orders.load_orders(connection=work.connection, contract_id=stored.id)
    return stored, build_contract(orders=[*signed.terms_beside(context.terms), context.terms], undone=signed.undone)


def _save_lines(work: UnitOfWork, context: StepContext, contract_id: int, contract: Contract) -> None:
    contracts.save_lines(
        work=work,
        contract_id=contract_id,
        line_items=context.terms.line_items,
        order_line_ids=orders.line_ids(work=work, order_id=context.order_id),
        values=line_values(contract=contract),
    )


def _wake_waiting(work: UnitOfWork, context: StepContext, now: datetime) -> None:
    """Orders that wait for this one are looked at again at once."""
    for record_row_id in orders.waiting_for(work=work, record_id=context.terms.source.record_id):
        records.wake_at(work=work, record_row_id=record_row_id, moment=now)


# The subscriptions: one per plan and contract; the key is made of our row's id. What begins later waits for its day.


@dataclass(frozen=True, slots=True)
class _Granting:
    """What is to be granted of a contract, as it is wanted on that day."""

    contract_id: int
    customer_ref: str
    wanted: list[StoredSubscription]
    today: date


def _prepare_subscriptions(work: UnitOfWork, context: StepContext, now: datetime) -> Any:
    contract_id = _contract_id(work, context)
    _refuse_while_granting(work, context, contract_id)
    timelines = _access_of_contract(work, context, contract_id)
    today = now.date()
    wanted = [
        contracts.want_subscription(
            work=work, contract_id=contract_id, order_id=context.order_id, wanted=timeline.at(today), now=now
        )
        for timeline in timelines
    ]
    scheduled_access.save_schedule(
        work=work, contract_id=contract_id, order_id=context.order_id, timelines=timelines, today=today, now=now
    )
    org_id, account = context.terms.source.org_id, context.terms.customer.ref
    return _Granting(contract_id, contracts.platform_ref(work=work, org_id=org_id, customer_ref=account), wanted, today)


def _refuse_while_granting(work: UnitOfWork, context: StepContext, contract_id: int) -> None:
    """Two orders of one contract change the same subscriptions; their grants must not overtake each other."""
    contracts.lock(work=work, contract_id=contract_id)
    if other := orders.granting_now(work=work, contract_id=contract_id, but_order_id=context.order_id):
        raise Conflict(f"Order {other} of the same contract is being granted at this moment.")


def _access_of_contract(work: UnitOfWork, context: StepContext, contract_id: int) -> tuple[AccessTimeline, ...]:
    """What all orders of the contract sell together by now: another one may have joined since this one was read."""
    signed = contract_orders.load_orders(connection=work.connection, contract_id=contract_id)
    terms = signed.terms
    if plan_refs(terms=terms) - set(context.plans):
        raise Conflict("Another order of the same contract has brought a plan meanwhile.")
    timelines, faults = access_in_force(terms=terms, plans=context.plans, undone=signed.undone)
    if faults:
        raise TermsRefused(faults)
    return tuple(one for one in timelines if one.is_lasting)


def _call_subscriptions(context: StepContext, material: _Granting) -> tuple[_Granting, tuple[str, ...]]:
    requests = [_request(context, material.contract_id, material.customer_ref, row) for row in material.wanted]
    return material, context.platform.grant(requests=requests) if requests else ()


def _request(context: StepContext, contract_id: int, customer_ref: str, row: StoredSubscription) -> SubscriptionRequest:
    return SubscriptionRequest(
        key=f"subscription-{row.id}",
        customer_ref=customer_ref,
        contract_ref=f"contract-{contract_id}",
        wanted=row.wanted,
        salesforce_id=context.terms.source.record_id,
        subscription_ref=row.platform_ref,
        currency=context.terms.currency,
    )


def _record_subscriptions(work: UnitOfWork, _context: StepContext, answer: Any, now: datetime) -> Any:
    granted, refs = answer
    for row, ref in zip(granted.wanted, refs, strict=True):
        contracts.save_subscription(work=work, subscription_id=row.id, platform_ref=ref, state="granted", now=now)
    scheduled_access.settle_until(work=work, contract_id=granted.contract_id, day=granted.today, now=now)
    return {"subscriptions": list(refs)}


def _contract_id(work: UnitOfWork, context: StepContext) -> int:
    return orders.contract_of(work=work, order_id=context.order_id)


# Metering: each usage line names the feature whose usage it bills.


def _record_metering(work: UnitOfWork, context: StepContext, _answer: Any, _now: datetime) -> Any:
    usage_lines = [line for line in context.terms.line_items if line.charge_type is ChargeType.USAGE]
    contract_id = _contract_id(work, context)
    signed = contract_orders.load_orders(connection=work.connection, contract_id=contract_id)
    others = metered_beside(work=work, contract_id=contract_id)
    contract = build_contract(orders=signed.terms, undone=signed.undone)
    faults = metering_faults(order=context.terms, contract=contract, metered_elsewhere=others)
    if faults:
        raise TermsRefused(faults)
    ids = orders.line_ids(work=work, order_id=context.order_id)
    for line in usage_lines:
        contracts.save_metered_feature(
            work=work, contract_id=contract_id, order_line_id=ids[line.ref], feature_ref=line.provision.ref
        )
    return {"metered": {line.product_code: line.provision.ref for line in usage_lines}}


# Read-back: what is granted must be what was sold, value by value.


def _prepare_read_back(work: UnitOfWork, context: StepContext, _now: datetime) -> Any:
    rows = contracts.load_subscriptions(work=work, contract_id=_contract_id(work, context))
    # What only an undone order had sold is ended and sold no more.
    return [row for row in rows if row.state != contracts.REVOKED]


def _call_read_back(context: StepContext, rows: Any) -> dict[int, int]:
    """The version of its plan that each subscription runs on, by row id. Raises AccessDiffers."""
    found = []
    versions: dict[int, int] = {}
    for row in rows:
        granted = context.platform.fetch_subscription(subscription_ref=row.platform_ref)
        versions[row.id] = granted.plan_version if granted else 0
        found += [(row, difference) for difference in access_differences(wanted=row.wanted, granted=granted)]
    if found:
        said = "; ".join(f"{item.what}: sold {item.sold}, granted {item.granted}" for _row, item in found)
        raise AccessDiffers(f"The access granted differs from the access sold. {said}.")
    return versions


def _record_read_back(work: UnitOfWork, context: StepContext, versions: Any, now: datetime) -> Any:
    rows = contracts.load_subscriptions(work=work, contract_id=_contract_id(work, context))
    for row in rows:
        if row.id in versions:
            contracts.save_plan_version(work=work, subscription=row, version=versions[row.id])
            contracts.save_subscription(
                work=work, subscription_id=row.id, platform_ref=row.platform_ref, state="confirmed", now=now
            )
    return {"confirmed": [row.platform_ref for row in rows if row.id in versions]}


STEP_WORK: dict[StepName, StepWork] = {
    StepName.CUSTOMER: StepWork(_nothing_to_prepare, _call_customer, _record_customer, is_outside=True),
    StepName.CONTRACT: StepWork(_nothing_to_prepare, _no_call, _record_contract, is_outside=False),
    StepName.SUBSCRIPTIONS: StepWork(
        _prepare_subscriptions, _call_subscriptions, _record_subscriptions, is_outside=True
    ),
    StepName.METERING: StepWork(_nothing_to_prepare, _no_call, _record_metering, is_outside=False),
    StepName.READ_BACK: StepWork(_prepare_read_back, _call_read_back, _record_read_back, is_outside=True),
}
