"""What was asked to be looked at again, by whom, and what was found then."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from connector.store.tables import resyncs
from connector.store.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True)
class StoredResync:
    """One Resync as asked."""

    asked: dict[str, Any]
    is_dry_run: bool
    found: tuple[dict[str, Any], ...]
    created_at: datetime


def save(
    *,
    work: UnitOfWork,
    token: str,
    actor: str,
    asked: Mapping[str, Any],
    is_dry_run: bool,
    found: Sequence[Mapping[str, Any]],
    now: datetime,
) -> None:
    """Keep a Resync."""
    work.execute(
        resyncs.insert().values(
            token=token, actor=actor, asked=dict(asked), is_dry_run=is_dry_run, found=list(found), created_at=now
        )
    )


def load(*, work: UnitOfWork, token: str) -> StoredResync | None:
    """The Resync of that token, or None."""
    row = work.execute(sa.select(resyncs).where(resyncs.c.token == token)).one_or_none()
    return None if row is None else StoredResync(row.asked, row.is_dry_run, tuple(row.found), row.created_at)
