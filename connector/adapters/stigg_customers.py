"""A Salesforce account as a customer of Stigg: found again by our id or our note, made once, changed when it differs.

Two customers that stand for one account are a question for people, because access and usage would be split. It must
not know orders.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connector.adapters.stigg_calls import StiggCalls, keyed, require, require_made
from connector.adapters.stigg_errors import StiggDoubled, StiggRefused, StiggUnknown
from connector.domain.terms import Customer
from connector.errors import Conflict

_KEY_NOTE, _ACCOUNT_NOTE = "countersign_key", "sf_account_id"


class TwoCustomers(StiggRefused):
    """Two customers in Stigg stand for one Salesforce account."""

    code = "TWO_CUSTOMERS"
    fix = "Keep one of them in Stigg: clear sf_account_id in the other one's metadata, then press Resync."


class StiggCustomers:
    """Making and changing customers. May be used from many threads."""

    def __init__(self, calls: StiggCalls) -> None:
        self._calls = calls

    def upsert(self, *, key: str, customer: Customer) -> str:
        """The ref of the customer of that key, with the account's name and e-mail. Raises TwoCustomers."""
        row = self._find(key) or self._made_before(key, customer) or self._create(key, customer)
        self._align(key, customer, row)
        return str(row["id"])

    def _find(self, ref: str) -> Mapping[str, Any] | None:
        what = f"read customer {ref}"
        try:
            row = self._calls.read(what, lambda client: client.v1.customers.with_raw_response.retrieve(ref))
        except StiggUnknown:
            return None
        require(row, "id", what)
        return dict(row)

    def _made_before(self, key: str, customer: Customer) -> Mapping[str, Any] | None:
        """The customer that somebody else made for this account and marked with its id; never one of another key."""
        rows = self._calls.pages(
            f"list customers named {customer.name!r}",
            lambda client, page: client.v1.customers.with_raw_response.list(name=customer.name, **page),
        )
        found = [row for row in rows if _stands_for(row, key, customer)]
        if len(found) > 1:
            names = ", ".join(sorted(row["id"] for row in found))
            raise TwoCustomers(f"Several customers in Stigg stand for the account {customer.ref}: {names}.")
        return found[0] if found else None

    def _create(self, key: str, customer: Customer) -> Mapping[str, Any]:
        body: dict[str, Any] = {"id": key, "name": customer.name, "metadata": _notes(key, customer)}
        if customer.email:
            body["email"] = customer.email
        what = f"create customer {key}"
        try:
            row = self._calls.change(
                what,
                key=key,
                entity=key,
                call=lambda client: client.v1.customers.with_raw_response.provision(
                    **body, extra_headers=keyed(key, body)
                ),
            )
        except StiggDoubled:
            # Somebody was quicker; what there is now is as good as ours.
            found = self._find(key)
            if found is None:
                raise Conflict(f"Stigg says that customer {key} exists, and shows none.") from None
            return found
        require_made(row, "id", what)
        return dict(row)

    def _align(self, key: str, customer: Customer, row: Mapping[str, Any]) -> None:
        wanted: dict[str, Any] = {"name": customer.name}
        if customer.email:
            wanted["email"] = customer.email
        body = {name: value for name, value in wanted.items() if row.get(name) != value}
        noted = dict(row.get("metadata") or {})
        if noted | _notes(key, customer) != noted:
            # Stigg replaces metadata whole, so what others wrote goes along.
            body["metadata"] = noted | _notes(key, customer)
        if not body:
            return
        ref = str(row["id"])
        self._calls.change(
            f"change customer {ref}",
            key=f"{key}-change",
            entity=ref,
            call=lambda client: client.v1.customers.with_raw_response.update(ref, **body),
        )


def _notes(key: str, customer: Customer) -> dict[str, str]:
    return {_KEY_NOTE: key, _ACCOUNT_NOTE: customer.ref}


def _stands_for(row: Mapping[str, Any], key: str, customer: Customer) -> bool:
    noted = row.get("metadata") or {}
    owner = noted.get(_KEY_NOTE)
    return owner == key or (owner is None and str(noted.get(_ACCOUNT_NOTE, ""))[:15] == customer.ref[:15])
