"""What this configuration takes for granted of the outside, gathered from settings, mapping and signed rules.

Exists so that `check` and the health page get plain values and need not know the mapping language. It must not call
anything; the settings must be free of faults.
"""

from __future__ import annotations

from collections.abc import Sequence

from connector.config import Config, WritebackSettings
from connector.config_secrets import secret_problems
from connector.domain.assumptions import Assumptions, StatusField
from mappings.config import MappingConfig
from mappings.signed import SignedRule
from mappings.uses import INVOICE_FORMS, LOG_FORMS, catalogue_uses, field_uses, plan_refs, signed_uses, status_forms
from mappings.writeback import money_names, status_names


def assumptions_of(config: Config, *, mapping: MappingConfig, rules: Sequence[SignedRule]) -> Assumptions:
    """Everything that must hold outside for these settings to work."""
    shown = config.writeback
    return Assumptions(
        fields=field_uses(mapping),
        signed=signed_uses(rules),
        status_fields=_shown_fields(shown),
        rows={
            name: forms
            for name, forms in ((shown.log_object, LOG_FORMS), (shown.invoice_object, INVOICE_FORMS))
            if name
        },
        catalogues=catalogue_uses(mapping),
        plan_refs=plan_refs(mapping),
        secrets=secret_problems(config.secrets) | _payment_secrets(config),
        base_url=config.web.base_url,
        mail_folder=config.mail.folder if config.mail.transport == "folder" else "",
        payment_currencies=config.payments.currencies,
        is_money_real=config.payments.provider == "airwallex" and config.airwallex.live,
    )


def _shown_fields(shown: WritebackSettings) -> dict[str, tuple[StatusField, ...]]:
    """The fields that are written on each object: the status, money, or both."""
    status = status_forms(status_names(prefix=shown.prefix, renamed=shown.fields))
    money = status_forms(money_names(prefix=shown.prefix, renamed=shown.fields))
    names = dict.fromkeys((*shown.objects, *shown.money))
    return {name: (status if name in shown.objects else ()) + (money if name in shown.money else ()) for name in names}


def _payment_secrets(config: Config) -> dict[str, str]:
    """The secret by which Airwallex signs, which only its own account needs."""
    if config.payments.provider != "airwallex":
        return {}
    is_set = bool(config.secrets.airwallex.webhook_secrets)
    told = "" if is_set else "It is not set, so no event is accepted and only the daily poll finds money."
    return {"COUNTERSIGN_AIRWALLEX_WEBHOOK_SECRETS": told}
