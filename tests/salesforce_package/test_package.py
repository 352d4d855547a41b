"""The deployable package: what the tables say, right for Salesforce's schema, complete, and no broader than needed."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest
from lxml import etree

from connector.domain.status import Attempt, InvoiceStatus, StatusWord
from connector.sandbox.schema_table import INVOICE, LOG, MONEY, STATUS
from mappings.writeback import attempt_fields, invoice_fields, money_names, status_names
from scripts.salesforce_package.__main__ import package_files
from scripts.salesforce_package.writing import changed
from tests.conftest import NOW
from tests.salesforce_package.schema import METADATA, faults_of

ROOT = Path(__file__).parent.parent.parent / "salesforce"
PROJECTS = (ROOT, ROOT / "cpq", ROOT / "app", ROOT / "events")
_NS = {"m": METADATA}


def _files(project: Path = ROOT) -> list[Path]:
    return sorted((project / "force-app").rglob("*-meta.xml"))


def _tree(path: Path) -> etree._Element:
    return etree.parse(str(path)).getroot()


def _texts(tree: etree._Element, path: str) -> list[str]:
    return [str(found.text) for found in tree.iterfind(path, _NS)]


def _permission_set(name: str) -> etree._Element:
    return _tree(ROOT / f"force-app/main/default/permissionsets/{name}.permissionset-meta.xml")


def _fields_of(name: str, allowed: str) -> set[str]:
    """The fields that a permission set makes `readable` or `editable`."""
    rows = _permission_set(name).iterfind("m:fieldPermissions", _NS)
    return {str(row.findtext("m:field", "", _NS)) for row in rows if row.findtext(f"m:{allowed}", "", _NS) == "true"}


def _custom_fields(object_name: str) -> dict[str, etree._Element]:
    folder = ROOT / "force-app/main/default/objects" / object_name / "fields"
    return {path.name.partition(".")[0]: _tree(path) for path in folder.glob("*.field-meta.xml")}


def test_the_files_are_those_that_the_tables_make() -> None:
    assert changed(package_files()) == [], "run: python -m scripts.salesforce_package"


@pytest.mark.parametrize("project", PROJECTS, ids=lambda path: path.name)
def test_every_file_is_right_for_the_schema_of_salesforce(project: Path) -> None:
    faults = {
        path.name: found
        for path in _files(project)
        if "lwc" not in path.parts and (found := faults_of(path.read_bytes()))
    }

    assert _files(project)
    assert faults == {}


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("<type>Text</type>", "<type>Words</type>"),
        ("<label>Sync Key</label>", "<labels>Sync Key</labels>"),
        ("<unique>true</unique>", "<unique>maybe</unique>"),
    ],
)
def test_the_schema_notices_a_wrong_file(right: str, wrong: str) -> None:
    path = ROOT / "force-app/main/default/objects/Quote/fields/Sync_Key__c.field-meta.xml"
    text = path.read_text(encoding="utf-8")

    assert right in text
    assert faults_of(text.replace(right, wrong).encode())


def _money() -> set[str]:
    return set(money_names(prefix="Sync_", renamed={}).values())


def _written() -> set[str]:
    return set(status_names(prefix="Sync_", renamed={}).values()) | _money()


@pytest.mark.parametrize("object_name", ["Quote", "Opportunity", "Order", "Contract"])
def test_every_field_that_is_written_is_in_the_package_and_editable_for_the_integration_user(object_name: str) -> None:
    editable = _fields_of("Sync_Integration", "editable")

    assert _written() <= set(_custom_fields(object_name))
    assert {f"{object_name}.{name}" for name in _written()} <= editable


def test_every_field_about_money_is_on_the_account_editable_for_us_and_read_by_people() -> None:
    fields = {f"Account.{name}" for name in _money()}

    assert _money() <= set(_custom_fields("Account"))
    assert fields <= _fields_of("Sync_Integration", "editable")
    assert fields <= _fields_of("Sync_User", "readable")


def test_every_field_of_an_invoice_row_is_in_the_package_and_editable() -> None:
    invoice = InvoiceStatus(1, "", "001", "Invoice", "Held", None, None, Decimal(1), None, "USD", "")
    written = {"Key__c", *invoice_fields(invoice)} - {"Name"}

    assert written == set(_custom_fields("Sync_Invoice__c"))
    assert {f"Sync_Invoice__c.{field}" for field in written} <= _fields_of("Sync_Integration", "editable")


def test_people_read_what_is_written_and_edit_only_what_asks_for_a_resync() -> None:
    readable, editable = _fields_of("Sync_User", "readable"), _fields_of("Sync_User", "editable")

    assert {f"Quote.{name}" for name in _written()} <= readable
    assert {field.partition(".")[2] for field in editable} == {"Sync_Requested_At__c", "Sync_Requested_By__c"}


def test_the_panel_shows_every_field_that_people_need() -> None:
    source = (ROOT / "force-app/main/default/lwc/syncPanel/syncPanel.js").read_text(encoding="utf-8")
    names = re.search(r"const NAMES = \[(.*?)\];", source, re.DOTALL)
    assert names is not None
    shown = {f"Sync_{name}__c" for name in re.findall(r"'(\w+)'", names.group(1))}

    assert shown <= set(_custom_fields("Quote"))
    # For programs and support, not for the eye.
    assert _written() - shown == {"Sync_Key__c", "Sync_Source_Hash__c"}


@pytest.mark.parametrize(("name", "table"), [("Sync_Log__c", LOG), ("Sync_Invoice__c", INVOICE)])
def test_our_own_objects_are_the_same_in_the_sandbox(name: str, table: str) -> None:
    sandbox = {field: kind for field, kind in _sandbox_fields(table) if field != "Name"}
    package = {field: _shape(tree) for field, tree in _custom_fields(name).items()}

    assert {field: kind.partition(".")[0].rstrip(")") for field, kind in sandbox.items()} == {
        field: kind.rstrip(")") for field, kind in package.items()
    }


def test_every_field_of_a_log_row_is_in_the_package_and_editable() -> None:
    attempt = Attempt("1-1", "Quote", "0Q0", "001", StatusWord.SYNCED, "", "", "", "", NOW, "run")
    written = {"Key__c", *attempt_fields(attempt)}

    assert written == set(_custom_fields("Sync_Log__c"))
    assert {f"Sync_Log__c.{field}" for field in written} <= _fields_of("Sync_Integration", "editable")


def test_the_sandbox_has_the_fields_of_the_package_with_the_same_types() -> None:
    # One external id of the org's own, for tests of upserts that find several.
    sandbox = {name: kind for name, kind in _sandbox_fields(STATUS) if name != "Sync_Billing_Id__c"}
    sandbox |= dict(_sandbox_fields(MONEY))
    package = {name: _shape(tree) for name, tree in _custom_fields("Quote").items()}

    assert {name: package.get(name) for name in sandbox} == sandbox


def _sandbox_fields(table: str) -> Iterator[tuple[str, str]]:
    for line in table.strip().splitlines():
        name, kind = line.split(maxsplit=1)
        shape = re.match(r"\w+(\([^)]*\))?", kind)
        assert shape is not None
        yield name, shape.group(0)


def _shape(tree: etree._Element) -> str:
    """A field's type in the words of the sandbox."""

    def text(name: str) -> str:
        return str(tree.findtext(f"m:{name}", "", _NS))

    kind = text("type")
    if kind == "Picklist":
        return f"Restricted({', '.join(_texts(tree, './/m:value/m:fullName'))})"
    if kind in ("Text", "LongTextArea"):
        return f"{'LongText' if kind == 'LongTextArea' else 'Text'}({text('length')})"
    if kind == "Number":
        return f"Number({text('precision')},{text('scale')})"
    if kind == "Lookup":
        return f"Lookup({text('referenceTo')}"
    return "Url(255)" if kind == "Url" else kind


