"""The whole configuration judged at once: sections, secrets, logins, `[mapping]` and `[[signed]]` in one report.

Exists because the mapping language is judged by `mappings` and the sections by `config`, and a person who sets this up
wants one list. It reads the file and the environment and must not call anything outside.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from connector.adapters.salesforce_soql import closed_condition
from connector.config import Config, load_config
from connector.config_billing import BillingSettings, ReviewSettings
from connector.config_faults import setting_fault
from connector.config_secrets import Secrets, org_variable
from connector.domain.salesforce_ids import NotASalesforceId, id18
from connector.errors import Fault, Misconfigured
from connector.finance import faults_of_finance
from connector.granting import granting_faults
from connector.paying import payment_faults
from connector.signing import signing_faults
from mappings import read_mapping_config
from mappings.signed import read_signed_rules
from mappings.writeback import money_names, status_names

_S = TypeVar("_S", bound=BaseModel)
_FIELD = re.compile("[A-Za-z][A-Za-z0-9_]{0,79}")


def read_settings(*, path: Path, environment: Mapping[str, str] | None = None) -> Config:
    """The checked settings. Raises ConfigRefused with every fault of all parts."""
    return load_config(path=path, environment=environment, judges=_JUDGES)


def login_faults(raw: Mapping[str, Any], secrets: Secrets) -> Iterable[Fault]:
    """What each org's login lacks, and org ids whose check letters are wrong."""
    given = raw.get("salesforce", [])
    orgs = given if isinstance(given, list) else [given]
    for number, org in enumerate(orgs, start=1):
        if not isinstance(org, Mapping):
            continue
        place = f"salesforce[{number}]" if isinstance(given, list) else "salesforce"
        yield from _missing_secret(org, secrets)
        yield from _wrong_id(org, place)


def provider_faults(raw: Mapping[str, Any], secrets: Secrets) -> Iterable[Fault]:
    """A login provider without our secret for it would refuse everybody."""
    web = raw.get("web", {})
    if isinstance(web, Mapping) and web.get("login") == "oidc" and not secrets.oidc_client.get_secret_value():
        variable = "COUNTERSIGN_OIDC_CLIENT_SECRET"
        message = 'This secret is needed for [web] login = "oidc" and is not set.'
        yield setting_fault(variable, message, f"Set it, or {variable}_FILE to its file.")


def certificate_faults(raw: Mapping[str, Any], _secrets: Secrets) -> Iterable[Fault]:
    """A header with the client's certificate that anybody could send, because no proxy stands in front."""
    given, web = raw.get("salesforce", []), raw.get("web", {})
    has_proxy = isinstance(web, Mapping) and web.get("trusted_proxies", 0) not in (0, False)
    for number, org in enumerate(given if isinstance(given, list) else [given], start=1):
        if isinstance(org, Mapping) and org.get("client_cert_header") and not has_proxy:
            place = f"salesforce[{number}]" if isinstance(given, list) else "salesforce"
            yield setting_fault(
                f"{place}.client_cert_header",
                "Without a trusted proxy anybody could send this header.",
                "Set [web] trusted_proxies to how many proxies stand in front, or take the header out.",
            )


def shared_secret_faults(_raw: Mapping[str, Any], secrets: Secrets) -> Iterable[Fault]:
    """A push token or event secret that two orgs have: a message would be taken for the wrong org's."""
    owners: dict[tuple[str, str], str] = {}
    for name, org in secrets.salesforce.items():
        for kind, found in (("PUSH_TOKENS", org.push_tokens), ("EVENT_SECRETS", org.event_secrets)):
            for number, secret in enumerate(found, start=1):
                owner = owners.setdefault((kind, secret.get_secret_value()), name)
                if owner != name:
                    yield setting_fault(
                        org_variable(name, kind),
                        f"Entry {number} is one of the org {owner!r} as well, so nobody knows whose message comes in.",
                        "Make one for each org.",
                    )


