"""What a mapping takes for granted about the org, told before any record is read."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from connector.domain.assumptions import FieldUse
from connector.domain.status import Status, StatusWord
from mappings import read_mapping_config
from mappings.config import MappingConfig
from mappings.signed import SignedRule
from mappings.uses import catalogue_uses, field_uses, plan_refs, signed_uses, status_forms
from mappings.writeback import status_fields, status_names

EXAMPLES = Path(__file__).parent.parent.parent / "docs" / "examples"


def config(**header: Any) -> MappingConfig:
    raw = tomllib.loads((EXAMPLES / "model-org.toml").read_text(encoding="utf-8"))["mapping"]
    raw["objects"] = {"Quote": {"header": header}}
    return read_mapping_config(raw)


def use_of(found: MappingConfig, path: str) -> FieldUse:
    return next(use for use in field_uses(found) if use.path == path and use.object == "Quote")


@pytest.mark.parametrize("file", sorted(EXAMPLES.glob("*.toml")), ids=lambda file: file.stem)
def test_every_example_names_its_uses(file: Path) -> None:
    found = read_mapping_config(tomllib.loads(file.read_text(encoding="utf-8"))["mapping"])

    uses = field_uses(found)

    assert {use.object for use in uses} >= set(found.objects)
    assert all(use.words for use in uses)


@pytest.mark.parametrize(
    ("target", "rule", "unfit", "fit"),
    [
        ("starts_on", "X__c", {"boolean", "currency", "reference"}, {"date", "datetime", "string", "picklist"}),
        ("signed_total", "X__c", {"boolean", "date", "reference"}, {"currency", "double", "string", "picklist"}),
        ("is_unused_credited", "X__c", {"double", "date", "reference"}, {"boolean", "string", "picklist"}),
        ("amends_ref", "X__c", {"boolean", "double", "date"}, {"reference", "id", "string"}),
        ("po_number", "X__c", {"boolean", "address"}, {"string", "double", "picklist", "textarea"}),
        ("deal_type", "X__c", {"date", "datetime", "address"}, {"picklist", "string", "boolean"}),
        ("starts_on", {"path": "X__c", "values": {"x": "2026-01-01"}}, {"address"}, {"picklist", "boolean"}),
    ],
)
def test_types_that_no_rule_of_a_target_can_read_are_unfit(
    target: str, rule: Any, unfit: set[str], fit: set[str]
) -> None:
    found = use_of(config(**{target: rule}), "X__c").unfit_types

    assert unfit <= found
    assert not fit & found


def test_picklist_words_are_judged_as_they_would_be_read() -> None:
    rule = {"path": "X__c", "values": {"Yearly": 12, "": 1}}
    months = use_of(config(billing_period_months=rule), "X__c").reads
    terms = use_of(config(payment_terms_days="X__c"), "X__c").reads
    number = use_of(config(po_number="X__c"), "X__c").reads

    assert months is not None
    assert terms is not None
    assert (months("yearly"), months("Weekly")) == (True, False)
    assert (terms("Net 45"), terms("Due on Receipt"), terms("Soon")) == (True, True, False)
    assert number is None


def test_all_fields_that_are_tried_are_used() -> None:
    found = config(po_number={"path": "A__c", "or": ["Opportunity.B__c"]})

    assert {"A__c", "Opportunity.B__c"} <= {use.path for use in field_uses(found)}


def test_products_of_one_kind_of_place_are_looked_at_once() -> None:
    raw = tomllib.loads((EXAMPLES / "model-org.toml").read_text(encoding="utf-8"))["mapping"]

    [use] = catalogue_uses(read_mapping_config(raw))

    assert (use.type_path, use.ref_path) == ("Product2.Stigg_Type__c", "Product2.Stigg_ID__c")
    assert [use.is_plan(word) for word in ("Plan", "plan", "Add-on", "None", "", "Nonsense")] == [True] * 2 + [
        False
    ] * 4


def test_plans_of_the_settings_are_named_with_their_place() -> None:
    raw = tomllib.loads((EXAMPLES / "model-org.toml").read_text(encoding="utf-8"))["mapping"]
    raw["products"] = {
        "GOLD": {"kind": "plan", "ref": "plan-gold"},
        "SEAT": {"kind": "entitlement", "ref": "feature-seats"},
        "HOURS": {"kind": "nothing"},
    }

    assert plan_refs(read_mapping_config(raw)) == {"plan-gold": "mapping.products.GOLD"}


def test_signed_values_are_told_as_salesforce_writes_them() -> None:
    rules = (
        SignedRule(object="Opportunity", field="IsWon", values=(True,)),
        SignedRule(object="X__c", field="S__c", values=("Completed",), record_field="Source__c"),
    )

    won, reported = signed_uses(rules)

    assert (won.values, won.also) == (("true",), ())
    assert (reported.values, reported.also) == (("Completed",), ("Source__c",))


def test_every_field_that_is_written_has_a_form() -> None:
    names = status_names(prefix="Sync_", renamed={"Step": "Own_Step__c", "Link": ""})
    written = status_fields(objects=("Quote",), prefix="Sync_", renamed={"Step": "Own_Step__c", "Link": ""})
    values = written("Quote", Status(word=StatusWord.SYNCED))

    forms = status_forms(names)

    assert [form.name for form in forms] == list(values)
    assert "Own_Step__c" in values
    assert next(form.words for form in forms if form.name == "Sync_Status__c") == tuple(
        word.value for word in StatusWord
    )
