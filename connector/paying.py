"""From the settings to a payment provider: which one, and what must not be mixed up.

Used by the composition root and by the judges of the settings; nothing is called.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

from pydantic import ValidationError

from connector.adapters.payments_airwallex import AirwallexPayments
from connector.adapters.payments_airwallex_calls import AirwallexSettings
from connector.adapters.payments_airwallex_world import require_right_world
from connector.adapters.payments_embedded import EmbeddedPayments
from connector.config import Config
from connector.config_faults import setting_fault
from connector.config_payments import AirwallexSection, is_this_machine
from connector.config_secrets import Secrets
from connector.errors import Fault, Misconfigured
from connector.ports import Clock
from connector.ports_payments import PaymentProvider
from connector.store.embedded_payments import EmbeddedPaymentStore
from connector.store.unit_of_work import Database

_API_KEY = "COUNTERSIGN_AIRWALLEX_API_KEY"


def payment_provider(*, config: Config, database: Database, clock: Clock) -> PaymentProvider | None:
    """The provider of the settings, None when nobody takes money by link."""
    if config.payments.provider == "airwallex":
        return AirwallexPayments(settings=_settings(config), clock=clock)
    return embedded_provider(config=config, database=database, clock=clock)


def embedded_provider(*, config: Config, database: Database, clock: Clock) -> EmbeddedPayments | None:
    """The embedded provider, None unless the settings name it."""
    if config.payments.provider != "embedded":
        return None
    rows = EmbeddedPaymentStore(database)
    return EmbeddedPayments(rows=rows, clock=clock, base_url=config.web.base_url.rstrip("/"))


def payment_faults(raw: Mapping[str, Any], secrets: Secrets) -> Iterable[Fault]:
    """What is wrong between the sections: a provider without its account, play money that would look real."""
    provider = _table(raw, "payments").get("provider", "none")
    if provider == "embedded":
        yield from _embedded_faults(str(_table(raw, "web").get("base_url", "http://127.0.0.1")))
    if provider == "airwallex":
        yield from _airwallex_faults(_table(raw, "airwallex"), secrets)


def _embedded_faults(base_url: str) -> Iterable[Fault]:
    """Whoever opens the embedded pay page can mark an invoice as paid, so nobody outside may reach it."""
    if not is_this_machine(urlsplit(base_url).hostname or ""):
        yield setting_fault(
            "payments.provider",
            'The provider "embedded" moves no money and marks invoices as paid, but [web] base_url is reachable.',
            'Use it on this machine only (base_url with 127.0.0.1), or set provider to "airwallex" or "none".',
        )


def _airwallex_faults(table: Mapping[str, Any], secrets: Secrets) -> Iterable[Fault]:
    if not table.get("client_id"):
        yield setting_fault("airwallex.client_id", "This key is needed.", "Copy it from the Airwallex web app.")
    if not secrets.airwallex.api_key.get_secret_value():
        message = 'This secret is needed for [payments] provider = "airwallex" and is not set.'
        yield setting_fault(_API_KEY, message, f"Set it, or {_API_KEY}_FILE to its file.")
    try:
        section = AirwallexSection.model_validate(table)
        require_right_world(host=urlsplit(section.base_url).hostname or "", is_live=section.live)
    except ValidationError:
        # Told with its place by the reader of the sections.
        return
    except Misconfigured as error:
        yield setting_fault("airwallex.live", str(error), error.fix)


def _settings(config: Config) -> AirwallexSettings:
    section = config.airwallex
    return AirwallexSettings(
        base_url=section.base_url,
        client_id=section.client_id,
        api_key=config.secrets.airwallex.api_key.get_secret_value(),
        api_version=section.api_version,
        login_as=section.login_as,
        on_behalf_of=section.on_behalf_of,
        paths=section.paths.model_dump(),
    )


def _table(raw: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = raw.get(name, {})
    return found if isinstance(found, Mapping) else {}
