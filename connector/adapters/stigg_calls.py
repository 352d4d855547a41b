"""One call to Stigg by its own SDK: our turn, the key of a repetition, exact numbers, every failure in our words.

The SDK's own retries are off, because it would repeat a create without a key; a read is repeated here, a change by the
order that wants it. Answers are read as raw JSON, since the SDK makes floats of numbers and None of what is missing.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Protocol, cast

import httpx
import stigg

from connector.adapters.http import USER_AGENT, require_safe_url
from connector.adapters.stigg_errors import translated, unreadable
from connector.domain.pacing import Turn
from connector.errors import ConnectorError, RateLimited, Unavailable, Uncertain
from connector.ports import Clock

PATIENCE = timedelta(seconds=5)
_READS_AGAIN_AFTER = (0.2, 1.0)
_PAGE = 100
_MOST_PAGES = 200

Call = Callable[[stigg.Stigg], Any]


class Turns(Protocol):
    """Who may change something when; see `store/paced_changes.py`."""

    def take(self, *, key: str, entity: str, now: datetime, patience: timedelta) -> Turn:
        """A turn for one change of that entity, granted when it is at most `patience` away."""


@dataclass(frozen=True, slots=True)
class StiggAccount:
    """Where Stigg is and who we are there; times in seconds."""

    base_url: str
    api_key: str = field(repr=False)
    connect_seconds: float = 5.0
    read_seconds: float = 30.0


class StiggCalls:
    """Calls to one environment of Stigg. May be used from many threads."""

    def __init__(
        self,
        *,
        account: StiggAccount,
        turns: Turns,
        history_turns: Turns,
        clock: Clock,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        timeout = httpx.Timeout(account.read_seconds, connect=account.connect_seconds)
        self._secret = account.api_key
        self._turns, self._history_turns = turns, history_turns
        self._sleep = sleep
        self.clock = clock
        self._client = stigg.Stigg(
            api_key=account.api_key,
            base_url=require_safe_url(account.base_url, setting="base_url in [stigg]"),
            max_retries=0,
            timeout=timeout,
            default_headers={"User-Agent": USER_AGENT},
            # A redirect would carry the key elsewhere, and so would a proxy that the environment names.
            http_client=stigg.DefaultHttpxClient(follow_redirects=False, trust_env=False, timeout=timeout),
        )

    def close(self) -> None:
        """Close all connections."""
        self._client.close()

    def pause(self, seconds: float) -> None:
        """Wait a moment before something is looked at again."""
        self._sleep(seconds)

    def read(self, what: str, call: Call) -> Any:
        """What a question is answered with, unwrapped. Asked up to three times within seconds.

        Raises StiggUnknown for a 404, Unavailable, RateLimited and Misconfigured.
        """
        for pause in _READS_AGAIN_AFTER:
            try:
                return self._answer(what, call, is_change=False)
            except Unavailable:
                self._sleep(pause)
        return self._answer(what, call, is_change=False)

    def read_history(self, what: str, key: str, call: Call) -> Any:
        """The same for usage history, of which Stigg answers fewer a minute than of anything else."""
        self._wait_for_turn(self._history_turns, what, key, "history")
        return self.read(what, call)

    def pages(self, what: str, call: Callable[[stigg.Stigg, Mapping[str, Any]], Any]) -> Iterator[Any]:
        """The rows of every page; `call` is given the arguments that ask for a page."""
        after: dict[str, Any] = {}
        for _page in range(_MOST_PAGES):
            body = self._page(what, call, after)
            yield from body["data"]
            following = (body.get("pagination") or {}).get("next")
            if not following or not body["data"]:
                return
            after = {"after": following}
        raise Unavailable(f"Stigg did not come to an end of its pages, at: {what}.", code="STIGG_ANSWER")

    def page(self, what: str, call: Call) -> tuple[list[Any], str]:
        """The rows of one page, and the cursor of the next one, empty on the last."""
        body = self._page(what, lambda client, _more: call(client), {})
        return body["data"], (body.get("pagination") or {}).get("next") or ""

    def _page(self, what: str, call: Callable[[stigg.Stigg, Mapping[str, Any]], Any], after: dict[str, Any]) -> Any:
        body = self.read(what, lambda client: call(client, {"limit": _PAGE, **after}))
        if not isinstance(body, dict) or not isinstance(body.get("data"), list):
            raise unreadable(what, "without a list", is_change=False)
        return body

    def change(self, what: str, *, key: str, entity: str, call: Call) -> Any:
        """Make one change when it is our turn; what it is answered with, unwrapped.

        `key` names the change, the same on each retry; `entity` is whose limit it counts on. Raises Uncertain when
        nobody can say whether it was done, RateLimited when the turn is far away, and the refusals.
        """
        self._wait_for_turn(self._turns, what, key, entity)
        return self._answer(what, call, is_change=True)

    def _wait_for_turn(self, turns: Turns, what: str, key: str, entity: str) -> None:
        now = self.clock.now()
        turn = turns.take(key=key, entity=entity, now=now, patience=PATIENCE)
        wait = (turn.at - now).total_seconds()
        if not turn.is_granted:
            raise RateLimited(
                f"Stigg allows so many changes a minute; our turn is at {turn.at:%H:%M:%S} UTC, to: {what}.",
                retry_after=max(1, int(wait + 0.999)),
            )
        if wait > 0:
            self._sleep(wait)

    def _answer(self, what: str, call: Call, *, is_change: bool) -> Any:
        failure: ConnectorError | None = None
        try:
            answer = call(self._client)
        except stigg.StiggError as error:
            failure = translated(error, what, is_change=is_change, secret=self._secret)
        if failure is not None:
            # Not chained: the SDK's error holds the request with our key and the whole body of the answer.
            raise failure
        response = cast(httpx.Response, getattr(answer, "http_response", answer))
        body = _parsed(response)
        if not isinstance(body, dict | list):
            raise unreadable(what, _kind_of(response), is_change=is_change)
        return _unwrapped(body)


def keyed(key: str, body: Any) -> dict[str, str]:
    """The header that makes a repeated POST one; a changed body is another wish and needs another key."""
    digest = hashlib.sha256(json.dumps(body, sort_keys=True, default=str).encode()).hexdigest()[:16]
    return {"Idempotency-Key": f"countersign-{key}-{digest}"}


def require(row: Any, name: str, what: str) -> Any:
    """A value that an answer must have: the SDK would make None of a missing one. Raises Unavailable."""
    if not isinstance(row, dict) or row.get(name) is None:
        raise Unavailable(f"Stigg's answer lacks {name}, to: {what}.", code="STIGG_ANSWER")
    return row[name]


def require_made(row: Any, name: str, what: str) -> Any:
    """The same for the answer to a change. Raises Uncertain."""
    try:
        return require(row, name, what)
    except Unavailable as error:
        raise Uncertain(f"{error} We read back before we ask again.", code="STIGG_LOST") from error


def _parsed(response: httpx.Response) -> Any:
    try:
        return json.loads(response.content, parse_float=Decimal)
    except (ValueError, RecursionError):
        return None


def _unwrapped(body: Any) -> Any:
    """The thing itself; a list stays with its cursor."""
    if isinstance(body, dict) and isinstance(body.get("data"), dict):
        return body["data"]
    return body


def _kind_of(response: httpx.Response) -> str:
    if not response.content:
        return "with nothing"
    if "json" not in response.headers.get("content-type", ""):
        return "with a page instead of data"
    return "with half an answer"
