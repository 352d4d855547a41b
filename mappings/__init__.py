"""Mappings: how signed Salesforce records are read into orders, by settings instead of code.

    read_mapping_config(raw)   the `[mapping]` table, checked: all faults at once
    compile_mappings(config)   one RecordMapping for each configured object: what to read, and the pure function
    mappings.signed            the `[[signed]]` rules

A mapping never calls anything and never guesses: it answers an order or every reason why it cannot.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from pydantic import ValidationError

from connector.errors import Fault
from connector.ports import RecordMapping, RecordSelection
from mappings.config import MappingConfig
from mappings.faults import MappingMisconfigured, MappingRefused
from mappings.orders import map_order
from mappings.plans import ObjectPlan, plan_object
from mappings.settings_faults import faults_of_error, missing_rules, setting_fault
from mappings.signed import DEFAULT_SIGNED, SignedRule, where_of

__all__ = [
    "MappingConfig",
    "MappingMisconfigured",
    "MappingRefused",
    "compile_mappings",
    "config_version",
    "mapping_settings",
    "read_mapping_config",
]

# Goes into every version: raise it when the same settings would read a record differently than before.
LANGUAGE = 1


def read_mapping_config(raw: Mapping[str, Any]) -> MappingConfig:
    """The `[mapping]` table as checked settings. Raises MappingMisconfigured with every fault in the table."""
    faults: list[Fault] = []
    try:
        config = MappingConfig.model_validate(raw)
    except ValidationError as error:
        faults += faults_of_error(error, model=MappingConfig, section="mapping")
    faults += missing_rules(raw)
    if faults:
        raise MappingMisconfigured(faults)
    return config


def compile_mappings(
    config: MappingConfig, *, signed: Sequence[SignedRule] = DEFAULT_SIGNED
) -> dict[str, RecordMapping]:
    """A mapping for each configured object, by object name.

    The signed rules add their fields and condition to what is read, so that one fetch answers both questions. Raises
    MappingMisconfigured when an object lacks a rule that no order can do without.
    """
    if faults := missing_rules(_as_written(config)):
        raise MappingMisconfigured(faults)
    version = config_version(config)
    return {name: _mapping(plan_object(config, name), signed, version) for name in config.objects}


def mapping_settings(config: MappingConfig) -> dict[str, Any]:
    """The settings as JSON values, without what stands at its default: what a version is made of."""
    found: dict[str, Any] = json.loads(json.dumps(_as_written(config), sort_keys=True, default=str))
    return found


def config_version(config: MappingConfig) -> str:
    """A short hash of the settings, the same for the same meaning, whatever the order of their keys."""
    canonical = json.dumps([LANGUAGE, _as_written(config)], sort_keys=True, default=str, ensure_ascii=True)
    return hashlib.sha256(canonical.encode()).hexdigest()[:12]


def _as_written(config: MappingConfig) -> dict[str, Any]:
    return config.model_dump(by_alias=True, exclude_defaults=True)


def _mapping(plan: ObjectPlan, signed: Sequence[SignedRule], version: str) -> RecordMapping:
    rules = [rule for rule in signed if rule.object == plan.object]
    needed = {field for rule in rules for field in rule.fields()}
    synced = {field for rule in rules for field in rule.optional_fields()}
    selection = RecordSelection(
        object=plan.object,
        fields=tuple(sorted({*plan.header_fields(), *needed, *synced})),
        line_object=plan.line_object,
        line_parent_field=plan.line_parent,
        line_fields=plan.line_fields(),
        line_order=plan.line_order if plan.line_object else (),
        where=where_of(rules, object_name=plan.object),
        optional_fields=tuple(sorted({*plan.optional_header_fields(), *synced} - needed)),
        optional_line_fields=plan.optional_line_fields(),
    )
    return RecordMapping(
        object=plan.object,
        selection=selection,
        to_order=partial(map_order, plan=plan),
        version=version,
        warnings=() if rules else (_never_signed(plan.object),),
    )


def _never_signed(name: str) -> Fault:
    return setting_fault(
        f"mapping.objects.{name}", "is mapped, but no [[signed]] rule names it, so its records never become orders",
        fix=f'Add [[signed]] with object = "{name}", or remove the mapping.',
    )  # fmt: skip
