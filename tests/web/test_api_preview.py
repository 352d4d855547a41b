"""A preview over the API: the whole chain of one record in exact text, and nothing written."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from jsonschema import Draft202012Validator

from connector.adapters.clock import FixedClock
from connector.app import create_app
from connector.domain.entitlements import CustomPlan, PlanEntitlement
from connector.domain.terms import Cadence, ProvisionKind, RecordRef
from connector.granting_embedded import embedded_platform
from connector.ports import ApiUsage, Org, Record, RecordMapping, RecordSelection
from connector.store.tables import metadata
from connector.store.unit_of_work import Database
from tests.builders import ORG_ID, make_line, make_terms, make_token, quote_id
from tests.web.conftest import Machine
from tests.web.serving import make_services

_REF = RecordRef(ORG_ID, "Quote", quote_id(1))
_PLAN = CustomPlan(
    "plan-business",
    "product-platform",
    (
        PlanEntitlement("feature-seats", ProvisionKind.ENTITLEMENT, is_variable=True),
        PlanEntitlement("credit-ai", ProvisionKind.CREDIT, is_variable=True, cadence=Cadence.MONTH),
    ),
)


class OneRecord:
    """An org that has one quote."""

    def __init__(self, clock: FixedClock) -> None:
        self._record = Record(ref=_REF, fields={}, lines=(), read_at=clock.now())

    def fetch(self, *, selection: RecordSelection, record_ids: Sequence[str]) -> tuple[Record, ...]:
        """The quote, when it is asked for."""
        return (self._record,) if self._record.ref.record_id in record_ids else ()

    def usage(self) -> ApiUsage:
        """None known."""
        return ApiUsage()


@pytest.fixture
def client(sqlite_database: Database, clock: FixedClock) -> FlaskClient:
    mapping = RecordMapping("Quote", RecordSelection("Quote", ()), lambda record: make_terms(record.ref), "1a2b3c4d")
    gateway: Any = OneRecord(clock)
    org = Org(
        org_id=ORG_ID, name="default", gateway=gateway, mappings={"Quote": mapping},
        is_signed=lambda _record: (True, "Status is Accepted."), conditions={},
    )  # fmt: skip
    platform = embedded_platform(database=sqlite_database, clock=clock, plans=(_PLAN,))
    return create_app(
        services=make_services(sqlite_database, clock, orgs={ORG_ID: org}, platform=platform)
    ).test_client()


def test_a_preview_shows_the_whole_chain_and_writes_nothing(
    client: FlaskClient, sqlite_database: Database, clock: FixedClock
) -> None:
    machine = Machine(client, make_token(sqlite_database, clock, "read"))
    machine.get("/orders")
    before = _rows(sqlite_database)

    answer = machine.post("/preview", {"salesforce_id": quote_id(1)[:15]})

    assert answer.status_code == 200, answer.text
    found = answer.json
    assert found["contract"]["value"] == {"amount": "17900.00", "currency": "EUR"}
    assert sum(Decimal(charge["amount"]["amount"]) for charge in found["charges"]) == Decimal("17900.00")
    assert found["order"]["line_items"][1]["quantity"] == "50"
    assert found["entitlements"][0]["grants"][0]["value"] == "50"
    assert found["faults"] == []
    assert _rows(sqlite_database) == before
    _check_shape(client, answer.json)


def test_a_preview_of_what_cannot_be_granted_lists_the_faults(
    sqlite_database: Database, clock: FixedClock, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = Machine(client, make_token(sqlite_database, clock, "read"))
    services = client.application.extensions["countersign"]
    mapping = services.orgs[ORG_ID].mappings["Quote"]
    plan_alone = make_line(1, provision=make_terms(_REF).line_items[0].provision)
    monkeypatch.setitem(
        services.orgs[ORG_ID].mappings,
        "Quote",
        RecordMapping(
            "Quote",
            mapping.selection,
            lambda record: make_terms(record.ref, line_items=(plan_alone,), signed_total=None),
            "x",
        ),
    )

    answer = machine.post("/preview", {"salesforce_id": quote_id(1), "org_id": ORG_ID})

    assert answer.status_code == 200, answer.text
    assert {fault["code"] for fault in answer.json["faults"]} == {"MISSING_ENTITLEMENT_VALUE"}
    assert {fault["value"] for fault in answer.json["faults"]} == {"feature-seats", "credit-ai"}
    _check_shape(client, answer.json)


def test_a_preview_in_another_org_finds_nothing(
    client: FlaskClient, sqlite_database: Database, clock: FixedClock
) -> None:
    machine = Machine(client, make_token(sqlite_database, clock, "read"))

    answer = machine.post("/preview", {"salesforce_id": quote_id(1), "org_id": "00D5g00000ZZZZZ"})

    assert answer.status_code == 404


def _check_shape(client: FlaskClient, answer: Any) -> None:
    document: Any = client.get("/api/openapi.json").json
    content = document["paths"]["/api/v1/preview"]["post"]["responses"]["200"]["content"]
    schema = {**content["application/json"]["schema"], "components": document["components"]}
    Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER).validate(answer)


def _rows(database: Database) -> dict[str, int]:
    with database.reading() as connection:
        return {
            table.name: connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()
            for table in metadata.sorted_tables
        }
