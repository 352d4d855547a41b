"""A small OpenID provider on loopback: real HTTP, real RS256 keys, PKCE checked, codes good once.

What a test wants wrong it says before the browser comes: other claims, another key or algorithm, or nobody at home.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
from collections.abc import Callable
from functools import cache
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode

from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey
from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response

CLIENT_ID, CLIENT_SECRET = "countersign", "secret-of-our-client-0123456789"


class Provider:
    """The provider; `person` is whoever signs in next, `now` gives seconds since 1970."""

    def __init__(self, now: Callable[[], float]) -> None:
        self.now = now
        self.person: dict[str, Any] = {
            "sub": "subject-of-anna", "preferred_username": "anna@example.com", "email": "anna@example.com",
            "groups": ["Finance"],
        }  # fmt: skip
        self.changed_claims: dict[str, Any] = {}
        self.dropped_claims: set[str] = set()
        self.published_changes: dict[str, Any] = {}
        self.signs_with: Callable[[dict[str, Any]], str] | None = None
        self.answers: dict[str, Callable[[], Response]] = {}
        self.refuses_with = ""
        self.asked: list[str] = []
        self.challenges: list[str] = []
        self._codes: dict[str, dict[str, str]] = {}
        self.keys = [_key("first")]
        self._server = make_server("127.0.0.1", 0, self._serve, threaded=True)
        self.issuer = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Nobody is at home any more."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def signed_by_secret(self, claims: dict[str, Any]) -> str:
        """The token signed with our own client secret, as a confused verifier would accept it."""
        return jwt.encode({"alg": "HS256"}, claims, OctKey.import_key(CLIENT_SECRET * 2), algorithms=["HS256"])

    def unsigned(self, claims: dict[str, Any]) -> str:
        """The token with `alg` none."""
        return f"{_b64(json.dumps({'alg': 'none'}).encode())}.{_b64(json.dumps(claims).encode())}."

    def signed_by_stranger(self, claims: dict[str, Any]) -> str:
        """The token signed by somebody else under the name of the first key."""
        return jwt.encode({"alg": "RS256", "kid": "first"}, claims, _key("stranger's"))

    def change_keys(self, name: str) -> None:
        """From now on sign with a new key of that name; the old one is no longer published."""
        self.keys = [_key(name)]

    def _serve(self, environ: dict[str, Any], start_response: Any) -> Any:
        request = Request(environ)
        self.asked.append(request.path)
        if request.path in self.answers:
            return self.answers[request.path]()(environ, start_response)
        found = {
            "/.well-known/openid-configuration": self._published,
            "/keys": self._keys,
            "/authorize": self._authorize,
            "/token": self._token,
        }.get(request.path, lambda _request: Response(status=404))
        return found(request)(environ, start_response)

    def _published(self, _request: Request) -> Response:
        return _json(
            {
                "issuer": self.issuer,
                "authorization_endpoint": f"{self.issuer}/authorize",
                "token_endpoint": f"{self.issuer}/token",
                "jwks_uri": f"{self.issuer}/keys",
            }
            | self.published_changes
        )

    def _keys(self, _request: Request) -> Response:
        return _json({"keys": [key.as_dict(private=False) for key in self.keys]})

    def _authorize(self, request: Request) -> Response:
        """The person agrees at once, or the provider says no."""
        asked = dict(parse_qsl(request.query_string.decode()))
        back, state = asked["redirect_uri"], asked.get("state", "")
        if self.refuses_with:
            return _redirect(back, {"error": self.refuses_with, "state": state})
        assert asked["code_challenge_method"] == "S256"
        self.challenges.append(asked["code_challenge"])
        code = secrets.token_urlsafe(16)
        self._codes[code] = asked
        return _redirect(back, {"code": code, "state": state})

    def _token(self, request: Request) -> Response:
        form = {name: values[0] for name, values in parse_qs(request.get_data(as_text=True)).items()}
        given = request.authorization
        if not given or (given.username, given.password) != (CLIENT_ID, CLIENT_SECRET):
            return _json({"error": "invalid_client"}, 401)
        asked = self._codes.pop(form.get("code", ""), None)
        if asked is None or asked["redirect_uri"] != form.get("redirect_uri"):
            return _json({"error": "invalid_grant"}, 400)
        challenge = _b64(hashlib.sha256(form.get("code_verifier", "").encode()).digest())
        if challenge != asked["code_challenge"]:
            return _json({"error": "invalid_grant"}, 400)
        token = {"access_token": "at", "token_type": "Bearer", "id_token": self._id_token(asked)}
        return _json(token)

    def _id_token(self, asked: dict[str, str]) -> str:
        now = int(self.now())
        claims = {"iss": self.issuer, "aud": asked["client_id"], "iat": now, "exp": now + 300}
        claims |= self.person | {"nonce": asked["nonce"]} | self.changed_claims
        claims = {name: value for name, value in claims.items() if name not in self.dropped_claims}
        if self.signs_with:
            return self.signs_with(claims)
        key = self.keys[0]
        return jwt.encode({"alg": "RS256", "kid": key.kid}, claims, key)


@cache
def _key(name: str) -> RSAKey:
    """One key of that name; making one takes a tenth of a second, so they are shared by the tests of a run."""
    return RSAKey.generate_key(2048, {"kid": name, "use": "sig"})


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _json(document: Any, status: int = 200) -> Response:
    return Response(json.dumps(document), status=status, content_type="application/json")


def _redirect(target: str, query: dict[str, str]) -> Response:
    return Response(status=302, headers={"Location": f"{target}?{urlencode(query)}"})
