"""Documents that come in while processes die or compete: one order form each, read once, one order, nothing lost.

A child dies at its n-th statement or commit, for every n; another process then does the same again, as senders and jobs
do. The reading itself is replaced: what a document says has tests of its own.
"""

from __future__ import annotations

import dataclasses
import os
import signal
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from connector.adapters.clock import FixedClock
from connector.domain.form_readings import CheckedForm, FormReading
from connector.domain.terms import RecordRef
from connector.order_forms.apart import FormQuestion, FormReader
from connector.store import audit, order_forms, tables, tables_order_forms
from connector.store.unit_of_work import Database
from connector.usecases.decide_form import FormDesk
from connector.usecases.form_settings import FormSettings
from connector.usecases.take_in_forms import FormIntake
from connector.usecases.watch_folder import FolderWatcher
from tests.builders import ORG_ID, quote_id
from tests.crash.deciding import DiesAt
from tests.order_forms.authority import sign
from tests.order_forms.stories import form_world, paper
from tests.recording import RecordingStarter
from tests.world import World

# A child touches nothing but its own connections, so the threads that it does not inherit are missed by nobody.
pytestmark = [pytest.mark.crash, pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")]
_MOST_POINTS = 60
_ENOUGH = timedelta(minutes=15)
_FORMS, _INBOX = tables_order_forms.order_forms, tables.inbox


def _pdf(number: int) -> bytes:
    return b"%%PDF-1.7 document %d" % number


def _read(question: FormQuestion) -> CheckedForm:
    """Every document says that it is the order form of ours with its own number."""
    return CheckedForm(1, (), FormReading(made_id=question.content.decode().rpartition(" ")[2]))


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    """A watched folder."""
    folder = tmp_path / "inbox"
    folder.mkdir()
    return folder


def _desk(database: Database, clock: FixedClock, folder: str = "") -> FormDesk:
    return FormDesk(database, clock, RecordingStarter(), {}, FormSettings(inbox=folder))


def _own(database: Database) -> Database:
    """The same database with connections of its own, for a child."""
    return Database(database.url.render_as_string(hide_password=False))


def _in_child(database: Database, act: Callable[[Database], Any], *, dies_at: int = 0) -> int:
    """The id of a child that does this with connections of its own and ends."""
    database.dispose()
    pid = os.fork()
    if pid:
        return pid
    try:
        own = _own(database)
        if dies_at:
            DiesAt(dies_at)
        act(own)
        os._exit(0)
    finally:
        # A child never goes back into the test.
        os._exit(3)


def _was_killed(pid: int) -> bool:
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    assert code in (0, -signal.SIGKILL), code
    return code != 0


def _rows(database: Database, table: sa.Table) -> Any:
    with database.reading() as connection:
        return connection.execute(sa.select(table).order_by(table.c.id)).all()


def test_a_document_whose_receiver_is_killed_anywhere_is_kept_once_when_it_is_sent_again(
    database: Database, clock: FixedClock
) -> None:
    for point in range(1, _MOST_POINTS):
        content = _pdf(point)
        pid = _in_child(
            database, lambda own, sent=content: _desk(own, clock).receive(content=sent, source="api"), dies_at=point
        )
        was_killed = _was_killed(pid)
        _desk(database, clock).receive(content=content, source="api")
        with database.reading() as connection:
            count = connection.execute(sa.select(sa.func.count()).select_from(_FORMS)).scalar_one()
        # Row ids may leave gaps after a rollback, so what was lost shows in the count.
        assert count == point
        if not was_killed:
            break

    assert point >= 8
    digests = [row.sha256 for row in _rows(database, _FORMS)]
    assert digests == [row.message_id for row in _rows(database, _INBOX)]
    with database.reading() as connection:
        assert audit.verify(connection=connection, chain="order-forms") == []
        for row in _rows(database, _FORMS):
            entries = audit.load_entries(connection=connection, subject_id=row.id, subject="order_form")
            assert [entry.event for entry in entries] == ["receive"]


def test_a_document_whose_reader_is_killed_anywhere_is_read_once_and_its_record_looked_at_once(
    database: Database, clock: FixedClock
) -> None:
    for point in range(1, _MOST_POINTS):
        desk = _desk(database, clock)
        form_id = desk.receive(content=_pdf(point), source="api").form.id
        _make_known(database, clock, point)
        pid = _in_child(
            database, lambda own: FormIntake(_desk(own, clock), check=_read).take_in(), dies_at=point
        )  # fmt: skip
        was_killed = _was_killed(pid)
        # Nobody else takes what a process has claimed, until it must be dead.
        clock.advance(_ENOUGH)
        FormIntake(desk, check=_read).take_in()
        _is_read_once(database, form_id, point)
        if not was_killed:
            break

    assert point >= 10


def _make_known(database: Database, clock: FixedClock, number: int) -> None:
    with database.unit_of_work() as work:
        ref = RecordRef(ORG_ID, "Quote", quote_id(number))
        order_forms.save_made(
            work=work, made_ref=str(number), ref=ref, content=_pdf(-number), made_by="rosa", now=clock.now()
        )  # fmt: skip
        work.commit()


def _is_read_once(database: Database, form_id: int, number: int) -> None:
    (form,) = [row for row in _rows(database, _FORMS) if row.id == form_id]
    looks = [row for row in _rows(database, _INBOX) if row.kind == "read" and row.record_id == quote_id(number)]
    assert (form.state, form.record_id, form.code) == ("read", quote_id(number), "")
    assert [row.message_id for row in looks] == [f"F-{form_id:06}:{form.version}"]
    read = [
        row.event
        for row in _rows(database, tables.history)
        if row.subject == order_forms.SUBJECT and row.subject_id == form_id
    ]
    assert read == ["receive", "read"]


def test_two_processes_read_each_document_once(database: Database, clock: FixedClock, tmp_path: Path) -> None:
    desk = _desk(database, clock)
    count = 8
    for number in range(1, count + 1):
        desk.receive(content=_pdf(number), source="api")
    log = tmp_path / "read"

    def noted(question: FormQuestion) -> CheckedForm:
        with log.open("ab", buffering=0) as file:
            file.write(question.content + b"\n")
        return _read(question)

    children = [
        _in_child(database, lambda own: FormIntake(_desk(own, clock), check=noted).take_in()) for _ in range(2)
    ]  # fmt: skip

    assert [_was_killed(pid) for pid in children] == [False, False]
    FormIntake(desk, check=noted).take_in()
    assert Counter(log.read_bytes().splitlines()) == {_pdf(number): 1 for number in range(1, count + 1)}
    assert {row.state for row in _rows(database, _FORMS)} == {"open"}


def test_a_watched_folder_that_two_processes_see_gives_each_document_once(
    database: Database, clock: FixedClock, inbox: Path
) -> None:
    for number in range(1, 7):
        (inbox / f"{number}.pdf").write_bytes(_pdf(number))
    (inbox / "odd.pdf").write_bytes(b"no PDF")

    def watch(own: Database) -> None:
        watcher = FolderWatcher(_desk(own, clock, str(inbox)))
        watcher.watch()
        watcher.watch()

    children = [_in_child(database, watch) for _ in range(2)]

    assert [_was_killed(pid) for pid in children] == [False, False]
    assert len(_rows(database, _FORMS)) == len(_rows(database, _INBOX)) == 6
    assert sorted(file.name for file in (inbox / "done").iterdir()) == [f"{number}.pdf" for number in range(1, 7)]
    assert sorted(file.name for file in (inbox / "refused").iterdir()) == ["odd.pdf", "odd.pdf.txt"]


def test_a_file_whose_process_is_killed_while_it_takes_it_is_taken_by_the_next(
    sqlite_database: Database, clock: FixedClock, inbox: Path
) -> None:
    def watch(own: Database) -> None:
        watcher = FolderWatcher(_desk(own, clock, str(inbox)))
        watcher.watch()
        watcher.watch()

    for point in range(1, _MOST_POINTS):
        (inbox / "order.pdf").write_bytes(_pdf(point))
        was_killed = _was_killed(_in_child(sqlite_database, watch, dies_at=point))
        watch(sqlite_database)
        assert len(_rows(sqlite_database, _FORMS)) == point
        if not was_killed:
            break

    assert point >= 8
    # Never one over another, although all have one name.
    done = {file.read_bytes() for file in (inbox / "done").iterdir()}
    assert done == {_pdf(number) for number in range(1, point + 1)}


def test_the_same_bytes_by_api_and_by_folder_at_once_are_one_form_and_one_order(
    database: Database, clock: FixedClock, make_world: Callable[..., World], tmp_path: Path, inbox: Path
) -> None:
    with FormReader() as reader:
        forms = form_world(make_world, database, reader, tmp_path, inbox=str(inbox))
        deal = forms.world.seller.quote(PO_Number__c="PO-4711")
        content = sign(paper())
        (inbox / f"{deal.id}.pdf").write_bytes(content)

        def here(own: Database) -> FormDesk:
            return dataclasses.replace(forms.desk, database=own, starter=RecordingStarter())

        def watch(own: Database) -> None:
            watcher = FolderWatcher(here(own))
            watcher.watch()
            watcher.watch()

        sent = {"content": content, "source": "api", "salesforce_id": deal.id}
        forms.world.database.dispose()
        children = [_in_child(database, watch), _in_child(database, lambda own: here(own).receive(**sent))]
        assert [_was_killed(pid) for pid in children] == [False, False]
        forms.settle()

    (form,) = _rows(database, _FORMS)
    (order,) = forms.world.rows(tables.orders)
    assert (form.state, form.record_id, order.state) == ("agreed", deal.id, "FULFILLED")
    assert [file.read_bytes() for file in (inbox / "done").iterdir()] == [content]
