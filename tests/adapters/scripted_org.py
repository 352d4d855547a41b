"""A Salesforce org as a script: rows it holds, fields it hides, and the answers it gives on bad days.

Answers go through the real `requests` and simple-salesforce; only the wire is replaced. Answers put into `next_answers`
are given first, in order, to the calls whose path ends with the key.
"""

from __future__ import annotations

import json
import re
import threading
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import requests
import responses

from connector.adapters.exact_json import exact_json

HOST = "https://acme.my.salesforce.com"
ROOT = f"{HOST}/services/data/v63.0"
ORG_ID = "00DV0000008s2SrMAI"
SERVER_DATE = "Mon, 02 Mar 2026 09:31:07 GMT"
HTML = "<html><body><h1>We are down for maintenance.</h1></body></html>"

Answer = tuple[int, dict[str, str], str] | Exception


def answer(status: int, body: Any = None, **headers: str) -> Answer:
    """A scripted answer; text is sent as it is, anything else as JSON."""
    text = body if isinstance(body, str) else exact_json(body)
    return status, {name.replace("_", "-"): value for name, value in headers.items()}, text


def fault(status: int, code: str, message: str = "", **headers: str) -> Answer:
    """An error in Salesforce's plain form."""
    return answer(status, [{"errorCode": code, "message": message}], **headers)


@dataclass
class ScriptedOrg:
    """One org behind the `responses` mock; safe for calls from many threads."""

    rows: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: defaultdict(list))
    hidden: set[tuple[str, str]] = field(default_factory=set)
    page_size: int = 2000
    good_tokens: set[str] | None = None
    next_answers: dict[str, deque[Answer]] = field(default_factory=lambda: defaultdict(deque))
    row_errors: dict[str, dict[str, Any]] = field(default_factory=dict)
    meeting: Callable[[str], bool] = lambda _record_id: True
    calls: list[requests.PreparedRequest] = field(default_factory=list)
    queries: list[str] = field(default_factory=list)
    logins: int = 0
    usage: str = "api-usage=18/5000"
    before_answer: Callable[[str], None] = lambda _path: None
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _pages: dict[str, dict[str, Any]] = field(default_factory=dict)

    def mount(self, mock: responses.RequestsMock) -> None:
        """Answer every call to this host."""
        for method in ("GET", "POST", "PATCH"):
            mock.add_callback(method, re.compile(re.escape(HOST)), callback=self._answered)

    def calls_to(self, path: str) -> list[requests.PreparedRequest]:
        """The calls whose path ends so."""
        return [call for call in self.calls if urlsplit(str(call.url)).path.endswith(path)]

    def refuse(self, path: str, *answers: Answer) -> None:
        """Give these answers first to calls whose path ends so."""
        self.next_answers[path].extend(answers)

    def _answered(self, request: requests.PreparedRequest) -> tuple[int, dict[str, str], str]:
        path = urlsplit(str(request.url)).path
        self.before_answer(path)
        with self._lock:
            self.calls.append(request)
            if path.endswith("/oauth2/token"):
                self.logins += 1
            special = next(
                (queue.popleft() for end, queue in self.next_answers.items() if path.endswith(end) and queue), None
            )
            if special is None:
                special = self._usual(request, path)
        if isinstance(special, Exception):
            raise special
        status, headers, body = special
        return status, {"Date": SERVER_DATE, "Sforce-Limit-Info": self.usage} | headers, body

    def _usual(self, request: requests.PreparedRequest, path: str) -> Answer:
        if path.endswith("/oauth2/token"):
            return self._token()
        token = str(request.headers["Authorization"]).removeprefix("Bearer ")
        if self.good_tokens is not None and token not in self.good_tokens:
            return fault(401, "INVALID_SESSION_ID", "Session expired or invalid")
        if path.endswith("/composite"):
            return self._composite(json.loads(request.body or b"{}"))
        if path.endswith("/composite/sobjects"):
            return self._collection(json.loads(request.body or b"{}", parse_float=Decimal))
        if "/query/" in path:
            return answer(200, self._pages[path])
        return answer(200, {"DailyApiRequests": {"Max": 5000, "Remaining": 4982}})

    def _token(self) -> Answer:
        token = f"token-{self.logins}"
        if self.good_tokens is not None:
            self.good_tokens.add(token)
        identity = f"https://login.salesforce.com/id/{ORG_ID}/005V0000000abcdKAA"
        return answer(200, {"access_token": token, "id": identity, "instance_url": HOST, "token_type": "Bearer"})

    def _composite(self, body: dict[str, Any]) -> Answer:
        parts = []
        for part in body["compositeRequest"]:
            soql = parse_qs(urlsplit(part["url"]).query)["q"][0]
            assert unquote(part["url"].partition("?q=")[2]) == soql
            self.queries.append(soql)
            status, found = self._query(soql)
            parts.append(
                {"body": found, "httpHeaders": {}, "httpStatusCode": status, "referenceId": part["referenceId"]}
            )
        return answer(200, {"compositeResponse": parts})

    def _query(self, soql: str) -> tuple[int, Any]:
        shape = re.fullmatch(r"SELECT (.+?) FROM (\w+) (.*)", soql, re.DOTALL)
        assert shape, soql
        names, source, rest = shape[1].split(", "), shape[2], shape[3]
        for name in names:
            path, _, column = f"{source}.{name}".rpartition(".")
            entity = path.rpartition(".")[2]
            if (entity, column) in self.hidden:
                text = f"\nSELECT {name}\n ^\nERROR at Row:1:Column:8\nNo such column '{column}' on entity '{entity}'."
                return 400, [{"message": text, "errorCode": "INVALID_FIELD"}]
        rows = self.rows[source]
        wanted = re.match(r"WHERE (\w+) IN \(([^)]*)\)", rest)
        if wanted:
            ids = re.findall(r"'(\w+)'", wanted[2])
            rows = [row for row in rows if row[wanted[1]] in ids]
        if " AND (" in rest:
            rows = [row for row in rows if self.meeting(row["Id"])]
        return 200, self._page(rows, source, 0)

    def _page(self, rows: list[dict[str, Any]], source: str, start: int) -> dict[str, Any]:
        end = start + self.page_size
        page: dict[str, Any] = {"totalSize": len(rows), "done": end >= len(rows)}
        page["records"] = [{"attributes": {"type": source, "url": "/x"}, **row} for row in rows[start:end]]
        if end < len(rows):
            page["nextRecordsUrl"] = f"/services/data/v63.0/query/0r8{source}-{end}"
            self._pages[page["nextRecordsUrl"]] = self._page(rows, source, end)
        return page

    def _collection(self, body: dict[str, Any]) -> Answer:
        results = []
        for record in body["records"]:
            error = self.row_errors.get(record["id"])
            results.append({"id": record["id"], "success": error is None, "errors": [error] if error else []})
        return answer(200, results)
