"""Delivery of documents to customers, and people who sign in by OIDC."""

import sqlalchemy as sa
from alembic import op

from connector.store.types import UtcDateTime

revision = "0007"
down_revision = "0006"

# SQLite counts only an INTEGER primary key up by itself.
ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Safe while the previous release runs: it knows none of these tables."""
    _login_provider()
    _sales()


def _login_provider() -> None:
    op.create_table(
        "oidc_identities",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("user_id", ID, nullable=False),
        sa.Column("issuer", sa.String(length=500), nullable=False),
        sa.Column("subject", sa.String(length=255), nullable=False),
        sa.Column("shown_name", sa.Text(), server_default="", nullable=False),
        sa.Column("email", sa.Text(), server_default="", nullable=False),
        sa.Column("first_seen_at", UtcDateTime(), nullable=False),
        sa.Column("last_seen_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_oidc_identities_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_oidc_identities")),
        sa.UniqueConstraint("issuer", "subject", name=op.f("uq_oidc_identities_issuer_subject")),
        sa.UniqueConstraint("user_id", name=op.f("uq_oidc_identities_user_id")),
    )
    op.create_table(
        "oidc_logins",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("state_hash", sa.String(length=64), nullable=False),
        sa.Column("nonce", sa.Text(), server_default="", nullable=False),
        sa.Column("verifier", sa.Text(), server_default="", nullable=False),
        sa.Column("following", sa.Text(), server_default="", nullable=False),
        sa.Column("address", sa.String(length=60), nullable=False),
        sa.Column("started_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_oidc_logins")),
        sa.UniqueConstraint("state_hash", name=op.f("uq_oidc_logins_state_hash")),
    )
    op.create_index(op.f("ix_oidc_logins_address"), "oidc_logins", ["address"], unique=False)
    op.create_index(op.f("ix_oidc_logins_started_at"), "oidc_logins", ["started_at"], unique=False)


def _sales() -> None:
    op.create_table(
        "sale_claims",
        sa.Column("org_id", sa.String(length=18), nullable=False),
        sa.Column("sale_ref", sa.String(length=18), nullable=False),
        sa.Column("order_id", ID, nullable=False),
        sa.Column("claimed_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_sale_claims_order_id")),
        sa.PrimaryKeyConstraint("org_id", "sale_ref", name=op.f("pk_sale_claims")),
    )
