"""The settings of order forms: what cannot be meant is refused with the choice there is."""

from __future__ import annotations

from typing import Any

import pytest

from connector.config_secrets import Secrets
from connector.signing import signing_faults

ORGS = [{"name": "us"}, {"name": "eu"}]


@pytest.mark.parametrize(
    ("salesforce", "asked", "count"),
    [
        (ORGS[0], {"may_stand_alone": True}, 0),
        (ORGS, {"may_stand_alone": True}, 1),
        (ORGS, {"may_stand_alone": True, "stand_alone_org": "eu"}, 0),
        (ORGS, {"may_stand_alone": True, "stand_alone_org": "none"}, 0),
        (ORGS, {"stand_alone_org": "uk"}, 1),
        (ORGS, {}, 0),
    ],
)
def test_of_several_orgs_the_one_for_documents_alone_must_be_named(
    salesforce: Any, asked: dict[str, Any], count: int
) -> None:
    found = list(signing_faults({"salesforce": salesforce, "order_forms": asked}, Secrets()))

    assert len(found) == count
    assert all("us, eu, none" in fault.fix for fault in found)
