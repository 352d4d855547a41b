"""The demo story (deals as plain data)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from connector.sandbox.sandbox import Sandbox


def seed(sandbox: Sandbox) -> None:
    """Put the story's records into an org."""
    del sandbox
