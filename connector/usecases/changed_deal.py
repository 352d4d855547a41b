"""A processed deal whose record changed: what to ask people about it.

Exists because a signed deal is fulfilled once; a later change is never a second order and never an edit of the first.
Decides only; it must not write.
"""

from __future__ import annotations

from connector.domain.terms import Order
from connector.errors import Fault, Refused
from connector.ports import Record, RecordMapping
from connector.store.orders import StoredOrder
from connector.store.terms import fingerprint, order_document


def unsigned_fault(reason: str) -> Fault:
    """Why a record is passed over: it is not, or no longer, signed."""
    return Fault("NOT_SIGNED", reason, "Nothing to do unless the deal is in fact signed.", "sales rep")


def question_about(*, order: StoredOrder, record: Record, mapping: RecordMapping) -> tuple[str, str, str]:
    """(code, question, fingerprint) when the record no longer says what was fulfilled, else three empty texts."""
    assert order.terms is not None
    try:
        now = mapping.to_order(record)
    except Refused as error:
        said = f"The record was changed after signing and can no longer be read: {error}"
        return "CHANGED_AFTER_SIGNING", f"{said} The order stands as signed.", str(error)[:200]
    mark = fingerprint(now)
    if mark == order.source_hash:
        return "", "", ""
    names = ", ".join(_changed_names(order.terms, now))
    question = (
        f"The record was changed after the order was fulfilled ({names}). The order stands as signed. "
        "Undo the change, or sign an amendment. Who: sales rep."
    )
    return "CHANGED_AFTER_SIGNING", question, mark


def _changed_names(before: Order, after: Order) -> list[str]:
    """The names of what differs, lines by their position."""
    old, new = order_document(before), order_document(after)
    changed = [name.replace("_", " ") for name in old if name != "line_items" and old[name] != new[name]]
    lines_before = {line.ref: line for line in before.line_items}
    lines_after = {line.ref: line for line in after.line_items}
    changed += [f"line {line.position} added" for ref, line in lines_after.items() if ref not in lines_before]
    changed += [f"line {line.position} removed" for ref, line in lines_before.items() if ref not in lines_after]
    changed += [
        f"line {line.position}"
        for ref, line in lines_after.items()
        if ref in lines_before and line != lines_before[ref]
    ]
    return changed or ["its terms"]
