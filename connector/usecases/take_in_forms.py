"""The job of order forms: look into the watched folder, fetch completed envelopes, read what waits.

Holds the reading process and what the folder looked like before; one for each process of the product.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connector.order_forms.apart import FormReader
from connector.ports_signing import SignatureProvider
from connector.usecases.decide_form import FormDesk
from connector.usecases.fetch_envelopes import EnvelopeFetcher
from connector.usecases.read_order_form import Check, FormReadingDesk
from connector.usecases.watch_folder import FolderWatcher

# The rest waits for the next run, so that stopping never takes long.
_AT_ONCE = 10


class FormIntake:
    """Take in order forms; `check` replaces the reading process in tests that do not read."""

    def __init__(
        self,
        desk: FormDesk,
        *,
        providers: Mapping[str, SignatureProvider] | None = None,
        check: Check | None = None,
    ) -> None:
        self._reader = FormReader()
        self._fetcher = EnvelopeFetcher(desk, providers or {})
        self._watcher = FolderWatcher(desk)
        self._reading = FormReadingDesk(
            desk.database, desk.clock, desk.starter, desk.orgs, desk.settings, check or self._reader.check
        )

    def take_in(self) -> dict[str, Any]:
        """One run; answers counts."""
        watched = self._watcher.watch()
        fetched = self._fetcher.fetch_due(limit=_AT_ONCE)
        read = self._reading.read_due(limit=_AT_ONCE)
        return {
            "received": watched["received"] + fetched["fetched"],
            "read": read.read,
            "refused": read.refused + watched["refused"],
            "failed": read.failed + fetched["failed"] + watched["failed"],
        }

    def close(self) -> None:
        """End the reading process."""
        self._reader.close()
