"""The watched folder: documents that somebody puts there come in, and are moved away only after they are kept.

A file that is still being written is waited for: it must not have changed since the run before. What is no order form
goes into `refused/` with a text beside it that says why. Any number of processes may run this on one folder.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from connector.errors import Refused
from connector.logs import log
from connector.usecases.decide_form import FormDesk
from connector.usecases.receive_order_form import FOLDER, is_record_id

_DONE, _REFUSED = "done", "refused"
_MOST_AT_ONCE = 100


@dataclass
class FolderWatcher:
    """Remembers between two runs how each file looked, so that a half-written one is left alone."""

    desk: FormDesk
    _seen: dict[str, tuple[int, int]] = field(default_factory=dict)

    def watch(self) -> dict[str, int]:
        """Take in what is complete; answers counts. Does nothing when no folder is configured."""
        counts = {"received": 0, "refused": 0, "waiting": 0}
        if not self.desk.settings.inbox:
            return counts
        folder = Path(self.desk.settings.inbox)
        now = {file.name: _state(file) for file in _files(folder)}
        for name, state in now.items():
            # Unchanged since the last run, and not empty: whoever writes it has finished.
            if state == self._seen.get(name) and state[0] > 0:
                counts[self._take(folder / name)] += 1
            else:
                counts["waiting"] += 1
        self._seen = now
        return counts

    def _take(self, file: Path) -> str:
        try:
            if file.stat().st_size > self.desk.settings.limits.largest_file:
                # Not even read: it may be larger than our memory.
                return self._refuse(file, "FORM_TOO_LARGE: the file is larger than [order_forms] largest_file.")
            content = file.read_bytes()
            self.desk.receive(
                content=content, source=FOLDER, file_name=file.name, received_by="folder",
                salesforce_id=_record_id(file),
            )  # fmt: skip
        except FileNotFoundError:
            # Another process was faster.
            return "waiting"
        except Refused as error:
            return self._refuse(file, f"{error.code}: {error} {error.fix}")
        _move(file, _DONE)
        return "received"

    def _refuse(self, file: Path, reason: str) -> str:
        moved = _move(file, _REFUSED)
        if moved is not None:
            moved.with_name(f"{moved.name}.txt").write_text(f"{reason}\n", encoding="utf-8")
        log.warning("folder_file_refused", file=file.name, reason=reason)
        return "refused"


def _files(folder: Path) -> list[Path]:
    """Ordinary files that are not hidden, oldest name first; links are left alone."""
    found = [
        file
        for file in folder.iterdir()
        if not file.name.startswith((".", "~")) and not file.is_symlink() and file.is_file()
    ]
    return sorted(found)[:_MOST_AT_ONCE]


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


def _move(file: Path, where: str) -> Path | None:
    """Out of the folder, under a name that is not taken. None when another process was faster."""
    folder = file.parent / where
    folder.mkdir(exist_ok=True)
    target, count = folder / file.name, 1
    while target.exists():
        target, count = folder / f"{file.stem}-{count}{file.suffix}", count + 1
    try:
        file.replace(target)
    except FileNotFoundError:
        return None
    return target
