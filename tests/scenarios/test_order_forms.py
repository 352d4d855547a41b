"""Signed documents beside Salesforce: what agrees goes on by itself, what differs waits for a person."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import sqlalchemy as sa

from connector.domain.review import Actor
from connector.order_forms.apart import FormReader
from connector.store import tables_order_forms
from connector.store.unit_of_work import Database
from connector.usecases.take_in_forms import FormIntake
from tests.order_forms.authority import root, sign
from tests.order_forms.paper import STYLES, by_fpdf2, with_changes
from tests.world import World

ROSA = Actor("rosa", "finance")
STYLE = STYLES["codes"]
EXAMPLE = {
    "name": "codes",
    "when": list(STYLE.layout.when),
    "labels": {name: list(texts) for name, texts in STYLE.layout.labels.items()},
    "columns": {name: list(texts) for name, texts in STYLE.layout.columns.items()},
    "table_ends": list(STYLE.layout.table_ends),
}


@pytest.fixture(scope="module")
def reader() -> Iterator[FormReader]:
    """One reading process for all stories."""
    with FormReader() as found:
        yield found


class FormWorld:
    """A world with order forms: documents come in, and everything that follows happens."""

    def __init__(self, world: World, reader: FormReader) -> None:
        self.world = world
        self.desk = world.services.forms
        self.intake = FormIntake(self.desk, check=reader.check)

    def receive(self, content: bytes, **more: Any) -> int:
        """A document arrives through the API; answers the id of its order form."""
        found = self.desk.receive(content=content, source="api", received_by="token crm", **more)
        self.settle()
        return found.form.id

    def settle(self) -> None:
        """Read what waits, look, and tell Salesforce."""
        self.intake.take_in()
        self.world.settle()

    def form(self, form_id: int) -> Any:
        """The row of an order form."""
        table = tables_order_forms.order_forms
        with self.world.database.reading() as connection:
            return connection.execute(sa.select(table).where(table.c.id == form_id)).one()


@pytest.fixture
def make_forms(make_world: Callable[..., World], reader: FormReader, tmp_path: Any) -> Callable[..., FormWorld]:
    """Makes worlds whose settings trust the test authority and describe its order form."""
    file = tmp_path / "root.pem"
    file.write_bytes(root().pem)

    def make(database: Database, **settings: Any) -> FormWorld:
        section = {"trust": [str(file)], "layouts": [EXAMPLE]} | settings
        return FormWorld(make_world(database, order_forms=section), reader)

    return make


@pytest.fixture
def forms(make_forms: Callable[..., FormWorld], sqlite_database: Database) -> FormWorld:
    """A story on a SQLite file."""
    return make_forms(sqlite_database)


def _paper(**values: str) -> bytes:
    return by_fpdf2(STYLE, {"seller": "Countersign Demo Inc"} | values)


def test_a_signed_document_that_agrees_lets_the_order_go_on(
    make_forms: Callable[..., FormWorld], database: Database
) -> None:
    forms = make_forms(database)
    deal = forms.world.seller.quote(PO_Number__c="PO-4711")

    form_id = forms.receive(sign(_paper()), salesforce_id=deal.id)

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
