"""A sender that is killed anywhere: every mail arrives, and one that may have arrived before says so.

The child sends into a folder in which the same mail replaces itself, as mail systems do with one Message-ID.
"""

from __future__ import annotations

import os
import signal
from datetime import timedelta
from pathlib import Path

import pytest

from connector.adapters.clock import FixedClock
from connector.adapters.mail_folder import MailFolder
from connector.store.unit_of_work import Database
from connector.usecases.deliver_mail import Postman, deliver_mail
from connector.usecases.send_document import list_mail
from tests.crash.deciding import DiesAt
from tests.reviewing import sold
from tests.web.sharing import AURORA, make_sharing

# The child touches nothing but its own connections, so the threads that it does not inherit are missed by nobody.
pytestmark = [pytest.mark.crash, pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")]
_MOST_POINTS = 60


def test_a_sender_killed_at_every_statement_and_commit_loses_no_mail(
    sqlite_database: Database, clock: FixedClock, tmp_path: Path
) -> None:
    sharing = make_sharing(sqlite_database, clock)
    folder = tmp_path / "mail"
    post = MailFolder(folder=folder, sender="billing@nordlicht.example")
    losses = set()
    for point in range(1, _MOST_POINTS):
        day = f"2026-03-{point % 28 + 1:02}"
        invoice_id = sharing.finance.issued(sold(record=f"R{point}", customer=AURORA), as_of=day)
        sharing.render()
        was_killed = _send_and_die(sqlite_database, clock, post, point)
        clock.advance(timedelta(minutes=15))
        deliver_mail(postman=Postman(sqlite_database, clock, post, "https://here.example"))
        (sent,) = list_mail(database=sqlite_database, invoice_id=invoice_id)
        assert sent.state == "sent", point
        assert (folder / f"delivery-{sent.id}.eml").exists()
        losses.add(sent.losses)
        if not was_killed:
            break

    assert losses == {0, 1}
    assert point >= 12
    assert sharing.finance.faults() == []


def _send_and_die(database: Database, clock: FixedClock, post: MailFolder, point: int) -> bool:
    """Send in a child that dies at its n-th point; whether it did. Connections are not shared with the child."""
    database.dispose()
    pid = os.fork()
    if pid == 0:
        DiesAt(point)
        own = Database(database.url.render_as_string(hide_password=False))
        deliver_mail(postman=Postman(own, clock, post, "https://here.example"))
        os._exit(0)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    assert code in (0, -signal.SIGKILL), code
    return code != 0
