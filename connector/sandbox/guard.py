"""Who may use the pages and the control endpoints: this machine, and no other site's script.

The data API has its tokens; pages and control have none, so they answer to loopback only (unless the sandbox was
started with open control), check the Host header against rebinding, and take a POST only from their own pages or as
JSON from a script.
"""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

from flask import Response, request

if TYPE_CHECKING:
    from connector.sandbox.sandbox import Sandbox

LOCAL_NAMES = ("127.0.0.1", "localhost", "[::1]")
POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


def refusal(sandbox: Sandbox) -> Response | None:
    """The 403 for a request that may not pass, or None."""
    if not sandbox.open_control and not (_is_loopback(request.remote_addr or "") and _host() in LOCAL_NAMES):
        return _forbidden("pages and control of the sandbox are for this machine only")
    if request.method in ("GET", "HEAD"):
        return None
    origin = request.headers.get("Origin")
    if origin is not None:
        return (
            None
            if origin == f"{request.scheme}://{request.host}"
            else _forbidden("the request comes from another site")
        )
    if request.headers.get("Sec-Fetch-Site") == "same-origin" or request.mimetype == "application/json":
        return None
    if request.method == "DELETE":
        # A foreign page cannot send DELETE without asking first, and nobody here allows it.
        return None
    return _forbidden("send JSON, or use the button on the page")


def harden(response: Response) -> Response:
    """Headers of every page: no foreign content, no framing, no sniffing, no cache."""
    response.headers["Content-Security-Policy"] = POLICY
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "same-origin"
    response.headers["Cache-Control"] = "no-store"
    return response


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


def _host() -> str:
    name = request.host
    return name.split("]")[0] + "]" if name.startswith("[") else name.split(":")[0]


def _forbidden(text: str) -> Response:
    return Response(text + "\n", 403, mimetype="text/plain")
