"""A signed record becomes an order that can be fulfilled, or every reason why not, before anything is made.

Exists so that mapping, commercial checks, tie-out and the platform's catalogue speak with one voice: all faults at
once. Reads only; it must not write or move anything.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from connector.domain.access_timeline import AccessTimeline
from connector.domain.checks import check_order
from connector.domain.contracts import Contract, ContractRefused, build_contract, order_value, tie_out
from connector.domain.entitlements import AccessWanted
from connector.domain.terms import DealType, Order
from connector.errors import Refused
from connector.ports import EntitlementPlatform, Record, RecordMapping
from connector.store import contract_orders, contracts
from connector.store.contract_orders import ContractOrders
from connector.store.unit_of_work import Database
from connector.usecases.access_in_force import Plans, access_in_force, fetch_plans
from connector.usecases.fulfilment_steps import TermsRefused


class WaitsForOrder(Refused):
    """The order changes another one that is not here yet."""

    code = "WAITS_FOR_ORDER"
    owner = "nobody"
    fix = "Nothing to do: it goes on by itself as soon as the other deal has its contract."

    def __init__(self, terms: Order) -> None:
        verb = {DealType.RENEWAL: "renews", DealType.CANCELLATION: "cancels"}.get(terms.deal_type, "changes")
        super().__init__(f"This deal {verb} the deal {terms.amends_ref}, which has no contract here yet.")
        self.terms = terms


@dataclass(frozen=True, slots=True)
class OrderRead:
    """An order that can be fulfilled: its terms, its value in its currency, the access it sells, and the plans.

    `timelines` is what its contract lets the customer use with it, over time; `contract` is what its contract is with
    it, or the one that it opens.
    """

    terms: Order
    value: Decimal
    timelines: tuple[AccessTimeline, ...]
    plans: Plans
    contract: Contract

    @property
    def access(self) -> tuple[AccessWanted, ...]:
        """The access on the order's first day; what begins later is in the timelines."""
        return tuple(timeline.at(self.terms.starts_on) for timeline in self.timelines)


def read_order(
    *, record: Record, mapping: RecordMapping, database: Database, platform: EntitlementPlatform
) -> OrderRead:
    """Map and check a signed record.

    Raises a Refused error with `faults` (all of them), or WaitsForOrder with the terms when the order it changes has
    no contract yet.
    """
    return check_terms(terms=mapping.to_order(record), database=database, platform=platform)


def check_terms(*, terms: Order, database: Database, platform: EntitlementPlatform) -> OrderRead:
    """Check an order that was read before, or that somebody wrote down. Raises like `read_order`."""
    signed, versions = _signed_before(database, terms)
    if terms.amends_ref and not signed.documents:
        raise WaitsForOrder(terms)
    faults = list(check_order(order=terms))
    together = [*signed.terms_beside(terms), terms]
    plans = fetch_plans(platform=platform, terms=together, versions=versions)
    timelines, access_faults = access_in_force(terms=together, plans=plans, undone=signed.undone)
    faults += access_faults
    if faults:
        raise TermsRefused(tuple(faults), terms=terms)
    base, contract = _contracts(terms, signed)
    lasting = tuple(one for one in timelines if one.is_lasting)
    return OrderRead(terms, order_value(order=terms, base=base).amount, lasting, plans, contract)


def plans_again(*, contract_id: int, database: Database, platform: EntitlementPlatform) -> Plans:
    """The plans of an order whose terms are settled, for a run that goes on."""
    with database.looking() as work:
        signed = contract_orders.load_orders(connection=work.connection, contract_id=contract_id)
        versions = contracts.plan_versions(work=work, contract_id=contract_id)
    return fetch_plans(platform=platform, terms=signed.terms, versions=versions)


def _signed_before(database: Database, terms: Order) -> tuple[ContractOrders, dict[str, int]]:
    """What made the contract that this order belongs to, and the versions of the plans that it runs on.

    Nothing when the order opens one, or waits for it.
    """
    with database.looking() as work:
        contract_id = contract_orders.find_contract(connection=work.connection, order=terms)
        if contract_id is None:
            return ContractOrders(), {}
        signed = contract_orders.load_orders(connection=work.connection, contract_id=contract_id)
        return signed, contracts.plan_versions(work=work, contract_id=contract_id)


def _contracts(terms: Order, signed: ContractOrders) -> tuple[Contract | None, Contract]:
    """The contract without the order and with it. Raises TermsRefused when they do not fit or the total differs."""
    earlier = signed.terms_beside(terms)
    try:
        base = build_contract(orders=earlier, undone=signed.undone) if earlier else None
        contract = build_contract(orders=[*earlier, terms], undone=signed.undone)
        faults = tie_out(order=terms, base=base)
    except ContractRefused as error:
        raise TermsRefused(tuple(error.faults), terms=terms) from error
    if faults:
        raise TermsRefused(faults, terms=terms)
    return base, contract
