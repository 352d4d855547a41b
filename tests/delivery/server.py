"""A mail server of the tests: real SMTP on loopback, with TLS and login, that refuses, defers or breaks off as told.

With TLS from the first byte the library must be told that a login is safe.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

PASSWORD = "open sesame"


@dataclass
class Mailbox:
    """What arrived, and how the server behaves: answers by step (`mail`, `rcpt`, `data`), or a broken connection."""

    arrived: list[tuple[str, EmailMessage]] = field(default_factory=list)
    answers: dict[str, list[str]] = field(default_factory=dict)
    breaks_after_data: int = 0

    def next_answer(self, step: str) -> str | None:
        """What the server was told to say now."""
        told = self.answers.get(step)
        return told.pop(0) if told else None

    async def handle_MAIL(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        """The sender."""
        envelope.mail_from = address
        return self.next_answer("mail") or "250 OK"

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        """The recipient."""
        answer = self.next_answer("rcpt")
        if answer is None:
            envelope.rcpt_tos.append(address)
        return answer or "250 OK"

    async def handle_DATA(self, server: SMTP, session: Any, envelope: Any) -> str:
        """The message."""
        answer = self.next_answer("data")
        if answer is not None:
            return answer
        message = message_from_bytes(envelope.content, policy=default)
        assert isinstance(message, EmailMessage)
        self.arrived.append((envelope.rcpt_tos[0], message))
        if self.breaks_after_data:
            self.breaks_after_data -= 1
            assert server.transport is not None
            server.transport.abort()
        return "250 Queued as 4XyZ"


@dataclass(frozen=True)
class RunningServer:
    """Where it listens, and what a client must trust."""

    host: str
    port: int
    box: Mailbox
    trust: ssl.SSLContext


@contextmanager
def mail_server(
    folder: Path, *, box: Mailbox, security: str = "none", login: bool = False, name: str = "127.0.0.1"
) -> Iterator[RunningServer]:
    """The server while the block runs; `name` is what its certificate says."""
    chain, key = _certificate(folder, name)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain, key)
    options: dict[str, Any] = (
        {"authenticator": _authenticate, "auth_required": True, "auth_require_tls": security != "tls"} if login else {}
    )
    if security == "starttls":
        options |= {"tls_context": context, "require_starttls": True}
    controller = Controller(
        box, hostname="127.0.0.1", port=_free_port(), ssl_context=context if security == "tls" else None, **options
    )
    controller.start()
    try:
        yield RunningServer(controller.hostname, controller.port, box, ssl.create_default_context(cafile=str(chain)))
    finally:
        controller.stop()


def _authenticate(_server: Any, _session: Any, _envelope: Any, _mechanism: str, data: Any) -> AuthResult:
    is_good = isinstance(data, LoginPassword) and data.password == PASSWORD.encode()
    return AuthResult(success=is_good, handled=False)


def _free_port() -> int:
    import socket

    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


def _certificate(folder: Path, name: str) -> tuple[Path, Path]:
    import ipaddress

    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    is_address = name[0].isdigit()
    alternative = x509.IPAddress(ipaddress.ip_address(name)) if is_address else x509.DNSName(name)
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([alternative]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    chain, secret = folder / "server.pem", folder / "server.key"
    chain.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    secret.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return chain, secret
