"""Salesforce on bad days: expired tokens, maintenance, limits, lost answers. Only our own errors come out."""

from __future__ import annotations

import logging
import threading
import traceback
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest
import requests
from urllib3.exceptions import MaxRetryError, NewConnectionError

from connector.adapters.clock import FixedClock
from connector.adapters.salesforce import SimpleSalesforceGateway
from connector.adapters.salesforce_auth_faults import AuthenticationFailed
from connector.domain.salesforce_ids import id18
from connector.errors import Conflict, ConnectorError, Misconfigured, RateLimited, Refused, Unavailable
from connector.ports import Record, RecordSelection, RecordWrite
from tests.adapters.scripted_org import HTML, ScriptedOrg, answer, fault

QUOTE = id18("0Q0V0000000abcd")
SELECTION = RecordSelection(object="Quote", fields=("Name",))
EXPIRED = fault(401, "INVALID_SESSION_ID", "Session expired or invalid")


def fetch(gateway: SimpleSalesforceGateway) -> tuple[Record, ...]:
    return gateway.fetch(selection=SELECTION, record_ids=[QUOTE])


def write(gateway: SimpleSalesforceGateway) -> Any:
    return gateway.write(writes=[RecordWrite("Quote", QUOTE, {"Sync_Status__c": "Synced"})])


@pytest.fixture(autouse=True)
def one_quote(org: ScriptedOrg) -> None:
    """The org holds one quote."""
    org.rows["Quote"] = [{"Id": QUOTE, "Name": "Deal"}]


class CountingLock:
    """A lock that says when so many threads hold it or wait for it."""

    def __init__(self, wanted: int) -> None:
        self._lock, self._wanted = threading.Lock(), wanted
        self.is_crowded = threading.Event()
        self._asked: set[int] = set()

    def __enter__(self) -> None:
        self._asked.add(threading.get_ident())
        if len(self._asked) >= self._wanted:
            self.is_crowded.set()
        self._lock.acquire()

    def __exit__(self, *_error: object) -> None:
        self._lock.release()


def crowd_at_the_login(org: ScriptedOrg, gateway: SimpleSalesforceGateway, *, threads: int) -> list[Future[Any]]:
    """Fetch in many threads; the login is answered only when all others wait for it."""
    door = CountingLock(threads)
    gateway._connection._token_lock = door  # type: ignore[assignment]  # nothing public tells who waits

    def hold(path: str) -> None:
        if path.endswith("/oauth2/token"):
            assert door.is_crowded.wait(timeout=10)

    org.before_answer = hold
    with ThreadPoolExecutor(threads) as pool:
        return [pool.submit(fetch, gateway) for _ in range(threads)]


def test_twenty_threads_with_an_expired_token_make_exactly_one_login(
    org: ScriptedOrg, gateway: SimpleSalesforceGateway
) -> None:
    org.good_tokens = set()
    fetch(gateway)
    org.good_tokens.clear()
    together = threading.Barrier(20)
    waited = threading.local()

    def wait_once(path: str) -> None:
        """All twenty calls are under way with the old token before the first of them is refused."""
        if path.endswith("/composite") and not hasattr(waited, "done"):
            waited.done = True
            together.wait(timeout=10)

    org.before_answer = wait_once
    with ThreadPoolExecutor(20) as pool:
        found = [done.result(timeout=10) for done in [pool.submit(fetch, gateway) for _ in range(20)]]

    assert org.logins == 2
    assert all(len(records) == 1 for records in found)
    assert len(org.calls_to("/composite")) == 1 + 20 + 20


def test_twenty_threads_that_start_together_make_exactly_one_login(
    org: ScriptedOrg, gateway: SimpleSalesforceGateway
) -> None:
    ends = crowd_at_the_login(org, gateway, threads=20)

    assert all(len(end.result()) == 1 for end in ends)
    assert org.logins == 1
    assert gateway.usage().calls == 20


def test_an_expired_token_is_renewed_once_in_silence(org: ScriptedOrg, gateway: SimpleSalesforceGateway) -> None:
    org.refuse("/composite", EXPIRED)

    assert len(fetch(gateway)) == 1

    assert org.logins == 2
    assert [call.headers["Authorization"] for call in org.calls_to("/composite")] == [
        "Bearer token-1",
        "Bearer token-2",
    ]


