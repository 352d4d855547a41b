"""A strict Airwallex on loopback: real HTTP, unknown keys and inexact amounts refused, request ids kept, faults.

It knows what the product's adapter may send and nothing more, so that a slip in a body is a failed test and not a
surprise on a live account. `faults` are used up one by one by calls whose path contains their text.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from connector.adapters.exact_json import exact_json
from connector.domain.money import currency_places
from connector.ports import Clock

CLIENT_ID, API_KEY, SECRET = (
    "client-of-the-tests",
    "api-key-of-the-tests-0123456789",
    "webhook-secret-of-the-tests-01234",
)
API_VERSION = "2026-08-21"
HTML = b"<html><body><h1>Bad gateway</h1></body></html>"

_TEXT, _BOOL, _AMOUNT, _MAP = "text", "bool", "amount", "map"
# What each create takes: name -> (kind, needed).
_LINK_BODY = {
    "request_id": (_TEXT, True), "title": (_TEXT, True), "reusable": (_BOOL, True), "amount": (_AMOUNT, True),
    "currency": (_TEXT, True), "reference": (_TEXT, False), "metadata": (_MAP, False), "return_url": (_TEXT, False),
    "description": (_TEXT, False),
}  # fmt: skip
_REFUND_BODY = {
    "request_id": (_TEXT, True), "payment_intent_id": (_TEXT, True), "amount": (_AMOUNT, False),
    "reason": (_TEXT, False), "metadata": (_MAP, False),
}  # fmt: skip
_FILTERS = {
    "payment_links": set(),
    "payment_intents": {"from_created_at", "to_created_at", "status", "currency", "merchant_order_id"},
    "refunds": {"from_created_at", "to_created_at", "payment_intent_id", "status", "currency"},
    "payment_disputes": {"from_updated_at", "to_updated_at", "status"},
    "deposits": {"from_created_at", "to_created_at"},
}
_PREFIX = {
    "payment_links": "plink",
    "payment_intents": "int",
    "refunds": "rfd",
    "payment_disputes": "dsp",
    "deposits": "dep",
}


class Refusal(Exception):
    """An answer in Airwallex's error form."""

    def __init__(self, status: int, code: str, message: str = "", source: str = "") -> None:
        super().__init__(code)
        self.status = status
        self.body = {"code": code, "message": message, "source": source, "trace_id": "trace-1"}


@dataclass
class Fault:
    """What goes wrong once: cut_before, cut_after, slow, html, or a status."""

    kind: str
    path: str = ""


