"""The login provider by OpenID Connect: code flow with PKCE, through Authlib; who came back is read from the ID token.

Exists so that nobody else knows tokens, keys and claims. What the provider publishes about itself (discovery, keys) is
kept for an hour; a key that we do not know is asked for once a minute at most. The access token is used for nothing
and forgotten. Secrets, codes and tokens never enter an error: what a library raised may quote them, so it is not
chained.
"""

from __future__ import annotations

import base64
import contextlib
import json
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import requests
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.requests_client.oauth2_session import OAuth2ClientAuth
from authlib.oauth2.client import OAuth2Client
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from connector.adapters.http import HttpSettings, ServiceSession, require_safe_url
from connector.errors import Misconfigured, Unavailable
from connector.logs import log
from connector.ports import Clock
from connector.ports_identity import Identity, IdentityRefused

_KEEP = timedelta(hours=1)
_ASK_KEYS_AGAIN = timedelta(minutes=1)
# Clocks of two machines differ by so many seconds at most.
_LEEWAY = 60
# What providers publish is some kilobytes; a token with many groups is tens of them.
_LARGEST_ANSWER = 1_000_000
_LONGEST_CODE = 4096
_OUR_FAULT = ("invalid_client", "unauthorized_client", "unsupported_grant_type", "invalid_scope")


@dataclass(frozen=True, slots=True)
class OidcLogin:
    """Whom we ask, as whom, and how we read the answer. `redirect_address` is ours; seconds in `timeout`."""

    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    redirect_address: str
    scopes: Sequence[str]
    role_claim: str
    algorithms: Sequence[str]
    timeout: float = 10.0


class _LimitedSession(ServiceSession):
    """A session that reads no endless answer and waits for no slow one."""

    def __init__(self, seconds: float) -> None:
        super().__init__(settings=HttpSettings(connect_seconds=min(5.0, seconds), read_seconds=seconds))
        self._seconds = seconds

    def request(self, method: Any, url: Any, *args: Any, **kwargs: Any) -> requests.Response:
        kwargs["stream"] = True
        until = time.monotonic() + self._seconds
        answer = super().request(method, url, *args, **kwargs)
        read = bytearray()
        with contextlib.closing(answer):
            for piece in answer.iter_content(16_384):
                read += piece
                if len(read) > _LARGEST_ANSWER or time.monotonic() > until:
                    raise requests.exceptions.ContentDecodingError("the answer is too long or too slow")
        # What `requests` itself would have put there.
        answer._content = bytes(read)
        return answer


class _Client(OAuth2Client):
    """Authlib's client over a session of our own, so that timeouts, limits and redirects are ours."""

    client_auth_class = OAuth2ClientAuth


