"""Order forms over HTTP: sent by machines and people, shown, decided."""

from __future__ import annotations

import dataclasses
import io
import re
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from connector.adapters.clock import FixedClock
from connector.app import create_app
from connector.domain.form_readings import CheckedForm, FormReading, FoundValue, PagePicture, Place, Question, ReadFrom
from connector.domain.form_signatures import SignatureFound
from connector.domain.terms import RecordRef
from connector.order_forms.limits import FormLimits
from connector.store import audit, envelopes, order_forms
from connector.store.unit_of_work import Database
from connector.usecases.form_settings import FormSettings
from connector.usecases.receive_envelope import EnvelopeReceiver, EnvelopeTold
from connector.usecases.take_in_forms import FormIntake
from tests.builders import ORG_ID, make_order_rows, make_user, quote_id
from tests.web.conftest import Machine
from tests.web.serving import csrf_of, make_config, make_services, send_form, sign_in

PDF = b"%PDF-1.7 a document"
PNG = b"\x89PNG\r\n\x1a\n picture"


def _found(name: str, value: str) -> FoundValue:
    return FoundValue(value, f"written {value}", ReadFrom.TEXT, Place(1, 10, 20, 30, 40))


CHECKED = CheckedForm(
    pages=1,
    signatures=(SignatureFound("S1", signer="<b>Jane</b>", problem="it is odd."),),
    reading=FormReading(
        {"customer_name": _found("customer_name", "Aurora <script>"), "total": _found("total", "2200.00")},
        questions=(Question("po_number", "It is smudged.", "PO-?", Place(1, 50, 60, 70, 80)),),
    ),
    pictures=(PagePicture(1, 595, 842, PNG),),
)


def _upload(client: FlaskClient, content: bytes, **fields: str) -> TestResponse:
    token = csrf_of(client.get("/review/order-forms"))
    data = {"csrf_token": token, "file": (io.BytesIO(content), "../../order.pdf"), **fields}
    return client.post("/review/order-forms", data=data)


@pytest.fixture
def read(app: Flask) -> Any:
    """Runs the job that reads, with a reader that answers the same for every document."""

    def run() -> None:
        intake = FormIntake(app.extensions["countersign"].forms, check=lambda _question: CHECKED)
        intake.take_in()

    return run


def test_a_machine_sends_a_document_and_asks_what_became_of_it(machine: Machine) -> None:
    answer = machine.upload("/order-forms", PDF, salesforce_id=quote_id(1)[:15])

    assert answer.status_code == 202
    assert answer.json | {"sha256": ""} == {
        "number": "F-000001", "sha256": "", "is_new": True, "state": "received",
        "status_url": "/api/v1/order-forms/F-000001",
    }  # fmt: skip
    assert answer.headers["Location"] == "/api/v1/order-forms/F-000001"
    shown = machine.get("/order-forms/F-000001").json
    assert (shown["state"], shown["salesforce_id"], shown["is_signed"]) == ("received", quote_id(1), None)


def test_the_same_bytes_twice_do_nothing(machine: Machine) -> None:
    first = machine.upload("/order-forms", PDF)
    again = machine.upload("/order-forms", PDF)

    assert (first.json["is_new"], again.json["is_new"]) == (True, False)
    assert first.json["number"] == again.json["number"]


def test_the_same_bytes_for_another_record_are_refused(machine: Machine) -> None:
    machine.upload("/order-forms", PDF, salesforce_id=quote_id(1))

    answer = machine.upload("/order-forms", PDF, salesforce_id=quote_id(2))

    assert (answer.status_code, answer.json["code"]) == (409, "FORM_OF_ANOTHER_RECORD")


@pytest.mark.parametrize(
    ("content", "fields", "status", "code"),
    [
        (b"PK a zip", {}, 422, "NOT_A_PDF"),
        (b"", {}, 400, "NO_FILE"),
        (PDF, {"salesforce_id": "nonsense"}, 422, "NOT_A_SALESFORCE_ID"),
    ],
)
def test_a_document_that_cannot_be_one_is_refused_at_the_door(
    machine: Machine, content: bytes, fields: dict[str, str], status: int, code: str
) -> None:
    answer = machine.upload("/order-forms", content, **fields)

    assert (answer.status_code, answer.json["code"]) == (status, code)
    assert machine.get("/order-forms/F-000001").status_code == 404


