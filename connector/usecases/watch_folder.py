"""The watched folder: documents that somebody puts there come in, and are moved away only after they are kept.

A file that is still being written is waited for: it must not have changed since the run before. What is no order form
goes into `refused/` with a text beside it that says why. Any number of processes may run this on one folder: each file
is first moved into a folder of its own under `taking/`, so that one which arrives later under the same name is never
mistaken for it, and what a dead process left there is taken by the next run.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

from connector.errors import Refused
from connector.logs import log
from connector.order_forms.refusals import FormTooLarge
from connector.usecases.decide_form import FormDesk
from connector.usecases.receive_order_form import FOLDER, is_record_id

_DONE, _REFUSED, _TAKING = "done", "refused", "taking"
_MOST_AT_ONCE = 100


@dataclass
class FolderWatcher:
    """Remembers between two runs how each file looked, so that a half-written one is left alone."""

    desk: FormDesk
    _seen: dict[str, tuple[int, int]] = field(default_factory=dict)

    def watch(self) -> dict[str, int]:
        """Take in what is complete; answers counts. Does nothing when no folder is configured."""
        counts = {"received": 0, "refused": 0, "waiting": 0, "failed": 0}
        if not self.desk.settings.inbox:
            return counts
        folder = Path(self.desk.settings.inbox)
        try:
            self._watch(folder, counts)
        except OSError as error:
            # Envelopes and documents that came another way are not held up by a folder.
            log.error("folder_not_readable", folder=str(folder), reason=error.strerror or type(error).__name__)
            counts["failed"] += 1
        return counts

    def _watch(self, folder: Path, counts: dict[str, int]) -> None:
        for file in _left_behind(folder / _TAKING):
            counts[self._taken(file, folder)] += 1
        now = {file.name: _state(file) for file in _files(folder)}
        # Unchanged since the last run, and not empty: whoever writes it has finished.
        complete = sorted(name for name, state in now.items() if state == self._seen.get(name) and state[0] > 0)
        counts["waiting"] += len(now) - len(complete)
        for name in complete[:_MOST_AT_ONCE]:
            taken = _moved_apart(folder / name)
            counts["waiting" if taken is None else self._taken(taken, folder)] += 1
        self._seen = now

    def _taken(self, file: Path, folder: Path) -> str:
        """What came of one file; what the system does not let us do with it holds up no other."""
        try:
            return self._take(file, folder)
        except OSError as error:
            said = error.strerror or type(error).__name__
            log.error("folder_file_stays", file=str(file), reason=said, fix="Move it away, or give it a shorter name.")
            return "failed"

    def _take(self, file: Path, folder: Path) -> str:
        """Keep one file, which nobody else gives this path to; then out of the way with it."""
        try:
            if file.stat().st_size > self.desk.settings.limits.largest_file:
                # Not even read: it may be larger than our memory.
                raise FormTooLarge("The file is larger than [order_forms] largest_file.")
            content = file.read_bytes()
            self.desk.receive(
                content=content, source=FOLDER, file_name=file.name, received_by="folder",
                salesforce_id=_record_id(file),
            )  # fmt: skip
        except FileNotFoundError:
            # Another process was faster.
            return "waiting"
        except Refused as error:
            return self._refuse(file, folder, f"{error.code}: {error} {error.fix}")
        return "waiting" if _move(file, folder / _DONE) is None else "received"

    def _refuse(self, file: Path, folder: Path, reason: str) -> str:
        moved = _move(file, folder / _REFUSED)
        log.warning("folder_file_refused", file=file.name, reason=reason)
        if moved is not None:
            moved.with_name(f"{moved.name}.txt").write_text(f"{reason}\n", encoding="utf-8")
        return "refused"


def _files(folder: Path) -> list[Path]:
    """Ordinary files that are not hidden; links are left alone."""
    return [
        file
        for file in folder.iterdir()
        if not file.name.startswith((".", "~")) and not file.is_symlink() and file.is_file()
    ]


def _state(file: Path) -> tuple[int, int]:
    try:
        found = file.stat()
    except FileNotFoundError:
        return 0, 0
    return found.st_size, found.st_mtime_ns


def _record_id(file: Path) -> str:
    """A file may be named by its record: 0Q0....pdf, or 0Q0..._whatever.pdf."""
    first = file.stem.split("_")[0]
    return first if is_record_id(first) else ""


def _moved_apart(file: Path) -> Path | None:
    """The file in a folder of its own under its own name. None when another process was faster."""
    own = file.parent / _TAKING / uuid4().hex
    own.mkdir(parents=True)
    try:
        return file.replace(own / file.name)
    except FileNotFoundError:
        own.rmdir()
        return None


def _left_behind(folder: Path) -> list[Path]:
    """What a process that died had begun to take, or another one is taking now: the same bytes twice do nothing."""
    if not folder.is_dir():
        return []
    found = []
    for own in sorted(folder.iterdir()):
        try:
            files = list(own.iterdir())
            if not files:
                own.rmdir()
        except OSError:
            # Another process cleared it, or has just put its file there.
            continue
        found += files
    return found[:_MOST_AT_ONCE]


def _move(file: Path, folder: Path) -> Path | None:
    """Out of the way, under a name that is not taken. None when another process was faster."""
    folder.mkdir(exist_ok=True)
    target = _reserved(folder, file)
    try:
        file.replace(target)
    except FileNotFoundError:
        target.unlink()
        return None
    with suppress(OSError):
        file.parent.rmdir()
    return target


def _reserved(folder: Path, file: Path) -> Path:
    """A free name, made ours by an empty file, so that two processes never put one file over another."""
    target, count = folder / file.name, 0
    while True:
        try:
            target.touch(exist_ok=False)
        except FileExistsError:
            count += 1
            target = folder / f"{file.stem}-{count}{file.suffix}"
        else:
            return target
