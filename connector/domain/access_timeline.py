"""What a contract lets the customer use from which day on: the orders of a contract laid out in time.

Exists because access that begins later is granted later: the next step of a ramp, a downsell at the period's end, a
renewal's new values, an order that is taken back from a day on. It must not know what day it is or what is granted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from connector.domain.access_sold import access_wanted
from connector.domain.contract_lines import line_key
from connector.domain.contract_terms import Contract, Undo
from connector.domain.entitlements import AccessWanted, CustomPlan
from connector.domain.terms import DealType, LineItem, Order, ProvisionKind
from connector.errors import Fault


@dataclass(frozen=True, slots=True)
class AccessPhase:
    """What holds from that day on, until the next phase begins."""

    starts_on: date
    wanted: AccessWanted


@dataclass(frozen=True, slots=True)
class AccessTimeline:
    """One subscription over time; the phases follow each other by date, each another one than the one before.

    `is_lasting` is False when only orders that were taken back sell the product: it ends with them.
    """

    product_ref: str
    phases: tuple[AccessPhase, ...]
    is_lasting: bool = True

    def at(self, day: date) -> AccessWanted:
        """What holds on that day; before the first phase begins, what it will begin with."""
        begun = [phase for phase in self.phases if phase.starts_on <= day]
        return (begun[-1] if begun else self.phases[0]).wanted

    def after(self, day: date) -> tuple[AccessPhase, ...]:
        """The changes that begin only after that day; the subscription's own beginning is none of them."""
        return tuple(phase for phase in self.phases[1:] if phase.starts_on > day)


@dataclass(frozen=True, slots=True)
class SoldLine:
    """A line item as it counts: from which day on, until which (taken back, None: not), and after which others.

    `rank` is the place of its order in the sequence in which the orders take effect.
    """

    item: LineItem
    rank: int
    starts_on: date
    until: date | None = None

    def counts_on(self, day: date) -> bool:
        """Whether it was not taken back by that day."""
        return self.until is None or day < self.until


def access_timelines(
    *, orders: Sequence[Order], undone: Sequence[Undo] = (), contract: Contract | None = None,
    plans: Mapping[str, CustomPlan],
) -> tuple[tuple[AccessTimeline, ...], tuple[Fault, ...]]:  # fmt: skip
    """The subscriptions of a contract over time, and every reason why they cannot be granted as sold.

    `orders` are all of the contract in any sequence, undone ones included. `contract` tells from which day a change
    counts (a downsell waits for the next boundary); without it, each line counts from its own first day. An order that
    was taken back counts until the day given, a cancellation that was taken back never: nobody's access is interrupted
    for it. What no later order names stays as it was.
    """
    sold = _sold_lines(orders, {step.order_ref: step.on for step in undone}, contract)
    ended = [
        order.cancel_from
        for order in orders
        if order.deal_type is DealType.CANCELLATION and order.cancel_from and not _is_undone(order, undone)
    ]
    faults = list(access_wanted(line_items=_lasting(sold, plans), plans=plans)[1])
    days = sorted({line.starts_on for line in sold} | {line.until for line in sold if line.until})
    found: dict[str, list[AccessPhase]] = {}
    for day in days:
        access, more = _access_on(day, sold, plans)
        faults += [fault for fault in more if fault.code == "CREDIT_BEGINS_LATE" and fault not in faults]
        for one in access:
            if day >= one.starts_on:
                _append(
                    found.setdefault(one.product_ref, []), AccessPhase(day, _ending(one, min(ended)) if ended else one)
                )
        for product_ref in found.keys() - {one.product_ref for one in access}:
            found[product_ref] = [replace(phase, wanted=_ending(phase.wanted, day)) for phase in found[product_ref]]
    lasting = {_slot(line.item, plans)[1] for line in sold if _is_plan(line.item) and line.until is None}
    timelines = tuple(AccessTimeline(ref, tuple(phases), ref in lasting) for ref, phases in found.items())
    return timelines, tuple(faults)


def _append(phases: list[AccessPhase], phase: AccessPhase) -> None:
    if not phases or phases[-1].wanted != phase.wanted:
        phases.append(phase)


def _is_undone(order: Order, undone: Sequence[Undo]) -> bool:
    return any(step.order_ref == order.source.record_id for step in undone)


