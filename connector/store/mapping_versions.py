"""Every mapping that ever read an order here, as settings, so that an order can be explained years later."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from connector.store.inserting import insert_ignore
from connector.store.tables import orders
from connector.store.tables_completeness import mapping_versions
from connector.store.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True)
class MappingVersion:
    """One version: since when, by which release of ours, and how many orders it read."""

    version: str
    release: str
    first_used_at: datetime
    orders: int


def save(*, work: UnitOfWork, version: str, settings: Mapping[str, Any], release: str, now: datetime) -> None:
    """Keep the settings of a version; one that is known stays as it is."""
    row = {"version": version, "settings": settings, "release": release, "first_used_at": now}
    work.execute(insert_ignore(work, mapping_versions).values(**row))


def load_settings(*, connection: Connection, version: str) -> dict[str, Any] | None:
    """The settings of that version, None when it was never used here."""
    query = sa.select(mapping_versions.c.settings).where(mapping_versions.c.version == version)
    found: dict[str, Any] | None = connection.execute(query).scalar_one_or_none()
    return found


def list_versions(*, connection: Connection) -> tuple[MappingVersion, ...]:
    """All versions, the newest first."""
    read = sa.select(sa.func.count()).where(orders.c.mapping_version == mapping_versions.c.version).scalar_subquery()
    query = sa.select(
        mapping_versions.c.version, mapping_versions.c.release, mapping_versions.c.first_used_at, read.label("orders")
    ).order_by(mapping_versions.c.first_used_at.desc(), mapping_versions.c.version)
    return tuple(
        MappingVersion(row.version, row.release, row.first_used_at, row.orders) for row in connection.execute(query)
    )
