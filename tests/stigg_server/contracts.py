"""Contracts of the stand-in: what a contract may hold, and that creating one is all or nothing."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.stigg_server.refusals import Refusal, doubled, invalid, missing
from tests.stigg_server.subscriptions import Held, Subscriptions, instant, told


@dataclass
class Agreed:
    """One contract as kept."""

    ref: str
    uuid: str
    customer: str
    made_at: Any
    name: str | None = None
    po_number: str | None = None
    starts_at: Any = None
    ends_at: Any = None
    has_billing: bool = False
    is_archived: bool = False
    members: list[str] = field(default_factory=list)


class Contracts:
    """All contracts; every method is called under the server's lock."""

    def __init__(self, subscriptions: Subscriptions) -> None:
        self._subscriptions = subscriptions
        self.agreed: dict[str, Agreed] = {}
        self.is_enabled = True

    def create(self, body: dict[str, Any]) -> dict[str, Any]:
        """`POST /contracts`: the same contractId again answers with what exists and ignores the rest of the body."""
        ref = body.get("contractId") or str(uuid.uuid4())
        if ref not in self.agreed:
            self._subscriptions.customer(body["customerId"])
            made = Agreed(
                ref=ref, uuid=str(uuid.uuid4()), customer=body["customerId"], made_at=self._subscriptions.now(),
                name=body.get("name"), po_number=body.get("poNumber"), has_billing=body.get("setupBilling", True),
                starts_at=_moment(body.get("activationStartDate")), ends_at=_moment(body.get("activationEndDate")),
            )  # fmt: skip
            self._add(made, body.get("subscriptions", []))
            self.agreed[ref] = made
        return self.show(ref)

    def change(self, ref: str, body: dict[str, Any]) -> dict[str, Any]:
        """`PATCH /contracts/{id}`; the list of subscriptions replaces the membership."""
        contract = self.contract(ref)
        for key, name in (("name", "name"), ("poNumber", "po_number")):
            if key in body:
                setattr(contract, name, body[key])
        for key, name in (("activationStartDate", "starts_at"), ("activationEndDate", "ends_at")):
            if key in body:
                setattr(contract, name, _moment(body[key]))
        contract.has_billing = contract.has_billing or bool(body.get("setupBilling"))
        if "subscriptionIds" in body:
            for member in contract.members:
                self._subscriptions.subscription(member).contract = None
            contract.members = []
            self._add(contract, [{"existingSubscriptionId": one} for one in body["subscriptionIds"]])
        return self.show(ref)

    def attach(self, ref: str, body: dict[str, Any]) -> dict[str, Any]:
        """`POST /contracts/{id}/subscriptions`: additive; attaching again changes nothing."""
        contract = self.contract(ref)
        entries = [{"existingSubscriptionId": one} for one in body.get("subscriptionIds", [])]
        self._add(contract, [*entries, *body.get("subscriptions", [])])
        return self.show(ref)

    def detach(self, ref: str, member: str) -> dict[str, Any]:
        """`DELETE /contracts/{id}/subscriptions/{id}`: the subscription itself stays; again changes nothing."""
        contract = self.contract(ref)
        if member in contract.members:
            contract.members.remove(member)
            self._subscriptions.subscription(member).contract = None
        return self.show(ref)

    def archive(self, ref: str) -> dict[str, Any]:
        """`POST /contracts/{id}/archive`: cancels the contract and every subscription in it."""
        contract = self.contract(ref)
        contract.is_archived = True
        for member in contract.members:
            held = self._subscriptions.subscription(member)
            held.cancelled_at, held.cancel_reason = self._subscriptions.now(), "Immediate"
        return self.show(ref)

    def contract(self, ref: str) -> Agreed:
        """A contract. Raises a refusal; a module that is not enabled answers like an unknown id."""
        self.require_module()
        if ref not in self.agreed:
            raise missing("Contract", ref)
        return self.agreed[ref]

    def require_module(self) -> None:
        """Raises a refusal when the account has no contracts."""
        if not self.is_enabled:
            raise Refusal(404, "NotFound", "Cannot find the requested resource")

    def uuid_of(self, held: Held) -> str | None:
        """The internal id that a subscription names."""
        return self.agreed[held.contract].uuid if held.contract in self.agreed else None

    def show(self, ref: str) -> dict[str, Any]:
        """As `GET /contracts/{id}` answers it."""
        contract = self.agreed[ref]
        members = [self._subscriptions.subscription(member) for member in contract.members]
        is_live = any(one.status(self._subscriptions.now()) == "ACTIVE" for one in members)
        state = "CANCELED" if contract.is_archived else "ACTIVE" if is_live else "DRAFT"
        return {
            "contractId": ref, "refId": ref, "id": contract.uuid, "externalId": ref, "state": state, "billingId": None,
            "name": contract.po_number or contract.name or contract.customer, "poNumber": contract.po_number,
            "billingState": "DRAFT" if contract.has_billing else None, "createdAt": told(contract.made_at),
            "activationStartDate": told(contract.starts_at), "activationEndDate": told(contract.ends_at),
            "customerExternalId": contract.customer, "nextInvoice": None, "latestInvoice": None,
            "subscriptions": [
                {"subscriptionId": one.id, "planDisplayName": one.plan.ref, "productDisplayName": one.plan.product}
                for one in members
            ],
        }  # fmt: skip

    def _add(self, contract: Agreed, entries: list[dict[str, Any]]) -> None:
        """Add every entry or none. Raises a refusal."""
        undo: list[Callable[[], None]] = []
        before = list(contract.members)
        try:
            for entry in entries:
                self._add_one(contract, entry, undo)
        except Refusal:
            contract.members = before
            for step in reversed(undo):
                step()
            raise

    def _add_one(self, contract: Agreed, entry: dict[str, Any], undo: list[Callable[[], None]]) -> None:
        if ("existingSubscriptionId" in entry) == ("newSubscription" in entry):
            raise invalid("each entry names exactly one of existingSubscriptionId and newSubscription")
        if "newSubscription" in entry:
            wanted = entry["newSubscription"]
            if wanted["customerId"] != contract.customer:
                raise invalid("the subscription belongs to another customer")
            self._check_pricing(self._subscriptions.catalogue.plan(wanted["planId"]).pricing_type, wanted)
            self._check_product(contract, self._subscriptions.catalogue.plan(wanted["planId"]).product)
            held, take_back = self._subscriptions.provision(wanted)
            undo.append(take_back)
        else:
            held = self._subscriptions.subscription(entry["existingSubscriptionId"])
            if held.contract == contract.ref:
                return
            if held.contract is not None:
                raise invalid(f"subscription {held.id} is on another contract")
            if held.customer != contract.customer:
                raise invalid("the subscription belongs to another customer")
            self._check_pricing(held.plan.pricing_type, held.fields)
            self._check_product(contract, held.plan.product)
            undo.append(lambda: setattr(held, "contract", None))
        held.contract = contract.ref
        contract.members.append(held.id)

    def _check_pricing(self, pricing_type: str, fields: dict[str, Any]) -> None:
        if pricing_type == "CUSTOM" or (pricing_type == "PAID" and fields.get("paymentCollectionMethod") == "NONE"):
            return
        raise invalid("only custom-priced subscriptions can be on a contract")

    def _check_product(self, contract: Agreed, product: str) -> None:
        held = [self._subscriptions.subscription(one) for one in contract.members]
        if product in {one.plan.product for one in held if one.is_open(self._subscriptions.now())}:
            raise doubled(f"the contract has a subscription of product {product} already")


def _moment(text: str | None) -> Any:
    return instant(text) if text else None
