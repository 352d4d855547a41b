"""Completeness: which mapping read an order, what was looked at in Salesforce, rows of the log that we keep there."""

import sqlalchemy as sa
from alembic import op

from connector.store.types import ExactJson, UtcDateTime

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Safe while the previous release runs: it knows none of these tables."""
    op.create_table(
        "mapping_versions",
        sa.Column("version", sa.String(length=40), nullable=False),
        sa.Column("settings", ExactJson(), nullable=False),
        sa.Column("release", sa.Text(), server_default="", nullable=False),
        sa.Column("first_used_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("version", name=op.f("pk_mapping_versions")),
    )
    op.create_table(
        "account_merges",
        sa.Column("org_id", sa.String(length=18), nullable=False),
        sa.Column("loser_id", sa.String(length=18), nullable=False),
        sa.Column("winner_id", sa.String(length=18), nullable=False),
        sa.Column("kept_id", sa.Text(), server_default="", nullable=False),
        sa.Column("merged_at", UtcDateTime(), nullable=False),
        sa.Column("seen_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("org_id", "loser_id", name=op.f("pk_account_merges")),
    )
    with op.batch_alter_table("account_merges", schema=None) as batch_op:
        batch_op.create_index("ix_account_merges_org_id_winner_id", ["org_id", "winner_id"], unique=False)
