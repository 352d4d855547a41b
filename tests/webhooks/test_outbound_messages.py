"""Outbound messages that are as they should be: kept once, one run, one Ack."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from connector.store.tables import inbox, inbox_bodies
from connector.store.unit_of_work import Database
from tests.recording import RecordingStarter
from tests.store.reading import rows_of
from tests.webhooks.sending import (
    FIRST_ORG,
    FIRST_TOKEN,
    OLD_FIRST_TOKEN,
    QUOTE,
    SECOND_ORG,
    SECOND_TOKEN,
    envelope,
    notification,
    outbound_body,
    payload,
)

XML = "text/xml; charset=utf-8"


def deliver(client: FlaskClient, body: bytes, *, token: str = FIRST_TOKEN) -> TestResponse:
    return client.post(f"/webhooks/salesforce/outbound/{token}", data=body, content_type=XML)


def is_ack(answer: TestResponse) -> bool:
    found = ElementTree.fromstring(answer.data).find(
        "{http://schemas.xmlsoap.org/soap/envelope/}Body"
        "/{http://soap.sforce.com/2005/09/outbound}notificationsResponse"
        "/{http://soap.sforce.com/2005/09/outbound}Ack"
    )
    is_xml = answer.headers["Content-Type"] == "text/xml; charset=UTF-8"
    return answer.status_code == 200 and is_xml and found is not None and found.text == "true"


def test_one_notification_is_kept_with_its_raw_body_and_looked_at(
    client: FlaskClient, database: Database, starter: RecordingStarter
) -> None:
    answer = deliver(client, payload("one_quote.xml"))

    assert is_ack(answer)
    (kept,) = rows_of(database, inbox_bodies)
    assert (kept.body, kept.content_type) == (payload("one_quote.xml"), XML)
    (row,) = rows_of(database, inbox)
    assert (row.message_id, row.org_id, row.object, row.record_id) == ("04lV000000nKC8cIAG", FIRST_ORG, "Quote", QUOTE)
    assert (row.state, row.reason, row.body_id) == ("received", "", kept.id)
    assert starter.started == [("look", f"look:{row.id}", f"{FIRST_ORG}:Quote:{QUOTE}:{row.id}")]


def test_a_full_body_of_a_hundred_is_kept_once_and_spread_by_one_run(
    client: FlaskClient, database: Database, starter: RecordingStarter
) -> None:
    answer = deliver(client, outbound_body(100))

    assert is_ack(answer)
    (kept,) = rows_of(database, inbox_bodies)
    assert len({row.record_id for row in rows_of(database, inbox)}) == 100
    assert starter.started == [("spread", f"spread:{kept.id}", str(kept.id))]


def test_second_delivery_of_a_message_changes_nothing_and_is_acknowledged(
    client: FlaskClient, database: Database, starter: RecordingStarter
) -> None:
    first = deliver(client, payload("one_quote.xml"))
    before = rows_of(database, inbox), rows_of(database, inbox_bodies), list(starter.started)

    second = deliver(client, payload("one_quote.xml"))

    assert second.data == first.data
    assert (rows_of(database, inbox), rows_of(database, inbox_bodies), starter.started) == before


def test_a_body_of_old_and_new_messages_keeps_the_new_ones(
    client: FlaskClient, database: Database, starter: RecordingStarter
) -> None:
    deliver(client, outbound_body(1, first=2))

    answer = deliver(client, outbound_body(3))

    assert is_ack(answer)
    assert len(rows_of(database, inbox)) == 3
    assert [name for name, _, _ in starter.started] == ["look", "spread"]


def test_the_same_record_twice_in_a_body_is_two_messages_of_one_record(
    client: FlaskClient, database: Database, starter: RecordingStarter
) -> None:
    assert is_ack(deliver(client, payload("same_record_twice.xml")))

    assert [row.record_id for row in rows_of(database, inbox)] == [QUOTE, QUOTE]
    assert [name for name, _, _ in starter.started] == ["spread"]


def test_the_same_notification_twice_in_a_body_is_one_message(
    client: FlaskClient, database: Database, starter: RecordingStarter
) -> None:
    assert is_ack(deliver(client, envelope(notification(1), notification(1))))

    assert len(rows_of(database, inbox)) == 1
    assert [name for name, _, _ in starter.started] == ["look"]


@pytest.mark.parametrize("name", ["nil_field.xml", "no_fields.xml", "emoji.xml", "other_prefixes.xml"])
def test_fields_and_prefixes_of_a_body_do_not_matter(client: FlaskClient, database: Database, name: str) -> None:
    assert is_ack(deliver(client, payload(name)))

    (row,) = rows_of(database, inbox)
    assert (row.object, row.record_id, row.message_id) == ("Quote", QUOTE, "04lV000000nKC8cIAG")


def test_a_body_in_another_encoding_is_read(client: FlaskClient, database: Database) -> None:
    text = payload("emoji.xml").decode().replace('encoding="UTF-8"', 'encoding="UTF-16"')

    assert is_ack(deliver(client, text.encode("utf-16")))

    assert rows_of(database, inbox)[0].record_id == QUOTE


def test_an_object_of_a_package_keeps_its_namespace(client: FlaskClient, database: Database) -> None:
    assert is_ack(deliver(client, payload("namespaced_object.xml")))

    assert rows_of(database, inbox)[0].object == "SBQQ__Quote__c"


def test_a_record_of_an_unknown_object_is_kept_as_ignored_and_starts_nothing(
    client: FlaskClient, database: Database, starter: RecordingStarter
) -> None:
    assert is_ack(deliver(client, payload("unknown_object.xml")))

    (row,) = rows_of(database, inbox)
    assert (row.state, row.reason) == ("ignored", "The object Lead is not configured for this org.")
    assert starter.started == []


def test_one_known_object_among_unknown_ones_is_looked_at(
    client: FlaskClient, database: Database, starter: RecordingStarter
) -> None:
    assert is_ack(deliver(client, envelope(notification(1, object_name="Lead"), notification(2))))

    assert sorted(row.state for row in rows_of(database, inbox)) == ["ignored", "received"]
    assert [name for name, _, _ in starter.started] == ["look"]


def test_a_strange_content_type_is_kept_short_and_printable(client: FlaskClient, database: Database) -> None:
    address = f"/webhooks/salesforce/outbound/{FIRST_TOKEN}"

    answer = client.post(
        address, data=payload("one_quote.xml"), environ_overrides={"CONTENT_TYPE": "text/\0xml\x7f" + "é" * 5000}
    )

    assert is_ack(answer)
    assert rows_of(database, inbox_bodies)[0].content_type == ("text/xml" + "é" * 5000)[:200]


def test_the_former_token_works_while_it_is_being_changed(client: FlaskClient) -> None:
    assert is_ack(deliver(client, payload("one_quote.xml"), token=OLD_FIRST_TOKEN))


def test_the_same_message_id_from_two_orgs_is_two_messages(client: FlaskClient, database: Database) -> None:
    deliver(client, envelope(notification(1)))

    other = envelope(notification(1), org=f"<OrganizationId>{SECOND_ORG[:15]}</OrganizationId>")
    assert is_ack(deliver(client, other, token=SECOND_TOKEN))

    assert [row.org_id for row in rows_of(database, inbox)] == [FIRST_ORG, SECOND_ORG]
