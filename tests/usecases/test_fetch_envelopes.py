"""Completed envelopes: their documents become order forms with the certificate, whatever is told how often."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from connector.adapters.clock import FixedClock
from connector.adapters.signing_docusign import DocusignLogin, DocusignProvider
from connector.domain.form_readings import CheckedForm, FormReading
from connector.domain.form_signatures import SignedBy
from connector.store import order_forms
from connector.store.tables_order_forms import envelopes
from connector.store.unit_of_work import Database
from connector.usecases.decide_form import FormDesk
from connector.usecases.fetch_envelopes import EnvelopeFetcher
from connector.usecases.form_settings import FormSettings
from connector.usecases.receive_envelope import EnvelopeReceiver, EnvelopeTold
from connector.usecases.take_in_forms import FormIntake
from tests.adapters.docusign_server import ACCOUNT, CERTIFICATE, INTEGRATION, USER, DocusignServer, envelope
from tests.builders import quote_id
from tests.recording import RecordingStarter

TOLD = EnvelopeTold("docusign", "e-1", "envelope-completed", "completed", is_completed=True)


@pytest.fixture
def server() -> Iterator[DocusignServer]:
    found = DocusignServer()
    found.envelopes["e-1"] = envelope(quote_id(1), **{"1": b"%PDF-1.7 order", "2": b"a picture"})
    yield found
    found.stop()


@pytest.fixture
def desk(database: Database, clock: FixedClock) -> FormDesk:
    return FormDesk(database, clock, RecordingStarter(), {}, FormSettings())


def _provider(server: DocusignServer, clock: FixedClock) -> DocusignProvider:
    login = DocusignLogin(server.base_url, server.base_url, ACCOUNT, INTEGRATION, USER, server.private_key)
    return DocusignProvider(login=login, clock=clock)


def _told(desk: FormDesk, *bodies: bytes) -> None:
    receiver = EnvelopeReceiver(desk.database, desk.clock, desk.starter, desk.orgs, frozenset({"docusign"}))
    for body in bodies:
        receiver.receive(told=[TOLD], body=body, content_type="application/json")


def _envelope(desk: FormDesk) -> Any:
    with desk.database.reading() as connection:
        return connection.execute(sa.select(envelopes)).one()


def test_a_completed_envelope_brings_its_document_once_and_its_certificate(
    desk: FormDesk, server: DocusignServer, clock: FixedClock
) -> None:
    _told(desk, b"first", b"again")
    intake = FormIntake(
        desk, providers={"docusign": _provider(server, clock)}, check=lambda _one: CheckedForm(1, (), FormReading())
    )

    counts = [intake.take_in(), intake.take_in()]

    assert [(one["received"], one["read"], one["failed"]) for one in counts] == [(1, 1, 0), (0, 0, 0)]
    with desk.database.reading() as connection:
        form = order_forms.load(connection=connection, form_id=1)
        row = connection.execute(sa.select(envelopes)).one()
        assert order_forms.load_content(connection=connection, sha256=row.certificate_sha256) == CERTIFICATE
    assert (row.state, "Order 2" in row.message) == ("fetched", True)
    assert form.ref is not None
    assert form.ref.record_id == quote_id(1)
    assert form.verdict is not None
    assert form.verdict.by is SignedBy.PROVIDER


def test_an_event_that_is_faster_than_the_providers_own_api_is_tried_again(
    desk: FormDesk, server: DocusignServer, clock: FixedClock
) -> None:
    server.envelopes["e-1"]["envelope"] = {"status": "sent"}
    _told(desk, b"first")
    fetcher = EnvelopeFetcher(desk, {"docusign": _provider(server, clock)})

    assert fetcher.fetch_due() == {"fetched": 0, "failed": 1}
    assert fetcher.fetch_due() == {"fetched": 0, "failed": 0}
    server.envelopes["e-1"] = envelope(quote_id(1), **{"1": b"%PDF-1.7 order"})
    clock.advance(timedelta(minutes=1))

    assert fetcher.fetch_due() == {"fetched": 1, "failed": 0}


def test_an_envelope_that_is_gone_waits_for_a_person(desk: FormDesk, server: DocusignServer, clock: FixedClock) -> None:
    server.envelopes.clear()
    _told(desk, b"first")

    EnvelopeFetcher(desk, {"docusign": _provider(server, clock)}).fetch_due()

    found = _envelope(desk)
    assert (found.state, found.code) == ("failed", "NOT_FOUND")
