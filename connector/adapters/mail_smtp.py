"""Mail by SMTP: one connection for each message, certificates checked, every answer sorted into what may be done next.

An answer of 4xx is a matter of waiting, 5xx of a person. Whatever breaks after the text of the message began to leave
is uncertain: the other side may have taken it. Passwords are in no text of an error.
"""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

from connector.errors import Misconfigured, Refused, Unavailable, Uncertain

_LONGEST_ANSWER = 300
_REFUSED_FIX = {
    "550": "The address does not exist there: correct it on the account and send the document again.",
    "551": "The address has moved: correct it on the account and send the document again.",
    "552": "The mailbox is full or the mail too large: ask the customer, or share the link another way.",
    "553": "The address is not allowed there: correct it on the account and send the document again.",
    "554": "The other side refuses us: the operator looks at SPF, DKIM and the reputation of the mail server.",
}
_OTHER_FIX = "Read what the other side said, correct the address or the mail server's settings, and send it again."


class MailRefused(Refused):
    """The mail was refused for good."""

    code = "MAIL_REFUSED"
    owner = "finance"


@dataclass(frozen=True, slots=True)
class SmtpServer:
    """Where mail is handed over. `timeout` is in seconds, for each step of the talk."""

    host: str
    port: int
    security: Literal["starttls", "tls", "none"]
    username: str = ""
    password: str = ""
    timeout: float = 30
    context: ssl.SSLContext | None = None


class SmtpPost:
    """One SMTP server."""

    def __init__(self, *, server: SmtpServer, sender: str) -> None:
        self._server = server
        self._sender = sender

    @property
    def sender(self) -> str:
        """The address that mail comes from."""
        return self._sender

    def send(self, *, recipient: str, message: bytes, name: str) -> str:  # noqa: ARG002 - the Message-ID is the name
        """Hand the message over. Raises Unavailable, Uncertain, MailRefused and Misconfigured."""
        with _sorted(self._server), self._connected() as talk:
            _introduce(talk, self._sender)
            _expect(talk.rcpt, recipient)
            return _data(talk, message)

    @contextmanager
    def _connected(self) -> Iterator[smtplib.SMTP]:
        """A talk that is encrypted and signed in as configured."""
        server = self._server
        context = server.context or ssl.create_default_context()
        if server.security == "tls":
            talk: smtplib.SMTP = smtplib.SMTP_SSL(server.host, server.port, timeout=server.timeout, context=context)
        else:
            talk = smtplib.SMTP(server.host, server.port, timeout=server.timeout)
        try:
            if server.security == "starttls":
                # Without STARTTLS on the other side this raises: nothing is sent in the clear.
                talk.starttls(context=context)
            if server.username:
                talk.login(server.username, server.password)
            talk.ehlo_or_helo_if_needed()
            yield talk
        finally:
            _goodbye(talk)


def _introduce(talk: smtplib.SMTP, sender: str) -> None:
    """A server that refuses our sender refuses every mail: that is no fault of this one."""
    code, said = talk.mail(sender)
    if 500 <= code < 600:
        raise Misconfigured(
            f"The mail server refuses {sender} as the sender: {code} {_text(said)}.",
            code="MAIL_SENDER",
            fix="Correct [mail] sender, or allow it on the mail server; what waits is then sent by itself.",
        )
    if code != 250:
        raise smtplib.SMTPResponseException(code, said)


def _expect(step: Callable[[str], tuple[int, bytes]], argument: str) -> None:
    code, said = step(argument)
    if code not in (250, 251):
        raise smtplib.SMTPResponseException(code, said)


def _data(talk: smtplib.SMTP, message: bytes) -> str:
    """The text of the message; from its first byte on a silence means that nobody knows."""
    try:
        code, said = talk.data(message)
    except smtplib.SMTPDataError:
        raise
    except (smtplib.SMTPServerDisconnected, OSError) as error:
        raise Uncertain(
            "The connection broke while the mail was handed over; it may have arrived.", code="MAIL_UNCERTAIN"
        ) from error
    if code != 250:
        raise smtplib.SMTPResponseException(code, said)
    return _text(said)


def _goodbye(talk: smtplib.SMTP) -> None:
    """Whatever happens now changes nothing: the answer to the message is known."""
    try:
        talk.quit()
    except (smtplib.SMTPException, OSError):
        talk.close()


@contextmanager
def _sorted(server: SmtpServer) -> Iterator[None]:
    """Every failure of the talk as one of our errors."""
    where = f"{server.host}:{server.port}"
    try:
        yield
    except smtplib.SMTPAuthenticationError as error:
        raise _login(where, error) from None
    except smtplib.SMTPNotSupportedError as error:
        raise Misconfigured(
            f"The mail server {where} does not offer what is configured: {error}.",
            code="MAIL_SERVER",
            fix="Correct [mail] security, username and port.",
        ) from error
    except smtplib.SMTPHeloError as error:
        raise Unavailable(f"The mail server {where} did not greet us ({error.smtp_code}).", code="MAIL_AWAY") from error
    except smtplib.SMTPResponseException as error:
        raise _answered(where, error) from error
    except ssl.SSLCertVerificationError as error:
        raise Misconfigured(
            f"The certificate of the mail server {where} is not good: {error.verify_message}.",
            code="MAIL_CERTIFICATE",
            fix="Correct [mail] host to the name in the certificate, or have the certificate renewed.",
        ) from error
    except (smtplib.SMTPException, OSError) as error:
        raise Unavailable(
            f"The mail server {where} did not answer: {type(error).__name__}.", code="MAIL_AWAY"
        ) from error


def _login(where: str, error: smtplib.SMTPAuthenticationError) -> Exception:
    if 400 <= error.smtp_code < 500:
        return Unavailable(f"The mail server {where} takes no login just now ({error.smtp_code}).", code="MAIL_AWAY")
    return Misconfigured(
        f"The mail server {where} refused the login ({error.smtp_code}).",
        code="MAIL_LOGIN",
        fix="Correct [mail] username and COUNTERSIGN_MAIL_PASSWORD; what waits is then sent by itself.",
    )


def _answered(where: str, error: smtplib.SMTPResponseException) -> Exception:
    said = _text(error.smtp_error)
    if 500 <= error.smtp_code < 600:
        fix = _REFUSED_FIX.get(str(error.smtp_code), _OTHER_FIX)
        return MailRefused(f"The mail server {where} refused the mail: {error.smtp_code} {said}.", fix=fix)
    return Unavailable(f"The mail server {where} asks to wait: {error.smtp_code} {said}.", code="MAIL_DEFERRED")


def _text(said: bytes | str) -> str:
    """What a stranger said, as one short line."""
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
    kept = "".join(sign if sign.isprintable() else " " for sign in text)
    return " ".join(kept.split())[:_LONGEST_ANSWER].rstrip(".")