class OidcProvider:
    """One login provider. Safe to share between threads; asks nothing before its first use."""

    def __init__(self, *, login: OidcLogin, clock: Clock) -> None:
        self._login = login
        self._clock = clock
        self._lock = threading.Lock()
        self._metadata: tuple[datetime, Mapping[str, Any]] | None = None
        self._keys: tuple[datetime, KeySet] | None = None
        require_safe_url(login.issuer, setting="[web.oidc] issuer")

    def login_address(self, *, state: str, nonce: str, verifier: str) -> str:
        """Where to send the browser. Raises Unavailable, Misconfigured."""
        client = self._client()
        address, _ = client.create_authorization_url(
            self._endpoint("authorization_endpoint"), state=state, nonce=nonce, code_verifier=verifier
        )
        return str(address)

    def identity(self, *, code: str, nonce: str, verifier: str) -> Identity:
        """Who came back with that code. Raises IdentityRefused, Unavailable, Misconfigured."""
        if not code or len(code) > _LONGEST_CODE:
            raise IdentityRefused("The login provider sent nobody back with a code.")
        token = self._exchange(code, verifier)
        if not isinstance(token.get("id_token"), str):
            raise _token_refused("it has no ID token")
        claims = self._verified(token["id_token"], nonce, token.get("access_token"))
        return self._identity(claims)

    def _exchange(self, code: str, verifier: str) -> Mapping[str, Any]:
        """The code turned into tokens; a code is good once, so this is never tried twice."""
        address = self._endpoint("token_endpoint")
        try:
            found: Mapping[str, Any] = self._client().fetch_token(
                address, grant_type="authorization_code", code=code, code_verifier=verifier
            )
        except AuthlibBaseError as error:
            kind = str(error.error or "")
            log.info("login_code_refused", error=kind[:60])
            if kind in _OUR_FAULT:
                raise Misconfigured(
                    f"The login provider refuses our client ({kind}).",
                    code="OIDC_CLIENT",
                    fix="Check [web.oidc] client_id and scopes, COUNTERSIGN_OIDC_CLIENT_SECRET, and the redirect "
                    f"address registered there: {self._login.redirect_address}",
                ) from None
            raise IdentityRefused(
                "The login provider does not accept the code; it was used before or is old."
            ) from None
        except (requests.RequestException, ValueError) as error:
            raise _away(error) from None
        return found

    def _verified(self, id_token: str, nonce: str, access_token: Any) -> CodeIDToken:
        """The claims of a token that is signed by the provider, for us, now, and for this sign-in."""
        try:
            token = jwt.decode(id_token, self._keys_for(id_token), algorithms=list(self._login.algorithms))
        except (JoseError, ValueError, TypeError, KeyError) as error:
            raise _token_refused(_kind(error)) from None
        claims = CodeIDToken(
            token.claims,
            token.header,
            options={
                "iss": {"essential": True, "value": self._login.issuer},
                "aud": {"essential": True, "value": self._login.client_id},
                "sub": {"essential": True},
                "exp": {"essential": True},
                "iat": {"essential": True},
                "nonce": {"essential": True, "value": nonce},
            },
            params={"nonce": nonce, "client_id": self._login.client_id, "access_token": access_token},
        )
        try:
            claims.validate(now=int(self._clock.now().timestamp()), leeway=_LEEWAY)
        except (JoseError, AuthlibBaseError, ValueError, TypeError, KeyError) as error:
            raise _token_refused(_kind(error)) from None
        return claims

    def _identity(self, claims: Mapping[str, Any]) -> Identity:
        subject = claims["sub"]
        if not isinstance(subject, str) or not 0 < len(subject) <= 255:
            raise _token_refused("its subject is no text of up to 255 characters")
        names = (claims.get(name) for name in ("preferred_username", "email", "name"))
        return Identity(
            issuer=self._login.issuer,
            subject=subject,
            name=next((name for name in names if isinstance(name, str) and name.strip()), subject)[:500],
            email=_text(claims.get("email"))[:500],
            groups=_groups(claims, self._login.role_claim),
        )

    def _client(self) -> _Client:
        return _Client(
            session=_LimitedSession(self._login.timeout),
            client_id=self._login.client_id,
            client_secret=self._login.client_secret,
            token_endpoint_auth_method=self._auth_method(),
            scope=" ".join(self._login.scopes),
            redirect_uri=self._login.redirect_address,
            code_challenge_method="S256",
        )

    def _auth_method(self) -> str:
        offered = self._published().get("token_endpoint_auth_methods_supported")
        can_basic = not isinstance(offered, list) or "client_secret_basic" in offered
        return "client_secret_basic" if can_basic else "client_secret_post"

    def _endpoint(self, name: str) -> str:
        found = _text(self._published().get(name))
        if not found:
            raise Misconfigured(
                f"The login provider publishes no {name}.", code="OIDC_DISCOVERY", fix="Check [web.oidc] issuer."
            )
        # An endpoint may have a query, which an issuer may not.
        require_safe_url(found.partition("?")[0], setting=f"the provider's {name}")
        return found

    def _published(self) -> Mapping[str, Any]:
        """What the provider says about itself; it must say that it is the issuer we know."""
        now = self._clock.now()
        with self._lock:
            if self._metadata and now - self._metadata[0] < _KEEP:
                return self._metadata[1]
        found = self._fetch(self._login.issuer.rstrip("/") + "/.well-known/openid-configuration")
        if found.get("issuer") != self._login.issuer:
            raise Misconfigured(
                f"The login provider calls itself {_text(found.get('issuer'))[:200]!r}, not {self._login.issuer!r}.",
                code="OIDC_ISSUER",
                fix="Set [web.oidc] issuer exactly as the provider spells it, closing slash included.",
            )
        with self._lock:
            self._metadata = (now, found)
        return found

    def _keys_for(self, id_token: str) -> KeySet:
        """The provider's keys; fetched anew when the token names one that we do not have."""
        now = self._clock.now()
        with self._lock:
            kept = self._keys
        wanted = _key_id(id_token)
        if kept and now - kept[0] < _KEEP:
            is_known = not wanted or any(key.kid == wanted for key in kept[1].keys)
            if is_known or now - kept[0] < _ASK_KEYS_AGAIN:
                return kept[1]
        published = _only_keys(self._fetch(self._endpoint("jwks_uri")))
        try:
            fetched = KeySet.import_key_set(published)  # type: ignore[arg-type]
        except (JoseError, ValueError, TypeError, KeyError) as error:
            raise _away(error) from None
        with self._lock:
            self._keys = (now, fetched)
        return fetched

    def _fetch(self, address: str) -> dict[str, Any]:
        try:
            answer = _LimitedSession(self._login.timeout).get(address)
            answer.raise_for_status()
            found = json.loads(answer.content)
        except (requests.RequestException, ValueError) as error:
            raise _away(error) from None
        if not isinstance(found, dict):
            raise _away(TypeError())
        return found


