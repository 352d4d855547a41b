"""One subscription on Stigg brought in line with what was sold: which one it is, what to change, what a new one says.

Provisioning a product that a customer runs already would end what runs, so a running one is always looked for first and
changed; only another plan needs a new subscription, which takes the place of the old one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from connector.adapters.stigg_calls import StiggCalls, keyed, require_made
from connector.adapters.stigg_catalogue import StiggCatalogue, StiggPlan
from connector.adapters.stigg_granted import OPEN, StiggReader
from connector.adapters.stigg_prices import price_fields, prices_differ
from connector.adapters.stigg_words import (
    CONTRACT_NOTE,
    GrantRefused,
    add_ons,
    day_of,
    entitlements,
    merged_notes,
    midnight,
    notes,
)
from connector.domain.entitlements import access_differences
from connector.errors import Conflict
from connector.ports import SubscriptionRequest

# A subscription that has ended keeps its id for ever; what is sold again takes the next one.
_MOST_LIVES = 50


class TwoContracts(GrantRefused):
    """The customer runs the product under another contract."""

    code = "PRODUCT_RUNS_ELSEWHERE"
    fix = (
        "Sign it as an amendment of that contract, end the other subscription, or let the product have several "
        "subscriptions per customer (a setting of the product in Stigg)."
    )


class KeyTaken(GrantRefused):
    """Stigg has a subscription or contract of this id that is not ours."""

    code = "KEY_TAKEN"
    fix = "Use an environment of Stigg for one installation of Countersign only."


@dataclass(frozen=True, slots=True)
class Ask:
    """One subscription that is wanted, with its plan; `resource` tells several of one product apart."""

    request: SubscriptionRequest
    found: StiggPlan
    resource: str | None

    @property
    def product(self) -> str:
        """The product of which a customer runs one plan at a time."""
        return self.found.plan.product_ref


class StiggSubscriptions:
    """Making and changing single subscriptions. May be used from many threads."""

    def __init__(
        self, calls: StiggCalls, catalogue: StiggCatalogue, reader: StiggReader, *, writes_prices: bool
    ) -> None:
        self._calls = calls
        self._catalogue = catalogue
        self._reader = reader
        self._writes_prices = writes_prices

    def running(self, ask: Ask, held: Sequence[Mapping[str, Any]], contract_uuid: str) -> Mapping[str, Any] | None:
        """What the customer runs of the product under this contract, or what may become part of it.

        Raises TwoContracts when it belongs to another contract, KeyTaken when our id is somebody else's.
        """
        request = ask.request
        ours = [row for row in held if row["id"] == request.subscription_ref or _is_life_of(row["id"], request.key)]
        for row in ours:
            self._refuse_foreign(ask, row)
        if ours:
            # While a plan is being changed there may be two for a moment; the new one counts.
            return next((row for row in ours if row["planId"] == ask.found.plan.ref), ours[0])
        for row in held:
            if row.get("resourceId") == ask.resource and self._product_of(row) == ask.product:
                if _is_elsewhere(row, request.contract_ref, contract_uuid) and not _ends_before(row, ask):
                    raise TwoContracts(
                        f"{request.customer_ref} runs {row['id']} of the product {ask.product} under another contract; "
                        "a second one would end it."
                    )
                if not _is_elsewhere(row, request.contract_ref, contract_uuid) and _is_custom(row):
                    return row
        return None

    def align(self, ask: Ask, row: Mapping[str, Any]) -> str:
        """Bring a running subscription in line; its ref, another one only when the plan is another one."""
        request, plan = ask.request, ask.found.plan
        if row["planId"] != plan.ref:
            return self.provision(ask)
        ours = notes(request.wanted, plan, contract_ref=request.contract_ref, salesforce_id=request.salesforce_id)
        wanted_notes = merged_notes(row.get("metadata") or {}, ours)
        differs = bool(access_differences(wanted=request.wanted, granted=self._reader.granted(row)))
        differs = differs or (self._writes_prices and prices_differ(request, row))
        if not differs and wanted_notes == (row.get("metadata") or {}):
            return str(row["id"])
        self._change(ask, str(row["id"]), wanted_notes)
        return str(row["id"])

    def provision(self, ask: Ask) -> str:
        """Make the subscription on its own (not inside a contract); its ref."""
        body = self.body(ask)
        key, what = ask.request.key, f"create subscription {body['id']}"
        row = self._calls.change(
            what,
            key=f"{key}-provision",
            entity=ask.request.customer_ref,
            call=lambda client: client.v1.subscriptions.with_raw_response.provision(
                **body, extra_headers=keyed(f"{key}-provision", [body, ask.found.plan.version])
            ),
        )
        return str(require_made(row, "id", what))

    def body(self, ask: Ask) -> dict[str, Any]:
        """A new subscription, as the SDK takes it. Raises GrantRefused and KeyTaken."""
        request, plan = ask.request, ask.found.plan
        wanted = request.wanted
        body: dict[str, Any] = {
            "id": self._free_id(ask),
            "customer_id": request.customer_ref,
            "plan_id": plan.ref,
            "start_date": midnight(wanted.starts_on),
            "cancellation_date": midnight(wanted.ends_on),
            # Billing is not this subscription's matter, and a plan's own trial would hide what was sold.
            "payment_collection_method": "NONE",
            "trial_override_configuration": {"is_trial": False},
            "metadata": notes(wanted, plan, contract_ref=request.contract_ref, salesforce_id=request.salesforce_id),
        }
        optional = {
            "entitlements": entitlements(wanted, plan),
            "addons": add_ons(wanted),
            "salesforce_id": request.salesforce_id,
            "resource_id": ask.resource,
        }
        return body | {name: value for name, value in optional.items() if value} | self._prices(ask)

    def _change(self, ask: Ask, ref: str, wanted_notes: dict[str, str]) -> None:
        request, plan = ask.request, ask.found.plan
        body: dict[str, Any] = {
            "entitlements": entitlements(request.wanted, plan),
            "cancellation_date": midnight(request.wanted.ends_on),
            "metadata": wanted_notes,
            "schedule_strategy": "IMMEDIATE",
        }
        if request.wanted.add_ons or self._has_add_ons(ref):
            body["addons"] = add_ons(request.wanted)
        if self._writes_prices:
            # What is not agreed any more is cleared; only null does that.
            body |= {"minimum_spend": None} | self._prices(ask)
        if request.salesforce_id:
            body["salesforce_id"] = request.salesforce_id
        self._calls.change(
            f"change subscription {ref}",
            key=f"{request.key}-change",
            entity=f"subscription {ref}",
            call=lambda client: client.v1.subscriptions.with_raw_response.update(ref, **body),
        )

    def _prices(self, ask: Ask) -> dict[str, Any]:
        return price_fields(ask.request) if self._writes_prices else {}

    def _has_add_ons(self, ref: str) -> bool:
        row = self._reader.subscription(ref)
        return bool(row and row.get("addons"))

    def _free_id(self, ask: Ask) -> str:
        """Our key, or, when a subscription of that id has ended, the key with the first number that is free."""
        request = ask.request
        for life in range(1, _MOST_LIVES):
            ref = request.key if life == 1 else f"{request.key}-{life}"
            row = self._reader.subscription(ref)
            if row is None:
                return ref
            self._refuse_foreign(ask, row)
            if row["status"] in OPEN and row["planId"] == ask.found.plan.ref:
                raise Conflict(f"The subscription {ref} was made on Stigg by another process at this moment.")
        raise KeyTaken(f"{request.key} was ended and sold again {_MOST_LIVES} times.")

    def _refuse_foreign(self, ask: Ask, row: Mapping[str, Any]) -> None:
        """Our ids are made of our rows; one that somebody else used would give a customer what another one bought."""
        request = ask.request
        contract = (row.get("metadata") or {}).get(CONTRACT_NOTE, "")
        if row["customerId"] != request.customer_ref or contract not in ("", request.contract_ref):
            raise KeyTaken(f"Stigg has a subscription {row['id']} already, of {row['customerId']} under {contract!r}.")

    def replaced(self, ask: Ask, held: Sequence[Mapping[str, Any]], members: Iterable[str], *, by: str) -> list[str]:
        """The members of the contract whose place that subscription takes, or a new one will (`by` empty).

        Those are earlier lives of it, ended or not, and what else runs of the product in the same place.
        """
        same_place = {
            row["id"] for row in held if row.get("resourceId") == ask.resource and self._product_of(row) == ask.product
        }
        return sorted(ref for ref in members if ref != by and (ref in same_place or _is_life_of(ref, ask.request.key)))

    def _product_of(self, row: Mapping[str, Any]) -> str:
        found = self._catalogue.plan(row["planId"])
        return found.plan.product_ref if found else ""


def _is_life_of(ref: str, key: str) -> bool:
    """Whether the id is our key, or our key with the number of a later life."""
    return ref == key or (ref.startswith(f"{key}-") and ref.removeprefix(f"{key}-").isdigit())


def _is_elsewhere(row: Mapping[str, Any], contract_ref: str, contract_uuid: str) -> bool:
    """Whether it belongs to a contract that is not this one, by Stigg's word or by our note."""
    noted = (row.get("metadata") or {}).get(CONTRACT_NOTE, "")
    return noted not in ("", contract_ref) or row.get("contractId") not in (None, contract_uuid)


def _ends_before(row: Mapping[str, Any], ask: Ask) -> bool:
    """Whether it has ended by itself when the wanted one starts."""
    end = day_of(row.get("effectiveEndDate") or row.get("cancellationDate"))
    return end is not None and end <= ask.request.wanted.starts_on


def _is_custom(row: Mapping[str, Any]) -> bool:
    """A free or self-service plan is not taken over: Stigg itself ends it when the new one starts."""
    return row.get("pricingType") == "CUSTOM" or row.get("paymentCollectionMethod") == "NONE"
