"""The tables of turns: who may change something on a platform that counts our changes; see `store/paced_changes.py`."""

from __future__ import annotations

import sqlalchemy as sa

from connector.store.metadata import id_column, metadata
from connector.store.types import UtcDateTime

paced_platforms = sa.Table(
    "paced_platforms",
    metadata,
    sa.Column("name", sa.String(120), primary_key=True),
    sa.Column("next_turn_at", UtcDateTime),
)

paced_changes = sa.Table(
    "paced_changes",
    metadata,
    id_column(),
    sa.Column("name", sa.String(120), sa.ForeignKey("paced_platforms.name"), nullable=False),
    sa.Column("key", sa.String(200), nullable=False),
    sa.Column("entity", sa.String(200), nullable=False),
    sa.Column("due_at", UtcDateTime, nullable=False),
    # None while the change waits for its turn.
    sa.Column("made_at", UtcDateTime),
    sa.Index(None, "name", "made_at"),
    sa.Index(None, "name", "key"),
    sa.Index(None, "name", "due_at"),
)
