"""What a record would become, written nowhere: order, contract, charges, access, and every fault.

Exists so that a RevOps engineer sees the whole chain before go-live, by the same functions that do it for real.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from connector.domain.contracts import build_contract, contract_value
from connector.domain.schedule import schedule
from connector.domain.terms import Order
from connector.errors import Fault, NotFound, Refused
from connector.ports import Clock, EntitlementPlatform, Org, Record, RecordMapping
from connector.store.unit_of_work import Database
from connector.usecases.read_order import read_order
from connector.usecases.resync import salesforce_id18
from connector.usecases.stopped_deal import fault_of


def preview(
    *,
    orgs: Mapping[str, Org],
    platform: EntitlementPlatform,
    clock: Clock,
    database: Database,
    salesforce_id: str,
    org_id: str = "",
) -> dict[str, Any]:
    """The chain for one record as a document. Raises NotFound when no connected org has it."""
    org, mapping, record = _find(orgs, salesforce_id18(salesforce_id), org_id)
    is_signed, reason = org.is_signed(record)
    answer: dict[str, Any] = {
        "salesforce_id": record.ref.record_id,
        "object": record.ref.object,
        "org_id": org.org_id,
        "at": clock.now(),
        "is_signed": is_signed,
        "reason": reason,
        "mapping_version": mapping.version,
    }
    return answer | _chain(record, mapping, database, platform)


def _find(orgs: Mapping[str, Org], record_id: str, org_id: str) -> tuple[Org, RecordMapping, Record]:
    for org in orgs.values():
        if org_id and org.org_id != org_id:
            continue
        for mapping in org.mappings.values():
            for record in org.gateway.fetch(selection=mapping.selection, record_ids=[record_id]):
                return org, mapping, record
    raise NotFound(f"No connected org has a record {record_id} of a kind that is mapped.")


def _chain(record: Record, mapping: RecordMapping, database: Database, platform: EntitlementPlatform) -> dict[str, Any]:
    empty: dict[str, Any] = {"order": None, "contract": None, "charges": [], "entitlements": [], "faults": []}
    try:
        read = read_order(record=record, mapping=mapping, database=database, platform=platform)
    except Refused as error:
        faults = tuple(getattr(error, "faults", ())) or (fault_of(error),)
        terms: Order | None = getattr(error, "terms", None)
        return empty | {"order": _order(terms), "faults": [dataclasses.asdict(fault) for fault in faults]}
    return empty | {
        "order": _order(read.terms),
        "entitlements": [dataclasses.asdict(access) for access in read.access],
        **_contract(read.terms),
    }


def _order(terms: Order | None) -> dict[str, Any] | None:
    return None if terms is None else dataclasses.asdict(terms)


def _contract(terms: Order) -> dict[str, Any]:
    """The contract that a new deal opens; a change is valued with its contract when it is signed."""
    if terms.amends_ref:
        return {}
    contract = build_contract(orders=[terms])
    value = contract_value(contract=contract)
    charges = [
        {
            "line": charge.line.item.ref,
            "starts_on": charge.period.start,
            "ends_on": charge.period.end,
            "bill_on": charge.bill_on,
            "amount": charge.amount.amount,
            "currency": charge.amount.currency,
            "kind": charge.kind,
            "is_estimate": charge.is_estimate,
        }
        for charge in schedule(contract=contract)
    ]
    shown = {"value": value.amount, "currency": value.currency}
    return {"contract": {**shown, "starts_on": contract.starts_on, "ends_on": contract.ends_on}, "charges": charges}


def faults_of(answer: Mapping[str, Any]) -> tuple[Fault, ...]:
    """The faults of a preview, as values."""
    return tuple(Fault(**fault) for fault in answer["faults"])
