"""One logged-in door to one Airwallex account: token, pace, retries; every call goes through `call`.

Exists because the token lives for half an hour, calls are limited per second and at once, and amounts must be exact in
both directions. It must not know any object or field beyond those of the login, and no error of a vendor may leave it.
"""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, NoReturn

import requests
from tenacity import Retrying, retry_if_exception, stop_after_attempt, stop_before_delay, wait_random_exponential

from connector.adapters.call_pace import CallPace
from connector.adapters.exact_json import exact_json
from connector.adapters.http import HttpSettings, ServiceSession
from connector.adapters.payments_airwallex_errors import (
    LoginRefused,
    error_of_answer,
    error_of_transport,
    is_worth_repeating,
    unreadable,
)
from connector.errors import Unavailable, Uncertain
from connector.ports import Clock

DEFAULT_PATHS: Mapping[str, str] = {
    "login": "/api/v1/authentication/login",
    "account": "/api/v1/account",
    "balances": "/api/v1/balances/current",
    "links": "/api/v1/pa/payment_links",
    "intents": "/api/v1/pa/payment_intents",
    "refunds": "/api/v1/pa/refunds",
    "disputes": "/api/v1/pa/payment_disputes",
    "deposits": "/api/v1/deposits",
}
# The documented sandbox limit is 10 a second on one endpoint and 10 at once; production allows twice and five times it.
_CALLS_PER_SECOND, _AT_ONCE = 8, 8
_TRIES, _SECONDS_IN_ALL = 5, 20.0
# Renewed so long before its end, so that no call carries a token that ends on its way.
_RENEW_BEFORE = timedelta(minutes=2)
_LARGEST_ANSWER = 10_000_000
_OFFSET = re.compile(r"([+-]\d{2})(\d{2})$")


@dataclass(frozen=True, slots=True)
class AirwallexSettings:
    """Where the account is and how to speak to it. `login_as` and `on_behalf_of` are account ids, empty for none."""

    base_url: str
    client_id: str
    api_key: str = field(repr=False)
    api_version: str = "2026-08-21"
    login_as: str = ""
    on_behalf_of: str = ""
    paths: Mapping[str, str] = field(default_factory=lambda: DEFAULT_PATHS)


@dataclass(frozen=True, slots=True)
class AirwallexCall:
    """One call: `doing` completes "Could not ...", a `body` makes it a POST and is sent as exact JSON.

    A POST must carry a request id or be one that may be done twice.
    """

    doing: str
    path: str
    body: Mapping[str, Any] | None = None
    query: Mapping[str, str] = field(default_factory=dict)


class _Own(threading.local):
    session: ServiceSession | None = None


