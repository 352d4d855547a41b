"""JSON over HTTP to the two servers of the demo, which run on this machine."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import requests

from connector.errors import Unavailable

_TIMEOUT = (2, 15)


class LocalServer:
    """One server of the demo; answers are parsed with exact numbers."""

    def __init__(self, base_url: str, *, token: str = "") -> None:
        self.base_url = base_url
        self._session = requests.Session()
        # A proxy of the host has nothing to do with a server on the same machine.
        self._session.trust_env = False
        if token:
            self._session.headers["Authorization"] = f"Bearer {token}"

    def get(self, path: str, **parameters: str | int) -> dict[str, Any]:
        """The JSON at that address. Raises Unavailable when there is none."""
        return self._call("GET", path, params=parameters)

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Send a JSON object and read the answer. Raises Unavailable when there is none."""
        return self._call("POST", path, json=body)

    def is_up(self, path: str) -> bool:
        """Whether the server answers that address with success."""
        try:
            return self._session.get(self.base_url + path, timeout=_TIMEOUT).ok
        except requests.RequestException:
            return False

    def _call(self, method: str, path: str, **sent: Any) -> dict[str, Any]:
        try:
            answer = self._session.request(method, self.base_url + path, timeout=_TIMEOUT, **sent)
        except requests.RequestException as error:
            raise Unavailable(
                f"{self.base_url} did not answer {path}: {type(error).__name__}.",
                fix="Read the log files in the demo's folder.",
            ) from error
        if not answer.ok:
            raise Unavailable(
                f"{self.base_url} answered {path} with {answer.status_code}: {answer.text[:300]}",
                fix="Read the log files in the demo's folder.",
            )
        found: dict[str, Any] = json.loads(answer.text, parse_float=Decimal)
        return found
