"""Outbound messages and JSON events: when they are queued, how they look, how they are repeated."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import requests
from defusedxml.ElementTree import fromstring

from connector.sandbox import Sandbox
from connector.sandbox.push_bodies import is_acknowledged
from tests.sandbox.conftest import ACK, NOW, SECRET, Api, Receiver

SOAP = "{http://schemas.xmlsoap.org/soap/envelope/}"
OUTBOUND = "{http://soap.sforce.com/2005/09/outbound}"
TYPE = "{http://www.w3.org/2001/XMLSchema-instance}type"


@pytest.fixture
def pushing(sandbox: Sandbox, deal: dict[str, str], receiver: Receiver) -> Iterator[Sandbox]:
    """The sandbox, now with outbound messages going to the receiver."""
    sandbox.pushes.settings.push_url = f"{receiver.url}/hook"
    yield sandbox


def _read(body: bytes) -> tuple[str, str, list[tuple[str, str, dict[str, str]]]]:
    message = fromstring(body, forbid_dtd=True).find(f"{SOAP}Body/{OUTBOUND}notifications")
    items = []
    for one in message.findall(f"{OUTBOUND}Notification"):
        record = one.find(f"{OUTBOUND}sObject")
        fields = {child.tag.rpartition("}")[2]: child.text for child in record}
        items.append((one.findtext(f"{OUTBOUND}Id"), record.get(TYPE), fields))
    return message.findtext(f"{OUTBOUND}OrganizationId"), message.findtext(f"{OUTBOUND}ActionId"), items


def test_acceptance_sends_one_outbound_message_in_salesforces_form(
    pushing: Sandbox, deal: dict[str, str], receiver: Receiver
) -> None:
    pushing.update("Quote", deal["quote"], {"Status": "Accepted", "Name": "<Hüte> & more"})

    assert pushing.flush_pushes() == 1

    org, action, items = _read(receiver.bodies[0])
    assert org == pushing.org_id
    assert action.startswith("04k")
    [(notification, kind, fields)] = items
    assert notification.startswith("04l")
    assert len(notification) == len(action) == 18
    assert kind == "sf:Quote"
    assert list(fields) == ["Id", "Name", "Status", "SystemModstamp"]
    assert fields["Id"] == deal["quote"]
    assert (fields["Name"], fields["Status"]) == ("<Hüte> & more", "Accepted")
    assert fields["SystemModstamp"] == "2026-03-02T09:30:00.000Z"
    assert b'<SessionId xsi:nil="true"/>' in receiver.bodies[0]
    assert receiver.headers[0]["host"] in receiver.url
    assert pushing.pushes.counts() == {"delivered": 1}
    assert pushing.flush_pushes() == 0


@pytest.mark.parametrize(
    ("object_name", "key", "values", "pushes"),
    [
        ("Quote", "quote", {"Status": "Approved"}, 0),
        ("Quote", "quote", {"Status": "Accepted"}, 1),
        ("Quote", "quote", {"Sync_Requested_At__c": NOW}, 1),
        ("Account", "account", {"Sync_Requested_At__c": NOW}, 1),
        ("Account", "account", {"Name": "x"}, 0),
        ("Opportunity", "opportunity", {"StageName": "Closed Won"}, 1),
        ("Opportunity", "opportunity", {"StageName": "Closed Lost"}, 0),
        ("QuoteLineItem", "line", {"Quantity": 5}, 0),
    ],
)
def test_only_signing_and_requests_to_look_again_push(
    pushing: Sandbox, deal: dict[str, str], object_name: str, key: str, values: dict[str, Any], pushes: int
) -> None:
    pushing.update(object_name, deal[key], values)

    assert len(pushing.pending_pushes()) == pushes


def test_the_transition_pushes_and_the_state_does_not(pushing: Sandbox, deal: dict[str, str]) -> None:
    for status in ("Accepted", "Accepted", "Draft", "Accepted"):
        pushing.update("Quote", deal["quote"], {"Status": status})

    assert len(pushing.pending_pushes()) == 2


def test_an_order_pushes_when_activated_and_a_record_born_signed_too(pushing: Sandbox, deal: dict[str, str]) -> None:
    order = pushing.insert("Order", {"AccountId": deal["account"], "EffectiveDate": "2026-03-01"})
    pushing.update("Order", order, {"Status": "Activated"})
    pushing.insert("Quote", {"Name": "signed at once", "Status": "Accepted"})

    assert [item.object_name for item in pushing.pending_pushes()] == ["Order", "Quote"]


def test_the_integration_users_own_writes_do_not_push_unless_asked(
    pushing: Sandbox, api: Api, deal: dict[str, str]
) -> None:
    path = f"sobjects/Quote/{deal['quote']}"

    api.call("PATCH", path, json={"Status": "Accepted"})
    assert pushing.pending_pushes() == []
    pushing.pushes.settings.own_writes = True
    api.call("PATCH", path, json={"Sync_Requested_At__c": "2026-03-02T10:00:00Z"})

    assert len(pushing.pending_pushes()) == 1


def test_a_rolled_back_write_pushes_nothing(pushing: Sandbox, api: Api, deal: dict[str, str]) -> None:
    pushing.pushes.settings.own_writes = True
    rows = [
        {"attributes": {"type": "Quote"}, "id": deal["quote"], "Status": "Accepted"},
        {"attributes": {"type": "Quote"}, "id": deal["quote"], "Status": "Accepted"},
    ]

    api.call("PATCH", "composite/sobjects", json={"allOrNone": True, "records": rows})

    assert pushing.pending_pushes() == []


@pytest.mark.parametrize(
    "answer",
    [
        ("500 Internal Server Error", b""),
        ("200 OK", b'{"ok": true}'),
        ("200 OK", b""),
        ("200 OK", ACK.replace(b"true", b"false")),
        ("200 OK", ACK.replace(b"notificationsResponse", b"notifications")),
        ("202 Accepted", ACK),
        ("302 Found", b""),
        ("401 Unauthorized", ACK),
    ],
)
def test_anything_but_a_proper_ack_is_sent_again_with_the_same_id(
    pushing: Sandbox, deal: dict[str, str], receiver: Receiver, answer: tuple[str, bytes]
) -> None:
    receiver.answers = [answer]
    pushing.update("Quote", deal["quote"], {"Status": "Accepted"})

    assert pushing.flush_pushes() == 1
    assert pushing.flush_pushes() == 0
    pushing.update("Quote", deal["quote"], {"Status": "Denied"})
    pushing.clock.advance(seconds=30)
    assert pushing.flush_pushes() == 1

    first, second = (_read(body)[2][0] for body in receiver.bodies)
    assert first[0] == second[0]
    # The body is made when it is sent: the second one shows the younger state.
    assert (first[2]["Status"], second[2]["Status"]) == ("Accepted", "Denied")
    assert pushing.pushes.counts() == {"delivered": 1}


def test_pauses_double_up_to_two_hours_and_end_after_a_day(
    pushing: Sandbox, deal: dict[str, str], receiver: Receiver
) -> None:
    receiver.answers = [("503 Service Unavailable", b"")] * 100
    pushing.update("Quote", deal["quote"], {"Status": "Accepted"})
    pauses = []

    while pushing.flush_pushes():
        [item] = pushing.pending_pushes()
        pauses.append(int((item.next_at - pushing.clock.now()).total_seconds()))
        pushing.clock.set(item.next_at)

    assert pauses[:9] == [30, 60, 120, 240, 480, 960, 1920, 3840, 7200]
    assert set(pauses[9:]) == {7200}
    assert pushing.pushes.counts() == {"dropped": 1}
    assert 18 <= len(receiver.bodies) <= 20


def test_a_receiver_that_is_away_is_tried_again(pushing: Sandbox, deal: dict[str, str], receiver: Receiver) -> None:
    url = pushing.pushes.settings.push_url
    pushing.pushes.settings.push_url = "http://127.0.0.1:9/"
    pushing.update("Quote", deal["quote"], {"Status": "Accepted"})
    pushing.flush_pushes()
    assert pushing.pending_pushes()[0].last_answer == "ConnectionError"

    pushing.pushes.settings.push_url = url
    pushing.clock.advance(seconds=30)
    pushing.flush_pushes()

    assert len(receiver.bodies) == 1


def test_up_to_a_hundred_notifications_share_a_body_of_one_object(pushing: Sandbox, receiver: Receiver) -> None:
    for number in range(130):
        pushing.insert("Quote", {"Name": str(number), "Status": "Accepted"})
    pushing.insert("Account", {"Name": "x", "Sync_Requested_At__c": NOW})

    assert pushing.flush_pushes() == 3

    read = [_read(body) for body in receiver.bodies]
    assert [len(items) for _, _, items in read] == [100, 30, 1]
    assert len({action for _, action, _ in read}) == 2
    assert len({item[0] for _, _, items in read for item in items}) == 131


def test_a_push_can_be_lost_or_repeated_for_a_record(
    pushing: Sandbox, deal: dict[str, str], receiver: Receiver
) -> None:
    other = pushing.insert("Quote", {"Name": "lost"})
    pushing.never_push(other)
    pushing.deliver_times(deal["quote"], 5)

    for record in (other, deal["quote"]):
        pushing.update("Quote", record, {"Status": "Accepted"})
    pushing.flush_pushes()

    items = [_read(body)[2][0] for body in receiver.bodies]
    assert [item[2]["Id"] for item in items] == [deal["quote"]] * 5
    assert len({item[0] for item in items}) == 1


def test_fields_that_the_user_cannot_read_are_silently_absent(
    pushing: Sandbox, deal: dict[str, str], receiver: Receiver
) -> None:
    pushing.schema.hide("Quote", "Status", "Name")
    pushing.update("Quote", deal["quote"], {"Status": "Accepted"})

    pushing.flush_pushes()

    assert list(_read(receiver.bodies[0])[2][0][2]) == ["Id", "SystemModstamp"]


def test_json_events_are_signed_and_keep_their_id(sandbox: Sandbox, deal: dict[str, str], receiver: Receiver) -> None:
    receiver.answers = [("500 Internal Server Error", b""), ("202 Accepted", b"")]
    sandbox.pushes.settings.event_url, sandbox.pushes.settings.event_secret = receiver.url, SECRET
    sandbox.update("Quote", deal["quote"], {"Status": "Accepted"})

    sandbox.flush_pushes()
    sandbox.clock.advance(seconds=31)
    sandbox.flush_pushes()

    assert [json.loads(body)["id"] for body in receiver.bodies] == [deal["quote"]] * 2
    ids = [headers["webhook-id"] for headers in receiver.headers]
    assert ids[0] == ids[1] == json.loads(receiver.bodies[0])["event_id"]
    stamps = [int(headers["webhook-timestamp"]) for headers in receiver.headers]
    assert stamps == [int(NOW.timestamp()), int(NOW.timestamp()) + 31]
    key = base64.b64decode(SECRET.removeprefix("whsec_"))
    for headers, body, stamp in zip(receiver.headers, receiver.bodies, stamps, strict=True):
        wanted = hmac.new(key, f"{ids[0]}.{stamp}.".encode() + body, hashlib.sha256).digest()
        assert headers["webhook-signature"] == "v1," + base64.b64encode(wanted).decode()


@pytest.mark.parametrize("secret", [None, "", "whsec_", "whsec_%%%", "c2VjcmV0"])
def test_a_secret_that_cannot_sign_is_refused_at_once(secret: str | None) -> None:
    with pytest.raises(ValueError, match="whsec_"):
        Sandbox(event_url="http://127.0.0.1:9/", event_secret=secret)


def test_pushes_leave_by_themselves_when_nobody_flushes(receiver: Receiver) -> None:
    with Sandbox(push_url=receiver.url) as running:
        running.insert("Quote", {"Name": "x", "Status": "Accepted"})
        deadline = time.monotonic() + 3
        while running.pushes.counts() != {"delivered": 1} and time.monotonic() < deadline:
            running.pushes.settled.wait(0.05)
            running.pushes.settled.clear()

    assert len(receiver.bodies) == 1


def test_pushes_are_steered_over_http(sandbox: Sandbox, deal: dict[str, str], receiver: Receiver) -> None:
    control = f"{sandbox.base_url}/sandbox/"
    settings = requests.post(control + "settings", json={"push_url": receiver.url}, timeout=5)
    times = requests.post(control + "pushes", json={"record": deal["quote"], "times": 2}, timeout=5)
    assert (settings.status_code, times.status_code) == (200, 200)

    sandbox.update("Quote", deal["quote"], {"Status": "Accepted"})
    flushed = requests.post(control + "pushes", json={"flush": True}, timeout=5).json()

    assert flushed == {"sent": 2, "counts": {"delivered": 1}}
    assert requests.get(control + "pushes", timeout=5).json()["notifications"][0]["attempts"] == 2
    assert requests.post(control + "settings", json={"colour": "red"}, timeout=5).status_code == 400
    assert requests.post(control + "settings", json={"event_url": receiver.url}, timeout=5).status_code == 400


def test_an_ack_with_a_document_type_is_no_ack() -> None:
    assert is_acknowledged(200, ACK)
    assert not is_acknowledged(200, b'<!DOCTYPE x [<!ENTITY y "true">]>' + ACK.split(b"?>", 1)[1])
    assert not is_acknowledged(200, b"<!DOCTYPE x>" + ACK.split(b"?>", 1)[1])
    assert not is_acknowledged(200, ACK + b" " * 20_000)


def test_the_first_pause_can_be_shortened_for_a_demo(receiver: Receiver) -> None:
    receiver.answers = [("503 Service Unavailable", b"")]
    sandbox = Sandbox(now=NOW, push_url=receiver.url, first_push_pause=timedelta(seconds=2), auto_push=False)
    sandbox.insert("Quote", {"Name": "x", "Status": "Accepted"})

    sandbox.flush_pushes()

    assert sandbox.pending_pushes()[0].next_at == NOW + timedelta(seconds=2)
    sandbox.stop()


def test_a_pause_of_nothing_does_not_spin(sandbox: Sandbox) -> None:
    sandbox.pushes.settings.push_url = "http://127.0.0.1:9/"
    sandbox.pushes.settings.first_pause = timedelta()
    sandbox.insert("Quote", {"Name": "x", "Status": "Accepted"})

    assert sandbox.flush_pushes() == 1
