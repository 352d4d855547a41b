"""The settings of Stigg: where it is. The key and the webhook secrets come from the environment like every secret."""

from __future__ import annotations

from urllib.parse import urlsplit

from pydantic import Field, field_validator

from connector.config_billing import Section

_LOOPBACK = ("127.0.0.1", "localhost", "::1")


class StiggSection(Section):
    """One environment of Stigg; the key decides which. `timeout` is in seconds, for one answer.

    `prices` writes the agreed prices and minimum spends beside each subscription; nothing is billed by them.
    """

    base_url: str = "https://api.stigg.io"
    timeout: float = Field(default=30, ge=1, le=300)
    prices: bool = False

    @field_validator("base_url")
    @classmethod
    def _the_host_alone(cls, value: str) -> str:
        try:
            parts = urlsplit(value)
            _ = parts.port
        except ValueError:
            parts = urlsplit("")
        is_secure = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)
        if not is_secure or not parts.hostname or parts.username or parts.password or parts.query or parts.fragment:
            raise ValueError("must start with https:// (http:// only for a server on this machine), without a password")
        if parts.path.rstrip("/").endswith("/api/v1"):
            raise ValueError("must be the address without /api/v1, such as https://api.stigg.io")
        return value.rstrip("/")