def _only_keys(published: Mapping[str, Any]) -> dict[str, Any]:
    """The keys made for signatures: an encryption key, or a kind that we do not know, is left out."""
    keys = published.get("keys")
    known = ("RSA", "EC", "OKP")
    return {
        "keys": [
            key
            for key in (keys if isinstance(keys, list) else [])
            if isinstance(key, dict) and key.get("kty") in known and key.get("use", "sig") == "sig"
        ]
    }


def _key_id(id_token: str) -> str:
    """The key that the token names; empty when it names none. Nothing is believed yet."""
    try:
        part = id_token.partition(".")[0]
        header = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except ValueError:
        return ""
    return _text(header.get("kid")) if isinstance(header, dict) else ""


def _groups(claims: Mapping[str, Any], claim: str) -> frozenset[str]:
    """The texts of that claim: one text or a list; a claim of that very name, else a path with dots."""
    found: Any = claims.get(claim)
    if claim not in claims:
        found = claims
        for part in claim.split("."):
            found = found.get(part) if isinstance(found, Mapping) else None
    values = found if isinstance(found, list) else [found]
    return frozenset(value for value in values if isinstance(value, str))


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _kind(error: Exception) -> str:
    """What is wrong in a word, without a value of the token."""
    claim = getattr(error, "claim", None) or getattr(error, "claim_name", None)
    kind = getattr(error, "error", None) or type(error).__name__
    return f"{kind}: {claim}" if claim else str(kind)


def _token_refused(reason: str) -> IdentityRefused:
    log.info("login_token_refused", reason=reason[:120])
    return IdentityRefused(f"The login provider's token is not accepted ({reason[:120]}).")


def _away(error: Exception) -> Unavailable:
    log.info("login_provider_away", kind=type(error).__name__)
    return Unavailable(
        "The login provider does not answer as it should.",
        code="OIDC_AWAY",
        fix="Try again in a minute; the operator finds the reason in the log.",
    )
