"""Signed documents beside Salesforce: what agrees goes on by itself, what differs waits for a person."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from connector.app import create_app
from connector.domain.review import Actor
from connector.domain.terms import ChargeType, Provision
from connector.order_forms.apart import FormReader
from connector.store import audit, tables
from connector.store.tables_platform import platform_subscriptions
from connector.store.terms import load_order
from connector.store.unit_of_work import Database
from connector.usecases.export_evidence import export_evidence
from connector.usecases.make_order_form import OrderFormMaker
from tests.builders import make_user
from tests.order_forms import hostile
from tests.order_forms.authority import sign
from tests.order_forms.paper import by_fpdf2, with_changes
from tests.order_forms.stories import STYLE, FormWorld, form_world, paper
from tests.selling import SignedDeal
from tests.settings import ROOT
from tests.web.serving import sign_in
from tests.world import World

ROSA = Actor("rosa", "finance")


@pytest.fixture(scope="module")
def reader() -> Iterator[FormReader]:
    """One reading process for all stories."""
    with FormReader() as found:
        yield found


@pytest.fixture
def make_forms(make_world: Callable[..., World], reader: FormReader, tmp_path: Any) -> Callable[..., FormWorld]:
    """Makes worlds whose settings trust the test authority and describe its order form."""

    def make(database: Database, **settings: Any) -> FormWorld:
        return form_world(make_world, database, reader, tmp_path, **settings)

    return make


@pytest.fixture
def forms(make_forms: Callable[..., FormWorld], sqlite_database: Database) -> FormWorld:
    """A story on a SQLite file."""
    return make_forms(sqlite_database)


def test_a_signed_document_that_agrees_lets_the_order_go_on(
    make_forms: Callable[..., FormWorld], database: Database
) -> None:
    forms = make_forms(database)
    deal = forms.world.seller.quote(PO_Number__c="PO-4711")

    form_id = forms.receive(sign(paper()), salesforce_id=deal.id)

    assert forms.form(form_id).state == "agreed"
    assert forms.world.order(deal).state == "FULFILLED"


def test_a_changed_price_blocks_the_order_until_a_person_decides(
    make_forms: Callable[..., FormWorld], database: Database
) -> None:
    forms = make_forms(database)
    deal = forms.world.seller.quote(PO_Number__c="PO-4711")
    other = with_changes(STYLE, lines=(STYLE.lines[0], (*STYLE.lines[1][:3], STYLE.lines[1][3] + 1)))

    form_id = forms.receive(sign(by_fpdf2(other)), salesforce_id=deal.id)

    order = forms.world.order(deal)
    assert (forms.form(form_id).state, order.state, order.contract_id) == ("open", "BLOCKED", None)
    assert "Seat: the document says unit price 25.00, Salesforce 24." in forms.world.shown(deal)["Error"]

    forms.desk.accept(form_id=form_id, actor=ROSA, reason="The rep called: 24 is agreed, see mail of today")
    forms.settle()

    assert (forms.form(form_id).state, forms.world.order(deal).state) == ("accepted", "FULFILLED")


@pytest.fixture
def own(make_forms: Callable[..., FormWorld], sqlite_database: Database) -> FormWorld:
    """No deal without its signed document, and the document makes the record signed."""
    return make_forms(sqlite_database, required=True, signs_record=True, layouts=[])


def _made(forms: FormWorld, deal: SignedDeal) -> bytes:
    services = forms.world.services
    maker = OrderFormMaker(
        forms.world.database, services.clock, services.orgs, services.platform, services.form_settings
    )
    return maker.make(salesforce_id=deal.id, actor="rosa").content


def test_a_quote_becomes_an_order_form_that_comes_back_signed_and_is_fulfilled(own: FormWorld) -> None:
    deal = own.world.seller.quote(signed=False, PO_Number__c="PO-1")
    made = _made(own, deal)

    own.world.look_at(deal)
    assert own.world.order(deal) is None

    form_id = own.receive(sign(made, is_stamped=True))

    form = own.form(form_id)
    assert (form.state, form.is_ours, form.record_id) == ("agreed", True, deal.id)
    assert {value["read_from"] for value in form.reading["values"].values()} == {"attachment"}
    order = own.world.order(deal)
    assert (order.state, order.value) == ("FULFILLED", Decimal("2200.00"))
    assert own.world.shown(deal)["Status"] == "Synced"


def test_a_price_that_was_changed_in_salesforce_after_signing_blocks_and_is_shown(own: FormWorld) -> None:
    deal = own.world.seller.quote(signed=False)
    made = sign(_made(own, deal))
    line = own.world.seller.lines_of(deal)[1]
    own.world.sandbox.update("QuoteLineItem", line["Id"], {"UnitPrice": "20"})
    own.world.seller.change(deal, Total_Contract_Value__c="2000")

    form_id = own.receive(made)

    assert (own.form(form_id).state, own.world.order(deal).state) == ("open", "BLOCKED")
    messages = [one["message"] for one in own.form(form_id).differences]
    assert "Seat: the document says unit price 24, Salesforce 20." in messages
    assert "Total: the document says 2200.00, Salesforce 2000.00." in messages

    # The rep puts the signed price back: the look that follows agrees by itself.
    own.world.sandbox.update("QuoteLineItem", line["Id"], {"UnitPrice": "24"})
    own.world.seller.change(deal, Total_Contract_Value__c="2200")
    own.world.look_at(deal)

    assert (own.form(form_id).state, own.world.order(deal).state) == ("agreed", "FULFILLED")


def test_without_its_signed_document_a_deal_waits_whatever_salesforce_says(own: FormWorld) -> None:
    deal = own.world.seller.quote()

    own.world.look_at(deal)

    assert own.world.order(deal).state == "BLOCKED"
    assert own.world.shown(deal)["Error_Code"] == "FORM_MISSING"


def test_an_unsigned_document_stops_the_deal_until_a_person_confirms_it(forms: FormWorld) -> None:
    deal = forms.world.seller.quote(PO_Number__c="PO-4711")

    form_id = forms.receive(paper(), salesforce_id=deal.id)
    assert forms.world.shown(deal)["Error_Code"] == "FORM_NOT_SIGNED"
    forms.desk.confirm(form_id=form_id, actor=ROSA, reason="The customer signed it before my eyes")
    forms.settle()

    assert (forms.form(form_id).state, forms.world.order(deal).state) == ("agreed", "FULFILLED")
    with forms.world.database.reading() as connection:
        entries = audit.load_entries(connection=connection, subject_id=form_id, subject="order_form")
        assert audit.verify(connection=connection, chain="order-forms") == []
    assert [(entry.actor, entry.event) for entry in entries] == [("token crm", "receive"), ("rosa", "confirm")]


def test_what_is_unclear_is_asked_and_an_answer_lets_the_deal_go_on(forms: FormWorld) -> None:
    deal = forms.world.seller.quote(PO_Number__c="PO-4711")

    form_id = forms.receive(sign(paper(ends_on="31.03.2027")), salesforce_id=deal.id)
    assert forms.world.shown(deal)["Error_Code"] == "FORM_UNCLEAR"
    forms.desk.answer(form_id=form_id, actor=ROSA, answers={"ends_on": "2027-03-31"})
    forms.settle()

    assert forms.world.order(deal).state == "FULFILLED"


def test_an_acceptance_holds_for_what_was_shown_and_no_further(forms: FormWorld) -> None:
    deal = forms.world.seller.quote(PO_Number__c="PO-OTHER")
    form_id = forms.receive(sign(paper()), salesforce_id=deal.id)
    forms.desk.accept(form_id=form_id, actor=ROSA, reason="Their new number, see mail")
    forms.world.seller.change(deal, Payment_Terms__c="Net 60")

    forms.settle()

    assert (forms.form(form_id).state, forms.world.order(deal).state) == ("open", "BLOCKED")


def test_a_rejected_document_does_not_count_and_another_one_does(forms: FormWorld) -> None:
    deal = forms.world.seller.quote(PO_Number__c="PO-4711")
    first = forms.receive(sign(paper(po_number="PO-1")), salesforce_id=deal.id)
    assert forms.world.order(deal).state == "BLOCKED"

    forms.desk.reject(form_id=first, actor=ROSA, reason="An old version")
    forms.receive(sign(paper()), salesforce_id=deal.id)

    assert forms.world.order(deal).state == "FULFILLED"


def test_a_document_that_comes_late_and_differs_is_a_question_and_changes_nothing(forms: FormWorld) -> None:
    deal = forms.world.seller.quote(PO_Number__c="PO-4711")
    forms.world.look_at(deal)
    assert forms.world.order(deal).state == "FULFILLED"

    forms.receive(sign(paper(po_number="PO-1")), salesforce_id=deal.id)

    order = forms.world.order(deal)
    assert (order.state, order.question_code) == ("FULFILLED", "FORM_DIFFERS")
    assert "The order stands as fulfilled." in order.question


def test_a_document_without_a_record_waits_for_somebody_to_name_it(forms: FormWorld) -> None:
    deal = forms.world.seller.quote(PO_Number__c="PO-4711")

    form_id = forms.receive(sign(paper()))
    assert forms.form(form_id).state == "open"
    forms.desk.attach(form_id=form_id, actor=ROSA, salesforce_id=deal.id)
    forms.settle()

    assert (forms.form(form_id).state, forms.world.order(deal).state) == ("agreed", "FULFILLED")


CATALOGUE = {
    "PLATFORM": {"kind": "plan", "ref": "plan-platform", "charge_type": "recurring", "price_period_months": 12,
                 "billing_period_months": 12},
    "SEAT": {"kind": "entitlement", "ref": "feature-seats", "charge_type": "recurring", "price_period_months": 12,
             "billing_period_months": 12},
}  # fmt: skip


def _with_catalogue(**products: Any) -> dict[str, Any]:
    raw = tomllib.loads((ROOT / "docs/examples/model-org.toml").read_text(encoding="utf-8"))
    return {"mapping": raw["mapping"] | {"products": products}}


def test_a_document_alone_becomes_an_order_when_the_settings_allow_it(
    make_forms: Callable[..., FormWorld], sqlite_database: Database
) -> None:
    forms = make_forms(sqlite_database, may_stand_alone=True, more=_with_catalogue(**CATALOGUE))
    account = forms.world.seller.account()

    form_id = forms.receive(sign(paper()))
    rows = forms.world.rows(tables.orders)
    assert [(row.state, [fault["field"] for fault in row.faults]) for row in rows] == [("BLOCKED", ["customer_ref"])]
    forms.desk.answer(form_id=form_id, actor=ROSA, answers={"customer_ref": account})
    forms.settle()

    (order,) = forms.world.rows(tables.orders)
    assert not order.faults, order.faults
    assert (order.state, order.value, order.customer_ref) == ("FULFILLED", Decimal("2200.00"), account)
    assert forms.form(form_id).state == "agreed"
    (access,) = forms.world.rows(platform_subscriptions)
    (record,) = forms.world.rows(tables.records)
    assert (access.plan_ref, record.org_id) == ("plan-platform", forms.world.sandbox.org_id)


def test_what_neither_a_document_alone_nor_the_catalogue_says_is_asked(
    make_forms: Callable[..., FormWorld], sqlite_database: Database
) -> None:
    products = {"PLATFORM": CATALOGUE["PLATFORM"] | {"kind": "nothing"}, "ONBOARD": {"kind": "nothing"}}
    forms = make_forms(
        sqlite_database, may_stand_alone=True, stand_alone_org="none", more=_with_catalogue(**products)
    )  # fmt: skip

    form_id = forms.receive(sign(paper()))
    (row,) = forms.world.rows(tables.orders)
    asked = ["customer_ref", "lines.2.product_code", "lines.2.charge_type"]
    assert (row.state, [fault["field"] for fault in row.faults]) == ("BLOCKED", asked)
    assert "SEAT is not in [mapping.products]" in row.faults[1]["message"]

    make_user(sqlite_database, forms.world.clock, name="anna")
    client = create_app(services=forms.world.services).test_client()
    sign_in(client)
    page = client.get(f"/review/order-forms/{form_id}").text
    assert '<select name="answer.lines.2.charge_type">' in page
    assert '<option value="ONBOARD">' in page

    answers = {"customer_ref": "C-4711", "lines.2.product_code": "ONBOARD", "lines.2.charge_type": "one_time"}
    forms.desk.answer(form_id=form_id, actor=ROSA, answers=answers)
    forms.settle()

    (order,) = forms.world.rows(tables.orders)
    (record,) = forms.world.rows(tables.records)
    assert not order.faults, order.faults
    assert (order.state, record.org_id, order.customer_ref) == ("FULFILLED", "none", "C-4711")
    second = load_order(order.terms).line_items[1]
    assert (second.charge_type, second.provision) == (ChargeType.ONE_TIME, Provision())


def test_a_file_that_cannot_be_read_is_refused_with_its_reason(forms: FormWorld) -> None:
    form_id = forms.receive(hostile.encrypted(paper()))

    form = forms.form(form_id)
    assert (form.state, form.code) == ("refused", "ENCRYPTED_PDF")
    assert form.fix


def test_the_evidence_of_a_deal_holds_its_documents_and_who_decided(forms: FormWorld, tmp_path: Path) -> None:
    deal = forms.world.seller.quote(PO_Number__c="PO-OTHER")
    content = sign(paper())
    form_id = forms.receive(content, salesforce_id=deal.id)
    forms.desk.accept(form_id=form_id, actor=ROSA, reason="Their new number, see mail")
    forms.settle()
    number = forms.world.order(deal).number

    export_evidence(
        database=forms.world.database, clock=forms.world.clock, number=number, folder=tmp_path / "proof", version="1"
    )

    folder = tmp_path / "proof" / "order-forms" / "F-000001"
    assert (folder / "document.pdf").read_bytes() == content
    told = json.loads((folder / "order-form.json").read_text(encoding="utf-8"))
    assert told["signatures"][0]["signer"] == "Jane Miller"
    decisions = json.loads((folder / "decisions.json").read_text(encoding="utf-8"))
    assert [(one["actor"], one["event"]) for one in decisions] == [("token crm", "receive"), ("rosa", "accept")]
    assert subprocess.run([sys.executable, "verify.py"], cwd=tmp_path / "proof", check=False).returncode == 0


def test_a_signature_that_a_package_reports_counts_for_the_record_that_it_names(
    make_forms: Callable[..., FormWorld], sqlite_database: Database
) -> None:
    rule = {
        "object": "dfsle__EnvelopeStatus__c", "field": "dfsle__Status__c", "values": ["Completed"],
        "record_field": "dfsle__SourceId__c",
    }  # fmt: skip
    quotes = {"object": "Quote", "field": "Status", "values": ["Accepted"]}
    forms = make_forms(sqlite_database, signed=[quotes, rule], packages=["docusign"])
    deal = forms.world.seller.quote(signed=False)
    values = {"dfsle__SourceId__c": deal.id, "dfsle__Status__c": "Sent"}
    envelope = forms.world.sandbox.insert("dfsle__EnvelopeStatus__c", values)
    pointer = SignedDeal("dfsle__EnvelopeStatus__c", envelope, "")

    forms.world.look_at(pointer)
    assert forms.world.record(pointer).code == "NOT_SIGNED"
    assert forms.world.record(deal) is None

    forms.world.sandbox.update("dfsle__EnvelopeStatus__c", envelope, {"dfsle__Status__c": "Completed"})
    forms.world.look_at(pointer)

    assert forms.world.order(deal).state == "FULFILLED"
    assert forms.world.record(pointer).code == "POINTS_ELSEWHERE"


def test_a_pointer_to_nothing_is_told_and_stops_nothing_else(
    make_forms: Callable[..., FormWorld], sqlite_database: Database
) -> None:
    rule = {
        "object": "dfsle__EnvelopeStatus__c", "field": "dfsle__Status__c", "values": ["Completed"],
        "record_field": "dfsle__SourceId__c",
    }  # fmt: skip
    forms = make_forms(sqlite_database, signed=[rule], packages=["docusign"])
    envelope = forms.world.sandbox.insert("dfsle__EnvelopeStatus__c", {"dfsle__Status__c": "Completed"})

    forms.world.look_at(SignedDeal("dfsle__EnvelopeStatus__c", envelope, ""))

    assert forms.world.record(SignedDeal("", envelope, "")).code == "NO_SIGNED_RECORD"
