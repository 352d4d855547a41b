"""The watched folder: complete files come in once, half-written ones wait, others are moved aside with the reason."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import sqlalchemy as sa

from connector.adapters.clock import FixedClock
from connector.order_forms.limits import FormLimits
from connector.store.tables_order_forms import order_forms
from connector.store.unit_of_work import Database
from connector.usecases.decide_form import FormDesk
from connector.usecases.form_settings import FormSettings
from connector.usecases.watch_folder import FolderWatcher
from tests.builders import quote_id
from tests.recording import RecordingStarter

PDF = b"%PDF-1.7 signed"


@pytest.fixture
def desk(sqlite_database: Database, clock: FixedClock, tmp_path: Path) -> FormDesk:
    folder = tmp_path / "inbox"
    folder.mkdir()
    settings = FormSettings(inbox=str(folder), limits=FormLimits(largest_file=1000))
    return FormDesk(sqlite_database, clock, RecordingStarter(), {}, settings)


def _folder(desk: FormDesk) -> Path:
    return Path(desk.settings.inbox)


def _forms(desk: FormDesk) -> list[tuple[str, str]]:
    with desk.database.reading() as connection:
        rows = connection.execute(sa.select(order_forms).order_by(order_forms.c.id))
        return [(row.file_name, row.record_id) for row in rows]


def _watch_twice(desk: FormDesk) -> dict[str, int]:
    watcher = FolderWatcher(desk)
    watcher.watch()
    return watcher.watch()


def test_a_complete_file_is_kept_and_only_then_moved(desk: FormDesk) -> None:
    (_folder(desk) / f"{quote_id(1)}_signed.pdf").write_bytes(PDF)

    assert _watch_twice(desk) == {"received": 1, "refused": 0, "waiting": 0, "failed": 0}
    assert _forms(desk) == [(f"{quote_id(1)}_signed.pdf", quote_id(1))]
    assert (_folder(desk) / "done" / f"{quote_id(1)}_signed.pdf").read_bytes() == PDF


def test_a_file_that_is_still_being_written_is_waited_for(desk: FormDesk) -> None:
    watcher, file = FolderWatcher(desk), _folder(desk) / "order.pdf"
    file.write_bytes(PDF[:5])
    watcher.watch()
    file.write_bytes(PDF)

    assert watcher.watch()["waiting"] == 1
    assert watcher.watch()["received"] == 1


def test_the_same_document_twice_is_one_order_form_and_both_files_are_moved(desk: FormDesk) -> None:
    for _ in range(2):
        (_folder(desk) / "order.pdf").write_bytes(PDF)
        _watch_twice(desk)

    assert len(_forms(desk)) == 1
    assert sorted(file.name for file in (_folder(desk) / "done").iterdir()) == ["order-1.pdf", "order.pdf"]


@pytest.mark.parametrize(("content", "code"), [(b"no PDF", "NOT_A_PDF"), (PDF + bytes(2000), "FORM_TOO_LARGE")])
def test_what_is_no_order_form_is_moved_aside_with_the_reason(desk: FormDesk, content: bytes, code: str) -> None:
    (_folder(desk) / "order.pdf").write_bytes(content)

    assert _watch_twice(desk)["refused"] == 1
    assert (_folder(desk) / "refused" / "order.pdf.txt").read_text(encoding="utf-8").startswith(code)
    assert _forms(desk) == []


def test_hidden_files_links_and_folders_are_left_alone(desk: FormDesk, tmp_path: Path) -> None:
    outside = tmp_path / "secret.pdf"
    outside.write_bytes(PDF)
    (_folder(desk) / "link.pdf").symlink_to(outside)
    (_folder(desk) / ".order.pdf").write_bytes(PDF)
    (_folder(desk) / "sub").mkdir()

    assert _watch_twice(desk) == {"received": 0, "refused": 0, "waiting": 0, "failed": 0}


def test_without_a_folder_nothing_is_watched(desk: FormDesk) -> None:
    off = dataclasses.replace(desk, settings=FormSettings())

    assert _watch_twice(off) == {"received": 0, "refused": 0, "waiting": 0, "failed": 0}


def test_a_file_that_cannot_be_moved_holds_up_no_other(desk: FormDesk) -> None:
    long = f"{'a' * 251}.pdf"
    (_folder(desk) / "done").mkdir()
    (_folder(desk) / "done" / long).write_bytes(b"an earlier one")
    (_folder(desk) / long).write_bytes(PDF)
    (_folder(desk) / "order.pdf").write_bytes(PDF + b" too")

    assert _watch_twice(desk) == {"received": 1, "refused": 0, "waiting": 0, "failed": 1}
    assert len(list((_folder(desk) / "taking").glob(f"*/{long}"))) == 1
    assert (_folder(desk) / "done" / "order.pdf").exists()


def test_empty_files_that_nobody_fills_hold_up_no_other(desk: FormDesk) -> None:
    for number in range(120):
        (_folder(desk) / f"0-{number:03}.pdf").touch()
    (_folder(desk) / "order.pdf").write_bytes(PDF)

    assert _watch_twice(desk) == {"received": 1, "refused": 0, "waiting": 120, "failed": 0}
