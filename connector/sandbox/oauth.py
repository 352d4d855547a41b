"""OAuth of the sandbox: client credentials and JWT bearer in, expiring access tokens out, real error bodies.

Tokens live in memory and are extended by use, like Salesforce sessions. No password or user name login is offered.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import secrets
import threading
from collections.abc import Mapping
from datetime import datetime, timedelta
from hmac import compare_digest
from typing import Any

import jwt

from connector.sandbox.clock import SandboxClock

JWT_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
AUDIENCES = ("https://login.salesforce.com", "https://test.salesforce.com")
LONGEST_ASSERTION_LIFE = timedelta(minutes=5)
MOST_TOKENS = 500


class OAuthRefusal(Exception):
    """The token endpoint says no, in its own error form."""

    def __init__(self, error: str, description: str, *, status: int = 400) -> None:
        super().__init__(f"{error}: {description}")
        self.status = status
        self.body = {"error": error, "error_description": description}


class Sessions:
    """Access tokens of one org: issued, checked, extended, revoked."""

    def __init__(
        self,
        *,
        clock: SandboxClock,
        org_id: str,
        user_id: str,
        username: str,
        client_id: str,
        client_secret: str,
        public_key: str | None,
        life: timedelta,
    ) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._org_id, self._user_id, self._username = org_id, user_id, username
        self._client_id, self._client_secret, self._public_key = client_id, client_secret, public_key
        self._life = life
        self._tokens: dict[str, datetime] = {}
        self.logins = 0

    def grant(self, *, form: Mapping[str, str], authorization: str, base_url: str) -> dict[str, Any]:
        """The answer to a token request. Raises `OAuthRefusal`."""
        kind = form.get("grant_type", "")
        if kind == "client_credentials":
            self._check_client(form, authorization)
        elif kind == JWT_GRANT:
            self._check_assertion(form.get("assertion", ""), base_url)
        else:
            raise OAuthRefusal("unsupported_grant_type", "grant type not supported")
        token = self.issue()
        issued = str(int(self._clock.now().timestamp() * 1000))
        return {
            "access_token": token,
            "signature": base64.b64encode(hashlib.sha256(f"{token}{issued}".encode()).digest()).decode(),
            "scope": "api",
            "instance_url": base_url,
            "id": f"https://login.salesforce.com/id/{self._org_id}/{self._user_id}",
            "token_type": "Bearer",
            "issued_at": issued,
        }

    def issue(self) -> str:
        """A new access token, also for tests that skip the login."""
        token = f"{self._org_id[:15]}!AQ{secrets.token_urlsafe(48)}"
        with self._lock:
            self.logins += 1
            self._tokens[token] = self._clock.now()
            while len(self._tokens) > MOST_TOKENS:
                del self._tokens[next(iter(self._tokens))]
        return token

    def is_valid(self, token: str) -> bool:
        """Whether the token may be used; use extends its life."""
        with self._lock:
            used = self._tokens.get(token)
            if used is None:
                return False
            now = self._clock.now()
            if now - used > self._life:
                del self._tokens[token]
                return False
            self._tokens[token] = now
            return True

    def revoke(self, token: str | None = None) -> None:
        """End one token, or all of them."""
        with self._lock:
            if token is None:
                self._tokens.clear()
            else:
                self._tokens.pop(token, None)

    def _check_client(self, form: Mapping[str, str], authorization: str) -> None:
        client, secret = form.get("client_id", ""), form.get("client_secret", "")
        if authorization.lower().startswith("basic "):
            try:
                client, _, secret = base64.b64decode(authorization[6:], validate=True).decode().partition(":")
            except (binascii.Error, UnicodeDecodeError) as mistake:
                raise OAuthRefusal("invalid_client", "invalid client credentials", status=401) from mistake
        if not compare_digest(client.encode(), self._client_id.encode()):
            raise OAuthRefusal("invalid_client_id", "client identifier invalid")
        if not compare_digest(secret.encode(), self._client_secret.encode()):
            raise OAuthRefusal("invalid_client", "invalid client credentials", status=401)

    def _check_assertion(self, assertion: str, base_url: str) -> None:
        claims = self._claims(assertion)
        if claims.get("iss") != self._client_id:
            raise OAuthRefusal("invalid_client_id", "client identifier invalid")
        if claims.get("aud") not in (*AUDIENCES, base_url):
            raise OAuthRefusal("invalid_grant", "audience is invalid")
        if claims.get("sub", claims.get("prn")) != self._username:
            raise OAuthRefusal("invalid_grant", "user hasn't approved this consumer")
        try:
            # simple-salesforce sends the expiry as text.
            expires = int(claims.get("exp", 0))
        except (TypeError, ValueError) as mistake:
            raise OAuthRefusal("invalid_grant", "invalid assertion") from mistake
        left = expires - self._clock.now().timestamp()
        if left <= 0 or left > LONGEST_ASSERTION_LIFE.total_seconds() + 60:
            raise OAuthRefusal("invalid_grant", "expired assertion" if left <= 0 else "assertion expires too late")

    def _claims(self, assertion: str) -> dict[str, Any]:
        try:
            if self._public_key is not None:
                # The signature alone: times are compared with the sandbox's clock below, not with the machine's.
                jwt.PyJWS().decode(assertion, self._public_key, algorithms=["RS256"])
            head, body = (_unpacked(part) for part in assertion.split(".")[:2])
        except (jwt.PyJWTError, ValueError) as mistake:
            raise OAuthRefusal("invalid_grant", "invalid assertion") from mistake
        if head.get("alg") != "RS256":
            raise OAuthRefusal("invalid_grant", "invalid assertion: RS256 is required")
        return body


def _unpacked(part: str) -> dict[str, Any]:
    found = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    if not isinstance(found, dict):
        raise ValueError("not a JSON object")  # noqa: TRY004 - one error type for every broken assertion
    return found
