"""Completeness: which mapping read an order, merged accounts, and the rows of ours that Salesforce keeps a copy of."""

import sqlalchemy as sa
from alembic import op

from connector.store.types import ExactJson, UtcDateTime

revision = "0009"
down_revision = "0008"

# SQLite counts only an INTEGER primary key up by itself.
ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


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
    op.create_table(
        "mirror_rows",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("org_id", sa.String(length=18), nullable=False),
        sa.Column("object", sa.String(length=80), nullable=False),
        sa.Column("key", sa.String(length=80), nullable=False),
        sa.Column("wanted", ExactJson(), nullable=False),
        sa.Column("is_owed", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.Column("wanted_at", UtcDateTime(), nullable=False),
        sa.Column("written_at", UtcDateTime(), nullable=True),
        sa.Column("not_before", UtcDateTime(), nullable=True),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("code", sa.Text(), server_default="", nullable=False),
        sa.Column("message", sa.Text(), server_default="", nullable=False),
        sa.Column("claimed_by", sa.Text(), server_default="", nullable=False),
        sa.Column("claimed_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mirror_rows")),
        sa.UniqueConstraint("org_id", "object", "key", name=op.f("uq_mirror_rows_org_id_object_key")),
    )
    with op.batch_alter_table("mirror_rows", schema=None) as batch_op:
        batch_op.create_index("ix_mirror_rows_is_owed_not_before", ["is_owed", "not_before"], unique=False)
    op.create_table(
        "api_calls",
        sa.Column("org_id", sa.String(length=18), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("purpose", sa.String(length=20), nullable=False),
        sa.Column("calls", sa.Integer(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("org_id", "day", "purpose", name=op.f("pk_api_calls")),
    )
    op.create_table(
        "api_budgets",
        sa.Column("org_id", sa.String(length=18), nullable=False),
        sa.Column("used", sa.Integer(), server_default="0", nullable=False),
        sa.Column("limit", sa.Integer(), server_default="0", nullable=False),
        sa.Column("told_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("org_id", name=op.f("pk_api_budgets")),
    )
