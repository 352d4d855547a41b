"""Mail as files in a folder: the embedded default, for demos, tests and whoever sends by other means.

Each mail is one `.eml` file that any mail program opens. The same mail again replaces its file, so that what a crash
repeats is there once.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from connector.errors import Misconfigured


class MailFolder:
    """A folder that takes every mail."""

    def __init__(self, *, folder: Path, sender: str) -> None:
        self._folder = folder
        self._sender = sender

    @property
    def sender(self) -> str:
        """The address that mail comes from."""
        return self._sender

    def send(self, *, recipient: str, message: bytes, name: str) -> str:
        """Write the file at once as a whole. Raises Misconfigured when the folder cannot be written."""
        target = self._folder / f"{name}.eml"
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=self._folder, suffix=".part", delete=False) as part:
                part.write(message)
            Path(part.name).replace(target)
        except OSError as error:
            raise Misconfigured(
                f"The mail folder cannot be written: {error.strerror}.",
                code="MAIL_FOLDER",
                fix="Correct [mail] folder or its permissions; what waits is then written by itself.",
            ) from error
        return f"written for {recipient} as {target.name}"
