"""One logged-in door to one org: token, clients, counters, server clock and limits; every call goes through `call`.

Exists because simple-salesforce has no lock, no timeout and no bounded re-login of its own. It must not know any object
or field, and no error of a vendor may leave it.
"""

from __future__ import annotations

import re
import threading
import time
import weakref
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from email.utils import parsedate_to_datetime
from types import MappingProxyType
from typing import Any, Literal

import requests
from simple_salesforce.api import Salesforce
from simple_salesforce.exceptions import SalesforceError
from tenacity import Retrying, retry_if_exception, stop_after_attempt, stop_before_delay, wait_random_exponential

from connector.adapters.exact_json import exact_json
from connector.adapters.http import HttpSettings, ServiceSession
from connector.adapters.salesforce_auth import AccessToken, SalesforceLogin, TokenSource
from connector.adapters.salesforce_auth_faults import AuthenticationFailed
from connector.adapters.salesforce_errors import (
    error_of_answer,
    error_of_transport,
    is_expired_token,
    is_worth_repeating,
    unreadable,
)
from connector.errors import ConnectorError, Unavailable, Uncertain
from connector.ports import ApiUsage, Clock

Purpose = Literal["fetch", "sweep", "write_back", "describe", "login"]

_HEADERS = {"Sforce-Call-Options": "client=Countersign", "X-PrettyPrint": "0", "Accept": "application/json"}
_USAGE = re.compile(r"(?:^|[;,\s])api-usage=(\d+)/(\d+)")
_TRIES, _SECONDS_IN_ALL = 4, 8.0
# A Date header older than this may no longer agree with our clock, for instance after the host's clock was set.
_SERVER_CLOCK_AGE = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Call:
    """One call: `path` below /services/data/vNN.N/, `doing` completes "Could not ...", `body` is sent as exact JSON."""

    purpose: Purpose
    doing: str
    path: str
    method: str = "GET"
    body: Mapping[str, Any] | None = None
    is_write: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """A parsed answer (None when it was empty) and Salesforce's own time of it."""

    body: Any
    at: datetime


class _Client(threading.local):
    """What one thread owns: its HTTP session, its simple-salesforce client, and the last answer's headers."""

    session: ServiceSession | None = None
    salesforce: Salesforce | None = None
    generation: int = 0
    headers: Mapping[str, str] = MappingProxyType({})