def test_a_request_without_a_file_is_told_how_to_send_one(machine: Machine) -> None:
    assert machine.post("/order-forms", {}).status_code == 400


def test_a_file_above_the_limit_is_refused_and_one_above_the_usual_limit_is_not(
    sqlite_database: Database, clock: FixedClock, machine: Machine
) -> None:
    services = make_services(sqlite_database, clock, config=make_config(largest_body=10_000))
    limited = dataclasses.replace(services, form_settings=FormSettings(limits=FormLimits(largest_file=100_000)))
    client = create_app(services=limited).test_client()
    sender = Machine(client, machine._headers["Authorization"].split()[1])

    large, larger = (sender.upload("/order-forms", PDF + bytes(size)) for size in (90_000, 110_000))

    assert (large.status_code, larger.status_code) == (202, 413)


def test_a_person_sends_a_document_and_sees_it_with_its_places(person: FlaskClient, read: Any) -> None:
    answer = _upload(person, PDF)
    assert answer.headers["Location"] == "/review/order-forms/1"
    read()

    page = person.get("/review/order-forms/1").text

    assert "F-000001" in page
    assert "order.pdf" in page
    assert ".." not in page.split("order.pdf")[0][-10:]
    assert "&lt;script&gt;" in page
    assert "<script>" not in page.partition("<main")[2]
    assert "&lt;b&gt;Jane&lt;/b&gt;" in page
    assert "It is smudged." in page
    assert 'class="mark tone-warn" x="48" y="58"' in page
    picture = person.get("/review/order-forms/1/pages/1.png")
    assert (picture.data, picture.content_type) == (PNG, "image/png")
    file = person.get("/review/order-forms/1/file")
    assert file.data == PDF
    assert file.headers["Content-Disposition"].startswith("attachment")
    assert "F-000001" in person.get("/review/order-forms?state=open").text


def test_answers_and_decisions_need_sense_and_reasons(person: FlaskClient, read: Any) -> None:
    _upload(person, PDF)
    read()
    page = "/review/order-forms/1"

    short = send_form(person, f"{page}/confirm", page=page, reason="ok")
    wrong = send_form(person, f"{page}/answers", page=page, **{"answer.total": "1.000,00"})
    strange = send_form(person, f"{page}/answers", page=page, **{"answer.nonsense": "1"})
    early = send_form(person, f"{page}/accept", page=page, reason="because I say so")

    assert [one.status_code for one in (short, wrong, strange, early)] == [422] * 4


def test_an_answer_and_a_confirmation_are_kept_with_the_person(person: FlaskClient, read: Any, app: Flask) -> None:
    _upload(person, PDF)
    read()
    page = "/review/order-forms/1"

    send_form(person, f"{page}/answers", page=page, **{"answer.po_number": "PO-77"})
    send_form(person, f"{page}/confirm", page=page, reason="I hold the paper in my hands")

    text = person.get(page).text
    assert "PO-77" in text
    assert "It is smudged." not in text
    assert "anna confirmed the signature: I hold the paper in my hands" in text
    assert "answer" in text


def test_a_rejected_document_can_be_read_again(person: FlaskClient, read: Any) -> None:
    _upload(person, PDF)
    read()
    page = "/review/order-forms/1"

    send_form(person, f"{page}/reject", page=page, reason="It is a draft")
    assert "Rejected" in person.get(page).text
    send_form(person, f"{page}/read", page=page)

    assert "Received" in person.get(page).text


def test_viewers_decide_nothing(sqlite_database: Database, clock: FixedClock, app: Flask) -> None:
    make_user(sqlite_database, clock, name="vera", role="viewer")
    client = app.test_client()
    sign_in(client, name="vera")

    assert _upload(client, PDF).status_code == 403


@pytest.mark.parametrize("path", ["", "/file", f"/pages/{2**31}.png", "/answers", "/read", "/confirm", "/record"])
def test_a_number_that_no_database_holds_names_nothing(person: FlaskClient, path: str) -> None:
    address, form = f"/review/order-forms/{2**63}{path}", {"reason": "I hold it in my hands", "salesforce_id": "x"}
    is_read = not path or "." in path or path == "/file"

    answer = person.get(address) if is_read else send_form(person, address, page="/review/order-forms", **form)

    assert answer.status_code in (404, 422)