def _sold_lines(orders: Sequence[Order], undone: Mapping[str, date], contract: Contract | None) -> list[SoldLine]:
    begins = _begins(contract)
    sequence = sorted(orders, key=lambda order: (order.starts_on, order.deal_type is not DealType.NEW))
    return [
        SoldLine(
            item, rank, begins.get(line_key(order=order, item=item), item.starts_on),
            undone.get(order.source.record_id),
        )
        for rank, order in enumerate(sequence)
        for item in order.line_items
        if item.provision.kind is not ProvisionKind.NOTHING
    ]  # fmt: skip


def _begins(contract: Contract | None) -> dict[str, date]:
    """The day from which each line counts, by its key; that of an undone order as it was before it was undone."""
    found: dict[str, date] = {}
    while contract is not None:
        for line in contract.lines:
            found.setdefault(line.key, line.starts_on)
        contract = contract.before
    return found


def _lasting(sold: Sequence[SoldLine], plans: Mapping[str, CustomPlan]) -> tuple[LineItem, ...]:
    """The lines that say together what is sold in the end, for the rules that look at a whole deal.

    By order, whatever arrived first: a later order's value of an entitlement replaces the earlier one, and so does its
    plan of the same product; a plan that is sold again, as by a renewal, runs on; what is not named stays.
    """
    kept: dict[tuple[ProvisionKind, str], list[SoldLine]] = {}
    for line in sorted((line for line in sold if line.until is None), key=lambda line: line.rank):
        earlier = kept.setdefault(_slot(line.item, plans), [])
        is_same_plan = line.item.provision.kind is ProvisionKind.PLAN and all(
            one.item.provision.ref == line.item.provision.ref for one in earlier
        )
        if earlier and earlier[-1].rank < line.rank and not is_same_plan:
            earlier.clear()
        earlier.append(line)
    return tuple(line.item for lines in kept.values() for line in lines)


def _is_plan(item: LineItem) -> bool:
    return item.provision.kind is ProvisionKind.PLAN


def _slot(item: LineItem, plans: Mapping[str, CustomPlan]) -> tuple[ProvisionKind, str]:
    """What a line takes the place in: the feature, the add-on, or the product of its plan."""
    plan = plans.get(item.provision.ref) if item.provision.kind is ProvisionKind.PLAN else None
    return item.provision.kind, item.provision.ref if plan is None else plan.product_ref


def _access_on(
    day: date, sold: Sequence[SoldLine], plans: Mapping[str, CustomPlan]
) -> tuple[tuple[AccessWanted, ...], tuple[Fault, ...]]:
    """What the lines that count on that day ask for: of each feature the value that began last, of each plan all."""
    slots: dict[tuple[ProvisionKind, str], list[SoldLine]] = {}
    for line in sold:
        if line.counts_on(day):
            slots.setdefault(_slot(line.item, plans), []).append(line)
    lines: list[LineItem] = []
    later: list[LineItem] = []
    for (kind, _ref), found in slots.items():
        begun = [line for line in found if line.starts_on <= day]
        if kind is ProvisionKind.PLAN:
            lines += _plan_on(begun or found, found) if _is_known(found, plans) else []
        elif begun:
            first = min(line.starts_on for line in begun)
            lines += [replace(line.item, starts_on=first) for line in _latest(begun)]
        else:
            later += [line.item for line in found]
    return access_wanted(line_items=lines, plans=plans, later=later)


def _is_known(found: Sequence[SoldLine], plans: Mapping[str, CustomPlan]) -> bool:
    return all(line.item.provision.ref in plans for line in found)


def _latest(begun: Sequence[SoldLine]) -> list[SoldLine]:
    last = max((line.starts_on, line.rank) for line in begun)
    return [line for line in begun if (line.starts_on, line.rank) == last]


def _plan_on(begun: Sequence[SoldLine], found: Sequence[SoldLine]) -> list[LineItem]:
    """The plan that began last, for the whole time in which the product is sold: a change of plan ends nothing."""
    starts_on, ends_on = min(line.item.starts_on for line in found), max(line.item.ends_on for line in found)
    return [replace(line.item, starts_on=starts_on, ends_on=ends_on) for line in _latest(begun)]


def _ending(access: AccessWanted, day: date) -> AccessWanted:
    """The same, with that first day without service, unless it ends before."""
    return replace(access, ends_on=max(access.starts_on, min(access.ends_on, day)))
