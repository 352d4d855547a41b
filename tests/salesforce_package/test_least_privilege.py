"""A user with exactly the permission set of the package is enough, and every field that is taken away is named."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from lxml import etree

from connector.adapters.clock import FixedClock
from connector.domain.assumptions import FindingState
from connector.sandbox import Sandbox
from tests.salesforce_package.schema import METADATA
from tests.selling import Seller
from tests.usecases.test_check_assumptions import Check

SET = "salesforce/force-app/main/default/permissionsets/Sync_Integration.permissionset-meta.xml"
ROOT = Path(__file__).parent.parent.parent
_NS = {"m": METADATA}
# Lines have the permissions of their parents; users and the org are read by everybody.
_ALWAYS = {"QuoteLineItem", "OpportunityLineItem", "OrderItem", "PricebookEntry", "User", "Organization"}
_OURS = ("Sync_Log__c", "Sync_Invoice__c")
EVERYTHING = {
    "objects": ["Quote", "Opportunity", "Order"],
    "money": ["Account", "Quote", "Order"],
    "log_object": "Sync_Log__c",
    "invoice_object": "Sync_Invoice__c",
}


def _flags(row: etree._Element, *names: str) -> set[str]:
    return {name for name in names if row.findtext(f"m:{name}", "", _NS) == "true"}


def _restrict(sandbox: Sandbox) -> None:
    """Take from the integration user of the sandbox whatever the permission set does not give."""
    tree = etree.parse(str(ROOT / SET)).getroot()
    objects = {
        str(row.findtext("m:object", "", _NS)): _flags(row, "allowRead", "allowEdit", "allowCreate")
        for row in tree.iterfind("m:objectPermissions", _NS)
    }
    fields = {
        str(row.findtext("m:field", "", _NS)): _flags(row, "readable", "editable")
        for row in tree.iterfind("m:fieldPermissions", _NS)
    }
    for name, kind in list(sandbox.schema.objects.items()):
        if "allowRead" not in objects.get(name, set()) and name not in _ALWAYS:
            sandbox.schema.hide(name)
        if not objects.get(name, set()) & {"allowEdit", "allowCreate"}:
            sandbox.schema.freeze(name)
        for field in kind.fields.values():
            is_ours = field.name.startswith("Sync_") or (name in _OURS and field.is_custom)
            given = fields.get(f"{name}.{field.name}", set())
            if is_ours and not field.required and "readable" not in given:
                sandbox.schema.hide(name, field.name)
            if is_ours and not field.required and "editable" not in given:
                sandbox.schema.freeze(name, field.name)


@pytest.fixture
def check(tmp_path: Path, clock: FixedClock) -> Iterator[Check]:
    with Sandbox(now=clock.now(), auto_push=False) as running:
        Seller(running)
        _restrict(running)
        made = Check(running, tmp_path, clock)
        made.raw["writeback"] = dict(EVERYTHING)
        yield made


def test_the_permission_set_of_the_package_is_enough(check: Check) -> None:
    assert check.bad() == []


@pytest.mark.parametrize(
    ("object_name", "field"),
    [
        ("Quote", "Sync_Error__c"),
        ("Account", "Sync_Open_Balance__c"),
        ("Order", "Sync_Next_Invoice_On__c"),
        ("Sync_Log__c", "Run__c"),
        ("Sync_Invoice__c", "State__c"),
        ("Product2", "Stigg_ID__c"),
    ],
)
def test_a_field_that_is_taken_away_is_named_with_its_click_path(check: Check, object_name: str, field: str) -> None:
    check.sandbox.schema.hide(object_name, field)

    found = check.bad()

    assert any(f"{object_name}.{field}" in one.message for one in found)
    assert any(f"{object_name} > Field Permissions > {field}" in one.fix for one in found)


@pytest.mark.parametrize("object_name", ["Sync_Log__c", "Sync_Invoice__c"])
def test_rows_that_may_not_be_made_are_named_with_the_click_path(check: Check, object_name: str) -> None:
    check.sandbox.schema.freeze(object_name)

    found = [one for one in check.bad() if one.message == f"We may not create {object_name}."]

    assert [one.state for one in found] == [FindingState.BAD]
    assert found[0].fix.endswith(f"{object_name} > Object Permissions > Create.")


def test_an_object_whose_records_show_no_status_is_told(check: Check) -> None:
    check.raw["writeback"] = {"objects": ["Quote", "Order"]}

    assert any("Opportunity is not in [writeback] objects" in one.message for one in check.bad())
