"""A strict stand-in for DocuSign on loopback: checks every assertion and every call, and has bad days on demand."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

ACCOUNT, INTEGRATION, USER = "acc-1", "integration-1", "user-1"
CERTIFICATE = b"%PDF-1.7 certificate of completion"


class DocusignServer:
    """Envelopes by id; `answers` are statuses that the next calls get instead; `calls` lists what was asked."""

    def __init__(self) -> None:
        self.key = rsa.generate_private_key(65537, 2048)
        self.envelopes: dict[str, dict[str, Any]] = {}
        self.answers: list[int] = []
        self.logins = 0
        self.calls: list[str] = []
        self.tokens: set[str] = set()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def base_url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def private_key(self) -> str:
        """The key that it trusts."""
        encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
        return self.key.private_bytes(encoding, form, serialization.NoEncryption()).decode()

    def stop(self) -> None:
        """Close it."""
        self._server.shutdown()
        self._server.server_close()

    def log_in(self, form: dict[str, list[str]]) -> tuple[int, Any]:
        """The JWT grant, checked claim by claim."""
        if form.get("grant_type") != ["urn:ietf:params:oauth:grant-type:jwt-bearer"]:
            return 400, {"error": "unsupported_grant_type"}
        host = self.base_url.removeprefix("http://")
        try:
            claims = jwt.decode(
                form["assertion"][0], self.key.public_key(), ["RS256"], audience=host,
                options={"verify_exp": False, "verify_iat": False, "require": ["exp", "iat"]},
            )  # fmt: skip
        except jwt.PyJWTError:
            return 400, {"error": "invalid_grant"}
        if (claims["iss"], claims["sub"], claims["scope"]) != (INTEGRATION, USER, "signature impersonation"):
            return 400, {"error": "consent_required"}
        self.logins += 1
        token = f"token-{self.logins}"
        self.tokens.add(token)
        return 200, {"access_token": token, "token_type": "Bearer", "expires_in": 3600}

    def answer(self, path: str, authorization: str) -> tuple[int, Any]:
        """One read of the API."""
        self.calls.append(path)
        if self.answers:
            return self.answers.pop(0), {"errorCode": "BAD_DAY"}
        if authorization.removeprefix("Bearer ") not in self.tokens:
            return 401, {"errorCode": "USER_AUTHENTICATION_FAILED"}
        if path == f"/restapi/v2.1/accounts/{ACCOUNT}":
            return 200, {"accountName": "Nordlicht"}
        prefix = f"/restapi/v2.1/accounts/{ACCOUNT}/envelopes/"
        ref, _, rest = path.removeprefix(prefix).partition("/")
        envelope = self.envelopes.get(ref)
        if not path.startswith(prefix) or envelope is None:
            return 404, {"errorCode": "ENVELOPE_DOES_NOT_EXIST"}
        if rest == "documents/certificate":
            return 200, CERTIFICATE
        if rest.startswith("documents/"):
            return 200, envelope["files"][rest.removeprefix("documents/")]
        return 200, envelope[rest or "envelope"]

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                self._send(*server.log_in(parse_qs(body)))

            def do_GET(self) -> None:
                self._send(*server.answer(self.path, self.headers.get("Authorization", "")))

            def _send(self, status: int, answer: Any) -> None:
                body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_args: Any) -> None:
                """Silence."""

        return Handler


def envelope(record_id: str, **files: bytes) -> dict[str, Any]:
    """A completed envelope with these documents."""
    listed = [{"documentId": ref, "name": f"Order {ref}", "type": "content"} for ref in files]
    return {
        "envelope": {"status": "completed", "completedDateTime": "2026-03-01T10:00:00Z"},
        "documents": {"envelopeDocuments": [*listed, {"documentId": "certificate", "type": "summary"}]},
        "custom_fields": {"textCustomFields": [{"name": "Salesforce_Id", "value": record_id}]},
        "recipients": {"signers": [{"name": "Jane Miller", "email": "jane@aurora.example"}]},
        "files": files,
    }
