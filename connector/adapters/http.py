"""One kind of HTTP session for every adapter: a timeout always, our name on every call, no surprises from the host.

Exists because `requests` waits for ever by default, follows redirects with credentials, and takes proxies and passwords
from the environment. It must not retry (each adapter knows which calls are safe to repeat) and must not know a vendor.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter

from connector import __version__
from connector.errors import Misconfigured

USER_AGENT = f"Countersign/{__version__}"


@dataclass(frozen=True, slots=True)
class HttpSettings:
    """How to speak HTTP: seconds to connect and to wait for an answer, connections kept, proxies from where.

    `trust_env` True takes proxies and certificate bundles from the environment (HTTPS_PROXY, REQUESTS_CA_BUNDLE).
    """

    connect_seconds: float = 5.0
    read_seconds: float = 60.0
    pool: int = 2
    trust_env: bool = False
    proxies: Mapping[str, str] = field(default_factory=dict, repr=False)


def is_loopback(url: str) -> bool:
    """Whether the URL's host is this machine (localhost, 127.0.0.0/8 or ::1)."""
    host = urlsplit(url).hostname or ""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def require_safe_url(url: str, *, setting: str) -> str:
    """The base URL without a trailing slash, when it is https or plain http to this machine. Raises Misconfigured."""
    parts = urlsplit(url)
    is_safe = bool(parts.hostname) and (parts.scheme == "https" or (parts.scheme == "http" and is_loopback(url)))
    if not is_safe or parts.username or parts.password or parts.query or parts.fragment:
        raise Misconfigured(
            f"{setting} must be an https URL without user, password or query (plain http only to this machine).",
            code="UNSAFE_URL",
            fix=f"Set {setting} to something like https://acme.my.salesforce.com.",
        )
    return url.rstrip("/")


class ServiceSession(requests.Session):
    """A `requests.Session` that always has a timeout, never follows a redirect and refuses plain http to the outside.

    `plain_http_to` is a base URL `http://host:port` on this machine: calls to `https://host:port` are sent there
    without TLS, for a stand-in server behind a client library that insists on https. Not to be shared between threads.
    """

    def __init__(
        self,
        *,
        settings: HttpSettings | None = None,
        on_answer: Callable[[requests.Response], None] | None = None,
        plain_http_to: str = "",
    ) -> None:
        super().__init__()
        chosen = settings or HttpSettings()
        self.timeout = (chosen.connect_seconds, chosen.read_seconds)
        self.headers["User-Agent"] = USER_AGENT
        self.trust_env = chosen.trust_env
        self.proxies.update(chosen.proxies)
        # A callable that changes nothing keeps requests from putting a .netrc password over our Authorization header.
        self.auth = _unchanged
        self._plain_netloc = _plain_netloc(plain_http_to)
        for scheme in ("https://", "http://"):
            self.mount(scheme, HTTPAdapter(pool_connections=chosen.pool, pool_maxsize=chosen.pool, max_retries=0))
        if on_answer is not None:
            self._tell(on_answer)

    def request(self, method: Any, url: Any, *args: Any, **kwargs: Any) -> requests.Response:
        """As in requests, with our timeout unless the caller names one, and never a redirect. Raises Misconfigured."""
        if kwargs.get("timeout") is None:
            kwargs["timeout"] = self.timeout
        # Set, not defaulted: `get` of requests asks for redirects by itself.
        kwargs["allow_redirects"] = False
        text = url.decode() if isinstance(url, bytes) else url
        return super().request(method, self._checked(text), *args, **kwargs)

    def _checked(self, url: str) -> str:
        parts = urlsplit(url)
        if self._plain_netloc and parts.netloc == self._plain_netloc:
            return parts._replace(scheme="http").geturl()
        if parts.scheme != "https" and not is_loopback(url):
            raise Misconfigured(
                f"Plain http to {parts.hostname or 'an unnamed host'} is refused: secrets would travel in the clear.",
                code="UNSAFE_URL",
                fix="Use an https address; plain http works only to this machine.",
            )
        return url

    def _tell(self, on_answer: Callable[[requests.Response], None]) -> None:
        def listen(response: requests.Response, *_args: Any, **_kwargs: Any) -> None:
            on_answer(response)

        self.hooks["response"].append(listen)


def _plain_netloc(base_url: str) -> str:
    """Host and port of a stand-in server, nothing for https."""
    if not base_url or urlsplit(base_url).scheme == "https":
        return ""
    return urlsplit(require_safe_url(base_url, setting="the address of the stand-in server")).netloc


def _unchanged(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request
