"""What a record or an order would become, written nowhere: order, contract, charges, documents, access, every fault.

Exists so that a RevOps engineer sees the whole chain before go-live, and a sales tool before the signature, by the same
functions that do it for real: the documents shown are the documents that will be billed.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from connector.domain.contract_terms import Contract
from connector.domain.contracts import annual_value, contract_value, recurring_value
from connector.domain.document_plan import documents_to_come
from connector.domain.schedule import schedule
from connector.domain.terms import Order
from connector.errors import Fault, NotFound, Refused
from connector.ports import Clock, EntitlementPlatform, Org, Record, RecordMapping, TaxEngine
from connector.store import contract_orders
from connector.store.contract_documents import load_held_documents, load_usage
from connector.store.unit_of_work import Database
from connector.usecases.read_order import OrderRead, check_terms, read_order
from connector.usecases.resync import salesforce_id18
from connector.usecases.show_schedule import document_row, latest_customer, planned_documents
from connector.usecases.stopped_deal import fault_of

_EMPTY: Mapping[str, Any] = {
    "order": None, "contract": None, "charges": [], "documents": [], "entitlements": [], "entitlement_changes": [],
    "faults": [],
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Previewer:
    """What a preview needs; nothing of it is written to."""

    orgs: Mapping[str, Org]
    platform: EntitlementPlatform
    clock: Clock
    database: Database
    taxes: TaxEngine

    def preview_record(self, *, salesforce_id: str, org_id: str = "") -> dict[str, Any]:
        """The chain for one record as a document. Raises NotFound when no connected org has it."""
        org, mapping, record = self._find(salesforce_id18(salesforce_id), org_id)
        is_signed, reason = org.is_signed(record)
        answer: dict[str, Any] = {
            "salesforce_id": record.ref.record_id,
            "object": record.ref.object,
            "org_id": org.org_id,
            "at": self.clock.now(),
            "is_signed": is_signed,
            "reason": reason,
            "mapping_version": mapping.version,
        }
        return answer | self._chain(
            lambda: read_order(record=record, mapping=mapping, database=self.database, platform=self.platform)
        )

    def preview_order(self, *, terms: Order) -> dict[str, Any]:
        """The same for an order that somebody wrote down instead of signing a record."""
        answer: dict[str, Any] = {
            "salesforce_id": terms.source.record_id,
            "object": terms.source.object,
            "org_id": terms.source.org_id,
            "at": self.clock.now(),
            "is_signed": False,
            "reason": "The order was sent with the request; whether it is signed was not asked.",
            "mapping_version": "",
        }
        chain = self._chain(lambda: check_terms(terms=terms, database=self.database, platform=self.platform))
        return answer | chain | {"order": _order(terms)}

    def _find(self, record_id: str, org_id: str) -> tuple[Org, RecordMapping, Record]:
        for org in self.orgs.values():
            if org_id and org.org_id != org_id:
                continue
            for mapping in org.mappings.values():
                for record in org.gateway.fetch(selection=mapping.selection, record_ids=[record_id]):
                    return org, mapping, record
        raise NotFound(f"No connected org has a record {record_id} of a kind that is mapped.")

    def _chain(self, read: Callable[[], OrderRead]) -> dict[str, Any]:
        try:
            found = read()
        except Refused as error:
            faults = tuple(getattr(error, "faults", ())) or (fault_of(error),)
            terms: Order | None = getattr(error, "terms", None)
            return {**_EMPTY, "order": _order(terms), "faults": [dataclasses.asdict(fault) for fault in faults]}
        return {
            **_EMPTY,
            "order": _order(found.terms),
            "entitlements": [dataclasses.asdict(access) for access in found.access],
            "entitlement_changes": [
                {"from_on": phase.starts_on, **dataclasses.asdict(phase.wanted)}
                for timeline in found.timelines
                for phase in timeline.after(found.terms.starts_on)
            ],
            "contract": _contract(found),
            "charges": _charges(found.contract),
            "documents": self._documents(found),
        }

    def _documents(self, found: OrderRead) -> list[dict[str, Any]]:
        """What billing runs will make: all documents of a new contract, of a running one those still to come."""
        contract, today = found.contract, self.clock.now().date()
        with self.database.reading() as connection:
            contract_id = contract_orders.find_contract(connection=connection, order=found.terms)
            if contract_id is None:
                drafts = documents_to_come(contract=contract, as_of=date.min)
            else:
                held = load_held_documents(connection=connection, contract_id=contract_id, contract_ref=contract.ref)
                drafts = documents_to_come(
                    contract=contract,
                    as_of=today,
                    billed=[entry for document in held for entry in document.billed],
                    usage=load_usage(connection=connection, contract_id=contract_id),
                )
        customer = latest_customer(contract=contract)
        return [
            document_row(document)
            for document in planned_documents(drafts=drafts, customer=customer, taxes=self.taxes, today=today)
        ]


def faults_of(answer: Mapping[str, Any]) -> tuple[Fault, ...]:
    """The faults of a preview, as values."""
    return tuple(Fault(**fault) for fault in answer["faults"])


def _order(terms: Order | None) -> dict[str, Any] | None:
    return None if terms is None else dataclasses.asdict(terms)


def _contract(found: OrderRead) -> dict[str, Any]:
    """The contract that a new deal opens, or the running one with the change in it."""
    contract = found.contract
    return {
        "value": contract_value(contract=contract).amount,
        "change": found.value,
        "recurring_value": recurring_value(contract=contract).amount,
        "annual_value": annual_value(contract=contract, on=found.terms.starts_on).amount,
        "currency": contract.currency,
        "starts_on": contract.starts_on,
        "ends_on": contract.ends_on,
        "warnings": [dataclasses.asdict(warning) for warning in contract.warnings],
    }


def _charges(contract: Contract) -> list[dict[str, Any]]:
    return [
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