class AirwallexConnection:
    """One account's door. May be used from many threads; each has its own session, all share one token and one pace."""

    def __init__(
        self,
        *,
        settings: AirwallexSettings,
        clock: Clock,
        http: HttpSettings | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._settings, self._clock, self._sleep = settings, clock, sleep
        self._http = http or HttpSettings(read_seconds=20.0)
        self._pace = CallPace(per_second=_CALLS_PER_SECOND, at_once=_AT_ONCE, sleep=sleep)
        self._own = _Own()
        self._lock = threading.Lock()
        self._token, self._token_ends = "", datetime.min.replace(tzinfo=UTC)

    def path(self, name: str) -> str:
        """The path of that kind of thing, as configured."""
        return self._settings.paths[name]

    def call(self, call: AirwallexCall) -> Any:
        """The parsed answer: numbers with a point are Decimal. Quick transient failures are repeated for seconds.

        Raises ConnectorErrors only; Uncertain when a write was sent and its outcome is not known.
        """
        doubts: list[Uncertain] = []
        try:
            return self._repeatedly(lambda: self._noting_doubts(call, doubts))
        except Unavailable as away:
            # A later try that never arrived says nothing about the earlier one whose answer was lost.
            if doubts:
                raise doubts[-1] from away
            raise

    def close(self) -> None:
        """Close this thread's connections."""
        if self._own.session is not None:
            self._own.session.close()
            self._own.session = None

    def _repeatedly(self, once: Callable[[], Any]) -> Any:
        again = Retrying(
            retry=retry_if_exception(is_worth_repeating),
            stop=stop_after_attempt(_TRIES) | stop_before_delay(_SECONDS_IN_ALL),
            wait=wait_random_exponential(multiplier=1, max=16),
            sleep=self._sleep,
            reraise=True,
        )
        return again(once)

    def _noting_doubts(self, call: AirwallexCall, doubts: list[Uncertain]) -> Any:
        try:
            return self._call_once(call)
        except Uncertain as doubt:
            doubts.append(doubt)
            raise

    def _call_once(self, call: AirwallexCall) -> Any:
        token = self._current_token()
        status, body = self._send(call, {"Authorization": f"Bearer {token}"} | self._acting_for())
        if status == 401:
            # Once: a second refusal is about the account and not about this token.
            status, body = self._send(
                call, {"Authorization": f"Bearer {self._renewed_token(token)}"} | self._acting_for()
            )
        if 200 <= status < 300:
            return body
        raise error_of_answer(status=status, body=body, doing=call.doing, is_write=call.body is not None)

    def _acting_for(self) -> dict[str, str]:
        account = self._settings.on_behalf_of
        return {"x-on-behalf-of": account} if account else {}

    # The token.

    def _current_token(self) -> str:
        with self._lock:
            if not self._token or self._clock.now() >= self._token_ends - _RENEW_BEFORE:
                self._log_in()
            return self._token

    def _renewed_token(self, refused: str) -> str:
        """Another token than that one; another thread may have fetched it already."""
        with self._lock:
            if self._token == refused:
                self._log_in()
            return self._token

    def _log_in(self) -> None:
        headers = {"x-client-id": self._settings.client_id, "x-api-key": self._settings.api_key}
        if self._settings.login_as:
            headers["x-login-as"] = self._settings.login_as
        doing = "log in to Airwallex"
        # Twice is once: a login makes nothing that must not be made twice, so its answer may be lost.
        status, body = self._send(AirwallexCall(doing, self.path("login"), body={}), headers, is_write=False)
        if status in (400, 401, 403):
            raise LoginRefused
        if not 200 <= status < 300:
            raise error_of_answer(status=status, body=body, doing=doing, is_write=False)
        try:
            self._token, self._token_ends = str(body["token"]), instant(body["expires_at"])
        except (KeyError, TypeError, ValueError) as error:
            raise unreadable(doing=doing, why="the answer holds no token", is_write=False) from error

    # The wire.

    def _send(
        self, call: AirwallexCall, headers: Mapping[str, str], *, is_write: bool | None = None
    ) -> tuple[int, Any]:
        writes = call.body is not None if is_write is None else is_write
        try:
            with self._pace.turn():
                answer = self._session().request(
                    "GET" if call.body is None else "POST",
                    self._settings.base_url + call.path,
                    params=dict(call.query) or None,
                    data=None if call.body is None else exact_json(call.body).encode(),
                    headers={"x-api-version": self._settings.api_version, **headers},
                )
                content = answer.content
        except requests.exceptions.RequestException as error:
            raise error_of_transport(error, doing=call.doing, is_write=writes) from None
        return answer.status_code, self._parsed(call, answer.status_code, content, writes)

    def _session(self) -> ServiceSession:
        if self._own.session is None:
            self._own.session = ServiceSession(settings=self._http)
            self._own.session.headers["Content-Type"] = "application/json"
        return self._own.session

    def _parsed(self, call: AirwallexCall, status: int, content: bytes, is_write: bool) -> Any:
        """The body as exact JSON; what a failed answer holds instead (an error page) is nothing."""
        is_good = 200 <= status < 300
        if is_good and not content:
            return {}
        try:
            if len(content) > _LARGEST_ANSWER:
                raise ValueError("too long")
            return json.loads(content, parse_float=Decimal, parse_constant=_refuse_constant)
        except (ValueError, RecursionError):
            if is_good:
                why = "the answer is not JSON"
                raise unreadable(doing=call.doing, why=why, is_write=is_write) from None
            return None


def instant(value: Any) -> datetime:
    """An instant as Airwallex writes it: `+0000`, `+00:00` or `Z`. Raises ValueError, also for one without zone."""
    found = datetime.fromisoformat(_OFFSET.sub(r"\1:\2", value if isinstance(value, str) else ""))
    if found.tzinfo is None:
        raise ValueError("an instant needs its offset")
    return found


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
