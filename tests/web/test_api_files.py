"""Files of issued documents over the API: the very bytes that were made and hashed, or why there are none."""

from __future__ import annotations

import hashlib

import pytest
from flask.testing import FlaskClient

from connector.adapters.clock import FixedClock
from connector.app import create_app
from connector.errors import Refused
from connector.store.artifacts import ArtifactKind
from connector.store.issued import FrozenDocument
from connector.store.unit_of_work import Database
from connector.usecases.render_artifacts import render_artifacts
from tests.builders import make_token
from tests.reviewing import Finance, make_finance, sold
from tests.web.conftest import Machine
from tests.web.serving import make_services


@pytest.fixture
def finance(sqlite_database: Database, clock: FixedClock) -> Finance:
    return make_finance(sqlite_database, clock)


@pytest.fixture
def client(sqlite_database: Database, clock: FixedClock) -> FlaskClient:
    return create_app(services=make_services(sqlite_database, clock)).test_client()


@pytest.fixture
def machine(client: FlaskClient, sqlite_database: Database, clock: FixedClock) -> Machine:
    return Machine(client, make_token(sqlite_database, clock, "read"))


def draw(kind: ArtifactKind, frozen: FrozenDocument) -> bytes:
    """A PDF by name, and no XML at all."""
    if kind is ArtifactKind.XML:
        raise Refused("The country of the buyer is missing.", code="NO_XML", fix="Add it to the account.")
    return b"%PDF " + frozen.number.encode()


def render(finance: Finance) -> None:
    render_artifacts(database=finance.books.database, clock=finance.desk.clock, render=draw)


def test_the_pdf_comes_by_number_or_by_id_as_it_was_made(machine: Machine, finance: Finance) -> None:
    invoice_id = finance.issued(sold())
    render(finance)

    for name in ("DE-2026-000001", str(invoice_id)):
        answer = machine.get(f"/invoices/{name}/pdf")
        assert (answer.status_code, answer.data) == (200, b"%PDF DE-2026-000001")
        assert answer.content_type == "application/pdf"
        assert answer.headers["Content-Disposition"] == 'inline; filename="DE-2026-000001.pdf"'
        assert answer.headers["ETag"] == f'"{hashlib.sha256(answer.data).hexdigest()}"'
        assert answer.headers["Cache-Control"] == "no-store"


def test_what_is_being_prepared_says_so(machine: Machine, finance: Finance) -> None:
    finance.issued(sold())

    answer = machine.get("/invoices/DE-2026-000001/pdf")

    assert (answer.status_code, answer.json["code"]) == (503, "FILE_NOT_READY")
    assert answer.json["detail"] == "The PDF of DE-2026-000001 is being prepared."
    assert int(answer.headers["Retry-After"]) > 0


def test_what_cannot_exist_says_why(machine: Machine, finance: Finance) -> None:
    finance.issued(sold())
    render(finance)

    answer = machine.get("/invoices/DE-2026-000001/xml")

    assert (answer.status_code, answer.json["code"]) == (422, "FILE_REFUSED")
    assert "DE-2026-000001 has no XML: The country of the buyer is missing." in answer.json["detail"]


@pytest.mark.parametrize("name", ["DE-2026-999999", "7", "9" * 40, "O-000001"])
def test_a_document_that_is_not_issued_has_no_file(machine: Machine, finance: Finance, name: str) -> None:
    finance.draft(sold())

    assert machine.get(f"/invoices/{name}/pdf").status_code == 404
