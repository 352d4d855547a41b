"""Which record does a Salesforce id mean: its org and its kind.

By the first three characters where Salesforce fixes them, else by asking. Reads only.
"""

from __future__ import annotations

from collections.abc import Mapping

from connector.domain.terms import RecordRef
from connector.ports import Org

# Key prefixes are the same in every org for standard objects; those of custom objects differ from org to org.
_KINDS = {"0Q0": "Quote", "006": "Opportunity", "801": "Order", "800": "Contract"}


def locate_record(
    *, orgs: Mapping[str, Org], record_id: str, org_id: str = "", is_asking: bool = True
) -> RecordRef | None:
    """The record that this id (18 characters) names, None when no connected org has it.

    `is_asking` False calls nobody: then only what the id alone tells is known.

    Raises Retryable errors when an org that must be asked does not answer.
    """
    candidates = [org for org in orgs.values() if not org_id or org.org_id == org_id]
    kind = _KINDS.get(record_id[:3], "")
    for org in candidates:
        if kind in org.mappings and len(candidates) == 1:
            return RecordRef(org.org_id, kind, record_id)
        for name, mapping in org.mappings.items():
            # An id of a standard object is of no other kind.
            is_possible = name == kind or (not kind and name not in _KINDS.values())
            if is_asking and is_possible and org.gateway.fetch(selection=mapping.selection, record_ids=[record_id]):
                return RecordRef(org.org_id, name, record_id)
    return None
