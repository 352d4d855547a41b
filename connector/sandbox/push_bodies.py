"""Bodies of pushes: the SOAP of an outbound message, the reading of its Ack, the signed JSON event."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Iterable
from datetime import datetime
from typing import Any
from xml.sax.saxutils import escape

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import ParseError, fromstring

from connector.sandbox.values import soap_text

SOAP = "{http://schemas.xmlsoap.org/soap/envelope/}"
OUTBOUND = "{http://soap.sforce.com/2005/09/outbound}"
LONGEST_ACK = 20_000


def envelope(
    *, org_id: str, action_id: str, host: str, notifications: Iterable[tuple[str, str, dict[str, Any]]]
) -> bytes:
    """An outbound message; each notification is (id, object name, fields). Empty fields are left out."""
    soap_base = f"{host}/services/Soap"
    parts = [
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" '
        'xmlns:xsd="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">\n'
        " <soapenv:Body>\n"
        '  <notifications xmlns="http://soap.sforce.com/2005/09/outbound">\n'
        f"   <OrganizationId>{org_id}</OrganizationId>\n"
        f"   <ActionId>{action_id}</ActionId>\n"
        '   <SessionId xsi:nil="true"/>\n'
        f"   <EnterpriseUrl>{escape(soap_base)}/c/63.0/{org_id[:15]}</EnterpriseUrl>\n"
        f"   <PartnerUrl>{escape(soap_base)}/u/63.0/{org_id[:15]}</PartnerUrl>\n"
    ]
    parts += [_notification(*item) for item in notifications]
    parts.append("  </notifications>\n </soapenv:Body>\n</soapenv:Envelope>\n")
    return "".join(parts).encode()


def _notification(notification_id: str, object_name: str, fields: dict[str, Any]) -> str:
    rest = sorted((name, value) for name, value in fields.items() if name != "Id" and value is not None)
    inside = "".join(f"<sf:{name}>{_text(value)}</sf:{name}>" for name, value in [("Id", fields["Id"]), *rest])
    return (
        f"   <Notification><Id>{notification_id}</Id>\n"
        f'    <sObject xsi:type="sf:{object_name}" xmlns:sf="urn:sobject.enterprise.soap.sforce.com">'
        f"{inside}</sObject>\n"
        "   </Notification>\n"
    )


def _text(value: Any) -> str:
    allowed = "".join(char for char in soap_text(value) if char in "\t\n\r" or char >= " ")
    return escape(allowed)


def is_acknowledged(status: int, body: bytes) -> bool:
    """Whether an answer is a proper Ack true; anything else means "send again"."""
    if status != 200 or len(body) > LONGEST_ACK:
        return False
    try:
        root = fromstring(body, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError):
        return False
    ack = root.findtext(f"{SOAP}Body/{OUTBOUND}notificationsResponse/{OUTBOUND}Ack")
    return root.tag == f"{SOAP}Envelope" and ack is not None and ack.strip() in ("true", "1")


def event_body(*, object_name: str, record_id: str, event_id: str) -> bytes:
    """A JSON event: which record to look at, and an id that stays the same over retries."""
    return json.dumps({"object": object_name, "id": record_id, "event_id": event_id}).encode()


def event_key(secret: str) -> bytes:
    """The signing key of a `whsec_` secret. Raises ValueError, without showing the secret."""
    prefix, _, packed = secret.partition("_")
    try:
        key = base64.b64decode(packed, validate=True)
    except ValueError as mistake:
        raise ValueError("the event secret must be whsec_ followed by base64") from mistake
    if prefix != "whsec" or not key:
        raise ValueError("the event secret must be whsec_ followed by base64")
    return key


def event_headers(*, secret: str, event_id: str, body: bytes, now: datetime) -> dict[str, str]:
    """Standard Webhooks headers. Raises ValueError for a secret that is not `whsec_` and base64."""
    stamp = str(int(now.timestamp()))
    signed = f"{event_id}.{stamp}.".encode() + body
    digest = hmac.new(event_key(secret), signed, hashlib.sha256).digest()
    return {
        "webhook-id": event_id,
        "webhook-timestamp": stamp,
        "webhook-signature": "v1," + base64.b64encode(digest).decode(),
        "Content-Type": "application/json; charset=utf-8",
    }
