"""The example mapping reads the sandbox's deals over the real gateway, in orgs with and without person accounts."""

from __future__ import annotations

import pytest

from connector.adapters.clock import SystemClock
from connector.adapters.salesforce import SimpleSalesforceGateway
from connector.adapters.salesforce_auth import SalesforceLogin
from connector.sandbox import Sandbox
from connector.sandbox.sandbox import CLIENT_ID, CLIENT_SECRET, USERNAME
from connector.sandbox.story import seed, sign
from mappings import MappingRefused
from mappings.signed import is_signed_by_any, read_signed_rules
from tests.mappings.making import model_mappings, raw_model_org


def gateway_of(sandbox: Sandbox) -> SimpleSalesforceGateway:
    login = SalesforceLogin(
        instance_url=sandbox.base_url,
        auth="client_credentials",
        client_id=CLIENT_ID,
        client_secret=CLIENT_SECRET,
        private_key="",
        username=USERNAME,
        audience="",
        api_version="63.0",
    )
    return SimpleSalesforceGateway(login=login, clock=SystemClock())


@pytest.mark.parametrize("person_accounts", [True, False])
def test_every_deal_is_unsigned_then_signed_and_read_as_its_story_says(person_accounts: bool) -> None:
    rules = read_signed_rules(raw_model_org()["signed"])
    with Sandbox(auto_push=False, person_accounts=person_accounts) as sandbox:
        gateway = gateway_of(sandbox)
        for deal in seed(sandbox):
            mapping = model_mappings()[deal.object_name]
            (before,) = gateway.fetch(selection=mapping.selection, record_ids=[deal.record_id])
            sign(sandbox, deal)
            (after,) = gateway.fetch(selection=mapping.selection, record_ids=[deal.record_id])

            assert not is_signed_by_any(before, rules)[0], deal.key
            assert is_signed_by_any(after, rules)[0], deal.key
            if deal.expected_code == "UNKNOWN_PRODUCT":
                with pytest.raises(MappingRefused) as caught:
                    mapping.to_order(after)
                assert [fault.code for fault in caught.value.faults] == ["UNKNOWN_PRODUCT"]
            else:
                assert len(mapping.to_order(after).line_items) == len(after.lines)
        gateway.close()
