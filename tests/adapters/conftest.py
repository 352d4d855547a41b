"""A scripted Salesforce org and a gateway that is logged in to it by nothing but its script."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import responses

from connector.adapters.clock import FixedClock
from connector.adapters.salesforce import SimpleSalesforceGateway
from connector.adapters.salesforce_auth import SalesforceLogin
from tests.adapters.scripted_org import HOST, ScriptedOrg

LOGIN = SalesforceLogin(
    instance_url=HOST, auth="client_credentials", client_id="consumer-key", client_secret="very-secret-word"
)


@pytest.fixture
def org() -> Iterator[ScriptedOrg]:
    """An org without rows that answers every call to its host."""
    scripted = ScriptedOrg()
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        scripted.mount(mock)
        yield scripted


@pytest.fixture
def naps() -> list[float]:
    """The seconds the gateway would have slept."""
    return []


@pytest.fixture
def gateway(org: ScriptedOrg, clock: FixedClock, naps: list[float]) -> Iterator[SimpleSalesforceGateway]:
    """The real gateway on the scripted org; it notes its naps and takes none."""
    made = SimpleSalesforceGateway(login=LOGIN, clock=clock, sleep=naps.append)
    yield made
    made.close()
