"""Completeness: which mapping read an order, what was looked at in Salesforce, rows of the log that we keep there."""

from __future__ import annotations

import sqlalchemy as sa

from connector.store.metadata import metadata, text_column
from connector.store.types import ExactJson, UtcDateTime

mapping_versions = sa.Table(
    "mapping_versions",
    metadata,
    # The same settings have the same version, in every process and org.
    sa.Column("version", sa.String(40), primary_key=True),
    sa.Column("settings", ExactJson, nullable=False),
    text_column("release"),
    sa.Column("first_used_at", UtcDateTime, nullable=False),
)

account_merges = sa.Table(
    "account_merges",
    metadata,
    sa.Column("org_id", sa.String(18), primary_key=True),
    sa.Column("loser_id", sa.String(18), primary_key=True),
    sa.Column("winner_id", sa.String(18), nullable=False),
    # The account under which we go on to know the customer; empty when both were customers already.
    text_column("kept_id"),
    sa.Column("merged_at", UtcDateTime, nullable=False),
    sa.Column("seen_at", UtcDateTime, nullable=False),
    sa.Index(None, "org_id", "winner_id"),
)
