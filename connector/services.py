"""What the shell needs at hand: settings, database, clock, the outside, and how to start durable work.

Made once per process by `bootstrap`, read everywhere by name; `current_services()` finds it inside a Flask request. It
holds parts and does nothing with them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, cast

from flask import current_app

from connector.config import Config
from connector.ports import Clock, EntitlementPlatform, RecordMapping, SalesforceGateway
from connector.store.unit_of_work import Database


class SignedRule(Protocol):
    """One [[signed]] rule of the configuration, as `mappings.signed` reads it."""

    object: str
    field: str
    where: str
    fire: str


class StartsWork(Protocol):
    """Starts a durable run inside a caller's transaction."""

    def start(self, *, connection: Any, name: str, run_id: str, argument: str) -> None:
        """Start one run as part of the transaction of that connection."""


@dataclass(frozen=True, slots=True)
class Org:
    """One Salesforce org: its id (18 characters), its gateway, how its records are read, what signed means there."""

    org_id: str
    name: str
    gateway: SalesforceGateway
    mappings: Mapping[str, RecordMapping]
    rules: Mapping[str, tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Services:
    """The parts of one process. `orgs` is keyed by org id."""

    config: Config
    database: Database
    clock: Clock
    starter: StartsWork
    orgs: Mapping[str, Org]
    platform: EntitlementPlatform


def current_services() -> Services:
    """The services of the Flask application that serves this request."""
    return cast(Services, current_app.extensions["countersign"])
