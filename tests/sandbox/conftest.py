"""A served sandbox with a stopped clock, a REST client with a token, and a receiver of pushes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import requests

from connector.sandbox import Sandbox
from connector.sandbox.serving import Server

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
SECRET = "whsec_c2FuZGJveC10ZXN0LXNlY3JldA=="
ACK = (
    b'<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope '
    b'xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"><soapenv:Body><notificationsResponse '
    b'xmlns="http://soap.sforce.com/2005/09/outbound"><Ack>true</Ack></notificationsResponse>'
    b"</soapenv:Body></soapenv:Envelope>"
)


class Api:
    """A REST client of one sandbox; paths are relative to the version."""

    def __init__(self, sandbox: Sandbox, version: str = "63.0") -> None:
        self.base = f"{sandbox.base_url}/services/data/v{version}/"
        self.session = requests.Session()
        self.session.headers["Authorization"] = f"Bearer {sandbox.sessions.issue()}"

    def call(self, method: str, path: str, **options: Any) -> requests.Response:
        return self.session.request(method, self.base + path, timeout=5, **options)

    def get(self, path: str, **params: str) -> requests.Response:
        return self.call("GET", path, params=params)

    def query(self, soql: str, path: str = "query", **headers: str) -> Any:
        found = self.call("GET", path, params={"q": soql}, headers=headers)
        return found.json(parse_float=Decimal)

    def rows(self, soql: str) -> list[Any]:
        found = self.query(soql)
        assert isinstance(found, dict), found
        records: list[Any] = found["records"]
        return records

    def code(self, response: requests.Response) -> tuple[int, str]:
        return response.status_code, response.json()[0]["errorCode"]


@dataclass
class Receiver:
    """Keeps every body sent to it; answers from `answers` while there are any, then with an Ack."""

    url: str = ""
    bodies: list[bytes] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    answers: list[tuple[str, bytes]] = field(default_factory=list)

    def __call__(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        self.bodies.append(environ["wsgi.input"].read())
        self.headers.append(
            {name[5:].lower().replace("_", "-"): environ[name] for name in environ if name[:5] == "HTTP_"}
        )
        status, body = self.answers.pop(0) if self.answers else ("200 OK", ACK)
        start(status, [("Content-Type", "text/xml; charset=UTF-8"), ("Location", "/elsewhere")])
        return [body]


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """An empty org at NOW; pushes wait for `flush_pushes`, tokens outlive every test."""
    with Sandbox(now=NOW, auto_push=False, token_life=timedelta(days=30)) as running:
        yield running


@pytest.fixture
def api(sandbox: Sandbox) -> Iterator[Api]:
    client = Api(sandbox)
    yield client
    client.session.close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    found = Receiver()
    server = Server(host="127.0.0.1", port=0)
    found.url = server.start(found)
    yield found
    server.stop()


@pytest.fixture
def deal(sandbox: Sandbox) -> dict[str, str]:
    """A customer with an opportunity, a quote and two lines."""
    account = sandbox.insert("Account", {"Name": "Zürich Mützen & Söhne", "CurrencyIsoCode": "EUR"})
    opportunity = sandbox.insert(
        "Opportunity",
        {"Name": "Hats", "AccountId": account, "StageName": "Qualification", "CloseDate": "2026-03-31"},
    )
    quote = sandbox.insert("Quote", {"Name": "Hats 1", "OpportunityId": opportunity, "Status": "Presented"})
    product = sandbox.insert("Product2", {"Name": "Seat", "ProductCode": "SEAT"})
    lines = [
        sandbox.insert(
            "QuoteLineItem",
            {"QuoteId": quote, "Product2Id": product, "Quantity": quantity, "UnitPrice": price, "Discount": discount},
        )
        for quantity, price, discount in (("3", "33.35", "10"), ("10", "0.05", None))
    ]
    return {
        "account": account,
        "opportunity": opportunity,
        "quote": quote,
        "product": product,
        "line": lines[0],
        "other_line": lines[1],
    }
