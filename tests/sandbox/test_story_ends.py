"""The story keeps its promises under the product's own gateway, example mapping, tie-out and access rules."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from connector.adapters.clock import SystemClock
from connector.adapters.http import HttpSettings
from connector.adapters.salesforce import SimpleSalesforceGateway
from connector.adapters.salesforce_auth import SalesforceLogin
from connector.domain.access_sold import access_wanted
from connector.domain.checks import check_order
from connector.domain.contracts import tie_out
from connector.domain.entitlements import CustomPlan, PlanEntitlement
from connector.domain.terms import ProvisionKind
from connector.errors import Fault
from connector.ports import RecordMapping
from connector.sandbox import CLIENT_ID, CLIENT_SECRET, Sandbox, story
from mappings import MappingRefused, compile_mappings, read_mapping_config
from tests.sandbox.conftest import NOW

MODEL_ORG = Path(__file__).parents[2] / "docs" / "examples" / "model-org.toml"


@pytest.fixture
def gateway(sandbox: Sandbox) -> Iterator[SimpleSalesforceGateway]:
    login = SalesforceLogin(
        instance_url=sandbox.base_url, auth="client_credentials", client_id=CLIENT_ID, client_secret=CLIENT_SECRET
    )
    made = SimpleSalesforceGateway(login=login, clock=SystemClock(), http=HttpSettings(2, 10))
    yield made
    made.close()


def _plans() -> Mapping[str, CustomPlan]:
    plans = {}
    for ref, values in story.CUSTOM_PLANS.items():
        entitlements = [
            PlanEntitlement(
                name,
                ProvisionKind.CREDIT if name.startswith("cred-") else ProvisionKind.ENTITLEMENT,
                is_variable=True,
                is_optional=word == "optional",
            )
            for word, names in values.items()
            for name in names
        ]
        plans[ref] = CustomPlan(ref, f"product of {ref}", tuple(entitlements))
    return plans


def _faults(gateway: SimpleSalesforceGateway, mapping: RecordMapping, record_id: str) -> list[Fault]:
    [record] = gateway.fetch(selection=mapping.selection, record_ids=[record_id])
    try:
        order = mapping.to_order(record)
    except MappingRefused as refused:
        return list(refused.faults)
    _, refused_access = access_wanted(line_items=order.line_items, plans=_plans())
    return [*check_order(order=order), *tie_out(order=order, base=None), *refused_access]


@pytest.mark.parametrize("month", range(1, 13))
def test_each_deal_of_the_story_has_exactly_the_fault_it_promises(
    sandbox: Sandbox, gateway: SimpleSalesforceGateway, month: int
) -> None:
    mappings = compile_mappings(read_mapping_config(tomllib.loads(MODEL_ORG.read_text(encoding="utf-8"))["mapping"]))
    sandbox.clock.set(NOW.replace(month=month))

    for deal in story.seed(sandbox):
        story.sign(sandbox, deal)
        codes = [fault.code for fault in _faults(gateway, mappings[deal.object_name], deal.record_id)]

        assert len(codes) == (deal.expected == "BLOCKED"), (deal.key, codes)
        assert all(code.startswith(deal.expected_code) for code in codes), (deal.key, codes)
