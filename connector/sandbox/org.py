"""One call to the REST API and the org it meets: the two values that every REST module takes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from connector.sandbox.calls import Calls
from connector.sandbox.clock import SandboxClock
from connector.sandbox.errors import Refusal, not_found
from connector.sandbox.faults import Faults
from connector.sandbox.records import Records
from connector.sandbox.schema import ObjectType, Schema
from connector.sandbox.soql_run import Queries

DATA = "/services/data/"
OLDEST_VERSION, NEWEST_VERSION = 31, 67


@dataclass
class Org:
    """The parts behind the REST API; `user_id` is the integration user, in whose name every call writes."""

    schema: Schema
    records: Records
    queries: Queries
    faults: Faults
    calls: Calls
    clock: SandboxClock
    user_id: str
    org_id: str
    daily_limit: int

    def object(self, name: str) -> ObjectType:
        """The object named in a path. Raises `Refusal` NOT_FOUND, as REST does for unknown and hidden objects."""
        kind = self.schema.object(name)
        if kind is None:
            raise not_found()
        return kind


@dataclass(frozen=True)
class Call:
    """One request behind `/services/data/vNN.N/`, from outside or from inside a composite."""

    method: str
    path: str
    version: str
    segments: tuple[str, ...]
    params: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)

    def header(self, name: str) -> str:
        """A header by name, whatever its case; empty when absent."""
        return next((value for key, value in self.headers.items() if key.lower() == name.lower()), "")

    def record_body(self) -> dict[str, Any]:
        """The body as one JSON object. Raises `Refusal`."""
        if not isinstance(self.body, dict):
            raise Refusal("JSON_PARSER_ERROR", "The HTTP entity body is required, but this request has no entity body.")
        return self.body


@dataclass(frozen=True)
class Answer:
    """Status, JSON-ready body (None: no body) and extra headers."""

    status: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)


def call_from_url(method: str, url: str, *, body: Any, headers: Mapping[str, str]) -> Call:
    """A call from its URL. Raises `Refusal` when the URL is not below the data path or the version is not served.

    Segments are cut before they are decoded, so that an external id value may contain an encoded slash.
    """
    parts = urlsplit(url)
    if not parts.path.startswith(DATA + "v"):
        raise not_found()
    version, *segments = parts.path.removeprefix(DATA + "v").split("/")
    check_version(version)
    params = dict(parse_qsl(parts.query, keep_blank_values=True, max_num_fields=200))
    method = params.pop("_HTTP_METHOD", method).upper() if method == "POST" else method
    decoded = tuple(unquote(segment) for segment in segments if segment)
    return Call(method, parts.path, version, decoded, params, body, headers)


def check_version(version: str) -> None:
    """Refuse a version that this org does not serve."""
    whole, _, part = version.partition(".")
    if not whole.isdigit() or part != "0" or int(whole) > NEWEST_VERSION:
        raise not_found()
    if int(whole) < OLDEST_VERSION:
        raise Refusal("UNSUPPORTED_API_VERSION", "Salesforce API version is no longer available.", status=410)
