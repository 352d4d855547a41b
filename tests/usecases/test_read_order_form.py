"""Documents that are read one after the other: what one of them does wrong is told of it and reaches no other."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import sqlalchemy as sa

from connector.adapters.clock import FixedClock
from connector.domain.form_readings import CheckedForm, FormReading, FoundValue, ReadFrom
from connector.domain.review import Actor
from connector.order_forms.apart import FormQuestion
from connector.store.tables_order_forms import order_forms
from connector.store.unit_of_work import Database
from connector.usecases.decide_form import FormDesk
from connector.usecases.form_settings import FormSettings
from connector.usecases.read_order_form import FormReadingDesk, FormsRead
from tests.recording import RecordingStarter
from tests.web.serving import make_services

Read = Callable[..., FormsRead]


@pytest.fixture
def read(database: Database, clock: FixedClock) -> Read:
    """Takes in documents, by the values that each is found to hold, and reads all of them."""
    orgs = make_services(database, clock).orgs
    desk = FormDesk(database, clock, RecordingStarter(), orgs, FormSettings())

    def run(*documents: dict[str, str]) -> FormsRead:
        for number in range(len(documents)):
            desk.receive(content=f"%PDF-1.7 {number}".encode(), source="api")

        def check(question: FormQuestion) -> CheckedForm:
            values = documents[int(question.content.split()[-1])]
            found = {name: FoundValue(value, value, ReadFrom.TEXT) for name, value in values.items()}
            return CheckedForm(1, (), FormReading(found), ())

        reading = FormReadingDesk(database, clock, RecordingStarter(), orgs, desk.settings, check)
        return reading.read_due(limit=10)

    return run


def test_a_document_that_cannot_be_kept_says_so_and_holds_up_no_other(read: Read, database: Database) -> None:
    done = read({"customer_name": "\ud800"}, {"customer_name": "Aurora"})

    assert done == FormsRead(read=1, failed=1)
    with database.reading() as connection:
        codes = connection.execute(sa.select(order_forms.c.code).order_by(order_forms.c.id)).scalars().all()
    assert codes == ["UNEXPECTED", ""]


def test_a_document_cannot_say_that_it_is_one_that_stands_alone(read: Read, database: Database) -> None:
    done = read({"salesforce_id": "FORM00000000000PAA"})

    assert done == FormsRead(read=1)
    with database.reading() as connection:
        assert connection.execute(sa.select(order_forms.c.record_id)).scalars().all() == [""]


def test_a_reason_is_kept_as_text_that_every_database_can_hold(
    read: Read, database: Database, clock: FixedClock
) -> None:
    read({"customer_name": "Aurora"})
    desk = FormDesk(database, clock, RecordingStarter(), make_services(database, clock).orgs, FormSettings())

    desk.reject(form_id=1, actor=Actor("finn", "finance"), reason="Not\x00 ours, \u202esays sales.")

    with database.reading() as connection:
        reason = connection.execute(sa.select(order_forms.c.decision_reason)).scalar_one()
    assert reason == "Not ours, says sales."
