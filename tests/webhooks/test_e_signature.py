"""Events of e-signature providers: verified, kept once, answered as each provider expects."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from connector.adapters.clock import FixedClock
from connector.app import create_app
from connector.config import parse_config
from connector.store.tables import inbox, inbox_bodies
from connector.store.tables_order_forms import envelope_events, envelopes
from connector.store.unit_of_work import Database
from tests.builders import ORG_ID, quote_id
from tests.web.serving import SESSION_SECRET, make_services

OLD, NEW = "old-key-of-the-tests", "new-key-of-the-tests"
RAW = {"salesforce": {"instance_url": "http://127.0.0.1:8910", "client_id": "client", "org_id": ORG_ID}}
ENVIRONMENT = {
    "COUNTERSIGN_SESSION_SECRET": SESSION_SECRET,
    "COUNTERSIGN_DOCUSIGN_HMAC_KEYS": f"{OLD},{NEW}",
    "COUNTERSIGN_PANDADOC_KEYS": NEW,
    "COUNTERSIGN_DROPBOX_SIGN_API_KEYS": NEW,
    "COUNTERSIGN_ADOBE_SIGN_CLIENT_IDS": NEW,
}
ENVELOPE = "93be49ab-0000-4000-8000-752070d71ec5"


@pytest.fixture
def client(database: Database, clock: FixedClock) -> Iterator[FlaskClient]:
    """The application with the secrets of all providers."""
    config = parse_config(raw=RAW, environment=ENVIRONMENT)
    yield create_app(services=make_services(database, clock, config=config)).test_client()


def _docusign(event: str = "envelope-completed", **summary: Any) -> bytes:
    fields = {"textCustomFields": [{"name": "salesforce_id", "value": quote_id(1)[:15]}]}
    people = {"signers": [{"name": "Jane Miller", "email": "jane@aurora.example"}]}
    data = {
        "accountId": "acc-1", "envelopeId": ENVELOPE,
        "envelopeSummary": {"status": "completed", "customFields": fields, "recipients": people,
                            "completedDateTime": "2026-03-01T10:00:00Z"} | summary,
    }  # fmt: skip
    return json.dumps({"event": event, "generatedDateTime": "2026-03-01T10:00:01Z", "data": data}).encode()


def _mac(key: str, body: bytes) -> bytes:
    return hmac.digest(key.encode(), body, hashlib.sha256)


def _send_docusign(client: FlaskClient, body: bytes, *keys: str) -> Any:
    headers = {
        f"X-DocuSign-Signature-{at}": base64.b64encode(_mac(key, body)).decode() for at, key in enumerate(keys, start=1)
    }
    return client.post("/webhooks/docusign", data=body, headers=headers, content_type="application/json")


def _rows(database: Database, table: sa.Table) -> list[Any]:
    with database.reading() as connection:
        return list(connection.execute(sa.select(table).order_by(table.c.id)))


def test_a_completed_envelope_is_kept_with_its_raw_body_and_its_record(client: FlaskClient, database: Database) -> None:
    body = _docusign()

    answer = _send_docusign(client, body, NEW)

    assert (answer.status_code, answer.json) == (200, {"accepted": 1, "known": 0})
    (envelope,) = _rows(database, envelopes)
    assert (envelope.envelope_ref, envelope.record_id, envelope.account) == (ENVELOPE, quote_id(1), "acc-1")
    assert envelope.recipients == [{"name": "Jane Miller", "email": "jane@aurora.example"}]
    assert _rows(database, inbox_bodies)[0].body == body
    assert [row.event for row in _rows(database, envelope_events)] == ["envelope-completed"]


def test_any_key_in_any_header_opens_the_door(client: FlaskClient) -> None:
    assert _send_docusign(client, _docusign(), "a key of somebody else", OLD).status_code == 200


@pytest.mark.parametrize("keys", [(), ("wrong",), ("",)])
def test_a_wrong_signature_is_refused_and_leaves_nothing(
    client: FlaskClient, database: Database, keys: tuple[str, ...]
) -> None:
    answer = _send_docusign(client, _docusign(), *keys)

    assert answer.status_code == 401
    assert NEW not in answer.text
    assert _rows(database, inbox) == []


def test_a_changed_body_is_refused(client: FlaskClient) -> None:
    headers = {"X-DocuSign-Signature-1": base64.b64encode(_mac(NEW, _docusign())).decode()}

    assert client.post("/webhooks/docusign", data=_docusign(status="voided"), headers=headers).status_code == 401


def test_the_same_event_again_does_nothing(client: FlaskClient, database: Database) -> None:
    answers = [_send_docusign(client, _docusign(), NEW).json for _ in range(3)]

    assert [answer["accepted"] for answer in answers] == [1, 0, 0]
    assert len(_rows(database, envelope_events)) == 1


def test_an_older_event_does_not_take_back_that_everybody_signed(client: FlaskClient, database: Database) -> None:
    _send_docusign(client, _docusign(), NEW)
    _send_docusign(client, _docusign("envelope-sent", status="sent"), NEW)

    (envelope,) = _rows(database, envelopes)
    assert (envelope.status, envelope.completed_at is not None) == ("completed", True)
    assert len(_rows(database, envelope_events)) == 2


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"{", b"[" * 50_000, b'{"event": 5, "data": {}}', b'{"event": "x", "data": {"envelopeId": "../etc"}}'],
)
def test_a_signed_body_that_makes_no_sense_is_refused(client: FlaskClient, body: bytes) -> None:
    assert _send_docusign(client, body, NEW).status_code == 400


def test_a_body_that_is_too_large_is_refused(client: FlaskClient) -> None:
    assert _send_docusign(client, b" " * 3_000_000, NEW).status_code == 413


def test_pandadoc_is_verified_by_the_signature_in_the_address(client: FlaskClient, database: Database) -> None:
    data = {"id": "doc-1", "name": "Order", "status": "document.completed", "metadata": {"salesforce_id": quote_id(1)}}
    body = json.dumps([{"event": "document_state_changed", "data": data}]).encode()

    wrong = client.post(f"/webhooks/pandadoc?signature={_mac(OLD, body).hex()}", data=body)
    right = client.post(f"/webhooks/pandadoc?signature={_mac(NEW, body).hex()}", data=body)

    assert (wrong.status_code, right.status_code) == (401, 200)
    (envelope,) = _rows(database, envelopes)
    assert (envelope.provider, envelope.state, envelope.record_id) == ("pandadoc", "hint", quote_id(1))


def test_dropbox_sign_gets_the_words_that_it_expects(client: FlaskClient, database: Database) -> None:
    event = {"event_time": "1772445600", "event_type": "signature_request_all_signed"}
    event["event_hash"] = _mac(NEW, b"1772445600signature_request_all_signed").hex()
    document = {"event": event, "signature_request": {"signature_request_id": "sr-1", "metadata": {}}}

    answer = client.post("/webhooks/dropbox-sign", data={"json": json.dumps(document)})
    forged = client.post("/webhooks/dropbox-sign", data={"json": json.dumps({"event": event | {"event_time": "1"}})})

    assert (answer.status_code, answer.text) == (200, "Hello API Event Received")
    assert forged.status_code == 401
    assert [row.provider for row in _rows(database, envelopes)] == ["dropbox-sign"]


@pytest.mark.parametrize("name", ["event_time", "event_type", "event_hash"])
def test_a_text_that_no_encoding_has_is_a_wrong_signature(client: FlaskClient, name: str) -> None:
    event = {"event_time": "1", "event_type": "x", "event_hash": "y", name: "\ud800"}

    assert client.post("/webhooks/dropbox-sign", data={"json": json.dumps({"event": event})}).status_code == 401


def test_adobe_sign_is_known_by_its_client_and_gets_it_back(client: FlaskClient, database: Database) -> None:
    headers = {"X-AdobeSign-ClientId": NEW}
    body = json.dumps({"event": "AGREEMENT_WORKFLOW_COMPLETED", "agreement": {"id": "ag-1", "status": "SIGNED"}})

    check = client.get("/webhooks/adobe-sign", headers=headers)
    answer = client.post("/webhooks/adobe-sign", headers=headers, data=body)
    stranger = client.post("/webhooks/adobe-sign", headers={"X-AdobeSign-ClientId": "x"}, data=body)

    assert (check.status_code, check.json) == (200, {"xAdobeSignClientId": NEW})
    assert (answer.status_code, answer.headers["X-AdobeSign-ClientId"]) == (200, NEW)
    assert stranger.status_code == 401
    assert [row.envelope_ref for row in _rows(database, envelopes)] == ["ag-1"]


def test_without_a_secret_nobody_is_let_in(database: Database, clock: FixedClock) -> None:
    client = create_app(services=make_services(database, clock)).test_client()

    assert _send_docusign(client, _docusign(), "").status_code == 401
    assert client.get("/webhooks/adobe-sign", headers={"X-AdobeSign-ClientId": ""}).status_code == 401