def test_the_integration_user_can_delete_nothing_and_administers_nothing() -> None:
    tree = _permission_set("Sync_Integration")

    assert set(_texts(tree, "m:objectPermissions/m:allowDelete")) == {"false"}
    assert set(_texts(tree, "m:objectPermissions/m:modifyAllRecords")) == {"false"}
    assert _texts(tree, "m:userPermissions/m:name") == ["ApiEnabled"]
    assert {field.partition(".")[2][:5] for field in _fields_of("Sync_Integration", "editable")} <= _OURS


# The beginnings of our own fields: on signed records and accounts, and on our two objects.
_OURS = {"Sync_"} | {
    path.name[:5]
    for name in ("Sync_Log__c", "Sync_Invoice__c")
    for path in (ROOT / f"force-app/main/default/objects/{name}/fields").glob("*")
}


def test_nothing_of_the_customers_is_overwritten() -> None:
    """No layouts, pages or profiles; no standard object but new fields and list views of ours."""
    folders = {path.relative_to(ROOT / "force-app/main/default").parts[0] for path in _files()}
    standard = {
        path.name
        for path in (ROOT / "force-app/main/default/objects").rglob("*.object-meta.xml")
        if not path.name.startswith("Sync_")
    }
    ours = [path for path in _files() if "fields" in path.parts and "Sync_" not in str(path.relative_to(ROOT))]

    assert not folders & {"layouts", "flexipages", "profiles", "objectTranslations", "settings"}
    assert standard == set()
    assert ours == []


