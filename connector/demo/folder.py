"""The demo's folder: fresh at each start, never anything but a demo's, and one demo at a time."""

from __future__ import annotations

import fcntl
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from connector.errors import Refused

_MARK = "made-by-countersign-demo"


class FolderRefused(Refused):
    """The demo cannot use that folder."""

    code = "DEMO_FOLDER"
    fix = "Name another folder with --folder."


@contextmanager
def fresh_folder(folder: Path) -> Iterator[Path]:
    """An empty folder that is ours until the block ends; what an earlier demo left there is removed.

    Raises FolderRefused when something else lies there, or when a demo is running in it.
    """
    folder = folder.resolve()
    with _lock(folder) as lock:
        _take(lock.fileno(), folder)
        _empty(folder)
        yield folder


def _lock(folder: Path) -> TextIO:
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        return folder.with_name(folder.name + ".lock").open("w", encoding="utf-8")
    except OSError as error:
        raise _unusable(folder, error) from error


def _take(descriptor: int, folder: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise FolderRefused(
            f"A demo is running in {folder} already.", fix="Stop it with Ctrl-C, or name another folder with --folder."
        ) from error


def _empty(folder: Path) -> None:
    try:
        if folder.exists():
            if any(folder.iterdir()) and not (folder / _MARK).exists():
                raise FolderRefused(f"{folder} holds something that no demo made; it is left alone.")
            shutil.rmtree(folder)
        # The settings and the database are nobody else's business on a shared machine.
        folder.mkdir(mode=0o700)
        (folder / _MARK).touch()
    except OSError as error:
        raise _unusable(folder, error) from error


def _unusable(folder: Path, error: OSError) -> FolderRefused:
    return FolderRefused(f"The folder {folder} cannot be used: {error.strerror or error}.")
