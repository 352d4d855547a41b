"""The door through which mail leaves: one message at a time, with an answer that can be trusted as far as mail allows.

Its adapters are an SMTP server and a folder of files. It must not know any library, nor what a message is about.
"""

from __future__ import annotations

from typing import Protocol


class MailPost(Protocol):
    """Whoever takes a message from us."""

    @property
    def sender(self) -> str:
        """The address that mail comes from."""

    def send(self, *, recipient: str, message: bytes, name: str) -> str:
        """Hand over one message to one recipient; answers what the other side said.

        `name` is the same for every attempt at the same mail. Raises Unavailable when it was not taken and may be
        later, Uncertain when it may have been taken, Refused when it never will be, Misconfigured when no mail at all
        can leave.
        """
