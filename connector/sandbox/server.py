"""The Flask application of the sandbox: OAuth, the data API behind its gate, control and pages.

The gate does what Salesforce's edge does before a resource is reached: size limits, faults, the token, JSON reading;
and puts the limit and date headers on every answer. What a resource answers is decided in `rest.py`.
"""

from __future__ import annotations

import json
import time
from datetime import UTC
from decimal import Decimal
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any

from flask import Flask, Response, request

from connector.sandbox.calls import LoggedCall
from connector.sandbox.errors import Refusal
from connector.sandbox.faults import INSTEAD, MAINTENANCE_PAGE, Fault, call_refusal
from connector.sandbox.oauth import OAuthRefusal
from connector.sandbox.org import DATA, NEWEST_VERSION, OLDEST_VERSION, Answer, Call, call_from_url
from connector.sandbox.rest import dispatch
from connector.sandbox.values import to_json

if TYPE_CHECKING:
    from connector.sandbox.sandbox import Sandbox

LARGEST_BODY = 50 * 1024 * 1024
LONGEST_HEAD = 16_384
METHODS = ["GET", "POST", "PATCH", "PUT", "DELETE"]
JSON_TYPE = "application/json;charset=UTF-8"


def create_app(sandbox: Sandbox) -> Flask:
    """The WSGI application of one sandbox."""
    from connector.sandbox.control import control_blueprint
    from connector.sandbox.pages import pages_blueprint

    app = Flask("connector.sandbox", template_folder="templates", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = LARGEST_BODY
    # A lost answer must reach the server as an error, and so must a mistake of ours: Flask shall not hide them.
    app.config["PROPAGATE_EXCEPTIONS"] = True
    gate = _Gate(sandbox)
    app.add_url_rule("/services/oauth2/token", view_func=gate.token, methods=["POST"])
    app.add_url_rule("/services/oauth2/revoke", view_func=gate.revoke, methods=["POST"])
    app.add_url_rule("/services/data/", view_func=gate.versions, methods=["GET"], strict_slashes=False)
    app.add_url_rule("/services/data/<path:rest>", view_func=gate.data, methods=METHODS)
    app.register_blueprint(control_blueprint(sandbox))
    app.register_blueprint(pages_blueprint(sandbox))
    app.after_request(gate.stamp)
    return app


class _CutOff(ConnectionError):
    """The answer is lost on purpose after the work was done."""


class _Gate:
    """One request at a time; all state is the sandbox's."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    def stamp(self, response: Response) -> Response:
        """Put the org's own time and limit use on an answer."""
        sandbox = self._sandbox
        response.headers["Date"] = format_datetime(sandbox.clock.now().astimezone(UTC), usegmt=True)
        if request.path.startswith(DATA):
            response.headers["Sforce-Limit-Info"] = f"api-usage={sandbox.calls.total}/{sandbox.org.daily_limit}"
        return response

    # OAuth

    def token(self) -> Response:
        """`POST /services/oauth2/token`."""
        struck = self._sandbox.faults.for_call("POST", request.path)
        self._wait(struck)
        instead = next((fault for fault in struck if fault.kind in INSTEAD), None)
        if instead is not None:
            return self._instead(instead)
        try:
            granted = self._sandbox.sessions.grant(
                form=request.form,
                authorization=request.headers.get("Authorization", ""),
                base_url=self._sandbox.base_url,
            )
        except OAuthRefusal as refusal:
            return Response(to_json(refusal.body), refusal.status, content_type=JSON_TYPE)
        return self._spoiled(struck, Response(to_json(granted), 200, content_type=JSON_TYPE))

    def revoke(self) -> Response:
        """`POST /services/oauth2/revoke`."""
        token = request.form.get("token", "")
        if not token or not self._sandbox.sessions.is_valid(token):
            body = {"error": "unsupported_token_type", "error_description": "this token type is not supported"}
            return Response(to_json(body), 400, content_type=JSON_TYPE)
        self._sandbox.sessions.revoke(token)
        return Response("", 200)

    # Data

    def versions(self) -> Response:
        """`GET /services/data/`: needs no token."""
        served = [
            {"label": f"API {number}", "url": f"{DATA}v{number}.0", "version": f"{number}.0"}
            for number in range(OLDEST_VERSION, NEWEST_VERSION + 1)
        ]
        return Response(to_json(served), 200, content_type=JSON_TYPE)

    def data(self, rest: str) -> Response:  # noqa: ARG002 - the raw URL is read instead, for encoded slashes
        """Everything below a version."""
        url = request.environ.get("RAW_URI") or request.full_path
        too_long = self._too_long(url)
        if too_long is not None:
            return too_long
        struck = self._sandbox.faults.for_call(request.method, request.path)
        self._wait(struck)
        instead = next((fault for fault in struck if fault.kind in INSTEAD), None)
        if instead is not None:
            self._note(Call(request.method, request.path, "", ("fault", instead.kind)), instead.status)
            return self._instead(instead)
        call, answer = self._answer(url)
        self._note(call, answer.status)
        body = b"" if answer.body is None else to_json(answer.body).encode()
        response = Response(body, answer.status, headers=dict(answer.headers), content_type=JSON_TYPE)
        return self._spoiled(struck, response)

    def _answer(self, url: str) -> tuple[Call, Answer]:
        bare = Call(request.method, request.path, "", ("refused",))
        try:
            self._check_token()
            call = call_from_url(request.method, url, body=self._body(), headers=dict(request.headers))
            if self._sandbox.calls.total >= self._sandbox.org.daily_limit:
                raise Refusal("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.", status=403)
        except Refusal as refusal:
            return bare, Answer(refusal.status, [refusal.plain()])
        try:
            return call, dispatch(self._sandbox.org, call)
        except RecursionError:
            return call, Answer(400, [Refusal("JSON_PARSER_ERROR", "the request is nested too deeply").plain()])

    def _check_token(self) -> None:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme not in ("Bearer", "OAuth") or not self._sandbox.sessions.is_valid(token):
            raise Refusal("INVALID_SESSION_ID", "Session expired or invalid", status=401)

    def _body(self) -> Any:
        raw = request.get_data()
        if not raw:
            return None
        if request.mimetype != "application/json":
            text = f"Content-Type header specified in HTTP request is not supported: {request.mimetype}"
            raise Refusal("UNSUPPORTED_MEDIA_TYPE", text, status=415)
        try:
            return json.loads(raw, parse_float=Decimal, parse_constant=_no_constant)
        except (ValueError, RecursionError) as mistake:
            raise Refusal("JSON_PARSER_ERROR", f"The request body is not JSON: {str(mistake)[:120]}") from mistake

    def _too_long(self, url: str) -> Response | None:
        head = len(url) + sum(len(name) + len(value) + 4 for name, value in request.headers.items())
        if head <= LONGEST_HEAD:
            return None
        status = 414 if len(url) > LONGEST_HEAD // 2 else 431
        return Response(f"<h1>Bad Message {status}</h1><pre>reason: URI Too Long</pre>", status, mimetype="text/html")

    def _note(self, call: Call, status: int) -> None:
        sandbox = self._sandbox
        detail = call.params.get("q") or "&".join(f"{name}={value}" for name, value in call.params.items())
        sandbox.calls.note(
            LoggedCall(sandbox.clock.now(), call.method, request.path, kind_of(call), status, detail[:2_000])
        )

    # Faults

    def _wait(self, struck: list[Fault]) -> None:
        _pause(self._sandbox.latency.total_seconds() + _slowness(struck, after=False))

    def _instead(self, fault: Fault) -> Response:
        if fault.kind == "unavailable_html":
            return Response(MAINTENANCE_PAGE, 503, content_type="text/html; charset=UTF-8")
        refusal = call_refusal(fault)
        return Response(to_json([refusal.plain()]), refusal.status, content_type=JSON_TYPE)

    def _spoiled(self, struck: list[Fault], response: Response) -> Response:
        _pause(_slowness(struck, after=True))
        kinds = {fault.kind for fault in struck}
        if "cut_after_write" in kinds:
            # The server closes the connection of a request that ends in a connection error.
            raise _CutOff("the answer was cut off on request")
        if "garbage" in kinds:
            text = response.get_data()
            return Response(text[: max(1, len(text) // 2)] or b"{", 200, content_type=JSON_TYPE)
        return response


def _slowness(struck: list[Fault], *, after: bool) -> float:
    return sum(fault.seconds for fault in struck if fault.kind == "slow" and fault.after is after)


def _pause(seconds: float) -> None:
    if seconds:
        time.sleep(seconds)


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def kind_of(call: Call) -> str:
    """The counter of a call: method and resource without ids, such as `PATCH sobjects/Quote`."""
    parts = call.segments
    if parts[:1] == ("sobjects",):
        fixed = parts[2:3] if parts[2:3] in (("describe",), ("updated",), ("deleted",)) else ()
        return f"{call.method} {'/'.join(parts[:2] + fixed)}"
    if parts[:1] in (("query",), ("queryAll",)):
        return f"{call.method} {parts[0]}{'/more' if len(parts) > 1 else ''}"
    return f"{call.method} {'/'.join(parts[:3]) or 'resources'}"
