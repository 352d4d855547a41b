"""Links, mails and files by API and on the pages of finance: made, shown, ended, sent again, by whom."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient
from jsonschema import Draft202012Validator

from connector.adapters.clock import FixedClock
from connector.errors import Refused, Unavailable
from connector.store.artifacts import ArtifactKind
from connector.store.unit_of_work import Database
from connector.usecases.deliver_mail import Postman, deliver_mail
from connector.web.api import ENDPOINTS, PREFIX
from tests.builders import make_token, make_user
from tests.delivery.test_delivering import Post
from tests.reviewing import sold
from tests.web.conftest import Machine
from tests.web.serving import send_form, sign_in
from tests.web.sharing import AURORA, Sharing, make_sharing

NUMBER = "DE-2026-000001"


@pytest.fixture
def sharing(sqlite_database: Database, clock: FixedClock) -> Sharing:
    found = make_sharing(sqlite_database, clock)
    found.finance.issued(sold(customer=AURORA))
    return found


@pytest.fixture
def post() -> Post:
    return Post()


@pytest.fixture
def postman(sharing: Sharing, post: Post, clock: FixedClock) -> Postman:
    return Postman(sharing.finance.desk.database, clock, post, "http://here")


@pytest.fixture
def client(sharing: Sharing) -> FlaskClient:
    return sharing.app.test_client()


@pytest.fixture
def machine(client: FlaskClient, sqlite_database: Database, clock: FixedClock) -> Machine:
    """A script of finance."""
    return Machine(client, make_token(sqlite_database, clock))


@pytest.fixture
def person(sharing: Sharing, sqlite_database: Database, clock: FixedClock) -> FlaskClient:
    """Fay of finance, signed in."""
    make_user(sqlite_database, clock, name="fay", role="finance")
    found = sharing.app.test_client()
    assert sign_in(found, name="fay").status_code == 302
    return found


def test_a_link_is_made_told_once_listed_and_ended(machine: Machine, client: FlaskClient, sharing: Sharing) -> None:
    made = machine.post(f"/invoices/{NUMBER}/links", {"label": "ap@aurora.example", "scope": "document"})

    assert made.status_code == 201
    address = made.json["url"].partition("127.0.0.1:8900")[2]
    assert client.get(address).status_code == 200
    (listed,) = machine.get(f"/invoices/{NUMBER}/links").json["links"]
    assert (listed["label"], listed["scope"], listed["url"]) == ("ap@aurora.example", "document", None)
    assert machine.send(f"/links/{listed['id']}/revoke", b"").status_code == 200
    assert client.get(address).status_code == 404
    assert machine.send(f"/links/{listed['id']}/revoke", b"").status_code == 404
    assert machine.get(f"/invoices/{NUMBER}/links").json["links"][0]["revoked_at"] is not None


def test_who_may_only_read_sees_no_links_and_sends_nothing(
    client: FlaskClient, sqlite_database: Database, clock: FixedClock, sharing: Sharing
) -> None:
    reader = Machine(client, make_token(sqlite_database, clock, "read"))

    assert reader.get(f"/invoices/{NUMBER}/links").status_code == 403
    assert reader.post(f"/invoices/{NUMBER}/links", {"label": "x"}).status_code == 403
    assert reader.post(f"/invoices/{NUMBER}/deliveries", {"recipient": "a@b.example"}).status_code == 403
    assert reader.get(f"/invoices/{NUMBER}/deliveries").status_code == 200


def test_a_mail_is_followed_from_the_wish_to_the_bounce(machine: Machine, sharing: Sharing, postman: Postman) -> None:
    (waiting,) = machine.get("/deliveries", state="prepared").json["data"]
    assert (waiting["number"], waiting["recipient"]) == (NUMBER, "rechnung@aurora.example")

    sharing.render()
    deliver_mail(postman=postman)
    (sent,) = machine.get(f"/invoices/{NUMBER}/deliveries").json["data"]
    assert (sent["state"], sent["attempts"], sent["message"]) == ("sent", 1, "queued")
    bounced = machine.post(f"/deliveries/{sent['id']}/bounce", {"reason": "5.1.1 unknown."}).json
    assert (bounced["state"], bounced["owner"]) == ("bounced", "finance")
    again = machine.post(f"/invoices/{NUMBER}/deliveries", {"recipient": "new@aurora.example"})
    assert (again.status_code, again.json["state"], again.json["recipient"]) == (202, "prepared", "new@aurora.example")
    _fits(machine, "get", "/deliveries", machine.get("/deliveries").json)


def _fits(machine: Machine, method: str, path: str, answer: Any) -> None:
    """The answer has the shape that the documentation promises."""
    document: Any = machine._client.get("/api/openapi.json").json
    content = document["paths"][PREFIX + path][method]["responses"]["200"]["content"]["application/json"]
    Draft202012Validator({**content["schema"], "components": document["components"]}).validate(answer)
    assert any(endpoint.path == path for endpoint in ENDPOINTS)


@pytest.mark.parametrize("recipient", ["", "nobody", "a@b.example\nBcc: c@d.example", "x" * 400 + "@b.example"])
def test_an_address_that_is_none_is_refused(machine: Machine, sharing: Sharing, recipient: str) -> None:
    answer = machine.post(f"/invoices/{NUMBER}/deliveries", {"recipient": recipient})

    assert answer.status_code in (400, 422)
    assert len(machine.get("/deliveries").json["data"]) == 1


def test_files_say_why_they_are_not_there_and_are_made_again_on_request(machine: Machine, sharing: Sharing) -> None:
    def broken(kind: ArtifactKind, _frozen: Any) -> bytes:
        if kind is ArtifactKind.XML:
            raise Refused("The country is missing.", code="NO_XML", fix="Add it.")
        raise Unavailable("The fonts are away.")

    sharing.render(broken)

    files = {file["kind"]: file for file in machine.get(f"/invoices/{NUMBER}/files").json["files"]}
    assert (files["pdf"]["state"], files["pdf"]["code"], files["pdf"]["attempts"]) == ("failed", "UNAVAILABLE", 1)
    assert (files["xml"]["state"], files["xml"]["message"]) == ("refused", "The country is missing. Add it.")
    again = machine.send(f"/invoices/{NUMBER}/files", b"").json
    assert {file["state"] for file in again["files"]} == {"wanted"}
    sharing.render()
    assert {file["state"] for file in machine.get(f"/invoices/{NUMBER}/files").json["files"]} == {"made"}


def test_finance_sees_what_failed_and_sends_it_to_the_right_address(
    person: FlaskClient, sharing: Sharing, postman: Postman, post: Post
) -> None:
    post.errors = [Refused("550 No such user.", code="MAIL_REFUSED", owner="finance", fix="Correct the address.")]
    sharing.render()
    deliver_mail(postman=postman)

    page = person.get("/review/deliveries?state=failed").text
    assert "550 No such user. Correct the address." in page
    assert NUMBER in page
    where = "/review/deliveries/1"
    assert send_form(person, f"{where}/send", page=where, recipient="new@aurora.example").status_code == 302
    deliver_mail(postman=postman)
    assert [recipient for recipient, _ in post.taken] == ["new@aurora.example"]
    assert "fay" in person.get(where).text
    assert sharing.finance.events(1)[-3][0] == "fay"


def test_finance_makes_a_link_that_is_shown_once_and_ends_it(
    person: FlaskClient, client: FlaskClient, sharing: Sharing
) -> None:
    where = "/review/deliveries/1"
    made = send_form(person, f"{where}/share", page=where, label="<b>Ann</b>", scope="document").text
    address = made.partition('href="http://127.0.0.1:8900')[2].partition('"')[0]

    assert client.get(address).status_code == 200
    assert "&lt;b&gt;Ann&lt;/b&gt;" in made
    assert address not in person.get(where).text
    assert send_form(person, f"{where}/links/1/revoke", page=where).status_code == 302
    assert client.get(address).status_code == 404


def test_a_viewer_looks_and_changes_nothing(sharing: Sharing, sqlite_database: Database, clock: FixedClock) -> None:
    make_user(sqlite_database, clock, name="vera", role="viewer")
    viewer = sharing.app.test_client()
    sign_in(viewer, name="vera")
    where = "/review/deliveries/1"

    assert "Make a link" not in viewer.get(where).text
    for action in ("send", "share", "files", "links/1/revoke"):
        answer = send_form(viewer, f"{where}/{action}", page="/review/deliveries", recipient="a@b.example", label="x")
        assert answer.status_code == 403


def test_a_document_that_is_not_issued_has_no_delivery(person: FlaskClient, sharing: Sharing) -> None:
    draft = sharing.finance.draft(sold(record="TWO", customer=AURORA), as_of="2026-02-01")

    assert person.get(f"/review/deliveries/{draft}").status_code == 404
    assert person.get("/review/deliveries/99999999999999999999999").status_code == 404
