"""A starter of runs that only writes down what it was asked to start."""

from __future__ import annotations

from typing import Any


class RecordingStarter:
    """Keeps every start as (name, run id, argument); like the engine it starts a known run id only once."""

    def __init__(self) -> None:
        self.started: list[tuple[str, str, str]] = []

    def start(self, *, connection: Any, name: str, run_id: str, argument: str) -> None:
        """Write the start down; the caller's transaction must be open."""
        assert connection.in_transaction()
        if run_id not in self.run_ids:
            self.started.append((name, run_id, argument))

    @property
    def run_ids(self) -> list[str]:
        """The ids of all runs, in the order of their start."""
        return [run_id for _, run_id, _ in self.started]
