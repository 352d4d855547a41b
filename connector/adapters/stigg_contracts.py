"""A contract on Stigg with its subscriptions: made in one call, joined by attaching, never replaced, never archived.

Archiving a contract cancels everything in it, and its list of subscriptions replaces the membership, so neither is ever
sent. Accounts without Stigg's contracts get their subscriptions one by one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

import httpx

from connector.adapters.stigg_calls import StiggCalls, keyed, require, require_made
from connector.adapters.stigg_catalogue import StiggCatalogue
from connector.adapters.stigg_checks import refuse_wrong_grants
from connector.adapters.stigg_errors import StiggDoubled, StiggUnknown
from connector.adapters.stigg_granted import StiggReader
from connector.adapters.stigg_prices import price_fields
from connector.adapters.stigg_subscriptions import Ask, KeyTaken, StiggSubscriptions
from connector.adapters.stigg_words import GrantRefused, midnight
from connector.errors import Conflict
from connector.ports import SubscriptionRequest

# Two orders of one customer at the same moment: the second finds what the first has made.
_AGAIN_AFTER = (0.1, 0.5)
_MOST_JOINS = 5


class StiggContracts:
    """Granting what one contract sells. May be used from many threads."""

    def __init__(
        self, calls: StiggCalls, catalogue: StiggCatalogue, reader: StiggReader, *, writes_prices: bool
    ) -> None:
        self._calls = calls
        self._catalogue = catalogue
        self._reader = reader
        self._writes_prices = writes_prices
        self._single = StiggSubscriptions(calls, catalogue, reader, writes_prices=writes_prices)

    def grant(self, requests: Sequence[SubscriptionRequest]) -> tuple[str, ...]:
        """Make or bring in line what one contract sells; the refs in that order.

        Raises GrantRefused before anything is made when it cannot be granted as sold.
        """
        for pause in _AGAIN_AFTER:
            try:
                return self._grant(requests)
            except Conflict:
                self._calls.pause(pause)
        return self._grant(requests)

    def _grant(self, requests: Sequence[SubscriptionRequest]) -> tuple[str, ...]:
        asks = [self._ask(request) for request in requests]
        contract = self._contract(requests[0].contract_ref)
        if contract is None:
            contract, made = self._create(asks)
            if contract is None:
                return tuple(self._grant_alone(ask) for ask in asks)
            if made:
                return made
        _refuse_wrong_contract(contract, requests[0])
        return self._grant_in(asks, contract)

    def is_enabled(self) -> bool:
        """Whether the account has contracts: without them even the list answers 404."""
        try:
            self._calls.page("list contracts", lambda client: client.v1.contracts.with_raw_response.list(limit=1))
        except StiggUnknown:
            return False
        return True

    def _ask(self, request: SubscriptionRequest) -> Ask:
        found = self._catalogue.plan(request.wanted.plan_ref)
        refuse_wrong_grants(wanted=request.wanted, found=found)
        if self._writes_prices:
            price_fields(request)
        assert found is not None
        several = self._catalogue.allows_several(found.plan.product_ref)
        return Ask(request, found, request.contract_ref if several else None)

    def _contract(self, ref: str) -> dict[str, Any] | None:
        what = f"read contract {ref}"
        try:
            row = self._calls.read(what, lambda client: client.v1.contracts.with_raw_response.retrieve(ref))
        except StiggUnknown:
            return None
        require(row, "contractId", what)
        require(row, "state", what)
        return dict(row)

    def _create(self, asks: Sequence[Ask]) -> tuple[dict[str, Any] | None, tuple[str, ...]]:
        """The new contract with everything in it, all or nothing, and the refs when nothing else is to be done.

        No contract when the account has none at all.
        """
        held = self._reader.held(asks[0].request.customer_ref, known=_granted_before(asks))
        running = [self._single.running(ask, held, contract_uuid="") for ask in asks]
        entries = [
            {"existing_subscription_id": row["id"]} if row else {"new_subscription": self._single.body(ask)}
            for ask, row in zip(asks, running, strict=True)
        ]
        ref, body = asks[0].request.contract_ref, _contract_body(asks, entries)
        what = f"create contract {ref}"
        try:
            row = self._calls.change(
                what,
                key=f"{ref}-create",
                entity=asks[0].request.customer_ref,
                call=lambda client: client.v1.contracts.with_raw_response.create(
                    **body, extra_headers=keyed(f"{ref}-create", [body, *_versions(asks)])
                ),
            )
        except StiggUnknown:
            # A module that is not enabled answers like an unknown id.
            if not self.is_enabled():
                return None, ()
            raise
        require_made(row, "contractId", what)
        wanted = tuple(entry.get("new_subscription", {}).get("id", "") for entry in entries)
        members = {one["subscriptionId"] for one in row.get("subscriptions") or ()}
        # An id that Stigg knew already is answered with what it has, so only what is really in it counts.
        return dict(row), wanted if set(wanted) <= members else ()

    def _grant_in(self, asks: Sequence[Ask], contract: Mapping[str, Any]) -> tuple[str, ...]:
        """Every subscription in line and in the contract."""
        members = {one["subscriptionId"] for one in contract.get("subscriptions") or ()}
        held = self._reader.held(asks[0].request.customer_ref, known=members | _granted_before(asks))
        running = [self._single.running(ask, held, contract_uuid=contract.get("id") or "") for ask in asks]
        refs = {ask.request.key: self._single.align(ask, row) for ask, row in zip(asks, running, strict=True) if row}
        for ask in asks:
            for ref in self._single.replaced(ask, held, members, by=refs.get(ask.request.key, "")):
                self._detach(contract, ref)
        self._attach(contract, [ref for ref in refs.values() if ref not in members])
        refs |= self._add(contract, [ask for ask, row in zip(asks, running, strict=True) if row is None])
        return tuple(refs[ask.request.key] for ask in asks)

    def _add(self, contract: Mapping[str, Any], missing: Sequence[Ask]) -> dict[str, str]:
        """New subscriptions inside the contract, all in one call; key -> ref."""
        if not missing:
            return {}
        bodies = [self._single.body(ask) for ask in missing]
        entries = [{"newSubscription": _wire(body)} for body in bodies]
        wanted = [body["id"] for body in bodies]
        self._join(contract, "add subscriptions to", {"subscriptions": entries}, wanted)
        return {ask.request.key: ref for ask, ref in zip(missing, wanted, strict=True)}

    def _attach(self, contract: Mapping[str, Any], refs: Sequence[str]) -> None:
        if refs:
            self._join(contract, "attach subscriptions to", {"subscriptionIds": sorted(refs)}, refs)

    def _join(self, contract: Mapping[str, Any], doing: str, body: dict[str, Any], refs: Sequence[str]) -> None:
        """Let the subscriptions be in the contract, and look whether they are.

        Stigg repeats the answer of a key for a day, also when somebody has taken them out since; then another key is
        needed. Raises Conflict when they are not in it all the same.
        """
        ref = contract["contractId"]
        for attempt in range(_MOST_JOINS):
            self._send_join(contract, doing, body, attempt)
            found = self._contract(ref) or {}
            if set(refs) <= {one["subscriptionId"] for one in found.get("subscriptions") or ()}:
                return
        raise Conflict(f"Stigg says that {', '.join(refs)} joined contract {ref}, and does not show it.")

    def _send_join(self, contract: Mapping[str, Any], doing: str, body: dict[str, Any], attempt: int) -> None:
        """The SDK has no method for this address, so the body is written in Stigg's own words."""
        ref = contract["contractId"]
        path = f"/api/v1/contracts/{quote(ref, safe='')}/subscriptions"
        members = sorted(one["subscriptionId"] for one in contract.get("subscriptions") or ())
        headers = keyed(f"{ref}-join", [body, members, attempt])
        try:
            self._calls.change(
                f"{doing} contract {ref}",
                key=f"{ref}-join",
                entity=str(contract.get("customerExternalId") or ref),
                call=lambda client: client.post(path, cast_to=httpx.Response, body=body, options={"headers": headers}),
            )
        except StiggDoubled as error:
            raise Conflict(f"{error} Another process may have added it at this moment.") from error

    def _detach(self, contract: Mapping[str, Any], ref: str) -> None:
        """A subscription whose plan another one took over leaves the contract; nothing is archived."""
        name = contract["contractId"]
        path = f"/api/v1/contracts/{quote(name, safe='')}/subscriptions/{quote(ref, safe='')}"
        self._calls.change(
            f"detach {ref} from contract {name}",
            key=f"{name}-detach",
            entity=str(contract.get("customerExternalId") or name),
            call=lambda client: client.delete(path, cast_to=httpx.Response),
        )

    def _grant_alone(self, ask: Ask) -> str:
        """One subscription without a contract around it."""
        held = self._reader.held(ask.request.customer_ref, known=_granted_before([ask]))
        row = self._single.running(ask, held, contract_uuid="")
        if row is not None:
            return self._single.align(ask, row)
        try:
            return self._single.provision(ask)
        except StiggDoubled as error:
            raise Conflict(f"{error} Another process may have made it at this moment.") from error


