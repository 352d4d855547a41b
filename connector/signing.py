"""From the settings to order forms: what counts as signed, whom we trust, how documents look; and what is wrong there.

Used by the composition root and by the judges of the settings; reads the certificates that are named, calls nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from pydantic import ValidationError

from connector.adapters.signing_docusign import DocusignLogin, DocusignProvider
from connector.config import Config
from connector.config_faults import setting_fault
from connector.config_order_forms import DocusignSettings, LayoutSettings, OrderFormSettings
from connector.config_secrets import Secrets
from connector.domain.form_readings import HEADER_NAMES, LINE_NAMES, is_known_name
from connector.domain.form_signatures import SigningPolicy
from connector.domain.form_states import NO_ORG, FormRules
from connector.errors import Fault, Misconfigured
from connector.order_forms.layouts import Layout
from connector.order_forms.limits import FormLimits
from connector.ports import Clock
from connector.ports_signing import SignatureProvider
from connector.usecases.form_settings import FormSettings

_SEE = "See [order_forms] in config.example.toml."


def form_settings(config: Config) -> FormSettings:
    """What the use cases need. Raises Misconfigured when a certificate cannot be read."""
    found = config.order_forms
    return FormSettings(
        rules=FormRules(found.required, found.signs_record, found.needed, found.may_stand_alone),
        policy=SigningPolicy(
            by_signature="signature" in found.signed_by,
            by_provider="provider" in found.signed_by,
            by_confirmation="confirmation" in found.signed_by,
            least_signatures=found.signatures,
            needs_revocation=found.needs_revocation,
        ),
        roots=tuple(root for file in found.trust for root in _roots(Path(file))),
        layouts=tuple(_layout(one) for one in found.layouts),
        attachments=found.attachments,
        limits=FormLimits(found.largest_file, found.most_pages, found.most_seconds, found.most_memory),
        sellers={entity.code: entity.name for entity in config.billing.entities},
        contact_name=found.contact_name,
        contact_email=found.contact_email,
        inbox=found.inbox,
    )


def signature_providers(*, config: Config, clock: Clock) -> dict[str, SignatureProvider]:
    """The providers whose documents are fetched, by name; nothing is called."""
    found = config.docusign
    if not found.is_on:
        return {}
    login = DocusignLogin(
        base_url=found.base_url,
        auth_url=found.auth_url,
        account_id=found.account_id,
        integration_key=found.integration_key,
        user_id=found.user_id,
        private_key=config.secrets.signing.docusign_private_key.get_secret_value(),
        record_field=found.record_field,
    )
    return {"docusign": DocusignProvider(login=login, clock=clock)}


def signing_faults(raw: Mapping[str, Any], secrets: Secrets) -> Iterable[Fault]:
    """Certificates that are none, names of values that do not exist, a watched folder that is not there."""
    yield from _docusign_faults(raw.get("docusign", {}), secrets)
    section = raw.get("order_forms", {})
    try:
        found = OrderFormSettings.model_validate(section)
    except ValidationError:
        return
    for file in found.trust:
        try:
            _roots(Path(file))
        except Misconfigured as error:
            yield setting_fault("order_forms.trust", str(error), error.fix)
    for name in found.needed:
        if name not in HEADER_NAMES:
            yield setting_fault("order_forms.needed", "This value does not exist.", _choice(HEADER_NAMES))
    for layout in found.layouts:
        yield from _layout_faults(layout)
    yield from _stand_alone_faults(found, raw.get("salesforce"))
    if found.inbox and not Path(found.inbox).is_dir():
        yield setting_fault("order_forms.inbox", "There is no such folder.", "Make it, or correct the path.")


def _stand_alone_faults(found: OrderFormSettings, salesforce: Any) -> Iterable[Fault]:
    """Documents without a record must not go to whichever org comes first."""
    tables = salesforce if isinstance(salesforce, list) else [salesforce or {}]
    names = [str(one.get("name", "default")) for one in tables if isinstance(one, Mapping)]
    place, choice = "order_forms.stand_alone_org", f"Use one of: {', '.join(names)}, none. {_SEE}"
    if found.stand_alone_org and found.stand_alone_org not in (*names, NO_ORG):
        yield setting_fault(place, "There is no such org.", choice)
    elif found.may_stand_alone and not found.stand_alone_org and len(names) > 1:
        yield setting_fault(place, "Several orgs are connected, and nothing says whose such documents are.", choice)


def _docusign_faults(table: Any, secrets: Secrets) -> Iterable[Fault]:
    try:
        found = DocusignSettings.model_validate(table)
    except ValidationError:
        return
    parts = (found.base_url, found.account_id, found.integration_key, found.user_id)
    if any(parts) and not all(parts):
        message = "needs base_url, account_id, integration_key and user_id together."
        yield setting_fault("docusign", message, "Give all four, or none when no documents are fetched.")
    if found.is_on and not secrets.signing.docusign_private_key.get_secret_value():
        name = "COUNTERSIGN_DOCUSIGN_PRIVATE_KEY"
        yield setting_fault(name, "This secret is needed to fetch documents.", f"Set it, or {name}_FILE to its file.")


def _layout_faults(layout: LayoutSettings) -> Iterable[Fault]:
    place = f"order_forms.layouts.{layout.name}"
    if set(layout.labels) - set(HEADER_NAMES):
        yield setting_fault(f"{place}.labels", "names a value that does not exist.", _choice(HEADER_NAMES))
    if set(layout.columns) - set(LINE_NAMES):
        yield setting_fault(f"{place}.columns", "names a value that does not exist.", _choice(LINE_NAMES))
    if not all(is_known_name(name) for name in layout.fields.values()):
        yield setting_fault(f"{place}.fields", "names a value that does not exist.", _choice(HEADER_NAMES))


def _choice(names: Iterable[str]) -> str:
    return f"Use one of: {', '.join(names)}. {_SEE}"


def _layout(found: LayoutSettings) -> Layout:
    return Layout(
        name=found.name,
        when=found.when,
        language=found.language,
        decimal=found.decimal,
        thousands=found.thousands,
        dates=found.dates,
        is_last_day=found.last_day,
        labels=found.labels,
        columns=found.columns,
        table_ends=found.table_ends,
        fields=found.fields,
        currency=found.currency,
    )


def _roots(file: Path) -> tuple[bytes, ...]:
    """The certificates of a file in PEM (one or many) or DER, as DER."""
    try:
        content = file.read_bytes()
    except OSError as error:
        message = f"The certificate {file} cannot be read: {error.strerror}."
        raise Misconfigured(message, fix="Correct the path or its permissions.") from error
    try:
        if b"-----BEGIN" in content:
            found = x509.load_pem_x509_certificates(content)
        else:
            found = [x509.load_der_x509_certificate(content)]
    except ValueError as error:
        message = f"{file} holds no certificate."
        raise Misconfigured(message, fix="Name a file with certificates in PEM or DER.") from error
    return tuple(one.public_bytes(Encoding.DER) for one in found)