def mapping_faults(raw: Mapping[str, Any], _secrets: Secrets) -> Iterable[Fault]:
    """What is wrong with `[mapping]` and `[[signed]]`, the shared ones and those of single orgs."""
    given = raw.get("salesforce", [])
    orgs = [org for org in (given if isinstance(given, list) else [given]) if isinstance(org, Mapping)]
    is_shared = not orgs or any("mapping" not in org for org in orgs)
    tables = [raw] if is_shared else [{name: value for name, value in raw.items() if name != "mapping"}]
    for table in (*tables, *orgs):
        mapping, signed = table.get("mapping", {} if table is raw else None), table.get("signed", [])
        if isinstance(mapping, Mapping):
            yield from _faults_of(partial(read_mapping_config, mapping))
        if isinstance(signed, list):
            yield from _faults_of(partial(read_signed_rules, signed))
            yield from _open_conditions(signed)


def writeback_faults(raw: Mapping[str, Any], _secrets: Secrets) -> Iterable[Fault]:
    """Names in `[writeback] fields` that we do not write, and fields that cannot be fields."""
    section = raw.get("writeback", {})
    fields = section.get("fields", {}) if isinstance(section, Mapping) else {}
    if not isinstance(fields, Mapping):
        return
    known, taken = status_names(prefix="", renamed={}) | money_names(prefix="", renamed={}), set[str]()
    for name, field in fields.items():
        place = f"writeback.fields.{name}"
        if name not in known:
            yield setting_fault(place, "We write no such thing.", f"Use one of: {', '.join(known)}.")
        elif isinstance(field, str) and field and not _FIELD.fullmatch(field):
            yield setting_fault(place, "This is no API name of a field.", 'Use one such as Billing_Status__c, or "".')
        elif isinstance(field, str) and field and field.casefold() in taken:
            yield setting_fault(place, "Another setting writes this field.", "Give each its own field.")
        taken.add(str(field).casefold())


def finance_faults(raw: Mapping[str, Any], _secrets: Secrets) -> Iterable[Fault]:
    """Number formats, series that would meet, and currencies that are none; malformed sections are told elsewhere."""
    billing = _section(BillingSettings, raw.get("billing", {}))
    review = _section(ReviewSettings, raw.get("review", {}))
    for place, message in faults_of_finance(billing=billing, review=review):
        yield setting_fault(place, message, "See [billing] and [review] in config.example.toml.")


_JUDGES = (
    login_faults,
    provider_faults,
    shared_secret_faults,
    certificate_faults,
    mapping_faults,
    writeback_faults,
    finance_faults,
    payment_faults,
    granting_faults,
    signing_faults,
)


def _section(kind: type[_S], table: Any) -> _S | None:
    try:
        return kind.model_validate(table)
    except ValidationError:
        return None


def _missing_secret(org: Mapping[str, Any], secrets: Secrets) -> Iterable[Fault]:
    name, auth = org.get("name", "default"), org.get("auth", "client_credentials")
    needed = {"client_credentials": "client_secret", "jwt": "private_key"}.get(auth if isinstance(auth, str) else "")
    found = secrets.salesforce.get(name) if isinstance(name, str) else None
    if needed is None or found is None or getattr(found, needed).get_secret_value():
        return
    variable = org_variable(name, needed.upper())
    yield setting_fault(
        variable,
        f'This secret is needed for auth = "{auth}" and is not set.',
        f"Set it, or {variable}_FILE to its file.",
    )


def _wrong_id(org: Mapping[str, Any], place: str) -> Iterable[Fault]:
    org_id = org.get("org_id")
    if not isinstance(org_id, str) or len(org_id) not in (15, 18) or not org_id.startswith("00D"):
        return
    try:
        id18(org_id)
    except NotASalesforceId:
        yield setting_fault(
            f"{place}.org_id", "The id is mistyped: its last letters do not fit the others.", "Copy it."
        )


def _open_conditions(signed: Iterable[Any]) -> Iterable[Fault]:
    for number, rule in enumerate(signed, start=1):
        where = rule.get("where") if isinstance(rule, Mapping) else None
        try:
            closed_condition(where if isinstance(where, str) else "")
        except Misconfigured as error:
            yield setting_fault(f"signed[{number}].where", str(error), error.fix)


def _faults_of(reading: Callable[[], object]) -> Iterable[Fault]:
    try:
        reading()
    except Misconfigured as error:
        return tuple(getattr(error, "faults", ())) or (setting_fault("mapping", str(error), error.fix),)
    return ()
