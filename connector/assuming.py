"""What this configuration takes for granted of the outside, gathered from settings, mapping and signed rules.

Exists so that `check` and the health page get plain values and need not know the mapping language. It must not call
anything; the settings must be free of faults.
"""

from __future__ import annotations

from collections.abc import Sequence

from connector.config import Config
from connector.config_secrets import secret_problems
from connector.domain.assumptions import Assumptions
from mappings.config import MappingConfig
from mappings.signed import SignedRule
from mappings.uses import catalogue_uses, field_uses, plan_refs, signed_uses, status_forms
from mappings.writeback import status_names


def assumptions_of(config: Config, *, mapping: MappingConfig, rules: Sequence[SignedRule]) -> Assumptions:
    """Everything that must hold outside for these settings to work."""
    shown = config.writeback
    status = status_forms(status_names(prefix=shown.prefix, renamed=shown.fields))
    return Assumptions(
        fields=field_uses(mapping),
        signed=signed_uses(rules),
        status_fields=dict.fromkeys(shown.objects, status),
        catalogues=catalogue_uses(mapping),
        plan_refs=plan_refs(mapping),
        secrets=secret_problems(config.secrets),
        base_url=config.web.base_url,
    )
