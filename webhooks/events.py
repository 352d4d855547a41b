"""A JSON body of signed events, read with suspicion: which records it asks us to look at.

One event is `{"object", "id", "event_id"?, "org_id"?}`; a body is one event or a list of up to 200. Further keys are
allowed and not read, so that a sender may grow. No value is believed beyond naming a record.
"""

from __future__ import annotations

import json
from typing import Any, NoReturn

from connector.ports import Org
from connector.usecases.receive_message import Message
from webhooks.faults import BodyRefused, ValueReader
from webhooks.senders import check_org, ignored_because

_MOST_EVENTS = 200
_SHAPE = 'Send {"object": "Quote", "id": "0Q0..."} or a list of up to 200 of those.'


def read_events(*, body: bytes, webhook_id: str, org: Org) -> tuple[Message, ...]:
    """The messages of a body, one per event. Raises BodyRefused with every fault, and WrongOrg."""
    document = _document(body)
    events = document if isinstance(document, list) else [document]
    if not 1 <= len(events) <= _MOST_EVENTS:
        raise BodyRefused(f"The list has {len(events)} events.", fix=_SHAPE)
    reader = ValueReader()
    messages = []
    for position, event in enumerate(events):
        place = f"[{position}]." if isinstance(document, list) else ""
        # The sender's id of the request names an event that has no id of its own; in a list its place does as well.
        fallback = f"{webhook_id}:{position}" if isinstance(document, list) else webhook_id
        messages.append(_message(event, place=place, fallback=fallback, org=org, reader=reader))
    reader.refuse_faults()
    return tuple(messages)


def _document(body: bytes) -> Any:
    try:
        return json.loads(body, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        # ValueError: broken JSON, broken UTF-8, an endless number. RecursionError: brackets without end.
        raise BodyRefused("The body is not JSON.", fix=_SHAPE) from error


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _message(event: Any, *, place: str, fallback: str, org: Org, reader: ValueReader) -> Message:
    """One event as a message; its faults are kept by the reader. Raises WrongOrg at once."""
    values = event if isinstance(event, dict) else {}
    object_name = reader.object_name(values.get("object"), field=f"{place}object")
    record_id = reader.record_id(values.get("id"), field=f"{place}id")
    given_id = values.get("event_id")
    event_id = "" if given_id is None else reader.event_id(given_id, field=f"{place}event_id")
    if values.get("org_id") is not None:
        named = reader.record_id(values["org_id"], field=f"{place}org_id")
        if named:
            check_org(org=org, named=named)
    return Message(
        # Senders choose these ids, so an org's events are a source of their own.
        source=f"salesforce-event:{org.org_id}",
        # A sender may name one event for several records: each of them is a message.
        message_id=f"{event_id}:{record_id}" if event_id else fallback,
        kind="event",
        org_id=org.org_id,
        object=object_name,
        record_id=record_id,
        ignored_because=ignored_because(org=org, object_name=object_name),
    )
