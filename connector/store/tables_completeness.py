"""Completeness: which mapping read an order, merged accounts, and the rows of ours that Salesforce keeps a copy of."""

from __future__ import annotations

import sqlalchemy as sa

from connector.store.metadata import count_column, id_column, metadata, text_column
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

mirror_rows = sa.Table(
    "mirror_rows",
    metadata,
    id_column(),
    sa.Column("org_id", sa.String(18), nullable=False),
    # One of our own objects there: attempts, invoices.
    sa.Column("object", sa.String(80), nullable=False),
    # Our key, the external id of the row there; so writing twice makes one row.
    sa.Column("key", sa.String(80), nullable=False),
    sa.Column("wanted", ExactJson, nullable=False),
    sa.Column("is_owed", sa.Boolean, nullable=False, server_default=sa.true()),
    sa.Column("wanted_at", UtcDateTime, nullable=False),
    sa.Column("written_at", UtcDateTime),
    sa.Column("not_before", UtcDateTime),
    count_column("attempts"),
    text_column("code"),
    text_column("message"),
    text_column("claimed_by"),
    sa.Column("claimed_at", UtcDateTime),
    sa.UniqueConstraint("org_id", "object", "key"),
    sa.Index(None, "is_owed", "not_before"),
)

api_calls = sa.Table(
    "api_calls",
    metadata,
    sa.Column("org_id", sa.String(18), primary_key=True),
    sa.Column("day", sa.Date, primary_key=True),
    sa.Column("purpose", sa.String(20), primary_key=True),
    count_column("calls"),
)

api_budgets = sa.Table(
    "api_budgets",
    metadata,
    # What Salesforce last told of the day's calls, by everybody in the org.
    sa.Column("org_id", sa.String(18), primary_key=True),
    count_column("used"),
    count_column("limit"),
    sa.Column("told_at", UtcDateTime, nullable=False),
)