@pytest.mark.parametrize("refusal", [EXPIRED, answer(401, HTML), answer(401, "")])
def test_a_fresh_token_that_is_refused_too_goes_up_and_shuts_the_door(
    org: ScriptedOrg, gateway: SimpleSalesforceGateway, clock: FixedClock, refusal: Any
) -> None:
    org.refuse("/composite", *[refusal] * 100)

    for _ in range(10):
        with pytest.raises(AuthenticationFailed, match="does not accept it"):
            fetch(gateway)

    assert org.logins == 2
    org.next_answers.clear()
    clock.advance(seconds=15 * 60)
    assert len(fetch(gateway)) == 1


def test_twenty_threads_with_a_refused_login_ask_once(org: ScriptedOrg, gateway: SimpleSalesforceGateway) -> None:
    org.refuse(
        "/oauth2/token", *[answer(400, {"error": "invalid_grant", "error_description": "expired assertion"})] * 99
    )

    ends = crowd_at_the_login(org, gateway, threads=20)

    assert org.logins == 1
    assert {type(end.exception()) for end in ends} == {AuthenticationFailed}


@pytest.mark.parametrize(
    "trouble", [answer(503, HTML), requests.ConnectionError("reset"), requests.ReadTimeout("slow")]
)
@pytest.mark.parametrize("threads", [1, 20])
def test_a_login_endpoint_that_is_down_is_not_stormed(
    org: ScriptedOrg, gateway: SimpleSalesforceGateway, trouble: Any, threads: int
) -> None:
    org.refuse("/oauth2/token", *[trouble] * 99)

    ends = crowd_at_the_login(org, gateway, threads=threads)

    assert {type(end.exception()) for end in ends} == {Unavailable}
    assert org.logins == 3


PASSING: list[Any] = [
    answer(503, HTML),
    answer(500, HTML),
    answer(503, [{"errorCode": "SERVER_UNAVAILABLE", "message": ""}]),
    fault(500, "UNKNOWN_EXCEPTION", "ErrorId 1-1"),
    fault(400, "UNABLE_TO_LOCK_ROW"),
    fault(403, "REQUEST_LIMIT_EXCEEDED", "ConcurrentPerOrgLongTxn Limit exceeded."),
    requests.ReadTimeout("slow"),
    requests.ConnectTimeout("slow"),
    requests.ConnectionError("reset"),
    requests.exceptions.ChunkedEncodingError("cut"),
    requests.exceptions.SSLError("EOF occurred in violation of protocol"),
]


@pytest.mark.parametrize("trouble", PASSING)
@pytest.mark.parametrize(("act", "path"), [(fetch, "/composite"), (write, "/composite/sobjects")])
def test_a_passing_trouble_is_repeated_within_seconds(
    org: ScriptedOrg,
    gateway: SimpleSalesforceGateway,
    naps: list[float],
    trouble: Any,
    act: Callable[..., Any],
    path: str,
) -> None:
    org.refuse(path, trouble, trouble)

    assert len(act(gateway)) == 1

    assert len(naps) == 2
    assert all(0 <= nap <= 3 for nap in naps)


@pytest.mark.parametrize("trouble", PASSING)
def test_a_trouble_that_stays_comes_out_as_retryable_after_four_tries(
    org: ScriptedOrg, gateway: SimpleSalesforceGateway, trouble: Any
) -> None:
    org.refuse("/composite", *[trouble] * 10)

    with pytest.raises((Unavailable, Conflict, RateLimited)) as raised:
        fetch(gateway)

    assert len(org.calls_to("/composite")) <= 4
    assert "fetch 1 record of Quote" in str(raised.value)


