"""The settings of signing in by an OIDC provider: whom we ask, as whom, and which of its words mean which role.

Part of `config`, apart because the rules of a provider are a page of their own. The client secret is not here; it comes
from the environment like every other.
"""

from __future__ import annotations

import ipaddress
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from connector.config_billing import Section

Role = Literal["viewer", "finance", "approver", "admin"]
# Signatures that a holder of our own client secret could not forge; "none" and the HMAC ones can never be listed.
Algorithm = Literal["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]


class OidcSettings(Section):
    """The login provider. `roles` maps values of the claim `role_claim` to our roles; without one nobody gets in."""

    # Exactly as the provider spells it, closing slash included: it is compared with what its tokens say.
    issuer: str
    client_id: str = Field(min_length=1)
    scopes: tuple[str, ...] = ("openid", "profile", "email")
    role_claim: str = Field(default="groups", min_length=1)
    roles: dict[str, Role] = Field(min_length=1)
    algorithms: tuple[Algorithm, ...] = Field(default=("RS256", "ES256", "PS256"), min_length=1)
    timeout: float = Field(default=10, ge=1, le=60)

    @field_validator("issuer")
    @classmethod
    def _secure(cls, value: str) -> str:
        parts = urlsplit(value)
        is_secure = parts.scheme == "https" or (parts.scheme == "http" and _is_this_machine(parts.hostname or ""))
        if not is_secure or not parts.hostname:
            raise ValueError("must start with https:// (http:// only for a provider on this machine)")
        if parts.username or parts.password or parts.query or parts.fragment:
            raise ValueError("must be an address without user, password or query")
        return value

    @field_validator("scopes")
    @classmethod
    def _asks_for_identity(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if "openid" not in value:
            raise ValueError('must contain "openid"')
        return value


def _is_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
