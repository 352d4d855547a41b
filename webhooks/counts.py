"""How many messages came in and how many requests were refused, for the operators' metrics.

Exists apart from the views, so that each source counts under the same names. Labels hold codes of ours only: a value
from a request would let a stranger fill the memory. Counting costs no database write, because a flood of refused
requests must not reach the database.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from connector.usecases.receive_message import Receipt

if TYPE_CHECKING:
    from prometheus_client import Counter

_lock = threading.Lock()
_made: list[_Counters] = []


@dataclass(frozen=True, slots=True)
class _Counters:
    messages: Counter
    refused: Counter


def count_receipt(*, source: str, receipt: Receipt) -> None:
    """Count the messages of one accepted body."""
    counter = _counters().messages
    counter.labels(source=source, seen="new").inc(receipt.new)
    counter.labels(source=source, seen="known").inc(receipt.known)


def count_refusal(*, source: str, code: str) -> None:
    """Count one refused request."""
    _counters().refused.labels(source=source, code=code).inc()


def _counters() -> _Counters:
    """The counters of this process, made by the first who counts."""
    with _lock:
        if not _made:
            # The library decides while it is imported whether processes count together, and the web server says so
            # only when it starts.
            from prometheus_client import Counter

            _made.append(
                _Counters(
                    Counter(
                        "countersign_webhook_messages_total",
                        "Messages received, by source and whether new.",
                        ["source", "seen"],
                    ),
                    Counter(
                        "countersign_webhook_refused_total",
                        "Requests refused by a webhook, by source and reason.",
                        ["source", "code"],
                    ),
                )
            )
        return _made[0]