class SalesforceConnection:
    """One org's door. May be used from many threads; each has its own client, all share one token."""

    def __init__(
        self,
        *,
        login: SalesforceLogin,
        clock: Clock,
        http: HttpSettings | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._login, self._clock, self._sleep = login, clock, sleep
        self._http = http or HttpSettings()
        self._tokens = TokenSource(
            login=login, clock=clock, http=http, sleep=sleep, on_call=lambda: self._count("login")
        )
        self._own = _Client()
        self._sessions: weakref.WeakSet[ServiceSession] = weakref.WeakSet()
        self._token_lock = threading.Lock()
        self._token: AccessToken | None = None
        self._org_id = ""
        self._generation = self._logins_ended = 0
        self._facts = threading.Lock()
        self._calls: Counter[str] = Counter()
        self._used = self._limit = 0
        self._server_ahead: timedelta | None = None
        self._heard_at: datetime | None = None

    def call(self, call: Call) -> Answer:
        """Make the call; repeats quick transient failures for a few seconds. Raises ConnectorErrors only.

        A write must be safe to repeat (fields set by record id).
        """
        again = Retrying(
            retry=retry_if_exception(is_worth_repeating),
            stop=stop_after_attempt(_TRIES) | stop_before_delay(_SECONDS_IN_ALL),
            wait=wait_random_exponential(multiplier=0.4, max=3),
            sleep=self._sleep,
            reraise=True,
        )
        doubts: list[Uncertain] = []
        try:
            return again(self._call_noting_doubts, call, doubts)
        except Unavailable as away:
            # A later try that never arrived says nothing about the earlier one whose answer was lost.
            if doubts:
                raise doubts[-1] from away
            raise

    def org_id(self) -> str:
        """The org's id as the last token told it; empty before the first login or when it was not told."""
        return self._org_id

    def server_now(self) -> datetime | None:
        """Salesforce's clock now, from a recent `Date` header; None when there is none."""
        now = self._clock.now()
        with self._facts:
            if self._server_ahead is None or self._heard_at is None or now - self._heard_at > _SERVER_CLOCK_AGE:
                return None
            return now + self._server_ahead

    def usage(self) -> ApiUsage:
        """Daily calls of the whole org, and our own API calls since start (logins not counted)."""
        with self._facts:
            own = sum(count for purpose, count in self._calls.items() if purpose != "login")
            return ApiUsage(used=self._used, limit=self._limit, calls=own)

    def calls_by_purpose(self) -> Mapping[str, int]:
        """Our own calls since start by what they were for, logins and repeats included."""
        with self._facts:
            return dict(self._calls)

    def close(self) -> None:
        """Close every thread's connections; the next call opens new ones."""
        for session in list(self._sessions):
            session.close()

    # Token and clients.

    def _call_noting_doubts(self, call: Call, doubts: list[Uncertain]) -> Answer:
        try:
            return self._call_logged_in(call)
        except Uncertain as doubt:
            doubts.append(doubt)
            raise

    def _call_logged_in(self, call: Call) -> Answer:
        """One try, with one renewal of the token when Salesforce does not accept it."""
        client, generation = self._client()
        try:
            return self._send(client, call)
        except SalesforceError as expired:
            self._renew(seen=generation)
            client, generation = self._client()
            try:
                return self._send(client, call)
            except SalesforceError:
                raise self._refused_twice(generation) from expired

    def _client(self) -> tuple[Salesforce, int]:
        """This thread's client for the newest token."""
        if self._token is None:
            self._renew(seen=0)
        with self._token_lock:
            token, generation = self._token, self._generation
        if token is None:
            raise Unavailable("Could not log in to Salesforce: the token was given up meanwhile.", code="NO_TOKEN")
        if self._own.salesforce is None or self._own.generation != generation:
            self._own.salesforce, self._own.generation = self._new_client(token), generation
        return self._own.salesforce, generation

    def _new_client(self, token: AccessToken) -> Salesforce:
        if self._own.session is None:
            self._own.session = ServiceSession(
                settings=self._http, on_answer=self._listen, plain_http_to=self._login.instance_url
            )
            self._sessions.add(self._own.session)
        return Salesforce(
            session_id=token.value,
            instance_url=self._login.instance_url,
            version=self._login.api_version,
            session=self._own.session,
            parse_float=Decimal,
            object_pairs_hook=dict,
        )

    def _renew(self, *, seen: int) -> None:
        """Log in unless another thread did since generation `seen`; a failed try is not repeated by who waited."""
        ended = self._logins_ended
        with self._token_lock:
            if self._token is not None and self._generation != seen:
                return
            if self._logins_ended != ended:
                self._tokens.raise_when_shut()
                raise Unavailable("Could not log in to Salesforce: another try failed just now.", code="NO_TOKEN")
            self._token = None
            try:
                self._token = self._tokens.fetch()
                self._generation += 1
                self._org_id = self._token.org_id
            finally:
                self._logins_ended += 1

    def _refused_twice(self, generation: int) -> AuthenticationFailed:
        """A token that was just given is not accepted: logging in again and again would lock the user."""
        refusal = AuthenticationFailed(
            "Salesforce gave us a token and does not accept it: the user has no API access, or an address or session "
            "policy of the org stands against it.",
            fix="Give the integration user the permission API Enabled; check the app's IP and session policies.",
        )
        self._tokens.shut(refusal)
        with self._token_lock:
            if self._generation == generation:
                self._token = None
        return refusal

    # One request.

    def _send(self, client: Salesforce, call: Call) -> Answer:
        """One request. Raises SalesforceError only when the token is not accepted, else ConnectorErrors."""
        self._count(call.purpose)
        sent: dict[str, Any] = {} if call.body is None else {"data": exact_json(call.body).encode()}
        try:
            body = client.restful(call.path, method=call.method, headers=_HEADERS, **sent)
        except SalesforceError as error:
            if is_expired_token(error):
                raise
            raise self._translated(error, call) from error
        except (requests.RequestException, ValueError) as error:
            raise error_of_transport(error, doing=call.doing, is_write=call.is_write) from error
        except TypeError as error:
            # The client library measures the length of what it parsed: a bare number or null ends here.
            raise unreadable(doing=call.doing, why="the answer is not a record", is_write=call.is_write) from error
        return Answer(body=body, at=_http_date(self._own.headers.get("Date", "")) or self._clock.now())

    def _translated(self, error: SalesforceError, call: Call) -> ConnectorError:
        return error_of_answer(
            status=int(error.status),
            body=error.content,
            doing=call.doing,
            is_write=call.is_write,
            retry_after=self._own.headers.get("Retry-After", ""),
        )

    # What every answer tells.

    def _count(self, purpose: Purpose) -> None:
        with self._facts:
            self._calls[purpose] += 1

    def _listen(self, response: requests.Response) -> None:
        """Keep the limit and the clock that come with every answer, also with a failed one."""
        self._own.headers = response.headers
        usage = _USAGE.search(response.headers.get("Sforce-Limit-Info", ""))
        server_at = _http_date(response.headers.get("Date", ""))
        now = self._clock.now()
        with self._facts:
            if usage:
                self._used, self._limit = int(usage[1]), int(usage[2])
            if server_at:
                self._server_ahead, self._heard_at = server_at - now, now


def _http_date(text: str) -> datetime | None:
    """The instant of a `Date` header, None when there is none or it cannot be read."""
    try:
        moment = parsedate_to_datetime(text)
    except (TypeError, ValueError):
        return None
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
