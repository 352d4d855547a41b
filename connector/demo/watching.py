"""Watch the deals through the product's API and on the Salesforce records until each is where it must be."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from connector.demo.calling import LocalServer
from connector.demo.deals import DemoDeal, DemoOrg

_POLL = 0.15
_MOST_ORDERS = 200
# The product's two questions that need no message, in words.
_ASKED = {"sweep": "sweep", "unsynced": "hourly check"}


@dataclass(frozen=True, slots=True)
class Standing:
    """How far one deal is: here, in Salesforce, and how long it took to be right in both."""

    deal: DemoDeal
    number: str = ""
    state: str = ""
    code: str = ""
    value: Decimal | None = None
    orders: int = 0
    word: str = ""
    word_code: str = ""
    deliveries: int = 0
    seconds: float = 0.0
    source: str = ""

    @property
    def is_right(self) -> bool:
        """Whether it is where the story says, in both places."""
        return not self.differences()

    @property
    def came_by(self) -> str:
        """How we heard of the deal: by its message, or because we asked."""
        if self.deliveries:
            return "message" if self.deliveries == 1 else f"message, {self.deliveries} times"
        return _ASKED.get(self.source, self.source) or "-"

    def differences(self) -> list[str]:
        """What is not as expected, as sentences; empty when all is."""
        deal = self.deal
        found = []
        if self.orders != 1:
            found.append(f"{self.orders} orders instead of one")
        if self.state != deal.expected or not self.code.startswith(deal.expected_code):
            wanted = f"{deal.expected} {deal.expected_code}".strip()
            found.append(f"the order is {_words(self.state, self.code)} instead of {wanted}")
        if deal.expected == "FULFILLED" and self.value != deal.value:
            found.append(f"the contract value is {self.value} instead of {deal.value}")
        if self.word != deal.expected_word or not self.word_code.startswith(deal.expected_code):
            wanted = f"{deal.expected_word} {deal.expected_code}".strip()
            found.append(f"Salesforce shows {_words(self.word, self.word_code)} instead of {wanted}")
        if self.deliveries < deal.deliveries or (deal.deliveries == 0 and self.deliveries):
            found.append(f"its message was delivered {self.deliveries} times instead of {deal.deliveries}")
        return found


class Watch:
    """All deals of one demo. `tell` is called with every standing after each look."""

    def __init__(self, *, org: DemoOrg, api: LocalServer, deals: Sequence[DemoDeal]) -> None:
        self._org, self._api = org, api
        self._signed_at: dict[str, float] = {}
        self.standings = [Standing(deal) for deal in deals]

    def sign_all(self, *, tell: Callable[[], None]) -> None:
        """Sign every deal, the one whose message gets lost first, and look between, as the work begins at once."""
        for deal in sorted((standing.deal for standing in self.standings), key=lambda deal: deal.deliveries > 0):
            self._org.sign(deal)
            self._signed_at[deal.key] = time.monotonic()
            self.look()
            tell()

    def until_right(self, *, seconds: float) -> Iterator[None]:
        """Look again and again until every deal is right or the time is over; yields after each look."""
        deadline = time.monotonic() + seconds
        while True:
            self.look()
            yield
            if all(standing.is_right for standing in self.standings) or time.monotonic() > deadline:
                return
            time.sleep(_POLL)

    def look(self) -> None:
        """Read orders and records once; what is right already is not asked for again."""
        orders, deliveries = self._orders(), self._org.deliveries()
        self.standings = [
            standing if standing.is_right else self._look_at(standing, orders, deliveries)
            for standing in self.standings
        ]

    def look_at_everything(self) -> None:
        """Read all once more, so that what was right and is no longer comes out; the seconds stay."""
        orders, deliveries = self._orders(), self._org.deliveries()
        self.standings = [
            replace(
                self._look_at(standing, orders, deliveries),
                seconds=standing.seconds,
                source=self._source(standing.number),
            )
            for standing in self.standings
        ]

    def _source(self, number: str) -> str:
        """Where the first message about an order came from."""
        if not number:
            return ""
        messages = self._api.get(f"/api/v1/orders/{number}")["messages"]
        first = min(messages, key=lambda message: (message["received_at"], message["id"]), default={"source": ""})
        return str(first["source"]).partition(":")[0]

    def _look_at(
        self, standing: Standing, orders: Mapping[str, Sequence[Mapping[str, Any]]], deliveries: Mapping[str, int]
    ) -> Standing:
        deal = standing.deal
        if deal.key not in self._signed_at:
            return standing
        word, word_code = self._org.status_of(deal)
        own = orders.get(deal.record_id, ())
        found = replace(
            standing,
            orders=len(own),
            word=word,
            word_code=word_code,
            deliveries=deliveries.get(deal.record_id, 0),
            seconds=time.monotonic() - self._signed_at[deal.key],
        )
        return replace(found, **_order_values(own[0])) if own else found

    def _orders(self) -> dict[str, list[Mapping[str, Any]]]:
        """The product's orders by Salesforce record."""
        found: dict[str, list[Mapping[str, Any]]] = {}
        for order in self._api.get("/api/v1/orders", limit=_MOST_ORDERS)["data"]:
            found.setdefault(order["record"]["id"], []).append(order)
        return found


def _order_values(order: Mapping[str, Any]) -> dict[str, Any]:
    problem, value = order["problem"] or {}, order["value"]
    return {
        "number": order["number"],
        "state": order["state"],
        "code": problem.get("code", ""),
        "value": Decimal(value["amount"]) if value else None,
    }


def _words(state: str, code: str) -> str:
    return f"{state} {code}".strip() or "nothing"
