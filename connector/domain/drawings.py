"""Every state machine as a picture, for the docs and `countersign transitions`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connector.domain.collecting import LINK_TRANSITIONS
from connector.domain.delivery import DELIVERY_TRANSITIONS
from connector.domain.form_states import FORM_TRANSITIONS
from connector.domain.fulfilment import ORDER_TRANSITIONS, STEP_TRANSITIONS
from connector.domain.payments import PAYMENT_TRANSITIONS, REFUND_TRANSITIONS
from connector.domain.reminders import LETTER_TRANSITIONS
from connector.domain.review import INVOICE_TRANSITIONS

_MACHINES: tuple[tuple[str, Mapping[Any, str]], ...] = (
    ("Order", ORDER_TRANSITIONS),
    ("Fulfilment step", STEP_TRANSITIONS),
    ("Invoice and credit note", INVOICE_TRANSITIONS),
    ("Mail", DELIVERY_TRANSITIONS),
    ("Payment", PAYMENT_TRANSITIONS),
    ("Refund", REFUND_TRANSITIONS),
    ("Reminder", LETTER_TRANSITIONS),
    ("Payment link", LINK_TRANSITIONS),
    ("Order form", FORM_TRANSITIONS),
)


def drawing() -> str:
    """All machines as Mermaid state diagrams."""
    parts = []
    for title, table in _MACHINES:
        rows = [f"    {before} --> {after}: {event}" for (before, event), after in table.items()]
        parts.append("\n".join([f"## {title}", "", "```mermaid", "stateDiagram-v2", *rows, "```"]))
    return "\n\n".join(parts) + "\n"
