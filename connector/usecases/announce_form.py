"""An order form has news for its record: have the record looked at again, in the transaction that made the news.

Exists so that every decision and every reading ends in the one look that decides about the order.
"""

from __future__ import annotations

import json
from datetime import datetime

from connector.store import inbox
from connector.store.form_rows import StoredForm
from connector.store.inbox import Message
from connector.store.unit_of_work import UnitOfWork
from connector.usecases.start_look import StartsWork, start_look

_SOURCE = "order-form"


def announce_form(*, work: UnitOfWork, starter: StartsWork, form: StoredForm, now: datetime) -> bool:
    """Start the look at the order form's record; False when it has none. Once for each version of the order form."""
    if form.ref is None or not form.ref.org_id or not form.ref.object:
        return False
    message = Message(
        _SOURCE, f"{form.number}:{form.version}", "read", form.ref.org_id, form.ref.object, form.ref.record_id
    )
    body = json.dumps({"order_form": form.number}).encode()
    rows = inbox.put_all(work=work, messages=[message], body=body, content_type="application/json", at=now)
    for row in rows:
        start_look(connection=work.connection, starter=starter, row=row)
    return bool(rows)
