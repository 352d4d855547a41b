"""Reports of mail systems: what they say of a mail of ours, and that nothing else is believed."""

from __future__ import annotations

import json
from email.message import EmailMessage
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from connector.__main__ import main
from connector.adapters.clock import FixedClock
from connector.domain.bounces import ReportRefused, read_report
from connector.domain.review import Actor
from connector.store.unit_of_work import Database
from connector.usecases.deliver_mail import Postman, deliver_mail
from connector.usecases.send_document import list_mail, receive_report
from tests.delivery.test_delivering import Post
from tests.reviewing import sold
from tests.settings import ROOT
from tests.web.sharing import AURORA, make_sharing

SYSTEM = Actor("command line", "")


def report(
    delivery_id: int = 7,
    *,
    action: str = "failed",
    status: str = "5.1.1",
    said: str = "smtp; 550 5.1.1 <ap@customer.example>: no such user",
    returned: str = "text/rfc822-headers",
) -> bytes:
    """A report as Postfix and Exchange write them."""
    head = f"Message-ID: <delivery-{delivery_id}@nordlicht.example>\nSubject: Invoice"
    kind = returned if returned == "text/rfc822-headers" else "message/rfc822"
    body = head if returned == "text/rfc822-headers" else f"{head}\n\nThe invoice."
    return f"""From: MAILER-DAEMON@mx.example
To: billing@nordlicht.example
Subject: Undelivered Mail Returned to Sender
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="=b"

--=b
Content-Type: text/plain

I'm sorry to have to inform you <script>alert(1)</script>

--=b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example

Final-Recipient: rfc822; ap@customer.example
Action: {action}
Status: {status}
Diagnostic-Code: {said}

--=b
Content-Type: {kind}

{body}

--=b--
""".encode()


@pytest.mark.parametrize("returned", ["text/rfc822-headers", "message/rfc822"])
def test_a_report_names_the_mail_and_the_reason(returned: str) -> None:
    found = read_report(report(returned=returned))

    assert (found.delivery_id, found.is_final, found.status) == (7, True, "5.1.1")
    assert found.recipient == "ap@customer.example"
    assert found.reason == "550 5.1.1 <ap@customer.example>: no such user"


def test_a_report_of_a_delay_is_not_final() -> None:
    assert not read_report(report(action="delayed", status="4.4.1")).is_final


@pytest.mark.parametrize(
    "content",
    [b"", b"\x00\xff" * 100, b"Subject: Out of office\n\nI am away.", report().replace(b"delivery-7@", b"other-7@"),
     report().replace(b"delivery-status", b"something"), b"x" * 2_000_001],
    ids=["empty", "bytes", "out of office", "foreign", "no status", "huge"],
)  # fmt: skip
def test_what_is_no_report_about_our_mail_is_refused(content: bytes) -> None:
    with pytest.raises(ReportRefused):
        read_report(content)


@given(st.binary(max_size=2000))
def test_any_bytes_are_a_report_or_refused(content: bytes) -> None:
    with pytest.raises(ReportRefused):
        read_report(content)


@given(st.integers(0, len(report())), st.binary(max_size=20))
def test_a_damaged_report_breaks_nothing(place: int, damage: bytes) -> None:
    content = report()[:place] + damage + report()[place:]

    try:
        found = read_report(content)
    except ReportRefused:
        return
    assert found.reason.isprintable()


def test_a_mail_that_came_back_is_written_down_with_their_words(database: Database, clock: FixedClock) -> None:
    sharing = make_sharing(database, clock)
    invoice_id = sharing.finance.issued(sold(customer=AURORA))
    sharing.render()
    deliver_mail(postman=Postman(database, clock, Post(), "https://here.example"))
    (sent,) = list_mail(database=database, invoice_id=invoice_id)

    _, was_delay = receive_report(
        database=database, clock=clock, content=report(sent.id, action="delayed", status="4.4.1"), actor=SYSTEM
    )
    _, is_final = receive_report(database=database, clock=clock, content=report(sent.id), actor=SYSTEM)

    (bounced,) = list_mail(database=database, invoice_id=invoice_id)
    assert (was_delay, is_final) == (False, True)
    assert bounced.state == "bounced"
    assert "550 5.1.1 <ap@customer.example>: no such user" in bounced.message


def test_the_command_reads_reports_and_says_what_is_none(
    sqlite_database: Database, clock: FixedClock, tmp_path: Path, settings_file: Path
) -> None:
    sharing = make_sharing(sqlite_database, clock)
    sharing.finance.issued(sold(customer=AURORA))
    sharing.render()
    deliver_mail(postman=Postman(sqlite_database, clock, Post(), "https://here.example"))
    good, bad = tmp_path / "good.eml", tmp_path / "bad.eml"
    good.write_bytes(report(1))
    bad.write_bytes(EmailMessage().as_bytes())

    done = CliRunner().invoke(main, ["mail", "bounce", str(good), str(bad), "--config", str(settings_file), "--json"])

    assert done.exit_code == 1, done.output
    answer = json.loads(done.stdout)
    assert [(row["mail"], row["outcome"]) for row in answer["reports"]] == [(1, "bounced"), (None, "refused")]


@pytest.fixture
def settings_file(sqlite_database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Settings over the database of the test."""
    monkeypatch.setenv("COUNTERSIGN_SESSION_SECRET", "t" * 40)
    monkeypatch.setenv("COUNTERSIGN_SALESFORCE_CLIENT_SECRET", "secret")
    url = sqlite_database.url.render_as_string(hide_password=False)
    own = (
        f'[database]\nurl = "{url}"\n[salesforce]\ninstance_url = "http://127.0.0.1:1"\nclient_id = "c"\n'
        'org_id = "00D000000000001"\n'
    )
    file = tmp_path / "config.toml"
    file.write_text(own + (ROOT / "docs/examples/model-org.toml").read_text(encoding="utf-8"), encoding="utf-8")
    return file
