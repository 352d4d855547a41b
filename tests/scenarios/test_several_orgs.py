"""Two orgs feed one ledger, each read by rules of its own; neither is ever taken for the other."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa

from connector.adapters.clock import FixedClock
from connector.bootstrap import make_looker, make_services, remember_mappings
from connector.config import parse_config
from connector.sandbox import Sandbox
from connector.services import Services
from connector.store import tables
from connector.store.mapping_versions import list_versions, load_settings
from connector.store.unit_of_work import Database
from connector.usecases.write_back import write_back
from tests.selling import Seller, SignedDeal
from tests.settings import ENVIRONMENT, raw_settings
from tests.world import RunList

SECRETS = {
    **ENVIRONMENT,
    "COUNTERSIGN_SALESFORCE_EU_CLIENT_SECRET": ENVIRONMENT["COUNTERSIGN_SALESFORCE_CLIENT_SECRET"],
    "COUNTERSIGN_SALESFORCE_EU_PUSH_TOKENS": "another-push-token-0123456789abcdefghi",
}


@pytest.fixture
def sandboxes(clock: FixedClock) -> Iterator[tuple[Sandbox, Sandbox]]:
    """Two orgs."""
    both = tuple(Sandbox(now=clock.now(), auto_push=False, instance=name) for name in ("gL", "eU"))
    for sandbox in both:
        sandbox.start()
    yield both  # type: ignore[misc]
    for sandbox in both:
        sandbox.stop()


@pytest.fixture
def services(sandboxes: tuple[Sandbox, Sandbox], database: Database, clock: FixedClock) -> Iterator[Services]:
    """A product over both; the second org calls its purchase order by the name of the quote."""
    raw = raw_settings(sandbox=sandboxes[0], database_url=database.url.render_as_string(hide_password=False))
    own = copy.deepcopy(raw["mapping"])
    own["defaults"]["header"]["po_number"] = "Name"
    second = {**raw["salesforce"], "name": "eu", "instance_url": sandboxes[1].base_url, "org_id": sandboxes[1].org_id}
    raw["salesforce"] = [raw["salesforce"], {**second, "mapping": own, "signed": raw["signed"][:1]}]
    made = make_services(parse_config(raw=raw, environment=SECRETS), clock=clock)
    yield dataclasses.replace(made, starter=RunList())
    for org in made.orgs.values():
        org.gateway.close()  # type: ignore[attr-defined]
    made.database.dispose()


def _look(services: Services, sandbox: Sandbox, deal: SignedDeal) -> Any:
    """The deal's order after a look at it."""
    make_looker(services).look("run", f"{sandbox.org_id}:{deal.object}:{deal.id}")
    with services.database.reading() as connection:
        query = sa.select(tables.orders).join(tables.records, tables.records.c.id == tables.orders.c.record_row_id)
        return connection.execute(query.where(tables.records.c.record_id == deal.id)).one_or_none()


def test_each_org_is_read_by_its_own_mapping_into_the_same_ledger(
    services: Services, sandboxes: tuple[Sandbox, Sandbox]
) -> None:
    deals = [Seller(sandbox).quote(PO_Number__c="PO-7", Name="PO-by-name") for sandbox in sandboxes]

    one, other = (_look(services, sandbox, deal) for sandbox, deal in zip(sandboxes, deals, strict=True))

    assert (one.state, other.state) == ("FULFILLED", "FULFILLED")
    assert (one.terms["po_number"], other.terms["po_number"]) == ("PO-7", "PO-by-name")
    assert one.mapping_version != other.mapping_version
    assert one.number != other.number


def test_what_counts_as_signed_in_one_org_need_not_in_the_other(
    services: Services, sandboxes: tuple[Sandbox, Sandbox]
) -> None:
    deals = [Seller(sandbox).opportunity() for sandbox in sandboxes]

    one, other = (_look(services, sandbox, deal) for sandbox, deal in zip(sandboxes, deals, strict=True))

    assert one.state == "FULFILLED"
    assert other is None


def test_each_org_is_told_of_its_own_deals(services: Services, sandboxes: tuple[Sandbox, Sandbox]) -> None:
    deals = [Seller(sandbox).quote() for sandbox in sandboxes]
    for sandbox, deal in zip(sandboxes, deals, strict=True):
        _look(services, sandbox, deal)

    flushed = write_back(
        database=services.database, clock=services.clock, orgs=services.orgs, batch=200, claimed_by="here"
    )

    shown = [sandbox.get("Quote", deal.id) for sandbox, deal in zip(sandboxes, deals, strict=True)]
    assert flushed.written == 2
    assert [row["Sync_Status__c"] for row in shown] == ["Synced", "Synced"]
    assert shown[0]["Sync_Order_Number__c"] != shown[1]["Sync_Order_Number__c"]


def test_every_mapping_in_use_is_kept_once_with_its_settings(
    services: Services, sandboxes: tuple[Sandbox, Sandbox]
) -> None:
    order = _look(services, sandboxes[1], Seller(sandboxes[1]).quote())

    remember_mappings(services)
    remember_mappings(services)

    with services.database.reading() as connection:
        versions = list_versions(connection=connection)
        settings = load_settings(connection=connection, version=order.mapping_version)
    assert {one.version: one.orders for one in versions}[order.mapping_version] == 1
    assert len(versions) == 2
    assert settings is not None
    assert settings["defaults"]["header"]["po_number"]