@pytest.fixture
def envelope_id(app: Flask, clock: FixedClock) -> int:
    """An envelope of DocuSign that could not be fetched for good, and a hint that names no record."""
    services = app.extensions["countersign"]
    receiver = EnvelopeReceiver(services.database, clock, services.starter, services.orgs, frozenset({"docusign"}))
    signed: dict[str, Any] = {"event": "completed", "status": "completed", "is_completed": True}
    told = EnvelopeTold("docusign", "e-1", subject="Order <b>4711</b>", **signed)
    receiver.receive(
        told=[told, EnvelopeTold("pandadoc", "p-1", **signed)], body=b"{}", content_type="application/json"
    )
    with services.database.unit_of_work() as work:
        found = envelopes.claim(work=work, now=clock.now(), until=clock.now())
        assert found is not None
        envelopes.save_failed(
            work=work, envelope_id=found.id, code="NOT_FOUND", message="No such envelope.", again_at=None,
            now=clock.now(),
        )  # fmt: skip
        work.commit()
    return found.id


def test_envelopes_without_an_order_form_say_why_and_are_fetched_again_by_a_person(
    person: FlaskClient, app: Flask, clock: FixedClock, envelope_id: int
) -> None:
    page = "/review/order-forms"
    shown = person.get(page).text
    assert "No such envelope." in shown
    assert "Order &lt;b&gt;4711" in shown
    assert "Send the signed PDF." in shown
    assert shown.count("Fetch again") == 1

    fetch = f"{page}/envelopes/{envelope_id}/fetch"
    first = send_form(person, fetch, page=page)
    second = send_form(person, fetch, page=page)

    assert (first.status_code, second.status_code) == (302, 422)
    database = app.extensions["countersign"].database
    with database.unit_of_work() as work:
        found = envelopes.claim(work=work, now=clock.now(), until=clock.now())
        entries = audit.load_entries(connection=work.connection, subject_id=envelope_id, subject="envelope")
    assert found is not None
    assert (found.id, found.attempts) == (envelope_id, 1)
    assert [(one.actor, one.event) for one in entries] == [("anna", "fetch_again")]


def test_a_viewer_sees_stuck_envelopes_and_fetches_none(viewer: FlaskClient, envelope_id: int) -> None:
    page = "/review/order-forms"
    assert "Fetch again" not in viewer.get(page).text

    # A viewer's page has no form of its own; the token is that of signing out.
    answer = send_form(viewer, f"{page}/envelopes/{envelope_id}/fetch", page=page)

    assert answer.status_code == 403


def test_an_order_names_its_documents(person: FlaskClient, sqlite_database: Database, clock: FixedClock) -> None:
    make_order_rows(sqlite_database, clock, number=1)
    _upload(person, PDF, salesforce_id=quote_id(1))
    with sqlite_database.unit_of_work() as work:
        form = order_forms.lock(work=work, form_id=1)
        order_forms.attach(work=work, form=form, ref=RecordRef(ORG_ID, "Quote", quote_id(1)), now=clock.now())
        work.commit()
    (number,) = re.findall(r'href="(/review/orders/[^"?/]+)"', person.get("/review/order-forms").text)

    assert 'href="/review/order-forms/1"' in person.get(number).text


def test_pictures_of_settled_documents_are_forgotten_and_the_documents_stay(
    person: FlaskClient, read: Any, sqlite_database: Database, clock: FixedClock
) -> None:
    for content in (PDF, PDF + b" two"):
        _upload(person, content)
    read()
    send_form(person, "/review/order-forms/1/reject", page="/review/order-forms/1", reason="It is a draft")

    with sqlite_database.unit_of_work() as work:
        assert order_forms.forget_pictures_before(work=work, moment=clock.now()) == 0
        assert order_forms.forget_pictures_before(work=work, moment=clock.now() + timedelta(days=1)) == 1
        work.commit()

    assert person.get("/review/order-forms/1/pages/1.png").status_code == 404
    assert person.get("/review/order-forms/1/file").data == PDF
    # Somebody still has to decide about the other one.
    assert person.get("/review/order-forms/2/pages/1.png").status_code == 200