def _granted_before(asks: Sequence[Ask]) -> set[str]:
    return {ask.request.subscription_ref for ask in asks if ask.request.subscription_ref}


def _versions(asks: Sequence[Ask]) -> list[int]:
    """A plan that was corrected and published again makes another wish of the same words."""
    return [ask.found.plan.version for ask in asks]


def _contract_body(asks: Sequence[Ask], entries: list[dict[str, Any]]) -> dict[str, Any]:
    request = asks[0].request
    return {
        "customer_id": request.customer_ref,
        "contract_id": request.contract_ref,
        "name": f"Countersign {request.contract_ref}",
        # Invoices are ours; a contract's billing half can never be taken back.
        "setup_billing": False,
        "activation_start_date": midnight(min(ask.request.wanted.starts_on for ask in asks)),
        "activation_end_date": midnight(max(ask.request.wanted.ends_on for ask in asks)),
        "subscriptions": entries,
    }


def _refuse_wrong_contract(contract: Mapping[str, Any], request: SubscriptionRequest) -> None:
    """Stigg answers an id that it knows with the contract it has, whoever asks."""
    ref, owner = contract["contractId"], contract.get("customerExternalId")
    if owner not in (None, request.customer_ref):
        raise KeyTaken(f"Stigg has a contract {ref} already, of {owner}.")
    if contract["state"] in ("CANCELED", "END_BILLING"):
        raise GrantRefused(
            f"The contract {ref} was archived in Stigg, which ended everything in it and cannot be taken back.",
            code="CONTRACT_ARCHIVED",
            fix="Ask Stigg's support, or sign a new contract.",
        )


def _wire(body: Mapping[str, Any]) -> dict[str, Any]:
    """The SDK's argument names as Stigg's field names, instants as text, all the way down."""
    return {_camel(name): _wire_value(name, value) for name, value in body.items()}


def _wire_value(name: str, value: Any) -> Any:
    if name == "metadata":
        return dict(value)
    if isinstance(value, dict):
        return _wire(value)
    if isinstance(value, list):
        return [_wire(one) if isinstance(one, dict) else one for one in value]
    return value.isoformat() if hasattr(value, "isoformat") else value


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(part.capitalize() for part in rest)
