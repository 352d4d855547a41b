"""From the settings to Stigg as entitlement platform, and what its settings lack.

Used by the composition root and by the judges of the settings; nothing is called.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

from connector.adapters.entitlements_stigg import StiggPlatform
from connector.adapters.stigg_calls import StiggAccount, StiggCalls
from connector.config import Config
from connector.config_faults import setting_fault
from connector.config_secrets import Secrets
from connector.domain.pacing import Pace
from connector.errors import Fault
from connector.ports import Clock
from connector.store.paced_changes import PacedChanges
from connector.store.unit_of_work import Database

_API_KEY = "COUNTERSIGN_STIGG_API_KEY"
# Stigg answers fewer questions about usage history a minute than any others; they count by themselves.
_HISTORY = Pace(in_all=250, of_one=250, window=timedelta(seconds=62))


def stigg_platform(*, config: Config, database: Database, clock: Clock) -> StiggPlatform:
    """Stigg by these settings; every process with this database shares the same turns."""
    account = StiggAccount(
        base_url=config.stigg.base_url,
        api_key=config.secrets.stigg.api_key.get_secret_value(),
        read_seconds=config.stigg.timeout,
    )
    return StiggPlatform(
        StiggCalls(
            account=account,
            turns=PacedChanges(database, name="stigg"),
            history_turns=PacedChanges(database, name="stigg usage history", pace=_HISTORY),
            clock=clock,
        ),
        writes_prices=config.stigg.prices,
    )


def granting_faults(raw: Mapping[str, Any], secrets: Secrets) -> Iterable[Fault]:
    """What Stigg needs and nobody set."""
    section = raw.get("entitlements", {})
    if not isinstance(section, Mapping) or section.get("platform") != "stigg":
        return
    if not secrets.stigg.api_key.get_secret_value():
        message = 'This secret is needed for [entitlements] platform = "stigg" and is not set.'
        yield setting_fault(_API_KEY, message, f"Set it, or {_API_KEY}_FILE to its file.")
    if section.get("plans"):
        message = "Plans in this file are those of the embedded platform; Stigg has its own."
        yield setting_fault("entitlements.plans", message, "Remove them, or set platform to embedded.")
