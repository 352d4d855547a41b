"""From settings to the orgs: of each its login, what signed means there, and how its records are read.

Exists because several orgs may feed one ledger, each with rules of its own. Nothing is called here; the settings must
be free of faults.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from connector.adapters.salesforce import SimpleSalesforceGateway
from connector.adapters.salesforce_auth import SalesforceLogin
from connector.assuming import assumptions_of
from connector.config import Config, SalesforceSettings
from connector.domain.assumptions import Assumptions
from connector.domain.form_states import NO_ORG
from connector.domain.salesforce_ids import id18
from connector.ports import Clock, Org, RecordMapping, SignaturePointer
from mappings import compile_mappings, config_version, mapping_settings, read_mapping_config
from mappings.catalogue import product_catalogue
from mappings.config import MappingConfig
from mappings.signed import (
    SignedRule,
    is_signed,
    is_signed_by_any,
    read_signed_rules,
    sale_of,
    signed_condition,
    signed_record_id,
    signed_selection,
)


@dataclass(frozen=True, slots=True)
class Reading:
    """How the records of an org are read: the signed rules, and the mapping with one function for each object."""

    rules: tuple[SignedRule, ...]
    mapping: MappingConfig
    compiled: Mapping[str, RecordMapping]


def make_orgs(config: Config, *, clock: Clock) -> dict[str, Org]:
    """The orgs by id. Raises MappingMisconfigured when rules cannot be used."""
    orgs = (_org(config, settings, _reading(config, settings), clock) for settings in config.salesforce)
    return {org.org_id: org for org in orgs}


def all_assumptions(config: Config) -> Assumptions:
    """What the settings take for granted: the shared rules, and those of each org that has its own."""
    readings = {id18(settings.org_id): _reading(config, settings) for settings in config.salesforce}
    found = {
        org_id: assumptions_of(config, mapping=reading.mapping, rules=reading.rules)
        for org_id, reading in readings.items()
    }
    plans = {ref: place for one in found.values() for ref, place in one.plan_refs.items()}
    return replace(next(iter(found.values())), plan_refs=plans, by_org=found)


def used_mappings(config: Config) -> dict[str, dict[str, Any]]:
    """The settings of every mapping in use, by version."""
    mappings = [_reading(config, settings).mapping for settings in config.salesforce]
    return {config_version(mapping): mapping_settings(mapping) for mapping in mappings}


def stand_alone_settings(config: Config) -> dict[str, Any]:
    """To which org documents without a record belong, and what its products are; for FormSettings."""
    found = config.order_forms
    if not found.may_stand_alone or not config.salesforce:
        return {}
    org = next((one for one in config.salesforce if one.name == found.stand_alone_org), config.salesforce[0])
    is_none = found.stand_alone_org == NO_ORG
    # Without an org of its own the shared table counts.
    mapping = config.mapping if is_none or org.mapping is None else org.mapping
    return {
        "stand_alone_org": NO_ORG if is_none else id18(org.org_id),
        "catalogue": product_catalogue(read_mapping_config(mapping)),
    }


def _reading(config: Config, settings: SalesforceSettings) -> Reading:
    """The org's own rules, or the shared ones."""
    rules = read_signed_rules(config.signed if settings.signed is None else settings.signed)
    mapping = read_mapping_config(config.mapping if settings.mapping is None else settings.mapping)
    compiled = compile_mappings(mapping, signed=rules)
    paths = tuple(path for path in (config.order_forms.contact_name, config.order_forms.contact_email) if path)
    return Reading(rules, mapping, _reading_contacts(compiled, paths))


def _org(config: Config, settings: SalesforceSettings, reading: Reading, clock: Clock) -> Org:
    secrets = config.secrets.salesforce[settings.name]
    login = SalesforceLogin(
        instance_url=settings.instance_url,
        auth=settings.auth,
        client_id=settings.client_id,
        client_secret=secrets.client_secret.get_secret_value(),
        private_key=secrets.private_key.get_secret_value(),
        username=settings.username,
        audience=settings.audience,
        api_version=settings.api_version,
    )
    rules = reading.rules
    pointers = {rule.object: _pointer(rule) for rule in rules if rule.record_field}
    swept = dict.fromkeys((*reading.compiled, *pointers))
    return Org(
        org_id=id18(settings.org_id),
        name=settings.name,
        gateway=SimpleSalesforceGateway(login=login, clock=clock),
        mappings=reading.compiled,
        is_signed=partial(is_signed_by_any, rules=rules),
        sale_of=partial(sale_of, rules=rules),
        conditions={name: condition for name in swept if (condition := _condition(rules, name))},
        proves_again=frozenset(rule.object for rule in rules if rule.fire == "every"),
        calls_per_day=settings.calls_per_day or 0,
        pointers=pointers,
    )


def _reading_contacts(compiled: Mapping[str, RecordMapping], paths: tuple[str, ...]) -> dict[str, RecordMapping]:
    """The mappings with the fields that name the signer, as far as an org has them."""
    return {
        name: replace(
            mapping,
            selection=replace(
                mapping.selection,
                fields=tuple(sorted({*mapping.selection.fields, *paths})),
                optional_fields=tuple(sorted({*mapping.selection.optional_fields, *paths})),
            ),
        )
        for name, mapping in compiled.items()
    }


def _pointer(rule: SignedRule) -> SignaturePointer:
    """A rule whose object only reports signatures."""
    return SignaturePointer(
        object=rule.object,
        selection=signed_selection(rule),
        is_signed=partial(is_signed, rule=rule),
        signed_record=partial(signed_record_id, rule=rule),
    )


def _condition(rules: tuple[SignedRule, ...], object_name: str) -> str:
    """The rules of one kind of record as one SOQL condition, empty when there are none."""
    parts = [f"({signed_condition(rule)})" for rule in rules if rule.object == object_name]
    return " OR ".join(parts)