LASTING: list[tuple[Any, type[ConnectorError], str]] = [
    (answer(302, "", Location="https://login.salesforce.com/?ec=302"), Unavailable, "REDIRECTED"),
    (fault(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded."), RateLimited, "REQUEST_LIMIT_EXCEEDED"),
    (fault(400, "QUERY_TIMEOUT", "SELECT Id"), Unavailable, "QUERY_TIMEOUT"),
    (answer(429, "slow down"), RateLimited, "RATE_LIMITED"),
    (fault(403, "API_DISABLED_FOR_ORG", "API is not enabled"), Misconfigured, "API_DISABLED_FOR_ORG"),
    (fault(403, "SOMETHING_NEW", "no"), Misconfigured, "SOMETHING_NEW"),
    (answer(403, HTML), Misconfigured, "HTTP_403"),
    (answer(404, HTML), Misconfigured, "HTTP_404"),
    (answer(410, "gone"), Misconfigured, "MISCONFIGURED"),
    (fault(400, "SOMETHING_NEW", "no"), Refused, "SOMETHING_NEW"),
    (fault(400, "JSON_PARSER_ERROR", "Unexpected character"), Refused, "JSON_PARSER_ERROR"),
]


@pytest.mark.parametrize(("trouble", "error", "code"), LASTING)
def test_a_lasting_trouble_is_told_at_once_and_not_repeated(
    org: ScriptedOrg, gateway: SimpleSalesforceGateway, trouble: Any, error: type[ConnectorError], code: str
) -> None:
    org.refuse("/composite", trouble)

    with pytest.raises(error) as raised:
        fetch(gateway)

    assert raised.value.code == code
    assert raised.value.fix
    assert raised.value.__cause__ is not None
    assert len(org.calls_to("/composite")) == 1


@pytest.mark.parametrize(
    ("trouble", "seconds"),
    [
        (fault(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded."), 900),
        (fault(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.", Retry_After="3600"), 3600),
        (fault(403, "REQUEST_LIMIT_EXCEEDED", "ConcurrentPerOrgLongTxn Limit exceeded."), 5),
        (answer(429, "", Retry_After="120"), 120),
        (answer(429, "", Retry_After="Mon, 02 Mar 2026 10:00:00 GMT"), 60),
    ],
)
def test_a_limit_says_how_long_to_wait(
    org: ScriptedOrg, gateway: SimpleSalesforceGateway, trouble: Any, seconds: int
) -> None:
    org.refuse("/composite", *[trouble] * 4)

    with pytest.raises(RateLimited) as limited:
        fetch(gateway)

    assert limited.value.retry_after == seconds


def test_the_daily_limit_is_the_administrators_to_mend(org: ScriptedOrg, gateway: SimpleSalesforceGateway) -> None:
    org.refuse("/composite", fault(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded."))

    with pytest.raises(RateLimited) as limited:
        fetch(gateway)

    assert limited.value.owner == "salesforce_admin"
    assert "integration" in limited.value.fix


def test_a_write_that_never_left_is_unavailable_and_not_uncertain(
    org: ScriptedOrg, gateway: SimpleSalesforceGateway
) -> None:
    reason = NewConnectionError(None, "Name or service not known")  # type: ignore[arg-type]
    never_sent = requests.ConnectionError(MaxRetryError(None, "/x", reason))  # type: ignore[arg-type]
    org.refuse("/composite/sobjects", *[never_sent] * 4)

    with pytest.raises(Unavailable) as raised:
        write(gateway)

    assert raised.value.code == "NO_CONNECTION"


def test_the_limit_header_is_read_from_failed_answers_too(org: ScriptedOrg, gateway: SimpleSalesforceGateway) -> None:
    org.usage = "api-usage=5000/5000"
    org.refuse("/composite", fault(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded."))

    with pytest.raises(RateLimited):
        fetch(gateway)

    assert (gateway.usage().used, gateway.usage().limit) == (5000, 5000)


def test_repeats_count_as_calls(org: ScriptedOrg, gateway: SimpleSalesforceGateway) -> None:
    org.refuse("/composite", answer(503, HTML))

    fetch(gateway)

    assert gateway.calls_by_purpose() == {"login": 1, "fetch": 2}
    assert gateway.usage().calls == 2


@pytest.mark.parametrize("trouble", [*PASSING, *(row[0] for row in LASTING), EXPIRED])
def test_no_token_no_secret_and_no_query_is_in_any_error_or_log(
    org: ScriptedOrg, gateway: SimpleSalesforceGateway, caplog: pytest.LogCaptureFixture, trouble: Any
) -> None:
    caplog.set_level(logging.DEBUG)
    org.refuse("/composite", *[trouble] * 4)

    with pytest.raises(ConnectorError) as raised:
        fetch(gateway)

    message = str(raised.value) + raised.value.fix
    everything = "".join(traceback.format_exception(raised.value)) + caplog.text + repr(vars(gateway))
    assert "very-secret-word" not in everything
    assert "token-1" not in everything
    assert "SELECT" not in message
    assert "https://" not in message
    assert HTML not in message


def test_closing_lets_the_next_call_open_new_connections(org: ScriptedOrg, gateway: SimpleSalesforceGateway) -> None:
    fetch(gateway)

    gateway.close()

    assert len(fetch(gateway)) == 1