@dataclass
class StrictAirwallex:
    """One account; safe for calls from many threads."""

    clock: Clock
    rows: dict[str, dict[str, dict[str, Any]]] = field(default_factory=lambda: {name: {} for name in _FILTERS})
    faults: list[Fault] = field(default_factory=list)
    calls: list[tuple[str, str]] = field(default_factory=list)
    bodies: list[str] = field(default_factory=list)
    logins: int = 0
    token_life: timedelta = timedelta(minutes=30)
    page_size: int = 1000
    released: threading.Event = field(default_factory=threading.Event)
    _tokens: set[str] = field(default_factory=set)
    _request_ids: set[str] = field(default_factory=set)
    _lock: threading.RLock = field(default_factory=threading.RLock)
    _count: int = 0

    # The wire.

    def start(self) -> None:
        """Listen on a port of this machine."""
        handler = type("Handler", (_Handler,), {"account": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop listening."""
        self.released.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def base_url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def fail(self, kind: str, path: str = "", *, times: int = 1) -> None:
        """Have the next calls to such a path go wrong."""
        self.faults += [Fault(kind, path) for _ in range(times)]

    def take_fault(self, path: str) -> str:
        """The fault of this call, empty for none."""
        with self._lock:
            for fault in self.faults:
                if fault.path in path:
                    self.faults.remove(fault)
                    return fault.kind
        return ""

    def forget_tokens(self) -> None:
        """Every token given so far is refused from now on."""
        self._tokens.clear()

    def answer(self, method: str, target: str, headers: Any, raw: bytes) -> tuple[int, Any]:
        """Status and body of one call."""
        parts = urlsplit(target)
        with self._lock:
            self.calls.append((method, parts.path))
            if raw:
                self.bodies.append(raw.decode())
            try:
                return self._answer(method, parts.path, dict(parse_qsl(parts.query)), headers, raw)
            except Refusal as refusal:
                return refusal.status, refusal.body

    def _answer(self, method: str, path: str, query: dict[str, str], headers: Any, raw: bytes) -> tuple[int, Any]:
        if headers.get("x-api-version") != API_VERSION:
            raise Refusal(400, "incorrect_version", "send x-api-version")
        if path == "/api/v1/authentication/login":
            return self._log_in(headers)
        if headers.get("Authorization", "").removeprefix("Bearer ") not in self._tokens:
            raise Refusal(401, "unauthorized", "token expired")
        if path == "/api/v1/account":
            return 200, {"id": "acct_1", "account_name": "Example GmbH"}
        if path == "/api/v1/balances/current":
            return 200, [{"currency": "EUR", "available_amount": Decimal("10.00")}, {"currency": "USD"}]
        name, rest = self._resource(path)
        if method == "GET":
            return 200, (self._one(name, rest[0]) if rest else self._page(name, query))
        return self._post(name, rest, self._body(headers, raw))

    def _log_in(self, headers: Any) -> tuple[int, Any]:
        if (headers.get("x-client-id"), headers.get("x-api-key")) != (CLIENT_ID, API_KEY):
            raise Refusal(401, "credentials_invalid", "wrong credentials")
        self.logins += 1
        token = f"token-{self.logins}"
        self._tokens.add(token)
        ends = self.clock.now() + self.token_life
        # The offset form without a colon, as older versions write it.
        return 201, {"token": token, "expires_at": ends.strftime("%Y-%m-%dT%H:%M:%S+0000")}

    def _resource(self, path: str) -> tuple[str, list[str]]:
        for name in _FILTERS:
            prefix = f"/api/v1/{'' if name == 'deposits' else 'pa/'}{name}"
            if path == prefix or path.startswith(f"{prefix}/"):
                return name, [part for part in path.removeprefix(prefix).split("/") if part]
        raise Refusal(404, "not_found", "no such path")

    def _one(self, name: str, ref: str) -> dict[str, Any]:
        if ref not in self.rows[name]:
            raise Refusal(400, "resource_not_found", f"no {ref}")
        return self.rows[name][ref]

    def _page(self, name: str, query: dict[str, str]) -> dict[str, Any]:
        number, size = int(query.pop("page_num")), min(int(query.pop("page_size")), self.page_size)
        if unknown := set(query) - _FILTERS[name]:
            raise Refusal(400, "validation_error", "unknown filter", sorted(unknown)[0])
        found = [row for row in self.rows[name].values() if all(_fits(row, *one) for one in query.items())]
        start = number * size
        return {"items": found[start : start + size], "has_more": start + size < len(found)}

    def _body(self, headers: Any, raw: bytes) -> dict[str, Any]:
        if headers.get("Content-Type") != "application/json":
            raise Refusal(400, "invalid_argument", "send application/json")
        body = json.loads(raw, parse_float=Decimal)
        if not isinstance(body, dict):
            raise Refusal(400, "invalid_argument", "send an object")
        return body

    def _post(self, name: str, rest: list[str], body: dict[str, Any]) -> tuple[int, Any]:
        if name == "payment_links" and rest == ["create"]:
            self._check(body, _LINK_BODY)
            return 201, self._new_link(body)
        if name == "refunds" and rest == ["create"]:
            self._check(body, _REFUND_BODY)
            return 201, self._new_refund(body)
        if name == "payment_links" and len(rest) == 2 and rest[1] == "deactivate":
            return 200, self._deactivate(self._one(name, rest[0]), body)
        raise Refusal(404, "not_found", "no such path")

    def _check(self, body: dict[str, Any], shape: dict[str, tuple[str, bool]]) -> None:
        for name in body:
            if name not in shape:
                raise Refusal(400, "validation_error", "unknown field", name)
        for name, (kind, is_needed) in shape.items():
            if name in body:
                _check_value(name, kind, body)
            elif is_needed:
                raise Refusal(400, "validation_error", "missing", name)
        if len(body["request_id"]) > 64:
            raise Refusal(400, "validation_error", "too long", "request_id")
        if body["request_id"] in self._request_ids:
            raise Refusal(400, "duplicate_request", "this request id was used")

    # The account.

    def _new(self, name: str, **values: Any) -> dict[str, Any]:
        self._count += 1
        now = _written(self.clock.now())
        row = {"id": f"{_PREFIX[name]}_{self._count:06d}", "created_at": now, "updated_at": now, **values}
        self.rows[name][row["id"]] = row
        return row

    def _new_link(self, body: dict[str, Any]) -> dict[str, Any]:
        self._request_ids.add(body["request_id"])
        row = self._new("payment_links", **body, active=True, status="UNPAID", successful_payment_intent_count=0)
        row["url"] = f"https://pay.example/{row['id']}"
        return row

    def _deactivate(self, row: dict[str, Any], body: dict[str, Any]) -> dict[str, Any]:
        if body:
            raise Refusal(400, "validation_error", "unknown field", next(iter(body)))
        if not row["active"]:
            raise Refusal(400, "invalid_status_for_operation", "the link is not active")
        row["active"] = False
        return row

    def _new_refund(self, body: dict[str, Any]) -> dict[str, Any]:
        intent = self._one("payment_intents", body["payment_intent_id"])
        others = (row for row in self.rows["refunds"].values() if row["payment_intent_id"] == intent["id"])
        given = sum((row["amount"] for row in others if row["status"] != "FAILED"), Decimal(0))
        amount = body.get("amount", intent["captured_amount"] - given)
        if given + amount > intent["captured_amount"]:
            raise Refusal(400, "amount_above_limit", "more than was captured", "amount")
        self._request_ids.add(body["request_id"])
        values = body | {"amount": amount, "currency": intent["currency"], "status": "RECEIVED"}
        return self._new("refunds", **values)

    def pay(self, link_id: str, *, amount: Decimal | None = None, currency: str = "", status: str = "SUCCEEDED") -> Any:
        """The customer pays by a link; answers the payment intent."""
        with self._lock:
            link = self.rows["payment_links"][link_id]
            is_paid = status == "SUCCEEDED"
            captured = (link["amount"] if amount is None else amount) if is_paid else Decimal(0)
            intent = self._new(
                "payment_intents",
                amount=link["amount"],
                currency=currency or link["currency"],
                captured_amount=captured,
                status=status,
                merchant_order_id=link.get("reference", ""),
                metadata=link.get("metadata", {}),
                payment_link_id=link_id,
            )
            if is_paid:
                link |= {
                    "active": False, "status": "PAID", "successful_payment_intent_count": 1,
                    "latest_successful_payment_intent_id": intent["id"],
                }  # fmt: skip
            return intent

    def deposit(self, *, amount: str, currency: str = "EUR", reference: str = "", **values: Any) -> dict[str, Any]:
        """Money arrives on the global account."""
        with self._lock:
            row = {"amount": Decimal(amount), "currency": currency, "reference": reference, "status": "SETTLED"}
            return self._new("deposits", **row, type="BANK_TRANSFER", payer={"name": "Payer Ltd"}, **values)

    def dispute(self, intent_id: str, *, amount: Decimal, currency: str, status: str) -> dict[str, Any]:
        """The payer's bank asks."""
        with self._lock:
            return self._new(
                "payment_disputes", payment_intent_id=intent_id, amount=amount, currency=currency, status=status,
                stage="CHARGEBACK",
            )  # fmt: skip

    def move(self, name: str, ref: str, **values: Any) -> None:
        """A thing goes on."""
        with self._lock:
            self.rows[name][ref] |= values | {"updated_at": _written(self.clock.now())}

    def event(self, number: int, name: str, row: dict[str, Any], *, account: str = "acct_1") -> bytes:
        """The body of a webhook about a thing."""
        data = row if name.startswith("deposit") else {"object": row}
        values = {"id": f"evt_{number}", "name": name, "account_id": account, "source_id": row["id"], "data": data}
        return exact_json(values | {"created_at": _written(self.clock.now()), "version": API_VERSION}).encode()


def signed(body: bytes, *, at: datetime, secret: str = SECRET) -> dict[str, str]:
    """The headers with which Airwallex sends a body."""
    stamp = str(int(at.timestamp() * 1000))
    digest = hmac.new(secret.encode(), stamp.encode() + body, hashlib.sha256).hexdigest()
    return {"x-timestamp": stamp, "x-signature": digest, "content-type": "application/json"}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    account: StrictAirwallex

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def _serve(self) -> None:
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        fault = self.account.take_fault(self.path)
        if fault == "slow":
            self.account.released.wait(10)
        if fault in ("cut_before", "slow"):
            self.close_connection = True
            return None
        if fault == "html":
            return self._write(502, HTML, "text/html")
        if fault.isdigit():
            codes = {"401": "unauthorized", "409": "request_in_progress", "429": "too_many_requests"}
            body = {"code": codes.get(fault, "internal_error"), "message": "not now", "trace_id": "trace-2"}
            return self._write(int(fault), exact_json(body).encode())
        status, answer = self.account.answer(self.command, self.path, self.headers, raw)
        if fault == "cut_after":
            self.close_connection = True
            return None
        return self._write(status, exact_json(answer).encode())

    def _write(self, status: int, body: bytes, kind: str = "application/json") -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


def _check_value(name: str, kind: str, body: dict[str, Any]) -> None:
    value = body[name]
    checks: dict[str, Callable[[Any], bool]] = {
        _TEXT: lambda found: isinstance(found, str) and bool(found),
        _BOOL: lambda found: isinstance(found, bool),
        _AMOUNT: lambda found: isinstance(found, Decimal | int) and not isinstance(found, bool) and found > 0,
        _MAP: lambda found: isinstance(found, dict) and all(isinstance(one, str) for one in found.values()),
    }
    if not checks[kind](value):
        raise Refusal(400, "validation_error", f"must be {kind}", name)
    if kind == _AMOUNT and isinstance(value, Decimal) and "currency" in body:
        places = -int(value.as_tuple().exponent)
        if places > currency_places(body["currency"]):
            raise Refusal(400, "validation_error", "too many places", name)


def _fits(row: dict[str, Any], name: str, value: str) -> bool:
    if name.startswith(("from_", "to_")):
        if not value.endswith("+0000"):
            raise Refusal(400, "validation_error", "send the offset as +0000", name)
        end, _, column = name.partition("_")
        found = datetime.fromisoformat(row[column].replace("+0000", "+00:00"))
        asked = datetime.fromisoformat(value.replace("+0000", "+00:00"))
        return found >= asked if end == "from" else found <= asked
    return bool(row.get(name) == value)


def _written(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S+0000")
