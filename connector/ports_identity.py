"""The door to a login provider: who somebody is, as it proves.

Apart from `ports` because it is a page of its own. It knows no vendor and does nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from connector.errors import Refused


@dataclass(frozen=True, slots=True)
class Identity:
    """Whom a login provider proved: `issuer` and `subject` for ever, `name`, `email` and `groups` as of today."""

    issuer: str
    subject: str
    name: str
    email: str
    groups: frozenset[str]


class IdentityProvider(Protocol):
    """Proves who somebody is. Raises Unavailable when it is away, Misconfigured when it refuses us."""

    def login_address(self, *, state: str, nonce: str, verifier: str) -> str:
        """Where to send the browser; `verifier` itself stays here, the provider gets its hash (PKCE S256)."""

    def identity(self, *, code: str, nonce: str, verifier: str) -> Identity:
        """Who came back with that code, from a verified ID token. Raises IdentityRefused."""


class IdentityRefused(Refused):
    """The login provider did not prove who this is."""

    code = "IDENTITY_REFUSED"
    http_status = 401
    owner = "caller"
    fix = "Sign in again; if it happens again, tell the operator."
