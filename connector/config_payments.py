"""The settings of payment providers: who takes money for us, and where the Airwallex account is.

Part of `config`, apart because a provider's settings are a page of their own. Secrets are not here; they come from the
environment like every other. What must hold between sections is judged in `validation`.
"""

from __future__ import annotations

import ipaddress
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from connector.config_billing import Section


class PaymentsSettings(Section):
    """Who takes money by link. `currencies` empty: links for invoices of every currency."""

    provider: Literal["none", "embedded", "airwallex"] = "none"
    currencies: tuple[str, ...] = ()

    @field_validator("currencies")
    @classmethod
    def _are_currencies(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if any(len(one) != 3 or not one.isascii() or not one.isupper() for one in value):
            raise ValueError('must name currencies by three capital letters, such as ["EUR"]')
        return value


class AirwallexPaths(Section):
    """Where things are below `base_url`."""

    login: str = "/api/v1/authentication/login"
    account: str = "/api/v1/account"
    balances: str = "/api/v1/balances/current"
    links: str = "/api/v1/pa/payment_links"
    intents: str = "/api/v1/pa/payment_intents"
    refunds: str = "/api/v1/pa/refunds"
    disputes: str = "/api/v1/pa/payment_disputes"
    deposits: str = "/api/v1/deposits"

    @field_validator("*")
    @classmethod
    def _a_path(cls, value: str) -> str:
        if not value.startswith("/") or value.endswith("/") or "?" in value or "#" in value or ".." in value:
            raise ValueError("must be a path such as /api/v1/deposits")
        return value


class AirwallexSection(Section):
    """One account. `live` says whether its money is real; `account_id` refuses events about another account."""

    base_url: str = "https://api-demo.airwallex.com"
    live: bool = False
    client_id: str = ""
    api_version: str = Field(default="2026-08-21", pattern=r"^\d{4}-\d{2}-\d{2}$")
    account_id: str = ""
    login_as: str = ""
    on_behalf_of: str = ""
    paths: AirwallexPaths = AirwallexPaths()

    @field_validator("base_url")
    @classmethod
    def _secure(cls, value: str) -> str:
        parts = urlsplit(value)
        is_secure = parts.scheme == "https" or (parts.scheme == "http" and is_this_machine(parts.hostname or ""))
        if not is_secure or not parts.hostname:
            raise ValueError("must start with https:// (http:// only for a server on this machine)")
        if parts.username or parts.password or parts.query or parts.fragment:
            raise ValueError("must be an address without user, password or query")
        return value.rstrip("/")


def is_this_machine(host: str) -> bool:
    """Whether a host is this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
