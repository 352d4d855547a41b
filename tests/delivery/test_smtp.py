"""SMTP against a real server: encrypted, signed in, and every answer sorted into what may be done next."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from connector.adapters.mail_folder import MailFolder
from connector.adapters.mail_smtp import MailRefused, SmtpPost, SmtpServer
from connector.errors import ConnectorError, Misconfigured, Unavailable, Uncertain
from tests.delivery.server import PASSWORD, Mailbox, RunningServer, mail_server

MESSAGE = b"Message-ID: <delivery-1@seller.example>\r\nSubject: Hello\r\n\r\nText with a\r\n.dot\r\n"
SENDER = "billing@seller.example"
# The test server does not see that TLS from the first byte makes a login safe.
_TLS_LOGIN = pytest.mark.filterwarnings("ignore:Requiring AUTH:UserWarning")


@pytest.fixture
def box() -> Mailbox:
    return Mailbox()


@pytest.fixture
def server(tmp_path: Path, box: Mailbox) -> Iterator[RunningServer]:
    with mail_server(tmp_path, box=box) as found:
        yield found


def post(server: RunningServer, **changes: object) -> SmtpPost:
    settings = SmtpServer(server.host, server.port, "none", timeout=5, context=server.trust)
    return SmtpPost(server=replace(settings, **changes), sender=SENDER)  # type: ignore[arg-type]


def send(server: RunningServer, **changes: object) -> str:
    return post(server, **changes).send(recipient="ap@customer.example", message=MESSAGE, name="delivery-1")


def test_a_message_arrives_as_it_was_written(server: RunningServer, box: Mailbox) -> None:
    assert send(server) == "Queued as 4XyZ"

    ((recipient, message),) = box.arrived
    assert recipient == "ap@customer.example"
    assert message["Message-ID"] == "<delivery-1@seller.example>"
    assert message.get_content() == "Text with a\r\n.dot\r\n"


@_TLS_LOGIN
@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_mail_travels_encrypted_and_signed_in(tmp_path: Path, box: Mailbox, security: str) -> None:
    with mail_server(tmp_path, box=box, security=security, login=True) as server:
        send(server, security=security, username="countersign", password=PASSWORD)

    assert len(box.arrived) == 1


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_certificate_for_another_name_is_refused(tmp_path: Path, box: Mailbox, security: str) -> None:
    with (
        mail_server(tmp_path, box=box, security=security, name="other.example") as server,
        pytest.raises(Misconfigured, match="certificate of the mail server") as refused,
    ):
        send(server, security=security)

    assert refused.value.code == "MAIL_CERTIFICATE"
    assert box.arrived == []


def test_a_server_without_encryption_gets_nothing_in_the_clear(server: RunningServer, box: Mailbox) -> None:
    with pytest.raises(Misconfigured, match="does not offer what is configured"):
        send(server, security="starttls", username="countersign", password=PASSWORD)

    assert box.arrived == []


@_TLS_LOGIN
def test_a_wrong_password_is_for_the_operator_and_is_not_told(tmp_path: Path, box: Mailbox) -> None:
    with (
        mail_server(tmp_path, box=box, security="tls", login=True) as server,
        pytest.raises(Misconfigured) as refused,
    ):
        send(server, security="tls", username="countersign", password="wrong horse")

    assert refused.value.code == "MAIL_LOGIN"
    assert "wrong horse" not in f"{refused.value} {refused.value.__cause__}"


@pytest.mark.parametrize(
    ("step", "answer", "kind", "said"),
    [
        ("rcpt", "550 5.1.1 No such user here", MailRefused, "550 5.1.1 No such user here."),
        ("data", "554 5.7.1 We do not like you", MailRefused, "554 5.7.1"),
        ("rcpt", "450 4.2.1 Mailbox busy", Unavailable, "asks to wait: 450"),
        ("data", "451 4.3.0 Greylisted", Unavailable, "asks to wait: 451"),
        ("mail", "550 5.7.1 Sender not allowed", Misconfigured, "refuses billing@seller.example as the sender"),
        ("mail", "421 4.7.0 Too busy", Unavailable, "asks to wait: 421"),
    ],
)
def test_an_answer_says_what_may_be_done_next(
    server: RunningServer, box: Mailbox, step: str, answer: str, kind: type[ConnectorError], said: str
) -> None:
    box.answers[step] = [answer]

    with pytest.raises(kind, match=said.replace(".", r"\.")) as refused:
        send(server)

    assert refused.value.fix
    assert box.arrived == []


def test_a_connection_that_breaks_after_the_text_is_uncertain(server: RunningServer, box: Mailbox) -> None:
    box.breaks_after_data = 1

    with pytest.raises(Uncertain, match="it may have arrived"):
        send(server)

    assert len(box.arrived) == 1


def test_a_server_that_is_away_is_a_matter_of_waiting(server: RunningServer) -> None:
    with pytest.raises(Unavailable, match="did not answer: ConnectionRefusedError"):
        send(server, port=1)


def test_what_a_server_says_is_one_short_line_of_text(server: RunningServer, box: Mailbox) -> None:
    box.answers["rcpt"] = ["550 " + "long " * 90 + "\x1b[31m"]

    with pytest.raises(MailRefused) as refused:
        send(server)

    assert str(refused.value).isprintable()
    assert len(str(refused.value)) < 450


def test_a_folder_takes_each_mail_once(tmp_path: Path) -> None:
    folder = MailFolder(folder=tmp_path / "var" / "mail", sender=SENDER)

    for _ in range(2):
        folder.send(recipient="ap@customer.example", message=MESSAGE, name="delivery-1")

    assert [file.name for file in (tmp_path / "var" / "mail").iterdir()] == ["delivery-1.eml"]
    assert (tmp_path / "var" / "mail" / "delivery-1.eml").read_bytes() == MESSAGE


def test_a_folder_that_cannot_be_written_is_for_the_operator(tmp_path: Path) -> None:
    (tmp_path / "mail").write_text("a file")

    with pytest.raises(Misconfigured, match="mail folder cannot be written"):
        MailFolder(folder=tmp_path / "mail", sender=SENDER).send(recipient="a@b.example", message=MESSAGE, name="x")
