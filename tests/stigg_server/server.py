"""The stand-in itself: addresses, key, typed bodies, idempotency keys, limits, bad days.

Spoken to over real HTTP. `calls` lists what arrived, so that a test can say what was never called.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl, unquote

from connector.adapters.exact_json import exact_json
from connector.sandbox.serving import Server
from tests.stigg_server.catalogue import Catalogue
from tests.stigg_server.contracts import Contracts
from tests.stigg_server.credits import Credits
from tests.stigg_server.faults import Bad, BadDays
from tests.stigg_server.limits import Limits
from tests.stigg_server.refusals import Refusal
from tests.stigg_server.routes import ROUTES, Asked, Route
from tests.stigg_server.subscriptions import Subscriptions
from tests.stigg_server.typed import Misfit, check_body, check_query

API_KEY = "stigg-server-key-of-the-tests-0123456789"
_HTML = b"<html><body><h1>502 Bad Gateway</h1></body></html>"
_JSON = [("Content-Type", "application/json; charset=utf-8")]


@dataclass(frozen=True)
class Called:
    """One call as it arrived, and the status it was answered with."""

    method: str
    path: str
    status: int
    body: Any
    key: str


class StiggServer:
    """One environment behind one key."""

    def __init__(
        self, catalogue: Catalogue | None = None, *, now: Callable[[], datetime] | None = None, is_limited: bool = True
    ) -> None:
        self.now = now or (lambda: datetime.now(UTC))
        self.catalogue = catalogue or Catalogue()
        self.subscriptions = Subscriptions(self.catalogue, lambda: self.now())
        self.contracts = Contracts(self.subscriptions)
        self.credits = Credits(self.subscriptions)
        self.limits = (
            Limits(lambda: self.now()) if is_limited else Limits(lambda: self.now(), in_all=10**9, of_one=10**9)
        )
        self.bad_days = BadDays()
        self.calls: list[Called] = []
        self.latency = 0.0
        self._answers: dict[str, tuple[str, int, bytes]] = {}
        self._lock = threading.RLock()
        self._server = Server(host="127.0.0.1", port=0)

    def start(self) -> str:
        """Serve in a thread; the base URL."""
        return self._server.start(self)

    def stop(self) -> None:
        """Stop serving; nothing is forgotten."""
        self._server.stop()

    @property
    def base_url(self) -> str:
        """Where it is reached."""
        return self._server.base_url

    def fail(self, kind: Any, method: str = "", path: str = "", **more: Any) -> None:
        """Let the next calls that fit go wrong."""
        self.bad_days.add(Bad(kind, method=method, path=path, **more))

    def changes(self) -> list[Called]:
        """The calls that changed something, or tried to."""
        return [call for call in self.calls if call.method != "GET"]

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """The WSGI application."""
        method, raw = environ["REQUEST_METHOD"], environ["RAW_URI"].partition("?")[0]
        if self.latency:
            time.sleep(self.latency)
        bad = self.bad_days.strike(method, raw)
        if bad is not None and bad.kind == "cut before":
            raise ConnectionError
        status, body = self._refused_outright(bad) or self._answer(environ, method, raw)
        headers = [*_JSON, *(bad.headers if bad else ())]
        if bad is not None:
            if bad.kind == "cut after":
                raise ConnectionError
            status, body, headers = _spoiled(bad, status, body, headers)
        start_response(f"{status} {_REASONS.get(status, 'Status')}", headers)
        return [body]

    def _refused_outright(self, bad: Bad | None) -> tuple[int, bytes] | None:
        if bad is None or bad.kind not in ("status", "redirect"):
            return None
        return (302 if bad.kind == "redirect" else bad.status), bad.body.encode()

    def _answer(self, environ: dict[str, Any], method: str, raw: str) -> tuple[int, bytes]:
        text = environ["wsgi.input"].read()
        key = environ.get("HTTP_IDEMPOTENCY_KEY", "")
        body: Any = None
        try:
            if environ.get("HTTP_X_API_KEY") != API_KEY:
                error = {"error": {"code": "UNAUTHENTICATED", "message": "Invalid API key"}}
                return self._note(method, raw, 401, None, key, json.dumps(error).encode())
            body = json.loads(text, parse_float=Decimal) if text else None
            status, answer = self._done(method, raw, environ["QUERY_STRING"], body, key, text.decode())
        except Refusal as refusal:
            status, answer = refusal.status, json.dumps(refusal.body).encode()
        except (Misfit, ValueError) as misfit:
            status, answer = 400, json.dumps({"code": "BadUserInput", "message": str(misfit)}).encode()
        return self._note(method, raw, status, body, key, answer)

    def _done(self, method: str, raw: str, query: str, body: Any, key: str, text: str) -> tuple[int, bytes]:
        route, names = _route(method, raw)
        given = dict(parse_qsl(query))
        if route.query is not None:
            check_query(route.query, given, path_keys=route.path_keys)
        elif given:
            raise Misfit(f"no query is known here: {', '.join(given)}")
        if route.body is not None:
            check_body(route.body, body if body is not None else {})
        elif body:
            raise Misfit("no body is known here")
        asked = Asked(names, given, body or {})
        with self._lock:
            if key and method == "POST" and (known := self._answers.get(key)):
                if known[0] != f"{raw} {text}":
                    raise Refusal(409, "IdempotencyKeyReuse", "the Idempotency-Key was used with another body")
                return known[1], known[2]
            if method != "GET" and not self.limits.take(route.entity(asked)):
                answer = b'{"error":"rate_limit_exceeded","message":"Too many requests"}'
                return 429, answer
            status, shown = route.work(self, asked)
            encoded = exact_json(shown).encode()
            if key and method == "POST":
                self._answers[key] = (f"{raw} {text}", status, encoded)
            return status, encoded

    def _note(self, method: str, raw: str, status: int, body: Any, key: str, answer: bytes) -> tuple[int, bytes]:
        with self._lock:
            self.calls.append(Called(method, raw.removeprefix("/api/v1"), status, body, key))
        return status, answer


_REASONS = {200: "OK", 201: "Created", 400: "Bad Request", 401: "Unauthorized", 404: "Not Found", 409: "Conflict"}


def _spoiled(bad: Bad, status: int, body: bytes, headers: list[Any]) -> tuple[int, bytes, list[Any]]:
    if bad.kind == "late":
        time.sleep(bad.seconds)
    if bad.kind == "html":
        return 200, _HTML, [("Content-Type", "text/html")]
    if bad.kind == "text":
        return bad.status, bad.body.encode(), [("Content-Type", "text/html")]
    if bad.kind == "redirect":
        return 302, b"", [*headers, ("Location", "http://127.0.0.1:9/elsewhere")]
    if bad.kind == "empty":
        return status, b"", headers
    if bad.kind == "half":
        return status, body[: len(body) // 2], headers
    return status, body, headers


def _route(method: str, raw: str) -> tuple[Route, dict[str, str]]:
    parts = raw.split("/")
    for route in ROUTES:
        pattern = ("/api/v1" + route.path).split("/")
        if route.method == method and len(pattern) == len(parts):
            names = {want[1:-1]: unquote(part) for want, part in zip(pattern, parts, strict=True) if want[:1] == "{"}
            fits = all(want[:1] == "{" or want == part for want, part in zip(pattern, parts, strict=True))
            if fits and all(names.values()):
                return route, names
    raise Refusal(404, "NotFound", f"Cannot {method} {raw}")
