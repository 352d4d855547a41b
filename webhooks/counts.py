"""How many messages came in and how many requests were refused, for the operators' metrics.

Exists apart from the views, so that each source counts under the same names. Labels hold codes of ours only: a value
from a request would let a stranger fill the memory.
"""

from __future__ import annotations

from prometheus_client import Counter

from connector.usecases.receive_message import Receipt

_MESSAGES = Counter(
    "countersign_webhook_messages_total", "Messages received, by source and whether new.", ["source", "seen"]
)
_REFUSED = Counter(
    "countersign_webhook_refused_total", "Requests refused by a webhook, by source and reason.", ["source", "code"]
)


def count_receipt(*, source: str, receipt: Receipt) -> None:
    """Count the messages of one accepted body."""
    _MESSAGES.labels(source=source, seen="new").inc(receipt.new)
    _MESSAGES.labels(source=source, seen="known").inc(receipt.known)


def count_refusal(*, source: str, code: str) -> None:
    """Count one refused request."""
    _REFUSED.labels(source=source, code=code).inc()
