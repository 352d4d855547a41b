"""The addresses of the stand-in: the SDK's type of each body and query, whose limit a change counts on, what is done.

Attaching to a contract has no method in the SDK, so its body is described here, from Stigg's guidance.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from stigg.types import v1
from stigg.types.v1 import contract_create_params, credits
from typing_extensions import TypedDict

if TYPE_CHECKING:
    from tests.stigg_server.server import StiggServer


class AttachParams(TypedDict, total=False):
    """`POST /contracts/{id}/subscriptions`."""

    subscriptionIds: Iterable[str]
    subscriptions: Iterable[contract_create_params.Subscription]


class NoParams(TypedDict, total=False):
    """Nothing may be sent."""


class EntitlementQuery(TypedDict, total=False):
    """`GET /customers/{id}/entitlements`."""

    resourceId: str


@dataclass(frozen=True)
class Asked:
    """One call: what its path named, its query, its body."""

    names: dict[str, str]
    query: dict[str, str]
    body: Any


Work = Callable[["StiggServer", Asked], tuple[int, Any]]


@dataclass(frozen=True)
class Route:
    """One address. `entity` names the limit of 30 that a change counts on."""

    method: str
    path: str
    work: Work
    body: Any = None
    query: Any = None
    path_keys: tuple[str, ...] = ()
    entity: Callable[[Asked], str] = lambda _asked: "nobody"


def _listed(rows: Callable[[StiggServer, Asked], list[dict[str, Any]]]) -> Work:
    """A list in pages; the cursor is the position."""

    def work(server: StiggServer, asked: Asked) -> tuple[int, Any]:
        found = rows(server, asked)
        start, size = int(asked.query.get("after", 0)), int(asked.query.get("limit", 20))
        following = str(start + size) if start + size < len(found) else None
        return 200, {"data": found[start : start + size], "pagination": {"next": following, "prev": None}}

    return work


def _one(find: Callable[[StiggServer, Asked], Any], status: int = 200) -> Work:
    return lambda server, asked: (status, {"data": find(server, asked)})


def _subscription(server: StiggServer, held: Any) -> dict[str, Any]:
    return server.subscriptions.show(held, server.contracts.uuid_of(held))


def _provision(server: StiggServer, asked: Asked) -> dict[str, Any]:
    held, _take_back = server.subscriptions.provision(asked.body)
    effective = server.subscriptions.effective(held.customer, held.resource)
    return {
        "id": held.id, "status": "SUCCESS", "subscription": _subscription(server, held), "entitlements": effective,
        "isScheduled": held.starts_at > server.now(), "checkoutUrl": None, "checkoutBillingId": None,
    }  # fmt: skip


def _subscriptions(server: StiggServer, asked: Asked) -> list[dict[str, Any]]:
    wanted = {name: asked.query.get(name) for name in ("customerId", "planId", "resourceId")}
    statuses = asked.query["status"].split(",") if "status" in asked.query else None
    shown = (_subscription(server, held) for held in server.subscriptions.held.values())
    return [
        one
        for one in shown
        if all(value in (None, one[name]) for name, value in wanted.items())
        and (statuses is None or one["status"] in statuses)
    ]


def _contract_list(server: StiggServer, asked: Asked) -> list[dict[str, Any]]:
    server.contracts.require_module()
    customer = asked.query.get("customerExternalId")
    refs = [ref for ref, one in server.contracts.agreed.items() if customer in (None, one.customer)]
    return [server.contracts.show(ref) for ref in refs]


def _create_contract(server: StiggServer, asked: Asked) -> dict[str, Any]:
    server.contracts.require_module()
    return server.contracts.create(asked.body)


def _customers(server: StiggServer, asked: Asked) -> list[dict[str, Any]]:
    shown = (server.subscriptions.show_customer(ref) for ref in server.subscriptions.customers)
    return [one for one in shown if all(one[name] == value for name, value in asked.query.items() if name != "limit")]


def _entitlements(server: StiggServer, asked: Asked) -> dict[str, Any]:
    customer, resource = asked.names["id"], asked.query.get("resourceId")
    found = server.credits.with_use(server.subscriptions.effective(customer, resource), customer, resource)
    return {"accessDeniedReason": None if found else "NoActiveSubscription", "entitlements": found}


def _history(server: StiggServer, asked: Asked) -> Any:
    names, query = asked.names, asked.query
    return server.credits.history(
        names["customer_id"], names["feature_id"], query.get("resourceId"), query["startDate"], query.get("endDate")
    )


def _credit_query(asked: Asked) -> tuple[str, str | None, str | None]:
    return asked.query["customerId"], asked.query.get("currencyId"), asked.query.get("resourceId")


def _id(asked: Asked) -> str:
    return asked.names["id"]


def _of_subscription(asked: Asked) -> str:
    return f"subscription {asked.names['id']}"


def _of_customer(asked: Asked) -> str:
    return f"customer {asked.names.get('id') or asked.body.get('customerId') or asked.body.get('id')}"


def _of_provision(asked: Asked) -> str:
    return f"provision {asked.body.get('customerId')}:{asked.body.get('resourceId', '')}"


def _of_contract(asked: Asked) -> str:
    return f"contract {asked.names.get('id') or asked.body.get('contractId')}"


_SUBSCRIPTION = "/subscriptions/{id}"
_CONTRACT = "/contracts/{id}"

ROUTES: tuple[Route, ...] = (
    Route("GET", "/customers", _listed(_customers), query=v1.CustomerListParams),
    Route("POST", "/customers", _one(lambda server, asked: server.subscriptions.add_customer(asked.body), 201),
          body=v1.CustomerProvisionParams, entity=_of_customer),
    Route("GET", "/customers/{id}", _one(lambda server, asked: server.subscriptions.show_customer(_id(asked)))),
    Route("PATCH", "/customers/{id}",
          _one(lambda server, asked: server.subscriptions.change_customer(_id(asked), asked.body)),
          body=v1.CustomerUpdateParams, entity=_of_customer),
    Route("GET", "/customers/{id}/entitlements", _one(_entitlements), query=EntitlementQuery),
    Route("GET", "/subscriptions", _listed(_subscriptions), query=v1.SubscriptionListParams),
    Route("POST", "/subscriptions", _one(_provision, 201), body=v1.SubscriptionProvisionParams, entity=_of_provision),
    Route("GET", _SUBSCRIPTION,
          _one(lambda server, asked: _subscription(server, server.subscriptions.subscription(_id(asked))))),
    Route("PATCH", _SUBSCRIPTION,
          _one(lambda server, asked: _subscription(server, server.subscriptions.change(_id(asked), asked.body))),
          body=v1.SubscriptionUpdateParams, entity=_of_subscription),
    Route("POST", _SUBSCRIPTION + "/cancel",
          _one(lambda server, asked: _subscription(server, server.subscriptions.cancel(_id(asked), asked.body))),
          body=v1.SubscriptionCancelParams, entity=_of_subscription),
    Route("GET", "/contracts", _listed(_contract_list), query=v1.ContractListParams),
    Route("POST", "/contracts", _one(_create_contract, 201), body=v1.ContractCreateParams, entity=_of_contract),
    Route("GET", _CONTRACT,
          _one(lambda server, asked: server.contracts.show(server.contracts.contract(_id(asked)).ref))),
    Route("PATCH", _CONTRACT, _one(lambda server, asked: server.contracts.change(_id(asked), asked.body)),
          body=v1.ContractUpdateParams, entity=_of_contract),
    Route("POST", _CONTRACT + "/archive", _one(lambda server, asked: server.contracts.archive(_id(asked))),
          body=NoParams, entity=_of_contract),
    Route("POST", _CONTRACT + "/subscriptions",
          _one(lambda server, asked: server.contracts.attach(_id(asked), asked.body)),
          body=AttachParams, entity=_of_contract),
    Route("DELETE", _CONTRACT + "/subscriptions/{member}",
          _one(lambda server, asked: server.contracts.detach(_id(asked), asked.names["member"])), entity=_of_contract),
    Route("GET", "/plans", _listed(lambda server, _asked: server.catalogue.show_plans()), query=v1.PlanListParams),
    Route("GET", "/plans/{id}", _one(lambda server, asked: server.catalogue.show_plan(_id(asked)))),
    Route("GET", "/plans/{id}/entitlements",
          lambda server, asked: (200, {"data": server.catalogue.show_entitlements(_id(asked)),
                                       "pagination": {"next": None, "prev": None}})),
    Route("GET", "/addons", _listed(lambda server, _asked: server.catalogue.show_add_ons()), query=v1.AddonListParams),
    Route("GET", "/products", _listed(lambda server, _asked: server.catalogue.show_products()),
          query=v1.ProductListProductsParams),
    Route("GET", "/features", _listed(lambda server, _asked: server.catalogue.show_features()),
          query=v1.FeatureListFeaturesParams),
    Route("GET", "/credits/custom-currencies", _listed(lambda server, _asked: server.catalogue.show_currencies()),
          query=credits.CustomCurrencyListParams),
    Route("GET", "/credits/grants", _listed(lambda server, asked: server.credits.grants(*_credit_query(asked))),
          query=credits.GrantListParams),
    Route("GET", "/credits/ledger", _listed(lambda server, asked: server.credits.ledger(*_credit_query(asked))),
          query=v1.CreditListLedgerParams),
    Route("GET", "/usage/{customer_id}/history/{feature_id}", _one(_history), query=v1.UsageHistoryParams,
          path_keys=("customerId",)),
)  # fmt: skip
