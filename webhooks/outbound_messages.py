"""A SOAP body of outbound messages, read with suspicion: which records it asks us to look at.

Elements are known by namespace and local name, never by prefix. Only ids and the object's name are read: the record is
fetched later, so no field of a body is believed. Nothing is resolved, expanded or fetched from outside.
"""

from __future__ import annotations

from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from connector.ports import Org
from connector.usecases.receive_message import Message
from webhooks.faults import BodyRefused, ValueReader
from webhooks.senders import check_org, ignored_because

_SOAP = "{http://schemas.xmlsoap.org/soap/envelope/}"
_OM = "{http://soap.sforce.com/2005/09/outbound}"
_SF = "{urn:sobject.enterprise.soap.sforce.com}"
_XSI = "{http://www.w3.org/2001/XMLSchema-instance}"

# Salesforce never puts more into one body.
_MOST_NOTIFICATIONS = 100
# A hundred records with every field that a message can carry stay far below; counted before parsing, to bound memory.
_MOST_TAGS = 200_000


def read_outbound_messages(*, body: bytes, org: Org) -> tuple[Message, ...]:
    """The messages of a body, one per notification. Raises BodyRefused with every fault, and WrongOrg."""
    notifications = _notifications(body)
    reader = ValueReader()
    named = reader.record_id(notifications.findtext(f"{_OM}OrganizationId"), field="OrganizationId")
    reader.refuse_faults()
    check_org(org=org, named=named)
    found = notifications.findall(f"{_OM}Notification")
    _check_count(len(found))
    messages = tuple(
        _message(notification, place=f"Notification[{position}]", org=org, reader=reader)
        for position, notification in enumerate(found, start=1)
    )
    reader.refuse_faults()
    return messages


def _notifications(body: bytes) -> Element:
    if body.count(b"<") > _MOST_TAGS:
        raise BodyRefused(f"The body has more than {_MOST_TAGS} tags.", fix="Send fewer notifications in one body.")
    try:
        envelope: Element = fromstring(body, forbid_dtd=True)
    except DefusedXmlException as error:
        raise BodyRefused(
            "The XML declares a document type or entities.", fix="Send plain XML, as Salesforce does."
        ) from error
    except (ParseError, ValueError, LookupError) as error:
        # ValueError and LookupError: an encoding that the declaration names and nobody can read.
        raise BodyRefused(
            "The body is not well-formed XML.", fix="Send the SOAP body of an outbound message."
        ) from error
    notifications = envelope.find(f"{_SOAP}Body/{_OM}notifications")
    if envelope.tag != f"{_SOAP}Envelope" or notifications is None:
        raise BodyRefused(
            "The XML has no element notifications in a SOAP body.", fix="Send the SOAP body of an outbound message."
        )
    return notifications


def _check_count(count: int) -> None:
    if not 1 <= count <= _MOST_NOTIFICATIONS:
        raise BodyRefused(
            f"The element notifications has {count} elements Notification.",
            fix=f"Send 1 to {_MOST_NOTIFICATIONS} notifications in one body.",
        )


def _message(notification: Element, *, place: str, org: Org, reader: ValueReader) -> Message:
    """One notification as a message; its faults are kept by the reader."""
    message_id = reader.record_id(notification.findtext(f"{_OM}Id"), field=f"{place}/Id")
    record = notification.find(f"{_OM}sObject")
    given_type = "" if record is None else record.get(f"{_XSI}type", "")
    object_name = reader.object_name(given_type.strip().rpartition(":")[2], field=f"{place}/sObject/@xsi:type")
    record_id = reader.record_id(None if record is None else record.findtext(f"{_SF}Id"), field=f"{place}/sObject/Id")
    return Message(
        # Ids of messages repeat between an org and its copies, so an org's messages are a source of their own.
        source=f"salesforce-outbound:{org.org_id}",
        message_id=message_id,
        kind="outbound message",
        org_id=org.org_id,
        object=object_name,
        record_id=record_id,
        ignored_because=ignored_because(org=org, object_name=object_name),
    )
