"""What a sender needs: bodies (captured shapes, invented names) and signatures. Two orgs, each with its own secrets."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

FIRST_ORG, SECOND_ORG = "00DV0000008s2SrMAI", "00DX0000008s2SrMAI"
FIRST_TOKEN, OLD_FIRST_TOKEN, SECOND_TOKEN = "first-" + "t" * 40, "old-first-" + "t" * 40, "second-" + "t" * 40
FIRST_SECRET = "whsec_" + base64.b64encode(b"the first org's present key.").decode()
OLD_FIRST_SECRET = "whsec_" + base64.b64encode(b"the first org's former key..").decode()
SECOND_SECRET = "whsec_" + base64.b64encode(b"the second org's key........").decode()
STRANGE_SECRET = "whsec_" + base64.b64encode(b"nobody here knows this key..").decode()
QUOTE = "0Q0V0000000abcdKAA"

_ONE = """<Notification><Id>{message_id}</Id>
<sObject xsi:type="sf:{object_name}" xmlns:sf="urn:sobject.enterprise.soap.sforce.com">{record}</sObject>
</Notification>"""
_ENVELOPE = """<?xml version="1.0" encoding="UTF-8"?>
<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"
 xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><soapenv:Body>
<notifications xmlns="http://soap.sforce.com/2005/09/outbound">{org}<ActionId>04k460000004DXEAA2</ActionId>
{notifications}</notifications></soapenv:Body></soapenv:Envelope>"""


def payload(name: str) -> bytes:
    """A kept body."""
    return (Path(__file__).parent / "payloads" / name).read_bytes()


def notification(
    number: int = 1, *, message_id: str | None = None, object_name: str = "Quote", record: str | None = None
) -> str:
    """One notification; `number` makes its id and its record's."""
    return _ONE.format(
        message_id=f"04l{number:012d}" if message_id is None else message_id,
        object_name=object_name,
        record=f"<sf:Id>0Q0{number:012d}</sf:Id><sf:Status>Accepted</sf:Status>" if record is None else record,
    )


def envelope(*notifications: str, org: str = f"<OrganizationId>{FIRST_ORG}</OrganizationId>") -> bytes:
    """A SOAP body of these notifications."""
    return _ENVELOPE.format(org=org, notifications="\n".join(notifications)).encode()


def outbound_body(count: int, *, first: int = 1) -> bytes:
    """A SOAP body of that many notifications, each of a record of its own."""
    return envelope(*(notification(number) for number in range(first, first + count)))


def event_body(document: Any) -> bytes:
    """A JSON body."""
    return json.dumps(document).encode()


def signed_headers(
    body: bytes, *, at: datetime, secrets: Sequence[str] = (FIRST_SECRET,), webhook_id: str = "msg_1"
) -> dict[str, str]:
    """The three headers of Standard Webhooks, one signature per secret."""
    seconds = str(int(at.timestamp()))
    signed = f"{webhook_id}.{seconds}.".encode() + body
    return {
        "content-type": "application/json; charset=utf-8",
        "webhook-id": webhook_id,
        "webhook-timestamp": seconds,
        "webhook-signature": " ".join(f"v1,{_signature(secret, signed)}" for secret in secrets),
    }


def _signature(secret: str, signed: bytes) -> str:
    key = base64.b64decode(secret.removeprefix("whsec_"))
    return base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