@pytest.mark.parametrize("project", [ROOT, ROOT / "cpq"], ids=["package", "cpq"])
def test_every_flow_sends_a_message_that_exists(project: Path) -> None:
    flows = [_tree(path) for path in _files(project) if path.name.endswith(".flow-meta.xml")]
    messages = {
        f"{path.name.partition('.')[0]}.{name}"
        for path in _files(project)
        if path.name.endswith(".workflow-meta.xml")
        for name in _texts(_tree(path), "m:outboundMessages/m:fullName")
    }
    sent = [name for flow in flows for name in _texts(flow, "m:actionCalls/m:actionName")]

    assert set(sent) == messages
    assert len(sent) == 2 * len(messages), "signed and Resync, for each object"


@pytest.mark.parametrize("project", [ROOT, ROOT / "cpq"], ids=["package", "cpq"])
def test_our_own_writing_sends_no_message(project: Path) -> None:
    """Each flow that sends asks for the custom permission first, which the integration user has."""
    for path in _files(project):
        flow = _tree(path)
        if path.name.endswith(".flow-meta.xml") and flow.find("m:actionCalls", _NS) is not None:
            assert _texts(flow, "m:decisions//m:leftValueReference") == ["$Permission.Sync_Bypass"]
            assert _texts(flow, "m:start/m:connector/m:targetReference") == ["Is_It_Us"]
    assert _texts(_permission_set("Sync_Integration"), "m:customPermissions/m:name") == ["Sync_Bypass"]


def test_a_clone_begins_without_any_of_our_values() -> None:
    for name in ("Quote", "Opportunity", "Order", "Contract"):
        flow = _tree(ROOT / f"force-app/main/default/flows/Sync_{name}_Clone.flow-meta.xml")
        assert set(_texts(flow, "m:recordUpdates/m:inputAssignments/m:field")) == set(_custom_fields(name))
        assert _texts(flow, "m:start/m:recordTriggerType") == ["Create"]


def test_addresses_and_users_are_filled_in_at_deployment() -> None:
    for project in (ROOT, ROOT / "cpq"):
        replacements = json.loads((project / "sfdx-project.json").read_text(encoding="utf-8"))["replacements"]
        for path in project.glob("force-app/main/default/workflows/*"):
            text = path.read_text(encoding="utf-8")
            assert all(one["stringToReplace"] in text for one in replacements)
            assert {one["replaceWithEnv"] for one in replacements} == {
                "COUNTERSIGN_ENDPOINT",
                "COUNTERSIGN_INTEGRATION_USER",
            }
